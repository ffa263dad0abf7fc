"""Build mock accounts: many small Canvas accounts from corpus items, each item in at most one of them.

The same items, profile and seed give the same students, in any order of the items and with any course handles (which differ
between machines). Titles, courses, due dates and points are the corpus's own (a null due date stays null); names of people are
placeholders; numeric ids are meaningless hashes.

A student's time is a few days before one of its own deadlines, whenever the corpus was collected. Work that was graded in the end
is mostly still to do before its due date (handed in early one time in four), and work that was not due at collection has mostly
been handed in after it. ``reschedule`` moves the same items to another such time, with other ids and another calendar, so that a
model that sees an account many times must copy ids instead of memorising them."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from canvas_pipeline.records import Row, digest
from canvas_pipeline.tracks.canvas.examples import campus
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import Item

_NUMBERED = re.compile(r"(@[A-Z][A-Z_]*)\d+")
_PLACEHOLDER = re.compile(r"[(\[]?(?:\b(?:Prof|Dr|Mr|Mrs|Ms)\.? *)?@[A-Z_]+\d*[)\]]?")
TITLE_CHARACTERS = 36
MAX_RESULTS = 20
FIRST_HOUR, LAST_HOUR = 7, 23  # awake; sleep is 23:00-07:00
CALENDAR_DAYS = 12


class Course(Row, frozen=True, kw_only=True):
    id: int
    name: str
    course_code: str
    credits: int
    term: str
    instructors: tuple[str, ...]
    total_students: int
    active: bool
    syllabus: str
    current_score: float | None


class Assignment(Row, frozen=True, kw_only=True):
    id: int
    item_id: str
    type: str
    title: str
    course_id: int
    due_iso: str | None
    points_possible: float | None
    submission_types: tuple[str, ...]
    submitted: bool


class Event(Row, frozen=True, kw_only=True):
    id: str
    title: str
    start_iso: str
    end_iso: str
    all_day: bool
    description: str
    calendar_id: str = "primary"


class Announcement(Row, frozen=True, kw_only=True):
    id: int
    title: str
    course_id: int
    posted_iso: str
    message: str


class PlannerItem(Row, frozen=True, kw_only=True):
    id: int
    title: str
    todo_date: str
    course_id: int | None
    details: str


class Snapshot(Row, frozen=True, kw_only=True):
    """A mock account as of ``now`` (ISO-8601 with offset): everything the tools answer from.

    ``page_size`` bounds the number of free blocks offered (at most 20), so that a small model's conversations stay short."""

    id: str
    now: str
    items: tuple[Item, ...]
    courses: tuple[Course, ...]
    assignments: tuple[Assignment, ...]
    events: tuple[Event, ...]
    announcements: tuple[Announcement, ...]
    planner: tuple[PlannerItem, ...]
    page_size: int

    @property
    def item_ids(self) -> tuple[str, ...]:
        return tuple(item.id for item in self.items)

    @property
    def instant(self) -> datetime:
        return datetime.fromisoformat(self.now)


class Canvas(Protocol):
    """Something that answers tool calls: ``MockCanvas``, or a client of a real Canvas."""

    def dispatch(self, name: str, arguments: Mapping[str, Any]) -> Any: ...


CanvasFactory = Callable[[Snapshot], Canvas]


def iso(instant: datetime) -> str:
    """Format an instant to the minute, with ``Z`` for UTC."""
    return instant.isoformat(timespec="minutes").replace("+00:00", "Z")


def imprint(item: Item) -> str:
    """Return 12 hex digits that identify an item on every machine.

    Handles, placeholders and so item ids depend on a private key; the imprint does not."""
    title = _NUMBERED.sub(r"\1", item.title)
    parts = (
        item.type,
        title,
        item.due_at or "",
        item.term or "",
        str(item.points_possible),
        *sorted(item.contributors),
    )
    return digest("imprint", *parts)[:12]


def students(items: Iterable[Item], profile: CanvasProfile, seed: int) -> list[Snapshot]:
    """Build disjoint accounts of at most ``mock_courses`` courses with at most ``mock_assignments`` items each, sorted by id.

    Courses of one student come from one contributor and, if possible, one term. Items without a course belong to no student."""
    accounts = [
        _snapshot(_student_id(group), tuple(group), profile.mock_courses, str(seed))
        for group in _groups(items, profile, seed)
    ]
    return sorted(accounts, key=lambda account: account.id)


def reschedule(account: Snapshot, seed: str) -> Snapshot:
    """Build the same student and items at another time, with other ids, calendar, announcements and notes."""
    return _snapshot(account.id, account.items, account.page_size, seed)


