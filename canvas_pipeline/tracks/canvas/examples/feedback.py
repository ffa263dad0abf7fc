"""Build unpaired feedback for KTO: a prompt, a completion, and whether a user would want it.

Undesirable completions are rejected sides of pairs; desirable ones are chosen sides or a trajectory's own turns. The halves are
equal, shuffled (KTO reads rows in sequence) and spread over the tools. Within one label no prompt occurs twice, so that a label
is about the completion. Across labels prompts may repeat: one request with a right and a wrong completion is the clearest
feedback."""

from __future__ import annotations

import itertools
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Message, digest, dumps
from canvas_pipeline.tracks.canvas.examples.decision_points import decision_points
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS


@dataclass(frozen=True, slots=True)
class Balance:
    """Rows of each label. ``ratio`` is desirable to undesirable, or None without undesirable rows."""

    desirable: int
    undesirable: int
    unique_prompts: int

    @property
    def ratio(self) -> float | None:
        return self.desirable / self.undesirable if self.undesirable else None


def balance(rows: Iterable[FeedbackExample]) -> Balance:
    """Count the labels. KTO's weights follow from them."""
    rows = list(rows)
    labels = Counter(row.label for row in rows)
    return Balance(labels[True], labels[False], len({_prompt_key(row.prompt) for row in rows}))


def feedback(
    pairs: Iterable[PreferencePair], trajectories: Iterable[Trajectory], n: int, seed: int
) -> list[FeedbackExample]:
    """Build at most ``n`` rows, half of them desirable. Where one label runs out, the other is cut to match (within one row).

    Desirable rows alternate between pairs and trajectories. Raises ``BadInput`` for a trajectory with an unreadable call."""
    rng = random.Random(f"feedback/{seed}")
    from_pairs = list(pairs)
    about = [subject(pair.prompt, pair.chosen) for pair in from_pairs]
    right = [_row(pair, pair.prompt, pair.chosen, True, pair.axes) for pair in from_pairs]
    wrong = [_row(pair, pair.prompt, pair.rejected, False, pair.axes) for pair in from_pairs]
    points = [point for row in trajectories for point in decision_points(row)]
    from_trajectories = [_row(m.trajectory, m.prompt, (m.right,), True, ()) for m in points]
    undesirable = _take(_spread(wrong, about, rng), n // 2)
    right_sides = _alternate(_spread(right, about, rng), _spread(from_trajectories, [m.subject for m in points], rng))
    desirable = _take(right_sides, n - n // 2)
    size = min(len(undesirable), len(desirable))
    rows = undesirable[: size + 1] + desirable[: size + 1]
    rng.shuffle(rows)
    return rows


def _row(
    source: PreferencePair | Trajectory,
    prompt: tuple[Message, ...],
    completion: tuple[Message, ...],
    label: bool,
    axes: tuple[str, ...],
) -> FeedbackExample:
    sides = (dumps(prompt).decode(), dumps(completion).decode(), str(label))
    return FeedbackExample(
        id=digest("feedback", *sides)[:16],
        prompt=prompt,
        completion=completion,
        label=label,
        axes=axes,
        tools=source.tools,
        phrasing=source.phrasing,
        item_ids=source.item_ids,
        parents=(source.id,),
    )


def _take(rows: Iterator[FeedbackExample], count: int) -> list[FeedbackExample]:
    """Take the first ``count`` rows with distinct prompts."""
    fresh: dict[str, FeedbackExample] = {}
    while len(fresh) < count and (row := next(rows, None)) is not None:
        fresh.setdefault(_prompt_key(row.prompt), row)
    return list(fresh.values())


def _spread(rows: Sequence[FeedbackExample], about: Sequence[str], rng: random.Random) -> Iterator[FeedbackExample]:
    """Return all rows, shuffled, one tool after the other. ``about`` names each row's tool."""
    groups: dict[str, list[FeedbackExample]] = {}
    for row, name in zip(rows, about, strict=True):
        groups.setdefault(name, []).append(row)
    for group in groups.values():
        rng.shuffle(group)
    return _alternate(*groups.values())


def _alternate(*queues: Iterable[FeedbackExample]) -> Iterator[FeedbackExample]:
    for rank in itertools.zip_longest(*queues):
        yield from (row for row in rank if row is not None)


def subject(prompt: tuple[Message, ...], right: tuple[Message, ...]) -> str:
    """Return the first tool that the right completion calls, else the last that answered, else ``none``."""
    first = next((m for m in right if m.role == "assistant"), None)
    calls = CALLS.parse(first.content).well_formed if first else ()
    answered = [message.name for message in prompt if message.role == "tool" and message.name]
    return calls[0].name if calls else answered[-1] if answered else "none"


def _prompt_key(prompt: tuple[Message, ...]) -> str:
    return digest(dumps(prompt).decode())
