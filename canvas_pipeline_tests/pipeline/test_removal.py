"""Removing a contributor: all of their data is deleted, the others' is unchanged, and an interrupted removal is finished."""

from __future__ import annotations

import gzip
import json
import re
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.cli import lineage as lineage_commands
from canvas_pipeline.errors import BadConfig, BadInput, GateClosed, MissingInput
from canvas_pipeline.orchestration.partition import CONTRIBUTORS_NAME
from canvas_pipeline.pipeline.workspace import KEPT, Workspace
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.provenance import removal
from canvas_pipeline.records import digest
from canvas_pipeline.release import publish
from canvas_pipeline.storage.atomic import point
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.dagster_instance.homes import instance_at
from canvas_pipeline_tests.dagster_instance.homes import run as run_chain
from canvas_pipeline_tests.pipeline.small_pipeline import AT, put, rows_of, small_pipeline, version
from canvas_pipeline_tests.tracks.canvas.intake.boundaries import Boundaries
from canvas_pipeline_tests.tracks.canvas.intake.kills import in_child

HERS = ("ada", "essay", digest("essay")[:12], "t-essay", "t-said", "f-essay", "st-a")
"""What names ada or is hers alone: her id, her item's title and id, and the rows made from it."""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return small_pipeline(tmp_path / "data")


def files(ws: Workspace) -> Iterator[Path]:
    return (p for p in sorted(ws.root.rglob("*")) if p.is_file() and not p.is_symlink())


def state(ws: Workspace) -> dict[str, bytes]:
    """Return every path below the root with its bytes (a link: its target; the lock file: nothing)."""
    names = {p.relative_to(ws.root).as_posix(): p for p in sorted(ws.root.rglob("*")) if p.is_symlink() or p.is_file()}
    return {n: bytes(p.readlink()) if p.is_symlink() else p.read_bytes() for n, p in names.items() if "lock" not in n}


def run(ws: Workspace, *arguments: str) -> Result:
    app = typer.Typer()
    lineage_commands.register(app)
    return CliRunner().invoke(app, ["remove", *arguments, "--root", str(ws.root), "--rebuild", "none"])


def names(word: str, raw: bytes) -> bool:
    """Tell whether bytes name a word. Three hex digits within a digest are not ada's id: the rest of a digest is no name."""
    if word == "ada":
        raw = re.sub(rb"(?<![0-9a-z])[0-9a-f]{12,}(?![0-9a-z])", b"", raw)
    return re.search(rf"(?<![a-z]){word}(?![a-z])".encode(), raw) is not None


@pytest.mark.parametrize(
    ("raw", "named"),
    [
        (b'{"contributor":"ada"}', True), (b"collab/ada/rows", True), (b"ada1", True), (b"2ada", True), (b"adapter", False),
        (b'"sha256":"03ada45f6071829304a5b6c7d8e9f001"', False), (b"artifacts/9ada0011223344ff/rows", False),
    ],
)  # fmt: skip
def test_an_id_is_told_from_three_hex_digits_of_a_digest(raw: bytes, named: bool) -> None:
    assert names("ada", raw) is named


def test_no_byte_of_theirs_is_left_in_any_file_or_file_name(ws: Workspace) -> None:
    found = removal.remove(ws, "ada", AT, rebuild="none")
    left = [
        (path.name, word)
        for path in files(ws)
        for word in HERS
        if names(word, path.relative_to(ws.root).as_posix().encode() + path.read_bytes())
    ]
    assert left == [] and found.mentions == ()


def test_what_was_made_without_them_keeps_its_bytes(ws: Workspace) -> None:
    before = state(ws)
    removal.remove(ws, "ada", AT, rebuild="none")
    after = state(ws)
    for kept in ("collab/bo", "kto_checkpoint", "kto_gguf"):
        own = {name: raw for name, raw in before.items() if name.startswith(f"artifacts/canvas/{kept}/")}
        assert own and own.items() <= after.items()
    assert before["collab/bo.jsonl"] == after["collab/bo.jsonl"]
    for stage in ("corpus", "trajectories", "trajectory_split", "sft_checkpoint", "sft_gguf"):
        assert ws.store.find(stage) is None


def test_superseded_versions_with_their_rows_are_removed_and_one_from_before_they_came_stays(tmp_path: Path) -> None:
    ws = small_pipeline(tmp_path / "data")
    ada = ws.collab / "ada.jsonl"
    ada.rename(tmp_path / "ada")
    rows_of(ws)
    without = state(ws)[f"artifacts/canvas/corpus/{ws.store.get('corpus').folder.name}/rows.jsonl"]
    shutil.copy(tmp_path / "ada", ada)
    rows_of(ws)
    assert len([p for p in ws.store.home("corpus").iterdir() if p.is_dir() and not p.is_symlink()]) == 2
    removal.remove(ws, "ada", AT, rebuild="none")
    assert [p.read_bytes() for p in ws.store.home("corpus").glob("*/rows.jsonl")] == [without]


