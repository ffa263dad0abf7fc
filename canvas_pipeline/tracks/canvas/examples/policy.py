"""Script right conversations: what a student asks, the right calls in order, their real results, and the answer.

Every call is valid and was dispatched; every result is the mock account's own; a call's arguments are stated by the text or an
earlier result; the same arguments give the same situations. Training rows, preference pairs and bench cases are all built from
these."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.examples.answers import answers
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import REMARKS
from canvas_pipeline.tracks.canvas.examples.phrasings.plain import PLAIN
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, WordingRole, fill, polite
from canvas_pipeline.tracks.canvas.examples.requests import ask, free_span, joined, new_title
from canvas_pipeline.tracks.canvas.examples.sequences import SEQUENCES, SequenceTemplate
from canvas_pipeline.tracks.canvas.examples.situation import Exchange, Situation, SituationKind, Step
from canvas_pipeline.tracks.canvas.examples.students import Canvas, CanvasFactory, Snapshot, reschedule
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS

PLAIN_ANSWERS: Mapping[str, str] = {
    "greeting": "Hello! Ask me about your courses, calendar or study plan.",
    "gratitude": "You are welcome.",
    "ability": "I can look up your courses, manage your calendar and plan your studying.",
    "outside": "I can only help with Canvas, your calendar and study plans.",
    "which_course": "Which course? Please give me its id.",
    "when_event": "From when to when should it be?",
    "why_delete": "Why should it be deleted?",
    "which_event": "Which event do you mean?",
    "move_where": "To which day and time?",
    "when_exam": "When is the exam?",
    "what_work": "For which kind of work?",
    "what_semester": "When does the semester end, and what is due?",
    "which_items": "Which two items do you mean?",
}
RESULT_CHARACTERS = 300
LONG_RESULTS = ("study.spaced_schedule", "study.semester_schedule")
SMALL_TALK = ("greeting", "gratitude")  # no second greeting before these
REMARK_ANSWERS: Mapping[str, str] = {
    "thanks": "You are welcome.",
    "sure": "Yes, that is what I found.",
    "done": "All right.",
}


def quotas(profile: CanvasProfile) -> dict[SituationKind, int]:
    """Return how many situations of each kind a profile's trajectories have."""
    return {
        "single": profile.trajectories_per_tool * len(ALL_TOOLS),
        "several": profile.several_trajectories,
        "sequence": profile.sequence_trajectories,
        "follow_up": profile.follow_up_trajectories,
        "none": profile.none_trajectories,
    }


def situations(
    students: Sequence[Snapshot],
    profile: CanvasProfile,
    seed: int,
    kinds: Sequence[SituationKind],
    canvas_factory: CanvasFactory,
    role: WordingRole = "train",
    counts: Mapping[SituationKind, int] | None = None,
) -> Iterator[Situation]:
    """Yield situations of the given kinds: as many as the profile's quotas, or ``counts``.

    Single requests cycle through the 18 tools and sequences through their templates; requests with free choice of tools take the
    least used ones, so that tool occurrences stay level (G4). Each situation takes a random student and reschedules it. Empty
    without students."""
    if not students:
        return
    level: Counter[str] = Counter(dict.fromkeys(ALL_TOOLS, 0))
    wanted = dict(quotas(profile) if counts is None else counts)
    # Sequences fix their tools, single requests are level by themselves: kinds that can choose come after both.
    for kind in sorted(kinds, key=("none", "single", "sequence", "several", "follow_up").index):
        for index in range(wanted.get(kind, 0)):
            situation = _situation(students, profile, seed, kind, index, canvas_factory, role, level)
            level.update(call.name for call in situation.calls)
            yield situation


def _situation(
    students: Sequence[Snapshot], profile: CanvasProfile, seed: int, kind: SituationKind, index: int,
    canvas_factory: CanvasFactory, role: WordingRole, level: Counter[str],
) -> Situation:  # fmt: skip
    """Build one situation. A student whose account cannot serve it (no exam in the calendar, an empty to-do list) is skipped."""
    for attempt in range(200):
        key = digest("situation", str(seed), role, kind, str(index), str(attempt))
        rng = random.Random(key)
        account = reschedule(rng.choice(students), key)
        exchanges = _MAKERS[kind](account, canvas_factory(account), role, rng, index, level)
        if exchanges is not None:
            return Situation(
                id=key[:12],
                kind=kind,
                role=role,
                snapshot=account,
                declaration=profile.declaration,
                exchanges=exchanges,
            )
    # A template that no student can serve is replaced by the next one, so that quotas are met with any corpus.
    return _situation(students, profile, seed, kind, index + 7919, canvas_factory, role, level)


