"""Some nightlies of a good pipeline, as the web UI would have recorded them: every data stage once, one bench several times."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

import dagster as dg

from canvas_pipeline.definitions import defs
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.orchestration import track
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline_tests.pipeline.entries import config
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop

BENCHED = "sft_bench"
SHARES = (0.62, 0.71, 0.69, 0.83, 0.9)
"""Share of the cases that the model of each nightly answers rightly."""


class Learner(Workshop):
    """Errs in several ways: no call, a call without arguments, a call that cannot be read, a call where none is wanted."""

    def said(self, case: BenchCase) -> Prediction:
        found = super().said(case)
        if found.text != "I do not know.":
            return found
        name = (*case.expected_tools, "canvas.get_todo")[0]
        wrong = serialise(ToolCall(name, {}))
        texts = (found.text, wrong, wrong.replace("{", "(", 1))
        return Prediction(id=case.id, text=texts[int(digest(case.id)[8:12], 16) % 3])


def materialise(ws: Workspace, instance: dg.DagsterInstance, names: Iterable[str], share: float, seed: int = 7) -> bool:
    """Materialise some assets of the nightly without torch; returns whether all went well."""
    settings: dict[str, Any] = config(ws)
    settings["resources"]["pipeline"]["config"]["seed"] = seed
    with patch.object(track, "pipes_launch", lambda context, pipes: Learner(ws.root / BASE, share)):
        done = defs().resolve_job_def("nightly").execute_in_process(
            run_config=settings, instance=instance, raise_on_error=False,
            asset_selection=[asset_key(name, "canvas") for name in names],
        )  # fmt: skip
    return done.success


def run_nightlies(ws: Workspace, instance: dg.DagsterInstance, names: Iterable[str]) -> None:
    """Materialise everything named once, then the bench once per nightly, each with another seed."""
    assert materialise(ws, instance, names, SHARES[-1])
    for number, share in enumerate(SHARES):
        assert materialise(ws, instance, [BENCHED], share, seed=100 + number)
