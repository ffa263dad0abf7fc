"""Every object of a file is read once, in order; what cannot be read is refused with its place."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.reading import Record, data_files, read_objects

TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=12)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**6), 10**6) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
OBJECTS = st.lists(st.dictionaries(TEXT, VALUE, max_size=4).map(lambda value: {"row": value}), max_size=12)
BETWEEN = st.sampled_from(["", " ", "\n", "\r\n", "\n\n \n", "\ufeff", "\n\ufeff", " \t"])
BROKEN = ('{"a": 1', '{"a": }', "{'a': 1}", '{"a": NaN}', "tail", '{"a": 1, "a": 2}', '{"a": "\\ud800"}', "[" * 30_000)


def values(found: list[Record | Refusal]) -> list[dict[str, Any]]:
    return [one.value for one in found if isinstance(one, Record)]


def read(folder: Path, content: str | bytes, name: str = "rows.jsonl") -> list[Record | Refusal]:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_objects(path))


@settings(max_examples=150, deadline=None)
@given(objects=OBJECTS, data=st.data())
def test_objects_come_back_in_order_however_they_are_laid_out(
    objects: list[dict[str, Any]], data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("layout")
    ascii_only, packed = data.draw(st.booleans()), data.draw(st.booleans())
    text = data.draw(BETWEEN)
    for value in objects:
        text += json.dumps(value, ensure_ascii=ascii_only) + data.draw(BETWEEN)
    raw = gzip.compress(text.encode()) if packed else text.encode()
    assert values(read(folder, raw)) == objects


@settings(max_examples=100, deadline=None)
@given(objects=OBJECTS, indent=st.sampled_from([None, 0, 2]), blank=st.sampled_from(["", "\n", "\ufeff", "\r\n"]))
def test_an_array_gives_its_objects(
    objects: list[dict[str, Any]], indent: int | None, blank: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    text = blank + json.dumps(objects, indent=indent) + blank
    assert values(read(tmp_path_factory.mktemp("array"), text)) == objects


@settings(max_examples=100, deadline=None)
@given(lines=st.lists(st.tuples(st.integers(0, 3), st.none() | st.sampled_from(BROKEN)), max_size=8))
def test_a_broken_tail_is_one_refusal_with_its_line_and_column(
    lines: list[tuple[int, str | None]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = '{"row": 1} '
    text = "\n".join(['{"row": 0}', *(good * count + (tail or "") for count, tail in lines)])
    found = read(tmp_path_factory.mktemp("broken"), text)
    refused = [one for one in found if isinstance(one, Refusal)]
    assert [one.line for one in refused] == [number for number, (_, tail) in enumerate(lines, 2) if tail]
    assert len(values(found)) == 1 + sum(count for count, _ in lines)
    for one in refused:
        start = len(good) * lines[one.line - 2][0]
        assert one.reason == "malformed_json" and int(one.detail.split()[1]) > start


@settings(max_examples=200, deadline=None)
@given(raw=st.binary(max_size=80))
def test_bytes_of_any_kind_are_refused_and_never_raise(raw: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    if not raw.startswith(b"PAR1"):
        read(tmp_path_factory.mktemp("bytes"), raw)


def test_places_count_from_one(tmp_path: Path) -> None:
    found = read(tmp_path, '{"a": 1}{"b": 2}\r\n\n  {"c": 3} x\n{"d": 4}')
    assert [(one.line, one.column) for one in found if isinstance(one, Record)] == [(1, 1), (1, 9), (3, 3), (4, 1)]
    assert Refusal(source="rows.jsonl", line=3, reason="malformed_json", detail="column 12") in found


def test_a_fault_in_an_array_is_one_refusal_at_its_place(tmp_path: Path) -> None:
    found = read(tmp_path, '[{"a": 1},\n {"b": 2},\n  {"c": oops},\n {"d": 4}]')
    assert values(found) == [{"a": 1}, {"b": 2}]
    assert found[2:] == [Refusal(source="rows.jsonl", line=3, reason="malformed_json", detail="column 9")]


def test_rows_that_record_an_error_are_no_answers(tmp_path: Path) -> None:
    found = read(tmp_path, '{"index": 7, "error": "timeout"}\n{"id": "a", "error": "x", "answer": "4"}\n[1]\n3')
    assert [one.reason if isinstance(one, Refusal) else "kept" for one in found] == [
        "error_row", "kept", "not_an_object", "not_an_object",
    ]  # fmt: skip


def test_a_line_that_is_no_utf8_costs_that_line_only(tmp_path: Path) -> None:
    found = read(tmp_path, b'{"a": 1}\n{"b": "\xff"}\n{"c": 3}\n')
    assert values(found) == [{"a": 1}, {"c": 3}]
    assert [one.reason for one in found if isinstance(one, Refusal)] == ["not_utf8"]


def test_a_file_cut_in_its_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    lines = "".join(json.dumps({"row": number, "text": f"{number * 7919}"}) + "\n" for number in range(20_000))
    packed = gzip.compress(lines.encode())
    found = read(tmp_path, packed[: len(packed) // 2], "rows.jsonl.gz")
    kept, last = values(found), found[-1]
    assert [value["row"] for value in kept] == list(range(len(kept))) and kept
    assert isinstance(last, Refusal) and last.reason == "gzip_broken"


def test_parquet_gives_its_rows(tmp_path: Path) -> None:
    import pyarrow
    from pyarrow import parquet

    rows = [{"id": str(number), "steps": ["/math(x)"] * (number % 3)} for number in range(2500)]
    parquet.write_table(pyarrow.Table.from_pylist(rows), tmp_path / "rows.parquet")
    found = list(read_objects(tmp_path / "rows.parquet"))
    assert values(found) == rows and isinstance(found[-1], Record) and found[-1].line == 2500
    cut = (tmp_path / "rows.parquet").read_bytes()[:-40]
    with pytest.raises(BadInput, match="broken Parquet"):
        read(tmp_path, cut, "cut.parquet")


def test_a_missing_file_and_a_folder_say_so(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such file"):
        list(read_objects(tmp_path / "nothing.jsonl"))
    with pytest.raises(BadInput, match="a folder"):
        list(read_objects(tmp_path))


def test_data_files_are_listed_by_name_and_other_files_and_folders_are_not(tmp_path: Path) -> None:
    names = ("b.jsonl.gz", "a.jsonl", "c.json", "d.json.gz", "e.parquet")
    for name in (*names, "notes.md", "a.jsonl.bak", "thresholds.yaml"):
        (tmp_path / name).touch()
    (tmp_path / "bench.json").mkdir()
    assert [path.name for path in data_files(tmp_path)] == sorted(names)
    assert data_files(tmp_path / "nothing") == []
