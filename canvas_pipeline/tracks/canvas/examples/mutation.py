"""Build preference pairs by mutation: one side right and one wrong by construction, without a teacher.

Two verifiers confirm each pair: the rejected side fails exactly the pair's axes and the chosen side none (``verification``), and
the sides differ in nothing else (``difference``). Each axis is spread over the tools. The same arguments give the same pairs.

Both sides share the prompt and as much of the completion as the mistake allows (a redundant call comes after the right one, a
call too late after the right call's result). What they share cancels in the loss, so a pair trains the one decision it is about."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from canvas_pipeline.records import Message, Refusal, digest, dumps
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint, Step, decision_points
from canvas_pipeline.tracks.canvas.examples.difference import difference
from canvas_pipeline.tracks.canvas.examples.mistakes import (
    MUTATORS,
    Calls,
    Mutator,
    invented_key,
    made_up_name,
    misspell,
    never_done,
    stop_early,
    too_many,
    wrong_family,
    wrong_keys,
    wrong_order,
    wrong_values,
)
from canvas_pipeline.tracks.canvas.examples.verification import AXES, HEAVY_AXES, faults
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.subset import with_named
from canvas_pipeline.tracks.canvas.tools.tool_table import filled

MIXED = "mixed"
PASSES = 12  # how often a decision point may be tried again before a quota is given up


class Mutated(NamedTuple):
    """Pairs in the order of ``AXES`` then mixed, refused drafts, and how many pairs each unmet quota lacks."""

    pairs: tuple[PreferencePair, ...]
    refusals: tuple[Refusal, ...]
    shortfall: dict[str, int]


@dataclass(frozen=True, slots=True)
class PairKind:
    """The axes a pair fails and the mutators that make it fail them, in order of application.

    ``misspelled`` breaks the envelope last, with that share of plain words; ``weight`` is the share among mixed pairs."""

    axes: tuple[str, ...]
    mutators: tuple[Mutator, ...]
    misspelled: float | None = None
    weight: int = 1


@dataclass(frozen=True, slots=True)
class Draft:
    """An unverified pair. ``steps`` is the truth for the completion's assistant turns."""

    point: DecisionPoint
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    steps: tuple[Step, ...]


SINGLE: Mapping[str, PairKind] = {
    axis: PairKind((axis,), (MUTATORS[axis],)) if axis in MUTATORS else PairKind((axis,), (), misspelled=0.3)
    for axis in AXES
}
# How small models fail in practice: mostly too many calls with something wrong in them. The weight of those that end in
# an answer is kept low, since their chosen side holds no call and G1 wants four fifths that do.
MIXTURES: tuple[PairKind, ...] = (
    PairKind(("argument_keys", "parsimony"), (wrong_keys, too_many), weight=5),
    PairKind(("argument_values", "parsimony"), (wrong_values, too_many), weight=5),
    PairKind(("tool_selection", "parsimony"), (made_up_name, too_many), weight=5),
    PairKind(("parsimony", "domain_fit"), (wrong_family, too_many), weight=4),
    PairKind(("tool_selection", "argument_keys"), (wrong_keys, made_up_name), weight=3),
    PairKind(("tool_selection", "argument_values"), (wrong_values, made_up_name), weight=3),
    PairKind(("argument_keys", "argument_values"), (wrong_values, invented_key), weight=3),
    PairKind(("argument_keys", "domain_fit"), (wrong_family, wrong_keys), weight=2),
    PairKind(("tool_selection", "format"), (made_up_name,), misspelled=0.3, weight=2),
    PairKind(("format", "domain_fit"), (wrong_family,), misspelled=0.2, weight=1),
    PairKind(("parsimony", "format"), (too_many,), misspelled=0.0, weight=2),
    PairKind(("argument_keys", "ordering"), (wrong_order, wrong_keys), weight=1),
    PairKind(("parsimony", "ordering"), (wrong_order, too_many), weight=1),
    PairKind(("tool_selection", "termination"), (never_done, made_up_name), weight=1),
    PairKind(("argument_keys", "termination"), (never_done, wrong_keys), weight=1),
    PairKind(("format", "termination"), (never_done,), misspelled=0.2, weight=1),
)
# Where a pair about stopping is asked, in twentieths: after a result; where nothing needs calling; from the request on,
# so that the right call is part of both completions. The last two stop too early: at the request, and between two calls.
STOPS: tuple[str, ...] = ("after",) * 5 + ("never",) * 6 + ("through",) * 5 + ("asked",) * 2 + ("halfway",) * 2


