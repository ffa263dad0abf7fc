"""Split rows into train, eval and test by the hash of their ids, whatever the order of the file."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.records import digest
from canvas_pipeline.tracks.router.rows import RouterRow

EVAL_PERCENT, TEST_PERCENT = 10, 5
"""Both shares are rounded down and training has the rest: 8,189 rows give 6,962, 818 and 409."""


def ordered(rows: Sequence[RouterRow], seed: int) -> list[RouterRow]:
    """Return rows in the order of the hashes of seed and id, from which a limit takes the first ones."""
    return sorted(rows, key=lambda row: digest("split", str(seed), row.id))


def sizes(count: int) -> dict[str, int]:
    """Return the number of rows of each part."""
    held = {"eval": count * EVAL_PERCENT // 100, "test": count * TEST_PERCENT // 100}
    return {"train": count - sum(held.values()), **held}


def split(rows: Sequence[RouterRow], seed: int, stratify: bool = False) -> dict[str, list[RouterRow]]:
    """Split rows, which have different ids and queries. ``stratify`` splits the rows of each difficulty apart."""
    strata: dict[str, list[RouterRow]] = {}
    for row in ordered(rows, seed):
        strata.setdefault(row.difficulty if stratify else "", []).append(row)
    parts: dict[str, list[RouterRow]] = {"train": [], "eval": [], "test": []}
    for members in strata.values():
        wanted = sizes(len(members))
        parts["test"] += members[: wanted["test"]]
        parts["eval"] += members[wanted["test"] : wanted["test"] + wanted["eval"]]
        parts["train"] += members[wanted["test"] + wanted["eval"] :]
    return parts
