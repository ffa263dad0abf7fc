"""Pair what a policy itself says: completions sampled at decision points, judged, the wrong ones paired with right ones.

A mistake that the policy never makes teaches it nothing (its sum of log-probabilities is -20 nats and less). A greedy one is the
most likely of all; random samples add some of the others, many of which are rare, too. The same decision points and completions
give the same pairs.

Right is what the benchmark calls exact; where an answer belongs it also holds no call in words. Wrong is what is not right and
fails an axis of the verifier. Some samples are neither (a default written out, say), and make no pair.

``pairs`` takes the greedy completions and a few others as rejected sides; ``ranked`` makes one pair of each prompt's random
samples, as a round of SPPO does (Wu et al. 2405.00675, algorithm 1)."""

from __future__ import annotations

import itertools
import math
import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from canvas_pipeline.evaluation.statistics import Rate, wilson
from canvas_pipeline.records import Message, Refusal, digest, dumps
from canvas_pipeline.tracks.canvas.bench.score import outcome
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint
from canvas_pipeline.tracks.canvas.examples.verification import AXES, faults
from canvas_pipeline.tracks.canvas.rows import BenchCase, CaseKind, PreferencePair, Sample
from canvas_pipeline.tracks.canvas.tools.calls import CALLS, faithful
from canvas_pipeline.tracks.canvas.tools.subset import with_named

PAIRS_A_PROMPT = 2
"""Different wrong completions of one prompt that become pairs: the greedy one, then those sampled most often."""

ANSWERS = 0.2
"""The largest share of pairs whose right side is an answer: G1 wants calls in four fifths of the set."""

WITHOUT_CALLS = 0.18
"""The same for a round's wrong sides: some lack a call, the more the better the calls get. A little less than G1's fifth, because
the split leaves out some pairs of the set."""


@dataclass(frozen=True, slots=True)
class Judged:
    """A completion's text without its stop, whether it is right, the axes that it fails if it is wrong (else none), and whether it
    is the greedy one."""

    text: str
    right: bool
    axes: tuple[str, ...]
    greedy: bool


Judgements = Sequence[tuple[DecisionPoint, Sequence[Judged]]]
"""Prompts with their completions."""


class Sampled(NamedTuple):
    """Pairs, and the wrong samples (of ``ranked``: the prompts with some) that make none: refused with a reason, or ``merged`` with
    another of the same text."""

    pairs: tuple[PreferencePair, ...]
    refusals: tuple[Refusal, ...]
    merged: int


def prompts(points: Iterable[DecisionPoint], count: int, seed: int) -> list[DecisionPoint]:
    """Choose at most ``count`` decision points, evenly over kinds of trajectories, and within a kind over tools."""
    groups: dict[str, dict[str, list[DecisionPoint]]] = {}
    rng = random.Random(f"samples/{seed}")
    shuffled = list(points)
    rng.shuffle(shuffled)
    for point in shuffled:
        groups.setdefault(point.trajectory.kind, {}).setdefault(point.subject, []).append(point)
    kinds = [_in_turn(tools.values()) for tools in groups.values()]
    return list(itertools.islice(_in_turn(kinds), count))


def portion(points: Iterable[DecisionPoint], number: int, of: int, seed: int) -> list[DecisionPoint]:
    """Return one of ``of`` portions of the decision points, by number from 0. No point is in two of them."""
    return [point for point in points if int(digest("portion", str(seed), name_of(point))[:8], 16) % of == number]


def _in_turn(queues: Iterable[Iterable[DecisionPoint]]) -> Iterator[DecisionPoint]:
    for rank in itertools.zip_longest(*queues):
        yield from (point for point in rank if point is not None)


def name_of(point: DecisionPoint) -> str:
    """Name a decision point by its trajectory and its place in it."""
    return f"{point.trajectory.id}.{point.at}"


