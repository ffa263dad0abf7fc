"""Labels for item pairs: three presentations, unanimous or discarded with a reason (T7, T8, B5).

In: item pairs, a teacher, a journal. Out: the pairs all presentations agree on, every vote, a refusal for each other
pair, and how much the teacher leans to what it sees first. What must hold: pairs in = kept + refused; a vote is asked
for once (the journal knows it by pair, presentation, prompt and teacher, and survives a kill); the order of threads
changes nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from canvas_pipeline.errors import ServiceUnavailable
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Item, ItemPair, Message, PreferencePair, Refusal, Vote, digest
from canvas_pipeline.tracks.canvas.examples.journal import Journal
from canvas_pipeline.tracks.canvas.examples.teacher import PARAPHRASE, RUBRIC, Teacher, prompt_text
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, Declaration, system_message

Winner = Literal["A", "B"]
Presentation = Literal["ab", "ba", "ab_paraphrased"]
GIVE_UP = 8  # pairs in a row whose teacher failed: it is down, not busy


@dataclass(frozen=True, slots=True)
class _Shown:
    swapped: bool
    rubric: str


# How a pair is shown, in this order. The first two differ in place only: they alone tell place from preference.
PRESENTATIONS: Mapping[Presentation, _Shown] = {
    "ab": _Shown(False, RUBRIC),
    "ba": _Shown(True, RUBRIC),
    "ab_paraphrased": _Shown(False, PARAPHRASE),
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A pair whose presentations all had the same winner."""

    pair: ItemPair
    winner: Winner


