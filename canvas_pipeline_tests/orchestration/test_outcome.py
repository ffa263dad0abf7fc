"""Check results in the web UI: numbers with bounds, where to look, and for shrinkage the rows by stage."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.orchestration.checks import numbers_of
from canvas_pipeline.orchestration.outcome import outcome
from canvas_pipeline.pipeline.workspace import Workspace, allowance_of
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.tracks.canvas.intake.contributions import contribution, course_line


def check_of(root: Path, *allowances: str) -> dg.AssetCheckResult:
    """Return the shrinkage check of a contributor with one readable row of four."""
    (root / "collab").mkdir(parents=True)
    contribution(root / "collab", course_line(), b"no JSON", b"{]", b"[1]")
    ws = Workspace(
        track=TRACK, profile=TRACK.profiles["embedded"], root=root, allowances=tuple(map(allowance_of, allowances))
    )
    (found,) = outcome(intake.collab(ws, "zed-001"), [TRACK.guards.guards["g6"]]).check_results or ()
    return found


def bounds(found: dg.AssetCheckResult) -> dict[str, dict[str, object]]:
    """Return a check's table of bounds by number."""
    table = found.metadata["bounds"]
    assert isinstance(table, dg.TableMetadataValue)
    return {str(record.data["number"]): dict(record.data) for record in table.records}


@pytest.fixture
def failed(tmp_path: Path) -> dg.AssetCheckResult:
    return check_of(tmp_path / "line")


def test_a_failed_shrinkage_check_names_the_stage_and_what_it_kept(failed: dg.AssetCheckResult) -> None:
    assert not failed.passed and failed.severity is dg.AssetCheckSeverity.ERROR
    assert failed.description and "look first at collab/zed-001 (25.0% of 4 rows kept)" in failed.description


def test_a_failed_check_shows_its_numbers_beside_their_bounds_and_what_does_not_hold_first(
    failed: dg.AssetCheckResult,
) -> None:
    table = bounds(failed)
    assert list(table.values())[:2] == [
        {"number": "stages_below", "measured": 1, "must be": "<= 0", "holds": "no"},
        {"number": "retained/collab/zed-001", "measured": 0.25, "must be": ">= 0.7", "holds": "no"},
    ]
    assert table["stages"]["holds"] == "yes" and table["rows_in/collab/zed-001"]["must be"] == ""


def test_where_to_look_follows_the_bounds_and_the_evaluated_hashes_come_last(failed: dg.AssetCheckResult) -> None:
    assert list(failed.metadata) == [
        "bounds", "look first at", "rows by stage", "rows in and out", "value: rows_unaccounted", "value: stages",
        "value: stages_below",
        "versions evaluated (sha256)",
    ]  # fmt: skip
    assert failed.metadata["look first at"].value == "collab/zed-001 (25.0% of 4 rows kept)"


def test_the_order_survives_dagster_sorting_metadata_by_key(tmp_path: Path) -> None:
    allowed = check_of(tmp_path / "allowed", "collab/zed-001=0.2:the second half is a test file")
    for found in (allowed, check_of(tmp_path / "failed")):
        assert list(found.metadata) == sorted(found.metadata)


def test_a_passed_check_names_no_place_to_look(tmp_path: Path) -> None:
    assert (
        "look first at" not in check_of(tmp_path / "line", "collab/zed-001=0.2:the second half is a test file").metadata
    )


def test_a_notification_reads_a_checks_numbers_by_name(failed: dg.AssetCheckResult) -> None:
    found = numbers_of(failed.metadata)
    assert found["stages_below"] == 1 and found["retained/collab/zed-001"] == 0.25 and numbers_of({}) == {}


def test_a_shrinkage_check_lists_rows_by_stage_and_the_most_frequent_reason_first(failed: dg.AssetCheckResult) -> None:
    table = failed.metadata["rows by stage"]
    assert isinstance(table, dg.TableMetadataValue)
    assert [dict(record.data) for record in table.records] == [
        {
            "stage": "collab/zed-001", "rows in": 4, "kept": 1, "merged": 0,
            "refused": "malformed_json 2, not_an_object 1", "retained": "25.0%",
        }
    ]  # fmt: skip


def test_a_shrinkage_check_contains_a_picture_of_rows_in_and_out(failed: dg.AssetCheckResult) -> None:
    drawn = failed.metadata["rows in and out"]
    assert isinstance(drawn, dg.MarkdownMetadataValue) and str(drawn.value).startswith(
        "![picture](data:image/png;base64,"
    )


def test_with_an_allowance_the_check_passes_and_records_number_and_reason(tmp_path: Path) -> None:
    found = check_of(tmp_path / "line", "collab/zed-001=0.2:the second half is a test file")
    assert found.passed
    assert found.metadata["allow_shrinkage"].value == "collab/zed-001>=0.2: the second half is a test file"
    assert bounds(found)["retained/collab/zed-001"] == {
        "number": "retained/collab/zed-001", "measured": 0.25, "must be": ">= 0.2", "holds": "yes"
    }  # fmt: skip
