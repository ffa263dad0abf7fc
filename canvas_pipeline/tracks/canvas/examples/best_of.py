"""Choose what a policy is to say again: the right one of several completions (RAFT, Dong et al. 2304.06767, algorithm 1; rejection
sampling, Touvron et al. 2307.09288, section 3.2).

A prompt whose greedy completion is not right gives the right sample that was said most often; a share of the other prompts gives
the greedy completion, so that right behaviour stays. Only the completion is learnt, and the policy said all of it. The same
decision points and completions give the same rows.

Right is what ``on_policy.judge`` calls right. Of an answer that is how little: that it holds no call. So an answer must also state
nothing that nothing before it states (``bench.faithfulness``); whether it says enough is not judged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import NamedTuple

from canvas_pipeline.records import Message, Refusal, digest, dumps
from canvas_pipeline.tracks.canvas.bench.faithfulness import invented
from canvas_pipeline.tracks.canvas.examples.decision_points import DecisionPoint
from canvas_pipeline.tracks.canvas.examples.on_policy import Judged, Judgements, name_of, unusable
from canvas_pipeline.tracks.canvas.rows import FeedbackExample
from canvas_pipeline.tracks.canvas.tools.subset import with_named

KEPT = 0.5
"""Share of the prompts with a right greedy completion that become rows."""


class Chosen(NamedTuple):
    """Rows, and the prompts that gave none, refused with a reason: ``none_right``, or why the completion cannot be learnt."""

    rows: tuple[FeedbackExample, ...]
    refusals: tuple[Refusal, ...]


def passes(point: DecisionPoint, one: Judged) -> bool:
    """Tell whether a completion may be learnt from."""
    return one.right and (bool(point.needed) or not invented(point.prompt, one.text))


def failed(greedy: Judgements) -> list[DecisionPoint]:
    """Return the prompts whose greedy completion does not pass."""
    return [point for point, found in greedy if not _passing(point, found, greedy=True)]


def best(greedy: Judgements, sampled: Judgements, seed: int, clean: Callable[[str], bool]) -> Chosen:
    """Make the rows of the prompts that were sampled, and of a share of those whose greedy completion passes.

    ``clean`` tells whether a text holds nothing that the audit would find."""
    passed = [(point, right) for point, found in greedy for right in _passing(point, found, greedy=True)]
    kept = random.Random(f"bon/{seed}").sample(passed, round(KEPT * len(passed)))
    made: list[FeedbackExample] = []
    refusals: list[Refusal] = []
    tried = [(point, most_said(_passing(point, found, greedy=False))) for point, found in sampled]
    for point, right in (*tried, *kept):
        reason = unusable(right, clean) if right else "none_right"
        if right and not reason:
            made.append(_row(point, right.text))
        else:
            refusals.append(Refusal(source=name_of(point), line=point.at, reason=reason))
    return Chosen(tuple(made), tuple(refusals))


def most_said(right: Sequence[Judged]) -> Judged | None:
    """Return the completion that was said most often, of equally frequent ones the first; None without any."""
    often = Counter(one.text for one in right)
    return max(right, key=lambda one: often[one.text], default=None)


def _passing(point: DecisionPoint, found: Sequence[Judged], *, greedy: bool) -> list[Judged]:
    return [one for one in found if one.greedy == greedy and passes(point, one)]


def _row(point: DecisionPoint, text: str) -> FeedbackExample:
    completion, row = (Message(role="assistant", content=text),), point.trajectory
    return FeedbackExample(
        id=digest("bon", *(dumps(part).decode() for part in (point.prompt, completion)))[:16],
        prompt=point.prompt, completion=completion, label=True, axes=(),
        tools=with_named(row.tools, (*point.prompt, *completion)), phrasing=row.phrasing, item_ids=row.item_ids,
        parents=(row.id,),
    )  # fmt: skip
