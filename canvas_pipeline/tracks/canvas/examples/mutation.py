"""Preference pairs by mutation: chosen is right and rejected is wrong by construction, with no judge (T9, T10).

In: trajectories, quotas an axis, a seed. Out: ``PreferencePair`` rows, refused drafts, and what a quota still lacks.
What must hold: the rejected side of every pair fails exactly the pair's axes and the chosen side none, as an
independent verifier reads them; each axis is spread over the tools; the same arguments give the same pairs.

Both sides share the prompt, and as much of the completion as the mistake allows (a redundant call comes after the right
one, a call too late comes after the right call's result): what they share cancels in the loss, so that a pair moves the
one decision it is about.
"""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from canvas_pipeline.records import Message, PreferencePair, Refusal, Trajectory, digest, dumps
from canvas_pipeline.tracks.canvas.examples.mistakes import (
    MUTATORS,
    Calls,
    Mutator,
    evade,
    invented_key,
    made_up_name,
    misspell,
    never_done,
    too_many,
    wrong_family,
    wrong_keys,
    wrong_order,
    wrong_values,
)
from canvas_pipeline.tracks.canvas.examples.moments import Moment, Step, moments
from canvas_pipeline.tracks.canvas.examples.verification import AXES, HEAVY_AXES, faults
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

MIXED = "mixed"
PASSES = 12  # how often a moment may be tried again before a quota is given up


class Mutated(NamedTuple):
    """Pairs in the order of ``AXES`` then mixed, refused drafts, and how many pairs each unmet quota lacks."""

    pairs: tuple[PreferencePair, ...]
    refusals: tuple[Refusal, ...]
    shortfall: dict[str, int]


@dataclass(frozen=True, slots=True)
class Recipe:
    """Which axes a pair fails and the mutators that make it so, in the order they are applied. ``spelled`` breaks the
    envelope last, with that share of plain words; ``evaded`` is how often an answer stands instead of any call; ``weight`` is
    its share among mixed pairs."""

    axes: tuple[str, ...]
    mutators: tuple[Mutator, ...]
    spelled: float | None = None
    evaded: float = 0.0
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """A pair before anybody has checked it. ``steps`` is the truth for the completion's assistant turns."""

    moment: Moment
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    steps: tuple[Step, ...]


SINGLE: Mapping[str, Recipe] = {
    axis: Recipe((axis,), (MUTATORS[axis],)) if axis in MUTATORS else Recipe((axis,), (), spelled=0.3, evaded=0.25)
    for axis in AXES
}
# How small models fail in practice: mostly too many calls with something wrong in them. The weight of those that end in
# an answer is kept low, since their chosen side holds no call and G1 wants four fifths that do.
MIXTURES: tuple[Recipe, ...] = (
    Recipe(("argument_keys", "parsimony"), (wrong_keys, too_many), weight=5),
    Recipe(("argument_values", "parsimony"), (wrong_values, too_many), weight=5),
    Recipe(("tool_selection", "parsimony"), (made_up_name, too_many), weight=5),
    Recipe(("parsimony", "domain_fit"), (wrong_family, too_many), weight=4),
    Recipe(("tool_selection", "argument_keys"), (wrong_keys, made_up_name), weight=3),
    Recipe(("tool_selection", "argument_values"), (wrong_values, made_up_name), weight=3),
    Recipe(("argument_keys", "argument_values"), (wrong_values, invented_key), weight=3),
    Recipe(("argument_keys", "domain_fit"), (wrong_family, wrong_keys), weight=2),
    Recipe(("tool_selection", "format"), (made_up_name,), spelled=0.3, weight=2),
    Recipe(("format", "domain_fit"), (wrong_family,), spelled=0.2, weight=1),
    Recipe(("parsimony", "format"), (too_many,), spelled=0.0, weight=2),
    Recipe(("argument_keys", "ordering"), (wrong_order, wrong_keys), weight=1),
    Recipe(("parsimony", "ordering"), (wrong_order, too_many), weight=1),
    Recipe(("tool_selection", "termination"), (never_done, made_up_name), weight=1),
    Recipe(("argument_keys", "termination"), (never_done, wrong_keys), weight=1),
    Recipe(("format", "termination"), (never_done,), spelled=0.2, weight=1),
)
# Where a pair about stopping is asked, in twentieths: after a result; where nothing needs calling; from the request on,
# so that the right call is part of both completions.
STOPS: tuple[str, ...] = ("after",) * 6 + ("never",) * 8 + ("through",) * 6


def quotas(profile: CanvasProfile) -> dict[str, int]:
    """How many pairs a profile wants of each axis and of ``mixed``."""
    light, heavy = profile.pairs_per_axis, profile.pairs_per_heavy_axis
    return {axis: heavy if axis in HEAVY_AXES else light for axis in AXES} | {MIXED: profile.mixed_pairs}


def mutate(trajectories: Iterable[Trajectory], wanted: Mapping[str, int], seed: int) -> Mutated:
    """Pairs to fill the quotas (``axis`` or ``mixed`` → rows; an axis left out gets none).

    A draft that its verifier does not confirm leaves as ``Refusal(trajectory id, message index, reason)``; drafts are
    ``len(pairs) + len(refusals)``. Raises ``BadInput`` for a trajectory that holds an unreadable call.
    """
    points = [moment for trajectory in trajectories for moment in moments(trajectory)]
    bench = _Bench(points, seed)
    shortfall: dict[str, int] = {}
    for axis in AXES:
        missing = bench.fill(SINGLE[axis], wanted.get(axis, 0))
        if missing:
            shortfall[axis] = missing
    missing = wanted.get(MIXED, 0)
    fillable = list(MIXTURES)
    while missing and fillable:
        shares = _shares(missing, [recipe.weight for recipe in fillable])
        lacking = [bench.fill(recipe, share) for recipe, share in zip(fillable, shares, strict=True)]
        # What one mixture cannot give (no sequences, say) is asked of the others.
        fillable = [recipe for recipe, lack in zip(fillable, lacking, strict=True) if not lack]
        missing = sum(lacking)
    if missing:
        shortfall[MIXED] = missing
    return Mutated(tuple(bench.pairs), tuple(bench.refusals), shortfall)