def quotas(profile: CanvasProfile) -> dict[str, int]:
    """Return how many pairs a profile wants of each axis and of ``mixed``."""
    light, heavy = profile.pairs_per_axis, profile.pairs_per_heavy_axis
    return {axis: heavy if axis in HEAVY_AXES else light for axis in AXES} | {MIXED: profile.mixed_pairs}


def mutate(trajectories: Iterable[Trajectory], wanted: Mapping[str, int], seed: int) -> Mutated:
    """Build pairs to fill the quotas (``axis`` or ``mixed`` → rows; an axis left out gets none).

    A draft that its verifier does not confirm becomes ``Refusal(trajectory id, message index, reason)``; the number of drafts is
    ``len(pairs) + len(refusals)``. Raises ``BadInput`` for a trajectory with an unreadable call."""
    points = [point for trajectory in trajectories for point in decision_points(trajectory)]
    builder = _PairBuilder(points, seed)
    shortfall: dict[str, int] = {}
    for axis in AXES:
        missing = builder.fill(SINGLE[axis], wanted.get(axis, 0))
        if missing:
            shortfall[axis] = missing
    missing = wanted.get(MIXED, 0)
    fillable = list(MIXTURES)
    while missing and fillable:
        shares = _shares(missing, [kind.weight for kind in fillable])
        lacking = [builder.fill(kind, share) for kind, share in zip(fillable, shares, strict=True)]
        # What one mixture cannot give (no sequences, say) is asked of the others.
        fillable = [kind for kind, lack in zip(fillable, lacking, strict=True) if not lack]
        missing = sum(lacking)
    if missing:
        shortfall[MIXED] = missing
    return Mutated(tuple(builder.pairs), tuple(builder.refusals), shortfall)


def categories(pairs: Iterable[PreferencePair]) -> dict[str, int]:
    """Count rows in the 16 categories (``axis/right`` for chosen sides, ``axis/wrong`` for rejected ones) and ``mixed``."""
    counts = Counter(pair.axes[0] if len(pair.axes) == 1 else MIXED for pair in pairs if pair.source == "mutation")
    sided = {f"{axis}/{side}": counts[axis] for axis in AXES for side in ("right", "wrong")}
    return sided | {MIXED: counts[MIXED]}


class _PairBuilder:
    """The pairs built so far, and the decision points they are built from."""

    def __init__(self, points: Sequence[DecisionPoint], seed: int) -> None:
        self.pairs: list[PreferencePair] = []
        self.refusals: list[Refusal] = []
        self._seen: set[str] = set()
        self._seed = seed
        self._calling = [m for m in points if m.needed]
        self._ordered = [m for m in self._calling if m.later]
        self._after = [m for m in points if not m.needed and m.done]
        self._never = [m for m in points if not m.needed and not m.done]
        self._asked = [m for m in self._calling if not m.done]
        self._halfway = [m for m in self._calling if m.done and m.trajectory.kind == "sequence"]

    def fill(self, kind: PairKind, count: int) -> int:
        """Add ``count`` pairs of a kind and return how many could not be built."""
        rng = random.Random(f"mutation/{self._seed}/{'+'.join(kind.axes)}/{len(self.pairs)}")
        missing = count
        for point, place in self._queue(kind, rng):
            if not missing:
                break
            draft = _draft(kind, point, place, rng)
            if draft is not None and self._admit(kind, draft):
                missing -= 1
        return missing

    def _queue(self, kind: PairKind, rng: random.Random) -> Iterator[tuple[DecisionPoint, str]]:
        if "termination" not in kind.axes:
            pool = self._ordered if "ordering" in kind.axes else self._calling
            yield from ((point, "call") for point in _passes(pool, rng))
            return
        pools = {"after": self._after, "never": self._never, "through": self._after}
        if kind.axes == ("termination",):
            pools |= {"asked": self._asked, "halfway": self._halfway}
        queues = {place: _passes(pool, rng) for place, pool in pools.items() if pool}
        places = [place for place in STOPS if place in queues]
        rng.shuffle(places)
        for place in itertools.cycle(places):
            point = next(queues[place], None)
            if point is None:
                return
            yield point, place

    def _admit(self, kind: PairKind, draft: Draft) -> bool:
        identity = digest(*kind.axes, *(dumps(side).decode() for side in (draft.prompt, draft.chosen, draft.rejected)))[
            :16
        ]
        content = digest(*kind.axes, *map(_content, (draft.prompt, draft.chosen, draft.rejected)))
        found = faults(draft.steps, draft.rejected)
        later = tuple(call for step in draft.steps[_turns(draft.chosen) :] for call in step)
        differing = difference(draft.prompt, draft.chosen, draft.rejected, later)
        reason, detail = "", ""
        if content in self._seen:
            reason = "duplicate"
        elif faults(draft.steps, draft.chosen):
            reason, detail = "chosen_fails", "+".join(sorted(faults(draft.steps, draft.chosen)))
        elif found != frozenset(kind.axes):
            reason, detail = (
                "rejected_fails_otherwise",
                f"{'+'.join(kind.axes)} wanted, {'+'.join(sorted(found))} found",
            )
        elif differing.others or differing.axes != found:
            reason, detail = "differs_otherwise", "+".join(differing.others or sorted(differing.axes ^ found))
        trajectory = draft.point.trajectory
        if reason:
            self.refusals.append(Refusal(source=trajectory.id, line=draft.point.at, reason=reason, detail=detail))
            return False
        self._seen.add(content)
        self.pairs.append(
            PreferencePair(
                id=identity,
                source="mutation",
                axes=kind.axes,
                prompt=draft.prompt,
                chosen=draft.chosen,
                rejected=draft.rejected,
                tools=with_named(trajectory.tools, (*draft.prompt, *draft.chosen, *draft.rejected)),
                phrasing=trajectory.phrasing,
                item_ids=trajectory.item_ids,
                parents=(trajectory.id,),
            )
        )
        return True


