"""Declare a stage once.

Assets, checks, jobs, the order of a rebuild, the exposure of contributors' rows and the graphs in the docs are computed from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.guard import Guard

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.context import BuildContext
    from canvas_pipeline.pipeline.workspace import StageResult, Workspace

CONTRIBUTORS = "collab"
"""The folder of contributors' files, and the input of the stage that merges them. Each has a stage ``collab/<contributor>``."""

Kind = Literal["rows", "model", "report", "spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One stage of a track. ``name`` is its key in the track's store and, after the track's name, in Dagster; ``inputs`` are names
    of stages of the same track.

    ``kind``: ``rows`` contain contributors' rows; a ``model`` was trained on them; a ``report`` describes its inputs; a ``spec``'s
    recipe has a digest only, and its file ``names_inputs`` lists its inputs. ``checks`` are the guards evaluated on it.
    ``rows_from`` are inputs each of whose rows comes out of this stage, is merged, or is refused with a reason (G6 counts them).
    ``counted_by`` is a field of the rows: its values are counted in place of rows, where a stage makes several rows from one.
    ``evaluated_on`` are inputs that a model is evaluated on, not made from. ``memory_gib``: profile → memory of a step that
    computes on every core in its own process; other steps reserve the default. ``method``: the method that the stage belongs to.
    ``next_act``: what to do after it, if that is not to materialise the stages that read it. ``scheduled``: the demo and the
    nightly build it. ``restored``: it is rebuilt after a removal. ``expected_daily``: the web UI warns when it is a day old.
    ``parts``: of a stage that is made for each of several parts apart (``Track.partitioned``), the parts that there are now, each
    with the file it is read from, or None where it is drawn. Part ``p`` of ``source`` is the stage ``source/p``."""

    name: str
    inputs: tuple[str, ...]
    build: Callable[[BuildContext], StageResult]
    kind: Kind
    group: str
    description: str
    checks: tuple[Guard, ...] = ()
    tools: tuple[str, ...] = ()
    rows_from: tuple[str, ...] = ()
    counted_by: str = ""
    evaluated_on: frozenset[str] = frozenset()
    names_inputs: str = ""
    memory_gib: Mapping[str, float] = field(default_factory=dict)
    method: str = ""
    next_act: str = ""
    scheduled: bool = True
    restored: bool = True
    expected_daily: bool = False
    parts: Callable[[Workspace], Mapping[str, Path | None]] | None = None


def stage(
    name: str, inputs: tuple[str, ...], build: Callable[[BuildContext], StageResult], kind: Kind, checks: tuple[Guard, ...],
    description: str, *, group: str = "rows", conserves: tuple[str, ...] = (), counted_by: str = "", method: str = "",
    memory_gib: Mapping[str, float] = {},
) -> StageSpec:  # fmt: skip
    """Declare a stage in the order in which a reader asks. ``conserves`` are its ``rows_from``."""
    return StageSpec(
        name=name, inputs=inputs, build=build, kind=kind, group=group, description=description, checks=checks,
        tools=("jsonl",) if kind == "rows" else (), rows_from=conserves, counted_by=counted_by, method=method,
        memory_gib=memory_gib,
    )  # fmt: skip


def ordered(specs: Iterable[StageSpec]) -> Mapping[str, StageSpec]:
    """Sort stages so that each comes after its inputs, otherwise in the order given; return them by name.

    Raises ``BadConfig`` if two have the same name or one depends on itself."""
    given: dict[str, StageSpec] = {}
    for spec in specs:
        if spec.name in given:
            raise BadConfig(f"two stages are named {spec.name}")
        given[spec.name] = spec
    found: dict[str, StageSpec] = {}

    def place(spec: StageSpec, behind: tuple[str, ...]) -> None:
        if spec.name in behind:
            raise BadConfig(f"{spec.name} is made from itself: {' -> '.join((*behind, spec.name))}")
        for name in spec.inputs:
            if name in given and name not in found:
                place(given[name], (*behind, spec.name))
        found[spec.name] = spec

    for spec in given.values():
        if spec.name not in found:
            place(spec, ())
    return found


def upstream(specs: Mapping[str, StageSpec], names: Sequence[str]) -> list[str]:
    """Return the names of some stages and of everything upstream except rows that no model made, in the order of ``specs``."""
    reached, rest, sampled = set[str](), list(names), made_by_models(specs)
    while rest:
        name = rest.pop()
        if name in reached or name not in specs or (specs[name].kind == "rows" and name not in sampled):
            continue
        reached.add(name)
        rest += specs[name].inputs
    return [name for name in specs if name in reached]


def made_by_models(specs: Mapping[str, StageSpec]) -> frozenset[str]:
    """Return the names of the rows stages that are downstream of a trained model. ``specs`` are in build order."""
    after: set[str] = set()
    for name, spec in specs.items():
        if spec.kind == "model" or not after.isdisjoint(spec.inputs):
            after.add(name)
    return frozenset(name for name in after if specs[name].kind == "rows")
