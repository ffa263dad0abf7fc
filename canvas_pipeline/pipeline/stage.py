"""Declares a stage once.

Assets, checks, jobs, the order of a rebuild, what saw a contributor, and the README's graph are computed from the declaration.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.guard import Guard

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.context import BuildContext
    from canvas_pipeline.pipeline.workspace import StageResult

CONTRIBUTORS = "collab"
"""The folder of contributors' files, the input of the stage that joins them, and ``collab/<contributor>`` the stage of each."""

Kind = Literal["rows", "model", "report", "spec"]


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSpec:
    """One stage of a track. ``name`` is its key in the track's store and, behind the track, in Dagster; ``inputs`` are names of
    stages of the same track.

    ``kind``: ``rows`` hold a contributor's rows; a ``model`` was trained on them; a ``report`` tells of its inputs; a ``spec``'s
    recipe names a digest only, and its file ``names_inputs`` says what it was made from. ``checks`` are the guards that it answers.
    ``rows_from`` are inputs each of whose rows comes out of this stage, is merged, or is refused with a reason (G6 counts them).
    ``counted_by`` is a field of the rows: its values are counted in place of rows, where a stage makes several rows from one.
    ``evaluated_on`` are inputs that a model is measured on and not made from. ``memory_gib`` by profile marks a step that computes
    on every core in a process of its own; the others reserve the default. ``method`` is the method that a stage belongs to.
    ``next_act`` says what to do when it is there, where that is not to materialise its readers. ``scheduled`` says whether the demo
    and the nightly make it; ``restored`` whether it is made again after a contributor was removed; ``expected_daily`` whether the
    web UI warns when it is older than a day."""

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


def ordered(specs: Iterable[StageSpec]) -> Mapping[str, StageSpec]:
    """The stages by name, each behind its inputs and otherwise in the order given. Raises ``BadConfig`` where two have one name, or
    one is made from itself."""
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
    """Some stages and what they are made from, up to the rows, which are left out; in the order of ``specs``."""
    reached, rest = set[str](), list(names)
    while rest:
        name = rest.pop()
        if name in reached or name not in specs or specs[name].kind == "rows":
            continue
        reached.add(name)
        rest += specs[name].inputs
    return [name for name in specs if name in reached]
