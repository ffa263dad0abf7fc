"""Draw list-function tasks with right programs and tests: keep some of a list's numbers, change each, reduce.

A task is a triple of three parts with one or two constants. Expected values are worked out by the parts' own functions and not by
the program's text, so that running the program checks both. ``HELD_OUT`` triples are never trained on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.verifiers.programs import Program, Test

Use = Literal["train", "selection", "test"]
ENTRY_POINT = "f"
CONSTANTS = tuple(range(3, 10))
"""Not 2: a multiple of two would be the program of an even number."""
TESTS = 5
"""Calls of a task. The empty list and the constants themselves are among the arguments."""
LENGTHS, NUMBERS = (4, 9), (-12, 20)
"""Bounds of the lengths of arguments and of their numbers."""
ATTEMPTS = 200


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a task: its expression, what it computes, and how it is worded. ``{n}`` and ``{m}`` stand for constants."""

    expression: str
    compute: Callable[..., Any]
    wordings: tuple[str, ...]


FILTERS: Mapping[str, Part] = {
    "greater": Part("x > {n}", lambda x, n: x > n, ("greater than {n}", "above {n}", "over {n}")),
    "less": Part("x < {n}", lambda x, n: x < n, ("less than {n}", "below {n}", "under {n}")),
    "multiple": Part("x % {n} == 0", lambda x, n: x % n == 0, ("divisible by {n}", "that are multiples of {n}")),
    "other": Part("x != {n}", lambda x, n: x != n, ("other than {n}", "not equal to {n}", "except {n}")),
    "even": Part("x % 2 == 0", lambda x, n: x % 2 == 0, ("that are even", "which are even")),
    "odd": Part("x % 2 == 1", lambda x, n: x % 2 == 1, ("that are odd", "which are odd")),
    "positive": Part("x > 0", lambda x, n: x > 0, ("that are positive", "greater than zero")),
    "negative": Part("x < 0", lambda x, n: x < 0, ("that are negative", "less than zero")),
}
MAPS: Mapping[str, Part] = {
    "add": Part("x + {m}", lambda x, m: x + m, ("add {m} to each", "increase each by {m}")),
    "subtract": Part("x - {m}", lambda x, m: x - m, ("subtract {m} from each", "decrease each by {m}")),
    "times": Part("x * {m}", lambda x, m: x * m, ("multiply each by {m}", "take each {m} times")),
    "divide": Part("x // {m}", lambda x, m: x // m, ("floor divide each by {m}", "take the quotient of each by {m}")),
    "modulo": Part("x % {m}", lambda x, m: x % m, ("take each modulo {m}", "take the remainder of each by {m}")),
    "square": Part("x * x", lambda x, m: x * x, ("square each", "multiply each by itself")),
    "negate": Part("-x", lambda x, m: -x, ("negate each", "change the sign of each")),
    "absolute": Part("abs(x)", lambda x, m: abs(x), ("take the absolute value of each", "make each absolute")),
}
REDUCTIONS: Mapping[str, Part] = {
    "sum": Part("sum({xs})", sum, ("the sum", "the total")),
    "count": Part("len({xs})", len, ("the count", "how many there are")),
    "largest": Part("max({xs}, default=0)", lambda xs: max(xs, default=0), ("the largest or 0", "the maximum or 0")),
    "smallest": Part("min({xs}, default=0)", lambda xs: min(xs, default=0), ("the smallest or 0", "the minimum or 0")),
    "sorted": Part("sorted({xs})", sorted, ("them sorted", "the sorted list")),
    "reversed": Part("{xs}[::-1]", lambda xs: xs[::-1], ("them reversed", "the reversed list")),
    "distinct": Part("sorted(set({xs}))", lambda xs: sorted(set(xs)), ("the distinct ones sorted", "the sorted set")),
}
OPENINGS: Mapping[Use, tuple[str, ...]] = {
    "train": (
        "Write a function f that takes numbers, keeps those {filter}, then {map} and return {reduction}.",
        "Given the numbers xs, keep those {filter}, {map}, then return {reduction}.",
        "Define f(xs): of the numbers {filter}, {map} and give back {reduction}.",
        "Return {reduction} after you {map}, for the numbers {filter}.",
        "Take the numbers {filter}. Then {map}. Return {reduction}.",
        "Write f. It keeps the numbers {filter}, it should {map}; it gives {reduction}.",
    ),
    "selection": (
        "Define f: take those {filter}, then {map}; return {reduction}.",
        "Given xs, {map} of the numbers {filter} and give {reduction}.",
    ),
    "test": (
        "Write f(xs): keep the numbers {filter}, then {map}, and return {reduction}.",
        "Given numbers, return {reduction} after you keep those {filter} and {map}.",
        "Define a function f. For those {filter}, {map}. Give back {reduction}.",
    ),
}

Triple = tuple[str, str, str]
TRIPLES: tuple[Triple, ...] = tuple((f, m, r) for f in FILTERS for m in MAPS for r in REDUCTIONS)
_shuffled = random.Random("code.held-out").sample(TRIPLES, 90)
HELD_OUT: Mapping[Use, frozenset[Triple]] = {
    "test": frozenset(_shuffled[:60]), "selection": frozenset(_shuffled[60:]), "train": frozenset(),
}  # fmt: skip
"""Triples of which only the cases of this use are made."""
SEEN: tuple[Triple, ...] = tuple(triple for triple in TRIPLES if triple not in set(_shuffled))


@dataclass(frozen=True, slots=True)
class Task:
    """One task with its right program. ``structure`` is whether its triple is trained on with other constants."""

    triple: Triple
    structure: Literal["seen", "held out"]
    constants: tuple[int, int]
    program: Program

    @property
    def name(self) -> str:
        """The three parts, which tasks with other constants share."""
        return "-".join(self.triple)


def tasks(use: Use, count: int, seed: int, without: Collection[str] = ()) -> list[Task]:
    """Draw ``count`` tasks with different programs, none of whose codes is ``without``.

    For training the triples come in turn; else half of the tasks have triples that are held out, and the others triples that
    training sees with other constants. Raises ``BadConfig`` where there are too few."""
    rng = random.Random(f"code.{use}:{seed}")
    found: dict[str, Task] = {}
    order = _order(use, rng)
    for _ in range(ATTEMPTS * max(1, count)):
        if len(found) == count:
            return list(found.values())
        task = draw(next(order), rng)
        if task.program.code not in without:
            found.setdefault(task.program.code, task)
    raise BadConfig(f"there are only {len(found)} different {use} tasks; ask for fewer than {count}")


def worded(task: Task, use: Use, rng: random.Random) -> str:
    """Word a task in one of the forms of its use."""
    parts = (table[name] for table, name in zip((FILTERS, MAPS, REDUCTIONS), task.triple, strict=True))
    n, m = task.constants
    chosen = (rng.choice(part.wordings).format(n=n, m=m) for part in parts)
    return rng.choice(OPENINGS[use]).format(**dict(zip(("filter", "map", "reduction"), chosen, strict=True)))


def draw(triple: Triple, rng: random.Random) -> Task:
    """Draw the constants and tests of one task."""
    keep, change, reduce = (
        table[name] for table, name in zip((FILTERS, MAPS, REDUCTIONS), triple, strict=True)
    )  # fmt: skip
    n, m = rng.choice(CONSTANTS), rng.choice(CONSTANTS)
    items = f"[{change.expression} for x in xs if {keep.expression}]".format(n=n, m=m)
    code = f"def {ENTRY_POINT}(xs): return {reduce.expression.format(xs=items)}"
    tests = []
    for numbers in _arguments(n, m, rng):
        expected = reduce.compute([change.compute(x, m) for x in numbers if keep.compute(x, n)])
        tests.append(Test(call=f"{ENTRY_POINT}({numbers})", expected=repr(expected)))
    return Task(triple, "seen" if triple in SEEN else "held out", (n, m), Program(code=code, tests=tuple(tests)))


def _order(use: Use, rng: random.Random) -> Iterator[Triple]:
    if use == "train":
        while True:
            yield from rng.sample(SEEN, len(SEEN))
    held = sorted(HELD_OUT[use])
    changing = [triple for triple in SEEN if _has_constants(triple)]
    while True:
        yield rng.choice(held)
        yield rng.choice(changing)


def _has_constants(triple: Triple) -> bool:
    """Whether tasks of a triple have more than one program."""
    return "{n}" in FILTERS[triple[0]].expression or "{m}" in MAPS[triple[1]].expression


def _arguments(n: int, m: int, rng: random.Random) -> list[Sequence[int]]:
    """Draw the arguments of the calls. The first tells neighbouring constants and comparisons apart."""
    near = [n - 1, n, n + 1, 2 * n, m, -n, -m, 0]
    drawn = [[rng.randint(*NUMBERS) for _ in range(rng.randint(*LENGTHS))] for _ in range(TESTS - 2)]
    return [rng.sample(near, len(near)), *drawn, []]
