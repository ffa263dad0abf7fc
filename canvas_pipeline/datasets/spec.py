"""Describe a data set that methods train on: its row type, source stages and minimum size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.records import Row

PARTS = ("train", "eval")
"""The parts of a split that training reads; ``test`` is for the benchmark."""


def no_tools(row: Any, profile: Any) -> None:
    """Declare no tools."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetSpec:
    """One data set of a track.

    ``sources``: the stages whose rows are split. ``funnels``: those whose row counts G6 evaluates, up to the split. ``min_rows``
    reads the minimum of training rows (G12) from a profile. ``schemas`` gives the JSON schemas of the tools that a row's prompt
    declares at a profile."""

    name: str
    title: str
    row_type: type[Row]
    sources: tuple[str, ...]
    funnels: tuple[str, ...]
    min_rows: Callable[[Any], int]
    schemas: Callable[[Any, Any], Sequence[dict[str, Any]] | None] = no_tools

    @property
    def split(self) -> str:
        """The stage that holds its parts."""
        return f"{self.name}_split"

    @property
    def parts(self) -> tuple[str, ...]:
        """The names of its training and evaluation files among a run's inputs."""
        return tuple(f"{self.name}_{part}" for part in PARTS)
