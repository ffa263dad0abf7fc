"""Describe a track: its data sets, guards, methods and own stages. Training to release are the same stages in every track."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.evaluation.benchmark import Benchmark
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import REFERENCE, REFERENCE_GIB, Hyperparameters, Method, ancestry, method
from canvas_pipeline.pipeline.facts import TrackCard
from canvas_pipeline.pipeline.stage import StageSpec, ordered
from canvas_pipeline.pipeline.standard import standard_stages
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.profiles import Profile
from canvas_pipeline.release.gate import ReleaseItem

TRACKS = Path(__file__).resolve().parents[1] / "tracks"
DEFAULT = "canvas"
"""The track of a command that does not name one."""
ALL = "all"
"""Names every track, for a command that makes several in turn."""


def _nobody(ws: Workspace, contributor: str) -> StageResult:
    raise BadConfig(f"nobody contributes to the track {ws.track.name}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One track. Store keys and asset keys begin with its ``name``.

    ``guards`` are the standard ones and its own. ``shipped_base`` is the folder of the small base model of its embedded profile.
    ``data_stages`` build its rows, up to the splits and the benchmark's cases; ``evaluation_stages`` are further ones between the
    production checkpoint and the release; ``partitioned`` are those that are made for each file or suite apart
    (``StageSpec.parts``) and read by the data stages; ``demo_methods`` are those that the demo trains. ``allowances`` let G6 pass
    where a stage loses rows on purpose. ``hyperparameters`` (method, profile, numbers) and ``memory_gib`` (method, profile, GiB)
    are used instead of the method table's; ``verdicts`` are those of its own guards that are not over rows, for the gate;
    ``release_items`` measures what it asks of a release beyond them, with the profile's bounds; ``needs`` raises ``MissingTool``
    where this machine lacks what only this track uses; ``around`` may put something around each stage. Where people contribute
    data, ``contributors`` maps each of them to their file, ``due`` names those whose stage is missing or old, and ``ingest`` makes
    one's stage."""

    name: str
    profiles: Mapping[str, Profile]
    datasets: Mapping[str, DatasetSpec]
    guards: GuardTable
    methods: tuple[str, ...]
    benchmark: Benchmark
    card: TrackCard
    data_stages: Callable[[], Iterable[StageSpec]]
    shipped_base: Callable[[], Path]
    contributors: Callable[[Workspace], Mapping[str, Path]] = lambda ws: {}
    due: Callable[[Workspace], Sequence[str]] = lambda ws: ()
    ingest: Callable[[Workspace, str], StageResult] = _nobody
    evaluation_stages: Callable[[], Iterable[StageSpec]] = tuple
    allowances: tuple[Allowance, ...] = ()
    partitioned: Callable[[], Iterable[StageSpec]] = tuple
    demo_methods: tuple[str, ...] = ("sft",)
    hyperparameters: Mapping[str, Mapping[str, Hyperparameters]] = field(default_factory=dict)
    memory_gib: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    verdicts: Callable[[Workspace], Iterable[Verdict]] = lambda ws: ()
    release_items: Callable[[Workspace], Sequence[ReleaseItem]] = lambda ws: ()
    needs: Callable[[], object] = lambda: None
    around: Callable[[StageSpec], StageSpec] = lambda spec: spec

    def method(self, name: str) -> Method:
        """Look up one of its methods. Raises ``BadConfig`` that lists them."""
        if method(name).name not in self.methods:
            raise BadConfig(f"the track {self.name} does not train {name}; choose one of: {', '.join(self.methods)}")
        return method(name)

    def datasets_with(self, name: str) -> Mapping[str, DatasetSpec]:
        """Return its data sets without those that are made for single methods only, except for a method and its ancestors."""
        stages, own = self.stages(), {row.dataset for row in ancestry(method(name))}
        return {key: spec for key, spec in self.datasets.items() if key in own or not stages[spec.split].method}

    def numbers(self, name: str, profile: str) -> Hyperparameters:
        """Return a method's hyperparameters at a profile: the track's own, else the method table's."""
        row = method(name)
        return self.hyperparameters.get(row.choice, {}).get(profile) or row.hyperparameters(profile)

    def memory(self, name: str) -> Mapping[str, float]:
        """Return profile → GiB that a method's step or the reference pass reserves: the track's own, else the method table's."""
        if name == REFERENCE:
            return {**REFERENCE_GIB, **self.memory_gib.get(name, {})}
        return {**method(name).uma_gib, **self.memory_gib.get(method(name).choice, {})}

    def stages(self, methods: tuple[str, ...] = ()) -> Mapping[str, StageSpec]:
        """Return the stages by name in build order, with those of ``methods`` (default: all of the track's) and of
        their earlier rounds.

        The intake stages of single contributors are not included."""
        return _stages(self, methods or self.methods)


@functools.cache
def _stages(track: Track, methods: tuple[str, ...]) -> Mapping[str, StageSpec]:
    return ordered(map(track.around, (*track.data_stages(), *standard_stages(track, methods))))


def track_names() -> tuple[str, ...]:
    """List the tracks: packages in ``tracks`` with a module ``track``."""
    return tuple(sorted(path.parent.name for path in TRACKS.glob("*/track.py")))


def track_commands() -> Iterator[Any]:
    """Import and yield the modules ``tracks.<track>.commands.app``; ``register(app)`` adds a track's commands to the data CLI."""
    for name in track_names():
        if (TRACKS / name / "commands").is_dir():
            yield importlib.import_module(f"{__name__.partition('.')[0]}.tracks.{name}.commands.app")


def track_named(name: str) -> Track:
    """Import a track: ``TRACK`` of ``canvas_pipeline.tracks.<name>.track``. Raises ``BadConfig`` for an unknown name."""
    module = f"{__name__.partition('.')[0]}.tracks.{name}.track"
    try:
        found: Track = importlib.import_module(module).TRACK
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise BadConfig(f"there is no track {name!r}; choose one of: {', '.join(track_names())}") from None
    return found


def tracks_named(names: str) -> list[Track]:
    """Import the tracks of a list with commas, or ``all``. Raises ``BadConfig`` for an unknown name, and where there is none."""
    chosen = track_names() if names.strip() == ALL else [name.strip() for name in names.split(",") if name.strip()]
    if not chosen:
        raise BadConfig(f"no track is named; choose from: {', '.join((*track_names(), ALL))}")
    return [track_named(name) for name in dict.fromkeys(chosen)]
