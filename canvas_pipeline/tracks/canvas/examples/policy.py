"""Script right conversations: what a student asks, the right calls in order, their real results, and the answer.

Every call is valid and was dispatched; every result is the mock account's own, or a fault of ``failures``; a call's arguments are
stated by the text or an earlier result; the same arguments give the same situations. Training rows, preference pairs and bench
cases are all built from these."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.examples.answers import answers
from canvas_pipeline.tracks.canvas.examples.failures import FAILURES
from canvas_pipeline.tracks.canvas.examples.fillers import free_span, new_title, span
from canvas_pipeline.tracks.canvas.examples.follow_ups import CHANGED, REFERRED, Before, follow
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import REMARKS
from canvas_pipeline.tracks.canvas.examples.phrasings.plain import PLAIN
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import Wording, WordingRole, fill, of_role, polite
from canvas_pipeline.tracks.canvas.examples.requests import REFERRING, Request, ask, joined, played
from canvas_pipeline.tracks.canvas.examples.sequences import SEQUENCES
from canvas_pipeline.tracks.canvas.examples.situation import Exchange, Situation, SituationKind
from canvas_pipeline.tracks.canvas.examples.students import Canvas, CanvasFactory, Snapshot, reschedule
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS

PLAIN_ANSWERS: Mapping[str, str] = {
    "greeting": "Hello! Ask me about your courses, calendar or study plan.",
    "gratitude": "You are welcome.",
    "ability": "I can look up your courses, manage your calendar and plan your studying.",
    "outside": "I can only help with Canvas, your calendar and study plans.",
    "chitchat": "I hear you. Tell me when I can help with your courses or calendar.",
    "unsafe": "I cannot do that. I can look things up, plan, and propose changes to your calendar.",
    "which_course": "Which course? Please give me its name or id.",
    "when_event": "From when to when should it be?",
    "why_delete": "Why should it be deleted?",
    "which_event": "Which event do you mean?",
    "move_where": "To which day and time?",
    "when_exam": "When is the exam?",
    "what_work": "For which kind of work?",
    "what_semester": "When does the semester end, and what is due?",
    "which_items": "Which two items do you mean?",
}
ORDER: tuple[SituationKind, ...] = ("none", "single", "sequence", "failed", "dialogue", "several", "follow_up")
"""Sequences fix their tools, single requests are level by themselves: kinds that can choose come after both."""
NAMED, SAME_TOOL = 0.47, 0.15
"""Of two requests in one: the shares of courses that are named, and of two requests for the same tool."""
RESULT_CHARACTERS, MOST_CHARACTERS = 300, 1000
LONG_RESULTS = ("study.spaced_schedule", "study.semester_schedule")
SINGLES: tuple[str, ...] = (*ALL_TOOLS, *LONG_RESULTS, "study.semester_schedule")
"""The tools of single requests, in turn. Plans occur more often, since nothing else asks for them."""
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
        "dialogue": profile.dialogue_trajectories,
        "failed": profile.failed_trajectories,
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
    for kind in sorted(kinds, key=ORDER.index):
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
        made = MAKERS[kind](Setting(account, canvas_factory, role, rng, index, level))
        if made is not None:
            account, exchanges = made
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


@dataclass(frozen=True, slots=True)
class Setting:
    """What a situation is made from. ``level`` counts the calls of each tool so far."""

    account: Snapshot
    canvas_factory: CanvasFactory
    role: WordingRole
    rng: random.Random
    index: int
    level: Counter[str]

    def canvas(self) -> Canvas:
        """Return a canvas of the account, as it is at the beginning."""
        return self.canvas_factory(self.account)


Made = tuple[Snapshot, tuple[Exchange, ...]] | None
Maker = Callable[[Setting], Made]


def failed(result: Any) -> bool:
    """Tell whether a result is an error value."""
    return isinstance(result, Mapping) and "error" in result


def _exchange(
    setting: Setting, canvas: Canvas, requests: Sequence[Request], text: str, phrasing: str
) -> Exchange | None:
    """Carry out requests side by side. Return None where a call fails or the results are too long."""
    found = played([request.plan for request in requests], canvas)
    if found is None:
        return None
    results = [result for step in found.steps for result in step.results]
    if any(failed(result) for result in results) or _too_long(setting.account, results):
        return None
    answer = answers(tuple(call for call, _ in found.last), tuple(result for _, result in found.last))
    return Exchange(text=text, phrasing=phrasing, steps=found.steps, answer=answer)


def _asked(setting: Setting, canvas: Canvas, request: Request | None) -> Exchange | None:
    """Carry out one request, as somebody types it."""
    if request is None:
        return None
    return _exchange(setting, canvas, [request], request.typed(setting.role, setting.rng), request.phrasing)


def _too_long(account: Snapshot, results: Sequence[Any]) -> bool:
    """Tell whether results would fill a row: 300 characters per entry of the student's page, and at most 1,000 in all. Training
    rows are not cut."""
    most = min(RESULT_CHARACTERS * account.page_size, MOST_CHARACTERS)
    return sum(len(CALLS.response_text(result)) for result in results) > most


def _single(s: Setting) -> Made:
    request = ask(s.account, SINGLES[s.index % len(SINGLES)], s.role, s.rng)
    exchange = _asked(s, s.canvas(), request)
    return None if exchange is None else (s.account, (exchange,))


def _several(s: Setting) -> Made:
    tools = _least_used(s.level, 2, s.rng)
    if s.rng.random() < SAME_TOOL:
        tools = tools[:1] * 2
    first, second = (_any_reference(s, tool) for tool in tools)
    if first is None or second is None or first.text == second.text or first.plan[0](()) == second.plan[0](()):
        return None
    text, phrasing = joined(first, second, s.role, s.rng)
    exchange = _exchange(s, s.canvas(), (first, second), text, phrasing)
    return None if exchange is None else (s.account, (exchange,))


def _any_reference(s: Setting, tool: str) -> Request | None:
    return ask(s.account, tool, s.role, s.rng, named=tool in REFERRING and s.rng.random() < NAMED)


def _least_used(level: Counter[str], count: int, rng: random.Random) -> list[str]:
    """Sample from the six least used tools: level over time, without fixed pairs. Plans are excluded: their results are long."""
    six = sorted((tool for tool in level if tool not in LONG_RESULTS), key=lambda tool: (level[tool], digest(tool)))[:6]
    return rng.sample(six, count)


def _sequence(s: Setting) -> Made:
    """Take the templates in turn; a third are questions about a course that is named."""
    kind, turn = s.index % 3, s.index // 3
    if kind == 0:
        request = ask(s.account, REFERRING[turn % len(REFERRING)], s.role, s.rng, named=True)
    else:
        request = SEQUENCES[(2 * turn + kind - 1) % len(SEQUENCES)].request(s.account, s.role, s.rng)
    exchange = _asked(s, s.canvas(), request)
    return None if exchange is None else (s.account, (exchange,))


def _dialogue(s: Setting) -> Made:
    """Let a second request refer to the first exchange or, every other time, correct it. Subjects are taken in turn."""
    subjects = CHANGED if s.index % 2 else REFERRED
    subject = list(subjects)[s.index // 2 % len(subjects)]
    tool = s.rng.choice(subjects[subject][0])
    canvas = s.canvas()
    first = _asked(s, canvas, ask(s.account, tool, s.role, s.rng))
    if first is None:
        return None
    last = first.steps[-1]
    makers = {name: maker for name, (_, maker) in subjects.items()}
    second = follow(Before(s.account, last.calls[0], last.results[0]), subject, makers, s.role, s.rng)
    then = _asked(s, canvas, second)
    if then is None or _too_long(s.account, [r for e in (first, then) for step in e.steps for r in step.results]):
        return None
    return s.account, (first, then)


def _failed(s: Setting) -> Made:
    """Let a tool refuse, fail, or find nothing, and answer honestly."""
    made = FAILURES[s.index % len(FAILURES)](s.account, s.canvas_factory, s.role, s.rng)
    if made is None:
        return None
    found = played([made.request.plan], made.canvas)
    if found is None or _too_long(s.account, [result for step in found.steps for result in step.results]):
        return None
    ((call, result),) = found.last
    answer = made.say(found.steps[-1].results) if made.say else answers((call,), (result,))
    text = made.request.typed(s.role, s.rng)
    return made.account, (Exchange(text=text, phrasing=made.request.phrasing, steps=found.steps, answer=answer),)


def _follow_up(s: Setting) -> Made:
    """Let a remark that needs no call follow the answer."""
    asked = _asked(s, s.canvas(), ask(s.account, _least_used(s.level, 1, s.rng)[0], s.role, s.rng))
    if asked is None:
        return None
    subject = s.rng.choice(list(REMARKS))
    remark = s.rng.choice(of_role(REMARKS[subject], s.role))
    answer = REMARK_ANSWERS.get(subject, asked.answer)
    return s.account, (asked, Exchange(text=_typed(remark, s.rng), phrasing=remark.id, steps=(), answer=answer))


def _none(s: Setting) -> Made:
    """Ask for something that no tool does, or that lacks what a tool needs."""
    subject = list(PLAIN)[s.index % len(PLAIN)]
    wording = s.rng.choice(of_role(PLAIN[subject], s.role))
    start, end = free_span(s.account, s.rng)
    values = {name: value.text for name, value in span(s.account, start, end, s.rng).items()} | {
        "title": new_title(s.account, s.rng).text, "event_id": s.rng.choice(s.account.events).id,
        "n_sessions": str(s.rng.choice((3, 4, 5))), "duration": spoken.say_minutes(s.rng.choice((30, 60, 90)), s.rng),
    }  # fmt: skip
    text = fill(wording.choose(s.rng), values)
    if subject not in SMALL_TALK:
        text = polite(text, s.role, s.rng, cased=wording.cased)
    exchange = Exchange(text=CALLS.escape(text), phrasing=wording.id, steps=(), answer=PLAIN_ANSWERS[subject])
    return s.account, (exchange,)


def _typed(wording: Wording, rng: random.Random) -> str:
    text = wording.choose(rng)
    return text[0].lower() + text[1:] if rng.random() < 0.3 else text


MAKERS: Mapping[SituationKind, Maker] = {
    "single": _single,
    "several": _several,
    "sequence": _sequence,
    "follow_up": _follow_up,
    "dialogue": _dialogue,
    "failed": _failed,
    "none": _none,
}
