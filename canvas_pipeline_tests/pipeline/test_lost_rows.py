"""A row that a step loses is noticed by the step itself: what came in is counted apart from what was kept."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import RowsUnaccounted
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.canvas.data.examples import mock_accounts
from canvas_pipeline.tracks.canvas.examples import mutation, policy, sessions, trajectory
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline_tests.pipeline.good_line import copy_of


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def losing_one(made: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
    def lossy(*given: Any) -> Iterator[Any]:
        rest = iter(made(*given))
        next(rest)
        yield from rest

    return lossy


def test_a_lost_conversation_is_noticed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = sum(policy.quotas(ws.profile).values()) + ws.profile.choice_trajectories
    found = ws.store.get("trajectories").manifest.funnel
    assert found is not None and (found.rows_in, found.kept) == (planned, planned)
    shutil.rmtree(ws.store.home("trajectories"))
    monkeypatch.setattr(trajectory, "synthesise", losing_one(trajectory.synthesise))
    with pytest.raises(
        RowsUnaccounted, match=f"stage trajectories: {planned} rows came in but {planned - 1} are accounted for"
    ):
        build_stage(ws, "trajectories")


def test_a_lost_session_is_noticed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    students = mock_accounts(ws)[0]
    ws.sessions.mkdir()
    recorded = sessions.record(students, ws.profile, 3, MockCanvas, 6)
    write_jsonl(ws.sessions / "ada-001.jsonl", [*recorded, {"no": "session"}])
    made = build_stage(ws, "trajectories")
    (flow,) = made.funnels
    scripted = sum(policy.quotas(ws.profile).values()) + ws.profile.choice_trajectories
    assert flow.rows_in == scripted + 7 and flow.refused == {"bad_row": 1}
    shutil.rmtree(ws.store.home("trajectories"))
    monkeypatch.setattr(sessions, "from_sessions", losing_one(sessions.from_sessions))
    with pytest.raises(RowsUnaccounted):
        build_stage(ws, "trajectories")


def test_a_lost_pair_is_noticed(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    planned = sum(mutation.quotas(ws.profile).values())
    found = ws.store.get("mutation_pairs").manifest.funnel
    assert found is not None and found.kept == planned and found.rows_in == planned + sum(found.refused.values())
    shutil.rmtree(ws.store.home("mutation_pairs"))
    whole = mutation.mutate

    def lossy(*given: Any) -> mutation.Mutated:
        made = whole(*given)
        return made._replace(pairs=made.pairs[1:])

    monkeypatch.setattr(mutation, "mutate", lossy)
    with pytest.raises(RowsUnaccounted, match="stage mutation_pairs"):
        build_stage(ws, "mutation_pairs")
