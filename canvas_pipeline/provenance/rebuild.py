"""Make stages again after a contributor was removed: those that stood before, in their order, and no others.

Stages of rows run in this process. Models are trained only where that was asked for: it takes hours on a real machine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace


def taken_in(ws: Workspace, names: Iterable[str]) -> Iterator[tuple[str, StageResult]]:
    """The contributors who had been taken in, once more: each is reused unless their file or the code changed."""
    had = {name.removeprefix("collab/") for name in names if name.startswith("collab/")}
    for contributor in sorted(had & ws.track.contributors(ws).keys()):
        yield f"collab/{contributor}", ws.track.take_in(ws, contributor)


def rows(ws: Workspace, names: Iterable[str]) -> Iterator[tuple[str, StageResult]]:
    """The data half as far as it stood. Nobody left to merge: nothing is made."""
    had = set(names)
    if not ws.track.contributors(ws):
        return
    yield from taken_in(ws, had)
    for spec in ws.track.stages().values():
        if spec.name in had and spec.kind == "rows":
            yield spec.name, spec.make(ws, _no_process)


def models(ws: Workspace, names: Iterable[str], launch: Launch) -> Iterator[tuple[str, StageResult]]:
    """The model half as far as it stood, up to the release log."""
    had = set(names)
    if not ws.track.contributors(ws):
        return
    for spec in ws.track.stages().values():
        if spec.name in had and spec.kind != "rows" and spec.restored:
            yield spec.name, spec.make(ws, launch)


def _no_process(command: Sequence[str], env: Mapping[str, str]) -> None:
    raise AssertionError("a stage of rows starts no process")
