"""Describes a track: what a model learns from, and the stages before training. The stages after them are every track's."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.evaluation.benchmark import Benchmark
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.pipeline.facts import TrackCard
from canvas_pipeline.pipeline.stage import StageSpec, ordered
from canvas_pipeline.pipeline.standard import standard_stages
from canvas_pipeline.pipeline.workspace import StageResult, Workspace


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One track. Store keys and asset keys begin with its ``name``.

    ``data_stages`` make its rows, up to the splits and the benchmark's cases; ``evaluation_stages`` are further ones between the
    production checkpoint and the release. ``contributors`` maps who gave data to their file,
    ``take_in`` makes one contributor's stage again. ``allowances`` let G6 pass where a stage loses rows on purpose."""

    name: str
    datasets: Mapping[str, DatasetSpec]
    methods: tuple[str, ...]
    benchmark: Benchmark
    card: TrackCard
    data_stages: Callable[[], Iterable[StageSpec]]
    contributors: Callable[[Workspace], Mapping[str, Path]]
    take_in: Callable[[Workspace, str], StageResult]
    evaluation_stages: Callable[[], Iterable[StageSpec]] = tuple
    allowances: tuple[Allowance, ...] = ()

    def stages(self, methods: tuple[str, ...] = ()) -> Mapping[str, StageSpec]:
        """Its stages by name, with those of some methods (all of the track's where none is named), in the order they are made; the
        intake of single contributors is not among them."""
        return _stages(self, methods or self.methods)


@functools.cache
def _stages(track: Track, methods: tuple[str, ...]) -> Mapping[str, StageSpec]:
    return ordered((*track.data_stages(), *standard_stages(track, methods)))


def track_named(name: str) -> Track:
    """The track that ``canvas_pipeline.tracks.<name>.track`` defines as ``TRACK``. Raises ``BadConfig`` where there is none."""
    module = f"{__name__.partition('.')[0]}.tracks.{name}.track"
    try:
        found: Track = importlib.import_module(module).TRACK
    except ModuleNotFoundError as error:
        if error.name is None or not module.startswith(error.name):
            raise
        raise BadConfig(
            f"there is no track {name!r}; a track is a package with a module track.py below tracks/"
        ) from None
    return found
