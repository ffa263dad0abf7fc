"""List all guards of a track in order, the standard ones and its own, and find those that apply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails import standard
from canvas_pipeline.guardrails.guard import Guard, order
from canvas_pipeline.methods import METHODS, Method


class GuardTable:
    """The guards of a track's methods and data sets. ``guards`` maps their ids to them."""

    def __init__(self, own: Iterable[Guard], datasets: Mapping[str, DatasetSpec]) -> None:
        every = sorted((*standard.GUARDS, *own), key=lambda guard: order(guard.id))
        self.guards: Mapping[str, Guard] = {guard.id: guard for guard in every}
        self.datasets = datasets

    def of_method(self, method: Method) -> tuple[Guard, ...]:
        """Return the guards that must have passed before a method may train."""
        return tuple(guard for guard in self.guards.values() if guard.applies_to(method))

    def of_split(self, dataset: str) -> tuple[Guard, ...]:
        """Return the guards to evaluate on a data set's split: those that a method on it needs, and those over its files alone."""
        own, rows = f"{dataset}_", [row for row in METHODS.values() if row.dataset == dataset]
        return tuple(
            guard
            for guard in self.guards.values()
            if (guard.per == "dataset" and any(map(guard.applies_to, rows)))
            or (guard.per == "line" and all(name.startswith(own) for name in guard.binds))
        )

    def inputs_of(self, method: Method) -> tuple[str, ...]:
        """Return the names of all inputs whose sha256 the gate needs for a method, in table order."""
        return tuple(dict.fromkeys(name for guard in self.of_method(method) for name in guard.inputs(method)))

    def dataset_of(self, name: str) -> DatasetSpec:
        """Find the data set of an input such as ``preference_train``. Raises ``BadInput`` where the track has none."""
        dataset = name.rpartition("_")[0]
        if dataset not in self.datasets:
            raise BadInput(f"there is no data set {dataset!r}; choose one of: {', '.join(self.datasets)}")
        return self.datasets[dataset]