def _student_id(items: Sequence[Item]) -> str:
    return "st-" + digest(*sorted(imprint(item) for item in items))[:10]


def _groups(items: Iterable[Item], profile: CanvasProfile, seed: int) -> list[list[Item]]:
    """Group items into chunks of one course, and those into students: first within a term, then within a contributor."""
    courses: dict[tuple[str, str, str], list[Item]] = defaultdict(list)
    for item in items:
        if item.course is not None:
            courses[(min(item.contributors, default=""), item.term or "", item.course)].append(item)
    terms: dict[tuple[str, str], list[list[list[Item]]]] = defaultdict(list)
    for (contributor, term, _), members in courses.items():
        members.sort(key=lambda item: (item.due_at is None, item.due_at or "", imprint(item), item.id))
        size = profile.mock_assignments
        chunks = [members[start : start + size] for start in range(0, len(members), size)]
        terms[(contributor, term)].append(sorted(chunks, key=lambda chunk: digest(str(seed), imprint(chunk[0]))))
    groups: list[list[Item]] = []
    rest: dict[str, list[list[list[Item]]]] = defaultdict(list)
    for (contributor, _), queues in sorted(terms.items()):
        full, left = _deal(queues, profile.mock_courses)
        groups.extend(full)
        rest[contributor].extend(left)
    for _, queues in sorted(rest.items()):
        full, left = _deal(queues, profile.mock_courses)
        groups.extend(full)
        groups.extend(chunk for queue in left for chunk in queue)
    return groups


def _deal(queues: list[list[list[Item]]], count: int) -> tuple[list[list[Item]], list[list[list[Item]]]]:
    """Take one chunk from each of the ``count`` longest queues until fewer queues are left. Returns (groups, remaining queues)."""
    queues = [list(queue) for queue in queues]
    dealt: list[list[Item]] = []
    while True:
        queues = sorted((q for q in queues if q), key=lambda q: (-len(q), imprint(q[-1][0])))
        if len(queues) < count:
            return dealt, queues
        dealt.append([item for queue in queues[:count] for item in queue.pop()])


def _snapshot(student: str, items: tuple[Item, ...], size: int, seed: str) -> Snapshot:
    rng = random.Random(digest("student", student, seed))
    now, current_term = _reference_time(items, rng)
    handles = list(dict.fromkeys(item.course or "" for item in items))
    numbers = _distinct(rng, len(handles), (100, 1000, 10000), 0.2)
    codes = _distinct(rng, len(handles), (100,), 0.0)
    courses = tuple(
        _course(next(item for item in items if item.course == handle), number, code, index, current_term, rng)
        for index, (handle, number, code) in enumerate(zip(handles, numbers, codes, strict=True), 1)
    )
    ids = dict(zip(handles, numbers, strict=True))
    keys = _distinct(rng, len(items), (1000, 10000), 0.3)
    assignments = tuple(
        Assignment(
            id=key, item_id=item.id, type=item.type, title=short(item.title), course_id=ids[item.course or ""],
            due_iso=None if item.due_at is None else iso(_utc(item.due_at)), points_possible=item.points_possible,
            submission_types=item.submission_types, submitted=_submitted(item, now, rng),
        )
        for key, item in zip(keys, items, strict=True)
    )  # fmt: skip
    return Snapshot(
        id=student, now=iso(now), items=items, courses=courses, assignments=assignments,
        events=_events(now, size + 1, rng), announcements=_announcements(now, courses, rng),
        planner=_planner(now, courses, rng), page_size=min(size, MAX_RESULTS),
    )  # fmt: skip


def short(title: str) -> str:
    """Cut a title to 36 characters, at a word if possible."""
    title = " ".join(title.split())
    if len(title) <= TITLE_CHARACTERS:
        return title
    cut = title[:TITLE_CHARACTERS]
    return (cut.rsplit(" ", 1)[0] if " " in cut else cut).rstrip(" ,;:-")


def course_label(item: Item) -> str:
    """Return a course's name without placeholders, or its handle where nothing is left."""
    words = _PLACEHOLDER.sub(" ", item.course_name or "")
    return short(words.strip(" -–—:,;.()|/")) or item.course or ""


def _reference_time(items: tuple[Item, ...], rng: random.Random) -> tuple[datetime, str]:
    """Choose the student's time, one to five days before one of its deadlines at a full hour, and the term of that time."""
    dated = [item for item in items if item.due_at is not None]
    if not dated:
        return _utc(items[0].collected_at).replace(minute=0, second=0, microsecond=0), items[0].term or ""
    anchor = rng.choice(dated)
    day = _utc(anchor.due_at or anchor.collected_at) - timedelta(days=rng.randint(1, 5))
    return day.replace(hour=rng.randint(8, 18), minute=0, second=0, microsecond=0), anchor.term or ""


