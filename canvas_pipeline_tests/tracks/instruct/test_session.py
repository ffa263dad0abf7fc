"""A session is recorded: attempts, time, money; two retries at most; a closed gate is not tried again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig, GateClosed, ServiceUnavailable
from canvas_pipeline.pipeline.context import BuildContext, build_stage
from canvas_pipeline.pipeline.session_manifest import SessionManifest
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.storage.store import Recipe, Writer
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.tracks.instruct.session import manifest_of, recorded, run_recorded, session, table
from canvas_pipeline.tracks.instruct.track import TRACK


def _workspace(root: Path, **options: str) -> Workspace:
    return Workspace(root=root, track=TRACK, profile=PROFILES["embedded"], options=options)


def _nothing(*_: Any) -> None: ...


def _stage(build: Callable[[BuildContext], StageResult]) -> StageSpec:
    return StageSpec(name="sft_rows", inputs=(), build=build, kind="rows", group="g", description="d")


def _recorded(spec: StageSpec, ws: Workspace) -> StageResult:
    return run_recorded(spec, BuildContext(spec, ws, _nothing))


class Failing:
    """A stage that fails some times, then is made."""

    def __init__(self, times: int, error: Exception, version: str = "by hand") -> None:
        self.left, self.error, self.asked, self.version = times, error, 0, version

    def __call__(self, context: BuildContext) -> StageResult:
        self.asked += 1
        if self.left:
            self.left -= 1
            raise self.error

        def build(writer: Writer) -> None:
            writer.text("made", "file.txt")

        return StageResult(*context.workspace.store.make(Recipe(stage="sft_rows", code_version=self.version), build))


def test_two_failures_are_retried_and_every_attempt_costs(tmp_path: Path) -> None:
    ws = _workspace(tmp_path, rate_usd_per_hour="3.6")
    made = _recorded(_stage(Failing(2, ServiceUnavailable("busy"))), ws)
    found = manifest_of(ws)
    assert not made.reused and [attempt.success for attempt in found.attempts] == [False, False, True]
    assert found.retries == 2 and found.attempts[2].artifacts == {"sft_rows": made.stage.sha256}
    assert found.cost_usd == pytest.approx(found.seconds / 1000) and found.state == "complete"
    assert "| sft_rows | 3 |" in table(found)


def test_a_third_retry_is_not_made_and_the_next_session_goes_on(tmp_path: Path) -> None:
    ws, step = _workspace(tmp_path), Failing(3, ServiceUnavailable("busy"))
    with pytest.raises(ServiceUnavailable, match="busy"):
        _recorded(_stage(step), ws)
    assert step.asked == 3 and manifest_of(ws).state == "failed"
    _recorded(_stage(step), ws)
    found = manifest_of(ws)
    assert [attempt.number for attempt in found.attempts] == [1, 2, 3, 4] and found.state == "complete"


def test_a_closed_gate_is_asked_once(tmp_path: Path) -> None:
    step = Failing(9, GateClosed("no"))
    with pytest.raises(GateClosed, match="no"):
        _recorded(_stage(step), _workspace(tmp_path))
    assert step.asked == 1


def test_a_stage_that_is_made_anew_begins_a_new_record(tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    for version in ("one", "two"):
        _recorded(_stage(Failing(1, ServiceUnavailable("busy"), version)), ws)
    found = manifest_of(ws)
    assert [attempt.number for attempt in found.attempts] == [1, 2] and found.retries == 1


def test_without_a_rate_there_is_no_cost_and_a_reused_stage_adds_nothing(tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    for _ in range(2):
        _recorded(_stage(Failing(0, GateClosed(""))), ws)
    found = manifest_of(ws)
    assert len(found.attempts) == 1 and found.cost_usd is None and "–" in table(found)


def test_a_budget_keeps_a_phase_from_starting_whose_estimate_exceeds_it(tmp_path: Path) -> None:
    options = {"rate_usd_per_hour": "1.74", "budget_usd": "2"}
    ws = Workspace(root=tmp_path, track=TRACK, profile=PROFILES["gb10"], options=options)
    step = Failing(0, GateClosed(""))
    with pytest.raises(GateClosed, match="exceeds the budget"):
        _recorded(_stage(step), ws)
    assert step.asked == 0
    with pytest.raises(BadConfig, match="is a number"):
        _recorded(_stage(step), _workspace(tmp_path, rate_usd_per_hour="much"))


def test_the_manifest_says_where_it_was_made_and_is_reused_while_nothing_is_made_anew(tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    _recorded(_stage(Failing(0, GateClosed(""))), ws)
    assert not build_stage(ws, "session").reused
    again = build_stage(ws, "session")
    found = msgspec.json.decode(again.stage.path("session.json").read_bytes(), type=SessionManifest)
    assert again.reused
    assert found.environment["torch"] and found.planned[0] == "base_model" and found.planned[-1] == "release"


def test_every_stage_of_the_track_but_the_session_itself_is_recorded() -> None:
    spec = _stage(Failing(0, GateClosed("")))
    assert recorded(spec).build is not spec.build
    assert TRACK.stages()["session"].build is session
