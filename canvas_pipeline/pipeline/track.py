"""Describes a track: what a model learns from, and the stages before training. The stages after them are every track's."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.pipeline.stage import StageSpec, ordered
from canvas_pipeline.pipeline.standard import standard_stages
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.profiles import Profile


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Track:
    """One track. Store keys and asset keys begin with its ``name``.

    ``guards`` are the standard ones and its own. ``shipped_base`` is the folder of the small base model of its embedded profile.
    ``data_stages`` make its rows, up to the splits and the benchmark's cases. ``contributors`` maps who gave data to their file,
    ``take_in`` makes one contributor's stage again. ``allowances`` let G6 pass where a stage loses rows on purpose."""

    name: str
    profiles: Mapping[str, Profile]
    datasets: Mapping[str, DatasetSpec]
    guards: GuardTable
    methods: tuple[str, ...]
    data_stages: Callable[[], Iterable[StageSpec]]
    shipped_base: Callable[[], Path]
    contributors: Callable[[Workspace], Mapping[str, Path]]
    take_in: Callable[[Workspace, str], StageResult]
    allowances: tuple[Allowance, ...] = ()

    def stages(self, methods: tuple[str, ...] = ()) -> Mapping[str, StageSpec]:
        """Its stages by name, with those of some methods (all of the track's where none is named), in the order they are made; the
        intake of single contributors is not among them."""
        return _stages(self, methods or self.methods)


@functools.cache
def _stages(track: Track, methods: tuple[str, ...]) -> Mapping[str, StageSpec]:
    return ordered((*track.data_stages(), *standard_stages(track.guards, methods)))


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
