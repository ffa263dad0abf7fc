"""``make demo``: the whole line through Dagster, as the web UI would run it, with a summary one can read.

Runs ``intake`` for each contributor, then the ``demo`` job's assets for the methods in ``METHODS`` (default sft,dpo,kto; ``all``
for the nine). The instance is the one of ``DAGSTER_HOME``, so ``make dev`` shows these very runs.
"""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Sequence

import dagster as dg
from rich.console import Console
from rich.table import Table

from canvas_pipeline.bench.matrix import percent
from canvas_pipeline.components.resource import Line
from canvas_pipeline.defs.automation import DEMO_METHODS, demo_selection
from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.line import bench, intake
from canvas_pipeline.line.bench import read_report
from canvas_pipeline.line.workspace import Workspace, workspace
from canvas_pipeline.training.methods import METHODS, method

out = Console(highlight=False)
SHORT = {"loggers": {"console": {"config": {"log_level": "INFO"}}}}
"""Short lines in the terminal (``components.console``); the event log in the web UI has everything."""


def methods_of(text: str) -> tuple[str, ...]:
    """``all`` or comma-separated names, sft first (the others start from it); raises ``BadConfig`` for an unknown one."""
    names = list(METHODS) if text.strip() == "all" else [part.strip() for part in text.split(",") if part.strip()]
    chosen = {method(name).name for name in names} | {"sft"}
    return tuple(name for name in METHODS if name in chosen)


def demo(methods: Sequence[str]) -> int:
    """Run; returns the exit code."""
    from canvas_pipeline.definitions import defs

    started = time.monotonic()
    line = Line()
    ws = workspace_of(line)
    definitions = defs()
    instance = dg.DagsterInstance.get()
    contributors = list(intake.contributor_files(ws))
    instance.add_dynamic_partitions("contributors", contributors)
    recomputed = 0
    for contributor in contributors:
        out.print(f"[bold]intake[/bold] {contributor}")
        result = definitions.resolve_job_def("intake").execute_in_process(
            instance=instance, partition_key=contributor, run_config=SHORT, raise_on_error=False
        )
        recomputed += report(result)
        if not result.success:
            return 1
    out.print(f"[bold]demo[/bold] with {', '.join(methods)}")
    job = definitions.resolve_job_def("demo" if set(methods) <= set(DEMO_METHODS) else "nightly")
    keys = sorted(demo_selection(methods).resolve(definitions.resolve_asset_graph()))
    result = job.execute_in_process(instance=instance, asset_selection=keys, run_config=SHORT, raise_on_error=False)
    recomputed += report(result)
    if not result.success:
        return 1
    summary(ws, methods)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    out.print(
        f"{time.monotonic() - started:.0f} s, largest process {peak / (1 << 20):.2f} GiB, {recomputed} assets made anew. "
        "See it: make dev"
    )
    return 0


def workspace_of(line: Line) -> Workspace:
    """The workspace of a resource, outside of a run."""
    from pathlib import Path

    return workspace(Path(line.root), line.profile, seed=line.seed, base_model=line.base_model)


def report(result: dg.ExecuteInProcessResult) -> int:
    """Say what failed; returns how many assets were made anew (not reused)."""
    failed = [e for e in result.get_asset_check_evaluations() if not e.passed]
    for evaluation in failed:
        out.print(
            f"  [red]{evaluation.check_name}[/red] on {evaluation.asset_key.to_user_string()}: {evaluation.description}"
        )
    for event in result.all_events:
        if event.is_step_failure:
            error = event.step_failure_data.error
            cause = error.cause or error if error else None
            out.print(f"  {event.step_key}: {cause.message.strip() if cause else 'failed'}", style="red", markup=False)
    events = [e.step_materialization_data.materialization for e in result.all_events if e.is_step_materialization]
    return sum(m.metadata["reused"].value is False for m in events if "reused" in m.metadata)


def summary(ws: Workspace, methods: Sequence[str]) -> None:
    """base → SFT → others with intervals, and where the GGUF lies."""
    table = Table(
        "model", "tool selection", "exact call", "over-calling", "stops when done", title="Bench (Wilson 95 %)"
    )
    for name in ("base", *methods):
        stage = ws.store.get("base_bench" if name == "base" else f"bench/{name}")
        found = read_report(stage)
        rates = (found.tool_selection, found.exact_call, found.over_calling, found.termination)
        table.add_row(name, *(percent(rate) for rate in rates))
    out.print(table)
    chosen = bench.production_method(ws)
    files = ws.store.get(f"gguf/{chosen}").folder
    out.print(f"production checkpoint: {chosen}; GGUF files: {files}")
    out.print(f"release: {ws.root / 'releases' / 'current'}")


def main() -> None:
    try:
        sys.exit(demo(methods_of(os.environ.get("METHODS", ",".join(DEMO_METHODS)))))
    except CanvasPipelineError as error:
        out.print(f"demo: {error}", style="red", markup=False)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
