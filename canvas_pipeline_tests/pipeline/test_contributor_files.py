"""Files with a safe, unique name are ingested; the others are logged, and stop nobody's run."""

from __future__ import annotations

import gzip
import time
from pathlib import Path

import pytest

from canvas_pipeline.automation.arrivals import scan
from canvas_pipeline.errors import InputChanged
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance import residue
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.data.examples import session_files
from canvas_pipeline.tracks.canvas.data.intake import OUTDATED, collab, contributor_files
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.tracks.canvas.intake.contributions import COURSE, course_line


def test_files_with_unsafe_or_duplicate_names_are_left_in_place_and_logged(tmp_path: Path) -> None:
    collab = tmp_path / "collab"
    collab.mkdir()
    for stem in ("ada", "bo", "Bo", "CON", "a\u202eb", ".tmp-cy"):
        (collab / f"{stem}.jsonl").write_bytes(b"{}\n")
    said: list[str] = []
    assert list(
        contributor_files(Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path, log=said.append))
    ) == ["ada"]
    assert len(said) == 4 and all(
        "is not taken in: " in line and line.isascii() and line.isprintable() for line in said
    )
    assert list(scan(collab, {}, time.time())) == ["ada"]


def test_a_file_replaced_between_hash_and_reading_is_stored_under_the_hash_of_what_was_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "collab").mkdir()
    path = tmp_path / "collab/ada.jsonl"

    def put(title: str) -> None:
        work = [{**COURSE["assignments"][0], "name": title}]
        path.write_bytes(course_line(contributor_id="ada", assignments=work) + b"\n")

    put("Homework")
    ws, hashed = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path), intake._inputs

    def replaced(path: Path, key: bytes) -> dict[str, str]:
        found = hashed(path, key)
        put("Essay")
        return found

    monkeypatch.setattr(intake, "_inputs", replaced)
    assert b"Essay" in collab(ws, "ada").stage.path().read_bytes()
    monkeypatch.setattr(intake, "_inputs", hashed)
    put("Homework")
    again = collab(ws, "ada")
    assert not again.reused and b"Homework" in again.stage.path().read_bytes()


def test_a_file_that_changes_during_every_attempt_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "collab").mkdir()
    path = tmp_path / "collab/ada.jsonl"
    path.write_bytes(course_line(contributor_id="ada") + b"\n")
    hashed = intake._inputs

    def grows(path: Path, key: bytes) -> dict[str, str]:
        found = hashed(path, key)
        with path.open("ab") as file:
            file.write(b"\n")
        return found

    monkeypatch.setattr(intake, "_inputs", grows)
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path)
    with pytest.raises(InputChanged, match=r"ada\.jsonl"):
        collab(ws, "ada")
    assert ws.store.find("collab/ada") is None


def test_a_json_array_and_an_archive_are_ingested_and_removed_again(tmp_path: Path) -> None:
    (tmp_path / "collab").mkdir()
    (tmp_path / "collab/ada.jsonl").write_bytes(b"[" + course_line(contributor_id="ada") + b"]")
    packed = tmp_path / "collab/bo.jsonl.gz"
    packed.write_bytes(gzip.compress(course_line(contributor_id="bo")))
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path)
    assert [collab(ws, name).funnels[0].kept for name in contributor_files(ws)] == [1, 1]
    (tmp_path / "collab/fixed").mkdir()
    (tmp_path / "collab/fixed/bo.jsonl").write_bytes(course_line(contributor_id="bo"))
    residue.remove_files(ws, "bo")
    assert not packed.exists() and not (tmp_path / "collab/fixed/bo.jsonl").exists()
    assert list(contributor_files(ws)) == ["ada"]


def test_a_corpus_names_the_contributors_whose_file_changed_since_intake(tmp_path: Path) -> None:
    (tmp_path / "collab").mkdir()
    for name in ("ada", "bo"):
        (tmp_path / f"collab/{name}.jsonl").write_bytes(course_line(contributor_id=name) + b"\n")
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path)
    for name in ("ada", "bo"):
        collab(ws, name)
    assert OUTDATED not in build_stage(ws, "corpus").facts
    with (tmp_path / "collab/bo.jsonl").open("ab") as file:
        file.write(b"\n")
    assert build_stage(ws, "corpus").facts[OUTDATED] == ["collab/bo"]
    collab(ws, "bo")
    assert OUTDATED not in build_stage(ws, "corpus").facts


def test_other_files_in_the_sessions_folder_are_named_with_what_to_do(tmp_path: Path) -> None:
    folder = tmp_path / "sessions"
    (folder / "more.jsonl").mkdir(parents=True)
    for name in ("ada.jsonl", "bo.JSONL", "cy.json", "dee.jsonl.gz", ".hidden"):
        (folder / name).write_bytes(b"{}\n")
    said: list[str] = []
    assert list(
        session_files(Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path, log=said.append))
    ) == ["ada.jsonl"]
    assert [line.split(" is not read: ")[0] for line in said] == [
        "sessions/bo.JSONL", "sessions/cy.json", "sessions/dee.jsonl.gz", "sessions/more.jsonl",
    ]  # fmt: skip
    assert "a folder, not a file" in said[-1] and all("called *.jsonl" in line for line in said[:-1])