def _utc(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)


def _distinct(rng: random.Random, count: int, lows: tuple[int, ...], rare: float) -> list[int]:
    """Draw distinct numbers, mostly with the digits of ``lows[-2]`` and sometimes of another length."""
    found: dict[int, None] = {}
    while len(found) < count:
        low = lows[len(lows) // 2] if rng.random() > rare else rng.choice(lows)
        found[rng.randrange(low, low * 10)] = None
    return list(found)


def _course(item: Item, number: int, code: int, index: int, current_term: str, rng: random.Random) -> Course:
    return Course(
        id=number, name=course_label(item), course_code=f"{rng.choice(campus.DEPARTMENTS)} {code}",
        credits=rng.choice((1, 2, 3, 3, 3, 4)), term=item.term or "Default Term", instructors=(f"@PERSON{index}",),
        total_students=rng.randint(12, 240), active=(item.term or "") == current_term,
        syllabus=f"{rng.choice(campus.GRADING)} {rng.choice(campus.LATE_POLICY)}",
        current_score=None if rng.random() < 0.12 else rng.randint(1100, 1995) / 20,
    )  # fmt: skip


def _submitted(item: Item, now: datetime, rng: random.Random) -> bool:
    """Tell whether work is handed in at ``now``. What the corpus cannot know (collected on the other side of the due date) is
    drawn."""
    early, in_time = rng.random() < 0.25, rng.random() < 0.85
    handed_in = item.submission_status in ("GRADED", "SUBMITTED")
    if item.due_at is None:
        return handed_in
    due = _utc(item.due_at)
    if due > now:
        return handed_in and early
    return handed_in or (due >= _utc(item.collected_at) and in_time)


def _events(now: datetime, count: int, rng: random.Random) -> tuple[Event, ...]:
    """Build one exam and some personal events on different days, in the daytime, so that none overlap."""
    days = sorted(rng.sample(range(1, CALENDAR_DAYS), min(count, CALENDAR_DAYS - 1)))
    exam = rng.randrange(len(days))
    numbers = _distinct(rng, len(days), (10, 100), 0.4)
    titles = rng.sample(campus.PERSONAL_EVENTS, len(days))
    midnight = now.replace(hour=0, minute=0)
    events: list[Event] = []
    for index, (day, number, title) in enumerate(zip(days, numbers, titles, strict=True)):
        start = midnight + timedelta(days=day, hours=rng.randint(8, 18), minutes=rng.choice((0, 30)))
        end = start + timedelta(minutes=rng.choice((60, 90, 120)))
        whole = index != exam and rng.random() < 0.15
        if whole:
            start, end = midnight + timedelta(days=day), midnight + timedelta(days=day + 1)
            title = rng.choice(campus.ALL_DAY_EVENTS)
        if index == exam:
            title = rng.choice(campus.EXAMS)
        events.append(
            Event(id=f"ev{number}", title=title, start_iso=iso(start), end_iso=iso(end), all_day=whole, description="")
        )
    return tuple(events)


def _announcements(now: datetime, courses: tuple[Course, ...], rng: random.Random) -> tuple[Announcement, ...]:
    drawn = rng.sample(campus.ANNOUNCEMENTS, min(len(courses), len(campus.ANNOUNCEMENTS)))
    numbers = _distinct(rng, len(drawn), (100, 1000), 0.5)
    return tuple(
        Announcement(
            id=number, title=title, course_id=course.id, message=message,
            posted_iso=iso(now - timedelta(days=rng.randint(0, 9), hours=rng.randint(1, 8))),
        )
        for course, number, (title, message) in zip(courses, numbers, drawn, strict=False)
    )  # fmt: skip


def _planner(now: datetime, courses: tuple[Course, ...], rng: random.Random) -> tuple[PlannerItem, ...]:
    drawn = rng.sample(campus.PLANNER_NOTES, rng.randint(1, 2))
    numbers = _distinct(rng, len(drawn), (100, 1000), 0.5)
    return tuple(
        PlannerItem(
            id=number, title=title, todo_date=(now + timedelta(days=rng.randint(0, 6))).date().isoformat(),
            course_id=rng.choice(courses).id if rng.random() < 0.7 else None, details=details,
        )
        for number, (title, details) in zip(numbers, drawn, strict=True)
    )  # fmt: skip
