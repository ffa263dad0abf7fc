"""Canaries in the data stages: none of a strict type survives, decoys are not masked, and the report contains no planted value."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.data.canaries import run, texts_of_row
from canvas_pipeline.tracks.canvas.data.canary_planting import taken_words
from canvas_pipeline.tracks.canvas.data.canary_report import CanaryReport, picture, table
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import STRICT, canaries
from canvas_pipeline_tests.pipeline.good_line import line_at

COUNT, SEED = 600, 7


@pytest.fixture(scope="module")
def ws(good_line: Path) -> Workspace:
    return line_at(good_line)


@pytest.fixture(scope="module")
def found(ws: Workspace) -> CanaryReport:
    return run(ws, COUNT, SEED)


def test_no_canary_of_a_strict_type_survives_any_stage(found: CanaryReport) -> None:
    survived = {type_: found.recall[type_].of - found.recall[type_].count for type_ in STRICT}
    assert survived == dict.fromkeys(STRICT, 0), [counted for counted in found.survivors if counted.type in STRICT]


def test_every_stage_is_searched_and_no_planted_session_is_refused(found: CanaryReport) -> None:
    assert [stage.stage for stage in found.stages] == ["intake", "corpus", "trajectories", "pairs", "splits"]
    assert found.canaries == found.decoys == COUNT and sum(r.of for r in found.recall.values()) == COUNT
    assert not [reason for reason in found.refused if reason.startswith(("intake", "trajectories"))]


def test_the_report_and_its_page_contain_no_planted_value(ws: Workspace, found: CanaryReport) -> None:
    shown = msgspec.json.encode(found).decode() + table(found)
    planted = canaries(COUNT, SEED, taken_words(ws))
    assert not [canary for canary in planted if len(canary.value) > 5 and canary.value in shown]
    assert picture(found).startswith(b"\x89PNG")


def test_the_workspace_itself_is_not_changed(ws: Workspace, found: CanaryReport) -> None:
    assert found.canaries and not ws.store.home("canaries").exists()
    assert b"Seminar on Method" not in b"".join(path.read_bytes() for path in ws.collab.glob("*.jsonl"))


def test_digits_in_a_digest_are_not_a_survivor_but_in_a_text_or_another_id_they_are() -> None:
    digest = "736333536123"
    row = {"id": digest, "parents": [digest], "item_ids": [digest], "title": f"call {digest}", "login_id": digest}
    assert {field for field, _ in texts_of_row(row)} >= {"title", "login_id"}
    assert not {field for field, text in texts_of_row(row)} & {"id", "id>", "parents[0]", "parents[0]>", "item_ids[0]"}
    assert ("id", "call 555 0100") in set(texts_of_row({"id": "call 555 0100"}))
