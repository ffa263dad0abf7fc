"""Check the corpus as a table, column by column, before it is written.

``SchemaMismatch`` names columns and checks, never values. Memory is bounded by ``BATCH`` rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import cache
from itertools import islice
from threading import Thread
from typing import TYPE_CHECKING

import msgspec

from canvas_pipeline.errors import SchemaMismatch
from canvas_pipeline.privacy.courses.registry import HANDLE
from canvas_pipeline.tracks.canvas.intake.reading.normalise import STATUSES
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import instant

if TYPE_CHECKING:
    import pandas as pd
    import pandera.pandas as pa

BATCH = 20_000
_COLUMNS = ("id", "type", "title", "course", "due_at", "points_possible", "submission_status", "collected_at")


class _Row(msgspec.Struct, frozen=True):
    """The checked columns, loosely typed: the checks decide about their values."""

    id: str
    type: str
    title: str
    course: str | None
    due_at: str | None
    points_possible: float | None
    submission_status: str | None
    collected_at: str


def checked(rows: Iterable[msgspec.Raw]) -> Iterator[msgspec.Raw]:
    """Yield the rows of each batch after checking it. Ids are checked within a batch; ``Merge`` checks them across batches."""
    decoder = msgspec.json.Decoder(_Row)
    stream = iter(rows)
    while batch := list(islice(stream, BATCH)):
        decoded = [decoder.decode(row) for row in batch]
        _validated({name: [getattr(row, name) for row in decoded] for name in _COLUMNS})
        yield from batch


@contextmanager
def loading() -> Iterator[None]:
    """Load pandas and pandera (two seconds) in a thread while the block runs."""
    thread = Thread(target=_schema)
    thread.start()
    try:
        yield
    finally:
        thread.join()


def _validated(columns: dict[str, list[object]]) -> pd.DataFrame:
    schema = _schema()
    import pandas as pd
    import pandera.errors

    try:
        return schema.validate(pd.DataFrame(columns), lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        found = sorted({f"{column} ({check})" for column, check in zip(cases["column"], cases["check"], strict=True)})
        raise SchemaMismatch(
            f"the corpus table is not as it must be: {'; '.join(found)}; materialise intake again"
        ) from None


@cache
def _schema() -> pa.DataFrameSchema:
    import pandera.pandas as pa

    instants = pa.Check(
        lambda column: column.map(lambda value: instant(value) is not None), name="ISO-8601 with offset"
    )
    handles = pa.Check(lambda column: column.map(lambda value: HANDLE.fullmatch(value) is not None), name="a handle")
    return pa.DataFrameSchema(
        {
            "id": pa.Column(str, pa.Check.str_matches(r"^[0-9a-f]{12}$"), unique=True, coerce=True),
            "type": pa.Column(str, pa.Check.isin(("ASGN", "QUIZ", "DISC")), coerce=True),
            "title": pa.Column(str, pa.Check.str_length(min_value=1), coerce=True),
            "course": pa.Column(None, handles, nullable=True),
            "due_at": pa.Column(None, instants, nullable=True),
            "points_possible": pa.Column(float, pa.Check.ge(0), nullable=True, coerce=True),
            "submission_status": pa.Column(None, pa.Check.isin(sorted(STATUSES)), nullable=True),
            "collected_at": pa.Column(str, instants, coerce=True),
        },
        strict=False,
    )
