"""Read router data sets: every row is checked, and every fault of a refused row is counted by its reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.records import Funnel, Refusal, dumps, funnel
from canvas_pipeline.tracks.reading import Record, read_objects
from canvas_pipeline.tracks.router.rows import RouterRow, query_hash, row_of
from canvas_pipeline.verifiers.plan_fields import OPTIONAL, REQUIRED, check_route
from canvas_pipeline.verifiers.plans import Step, parse_plan


@dataclass(frozen=True, slots=True)
class Intake:
    """Rows that were kept, refusals, and their funnel. ``unknown`` counts fields that no rule knows, ``modeless`` the kept rows'
    searches without a mode."""

    rows: tuple[RouterRow, ...]
    refusals: tuple[Refusal, ...]
    funnel: Funnel
    unknown: Mapping[str, int]
    modeless: int


def read_rows(
    files: Sequence[Path], more: Iterable[Mapping[str, Any]] = (), *, relaxed: bool = False, stage: str = "source_rows"
) -> Intake:
    """Read all rows of some files, then ``more`` drawn ones. ``relaxed`` asks for queries of ten characters only.

    A row with the id or the query of an earlier one is merged where the content is equal, else refused. A row without an id is
    named after its query."""
    drawn = (Record(number, 1, dict(row)) for number, row in enumerate(more, 1))
    intake = _Intake(relaxed)
    for path in files:
        for found in read_objects(path):
            intake.add(path.name, found)
    for record in drawn:
        intake.add("drawn", record)
    return Intake(
        tuple(intake.rows.values()), tuple(intake.refusals),
        funnel(stage, intake.count, len(intake.rows), intake.refusals, merged=intake.merged),
        dict(intake.unknown.most_common()), intake.modeless,
    )  # fmt: skip


class _Intake:
    def __init__(self, relaxed: bool) -> None:
        self.relaxed = relaxed
        self.rows: dict[str, RouterRow] = {}
        self.refusals: list[Refusal] = []
        self.unknown: Counter[str] = Counter()
        self.count = self.merged = self.modeless = 0
        self._queries: dict[str, str] = {}
        """The hash of each query and the id of its row."""

    def add(self, source: str, found: Record | Refusal) -> None:
        """Keep, merge or refuse one object."""
        self.count += 1
        if isinstance(found, Refusal):
            self.refusals.append(found)
            return
        fields = found.value
        faults = check_route(fields, relaxed=self.relaxed)
        given = fields.get("id")
        if faults:
            places = "; ".join(f"{fault.field} {fault.label}" for fault in faults[1:])
            self._refuse(source, found, faults[0].label, f"{faults[0].field}{'; also ' + places if places else ''}")
        elif given is not None and (not isinstance(given, str) or not given.strip()):
            self._refuse(source, found, "field_type", "id")
        else:
            self._keep(source, found, given)

    def _keep(self, source: str, found: Record, given: str | None) -> None:
        group = query_hash(found.value["user_query"])
        row = row_of(found.value, given or f"router_{group}", source)
        for reason, id_ in (("duplicate_id", row.id), ("duplicate_query", self._queries.get(group, ""))):
            if id_ in self.rows:
                if _content(self.rows[id_]) == _content(row):
                    self.merged += 1
                else:
                    self._refuse(source, found, reason, "")
                return
        self.rows[row.id] = row
        self._queries[group] = row.id
        self.unknown.update(name for name in row.extra if name not in OPTIONAL)
        self.modeless += searches_without_mode(parse_plan(row.route_plan))

    def _refuse(self, source: str, found: Record, reason: str, detail: str) -> None:
        self.refusals.append(Refusal(source=source, line=found.line, reason=reason, detail=detail))


def searches_without_mode(steps: object) -> int:
    """Count the searches of a plan that give no mode, or an unknown one."""
    found = steps if isinstance(steps, tuple) else ()
    return sum(isinstance(step, Step) and step.tool == "general-search" and step.mode is None for step in found)


def _content(row: RouterRow) -> bytes:
    """Return what two rows with one id or one query must share to be the same row."""
    return dumps({**{name: getattr(row, name) for name in REQUIRED}, "extra": row.extra})