def case_of(point: DecisionPoint, name: str = "") -> BenchCase:
    """Return a decision point as a case for the generation process; ``name`` tells its completions apart."""
    kind: CaseKind = (
        "several" if len(point.needed) > 1 else "single" if point.needed else "follow_up" if point.done else "none"
    )
    row = point.trajectory
    return BenchCase(
        id=f"{name_of(point)}.{name}", kind=kind, messages=point.prompt,
        expected_tools=tuple(call.name for call in point.needed),
        expected_args=tuple(dict(call.arguments) for call in point.needed),
        tools=row.tools, phrasing=row.phrasing, item_ids=row.item_ids, parents=(row.id,),
    )  # fmt: skip


def judge(point: DecisionPoint, sample: Sample, stops: Sequence[str]) -> Judged:
    """Judge a sample. ``stops`` are the texts of the stop tokens, one of which ends it."""
    stop = next((stop for stop in stops if sample.text.endswith(stop)), "")
    text = sample.text.removesuffix(stop).strip()
    found = faults(point.steps, (Message(role="assistant", content=text),))
    exact = outcome(case_of(point), text, sample.stopped).exact
    right = exact and not (found and not point.needed)
    axes = () if right else tuple(axis for axis in AXES if axis in found)
    return Judged(text, right, axes, sample.greedy)


def pass_at(k: int, samples: int, right: int) -> float:
    """Estimate, without bias, the chance that one of ``k`` samples is right, from ``right`` of ``samples`` (Chen et al. 2107.03374,
    eq. 1)."""
    return 1.0 - math.comb(samples - right, k) / math.comb(samples, k)


def sampled(judged: Judgements) -> Judgements:
    """Return the random samples alone, of the prompts that have some."""
    random_ones = ((point, [one for one in found if not one.greedy]) for point, found in judged)
    return [(point, found) for point, found in random_ones if found]


def passed(samples: Judgements, k: int) -> float | None:
    """Return the mean of ``pass_at`` over prompts, or None without any."""
    shares = [pass_at(k, len(found), sum(one.right for one in found)) for _, found in samples]
    return sum(shares) / len(shares) if shares else None


def by_group(judged: Judgements, group: Callable[[DecisionPoint], str]) -> Mapping[str, Rate]:
    """Return the share of right greedy completions of each group of prompts."""
    right, total = Counter[str](), Counter[str]()
    for point, found in judged:
        for one in found:
            total[group(point)] += one.greedy
            right[group(point)] += one.greedy and one.right
    return {name: wilson(right[name], total[name]) for name in sorted(total)}


def pairs(judged: Judgements, clean: Callable[[str], bool]) -> Sampled:
    """Pair each prompt's wrong completions with the right call that was said most often, or with the scripted truth.

    An answer's content is not judged, so the chosen answer is always the scripted one. ``clean`` tells whether a text holds
    nothing that the audit would find. Both sides are one assistant turn."""
    made: list[PreferencePair] = []
    refusals: list[Refusal] = []
    merged = 0
    for point, found in judged:
        wrong = Counter(one.text for one in sorted(found, key=lambda one: not one.greedy) if one.axes)
        first = {one.text: one for one in found if one.axes}
        likely = {one.text for one in found if one.greedy}
        right = Counter(one.text for one in found if one.right and point.needed)
        chosen = right.most_common(1)[0][0] if right else point.right.content
        kept = 0
        for text, times in sorted(wrong.most_common(), key=lambda entry: entry[0] not in likely):
            one = first[text]
            reason = "surplus" if kept == PAIRS_A_PROMPT else unusable(one, clean)
            if reason:
                refusals += [Refusal(source=name_of(point), line=point.at, reason=reason)] * times
                continue
            kept, merged = kept + 1, merged + times - 1
            made.append(_pair(point, chosen, one))
    return Sampled(_limited(made, "chosen", ANSWERS, refusals), tuple(refusals), merged)