def categories(pairs: Iterable[PreferencePair]) -> dict[str, int]:
    """Rows in each of the 16 categories (``axis/right`` on chosen sides, ``axis/wrong`` on rejected ones) and
    ``mixed``."""
    counts = Counter(pair.axes[0] if len(pair.axes) == 1 else MIXED for pair in pairs if pair.source == "mutation")
    sided = {f"{axis}/{side}": counts[axis] for axis in AXES for side in ("right", "wrong")}
    return sided | {MIXED: counts[MIXED]}


class _Bench:
    """The pairs made so far, and the moments they are made from."""

    def __init__(self, points: Sequence[Moment], seed: int) -> None:
        self.pairs: list[PreferencePair] = []
        self.refusals: list[Refusal] = []
        self._seen: set[str] = set()
        self._seed = seed
        self._calling = [m for m in points if m.needed]
        self._ordered = [m for m in self._calling if m.later]
        self._after = [m for m in points if not m.needed and m.done]
        self._never = [m for m in points if not m.needed and not m.done]

    def fill(self, recipe: Recipe, count: int) -> int:
        """Add ``count`` pairs of a recipe; returns how many could not be made."""
        rng = random.Random(f"mutation/{self._seed}/{'+'.join(recipe.axes)}/{len(self.pairs)}")
        missing = count
        for moment, whence in self._queue(recipe, rng):
            if not missing:
                break
            draft = _draft(recipe, moment, whence, rng)
            if draft is not None and self._admit(recipe, draft):
                missing -= 1
        return missing

    def _queue(self, recipe: Recipe, rng: random.Random) -> Iterator[tuple[Moment, str]]:
        if "termination" not in recipe.axes:
            pool = self._ordered if "ordering" in recipe.axes else self._calling
            yield from ((moment, "call") for moment in _passes(pool, rng))
            return
        pools = {"after": self._after, "never": self._never, "through": self._after}
        queues = {whence: _passes(pool, rng) for whence, pool in pools.items() if pool}
        places = [whence for whence in STOPS if whence in queues]
        rng.shuffle(places)
        for whence in itertools.cycle(places):
            moment = next(queues[whence], None)
            if moment is None:
                return
            yield moment, whence

    def _admit(self, recipe: Recipe, draft: Draft) -> bool:
        identity = digest(
            *recipe.axes, *(dumps(side).decode() for side in (draft.prompt, draft.chosen, draft.rejected))
        )[:16]
        found = faults(draft.steps, draft.rejected)
        reason, detail = "", ""
        if identity in self._seen:
            reason = "duplicate"
        elif faults(draft.steps, draft.chosen):
            reason, detail = "chosen_fails", "+".join(sorted(faults(draft.steps, draft.chosen)))
        elif found != frozenset(recipe.axes):
            reason, detail = (
                "rejected_fails_otherwise",
                f"{'+'.join(recipe.axes)} wanted, {'+'.join(sorted(found))} found",
            )
        trajectory = draft.moment.trajectory
        if reason:
            self.refusals.append(Refusal(source=trajectory.id, line=draft.moment.at, reason=reason, detail=detail))
            return False
        self._seen.add(identity)
        self.pairs.append(
            PreferencePair(
                id=identity,
                source="mutation",
                axes=recipe.axes,
                prompt=draft.prompt,
                chosen=draft.chosen,
                rejected=draft.rejected,
                tools=trajectory.tools,
                phrasing=trajectory.phrasing,
                item_ids=trajectory.item_ids,
                parents=(trajectory.id,),
            )
        )
        return True


def _draft(recipe: Recipe, moment: Moment, whence: str, rng: random.Random) -> Draft | None:
    calls: Calls | None = moment.needed
    for mutator in recipe.mutators:
        calls = mutator(moment, calls, rng) if calls is not None else None
    if not calls:
        return None
    if recipe.spelled is None:
        text = "".join(map(CALLS.serialise, calls))
    elif rng.random() < recipe.evaded:
        text = evade(rng)
    else:
        text = misspell(calls, rng, words=recipe.spelled)
    wrong = Message(role="assistant", content=text)
    if whence != "through":
        return Draft(moment, moment.prompt, (moment.right,), (wrong,), moment.steps)
    start = 1 + max(i for i, message in enumerate(moment.prompt) if message.role == "user")
    before = moment.prompt[start:]
    first = next(m for m in moments(moment.trajectory) if m.at == start)
    return Draft(moment, moment.prompt[:start], (*before, moment.right), (*before, wrong), first.steps)


def _passes(pool: Sequence[Moment], rng: random.Random) -> Iterator[Moment]:
    for _ in range(PASSES):
        yield from _rounds(pool, rng)


def _rounds(pool: Sequence[Moment], rng: random.Random) -> Iterator[Moment]:
    """Every moment once, one tool after the other, so that a small quota is spread over all tools."""
    groups: dict[str, list[Moment]] = {}
    for moment in pool:
        groups.setdefault(moment.subject, []).append(moment)
    for group in groups.values():
        rng.shuffle(group)
    lists = list(groups.values())
    rng.shuffle(lists)
    for rank in itertools.zip_longest(*lists):
        yield from (moment for moment in rank if moment is not None)


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """``total`` in whole parts by weight, largest remainders first."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares
