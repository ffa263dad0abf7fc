"""Mask a batch of one contributor's lines: the part of intake that runs in worker processes.

The result contains nothing personal and no course code. The result for a line depends only on the line and the ``Survey`` (what
the first pass over the file found), so that batches may be cut anywhere and masked in any order. One source row gives one entry
or one refusal.
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
from canvas_pipeline.privacy.identities.pii import Kind, Scrubber, instructors
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
from canvas_pipeline.tracks.canvas.intake.stream.spill import SpilledRow
from canvas_pipeline.tracks.canvas.rows import Item, ItemType, item_id

CACHED = 60_000  # distinct texts of one contributor whose masked form a process caches
ONLY_RULES = "other_language_rules_only"
"""The count of texts in a language that the name recogniser does not support: only patterns and rules were applied."""
_SAMPLED = 400  # titles from which a contributor's language is detected
_SOURCE = b"source\0"  # separates this use of the key from others
_POSITION = re.compile(r"\[(\d+)\]")
# Texts of any contributor in which nothing was found: see `Masker._is_harmless`. Saves a tenth of the intake's time.
_HARMLESS: set[str] = set()


class Survey(NamedTuple):
    """What a contributor's own records reveal: their courses, and surnames in course names. As private as the file."""

    contributor: str
    learned: Learned
    people: frozenset[str]
    home: Home = "unknown"


class Source(Row, frozen=True, kw_only=True):
    """The location of a source row. ``Item.parents`` refers to it by ``id``."""

    id: str
    file: str
    line: int
    field: str


class Text(NamedTuple):
    """A masked text, its key, and what to count for it: the types of what was masked, and ``ONLY_RULES``."""

    masked: str
    key: str
    types: tuple[str, ...]


class Batch(NamedTuple):
    """The results for some lines. ``todos`` have no course yet; ``new`` are identities that the registry file does not hold."""

    assignments: list[SpilledRow]
    todos: list[SpilledRow]
    sources: bytes
    refusals: bytes
    rows_in: int
    refused: Counter[str]
    counts: Counter[str]
    new: frozenset[str]


class Surveyor:
    """Collects the distinct course headings and a sample of titles in the first pass."""

    def __init__(self, contributor: str) -> None:
        self._contributor = contributor
        self._heads: set[tuple[str, str | None, str]] = set()
        self._sample: dict[int, str] = {}

    def add(self, record: Record) -> None:
        for row in rows_of(record):
            self._sample_title(_title(row))
        if isinstance(record, CourseSnapshot):
            self._heads.add((record.course_code, record.term, record.course_name))

    def survey(self) -> Survey:
        """Return the survey, which does not depend on the order of records."""
        learned = course_masker.merge(course_masker.learn(code, term, name) for code, term, name in self._heads)
        names = {name for _, _, name in self._heads}
        kept = sorted(self._sample)[:_SAMPLED]
        home = home_of(fold(title).text for title in (*sorted(names), *(self._sample[mark] for mark in kept)))
        return Survey(self._contributor, learned, instructors(names), home)

    def _sample_title(self, title: str) -> None:
        """Keep the titles of the lowest checksums, which do not depend on the order of records."""
        self._sample[zlib.crc32(title.encode("utf-8", "surrogatepass"))] = title
        if len(self._sample) > 8 * _SAMPLED:
            self._sample = {mark: self._sample[mark] for mark in sorted(self._sample)[:_SAMPLED]}


