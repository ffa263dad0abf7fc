"""After a removal, real stages are what they would be without the contributor; stages without their rows are reused."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance import removal
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline.tracks.canvas.track import TRACK

AT = "2026-11-20T12:00:00+00:00"


def ingested(root: Path, without: str = "") -> Workspace:
    """Ingest three contributors who share a course, up to the corpus."""
    synthesize(3, 2, 3, 7, root / "collab")
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root)
    for name in sorted(intake.contributor_files(ws)):
        if name == without:
            (ws.collab / f"{name}.jsonl").unlink()
        else:
            intake.collab(ws, name)
    build_stage(ws, "corpus")
    return ws


def test_the_corpus_without_them_has_the_bytes_it_would_have_had_and_the_others_are_reused(tmp_path: Path) -> None:
    ws = ingested(tmp_path / "data")
    first, removed, last = sorted(intake.contributor_files(ws))
    handles = {
        name: [i.course for i in read_jsonl(ws.store.get(f"collab/{name}").path(), Item)] for name in (first, last)
    }
    found = removal.remove(ws, removed, AT)
    assert found.reused == {f"collab/{first}": True, f"collab/{last}": True, "corpus": False}
    assert found.mentions == () and found.to_rebuild == ()
    never = ingested(tmp_path / "never", without=removed)
    assert ws.store.get("corpus").path().read_bytes() == never.store.get("corpus").path().read_bytes()
    for name, before in handles.items():
        assert [i.course for i in read_jsonl(ws.store.get(f"collab/{name}").path(), Item)] == before


def test_removing_the_newest_contributor_restores_the_very_version_from_before(tmp_path: Path) -> None:
    ws = ingested(tmp_path / "data", without="bo-002")
    before = ws.store.get("corpus")
    synthesize(3, 2, 3, 7, tmp_path / "again")
    (tmp_path / "again" / "bo-002.jsonl").rename(ws.collab / "bo-002.jsonl")
    intake.collab(ws, "bo-002")
    build_stage(ws, "corpus")
    found = removal.remove(ws, "bo-002", AT)
    assert found.reused["corpus"] and ws.store.get("corpus").folder == before.folder
