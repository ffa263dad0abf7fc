"""Some lines of one contributor → masked entries: the part of intake that runs in a pool.

In: a ``Survey`` (what a first look through the whole file revealed), the secret key, lines as ``snapshot.lines`` gives them.
Out: a ``Batch`` of entries to sort and reports. What must hold: nothing personal and no course code leaves; the result for a
line depends on the survey and the line alone, so that batches may be cut anywhere and done in any order; one source row gives
one entry or one refusal.
"""

from __future__ import annotations

import hmac
import re
import zlib
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from canvas_pipeline.privacy.courses import masker as course_masker
from canvas_pipeline.privacy.courses.masker import CourseMasker, Learned
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.privacy.identities.folding import fold
from canvas_pipeline.privacy.identities.languages import Home, home_of
from canvas_pipeline.privacy.identities.pii import Kind, Model, Scrubber, instructors
from canvas_pipeline.privacy.identities.recognisers import may_name
from canvas_pipeline.records import Refusal, Row, dumps
from canvas_pipeline.tracks.canvas.intake.reading.normalise import (
    OTHER_SUBMISSION,
    STATUSES,
    SUBMISSION_TYPES,
    TYPES,
    is_overdue,
    key_of,
    normalise,
    utc,
)
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import (
    Assignment,
    CourseSnapshot,
    Line,
    Record,
    TodoItem,
    parse,
    rows_of,
    source_keys,
)
from canvas_pipeline.tracks.canvas.intake.stream.placement import NOWHERE
from canvas_pipeline.tracks.canvas.intake.stream.spill import Entry
from canvas_pipeline.tracks.canvas.rows import Item, ItemType, item_id

REMEMBERED = 60_000  # distinct texts of one contributor that a process keeps masked
ONLY_RULES = "other_language_rules_only"
"""What texts are counted as that the name recogniser does not read: patterns and rules were looked for, names were not."""
_SAMPLED = 400  # titles by which a contributor's language is told
_SOURCE = b"source\0"  # what the key is used for here
_POSITION = re.compile(r"\[(\d+)\]")
# Texts in which nothing was found, whoever wrote them, and forms of such (`_form`): see `Masker._is_harmless`.
_HARMLESS: set[str] = set()
_HARMLESS_FORMS: set[str] = set()
_FEW_DIGITS = re.compile(r"[^0-9:]*(?:[0-9]{1,2}(?![0-9])[^0-9:]*){1,3}")
_DIGIT = re.compile(r"[0-9]")


class Survey(NamedTuple):
    """What a contributor's own records reveal: their courses, and surnames that stand in course names. As private as the file."""

    contributor: str
    learned: Learned
    people: frozenset[str]
    home: Home = "unknown"


class Source(Row, frozen=True, kw_only=True):
    """Where a source row stands. ``id`` is what ``Item.parents`` calls it."""

    id: str
    file: str
    line: int
    field: str


class Text(NamedTuple):
    """A masked text, its key, and what is counted of it: the types of what was masked, and ``ONLY_RULES``."""

    masked: str
    key: str
    types: tuple[str, ...]


class Batch(NamedTuple):
    """``todos`` wait for their course; ``new`` are identities whose handle the registry's file does not hold yet."""

    assignments: list[Entry]
    todos: list[Entry]
    sources: bytes
    refusals: bytes
    rows_in: int
    refused: Counter[str]
    counts: Counter[str]
    new: frozenset[str]


class Surveyor:
    """The first look: cheap, in file order, remembers only what is distinct."""

    def __init__(self, contributor: str) -> None:
        self._contributor = contributor
        self._heads: set[tuple[str, str | None, str]] = set()
        self._sample: dict[int, str] = {}

    def look(self, record: Record) -> None:
        for row in rows_of(record):
            self._sample_title(_title(row))
        if isinstance(record, CourseSnapshot):
            self._heads.add((record.course_code, record.term, record.course_name))

    def survey(self) -> Survey:
        """What was revealed, the same for any order of records."""
        learned = course_masker.merge(course_masker.learn(code, term, name) for code, term, name in self._heads)
        names = {name for _, _, name in self._heads}
        kept = sorted(self._sample)[:_SAMPLED]
        home = home_of(fold(title).text for title in (*sorted(names), *(self._sample[mark] for mark in kept)))
        return Survey(self._contributor, learned, instructors(names), home)

    def _sample_title(self, title: str) -> None:
        """Titles of the lowest checksums: the same ones in any order of records."""
        self._sample[zlib.crc32(title.encode("utf-8", "surrogatepass"))] = title
        if len(self._sample) > 8 * _SAMPLED:
            self._sample = {mark: self._sample[mark] for mark in sorted(self._sample)[:_SAMPLED]}


