"""Divide a trainer's micro-batches among ranks so that every update, loss and metric is that of one process.

Rank r computes the micro-batches r, r + W, r + 2W … of an update. What a trainer would compute over the micro-batches of several
ranks at once (KTO's KL term, mean rewards) is computed for each micro-batch, as one process does, and averaged when it is logged.
At the end of the rows some ranks may have no micro-batch left: they compute one that counts nothing.

A module of its own, since it defines classes over torch and is imported only where a trainer is built.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from itertools import zip_longest
from typing import Any

from canvas_pipeline.training import launched, ranks

COUNTS = "counts"
"""The key of a batch that says whether it has rows of its own."""


class Filled:
    """A data set with indices up to a multiple of ``multiple``; those beyond its rows give None."""

    def __init__(self, rows: Any, multiple: int) -> None:
        self.rows = rows
        self.length = -(-len(rows) // multiple) * multiple

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, index: int) -> Any:
        return self.rows[index] if index < len(self.rows) else None


class Collated:
    """A collator that leaves out what ``Filled`` has added. A batch of nothing else is the row ``spare``, which counts nothing."""

    def __init__(self, collator: Callable[[Sequence[Any]], dict[str, Any]], spare: Any) -> None:
        self.collator = collator
        self.spare = spare

    def __call__(self, batch: Sequence[Any]) -> dict[str, Any]:
        rows = [row for row in batch if row is not None]
        return {**self.collator(rows or [self.spare]), COUNTS: bool(rows)}


class Spread:
    """A mixin for a TRL trainer, before it in the bases. In a process that is alone it changes nothing."""

    accelerator: Any
    model: Any
    data_collator: Any
    _metrics: Any
    _share = 1.0

    def _get_dataloader(self, dataset: Any, description: str, batch_size: int, *rest: Any, **named: Any) -> Any:
        parent = super()._get_dataloader  # type: ignore[misc]
        if launched.world() == 1:
            return parent(dataset, description, batch_size, *rest, **named)
        own = self.data_collator
        self.data_collator = Collated(own, dataset[0])
        try:
            return parent(Filled(dataset, batch_size * launched.world()), description, batch_size, *rest, **named)
        finally:
            self.data_collator = own

    def get_batch_samples(self, epoch_iterator: Iterator[Any], num_batches: int, device: Any) -> Any:
        """Return this rank's micro-batches of one update. Each of one process's counts the same, also where there are fewer."""
        batches, items = super().get_batch_samples(epoch_iterator, num_batches, device)  # type: ignore[misc]
        if launched.world() > 1 and batches:
            counting = ranks.total(sum(batch[COUNTS] for batch in batches))
            # The trainer divides by its own number of batches, and ranks are averaged.
            self._share = len(batches) * launched.world() / counting
        return batches, items

    def _get_num_items_in_batch(self, batch_samples: list[Any], device: Any) -> Any:
        if launched.world() > 1:
            import torch

            batch_samples = [
                batch if batch.get(COUNTS, True) or "labels" not in batch
                else {**batch, "labels": torch.full_like(batch["labels"], -100)}
                for batch in batch_samples
            ]  # fmt: skip
        return super()._get_num_items_in_batch(batch_samples, device)  # type: ignore[misc]

    def compute_loss(
        self, model: Any, inputs: dict[str, Any], return_outputs: bool = False, num_items_in_batch: Any = None
    ) -> Any:
        parent = super().compute_loss  # type: ignore[misc]
        if launched.world() == 1:
            return parent(model, inputs, return_outputs, num_items_in_batch)
        counts = inputs.pop(COUNTS, True)
        before = None if counts else deepcopy(self._metrics)
        with self._by_itself():
            loss = parent(model, inputs, return_outputs=False, num_items_in_batch=num_items_in_batch)
        if before is not None:
            self._metrics = before
        if not self.model.training:
            # An evaluation's mean leaves out what is not a number.
            return loss if counts else loss * float("nan")
        # Divided by all tokens of the update: it is whole as it is.
        share = 1.0 if num_items_in_batch is not None else self._share
        return loss * (share if counts else 0.0)

    @contextmanager
    def _by_itself(self) -> Iterator[None]:
        """Let the trainer compute a micro-batch's numbers from that micro-batch alone."""
        names = ("gather", "gather_for_metrics")
        for name in names:
            setattr(self.accelerator, name, _unchanged)
        try:
            yield
        finally:
            for name in names:
                delattr(self.accelerator, name)

    def log(self, logs: dict[str, float], *rest: Any, **named: Any) -> None:
        """Average the metrics over the micro-batches of all ranks."""
        if launched.world() > 1:
            mode = "train" if self.model.training else "eval"
            parts = ranks.gathered({name: list(values) for name, values in self._metrics[mode].items()})
            for name in dict.fromkeys(name for part in parts for name in part):
                turns = zip_longest(*(part.get(name, []) for part in parts))
                self._metrics[mode][name] = [value for turn in turns for value in turn if value is not None]
        super().log(logs, *rest, **named)  # type: ignore[misc]


def _unchanged(value: Any, *_: Any, **__: Any) -> Any:
    return value
