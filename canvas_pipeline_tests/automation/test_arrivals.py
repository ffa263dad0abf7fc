"""Which contributor files are chosen: complete ones, each content once, floods in portions."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from canvas_pipeline.automation import arrivals
from canvas_pipeline.automation.arrivals import AT_ONCE, Sightings, choose, from_cursor, scan, to_cursor

NOW = 1_800_000_000.0
LONG_AGO = NOW - 3600
CODE = "c0de"


def put(folder: Path, name: str, text: str, modified: float = LONG_AGO) -> Path:
    path = folder / f"{name}.jsonl"
    path.write_text(text)
    os.utime(path, (modified, modified))
    return path


def new_names(seen: Sightings) -> list[str]:
    return [name for name, sighting in seen.items() if sighting.is_new(CODE)]


def test_a_file_at_rest_is_new_at_the_first_scan(tmp_path: Path) -> None:
    put(tmp_path, "ada", "{}\n")
    assert new_names(scan(tmp_path, {}, NOW)) == ["ada"]


def test_other_code_of_the_intake_makes_every_contributor_new_once(tmp_path: Path) -> None:
    put(tmp_path, "ada", "{}\n")
    names, seen = choose(scan(tmp_path, {}, NOW), 0, CODE)
    assert names == ["ada"] and choose(seen, 0, CODE)[0] == []
    names, seen = choose(seen, 0, "0ther")
    assert names == ["ada"] and choose(seen, 0, "0ther")[0] == []


def test_a_file_just_written_waits_until_it_was_unchanged_for_a_while_by_our_clock(tmp_path: Path) -> None:
    put(tmp_path, "ada", "{}\n", NOW)
    first = scan(tmp_path, {}, NOW)
    assert new_names(first) == []
    assert new_names(scan(tmp_path, first, NOW + 1)) == []
    assert new_names(scan(tmp_path, first, NOW + 5)) == ["ada"]


def test_a_copy_that_pauses_in_the_middle_of_a_line_is_not_taken_for_whole(tmp_path: Path) -> None:
    put(tmp_path, "ada", '{"type": "course_sn')
    first = scan(tmp_path, {}, NOW)
    assert new_names(first) == []
    put(tmp_path, "ada", '{"type": "course_snapshot"}\n', NOW + 8)
    second = scan(tmp_path, first, NOW + 10)
    assert new_names(second) == []
    assert new_names(scan(tmp_path, second, NOW + 40)) == ["ada"]


def test_a_file_without_a_last_newline_is_taken_at_the_second_scan(tmp_path: Path) -> None:
    put(tmp_path, "ada", "{}")
    assert new_names(scan(tmp_path, scan(tmp_path, {}, NOW), NOW + 30)) == ["ada"]


@pytest.mark.parametrize("ahead", [86_400.0, -86_400.0])
def test_a_disk_whose_clock_is_wrong_delays_a_file_by_one_scan_at_most(tmp_path: Path, ahead: float) -> None:
    put(tmp_path, "ada", "{}\n", NOW + ahead)
    assert new_names(scan(tmp_path, scan(tmp_path, {}, NOW), NOW + 30)) == ["ada"]


def test_an_unchanged_file_is_not_read_again(tmp_path: Path) -> None:
    path = put(tmp_path, "ada", "{}\n")
    seen = scan(tmp_path, {}, NOW)
    path.chmod(0)  # changes the time of the change, so ...
    path.chmod(0o644)
    assert scan(tmp_path, seen, NOW)["ada"].sha256 == seen["ada"].sha256  # ... it is read again, to the same content
    unread = scan(tmp_path, {"ada": arrivals.Sighting(arrivals._stamp(path), 0.0, "remembered", "")}, NOW)
    assert unread["ada"].sha256 == "remembered"


def test_a_flood_is_taken_in_portions_and_each_once(tmp_path: Path) -> None:
    for n in range(200):
        put(tmp_path, f"c{n:03}", "{}\n")
    cursor, asked = None, []
    for tick in range(20):
        names, seen = choose(scan(tmp_path, from_cursor(cursor), NOW + 30 * tick), 0, CODE)
        assert len(names) <= AT_ONCE
        asked += names
        cursor = to_cursor(seen)
    assert sorted(asked) == [f"c{n:03}" for n in range(200)]


def test_with_a_full_queue_nobody_is_chosen_and_nobody_is_lost(tmp_path: Path) -> None:
    put(tmp_path, "ada", "{}\n")
    names, seen = choose(scan(tmp_path, {}, NOW), AT_ONCE, CODE)
    assert names == []
    assert choose(scan(tmp_path, seen, NOW), AT_ONCE - 1, CODE)[0] == ["ada"]


def test_what_cannot_be_read_blocks_nobody_and_is_taken_once_it_can(tmp_path: Path) -> None:
    (tmp_path / "ada.jsonl").symlink_to("/proc/self/mem")  # a regular file whose reading fails, whoever reads
    put(tmp_path, "bo", "{}\n")
    names, seen = choose(scan(tmp_path, {}, NOW), 0, CODE)
    assert (names, arrivals.unreadable(seen)) == (["bo"], ["ada"])
    (tmp_path / "ada.jsonl").unlink()
    put(tmp_path, "ada", "{}\n")
    assert new_names(scan(tmp_path, from_cursor(to_cursor(seen)), NOW + 30)) == ["ada"]


@pytest.mark.parametrize("cursor", [None, "", "{", '{"ada": "0f3c"}', "[]"])
def test_a_cursor_that_cannot_be_read_starts_anew(cursor: str | None) -> None:
    assert from_cursor(cursor) == {}


class Folder(RuleBasedStateMachine):
    """Any changes to a folder, with scans in between: every chosen file is complete and was not the last one chosen for its
    contributor; once nothing changes any more, every content has been chosen."""

    @initialize()
    def begin(self) -> None:
        self._temporary = tempfile.TemporaryDirectory()
        self.folder, self.now, self.cursor = Path(self._temporary.name), NOW, ""
        self.asked: dict[str, str] = {}
        self.writing: set[str] = set()

    def teardown(self) -> None:
        if hasattr(self, "_temporary"):
            self._temporary.cleanup()

    names = st.sampled_from(["ada", "bo", "cy"])

    @rule(name=names, text=st.sampled_from(["1\n", "2\n", "3"]), age=st.sampled_from([0.0, 3.0, 900.0]))
    def write(self, name: str, text: str, age: float) -> None:
        put(self.folder, name, text, self.now - age)
        self.writing.discard(name)

    @rule(name=names)
    def begin_to_write(self, name: str) -> None:
        put(self.folder, name, '{"half', self.now)
        self.writing.add(name)

    @rule(name=names, to=names)
    def rename(self, name: str, to: str) -> None:
        source = self.folder / f"{name}.jsonl"
        if source.exists() and name not in self.writing:
            source.rename(self.folder / f"{to}.jsonl")
            self.writing.discard(to)

    @rule(name=names)
    def remove(self, name: str) -> None:
        (self.folder / f"{name}.jsonl").unlink(missing_ok=True)
        self.writing.discard(name)

    @rule(seconds=st.sampled_from([1.0, 4.0]), waiting=st.sampled_from([0, AT_ONCE - 1, AT_ONCE]))
    def scan_folder(self, seconds: float, waiting: int) -> None:
        self.now += seconds
        names, seen = choose(scan(self.folder, from_cursor(self.cursor), self.now), waiting, CODE)
        self.asked = {name: text for name, text in self.asked.items() if name in seen}
        self.cursor = to_cursor(seen)
        for name in names:
            text = (self.folder / f"{name}.jsonl").read_text()
            # A file that nobody writes to for longer than we wait is ingested as it is, and again when it grows.
            assert name not in self.writing or self.now - os.stat(self.folder / f"{name}.jsonl").st_mtime >= 5
            assert self.asked.get(name) != text, "asked for the same content twice"
            self.asked[name] = text

    @rule()
    def all_is_quiet(self) -> None:
        for _ in range(4):
            self.scan_folder(seconds=30.0, waiting=0)
        lying = {path.stem: path.read_text() for path in self.folder.glob("*.jsonl")}
        assert self.asked == lying

    @invariant()
    def the_cursor_is_readable(self) -> None:
        if getattr(self, "cursor", ""):
            assert to_cursor(from_cursor(self.cursor)) == self.cursor


TestFolder = Folder.TestCase
TestFolder.settings = settings(max_examples=40, stateful_step_count=20)
