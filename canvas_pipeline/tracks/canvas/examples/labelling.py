"""Label item pairs with a teacher: three presentations, unanimous or refused with a reason.

Pairs in = kept + refused. A vote is asked for once: the journal finds it by pair, presentation, prompt and teacher. The order of
threads changes nothing. The result also measures the teacher's position bias."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Refusal, digest
from canvas_pipeline.tracks.canvas.examples.answers import answer
from canvas_pipeline.tracks.canvas.examples.difference import LABELLED, Difference, difference
from canvas_pipeline.tracks.canvas.examples.journal import Journal
from canvas_pipeline.tracks.canvas.examples.situation import (
    Exchange,
    Step,
    answer_message,
    calls_message,
    result_messages,
)
from canvas_pipeline.tracks.canvas.examples.students import Assignment, Canvas, CanvasFactory, Snapshot, iso
from canvas_pipeline.tracks.canvas.examples.teacher import PARAPHRASE, RUBRIC, Teacher, prompt_text
from canvas_pipeline.tracks.canvas.rows import Item, ItemPair, PreferencePair, Vote
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, system_message, user_message
from canvas_pipeline.tracks.canvas.tools.subset import tools_for

Winner = Literal["A", "B"]
Presentation = Literal["ab", "ba", "ab_paraphrased"]
CONTRADICTED = Difference(frozenset({LABELLED}), ())
GIVE_UP = 8  # pairs in a row whose teacher failed: it is down, not busy


@dataclass(frozen=True, slots=True)
class _Shown:
    swapped: bool
    rubric: str


# How a pair is shown, in this order. The first two differ in position only: position bias is measured on them.
PRESENTATIONS: Mapping[Presentation, _Shown] = {
    "ab": _Shown(False, RUBRIC),
    "ba": _Shown(True, RUBRIC),
    "ab_paraphrased": _Shown(False, PARAPHRASE),
}


@dataclass(frozen=True, slots=True)
class Decided:
    """A pair whose presentations all had the same winner. ``number`` is its place in the input, from 1."""

    number: int
    pair: ItemPair
    winner: Winner


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How often the item shown first won, over pairs that were shown in both orders.

    An unbiased teacher has ``share`` one half; ``low`` and ``high`` are its Wilson 95 % interval; ``flipped`` counts pairs whose
    winner changed when swapped."""

    votes: int
    first_wins: int
    share: float | None
    low: float | None
    high: float | None
    pairs: int
    flipped: int


@dataclass(frozen=True, slots=True)
class Labelled:
    """The result of labelling. ``pairs`` and ``refusals`` follow the order of the input and together are all of it."""

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
    """Ask ``teacher`` about every pair. ``progress`` gets the number of finished pairs.

    A pair is shown until a vote disagrees with the first one or abstains; only unanimous ones are kept. The others are refused as
    ``disagreement``, ``abstained`` or ``teacher_error``. Raises ``ServiceUnavailable`` when the teacher fails for ``GIVE_UP``
    pairs in a row (votes are in the journal: run again), ``BadInput`` for a journal line that is not a vote, and ``BadConfig``
    where the teacher is another one at the end: then no vote of this run is kept."""
    rows = list(pairs)
    failures = _Failures()
    with Journal(journal) as votes, ThreadPoolExecutor(max(1, workers)) as pool:
        futures = [pool.submit(_ask, pair, teacher, votes, failures) for pair in rows]
        outcomes = []
        try:
            for done, future in enumerate(futures, 1):
                outcomes.append(future.result())
                progress(done)
            _confirm(teacher, votes)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    kept: list[Decided] = []
    refusals: list[Refusal] = []
    for number, (pair, (cast, failed)) in enumerate(zip(rows, outcomes, strict=True), 1):
        verdict = "teacher_error" if failed else _verdict(cast)
        if verdict in ("A", "B"):
            kept.append(Decided(number, pair, "A" if verdict == "A" else "B"))
        else:
            refusals.append(Refusal(source=pair.id, line=number, reason=verdict))
    cast_votes = tuple(vote for cast, _ in outcomes for vote in cast)
    return Labelled(tuple(kept), cast_votes, tuple(refusals), position_bias(cast_votes))


def _confirm(teacher: Teacher, votes: Journal) -> None:
    """Ask the teacher who it is once more; where it is another one by now, forget the votes of this run."""
    try:
        if votes.added:
            teacher.confirm()
    except BadConfig:
        votes.withdraw()
        raise


