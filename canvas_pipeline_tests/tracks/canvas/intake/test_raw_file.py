"""How a file is opened: arrays and gzip are read like lines, within the same limits, and hashed as they are read."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadInput, InputChanged
from canvas_pipeline.privacy.contributor_id import all_invented, contributor_of, in_folder
from canvas_pipeline.privacy.quarantine import FREE_RATIO
from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import CourseSnapshot, lines
from canvas_pipeline.tracks.canvas.intake.stream.contributors import write_into
from canvas_pipeline.tracks.canvas.intake.stream.ingest import ingest
from canvas_pipeline_tests.tracks.canvas.intake.contributions import COURSE, course_line, read

KEY = b"a key for tests only"
RECORD = json.dumps({**COURSE, "course_name": 'Sets ] , { and "quotes\\" [1]'}, indent=1).encode()


def put(folder: Path, data: bytes, name: str = "zed-001.jsonl") -> Path:
    path = folder / name
    path.write_bytes(data)
    return path


def reasons(path: Path) -> list[str | None]:
    return [found.reason if isinstance(found, Refusal) else None for found in read(path)]


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (b"[" + RECORD + b"]", [None]),
        (b"\xef\xbb\xbf\n [\n" + RECORD + b",\n" + RECORD + b"\n]\n\n", ["blank", None, None, "blank"]),
        (b"[" + RECORD + b"]\n[" + RECORD + b"]", [None, None]),
        (b"[" + RECORD + b"][" + RECORD + b"]", [None, None]),
        (b"[" + RECORD + b"]\n" + course_line(), [None, None]),
        (b"[]", []),
        (b"[" + RECORD + b",]", [None]),
        (b"[" + RECORD + b", 7, null]", [None, "not_an_object", "not_an_object"]),
        (b"[" + RECORD + b"\n" + RECORD + b"]", ["several_objects_on_line"]),
        (b"[" + RECORD + b"," + RECORD[:90], [None, "malformed_json", "cut_off"]),
        (b"[[" + RECORD.replace(b"\n", b"") + b"]]", ["not_an_object"]),
        (b"[1, 2]\n" + course_line(), ["not_an_object", None]),
        (b"[{\0},{}]", ["nul_byte", "wrong_type"]),
    ],
)
def test_the_elements_of_an_array_are_read_as_lines_are(
    tmp_path: Path, data: bytes, expected: list[str | None]
) -> None:
    assert reasons(put(tmp_path, data)) == expected
    assert reasons(put(tmp_path, gzip.compress(data), "zed-001.jsonl.gz")) == expected


def test_an_element_is_named_by_its_line_and_a_huge_one_is_not_held(tmp_path: Path) -> None:
    path = put(
        tmp_path, b"[\n\n" + course_line() + b",\n\n {" + b'"x": "' + b"y" * 5000 + b'"},\n' + course_line() + b"]"
    )
    found = [entry for batch in lines(path, max_line=2000) for entry in batch]
    assert [number for number, _ in found] == [3, 5, 6] and found[1][1] == "line_too_long"


@pytest.mark.parametrize("piece", [(1 << 16) - 1, 1 << 16, (1 << 16) + 1])
def test_a_string_that_runs_over_two_pieces_keeps_its_escapes(tmp_path: Path, piece: int) -> None:
    name = "a" * (piece - 60) + '\\"],[' * 40
    path = put(tmp_path, b"[" + json.dumps({**COURSE, "course_name": name}).encode() + b"]")
    (record,) = read(path)
    assert isinstance(record, CourseSnapshot) and record.course_name == name


def test_a_damaged_archive_keeps_what_was_read_and_says_so(tmp_path: Path) -> None:
    whole = gzip.compress(b"".join(course_line(course_name=os.urandom(400).hex()) + b"\n" for _ in range(500)))
    found = reasons(put(tmp_path, whole[: len(whole) // 2], "zed-001.jsonl.gz"))
    assert found.count("damaged_gzip") == 1 and found[-1] == "damaged_gzip" and found.count(None) > 100


def test_an_archive_that_unpacks_to_far_more_than_text_does_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "zed-001.jsonl.gz"
    with gzip.open(path, "wb") as file:
        for _ in range((FREE_RATIO >> 20) + 8):
            file.write(b" " * (1 << 20) + b"\n")
    last = None
    for batch in lines(path):
        last = batch[-1][1]
    assert last == "gzip_bomb"


def test_the_hash_is_of_the_file_itself_packed_or_not(tmp_path: Path) -> None:
    for data in (course_line() + b"\n", gzip.compress(course_line()), b"[" + course_line() + b"]  \n", b""):
        digest = hashlib.sha256()
        list(lines(put(tmp_path, data), digest=digest))
        assert digest.hexdigest() == hashlib.sha256(data).hexdigest()


def test_a_file_that_changes_between_the_two_looks_gives_no_rows(tmp_path: Path) -> None:
    path = put(tmp_path, course_line() + b"\n")
    out = tmp_path / "out"
    out.mkdir()

    def sees(_: int) -> None:
        with path.open("ab") as file:
            file.write(course_line(course_code="MATH_1226_22222_202601") + b"\n")

    for expected, tick in (("0" * 64, None), (None, sees)):
        with pytest.raises(InputChanged, match="changed while it was read"):
            ingest(path, KEY, None, write_into(out), workers=1, sha256=expected, tick=tick)
    assert not list(out.iterdir())


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("ok.JSONL", "other_suffix"), ("ok.json", "other_suffix"), ("ok.ndjson", "other_suffix"), ("ok.json.gz", "other_suffix"),
        ("ok.csv", "other_format"), ("ok.ics", "other_format"), ("README.md", "other_suffix"), ("my export.jsonl", "unsafe_id"),
        ("...jsonl", None), ("caf\u00e9.jsonl", "unsafe_id"), ("sub", "is_folder"), ("x.jsonl", "is_folder"),
        ("pipe.jsonl", "not_a_file"), ("nowhere.jsonl", "not_a_file"), ("truth", None), (".hidden.jsonl", None),
    ],
)  # fmt: skip
def test_every_entry_of_a_folder_is_accepted_or_refused(tmp_path: Path, name: str, reason: str | None) -> None:
    put(tmp_path, course_line())
    path = tmp_path / name
    match name:
        case "sub" | "x.jsonl" | "truth":
            path.mkdir()
        case "pipe.jsonl":
            os.mkfifo(path)
        case "nowhere.jsonl":
            path.symlink_to(tmp_path / "gone")
        case _:
            path.write_bytes(b"")
    accepted, refused = in_folder(tmp_path)
    assert list(accepted) == ["zed-001"] and [file.reason for file in refused] == ([reason] if reason else [])


def test_an_archive_and_a_plain_file_of_one_name_are_twins(tmp_path: Path) -> None:
    put(tmp_path, course_line())
    assert list(in_folder(tmp_path)[0]) == ["zed-001"]
    put(tmp_path, gzip.compress(course_line()), "Zed-001.jsonl.gz")
    accepted, refused = in_folder(tmp_path)
    assert not accepted and {file.reason for file in refused} == {"duplicate_contributor"}


def test_a_real_contributor_in_an_archive_ends_that_all_are_invented(tmp_path: Path) -> None:
    put(tmp_path, course_line())
    (tmp_path / "truth").mkdir()
    put(tmp_path / "truth", b"", "zed-001.truth.jsonl")
    assert all_invented(tmp_path)
    put(tmp_path, gzip.compress(course_line()), "real-1.jsonl.gz")
    assert not all_invented(tmp_path) and all_invented(tmp_path, without="real-1")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz", "a.json", "a.JSONL.GZ", "a.ndjson"])
def test_an_id_is_the_name_without_its_suffix(name: str) -> None:
    assert contributor_of(Path("folder") / name) == "a"


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "zed-001.jsonl")
    with pytest.raises(BadInput, match="a pipe"):
        list(read(tmp_path / "zed-001.jsonl"))
