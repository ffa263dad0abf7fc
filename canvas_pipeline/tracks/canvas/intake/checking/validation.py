"""Validate a contributor's export: report every problem as ``file:line:field`` with advice, without text of the file.

Counts are exact for a file of any size; only the first ``limit`` problems are listed. Identities in a raw export are *notes*, since
the intake masks them. In a file that claims to be masked (``masked=True``) each is a problem.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import msgspec

from canvas_pipeline.privacy.contributor_id import contributor_of, printable
from canvas_pipeline.privacy.quarantine import FORM, MAX_LINE, NOTES, REASONS, Problem
from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.canvas.intake.checking.identity_places import Detector, Identities, IdentityPlaces
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import is_array, lines, parse

LIMIT = 1000
UNMASKED = "unmasked_identity"
_ADVICE = "an identity stands here unmasked; take the raw export through canvas-data merge, or canvas-data scrub, again"


class ValidationReport(msgspec.Struct, frozen=True, kw_only=True):
    """The result of a validation; ``rows_in = rows + sum(refused) + sum(notes)``.

    ``rows`` counts readable assignments and to-do items, ``refused`` and ``notes`` rows by reason. ``problems`` are the first
    problems, or a single one for a file without any record. ``array`` tells whether the file is a JSON array. ``identities`` is
    None if they were not searched for."""

    file: str
    records: int
    rows_in: int
    rows: int
    refused: dict[str, int]
    notes: dict[str, int]
    problems: tuple[Problem, ...]
    identities: tuple[Identities, ...] | None = None
    masked: bool = False
    array: bool = False

    @property
    def ok(self) -> bool:
        return self.records > 0 and not self.refused and not (self.masked and self.identities)


def validate(
    path: Path,
    *,
    detector: Detector | None = None,
    masked: bool = False,
    limit: int = LIMIT,
    max_line: int = MAX_LINE,
    progress: Callable[[int], None] | None = None,
) -> ValidationReport:
    """Validate a whole file, streaming.

    ``progress`` is called with the bytes of each batch. Raises ``MissingInput`` or ``BadInput`` unless it is a regular file, and
    the detector's errors (``MissingTool``, ``ServiceUnavailable``)."""
    path = Path(path)
    name, contributor = printable(str(path)), contributor_of(path)
    records = rows = 0
    reasons: Counter[str] = Counter()
    problems: list[Problem] = []
    seen = None if detector is None else IdentityPlaces(detector)
    for batch in lines(path, max_line=max_line):
        for number, line in batch:
            for result in parse(path.name, contributor, number, line):
                if not isinstance(result, Refusal):
                    records, rows = records + 1, rows + len(result)
                    continue
                reasons[result.reason] += 1
                if result.reason not in NOTES and len(problems) < limit:
                    problems.append(_problem(name, number, result.detail, result.reason, REASONS[result.reason]))
        if seen is not None:
            for place, type_ in seen.search(batch, every_line=masked):
                if masked and len(problems) < limit:
                    line_, _, field = place.partition(":")
                    problems.append(_problem(name, int(line_), field, UNMASKED, f"{type_}: {_ADVICE}"))
        if progress is not None:
            progress(sum(1 + len(line) for _, line in batch))
    rows_in = rows + reasons.total()
    refused = reasons.keys() - NOTES
    if not records and not masked and refused <= FORM:
        whole = "no_record" if refused else "empty_file"
        problems = [_problem(name, 0, "", whole, REASONS[whole])]
    return ValidationReport(
        file=name, records=records, rows_in=rows_in, rows=rows, masked=masked, problems=tuple(problems),
        array=is_array(path),
        refused={reason: n for reason, n in sorted(reasons.items()) if reason not in NOTES},
        notes={reason: n for reason, n in sorted(reasons.items()) if reason in NOTES},
        identities=None if seen is None else seen.identities(),
    )  # fmt: skip


def _problem(file: str, line: int, field: str, reason: str, message: str) -> Problem:
    return Problem(file=file, line=line, field=field, reason=reason, message=message)
