"""The store writes stages atomically, reuses them, and never writes outside its root."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import ArtifactCorrupt, BadInput, DiskFull, MissingInput, NotWritable, RowsUnaccounted
from canvas_pipeline.records import Funnel
from canvas_pipeline.storage.atomic import whole_file, whole_folder
from canvas_pipeline.storage.store import (
    KEEP,
    MANIFEST,
    Recipe,
    Stage,
    Store,
    Writer,
    content_sha256,
)


def recipe(version: str = "1", stage: str = "a/b", **inputs: str) -> Recipe:
    return Recipe(stage=stage, code_version=version, inputs=inputs)


def put(store: Store, version: str, text: str, stage: str = "a/b") -> Stage:
    return store.make(recipe(version, stage), lambda writer: writer.text(text, "x.txt"))[0]


def content(store: Store, stage: str = "a/b") -> str:
    return store.get(stage).path("x.txt").read_text()


def test_a_stage_appears_with_its_files_rows_and_hash(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def build(writer: Writer) -> None:
        writer.rows([{"b": 1, "a": 2}], "rows.jsonl")
        writer.json({"x": 1}, "deep/er/x.json")
        writer.funnel = Funnel(stage="a/b", rows_in=3, kept=1, refused={"why": 2})
        writer.notes = {"n": 1}

    stage, reused = store.make(recipe(corpus="f" * 64), build)
    assert not reused and stage.manifest.files["rows.jsonl"].rows == 1 and stage.manifest.notes == {"n": 1}
    assert stage.path().read_bytes() == b'{"a":2,"b":1}\n'
    assert stage.sha256 == content_sha256({name: entry.sha256 for name, entry in stage.manifest.files.items()})
    assert stage.verify() == store.get("a/b") == store.reuse(recipe(corpus="f" * 64))


def test_the_same_recipe_runs_nothing_and_another_one_does(tmp_path: Path) -> None:
    store, ran = Store(tmp_path), []

    def build(writer: Writer) -> None:
        ran.append(1)
        writer.text("x", "x.txt")

    for version in ("1", "1", "2", "1"):
        store.make(recipe(version), build)
    assert len(ran) == 2 and store.get("a/b").manifest.recipe.code_version == "1"


def test_make_returns_its_own_version_even_if_another_run_has_moved_current(tmp_path: Path) -> None:
    class Overtaken(Store):
        @contextmanager
        def write(self, recipe: Recipe) -> Iterator[Writer]:
            with super().write(recipe) as writer:
                yield writer
            put(Store(tmp_path), "2", "theirs")

    stage = put(Overtaken(tmp_path), "1", "mine")
    assert stage.path("x.txt").read_text() == "mine" and content(Store(tmp_path)) == "theirs"


def test_the_content_hash_does_not_depend_on_the_recipe_or_the_clock(tmp_path: Path) -> None:
    first, second = put(Store(tmp_path / "1"), "1", "same"), put(Store(tmp_path / "2"), "2", "same")
    assert first.sha256 == second.sha256 and first.manifest.fingerprint != second.manifest.fingerprint


def test_an_error_leaves_the_previous_version_and_no_temporary_files(tmp_path: Path) -> None:
    store = Store(tmp_path)
    put(store, "1", "old")

    def build(writer: Writer) -> None:
        writer.text("half", "x.txt")
        raise ValueError("half-way")

    with pytest.raises(ValueError, match="half-way"):
        store.make(recipe("2"), build)
    assert content(store) == "old" and not list((tmp_path / "a" / "b").glob(".tmp-*"))


def test_a_funnel_that_does_not_add_up_writes_nothing(tmp_path: Path) -> None:
    def build(writer: Writer) -> None:
        writer.text("x", "x.txt")
        writer.funnel = Funnel(stage="a/b", rows_in=3, kept=1)

    with pytest.raises(RowsUnaccounted):
        Store(tmp_path).make(recipe(), build)
    assert Store(tmp_path).find("a/b") is None


def test_a_damaged_file_is_made_again_and_named_by_verify(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stage = put(store, "1", "good")
    stage.path("x.txt").write_text("evil")
    with pytest.raises(ArtifactCorrupt, match=r"x\.txt"):
        stage.verify()
    assert store.reuse(recipe("1")) is None
    put(store, "1", "good")
    assert content(store) == "good" and store.get("a/b").verify()


@pytest.mark.parametrize("damage", [b"", b"{", b"null", b'{"stage": 1}'])
def test_a_folder_with_an_unreadable_manifest_is_no_stage(damage: bytes, tmp_path: Path) -> None:
    store = Store(tmp_path)
    (put(store, "1", "x").folder / MANIFEST).write_bytes(damage)
    assert store.find("a/b") is None
    with pytest.raises(MissingInput, match="a/b has not been made yet"):
        store.get("a/b")
    put(store, "1", "again")
    assert content(store) == "again"


def test_only_the_newest_versions_are_kept_and_never_less_than_the_current(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for version in range(KEEP + 3):
        put(store, str(version), str(version))
    assert len([p for p in (tmp_path / "a/b").iterdir() if (p / MANIFEST).is_file() and not p.is_symlink()]) == KEEP
    oldest = store.reuse(recipe("3"))
    assert oldest is not None and content(store) == "3"
    for version in ("7", "8", "9"):
        put(store, version, version)
    assert content(store) == "9"


@given(st.text(max_size=30))
def test_a_stage_name_never_leads_out_of_the_root(name: str) -> None:
    store = Store(Path("/nowhere/root"))
    try:
        home = store.home(name)
    except BadInput:
        return
    assert Path(os.path.normpath(home)).is_relative_to("/nowhere/root") and home != store.root


@pytest.mark.parametrize(
    "name", ["", "..", "../x", "a/../b", "/etc", "a//b", "a/", ".hidden", "a/.tmp-1", "./a", "a\0b"]
)
def test_names_that_walk_hide_or_are_empty_are_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(BadInput):
        put(Store(tmp_path), "1", "x", name)
    assert list(tmp_path.iterdir()) == []


def test_a_file_the_manifest_does_not_hold_cannot_be_asked_for(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="has no file ../../x"):
        put(Store(tmp_path), "1", "x").path("../../x")


DIE = """
import os, signal, sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from canvas_pipeline.storage.store import Recipe, Store
name, at = sys.argv[2], int(sys.argv[3])
real, seen = getattr(os, name), 0
def dies(*a, **k):
    global seen
    seen += 1
    if seen == at:
        os.kill(os.getpid(), signal.SIGKILL)
    return real(*a, **k)