@dataclass(frozen=True, slots=True)
class PositionBias:
    """Of the votes on pairs that were shown both ways, how many went to what stood first (an unbiased teacher: one
    half), with the Wilson 95 % interval, and how many of those pairs changed their winner when swapped."""

    votes: int
    first_wins: int
    share: float | None
    low: float | None
    high: float | None
    pairs: int
    flipped: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a labelling leaves. ``pairs`` and ``refusals`` follow the order of the pairs; together they are all of
    them."""

    pairs: tuple[Decided, ...]
    votes: tuple[Vote, ...]
    refusals: tuple[Refusal, ...]
    position_bias: PositionBias


def label(
    pairs: Iterable[ItemPair],
    teacher: Teacher,
    journal: Path | None = None,
    progress: Callable[[int], None] = lambda done: None,
    *,
    workers: int = 1,
) -> Labelled:
    """Ask ``teacher`` about every pair. ``progress`` is called with the number of pairs finished so far.

    A pair is shown until a vote disagrees with the first one or abstains; only unanimous ones are kept. The others
    leave with ``disagreement``, ``abstained`` or ``teacher_error``. Raises ``ServiceUnavailable`` when the teacher
    fails for ``GIVE_UP`` pairs in a row (the journal keeps what was voted: run again) and ``BadInput`` for a journal
    line that is no vote."""
    rows = list(pairs)
    failures = _Failures()
    with Journal(journal) as votes, ThreadPoolExecutor(max(1, workers)) as pool:
        futures = [pool.submit(_ask, pair, teacher, votes, failures) for pair in rows]
        outcomes = []
        try:
            for done, future in enumerate(futures, 1):
                outcomes.append(future.result())
                progress(done)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    kept: list[Decided] = []
    refusals: list[Refusal] = []
    for number, (pair, (cast, failed)) in enumerate(zip(rows, outcomes, strict=True), 1):
        verdict = "teacher_error" if failed else _verdict(cast)
        if verdict in ("A", "B"):
            kept.append(Decided(pair, "A" if verdict == "A" else "B"))
        else:
            refusals.append(Refusal(source=pair.id, line=number, reason=verdict))
    cast_votes = tuple(vote for cast, _ in outcomes for vote in cast)
    return Labelled(tuple(kept), cast_votes, tuple(refusals), position_bias(cast_votes))


def _ask(pair: ItemPair, teacher: Teacher, journal: Journal, failures: _Failures) -> tuple[list[Vote], bool]:
    """The votes on one pair, and whether the teacher failed before they decided."""
    cast: list[Vote] = []
    for presentation, shown in PRESENTATIONS.items():
        first, second = (pair.item_b, pair.item_a) if shown.swapped else (pair.item_a, pair.item_b)
        prompt = digest(prompt_text(pair.query, first, second, shown.rubric, pair.reference_instant))
        vote = journal.find(pair.id, presentation, prompt, teacher.identity)
        if vote is None:
            failures.check()
            try:
                choice = teacher.vote(pair.query, first, second, shown.rubric, pair.reference_instant)
            except ServiceUnavailable as error:
                failures.add(error)
                return cast, True
            except Exception as error:
                failures.stop(error)  # another model answers, say: no thread may go on and mix labels
                raise
            failures.clear()
            winner: Winner | None = None if choice is None else "A" if (choice == "first") != shown.swapped else "B"
            vote = Vote(
                pair_id=pair.id,
                presentation=presentation,
                winner=winner,
                teacher=teacher.identity,
                prompt_sha256=prompt,
            )
            journal.add(vote)
        cast.append(vote)
        if vote.winner is None or vote.winner != cast[0].winner:
            break  # it can no longer be unanimous, and every vote costs the teacher's time
    return cast, False


def _verdict(cast: list[Vote]) -> str:
    winners = {vote.winner for vote in cast}
    if None in winners:
        return "abstained"
    return str(winners.pop()) if len(winners) == 1 else "disagreement"


class _Failures:
    """Failed pairs in a row, over all threads; after the last straw no thread asks any more."""

    def __init__(self) -> None:
        self._count = 0
        self._final: Exception | None = None
        self._lock = threading.Lock()

    def check(self) -> None:
        if self._final is not None:
            raise self._final

    def clear(self) -> None:
        with self._lock:
            self._count = 0

    def add(self, error: ServiceUnavailable) -> None:
        with self._lock:
            self._count += 1
            if self._count >= GIVE_UP:
                self._final = self._final or error
        self.check()

    def stop(self, error: Exception) -> None:
        with self._lock:
            self._final = self._final or error


def position_bias(votes: Iterable[Vote]) -> PositionBias:
    """Whether the teacher prefers what it sees first, from pairs decided in both plain orders."""
    shown: dict[str, dict[str, Vote]] = {}
    for vote in votes:
        if vote.presentation in ("ab", "ba") and vote.winner is not None:
            shown.setdefault(vote.pair_id, {})[vote.presentation] = vote
    both = [(v["ab"], v["ba"]) for v in shown.values() if len(v) == 2]
    first = sum((ab.winner == "A") + (ba.winner == "B") for ab, ba in both)
    total = 2 * len(both)
    flipped = sum(ab.winner != ba.winner for ab, ba in both)
    if not total:
        return PositionBias(0, 0, None, None, None, 0, 0)
    # Imported here: it takes seconds, and the code location must load without it.
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(first, total, alpha=0.05, method="wilson")
    return PositionBias(total, first, first / total, float(low), float(high), len(both), flipped)


def preference_pairs(decided: Iterable[Decided], declaration: Declaration) -> Iterator[PreferencePair]:
    """Labelled pairs as tool-calling text: both sides ask ``reranker.priority_hint``; they differ in the winner it
    names and in the answer that follows, so that G1 holds honestly and the loss is about the answer (tool text is
    masked out of it)."""
    for row in decided:
        pair = row.pair
        prompt = (system_message(pair.reference_instant, declaration), Message(role="user", content=question(pair)))
        chosen = _hinted(pair, row.winner)
        rejected = _hinted(pair, "B" if row.winner == "A" else "A")
        yield PreferencePair(
            id=digest("labelled", pair.id, row.winner)[:16],
            source="labelled",
            axes=("labelled",),
            prompt=prompt,
            chosen=chosen,
            rejected=rejected,
            tools=ALL_TOOLS,
            phrasing=f"labelled/{digest(pair.query)[:6]}",
            item_ids=(pair.item_a.id, pair.item_b.id),
            parents=(pair.id,),
        )


def question(pair: ItemPair) -> str:
    """What the student writes; titles are Canvas text and made inert."""
    return f"{pair.query}: {_named(pair.item_a)} or {_named(pair.item_b)}?"


def _hinted(pair: ItemPair, winner: Winner) -> tuple[Message, ...]:
    call = ToolCall(
        "reranker.priority_hint",
        {"query": pair.query[:1].lower() + pair.query[1:], "item_a": pair.item_a.title, "item_b": pair.item_b.title},
    )
    item = pair.item_a if winner == "A" else pair.item_b
    result = {"winner": winner, "rationale": _due(item)}
    return (
        Message(role="assistant", content=CALLS.serialise(call)),
        Message(role="tool", name=call.name, content=CALLS.response_text(result)),
        Message(role="assistant", content=f"{CALLS.escape(item.title)}: {_due(item)}."),
    )


def _named(item: Item) -> str:
    return f"{CALLS.escape(item.title)} ({_due(item)})"


def _due(item: Item) -> str:
    """True of either item, so that the rejected side is wrong in its winner and in nothing else."""
    if item.due_at is None:
        return "no due date"
    due = datetime.fromisoformat(item.due_at).astimezone(UTC)
    return f"due {due.isoformat(timespec='minutes').replace('+00:00', 'Z')}"