def test_their_sessions_are_removed_from_a_shared_file_and_other_lines_keep_their_bytes(ws: Workspace) -> None:
    removal.remove(ws, "ada", AT, rebuild="none")
    assert (ws.sessions / "shared.jsonl").read_bytes() == b'no JSON\n{"n":2,"contributor_id":"bo"}\n'


def test_their_sessions_are_removed_from_files_that_are_never_read_too(ws: Workspace) -> None:
    shared = (ws.sessions / "shared.jsonl").read_bytes()
    (ws.sessions / "old").mkdir()
    (ws.sessions / "old" / "Shared.JSONL").write_bytes(shared)
    (ws.sessions / "shared-2.jsonl.gz").write_bytes(gzip.compress(shared))
    (ws.sessions / "ada.jsonl.gz").write_bytes(gzip.compress(b"hers\n"))
    (ws.sessions / "ada.json").write_bytes(b"[]")
    removal.remove(ws, "ada", AT, rebuild="none")
    left = b'no JSON\n{"n":2,"contributor_id":"bo"}\n'
    assert (ws.sessions / "old" / "Shared.JSONL").read_bytes() == left
    assert gzip.decompress((ws.sessions / "shared-2.jsonl.gz").read_bytes()) == left
    assert not list(ws.sessions.glob("ada*"))


def test_an_archive_that_cannot_be_read_stops_a_removal_before_anything_is_deleted(ws: Workspace) -> None:
    damaged = gzip.compress(bytes(range(256)) * 99)[:-20]
    (ws.sessions / "broken.jsonl.gz").write_bytes(damaged)
    before = state(ws)
    with pytest.raises(BadInput, match="damaged archive"):
        removal.remove(ws, "ada", AT, rebuild="none")
    assert state(ws) == before


def test_the_handles_of_the_others_are_what_they_were(ws: Workspace) -> None:
    def handles() -> list[str]:
        key, path = ws.registry()
        return [Registry(key, path, writable=False).handle(identity) for identity in ("of/bo/seminar", "CS 3704")]

    before = handles()
    removal.remove(ws, "ada", AT, rebuild="none")
    assert handles() == before and b"of/ada" not in ws.registry()[1].read_bytes()


def test_the_handles_of_invented_contributors_stay_when_the_last_real_one_is_removed(ws: Workspace) -> None:
    (ws.collab / "truth").mkdir()
    (ws.collab / "truth" / "bo.truth.jsonl").write_text("{}\n")
    before = ws.registry()
    removal.remove(ws, "ada", AT, rebuild="none")
    assert ws.synthetic and ws.registry() == before and (ws.private / KEPT).exists()


def test_releases_trained_on_their_rows_are_withdrawn_and_never_current_again(ws: Workspace) -> None:
    releases = ws.root / "releases"
    point(releases / "current", version(ws, "sft"))
    found = removal.remove(ws, "ada", AT, rebuild="none")
    assert [e.version for e in found.of("release")] == [version(ws, "sft")]
    assert (releases / "current").resolve().name == version(ws, "kto")
    with pytest.raises(GateClosed, match="was withdrawn on 2026-11-20"):
        publish.verify(releases / version(ws, "sft"))
    assert publish.verify(releases / "current")


def test_without_another_valid_release_there_is_no_current_one(ws: Workspace) -> None:
    removal.remove(ws, "bo", AT, rebuild="none")
    assert not (ws.root / "releases" / "current").is_symlink()


def test_the_record_shows_that_somebody_was_removed_and_only_the_key_tells_whether_it_was_one(ws: Workspace) -> None:
    assert not removal.was_removed(ws, "ada")
    removal.remove(ws, "ada", AT, rebuild="none")
    (line,) = (ws.private / removal.RECORD).read_bytes().splitlines()
    assert json.loads(line)["at"] == AT and b"ada" not in line
    assert (ws.private / removal.RECORD).stat().st_mode & 0o777 == 0o600
    assert removal.was_removed(ws, "ada") and not removal.was_removed(ws, "bo")
    assert removal.pseudonym(b"k" * 16, "ada") != removal.pseudonym(b"l" * 16, "ada")


def test_votes_on_their_pairs_and_half_trained_models_are_removed_and_others_stay(ws: Workspace) -> None:
    hers, his = digest("essay")[:12], digest("lab")[:12]
    pairs = [{"id": "p-ada", "parents": [hers, his]}, {"id": "p-bo", "parents": [his, his]}]
    put(ws, "item_pairs", {"corpus": ws.store.get("corpus").sha256}, rows=pairs)
    (ws.private / "votes.jsonl").write_text('{"pair_id":"p-ada"}\n{"pair_id":"p-bo"}\n')
    train = ws.store.get("trajectory_split").manifest.files["train.jsonl"].sha256
    for name, sha256 in (("sft-1", train), ("kto-1", "0" * 64)):
        (ws.root / "work" / name).mkdir(parents=True)
        (ws.root / "work" / name / "spec.json").write_text(json.dumps({"inputs": sha256}))
    removal.remove(ws, "ada", AT, rebuild="none")
    assert (ws.private / "votes.jsonl").read_text() == '{"pair_id":"p-bo"}\n'
    assert [p.name for p in (ws.root / "work").iterdir()] == ["kto-1"]