setattr(os, name, dies)
Store(Path(sys.argv[1])).make(Recipe(stage="a/b", code_version="2"), lambda w: (w.text("new", "x.txt"), w.text("y", "y.txt")))
"""


@pytest.mark.parametrize("call, at", [("fsync", 1), ("fsync", 3), ("rename", 1), ("fsync", 5), ("replace", 1)])
def test_a_kill_at_any_boundary_leaves_a_whole_version_and_the_next_run_goes_on(
    call: str, at: int, tmp_path: Path
) -> None:
    store = Store(tmp_path)
    put(store, "1", "old")
    done = subprocess.run([sys.executable, "-c", DIE, str(tmp_path), call, str(at)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert content(store) == "old" and store.get("a/b").verify()
    stage, _ = store.make(recipe("2"), lambda w: (w.text("new", "x.txt"), w.text("y", "y.txt"))[0])
    assert content(store) == "new" and stage.verify()
    put(store, "3", "newer")
    assert not list((tmp_path / "a" / "b").glob(".tmp-*"))


def test_the_temporary_folder_of_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"]) as other:
        theirs = tmp_path / "a" / "b" / f".tmp-{other.pid}-ffff"
        theirs.mkdir(parents=True)
        put(store, "1", "x")
        assert theirs.is_dir()
        other.kill()
    put(store, "2", "x")
    assert not theirs.exists()


FULL = """
import resource, sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from canvas_pipeline.storage.store import Recipe, Store
resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))
try:
    Store(Path(sys.argv[1])).make(Recipe(stage="a/b", code_version="2"), lambda w: w.rows({"n": n} for n in range(10_000)))
