"""Make the rows of the math track from what was read and drawn: one row a problem, no contradictions, no question of the benchmark.

All functions are pure; the same rows and seed give the same parts, whatever the order of the files.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Refusal, digest
from canvas_pipeline.tracks.math import problems
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.verifiers.answers import compare_answers
from canvas_pipeline.verifiers.symbolic import Comparer

DRAWN = "drawn"
"""The source and suite of training rows that the generator draws."""
TRAINED_WORDINGS, NEW_WORDINGS = "new numbers", "new wordings"
"""The suites that the generator draws: trained wordings with other numbers and names; wordings that training never saw."""
HELD_OUT = 20
"""About one problem in this many goes to the eval part, on which the loss is measured."""


@dataclass(frozen=True, slots=True)
class Merged:
    """Rows of which each problem occurs once. ``merged`` counts repetitions with the same answer."""

    rows: tuple[MathRow, ...]
    refusals: tuple[Refusal, ...]
    merged: int


def drawn(count: int, seed: str, suite: str = DRAWN) -> Iterator[MathRow]:
    """Draw problems, each once. A suite of the benchmark draws from a seed of its own."""
    return _once(problems.problems(f"{suite}:{seed}", held_out=suite == NEW_WORDINGS), count, suite)


def drawn_sums(count: int, seed: str) -> Iterator[MathRow]:
    """Draw rows of sums without words, to train on, each once."""
    return _once(problems.sums(seed), count, DRAWN)


def _once(found: Iterable[problems.Drawn], count: int, suite: str) -> Iterator[MathRow]:
    seen: set[str] = set()
    for one in found:
        if len(seen) == count:
            return
        row = MathRow(
            id=f"{suite.replace(' ', '-')}-{digest(suite, one.problem)[:12]}", problem=one.problem, solution="\n".join(one.steps),
            answer=str(one.answer), answer_kind="int", source=DRAWN, suite=suite, subject=one.family,
            level={1: "one step", 2: "two steps"}.get(len(one.steps), problems.SUMS), wording=one.wording,
        )  # fmt: skip
        if row.group not in seen:
            seen.add(row.group)
            yield row


def merge(rows: Iterable[MathRow], comparer: Comparer) -> Merged:
    """Merge rows of the same problem with equal answers, and refuse all rows of one with different answers.

    Of equal rows the one with a gold answer stays, then the one with the longest solution, then the first by id."""
    groups: dict[str, list[MathRow]] = defaultdict(list)
    for row in rows:
        groups[row.group].append(row)
    kept: list[MathRow] = []
    refusals: list[Refusal] = []
    merged = 0
    for same in groups.values():
        best = min(same, key=lambda row: (row.answer is None, -len(row.solution), row.id))
        if all(row.answer is None or _agree(best, row, comparer) for row in same):
            kept.append(best)
            merged += len(same) - 1
        else:
            refusals += [Refusal(source=row.source, line=0, reason="gold_contradictory", detail=row.id) for row in same]
    return Merged(tuple(kept), tuple(refusals), merged)


def _agree(one: MathRow, other: MathRow, comparer: Comparer) -> bool:
    """Tell whether two gold answers to one problem are equal."""
    if one is other or (one.answer, one.answer_kind) == (other.answer, other.answer_kind):
        return True
    return one.gold is not None and compare_answers(one.gold, other.answer or "", comparer) == "right"


def without(rows: Sequence[MathRow], ids: Mapping[str, str]) -> tuple[list[MathRow], list[Refusal]]:
    """Separate the rows whose ids are given with a reason."""
    refusals = [Refusal(source=row.source, line=0, reason=ids[row.id], detail=row.id) for row in rows if row.id in ids]
    return [row for row in rows if row.id not in ids], refusals


def parts(rows: Iterable[MathRow], seed: int) -> Mapping[str, list[MathRow]]:
    """Split rows into train and eval by their groups, in an order that no file decides."""
    found: dict[str, list[MathRow]] = {"train": [], "eval": []}
    for row in sorted(rows, key=lambda row: digest(str(seed), row.group)):
        held = int(digest("split", row.group)[:8], 16) % HELD_OUT == 0
        found["eval" if held else "train"].append(row)
    return found


def text_of(row: MathRow) -> str:
    """Return the text of a row that is compared with the benchmark's: its problem and options."""
    return "\n".join((row.problem, *row.options))