def ranked(judged: Judgements, clean: Callable[[str], bool]) -> Sampled:
    """Pair each prompt's best random sample with its worst, by the share of the samples that each beats as the verifier judges.

    A prompt without a wrong sample has nothing to prefer and is left out. The scripted truth stands for the best one where no
    sample is right, or where an answer belongs: an answer's content is not judged. Of equals, the one said most often counts."""
    made: list[PreferencePair] = []
    refusals: list[Refusal] = []
    for point, found in sampled(judged):
        often = Counter(one.text for one in found)
        order = sorted(found, key=lambda one: (-win_rate(one, found), -often[one.text]))
        right = [one for one in order if one.right and point.needed and not unusable(one, clean)]
        wrong = [one for one in sorted(order, key=lambda one: win_rate(one, found)) if one.axes]
        reasons = [unusable(one, clean) for one in wrong]
        if not wrong:
            continue
        if all(reasons):
            refusals.append(Refusal(source=name_of(point), line=point.at, reason=reasons[0]))
            continue
        made.append(_pair(point, right[0].text if right else point.right.content, wrong[reasons.index("")]))
    kept, before = tuple(made), -1
    while len(kept) != before:  # what is left out on one side's account raises the share of the other's
        before = len(kept)
        kept = _limited(kept, "chosen", ANSWERS, refusals)
        kept = _limited(kept, "rejected", WITHOUT_CALLS, refusals)
    return Sampled(kept, tuple(refusals), 0)


def win_rate(one: Judged, found: Sequence[Judged]) -> float:
    """Return the share of a prompt's samples that one of them beats, by ``grade``; a tie counts half."""
    beaten = [(grade(one) > grade(other)) + 0.5 * (grade(one) == grade(other)) for other in found]
    return sum(beaten) / len(beaten)


def grade(one: Judged) -> int:
    """Return 2 for a right sample, 1 for one that is neither right nor wrong, 0 for a wrong one."""
    return 2 if one.right else 0 if one.axes else 1


def _limited(
    made: Sequence[PreferencePair], side: Literal["chosen", "rejected"], share: float, refusals: list[Refusal]
) -> tuple[PreferencePair, ...]:
    """Leave out the pairs that have no call on a side beyond a share of all, with a reason."""
    calls = [CALLS.call_open in getattr(pair, side)[0].content for pair in made]
    most = int(sum(calls) * share / (1 - share))
    others = itertools.count(1)
    within = []
    for pair, calling in zip(made, calls, strict=True):
        if calling or next(others) <= most:
            within.append(pair)
        else:
            reason = "answers_suffice" if side == "chosen" else "enough_without_call"
            refusals.append(Refusal(source=pair.parents[0], line=len(pair.prompt), reason=reason))
    return tuple(within)


def unusable(one: Judged, clean: Callable[[str], bool]) -> str:
    """Return why a sample cannot be trained on, or nothing."""
    rest = one.text
    for marker in (CALLS.call_open, CALLS.call_close, CALLS.quote):
        rest = rest.replace(marker, "")
    if not rest.strip():
        return "empty"
    if "<|" in rest or "|>" in rest or "\N{REPLACEMENT CHARACTER}" in rest:
        return "stray_marker"
    if "format" not in one.axes and not faithful(one.text):
        return "not_as_written"
    return "" if clean(one.text) else "identity"


def _pair(point: DecisionPoint, chosen: str, one: Judged) -> PreferencePair:
    sides = tuple((Message(role="assistant", content=text),) for text in (chosen, one.text))
    row = point.trajectory
    return PreferencePair(
        id=digest("on_policy", *(dumps(part).decode() for part in (point.prompt, *sides)))[:16],
        source="on_policy", axes=one.axes, prompt=point.prompt, chosen=sides[0], rejected=sides[1],
        tools=with_named(row.tools, (*point.prompt, *sides[0], *sides[1])), phrasing=row.phrasing, item_ids=row.item_ids,
        parents=(row.id,),
    )  # fmt: skip