except Exception as error:
    print(type(error).__name__, error)
"""


def test_a_full_disk_names_the_place_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    put(Store(tmp_path), "1", "old")
    done = subprocess.run([sys.executable, "-c", FULL, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith(f"DiskFull {tmp_path / 'a' / 'b'}: File too large; nothing half-written is left")
    assert content(Store(tmp_path)) == "old" and not list((tmp_path / "a" / "b").glob(".tmp-*"))


def test_whole_file_takes_the_name_only_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.txt"
    with pytest.raises(ValueError), whole_file(target) as path:
        path.write_text("half")
        raise ValueError
    assert list((tmp_path / "new").iterdir()) == []
    with whole_file(target) as path:
        path.write_text("whole")
        assert not target.exists()
    assert target.read_text() == "whole" and len(list((tmp_path / "new").iterdir())) == 1


def test_whole_folder_replaces_its_own_and_nobody_elses(tmp_path: Path) -> None:
    target = tmp_path / "x"
    for text in ("1", "2"):
        with whole_folder(target, MANIFEST) as folder:
            (folder / MANIFEST).write_text(text)
    assert (target / MANIFEST).read_text() == "2" and list(tmp_path.iterdir()) == [target]
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (theirs / "thesis.txt").write_text("years")
    with pytest.raises(BadInput, match="was not written by this command"), whole_folder(theirs, MANIFEST):
        pass
    assert (theirs / "thesis.txt").read_text() == "years"


def test_a_full_disk_is_named_for_a_folder_too(tmp_path: Path) -> None:
    with pytest.raises(DiskFull, match="No space left on device"), whole_folder(tmp_path / "x", MANIFEST):
        raise OSError(28, os.strerror(28))
    assert list(tmp_path.iterdir()) == []


def test_two_writers_of_the_same_stage_both_end_and_one_whole_version_stands(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from canvas_pipeline.storage.store import *\n"
        "for n in range(30): Store(Path(sys.argv[1])).make(Recipe(stage='a/b', code_version=sys.argv[2] + str(n)),"
        " lambda w: w.text(sys.argv[2] * 5000, 'x.txt'))"
    )
    both = [subprocess.Popen([sys.executable, "-c", code, str(tmp_path), who]) for who in "ab"]
    deadline = time.monotonic() + 600
    assert [p.wait(timeout=max(1.0, deadline - time.monotonic())) for p in both] == [0, 0]
    assert content(Store(tmp_path)) in ("a" * 5000, "b" * 5000) and Store(tmp_path).get("a/b").verify()


def test_a_report_is_kept_and_verified_but_does_not_change_what_a_stage_holds(tmp_path: Path) -> None:
    hashes = set()
    for line in (3, 4):
        with Store(tmp_path).write(recipe(str(line))) as writer:
            writer.rows([{"title": "same"}])
            writer.rows([{"line": line}], "refusals.jsonl", report=True)
        stage = Store(tmp_path).get("a/b").verify()
        hashes.add(stage.sha256)
    assert len(hashes) == 1 and stage.path("refusals.jsonl").read_bytes() == b'{"line":4}\n'
    stage.path("refusals.jsonl").write_bytes(b"{}\n")
    with pytest.raises(ArtifactCorrupt):
        stage.verify()


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES, errno.EPERM])
def test_a_folder_that_may_not_be_written_to_is_not_a_full_disk(tmp_path: Path, number: int) -> None:
    path = tmp_path / "corpus.jsonl"
    for named in (path, path.with_name(".tmp-1-corpus.jsonl"), tmp_path):
        with pytest.raises(NotWritable, match="change its rights"), whole_file(path):
            raise OSError(number, os.strerror(number), str(named))
    with pytest.raises(OSError, match="unread") as raised, whole_file(path):
        raise OSError(number, os.strerror(number), str(tmp_path / "unread.jsonl"))  # an input that cannot be read
    assert not isinstance(raised.value, NotWritable)


def test_a_folder_in_the_place_of_a_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="is a folder"), whole_file(tmp_path):
        raise AssertionError("not reached")
