"""From contributors' records to one corpus of anonymised items: mask, normalise, merge.

In: a contributor's file (``intake_contributor``), then the items of all contributors (``merge``). Out: ``Item`` rows, refusals and
a funnel that adds up. What must hold: nothing personal and no course code leaves ``items_of``; a due date that is not known
stays None; the same contributions give the same bytes in any order; one source row gives one item at intake, and the merge
unites items with the same title in the same course.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, cast

import msgspec

from canvas_pipeline.errors import SchemaMismatch
from canvas_pipeline.intake.course_registry import Registry
from canvas_pipeline.intake.crn import CourseMasker
from canvas_pipeline.intake.pii import Model, Scrubber
from canvas_pipeline.intake.snapshot import CourseSnapshot, Record, TodoItem, TodoSnapshot, instant, read
from canvas_pipeline.records import Funnel, Item, ItemType, Refusal, dumps, funnel, item_id, to_plain

if TYPE_CHECKING:
    import pandas as pd

Status = Literal["GRADED", "SUBMITTED", "NOT_SUBMITTED"]

# What platforms call a kind of work → ours; anything else is ASGN and counted.
TYPES: Mapping[str, ItemType] = {
    "ASGN": "ASGN", "ASSIGNMENT": "ASGN", "QUIZ": "QUIZ", "DISC": "DISC", "DISCUSSION": "DISC", "DISCUSSION_TOPIC": "DISC",
}  # fmt: skip
STATUSES = frozenset({"GRADED", "SUBMITTED", "NOT_SUBMITTED"})
SUBMISSION_TYPES = frozenset({
    "external_tool", "online_quiz", "online_upload", "none", "online_text_entry", "on_paper", "discussion_topic",
    "media_recording", "online_url", "not_graded", "student_annotation", "wiki_page", "basic_lti_launch", "attendance",
})  # fmt: skip
OTHER_SUBMISSION = "other"
_PUNCTUATION = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc", "'"), **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"), "\u2026": "...",
})  # fmt: skip


class ContributorIntake(NamedTuple):
    """One contributor, anonymised. ``counts`` are of notable things: masked identities (``masked_EMAIL``), courses, unknown
    types, rows without a due date, overdue rows."""

    items: list[Item]
    refusals: list[Refusal]
    funnel: Funnel
    counts: dict[str, int]


class Masker(NamedTuple):
    """Both maskers of one contributor."""

    courses: CourseMasker
    scrubber: Scrubber


class _Row(NamedTuple):
    """One source row before its texts are masked; ``course`` is a handle already."""

    line: int
    field: str
    collected_at: str
    type: str
    title: str
    due_at: str | None
    course: str | None
    course_name: str | None = None
    term: str | None = None
    points_possible: float | None = None
    submission_types: tuple[str, ...] = ()
    submission_status: str | None = None


def intake_contributor(
    path: Path, registry_key: bytes, registry_path: Path | None = None, model: Model | None = None
) -> ContributorIntake:
    """Read, mask and normalise one contributor's file.

    ``registry_key`` has at least 16 bytes; ``registry_path`` is the private registry (None: handles are derived and not
    remembered). Raises ``MissingInput`` for no such file, ``MissingTool``/``ServiceUnavailable`` where the detector cannot work.
    """
    path = Path(path)
    records: list[Record] = []
    refusals: list[Refusal] = []
    for result in read(path):
        if isinstance(result, Refusal):
            refusals.append(result)
        else:
            records.append(result)
    rows_in = sum(len(record) for record in records) + len(refusals)
    masker = Masker(CourseMasker(Registry(registry_key, registry_path), path.stem), Scrubber(model))
    items, refused = items_of(records, masker)
    counts = Counter({f"masked_{type_}": count for type_, count in masker.scrubber.counts.items()})
    counts += tally(records, items)
    flow = funnel(f"collab/{path.stem}", rows_in, len(items), [*refusals, *refused])
    return ContributorIntake(items, [*refusals, *refused], flow, dict(sorted(counts.items())))


def items_of(records: Sequence[Record], masker: Masker) -> tuple[list[Item], list[Refusal]]:
    """One item per readable assignment and to-do item of one contributor, in file order; a row whose title is empty is refused
    (``empty_title``). All course codes are learnt before the first text is masked."""
    for record in records:
        if isinstance(record, CourseSnapshot):
            masker.courses.learn(record.course_code, record.term, record.course_name)
    rows = [row for record in records for row in _rows(record, masker.courses)]
    titles = [r.text for r in masker.scrubber.scrub([masker.courses.mask(row.title)[0] for row in rows])]
    names = _masked([row.course_name for row in rows], masker, course_names=True)
    terms = _masked([row.term for row in rows], masker)
    contributor = records[0].contributor if records else ""
    items: list[Item] = []
    refusals: list[Refusal] = []
    for row, title in zip(_placed(rows, titles), titles, strict=True):
        if not normalise(title):
            refusals.append(
                Refusal(source=f"{contributor}.jsonl", line=row.line, reason="empty_title", detail=row.field)
            )
            continue
        type_ = TYPES.get(row.type.upper(), "ASGN")
        items.append(
            Item(
                id=item_id(type_, normalise(title), row.course), type=type_, title=title, course=row.course,
                course_name=names.get(row.course_name), term=terms.get(row.term), due_at=row.due_at,
                points_possible=row.points_possible,
                submission_types=tuple(t if t in SUBMISSION_TYPES else OTHER_SUBMISSION for t in row.submission_types),
                submission_status=cast(Status, row.submission_status) if row.submission_status in STATUSES else None,
                contributors=(contributor,), collected_at=row.collected_at, parents=(f"{contributor}:{row.line}",),
            )
        )  # fmt: skip
    return items, refusals


def merge(intakes: Sequence[Sequence[Item]]) -> tuple[list[Item], Funnel]:
    """One item for each (normalised title, course) of all contributors, sorted by id, the same in any order of inputs.

    Of several, the one collected last is kept (then the one with the greatest bytes); contributors and parents are united.
    """
    groups: dict[tuple[str, str | None], list[Item]] = {}
    for item in (item for intake in intakes for item in intake):
        groups.setdefault((normalise(item.title), item.course), []).append(item)
    merged = [_united(group) for group in groups.values()]
    rows_in = sum(len(group) for group in groups.values())
    return sorted(merged, key=lambda item: item.id), funnel(
        "corpus", rows_in, len(merged), merged=rows_in - len(merged)
    )


def normalise(title: str) -> str:
    """A title's key: compatibility forms, one kind of quote and dash, no emoji, single spaces, folded case. The title itself
    keeps what its author wrote."""
    text = unicodedata.normalize("NFKC", title).translate(_PUNCTUATION)
    text = "".join(
        c for c in text if unicodedata.category(c) not in ("So", "Sk", "Cf", "Cs", "Co", "Cn") and c != "\ufe0f"
    )
    return " ".join(text.casefold().split())


def is_overdue(item: Item) -> bool:
    """Due before it was collected and neither graded nor submitted; never for an unknown due date."""
    if item.due_at is None or item.submission_status in ("GRADED", "SUBMITTED"):
        return False
    return datetime.fromisoformat(item.due_at) < datetime.fromisoformat(item.collected_at)


def tally(records: Sequence[Record], items: Sequence[Item]) -> Counter[str]:
    """Counts of what deserves a look; unknown words of a file are counted, never quoted."""
    counts: Counter[str] = Counter()
    for record in records:
        counts["courses" if isinstance(record, CourseSnapshot) else "todo_lists"] += 1
        for row in record.assignments if isinstance(record, CourseSnapshot) else record.items:
            counts["unknown_type"] += row.type.upper() not in TYPES
            if not isinstance(row, TodoItem):
                counts["unknown_submission_type"] += sum(t not in SUBMISSION_TYPES for t in row.submission_types)
                status = row.submission_status
                counts["unknown_submission_status"] += status is not None and status not in STATUSES
    counts["due_unknown"] = sum(item.due_at is None for item in items)
    counts["overdue"] = sum(is_overdue(item) for item in items)
    return counts


def check_table(items: Sequence[Item]) -> pd.DataFrame:
    """The corpus as a data frame, checked column by column; raises ``SchemaMismatch`` naming columns and checks, not values."""
    import pandas as pd
    import pandera.errors
    import pandera.pandas as pa

    instants = pa.Check(lambda value: instant(value) is not None, element_wise=True, name="ISO-8601 with offset")
    schema = pa.DataFrameSchema(
        {
            "id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{12}$"), unique=True, coerce=True),
            "type": pa.Column(str, pa.Check.isin(("ASGN", "QUIZ", "DISC")), coerce=True),
            "title": pa.Column(str, pa.Check.str_length(min_value=1), coerce=True),
            "course": pa.Column(None, pa.Check.str_matches(r"^@COURSE[1-9]\d{7}$"), nullable=True),
            "due_at": pa.Column(None, instants, nullable=True),
            "points_possible": pa.Column(float, pa.Check.ge(0), nullable=True, coerce=True),
            "submission_status": pa.Column(None, pa.Check.isin(sorted(STATUSES)), nullable=True),
            "collected_at": pa.Column(str, instants, coerce=True),
        },
        strict=False,
    )
    table = pd.DataFrame([to_plain(item) for item in items], columns=list(Item.__struct_fields__))
    try:
        return schema.validate(table, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = sorted({f"{column} ({check})" for column, check in zip(cases["column"], cases["check"], strict=True)})
        raise SchemaMismatch(
            f"the corpus table is not as it must be: {'; '.join(found)}; materialise intake again"
        ) from None


def _united(group: Sequence[Item]) -> Item:
    kept = max(group, key=lambda item: (datetime.fromisoformat(item.collected_at), dumps(item)))
    return msgspec.structs.replace(
        kept,
        contributors=tuple(sorted({c for item in group for c in item.contributors})),
        parents=tuple(sorted({p for item in group for p in item.parents})),
    )


def _masked(texts: Sequence[str | None], masker: Masker, course_names: bool = False) -> dict[str | None, str | None]:
    distinct = [text for text in dict.fromkeys(texts) if text is not None]
    masked = [masker.courses.mask(text)[0] for text in distinct]
    results = masker.scrubber.scrub(masked, "course_name" if course_names else "text")
    return {text: result.text for text, result in zip(distinct, results, strict=True)}


def _rows(record: Record, courses: CourseMasker) -> Iterator[_Row]:
    collected = _instant(record.collected_at).isoformat()
    if isinstance(record, TodoSnapshot):
        for position, todo in enumerate(record.items):
            site = None if todo.course_id is None else courses.handle_of_site(todo.course_id)
            yield _Row(
                record.line, f"items[{position}]", collected, todo.type, todo.assignment_name, _utc(todo.due_at), site
            )
        return
    handle = courses.handle_of_code(record.course_code, record.term)
    for position, work in enumerate(record.assignments):
        yield _Row(
            record.line, f"assignments[{position}]", collected, work.type, work.name, _utc(work.due_at), handle,
            record.course_name, record.term, work.points_possible, work.submission_types, work.submission_status,
        )  # fmt: skip


def _placed(rows: Sequence[_Row], titles: Sequence[str]) -> Iterator[_Row]:
    """Give a to-do item its course. It names a site, not a code: if exactly one course of the contributor has that title and due
    date, it is that course's; its siblings of the same site follow; else the site has a handle of its own."""
    known: dict[tuple[str, str | None], set[_Row]] = {}
    for row, title in zip(rows, titles, strict=True):
        if row.course_name is not None:
            known.setdefault((normalise(title), row.due_at), set()).add(row)
    direct: dict[int, _Row] = {}
    votes: dict[str, Counter[str]] = {}
    by_course = {row.course: row for row in rows if row.course_name is not None}
    for index, (row, title) in enumerate(zip(rows, titles, strict=True)):
        twins = known.get((normalise(title), row.due_at), set()) if row.course_name is None else set()
        if len({twin.course for twin in twins}) == 1:
            first = min(twins, key=lambda t: (t.line, t.field))
            direct[index] = first
            if row.course is not None and first.course is not None:
                votes.setdefault(row.course, Counter())[first.course] += 1
    for index, row in enumerate(rows):
        twin = direct.get(index)
        if twin is None and row.course is not None and row.course in votes:
            best = min(votes[row.course].items(), key=lambda entry: (-entry[1], entry[0]))[0]
            yield row._replace(course=best, course_name=by_course[best].course_name, term=by_course[best].term)
        elif twin is not None:
            yield row._replace(
                course=twin.course, course_name=twin.course_name, term=twin.term, points_possible=twin.points_possible,
                submission_types=twin.submission_types, submission_status=twin.submission_status,
            )  # fmt: skip
        else:
            yield row


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _utc(text: str | None) -> str | None:
    """The same instant with a Z; an unknown one stays unknown."""
    return None if text is None else _instant(text).astimezone(UTC).isoformat().replace("+00:00", "Z")