def _exchange(
    account: Snapshot, canvas: Canvas, text: str, phrasing: str, calls: tuple[ToolCall, ...]
) -> Exchange | None:
    """Build an exchange of one turn of calls, or None where a call fails or the results are too long."""
    results = tuple(canvas.dispatch(call.name, call.arguments) for call in calls)
    if any(failed(result) for result in results) or _too_long(account, results):
        return None
    return Exchange(
        text=text, phrasing=phrasing, steps=(Step(calls=calls, results=results),), answer=answers(calls, results)
    )


def _too_long(account: Snapshot, results: Sequence[Any]) -> bool:
    """Tell whether results would fill a row: 300 characters per entry of the student's page. Training rows are not cut."""
    return sum(len(CALLS.response_text(result)) for result in results) > RESULT_CHARACTERS * account.page_size


def failed(result: Any) -> bool:
    """Tell whether a result is an error value."""
    return isinstance(result, Mapping) and "error" in result


Exchanges = tuple[Exchange, ...] | None
Maker = Callable[[Snapshot, Canvas, WordingRole, random.Random, int, "Counter[str]"], Exchanges]


def _single(
    account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, index: int, level: Counter[str]
) -> Exchanges:
    return _one(account, canvas, role, rng, ALL_TOOLS[index % len(ALL_TOOLS)])


def _one(account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, tool: str) -> Exchanges:
    request = ask(account, tool, role, rng)
    exchange = _exchange(account, canvas, request.typed(rng), request.phrasing, (request.call,))
    return None if exchange is None else (exchange,)


def _several(
    account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, index: int, level: Counter[str]
) -> Exchanges:
    first, second = (ask(account, tool, role, rng) for tool in _least_used(level, 2, rng))
    if first.call == second.call:
        return None
    text, phrasing = joined(first, second, role, rng)
    exchange = _exchange(account, canvas, text, phrasing, (first.call, second.call))
    return None if exchange is None else (exchange,)


def _least_used(level: Counter[str], count: int, rng: random.Random) -> list[str]:
    """Sample from the six least used tools: level over time, without fixed pairs. Plans are excluded: their results are long."""
    six = sorted((tool for tool in level if tool not in LONG_RESULTS), key=lambda tool: (level[tool], digest(tool)))[:6]
    return rng.sample(six, count)


def _sequence(
    account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, index: int, level: Counter[str]
) -> Exchanges:
    template: SequenceTemplate = SEQUENCES[index % len(SEQUENCES)]
    draft = template.draft(account, role, rng)
    if draft is None:
        return None
    steps: list[Step] = []
    for calls in template.plan(draft.values):
        turn = calls(tuple(step.results[0] for step in steps))
        if turn is None:
            return None
        result = canvas.dispatch(turn.name, turn.arguments)
        if failed(result):
            return None
        steps.append(Step(calls=(turn,), results=(result,)))
    if _too_long(account, [step.results[0] for step in steps]):
        return None
    text = CALLS.escape(polite(draft.text, rng, cased=draft.cased))
    answer = answers(steps[-1].calls, steps[-1].results)
    return (Exchange(text=text, phrasing=draft.phrasing, steps=tuple(steps), answer=answer),)


def _follow_up(
    account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, index: int, level: Counter[str]
) -> Exchanges:
    asked = _one(account, canvas, role, rng, _least_used(level, 1, rng)[0])
    if asked is None:
        return None
    subject = rng.choice(list(REMARKS))
    remark = rng.choice([w for w in REMARKS[subject] if w.role == role])
    answer = REMARK_ANSWERS.get(subject, asked[0].answer)
    return (*asked, Exchange(text=_typed(remark, rng), phrasing=remark.id, steps=(), answer=answer))


def _none(
    account: Snapshot, canvas: Canvas, role: WordingRole, rng: random.Random, index: int, level: Counter[str]
) -> Exchanges:
    subject = list(PLAIN)[index % len(PLAIN)]
    wording = rng.choice([w for w in PLAIN[subject] if w.role == role])
    start, _ = free_span(account, rng)
    values = {
        "title": new_title(account, rng).text, "event_id": rng.choice(account.events).id, "day": start.date().isoformat(),
        "n_sessions": str(rng.choice((3, 4, 5))),
    }  # fmt: skip
    cased = not wording.text.startswith("{")
    text = fill(wording.choose(rng), values)
    if subject not in SMALL_TALK:
        text = polite(text, rng, cased=cased)
    return (Exchange(text=CALLS.escape(text), phrasing=wording.id, steps=(), answer=PLAIN_ANSWERS[subject]),)


def _typed(wording: Wording, rng: random.Random) -> str:
    text = wording.choose(rng)
    return text[0].lower() + text[1:] if rng.random() < 0.3 else text


_MAKERS: Mapping[SituationKind, Maker] = {
    "single": _single,
    "several": _several,
    "sequence": _sequence,
    "follow_up": _follow_up,
    "none": _none,
}
