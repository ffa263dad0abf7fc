"""Sample pairs of items with the question which to do first, without listing all pairs.

Every possible pair is equally likely and none occurs twice; the order of the items does not matter; memory grows with the number
of sampled pairs, not with C(n, 2). Taking the first rows of a nested loop instead would put the first few items into nearly every
pair."""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.rows import Item, ItemPair

# The student's question, without the items. Each is completed as "<query>: <item> or <item>?" (see ``labelling``).
QUERIES: tuple[str, ...] = (
    "Which should I do first",
    "Which one is more urgent",
    "What do I tackle first",
    "Which of these comes first",
    "What needs me sooner",
    "Which one can't wait",
    "Where do I start today",
    "Which gets my evening",
)


def sample_pairs(
    items: Iterable[Item], n: int, seed: int, queries: Sequence[str] = QUERIES, *, finished_too: bool = False
) -> Iterator[ItemPair]:
    """Yield at most ``n`` distinct pairs, uniform over the possible ones (all of them where there are fewer than ``n``).

    Finished items (handed in or graded) are sampled only with ``finished_too``: nothing in the question says that one is finished,
    so whoever answers it cannot know. The reference instant is the later ``collected_at`` of the two. Raises ``BadConfig`` for a
    negative ``n`` or no wording."""
    if n < 0:
        raise BadConfig(f"cannot sample {n} pairs; give a number of at least 0")
    if not queries:
        raise BadConfig("cannot ask which item is first without a wording; give at least one query")
    distinct = {item.id: item for item in items if finished_too or not _finished(item)}
    pool = sorted(distinct.values(), key=lambda item: item.id)
    total = math.comb(len(pool), 2)
    rng = random.Random(f"item-pairs/{seed}")
    for rank in rng.sample(range(total), min(n, total)):
        first, second = unrank(rank, len(pool))
        a, b = (pool[first], pool[second]) if rng.random() < 0.5 else (pool[second], pool[first])
        yield item_pair(a, b, rng.choice(queries))


def item_pair(a: Item, b: Item, query: str) -> ItemPair:
    """Build the row for two items. Its id depends on their order, the question and the reference instant."""
    reference = max(a.collected_at, b.collected_at, key=datetime.fromisoformat)
    return ItemPair(
        id=digest("item-pair", a.id, b.id, query, reference)[:16],
        query=query,
        item_a=a,
        item_b=b,
        reference_instant=reference,
        parents=(a.id, b.id),
    )


def unrank(rank: int, n: int) -> tuple[int, int]:
    """Return the pair (i, j), i < j < n, at position ``rank`` of the lexicographic order of all C(n, 2), in integer arithmetic."""
    if not 0 <= rank < math.comb(n, 2):
        raise BadConfig(f"rank {rank} is not one of the {math.comb(n, 2)} pairs of {n} items")
    # offset(i) <= rank solved for i; the root may be one too high or low, which the two steps below put right.
    i = (2 * n - 1 - math.isqrt((2 * n - 1) ** 2 - 8 * rank)) // 2
    while _offset(i, n) > rank:
        i -= 1
    while _offset(i + 1, n) <= rank:
        i += 1
    return i, i + 1 + rank - _offset(i, n)


def _offset(i: int, n: int) -> int:
    """Count the pairs that start with an item before the ``i``-th."""
    return i * (2 * n - i - 1) // 2


def _finished(item: Item) -> bool:
    return item.submission_status in ("GRADED", "SUBMITTED")
