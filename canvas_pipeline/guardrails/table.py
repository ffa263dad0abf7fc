"""All guards of a track in order: the standard ones and its own; whom each concerns, and what its rows are."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from canvas_pipeline.datasets.spec import DatasetSpec
from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails import standard
from canvas_pipeline.guardrails.guard import Guard, place
from canvas_pipeline.methods import METHODS, Method


class GuardTable:
    """The guards that concern a track's methods and data sets. ``guards`` has them by id."""

    def __init__(self, own: Iterable[Guard], datasets: Mapping[str, DatasetSpec]) -> None:
        every = sorted((*standard.GUARDS, *own), key=lambda guard: place(guard.id))
        self.guards: Mapping[str, Guard] = {guard.id: guard for guard in every}
        self.datasets = datasets

    def of_method(self, method: Method) -> tuple[Guard, ...]:
        """The guards that must have passed before a method may train: those over everything its weights descend from."""
        return tuple(guard for guard in self.guards.values() if guard.applies_to(method))

    def of_any_method(self) -> tuple[Guard, ...]:
        """The guards that concern any of the methods that train on the track's data sets."""
        rows = [row for row in METHODS.values() if row.dataset in self.datasets]
        return tuple(guard for guard in self.guards.values() if any(guard.applies_to(row) for row in rows))

    def of_split(self, dataset: str) -> tuple[Guard, ...]:
        """The guards that a data set's split answers: those of every data set, and those over this one's files alone."""
        own = f"{dataset}_"
        return tuple(
            guard
            for guard in self.guards.values()
            if guard.per == "dataset" or (guard.per == "line" and all(name.startswith(own) for name in guard.binds))
        )

    def inputs_of(self, method: Method) -> tuple[str, ...]:
        """The names of all inputs whose sha256 the gate needs for a method, without repeats, in table order."""
        return tuple(dict.fromkeys(name for guard in self.of_method(method) for name in guard.inputs(method)))

    def dataset_of(self, name: str) -> DatasetSpec:
        """The data set of an input such as ``preference_train``. Raises ``BadInput`` where the track has none."""
        dataset = name.rpartition("_")[0]
        if dataset not in self.datasets:
            raise BadInput(f"there is no data set {dataset!r}; choose one of: {', '.join(self.datasets)}")
        return self.datasets[dataset]
