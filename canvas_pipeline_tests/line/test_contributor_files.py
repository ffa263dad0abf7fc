"""Which files of the folder are taken in: those of safe, single names; the others are said, and nobody's run stops for them."""

from __future__ import annotations

import time
from pathlib import Path

from canvas_pipeline.line.arrivals import look
from canvas_pipeline.line.intake import OUTDATED, collab, contributor_files, corpus
from canvas_pipeline.line.workspace import Workspace
from canvas_pipeline_tests.intake.contributions import course_line


def test_files_with_unsafe_or_twin_names_are_left_where_they_are_and_said(tmp_path: Path) -> None:
    collab = tmp_path / "collab"
    collab.mkdir()
    for stem in ("ada", "bo", "Bo", "CON", "a\u202eb", ".tmp-cy"):
        (collab / f"{stem}.jsonl").write_bytes(b"{}\n")
    said: list[str] = []
    assert list(contributor_files(Workspace(root=tmp_path, say=said.append))) == ["ada"]
    assert len(said) == 4 and all(
        "is not taken in: " in line and line.isascii() and line.isprintable() for line in said
    )
    assert list(look(collab, {}, time.time())) == ["ada"]


def test_a_corpus_says_whose_file_has_changed_since_it_was_taken_in(tmp_path: Path) -> None:
    (tmp_path / "collab").mkdir()
    for name in ("ada", "bo"):
        (tmp_path / f"collab/{name}.jsonl").write_bytes(course_line(contributor_id=name) + b"\n")
    ws = Workspace(root=tmp_path)
    for name in ("ada", "bo"):
        collab(ws, name)
    assert OUTDATED not in corpus(ws).facts
    with (tmp_path / "collab/bo.jsonl").open("ab") as file:
        file.write(b"\n")
    assert corpus(ws).facts[OUTDATED] == ["collab/bo"]
    collab(ws, "bo")
    assert OUTDATED not in corpus(ws).facts
