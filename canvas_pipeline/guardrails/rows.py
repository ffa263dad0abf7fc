"""Evaluate the guards over rows of files, for the pipeline's verdicts and again for the gate."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.guardrails.guard import Guard, Hashes, RowsEvidence
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.profiles import Profile
from canvas_pipeline.records import read_jsonl

Read = Callable[[str], Sequence[Any]]
"""Return the rows of an input, by its name."""


def row_verdict(table: GuardTable, guard: Guard, dataset: str, read: Read, hashes: Hashes, profile: Profile) -> Verdict:
    """Evaluate a ``recomputable`` guard on a data set; a guard for the whole pipeline reads the files it binds to.

    Raises ``BadInput`` for a data set that no method reads, and for a row of another type."""
    names = guard.inputs_of(dataset)
    evidence = RowsEvidence(tuple(read(name) for name in names), table.dataset_of(names[0]), profile)
    return guard.verdict(evidence, {name: hashes[name] for name in names}, dataset if guard.per == "dataset" else None)


def reader(table: GuardTable, files: Mapping[str, Path]) -> Read:
    """Return a ``Read`` over files by the names of their inputs; each is read once."""

    @functools.cache
    def read(name: str) -> Sequence[Any]:
        return list(read_jsonl(files[name], table.dataset_of(name).row_type))

    return read
