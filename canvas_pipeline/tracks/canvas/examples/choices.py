"""Conversations about which of two items comes first, in the form of the labelled pairs: supervised training sees that form before
a preference method does."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import msgspec

from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.examples.labelling import hinted
from canvas_pipeline.tracks.canvas.examples.pairs import QUERIES, item_pair
from canvas_pipeline.tracks.canvas.examples.situation import Situation
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot, reschedule
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import Item


def quota(students: Sequence[Snapshot], profile: CanvasProfile) -> int:
    """Return how many situations ``choices`` yields."""
    return profile.choice_trajectories if _able(students) else 0


def choices(
    students: Sequence[Snapshot], profile: CanvasProfile, seed: int, canvas_factory: CanvasFactory
) -> Iterator[Situation]:
    """Yield ``choice_trajectories`` situations, each about two differently named items of one account.

    The same arguments give the same situations. Empty without a student who has two such items."""
    able = _able(students)
    for index in range(quota(students, profile)):
        key = digest("choice", str(seed), str(index))
        rng = random.Random(key)
        account = reschedule(rng.choice(able), key)
        first, second = rng.sample(_named(account), 2)
        yield Situation(
            id=key[:12],
            kind="single",
            role="train",
            snapshot=account,
            declaration=profile.declaration,
            exchanges=(hinted(item_pair(first, second, rng.choice(QUERIES)), canvas_factory(account)),),
        )


def _able(students: Sequence[Snapshot]) -> list[Snapshot]:
    return [student for student in students if len(_named(student)) > 1]


def _named(account: Snapshot) -> list[Item]:
    """Return one item for each title of an account, named and dated as the account shows it."""
    items = {item.id: item for item in account.items}
    shown = {
        a.title: msgspec.structs.replace(items[a.item_id], title=a.title, due_at=a.due_iso) for a in account.assignments
    }
    return [item for title, item in shown.items() if title]
