"""Generate synthetic contributors as irregular as real ones, and the ground truth of which characters are identities.

Writes ``<out>/<contributor>.jsonl`` (both record types) and ``<out>/truth/<contributor>.truth.jsonl`` with one row per identity:
line, field path, start and end (characters of the decoded string), type. The same arguments give the same bytes. The ground truth
has a folder of its own, so that it is not read as a contribution. Nothing in it is real (see ``curriculum``).
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.privacy.contributor_id import TRUTH, contributor_of
from canvas_pipeline.records import dumps, write_jsonl
from canvas_pipeline.tracks.canvas.intake.synthetic import curriculum

EPOCH = datetime(2026, 2, 16, 14, 5, 33, 482913, tzinfo=timezone(timedelta(hours=-5)))
TERMS = (("Spring 2026", "2026 Spring", "202601"), ("Fall 2025", "Fall 2025", "202509"))
NO_DUE = 0.2  # share of work without a due date
IDENTITY_TITLES = 0.1  # share of titles that name a person, an address, a room …
DECOY_TITLES = 0.04
TODO_ITEMS = 5_000  # of one list; more items go into further lists
GRADED = 0.9  # of the work whose due date has passed, and of the undated


class Marked(NamedTuple):
    """A text and the identities in it as (start, end, type)."""

    text: str
    spans: tuple[tuple[int, int, str], ...] = ()


Part = str | tuple[str, str]


def marked(*parts: Part) -> Marked:
    """Join parts, of which ``(text, type)`` is an identity."""
    text, spans = "", []
    for part in parts:
        if isinstance(part, tuple):
            spans.append((len(text), len(text) + len(part[0]), part[1]))
            part = part[0]
        text += part
    return Marked(text, tuple(spans))


class Course(NamedTuple):
    subject: curriculum.Subject
    number: str
    title: str
    crn: str
    term: str  # "Spring 2026"
    term_field: str  # the record's `term`
    term_code: str  # "202601"
    surname: str
    building: str
    room: str
    canvas_id: int


def synthesize(
    contributors: int,
    courses: int,
    assignments: int,
    seed: int,
    out_dir: Path,
    stems: Sequence[str] = curriculum.CONTRIBUTOR_STEMS,
) -> list[Path]:
    """Write ``contributors`` files of ``courses`` courses × ``assignments`` assignments each; return their paths.

    All contributors share their first course, so that a merge has rows to merge. Raises ``BadConfig`` for counts below one, and
    ``BadInput`` before anything is written if a file without ground truth has one of their names: it would be overwritten, and
    then counted as invented.
    """
    if min(contributors, courses, assignments) < 1:
        raise BadConfig("contributors, courses and assignments must each be at least 1")
    names = {contributor_id(index, stems).casefold() for index in range(contributors)}
    for path in sorted(out_dir.glob("*")):
        owner = contributor_of(path)
        if path.is_file() and owner.casefold() in names and not (out_dir / TRUTH / f"{owner}.truth.jsonl").is_file():
            raise BadInput(
                f"{path} is no invented contributor's (there is no truth beside it) and is not written over; move it"
            )
    (out_dir / TRUTH).mkdir(parents=True, exist_ok=True)
    paths = []
    shared = _course(random.Random(f"{seed}/shared"), 0)
    for index in range(contributors):
        name = contributor_id(index, stems)
        path = out_dir / f"{name}.jsonl"
        rng = random.Random(f"{seed}/{name}")
        truth: list[dict[str, Any]] = []
        with (out_dir / TRUTH / f"{name}.truth.jsonl").open("wb", buffering=1 << 20) as file:
            records = _records(rng, name, index, courses, assignments, shared, truth)
            write_jsonl(path, _with_truth(records, truth, file))
        paths.append(path)
    return paths


def _with_truth(
    records: Iterator[dict[str, Any]], truth: list[dict[str, Any]], file: BinaryIO
) -> Iterator[dict[str, Any]]:
    """Yield records, and write the ground truth of each before the next one is generated, so that memory stays small."""
    for record in records:
        file.writelines(dumps(row) + b"\n" for row in truth)
        truth.clear()
        yield record


def contributor_id(index: int, stems: Sequence[str] = curriculum.CONTRIBUTOR_STEMS) -> str:
    """Return the id of the contributor with this index: one of ``stems`` and its number."""
    return f"{stems[index % len(stems)]}-{index + 1:03d}"


def _records(
    rng: random.Random,
    name: str,
    index: int,
    courses: int,
    assignments: int,
    shared: Course,
    truth: list[dict[str, Any]],
) -> Iterator[dict[str, Any]]:
    collected = EPOCH + timedelta(minutes=37 * index)
    stamp = {"contributor_id": name, "collected_at": collected.isoformat()}
    # Every subject is used before one repeats, so that no course is accidentally a section of another.
    order = rng.sample(range(1, len(curriculum.SUBJECTS)), len(curriculum.SUBJECTS) - 1)
    todo: list[tuple[Course, Marked, str, str | None]] = []
    for number in range(courses):
        course = shared if number == 0 else _course(rng, order[number % len(order)])
        # Two thirds are in the registrar's form, as in real files; the rest cycle through all other shapes.
        shape = CODE_SHAPES[(number // 3 + 2 * index) % len(CODE_SHAPES)] if number % 3 == 2 else _crn_form
        work = [_assignment(rng, title, collected) for title in _titles(rng, course, assignments)]
        for _ in range(max(1, assignments // 24)):  # a few exact duplicates
            if len(work) > 1:
                work[-1] = work[rng.randrange(len(work) - 1)]
        line = number + 1
        code, course_name = shape(course), _course_name(rng, course)
        _note(truth, line, "course_code", code)
        _note(truth, line, "course_name", course_name)
        for position, (title, _) in enumerate(work):
            _note(truth, line, f"assignments[{position}].name", title)
        yield {
            "type": "course_snapshot", "course_name": course_name.text, "course_code": code.text,
            "term": course.term_field if number % 4 else "Default Term",
            "assignments": [row for _, row in work], **stamp,
        }  # fmt: skip
        coming = [(course, title, row["type"], row["due_at"]) for title, row in work if _is_coming(row, collected)]
        todo += coming[:2]
    for start in range(0, max(1, len(todo)), TODO_ITEMS):
        part = todo[start : start + TODO_ITEMS]
        for position, (_, title, _, _) in enumerate(part):
            _note(truth, courses + 1 + start // TODO_ITEMS, f"items[{position}].assignment_name", title)
        yield {
            "type": "todo_snapshot", **stamp,
            "items": [
                {"type": kind, "assignment_name": title.text, "due_at": due, "course_id": course.canvas_id}
                for course, title, kind, due in part
            ],
        }  # fmt: skip


def _note(truth: list[dict[str, Any]], line: int, field: str, value: Marked) -> None:
    truth.extend({"line": line, "field": field, "start": s, "end": e, "type": t} for s, e, t in value.spans)


def _is_coming(row: dict[str, Any], now: datetime) -> bool:
    return row["due_at"] is not None and datetime.fromisoformat(row["due_at"]) > now


def _course(rng: random.Random, subject_index: int) -> Course:
    subject = curriculum.SUBJECTS[subject_index]
    number, title = rng.choice(subject.courses)
    if rng.random() < 0.12:
        number += "H"
    term, field, code = TERMS[rng.random() < 0.15]
    building, room = rng.choice(curriculum.BUILDINGS), str(rng.randrange(100, 400))
    return Course(subject, number, title, str(rng.randrange(10000, 22999)), term, field, code,
                  rng.choice(curriculum.SURNAMES), building, room, rng.randrange(100000, 299999))  # fmt: skip


# ------------------------------------------------------------------------------------------------ codes and names


def _crn_form(c: Course) -> Marked:
    return marked((f"{c.subject.code}_{c.number}_{c.crn}_{c.term_code}", "COURSE"))


CODE_SHAPES: tuple[Callable[[Course], Marked], ...] = (
    lambda c: marked((f"{c.term_code}_{c.subject.code}_{c.number}_{c.crn}", "COURSE")),           # term first
    lambda c: marked((f"{c.subject.code}_{c.number}_{c.term_code}", "COURSE")),                   # no CRN
    lambda c: marked((f"{c.subject.code} {c.number}", "COURSE"), f" {c.term}"),                   # season and year
    lambda c: marked((f"{c.subject.code.capitalize()} {c.number}", "COURSE")),                    # mixed case
    lambda c: marked((f"{c.subject.code}{c.number}", "COURSE")),                                  # no separator
    lambda c: marked((f"{c.subject.code}-{c.number}", "COURSE"), " ", ("MWF 10:10-11:00", "TIME")),
    lambda c: marked((f"{c.subject.code}_{c.number}_{c.crn}_{c.term_code}", "COURSE"), "  "),     # trailing blanks
    lambda c: marked((f"{c.subject.code.lower()}{c.number.lower()}", "COURSE")),                  # lower case
    lambda c: marked(f"{c.title} (", (c.crn, "COURSE"), ")"),                                     # bare CRN
    lambda c: marked(f"@COURSE3 {c.title.split()[0]} of …"),                                      # partly masked
    lambda c: marked("site_", (f"{c.subject.code}_{c.number}_{c.crn}_{c.term_code}", "COURSE"), "_main"),
    lambda c: marked((f"{c.subject.code} {c.number}", "COURSE"), " Section 003"),
)  # fmt: skip

NAME_SHAPES: tuple[Callable[[Course], Marked], ...] = (
    lambda c: marked(c.title),
    lambda c: marked(c.title),
    lambda c: marked((f"{c.subject.code}_{c.number}_{c.crn}_{c.term_code}", "COURSE"), f": {c.title}"),
    lambda c: marked(f"{c.title} - ", (c.surname, "PERSON")),
    lambda c: marked(f"{c.title} (", (c.surname, "PERSON"), ")"),
    lambda c: marked(f"{c.title} (", (c.crn, "COURSE"), ")"),
    lambda c: marked(f"{c.title} ", (f"MWF 10:10 AM {c.building} {c.room}", "ROOM")),
    lambda c: marked("Prof. ", (c.surname, "PERSON"), f" – {c.title}"),
    lambda c: marked((f"{c.subject.code.lower()}{c.number.lower()}", "COURSE"), f" {c.title.lower()}"),
    lambda c: marked(f"{c.title}\u00a0📚 ", (c.surname, "PERSON"), "’s section"),
)


def _course_name(rng: random.Random, course: Course) -> Marked:
    return rng.choice(NAME_SHAPES)(course)


# -------------------------------------------------------------------------------------------------------- titles


def _person(rng: random.Random) -> tuple[str, str]:
    return f"{rng.choice(curriculum.GIVEN_NAMES)} {rng.choice(curriculum.SURNAMES)}", "PERSON"


def _email(rng: random.Random) -> tuple[str, str]:
    user = f"{rng.choice(curriculum.GIVEN_NAMES)}.{rng.choice(curriculum.SURNAMES)}{rng.randrange(99)}"
    return f"{rng.choice((user, user.lower(), user.replace('.', '_')))}@{rng.choice(curriculum.EMAIL_DOMAINS)}", "EMAIL"


PHONE_SHAPES = (
    "({a}) 555-{l}", "{a}-555-{l}", "+1 {a} 555 {l}", "{a}.555.{l}", "{a}–555–{l}", "1-{a}-555-{l}", "{a}555{l}",
)  # fmt: skip


def _phone(rng: random.Random) -> tuple[str, str]:
    area, last = rng.choice(("540", "703", "212", "907")), f"01{rng.randrange(100):02d}"
    shape = rng.choice(PHONE_SHAPES)
    return shape.format(a=area, l=last), "PHONE"


def _ssn(rng: random.Random) -> tuple[str, str]:
    return f"987-65-43{rng.randrange(20, 30)}", "SSN"


def _student(rng: random.Random) -> tuple[str, str]:
    return f"90{rng.randrange(5, 7)}{rng.randrange(10**6):06d}", "STUDENT_ID"


def _url(rng: random.Random) -> tuple[str, str]:
    return f"https://videos.example.edu/{rng.choice(curriculum.GIVEN_NAMES).lower()}{rng.randrange(99)}", "URL"


def _room(rng: random.Random) -> tuple[str, str]:
    return f"{rng.choice(curriculum.BUILDINGS)} {rng.randrange(100, 400)}", "ROOM"


def _code(c: Course, rng: random.Random) -> tuple[str, str]:
    shapes = ("{s} {n}", "{s}{n}", "{s}-{n}", "{l}{n}", "{s}_{n}_{c}_{t}")
    text = rng.choice(shapes).format(s=c.subject.code, l=c.subject.code.lower(), n=c.number, c=c.crn, t=c.term_code)
    return text, "COURSE"


IDENTITY_SHAPES: tuple[Callable[[Course, random.Random], Marked], ...] = (
    lambda c, r: marked("Email ", _email(r), " your draft"),
    lambda c, r: marked("Questions? ", _email(r)),
    lambda c, r: marked("Call ", _phone(r), " to book"),
    lambda c, r: marked("Text phone ", _phone(r)),
    lambda c, r: marked("Meet Dr. ", (c.surname, "PERSON")),
    lambda c, r: marked("Peer review: ", _person(r)),
    lambda c, r: marked("Interview with ", _person(r)),
    lambda c, r: marked("Guest lecture by ", _person(r)),
    lambda c, r: marked("Quiz in ", _room(r)),
    lambda c, r: marked("Exam at 7:00 PM, ", _room(r)),
    lambda c, r: marked("Lab tour, ", (f"Room {r.randrange(100, 400)}", "ROOM")),
    lambda c, r: marked("Waiver, student ID ", _student(r)),
    lambda c, r: marked("Study pay form SSN ", _ssn(r)),
    lambda c, r: marked(_code(c, r), " Exam Review"),
    lambda c, r: marked("Notes for ", _code(c, r)),
    lambda c, r: marked("Slides ", _url(r)),
    lambda c, r: marked((c.surname, "PERSON"), "’s office hours"),
)
MESS: tuple[Callable[[Marked], Marked], ...] = (
    lambda m: Marked(m.text + " 🎉", m.spans),
    lambda m: Marked(m.text + "  ", m.spans),
    lambda m: m if m.spans else Marked(m.text.replace(" ", "\u00a0", 1)),
    lambda m: m if m.spans else Marked(m.text.replace(" ", "  ", 1)),
    lambda m: Marked(m.text + " (optional)", m.spans),
)


class _Form(NamedTuple):
    title: Marked
    kind: str
    submission: tuple[str, ...]
    points: float | None


def _titles(rng: random.Random, course: Course, count: int) -> Iterator[_Form]:
    """Yield ``count`` forms of work: some common to all courses, the rest a topic × form × number of this subject."""
    common = list(curriculum.COMMON_TITLES[: max(1, min(count // 6, 4))])
    for name, kind, submission, points in common[:count]:
        yield _Form(marked(name), kind, submission, points)
    combinations = [(topic, form) for topic in course.subject.topics for form in curriculum.FORMS]
    rng.shuffle(combinations)
    for index in range(max(0, count - len(common))):
        topic, (template, kind, submission, points) = combinations[index % len(combinations)]
        number = 1 + index * 12 // max(1, count) + 12 * (index // len(combinations))
        draw = rng.random()
        if draw < IDENTITY_TITLES:
            title = rng.choice(IDENTITY_SHAPES)(course, rng)
        elif draw < IDENTITY_TITLES + DECOY_TITLES:
            title = marked(rng.choice(curriculum.DECOYS))
        else:
            title = marked(template.format(t=topic, n=number))
        yield _Form(rng.choice(MESS)(title) if rng.random() < 0.12 else title, kind, submission, points)


def _assignment(rng: random.Random, form: _Form, now: datetime) -> tuple[Marked, dict[str, Any]]:
    due = None
    if rng.random() >= NO_DUE:
        days = rng.randrange(1, 30) if rng.random() < 0.5 else rng.randrange(-40, 75)
        # Local 23:59:59 is 04:59:59Z in winter and 03:59:59Z in summer time.
        day = (now + timedelta(days=days)).astimezone(UTC).replace(minute=59, second=59, microsecond=0)
        due = day.replace(hour=3 if (day.month, day.day) >= (3, 8) else 4)
    passed = due is None or due <= now
    if passed:
        status = "GRADED" if rng.random() < GRADED else rng.choice(("SUBMITTED", "NOT_SUBMITTED"))
    else:
        status = rng.choices(("NOT_SUBMITTED", "SUBMITTED", "GRADED"), (88, 9, 3))[0]
    submission = form.submission if rng.random() > 0.02 else (rng.choice(curriculum.SUBMISSION_ODDITIES),)
    return form.title, {
        "name": form.title.text, "type": form.kind,
        "due_at": due.strftime("%Y-%m-%dT%H:%M:%SZ") if due else None,
        "points_possible": form.points, "submission_types": list(submission), "submission_status": status,
    }  # fmt: skip
