"""Rows: canonical bytes, frozen, closed; refusals that never quote; funnels that add up."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput, MissingInput, RowsUnaccounted
from canvas_pipeline.records import Funnel, Message, Refusal, digest, dumps, funnel, read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.rows import BenchCase, Item, Trajectory, Vote, item_id  # fmt: skip

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
MESSAGES = st.builds(
    Message, role=st.sampled_from(["system", "user", "assistant", "tool"]), content=TEXT, name=st.none() | TEXT
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
CASES = st.builds(
    BenchCase, id=TEXT, kind=st.sampled_from(["single", "several", "none", "follow_up"]), messages=st.tuples(MESSAGES),
    expected_tools=st.tuples(TEXT), expected_args=st.tuples(st.dictionaries(TEXT, JSON, max_size=3)), tools=st.tuples(TEXT),
    phrasing=TEXT, item_ids=st.tuples(TEXT),
)  # fmt: skip


@given(CASES)
def test_a_row_survives_its_bytes_and_the_bytes_are_canonical(row: BenchCase) -> None:
    raw = dumps(row)
    again = msgspec.json.decode(raw, type=BenchCase)
    assert again == row and dumps(again) == raw and b"\n" not in raw


@given(st.dictionaries(TEXT, JSON, max_size=5))
def test_the_order_of_keys_does_not_change_the_bytes(value: dict[str, Any]) -> None:
    assert dumps(value) == dumps(dict(reversed(value.items())))


@given(rows=st.lists(CASES, max_size=4))
def test_a_file_gives_back_its_rows(rows: list[BenchCase], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("rows") / "rows.jsonl"
    assert write_jsonl(path, rows) == len(rows)
    assert list(read_jsonl(path, BenchCase)) == rows


def test_a_row_is_frozen_and_closed() -> None:
    message = Message(role="user", content="x")
    with pytest.raises(AttributeError):
        message.content = "y"  # type: ignore[misc]
    with pytest.raises(msgspec.ValidationError, match="unknown field"):
        msgspec.convert({"role": "user", "content": "x", "extra": 1}, Message)


SECRET = "Ada Lovelace 21936"


@pytest.mark.parametrize(
    "line",
    [
        f'{{"role": "{SECRET}", "content": ""}}',
        f'{{"role": "user", "content": {{"{SECRET}": 1}}}}',
        f'{{"role": "user", "{SECRET}": 1}}',
        f'{{"{SECRET}',
        f'"{SECRET}"',
        SECRET,
    ],
)
def test_a_line_that_is_no_row_is_named_by_file_and_number_and_never_quoted(line: str, tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text('{"role":"user","content":"fine"}\n\n' + line + "\n")
    with pytest.raises(BadInput) as bad:
        list(read_jsonl(path, Message))
    assert f"{path}:3" in str(bad.value) and "Ada" not in str(bad.value) and "21936" not in str(bad.value)


@pytest.mark.parametrize(
    "raw",
    [b"\xff\xfe\n", b'{"role":"user","content":"\xc3"}\n', b"\0\0\n", b"[" * 100_000 + b"\n", b'{"a":' * 5000 + b"\n"],
)
def test_hostile_bytes_are_bad_input_and_nothing_else(raw: bytes, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(raw)
    with pytest.raises(BadInput, match=r"rows\.jsonl:1"):
        list(read_jsonl(tmp_path / "rows.jsonl", Message))


def test_a_file_that_is_not_there_says_what_to_materialise(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="materialise"):
        list(read_jsonl(tmp_path / "no.jsonl", Message))


@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, min_size=1, max_size=4))
def test_a_digest_tells_the_borders_of_its_parts(a: list[str], b: list[str]) -> None:
    assert (digest(*a) == digest(*b)) == (a == b)


def test_lone_surrogates_have_a_digest() -> None:
    assert digest("\ud800") != digest("\udfff")


@given(TEXT, TEXT)
def test_an_item_id_is_twelve_hex_characters_of_type_title_and_course(title: str, course: str) -> None:
    found = item_id("ASGN", title, course)
    assert found == digest("ASGN", title, course)[:12] and len(found) == 12 and int(found, 16) >= 0


@given(st.integers(0, 50), st.integers(0, 50), st.lists(st.sampled_from(["a", "b"]), max_size=20))
def test_a_funnel_adds_up_or_raises(kept: int, merged: int, reasons: list[str]) -> None:
    refusals = [Refusal(source="x", line=n, reason=reason) for n, reason in enumerate(reasons)]
    total = kept + merged + len(reasons)
    found = funnel("s", total, kept, refusals, merged)
    assert sum(found.refused.values()) == len(reasons) and list(found.refused) == sorted(found.refused)
    assert found.retained == (1.0 if total == 0 else (kept + merged) / total)
    with pytest.raises(RowsUnaccounted):
        funnel("s", total + 1, kept, refusals, merged)


@pytest.mark.parametrize(
    "value, type_",
    [
        ({"role": "teacher", "content": ""}, Message),
        ({"pair_id": "", "presentation": "ba2", "winner": "A", "teacher": "", "prompt_sha256": ""}, Vote),
        ({"id": "x"}, Trajectory),
        ({"id": 3}, Item),
        ({"stage": "s", "rows_in": "3", "kept": 1}, Funnel),
    ],
)
def test_a_line_of_another_shape_is_bad_input(value: dict[str, Any], type_: Any, tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_bytes(dumps(value) + b"\n")
    with pytest.raises(BadInput, match=rf"not a {type_.__name__} row"):
        list(read_jsonl(tmp_path / "rows.jsonl", type_))


@pytest.mark.parametrize(
    ("raw", "hint"),
    [
        (gzip.compress(b"{}\n", mtime=0), "packed with gzip"),
        ("{}\n".encode("utf-16"), "UTF-16"),
        ("{}\n".encode("utf-8-sig"), "byte-order mark"),
        (b"[{},\n{}]", "JSON array"),
    ],
)
def test_a_file_in_another_format_is_recognised(tmp_path: Path, raw: bytes, hint: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(raw)
    with pytest.raises(BadInput, match=hint):
        list(read_jsonl(path, Item))
