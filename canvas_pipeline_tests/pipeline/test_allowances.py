"""An allowance for G6 opens the gate in every step of the run that gives it, and in no other run."""

from __future__ import annotations

from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.errors import BadConfig, GateClosed
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace, allowance_of
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import CHECKPOINT, SPEC, config, events_say
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, copy_of, line_at

TEXT = "mutation_pairs=0.55:the verifier was made stricter this week"


@pytest.fixture
def shrunk(good_line: Path, tmp_path: Path) -> Workspace:
    """Return a trained pipeline in which one stage now keeps 60 % of its rows."""
    ws = copy_of(good_line, tmp_path / "line")
    BREAKS["g6"](ws)
    return ws


def test_a_text_is_parsed_as_an_allowance() -> None:
    assert allowance_of(TEXT) == Allowance(
        stage="mutation_pairs", minimum_retained=0.55, reason="the verifier was made stricter this week"
    )
    assert allowance_of("collab/ada-001 = 0.5: an = and a : in it").stage == "collab/ada-001"


WHY = ":a reason, long enough"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "corpus",
        "corpus=0.5",
        "corpus=0.5:short",
        *(s + WHY for s in ("corpus=half", "=0.5", "corpus=0", "corpus=1.0", "corpus=1.2.3")),
    ],
)
def test_an_allowance_without_stage_share_or_reason_is_refused(text: str) -> None:
    with pytest.raises(BadConfig):
        allowance_of(text)


def test_an_allowance_opens_the_gate_for_its_run_and_for_no_other(shrunk: Workspace) -> None:
    allowed = line_at(shrunk.root, allowances=(allowance_of(TEXT),))
    made = build_stage(allowed, "dpo_run_spec", Workshop(shrunk.root / BASE))
    g6 = next(v for v in made.verdicts if v.guard == "g6")
    assert g6.passed and "the verifier was made stricter" in (g6.allowance or "")
    assert build_stage(allowed, "dpo_checkpoint", Workshop(shrunk.root / BASE)).reused
    with pytest.raises(GateClosed, match="g6_shrinkage"):
        build_stage(shrunk, "dpo_checkpoint", Workshop(shrunk.root / BASE))


def test_an_allowance_allows_no_more_than_its_share(shrunk: Workspace) -> None:
    ws = line_at(shrunk.root, allowances=(allowance_of("mutation_pairs=0.65:a little less than usual"),))
    made = build_stage(ws, "dpo_run_spec", Workshop(shrunk.root / BASE))
    assert [v.guard for v in made.verdicts if not v.passed] == ["g6"]


def test_an_allowance_in_the_launch_pad_holds_for_all_steps_of_the_run(shrunk: Workspace) -> None:
    settings = config(shrunk)
    job = defs().resolve_job_def("nightly")
    chosen = {"asset_selection": [SPEC, CHECKPOINT], "raise_on_error": False}
    with dg.DagsterInstance.ephemeral() as instance:
        closed = job.execute_in_process(run_config=settings, instance=instance, **chosen)
        assert not closed.success and "g6_shrinkage" in events_say(closed.all_events)
        settings["resources"]["pipeline"]["config"]["allow_shrinkage"] = [TEXT]
        opened = job.execute_in_process(run_config=settings, instance=instance, **chosen)
        assert opened.success, events_say(opened.all_events)
        (g6,) = [e for e in opened.get_asset_check_evaluations() if e.check_name == "g6_shrinkage"]
        assert "the verifier was made stricter" in str(g6.metadata["allow_shrinkage"].value)