class Masker:
    """Masks courses and identities of one contributor. Pass a registry that is not writable to collect ``Batch.new``."""

    def __init__(self, key: bytes, registry: Registry, survey: Survey) -> None:
        self.contributor = survey.contributor
        self._key = bytes(key)
        self._registry = registry
        self._courses = CourseMasker(registry, survey.contributor, survey.learned)
        self._people, self._home = survey.people, survey.home
        self._named = re.compile("|".join(sorted(re.escape(fold(n).text) for n in survey.people)) or r"(?!)", re.I)
        self._reported = len(registry.new)
        self._clear_cache()

    def _clear_cache(self) -> None:
        self._texts: dict[tuple[Kind, str], Text] = {}
        self._scrubber = Scrubber(self._key, self.contributor, people=self._people, home=self._home)

    def batch(self, source: str, lines: Iterable[tuple[int, Line]]) -> Batch:
        """Mask some lines of the file named ``source``."""
        records: list[Record] = []
        refusals: list[Refusal] = []
        unreadable: dict[int, set[int]] = {}  # line → positions of its refused rows
        for number, line in lines:
            for result in parse(source, self.contributor, number, line):
                if not isinstance(result, Refusal):
                    records.append(result)
                    continue
                refusals.append(result)
                if position := _POSITION.search(result.detail):
                    unreadable.setdefault(number, set()).add(int(position.group(1)))
        rows_in = sum(map(len, records)) + len(refusals)
        self._mask(records)
        batch = Batch([], [], b"", b"", rows_in, Counter(), Counter(), frozenset())
        sources: list[bytes] = []
        for record in records:
            self._add_record(source, record, unreadable.get(record.line, set()), batch, sources, refusals)
        refusals.sort(key=lambda refusal: refusal.line)
        batch.refused.update(refusal.reason for refusal in refusals)
        return batch._replace(
            sources=b"".join(sources),
            refusals=b"".join(dumps(refusal) + b"\n" for refusal in refusals),
            new=self._new_identities(),
        )

    def _new_identities(self) -> frozenset[str]:
        """Return the identities that the registry derived since the last batch."""
        new = self._registry.new
        reported, self._reported = self._reported, len(new)
        return frozenset(new[reported:])

    def _mask(self, records: Sequence[Record]) -> None:
        """Mask every distinct text of some records that is not cached."""
        if len(self._texts) > CACHED:
            self._clear_cache()
        names = [r.course_name for r in records if isinstance(r, CourseSnapshot)]
        texts = [r.term for r in records if isinstance(r, CourseSnapshot) and r.term is not None]
        texts += [_title(row) for record in records for row in rows_of(record)]
        self._mask_texts("course_name", names)
        self._mask_texts("text", texts)

    def _mask_texts(self, kind: Kind, texts: Iterable[str]) -> None:
        cache = self._texts
        remaining: list[tuple[str, str]] = []
        for text in dict.fromkeys(texts):
            if (kind, text) in cache:
                continue
            masked = self._courses.mask(text)[0]
            if kind == "text" and self._is_harmless(masked):
                cache[kind, text] = Text(masked, normalise(masked), ())
            else:
                remaining.append((text, masked))
        scrubbed = self._scrubber.scrub([masked for _, masked in remaining], kind) if remaining else []
        for (text, masked), result in zip(remaining, scrubbed, strict=True):
            key = normalise(result.text)
            rules_only = (ONLY_RULES,) if result.only_rules else ()
            cache[kind, text] = Text(result.text, key, (*(span.type for span in result.spans), *rules_only))
            harmless = not result.spans and not result.only_rules  # for any contributor, whatever their language
            if kind == "text" and harmless and masked.isascii():
                if len(_HARMLESS) > CACHED:
                    _HARMLESS.clear()
                _HARMLESS.add(masked)

    def _is_harmless(self, text: str) -> bool:
        """Return whether a scrubber found nothing in this text before, and it names none of the contributor's people.

        Only ASCII texts are cached: folding does not change them, so that a plain search finds the names."""
        return text in _HARMLESS and not self._named.search(text)

    def _add_record(
        self,
        source: str,
        record: Record,
        unreadable: set[int],
        batch: Batch,
        sources: list[bytes],
        refusals: list[Refusal],
    ) -> None:
        texts, contributor, counts = self._texts, self.contributor, batch.counts
        course = name = term = None
        if isinstance(record, CourseSnapshot):
            course = self._courses.handle_of_code(record.course_code, record.term)
            heading = texts["course_name", record.course_name]
            name = heading.masked
            counts.update(heading.types)
            if record.term is not None:
                label = texts["text", record.term]
                term = label.masked
                counts.update(label.types)
        counts["courses" if isinstance(record, CourseSnapshot) else "todo_lists"] += 1
        collected = record.collected_at
        rows = rows_of(record)
        field = "assignments" if isinstance(record, CourseSnapshot) else "items"
        positions = [at for at in range(len(rows) + len(unreadable)) if at not in unreadable]
        for position, row, raw in zip(positions, rows, source_keys(record), strict=True):
            assert isinstance(row, (Assignment, TodoItem))
            title = texts["text", _title(row)]
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
                batch.todos.append(SpilledRow("-", number, site, dumps(item)))
            else:
                counts["overdue"] += is_overdue(item)
                batch.assignments.append(SpilledRow(item.id, number, course or NOWHERE, dumps(item)))


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