def test_the_command_erases_them_from_the_instance_beside_the_data_folder(
    ws: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As ``canvas-train`` uses it: without DAGSTER_HOME, ``.dagster`` beside the data folder."""
    home = ws.root.parent / ".dagster"
    with instance_at(home, monkeypatch) as instance:
        instance.add_dynamic_partitions(CONTRIBUTORS_NAME, ["ada", "bo"])
        chain = run_chain(instance)
        instance.add_run_tags(chain, {"dagster/partition": "ada"})
    monkeypatch.delenv("DAGSTER_HOME")
    assert run(ws, "--contributor", "ada", "--yes").exit_code == 0
    with instance_at(home, monkeypatch) as instance:
        assert instance.get_dynamic_partitions(CONTRIBUTORS_NAME) == ["bo"]
        assert instance.get_run_by_id(chain) is None


def test_a_dry_run_shows_what_would_be_removed_and_changes_no_byte(ws: Workspace) -> None:
    before = state(ws)
    result = run(ws, "--contributor", "ada", "--dry-run")
    assert (
        result.exit_code == 0
        and version(ws, "sft") in result.stdout
        and "would be removed: 1 source lines" in result.stdout
    )
    assert state(ws) == before


def test_the_command_asks_first_and_takes_no_for_an_answer(ws: Workspace) -> None:
    before = state(ws)
    assert run(ws, "--contributor", "ada").exit_code == 1 and state(ws) == before
    result = run(ws, "--contributor", "ada", "--yes")
    assert result.exit_code == 0 and "to rebuild: " in result.stdout and "corpus" in result.stdout


def test_the_former_name_of_the_command_still_works(ws: Workspace) -> None:
    app = typer.Typer()
    lineage_commands.register(app)
    command = ["forget", "--contributor", "ada", "--dry-run", "--root", str(ws.root)]
    assert CliRunner().invoke(app, command).stdout == run(ws, "--contributor", "ada", "--dry-run").stdout


@pytest.mark.parametrize("name", ["nobody", "../bo", "", "a\nb"])
def test_an_unknown_contributor_is_refused(name: str, ws: Workspace) -> None:
    before = state(ws)
    with pytest.raises((MissingInput, BadInput)):
        removal.remove(ws, name, AT, rebuild="none")
    assert {n: raw for n, raw in state(ws).items() if "leaving" not in n} == before


def test_rebuilding_models_needs_a_launch(ws: Workspace) -> None:
    with pytest.raises(BadConfig, match="give a launch"):
        removal.remove(ws, "ada", AT, rebuild="all")


def killed(root: Path, deadly: int | None, count: Path | None = None) -> int:
    """Remove in a child process that dies at a boundary; without one, record how many boundaries there were."""

    def remove() -> None:
        boundaries = Boundaries(deadly)
        boundaries.install()
        removal.remove(Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root), "ada", AT, rebuild="none")
        if count is not None:
            count.write_text(str(boundaries.passed))

    return in_child(remove)


def test_a_removal_that_is_killed_anywhere_is_finished_by_the_next_call(tmp_path: Path) -> None:
    """Kill at twelve boundaries over the whole removal; each time the result is the same as without a kill."""
    small_pipeline(tmp_path / "before")
    shutil.copytree(tmp_path / "before", tmp_path / "whole", symlinks=True)
    assert killed(tmp_path / "whole", None, tmp_path / "count") == 0
    wanted, total = (
        state(Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path / "whole")),
        int((tmp_path / "count").read_text()),
    )
    for step in range(12):
        root = tmp_path / f"killed-{step}"
        shutil.copytree(tmp_path / "before", root, symlinks=True)
        # Not the very last ones: how many temporary files the index leaves to be unlinked varies by one or two.
        assert killed(root, 1 + step * (total - 9) // 11) == -signal.SIGKILL
        ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root)
        try:
            removal.resume(ws, rebuild="none")
        except MissingInput:  # before the plan, or after everything: nothing is half done
            if not removal.was_removed(ws, "ada"):
                removal.remove(ws, "ada", AT, rebuild="none")
        assert state(ws) == wanted, step


def test_a_stage_built_from_their_rows_during_the_removal_is_found_by_its_inputs(ws: Workspace) -> None:
    """A run that was still going when the removal was killed has written another stage."""
    plan = removal.plan_removal(ws, "ada", AT)
    removal._write_plan(ws, plan)
    trajectories = ws.store.get("trajectories")
    late = put(ws, "other_split", {"trajectories": trajectories.sha256}, train=[{"id": "x", "parents": ["t-essay"]}])
    removal.resume(ws, rebuild="none")
    assert not late.folder.exists()
