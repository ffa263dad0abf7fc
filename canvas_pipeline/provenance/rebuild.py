"""Rebuild the stages that existed before a contributor was removed, in their order, and no others.

Rows stages run in this process. Models are trained only on request, and rows that they made come with them: that takes hours on a
real machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.stage import made_by_models
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace


def _rebuild_intake(ws: Workspace, names: Iterable[str]) -> Iterator[tuple[str, StageResult]]:
    """Ingest the contributors who had been ingested before. Each is reused unless their file or the code changed."""
    had = {name.removeprefix("collab/") for name in names if name.startswith("collab/")}
    for contributor in sorted(had & ws.track.contributors(ws).keys()):
        yield f"collab/{contributor}", ws.track.ingest(ws, contributor)


def rebuild_rows(ws: Workspace, names: Iterable[str]) -> Iterator[tuple[str, StageResult]]:
    """Rebuild the rows stages that existed, except those that a model made. Yields nothing where no contributor is left."""
    had = set(names)
    if not ws.track.contributors(ws):
        return
    yield from _rebuild_intake(ws, had)
    sampled = made_by_models(ws.track.stages())
    for spec in ws.track.stages().values():
        if spec.name in had and spec.kind == "rows" and spec.name not in sampled:
            yield spec.name, build_stage(ws, spec.name)


def rebuild_models(ws: Workspace, names: Iterable[str], launch: Launch) -> Iterator[tuple[str, StageResult]]:
    """Rebuild the models, what they made, reports and the release log, as far as they existed."""
    had = set(names)
    if not ws.track.contributors(ws):
        return
    sampled = made_by_models(ws.track.stages())
    for spec in ws.track.stages().values():
        if spec.name in had and (spec.kind != "rows" or spec.name in sampled) and spec.restored:
            yield spec.name, build_stage(ws, spec.name, launch)
