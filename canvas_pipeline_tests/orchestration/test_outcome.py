"""What a check shows in the web UI: a shrinkage check says where rows went, other checks only their numbers."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.orchestration.outcome import outcome
from canvas_pipeline.pipeline.workspace import Workspace, allowance_of
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.intake.contributions import contribution, course_line


def check_of(root: Path, *allowances: str) -> dg.AssetCheckResult:
    """The shrinkage check of a contributor one of whose four rows can be read."""
    (root / "collab").mkdir(parents=True)
    contribution(root / "collab", course_line(), b"no JSON", b"{]", b"[1]")
    ws = Workspace(track=TRACK, root=root, allowances=tuple(map(allowance_of, allowances)))
    (found,) = outcome(intake.collab(ws, "zed-001")).check_results or ()
    return found


@pytest.fixture
def failed(tmp_path: Path) -> dg.AssetCheckResult:
    return check_of(tmp_path / "line")


def test_a_failed_shrinkage_check_names_the_stage_and_what_it_kept(failed: dg.AssetCheckResult) -> None:
    assert not failed.passed and failed.severity is dg.AssetCheckSeverity.ERROR
    assert failed.description and "look first at collab/zed-001 (25.0% of 4 rows kept)" in failed.description


def test_it_shows_rows_in_and_out_with_the_reasons_worst_first(failed: dg.AssetCheckResult) -> None:
    table = failed.metadata["where rows went"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [dict(record.data) for record in table.records] == [
        {
            "stage": "collab/zed-001", "rows in": 4, "kept": 1, "merged": 0,
            "refused": "malformed_json 2, not_an_object 1", "retained": "25.0%",
        }
    ]  # fmt: skip


def test_it_shows_them_as_a_picture(failed: dg.AssetCheckResult) -> None:
    drawn = failed.metadata["rows in and out"]
    assert isinstance(drawn, dg.MarkdownMetadataValue) and str(drawn.value).startswith(
        "![picture](data:image/png;base64,"
    )


def test_with_an_allowance_it_passes_and_keeps_number_and_reason(tmp_path: Path) -> None:
    found = check_of(tmp_path / "line", "collab/zed-001=0.2:the second half is a test file")
    assert found.passed
    assert found.metadata["allow_shrinkage"].value == "collab/zed-001>=0.2: the second half is a test file"
    assert found.metadata["threshold: minimum/collab/zed-001"].value == 0.2
