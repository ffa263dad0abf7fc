"""Turn the objects of a file into rows of the track, each with a gold answer that is readable and agrees with its own solution.

Every object leaves as a row or as a refusal with its reason, so that the counts of a file add up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.records import Refusal, digest
from canvas_pipeline.tracks.math.formats import Draft, Refused, draft_of
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.reading import Record, read_objects
from canvas_pipeline.verifiers.answers import AnswerKind, Gold, compare_answers, kind_of
from canvas_pipeline.verifiers.quantities import normalise, quantity
from canvas_pipeline.verifiers.symbolic import Comparer

SHORTEST, LONGEST, LONGEST_SOLUTION = 5, 4000, 20_000
"""Characters of a problem, at least and at most, and of a solution at most."""


@dataclass(frozen=True, slots=True)
class FileRead:
    """What a file held. ``formats`` counts its objects by format; ``unlabelled`` are rows without a gold answer."""

    name: str
    rows: tuple[MathRow, ...]
    refusals: tuple[Refusal, ...]
    formats: dict[str, int]

    @property
    def objects(self) -> int:
        """Return the number of objects and broken places."""
        return len(self.rows) + len(self.refusals)

    @property
    def unlabelled(self) -> int:
        """Return the number of rows without a gold answer."""
        return sum(row.answer is None for row in self.rows)


def read_file(path: Path, comparer: Comparer, *, measured: bool = False, suite: str = "") -> FileRead:
    """Read a file. ``measured``: its rows are a benchmark's, so that a row without gold is refused (``gold_missing``).

    ``suite`` names the rows' benchmark; without one it is the format. Raises what ``read_objects`` raises."""
    rows: list[MathRow] = []
    refusals: list[Refusal] = []
    formats: Counter[str] = Counter()
    for found in read_objects(path):
        if isinstance(found, Refusal):
            refusals.append(found)
            continue
        name, row = row_of(found, path.name, comparer, measured=measured, suite=suite)
        formats[name or "unknown"] += 1
        if isinstance(row, MathRow):
            rows.append(row)
        else:
            refusals.append(row)
    return FileRead(path.name, tuple(rows), tuple(refusals), dict(sorted(formats.items())))


def row_of(
    found: Record, source: str, comparer: Comparer, *, measured: bool = False, suite: str = ""
) -> tuple[str, MathRow | Refusal]:
    """Read one object: the name of its format, and the row or why there is none."""
    name, draft = draft_of(found.value)
    checked = draft if isinstance(draft, Refused) else _checked(draft, comparer, measured)
    if isinstance(checked, Refused):
        return name, Refusal(source=source, line=found.line, reason=checked.reason, detail=checked.detail)
    assert isinstance(draft, Draft)
    answer, kind = checked
    problem, suite = draft.problem.strip(), suite or name
    row = MathRow(
        id=f"{suite}-{digest(suite, problem, *draft.options, draft.solution, answer or '')[:12]}", problem=problem,
        solution=draft.solution, answer=answer, answer_kind=kind, options=draft.options, source=source, suite=suite,
        level=draft.level, subject=draft.subject, extra=dict(draft.extra),
    )  # fmt: skip
    return name, row


def _checked(draft: Draft, comparer: Comparer, measured: bool) -> tuple[str | None, AnswerKind] | Refused:
    """Return the gold answer with its kind, or why the draft cannot be used."""
    if len(draft.problem.strip()) < SHORTEST:
        return Refused("problem_empty")
    if len(draft.problem) > LONGEST or len(draft.solution) > LONGEST_SOLUTION:
        return Refused("too_long", f"{len(draft.problem)} and {len(draft.solution)} characters")
    answer = (draft.answer or "").strip()
    if not answer:
        return Refused("gold_missing") if measured or not draft.solution else (None, "text")
    kind = _KINDS[draft.wants](answer)
    if kind is None or not _readable(answer, kind, draft.options, comparer):
        return Refused("gold_unreadable")
    if draft.own_answer is not None:
        gold = Gold(kind=kind, text=answer, options=draft.options)
        if compare_answers(gold, draft.own_answer, comparer) != "right":
            return Refused("gold_contradicts_solution")
    return answer, kind


def _number(answer: str) -> AnswerKind | None:
    return kind_of(answer) if quantity(normalise(answer)) is not None else None


def _tuple(answer: str) -> AnswerKind | None:
    return "tuple" if all(_number(part) for part in answer.strip("()").split(",")) else None


_KINDS: dict[str, Callable[[str], AnswerKind | None]] = {
    "number": _number, "tuple": _tuple, "choice": lambda answer: "choice", "any": kind_of,
}  # fmt: skip
"""What a format wants → the kind of an answer, None if it is not of that sort."""


def _readable(answer: str, kind: AnswerKind, options: tuple[str, ...], comparer: Comparer) -> bool:
    """Tell whether the verifier accepts the gold answer as an answer to itself. An expression is parsed for that."""
    if kind == "expression":
        text = normalise(answer)
        return comparer.compare(text, text) == "equal"
    return compare_answers(Gold(kind=kind, text=answer, options=options), answer, comparer) == "right"