def _turns(side: Sequence[Message]) -> int:
    return sum(message.role == "assistant" for message in side)


def _content(side: Sequence[Message]) -> str:
    """Write messages with their calls' defaults filled in: the same for two sides that do the same."""
    return dumps([_filled(message) for message in side]).decode()


def _filled(message: Message) -> Message | list[object]:
    turn = CALLS.parse(message.content) if message.role == "assistant" else None
    if turn is None or not turn.calls or turn.malformed:
        return message
    return [turn.text, *([call.name, filled(call).arguments] for call in turn.well_formed)]


def _draft(kind: PairKind, point: DecisionPoint, place: str, rng: random.Random) -> Draft | None:
    if place in ("asked", "halfway"):
        stopped = Message(role="assistant", content=stop_early(point, rng))
        return Draft(point, point.prompt, (point.right,), (stopped,), point.steps)
    calls: Calls | None = point.needed
    for mutator in kind.mutators:
        calls = mutator(point, calls, rng) if calls is not None else None
    if not calls:
        return None
    if kind.misspelled is None:
        text = "".join(map(CALLS.serialise, calls))
    else:
        text = misspell(calls, rng, words=kind.misspelled)
    wrong = Message(role="assistant", content=text)
    if place != "through":
        return Draft(point, point.prompt, (point.right,), (wrong,), point.steps)
    start = 1 + max(i for i, message in enumerate(point.prompt) if message.role == "user")
    before = point.prompt[start:]
    first = next(m for m in decision_points(point.trajectory) if m.at == start)
    return Draft(point, point.prompt[:start], (*before, point.right), (*before, wrong), first.steps)


def _passes(pool: Sequence[DecisionPoint], rng: random.Random) -> Iterator[DecisionPoint]:
    for _ in range(PASSES):
        yield from _rounds(pool, rng)


def _rounds(pool: Sequence[DecisionPoint], rng: random.Random) -> Iterator[DecisionPoint]:
    """Yield every decision point once, one tool after the other, so that a small quota covers all tools."""
    groups: dict[str, list[DecisionPoint]] = {}
    for point in pool:
        groups.setdefault(point.subject, []).append(point)
    for group in groups.values():
        rng.shuffle(group)
    lists = list(groups.values())
    rng.shuffle(lists)
    for rank in itertools.zip_longest(*lists):
        yield from (point for point in rank if point is not None)


def _shares(total: int, weights: Sequence[int]) -> list[int]:
    """Divide ``total`` into whole parts by weight, largest remainders first."""
    whole = sum(weights)
    shares = [total * weight // whole for weight in weights]
    order = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in order[: total - sum(shares)]:
        shares[i] += 1
    return shares