class Masker:
    """Both maskers of one contributor, and what they said already. ``registry`` should not be writable: see ``Batch.new``."""

    def __init__(self, key: bytes, registry: Registry, survey: Survey, model: Model | None = None) -> None:
        self.contributor = survey.contributor
        self._key = bytes(key)
        self._registry = registry
        self._courses = CourseMasker(registry, survey.contributor, survey.learned)
        self._people, self._home = survey.people, survey.home
        self._named = re.compile("|".join(sorted(re.escape(fold(n).text) for n in survey.people)) or r"(?!)", re.I)
        self._model = model
        self._told = len(registry.new)
        self._forget()

    def _forget(self) -> None:
        self._known: dict[tuple[Kind, str], Text] = {}
        self._scrubber = Scrubber(self._key, self.contributor, self._model, self._people, self._home)

    def batch(self, source: str, lines: Iterable[tuple[int, Line]]) -> Batch:
        """Mask some lines of the file named ``source``."""
        records: list[Record] = []
        refusals: list[Refusal] = []
        gone: dict[int, set[int]] = {}  # line → positions of its rows that are none
        for number, line in lines:
            for result in parse(source, self.contributor, number, line):
                if not isinstance(result, Refusal):
                    records.append(result)
                    continue
                refusals.append(result)
                if position := _POSITION.search(result.detail):
                    gone.setdefault(number, set()).add(int(position.group(1)))
        rows_in = sum(map(len, records)) + len(refusals)
        self._mask(records)
        made = Batch([], [], b"", b"", rows_in, Counter(), Counter(), frozenset())
        sources: list[bytes] = []
        for record in records:
            self._record(source, record, gone.get(record.line, set()), made, sources, refusals)
        refusals.sort(key=lambda refusal: refusal.line)
        made.refused.update(refusal.reason for refusal in refusals)
        return made._replace(
            sources=b"".join(sources),
            refusals=b"".join(dumps(refusal) + b"\n" for refusal in refusals),
            new=self._unheard(),
        )

    def _unheard(self) -> frozenset[str]:
        """Identities that the registry derived since the last batch."""
        new = self._registry.new
        told, self._told = self._told, len(new)
        return frozenset(new[told:])

    def _mask(self, records: Sequence[Record]) -> None:
        """Know every text of some records: each distinct one is looked at once."""
        if len(self._known) > REMEMBERED:
            self._forget()
        names = [r.course_name for r in records if isinstance(r, CourseSnapshot)]
        texts = [r.term for r in records if isinstance(r, CourseSnapshot) and r.term is not None]
        texts += [_title(row) for record in records for row in rows_of(record)]
        self._learn("course_name", names)
        self._learn("text", texts)

    def _learn(self, kind: Kind, texts: Iterable[str]) -> None:
        known = self._known
        fresh = [text for text in dict.fromkeys(texts) if (kind, text) not in known]
        open_: list[tuple[str, str]] = []
        for text in fresh:
            masked = self._courses.mask(text)[0]
            if kind == "text" and self._is_harmless(masked):
                known[kind, text] = Text(masked, normalise(masked), ())
            else:
                open_.append((text, masked))
        scrubbed = self._scrubber.scrub([masked for _, masked in open_], kind) if open_ else []
        for (text, masked), result in zip(open_, scrubbed, strict=True):
            key = normalise(result.text)
            unread = (ONLY_RULES,) if result.only_rules else ()
            known[kind, text] = Text(result.text, key, (*(span.type for span in result.spans), *unread))
            harmless = not result.spans and not result.only_rules  # to any contributor, whatever their language
            if kind == "text" and harmless and masked.isascii() and self._model is None:
                if len(_HARMLESS) > REMEMBERED:
                    _HARMLESS.clear()
                    _HARMLESS_FORMS.clear()
                _HARMLESS.add(masked)
                if (form := _form(masked)) and not may_name(masked):
                    _HARMLESS_FORMS.add(form)

    def _is_harmless(self, text: str) -> bool:
        """Whether a scrubber (the same recognisers) found nothing in it or in one of its form, and none of these people stands in
        it: ASCII only, where folding changes nothing, so that looking for their names is a plain search."""
        if self._model is not None or not (text in _HARMLESS or _form(text) in _HARMLESS_FORMS):
            return False
        return not self._named.search(text)

    def _record(
        self, source: str, record: Record, gone: set[int], made: Batch, sources: list[bytes], refusals: list[Refusal]
    ) -> None:
        known, contributor, counts = self._known, self.contributor, made.counts
        course = name = term = None
        if isinstance(record, CourseSnapshot):
            course = self._courses.handle_of_code(record.course_code, record.term)
            heading = known["course_name", record.course_name]
            name = heading.masked
            counts.update(heading.types)
            if record.term is not None:
                label = known["text", record.term]
                term = label.masked
                counts.update(label.types)
        counts["courses" if isinstance(record, CourseSnapshot) else "todo_lists"] += 1
        collected = record.collected_at
        rows = rows_of(record)
        field = "assignments" if isinstance(record, CourseSnapshot) else "items"
        positions = [at for at in range(len(rows) + len(gone)) if at not in gone] if gone else range(len(rows))
        for position, row, raw in zip(positions, rows, source_keys(record), strict=True):
            assert isinstance(row, (Assignment, TodoItem))
            title = known["text", _title(row)]
            counts.update(title.types)
            counts["unknown_type"] += row.type.upper() not in TYPES
            place = f"{field}[{position}]"
            if not title.key:
                refusals.append(Refusal(source=source, line=record.line, reason="empty_title", detail=place))
                continue
            parent = f"{contributor}:{hmac.digest(self._key, _SOURCE + raw, 'sha256').hex()[:12]}"
            sources.append(dumps(Source(id=parent, file=source, line=record.line, field=place)) + b"\n")
            type_: ItemType = TYPES.get(row.type.upper(), "ASGN")
            due = None if row.due_at is None else utc(row.due_at)
            points, submission, status = _work(row, counts) if isinstance(row, Assignment) else (None, (), None)
            item = Item(
                id=item_id(type_, title.key, course), type=type_, title=title.masked, course=course, course_name=name,
                term=term, due_at=due, points_possible=points, submission_types=submission,
                submission_status=STATUSES.get(status or ""), contributors=(contributor,), collected_at=collected,
                parents=(parent,),
            )  # fmt: skip
            number = key_of(title.key, due or "")
            counts["due_unknown"] += due is None
            if isinstance(row, TodoItem):
                site = NOWHERE if row.course_id is None else self._courses.handle_of_site(row.course_id)
                made.todos.append(Entry("-", number, site, dumps(item)))
            else:
                counts["overdue"] += is_overdue(item)
                made.assignments.append(Entry(item.id, number, course or NOWHERE, dumps(item)))


def _form(text: str) -> str | None:
    """A text with a 7 for each digit ("Homework 77, Sorting"), if the patterns cannot tell one digit of it from another: there are
    few of them, no more than two in a row, and no clock time. The name recogniser can: a form is kept only of what it never reads.
    """
    return _DIGIT.sub("7", text) if text.isascii() and _FEW_DIGITS.fullmatch(text) else None


def _title(row: Assignment | TodoItem) -> str:
    return row.name if isinstance(row, Assignment) else row.assignment_name


def _work(row: Assignment, counts: Counter[str]) -> tuple[float | None, tuple[str, ...], str | None]:
    unknown = sum(t not in SUBMISSION_TYPES for t in row.submission_types)
    submission = row.submission_types
    if unknown:
        counts["unknown_submission_type"] += unknown
        submission = tuple(t if t in SUBMISSION_TYPES else OTHER_SUBMISSION for t in submission)
    status = row.submission_status
    counts["unknown_submission_status"] += status is not None and status not in STATUSES
    return row.points_possible, submission, status