def _ask(pair: ItemPair, teacher: Teacher, journal: Journal, failures: _Failures) -> tuple[list[Vote], bool]:
    """Return the votes on one pair, and whether the teacher failed before they decided."""
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
                failures.stop(error)  # such as another model answering: no thread may continue and mix labels
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
    """Counts failed pairs in a row over all threads. After ``GIVE_UP``, no thread asks any more."""

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
    """Measure how often the teacher prefers the first item, over pairs decided in both plain orders."""
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


class Written(NamedTuple):
    """Preference pairs and refusals, in the order of the decided pairs; together they are all of them."""

    pairs: tuple[PreferencePair, ...]
    refusals: tuple[Refusal, ...]


def preference_pairs(decided: Iterable[Decided], declaration: Declaration, canvas_factory: CanvasFactory) -> Written:
    """Write labelled pairs as tool-calling text.

    Both sides make the same call of ``reranker.priority_hint`` and get the same result, the account's own. The chosen answer
    repeats it and the rejected one names the other item: what is trained is to believe the tool. A pair is refused where the tool
    knows no winner (``tool_undecided``) or another one than the teacher (``tool_disagrees``), so that no label contradicts what it
    teaches, and where the sides differ in more than the item that they name (``differs_otherwise``: items of one name, say)."""
    pairs: list[PreferencePair] = []
    refusals: list[Refusal] = []
    for row in decided:
        exchange = hinted(row.pair, canvas_factory(_account(row.pair)))
        winner = exchange.steps[0].results[0].get("winner")
        pair = _contradicted(row.pair, exchange, declaration) if winner == row.winner else None
        if pair is not None and difference(pair.prompt, pair.chosen, pair.rejected) == CONTRADICTED:
            pairs.append(pair)
            continue
        reason = "differs_otherwise" if pair else "tool_undecided" if winner is None else "tool_disagrees"
        refusals.append(Refusal(source=row.pair.id, line=row.number, reason=reason))
    return Written(tuple(pairs), tuple(refusals))


def hinted(pair: ItemPair, canvas: Canvas) -> Exchange:
    """Ask which of two items is first: the question, the call that it needs, the account's own result, and the answer."""
    arguments = {
        "query": pair.query[:1].lower() + pair.query[1:],
        "item_a": pair.item_a.title,
        "item_b": pair.item_b.title,
    }
    call = ToolCall("reranker.priority_hint", arguments)
    result = canvas.dispatch(call.name, call.arguments)
    return Exchange(
        text=question(pair),
        phrasing=f"labelled/{digest(pair.query)[:6]}",
        steps=(Step(calls=(call,), results=(result,)),),
        answer=answer(call, result),
    )


def _contradicted(pair: ItemPair, exchange: Exchange, declaration: Declaration) -> PreferencePair:
    """Write an exchange as a pair whose rejected side states the other winner than the result that stands before it."""
    (step,) = exchange.steps
    ((call,), (result,)) = step.calls, step.results
    shared = (calls_message(step.calls), *result_messages(step.calls, step.results))
    other = answer(call, result | {"winner": "B" if result["winner"] == "A" else "A"})
    chosen, rejected = ((*shared, answer_message(text)) for text in (exchange.answer, other))
    row_id = digest("labelled", pair.id, result["winner"])[:16]
    now = pair.reference_instant
    return PreferencePair(
        id=row_id,
        source="labelled",
        axes=("labelled",),
        prompt=(system_message(now, declaration), user_message(exchange.text, now, declaration)),
        chosen=chosen,
        rejected=rejected,
        tools=tools_for(row_id, (*chosen, *rejected), declaration),
        phrasing=exchange.phrasing,
        item_ids=(pair.item_a.id, pair.item_b.id),
        parents=(pair.id,),
    )


def question(pair: ItemPair) -> str:
    """Write the student's question. Titles come from Canvas and are escaped."""
    return f"{pair.query}: {_named(pair.item_a)} or {_named(pair.item_b)}?"


def _named(item: Item) -> str:
    """Name an item with its due date: what the tool decides on stands in the question."""
    due = "no due date" if item.due_at is None else f"due {iso(_utc(item.due_at))}"
    return f"{CALLS.escape(item.title)} ({due})"


def _account(pair: ItemPair) -> Snapshot:
    """Build the account of a student who has these two items, and nothing else, at the pair's instant."""
    items = (pair.item_a, pair.item_b)
    return Snapshot(
        id=pair.id, now=pair.reference_instant, items=items, courses=(), events=(), announcements=(), planner=(), page_size=1,
        assignments=tuple(
            Assignment(
                id=number, item_id=item.id, type=item.type, title=item.title, course_id=0,
                due_iso=None if item.due_at is None else iso(_utc(item.due_at)), points_possible=item.points_possible,
                submission_types=item.submission_types, submitted=False,
            )
            for number, item in enumerate(items, 1)
        ),
    )  # fmt: skip


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)
