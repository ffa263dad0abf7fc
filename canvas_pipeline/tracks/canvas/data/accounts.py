"""The mock accounts of a corpus and the assignment of their items to train, eval and test, for stages and commands alike."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.examples import splits, students
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Item

Accounts = tuple[tuple[students.Snapshot, ...], splits.Assignment]


def accounts(corpus: Path, profile_name: str, seed: int) -> Accounts:
    """Return all mock accounts of a corpus file, and the split of each item and student."""
    profile = profile_named(PROFILES, profile_name)
    made = students.students(read_jsonl(corpus, Item), profile, seed)
    fraction = profile.eval_fraction
    shares: dict[splits.Split, float] = {"train": 1 - 2 * fraction, "eval": fraction, "test": fraction}
    return tuple(made), splits.assign(splits.groups_of(made), seed, shares)
