"""Draw word problems with worked solutions: nine families, small numbers, names and things from lists; and sums without words.

Each family has seven wordings. The last two are never trained on; the benchmark asks them, beside trained wordings with other
numbers, names and things. The same seed gives the same problems.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

NAMES = "Ann Ben Carl Dora Emil Fay Gus Hana Ida Jon Kim Leo Mia Nora Otto Pia Tom Sue Max Eva Ali Zoe Sam Lin".split()
THINGS = "apples pears plums lemons books lamps boats clocks flowers stones cups pens cards coins shells beads".split()
BOXES = "boxes bags baskets rows".split()
HELD_OUT = 2
"""The number of a family's wordings that are for the benchmark alone: the last ones."""
SUMS, SUMS_A_ROW = "sums", 6
"""The kind of rows without words, and how many sums each holds. A small model sets problems up long before it can add."""

Numbers = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of problem. ``draw`` gives the numbers by their letter; ``steps`` write them out, and the last one's result, the
    letter ``r``, is the answer; ``equation`` is all of it in one line."""

    name: str
    draw: Callable[[random.Random], Numbers]
    steps: tuple[str, ...]
    equation: str
    wordings: tuple[str, ...]

    def of_part(self, held_out: bool) -> Sequence[int]:
        """Return the numbers of the wordings to train on, or of those held out."""
        cut = len(self.wordings) - HELD_OUT
        return range(cut, len(self.wordings)) if held_out else range(cut)


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """A problem as drawn: ``equation`` is its arithmetic in one line, ``wording`` names family and wording."""

    problem: str
    steps: tuple[str, ...]
    answer: int
    family: str
    wording: str
    equation: str


def _sum(rng: random.Random) -> Numbers:
    a, b = rng.randint(2, 20), rng.randint(2, 10)
    return {"a": a, "b": b, "r": a + b}


def _rest(rng: random.Random) -> Numbers:
    r, b = rng.randint(2, 20), rng.randint(2, 10)
    return {"a": r + b, "b": b, "r": r}


def _product(rng: random.Random) -> Numbers:
    a, b = rng.randint(2, 9), rng.randint(2, 9)
    return {"a": a, "b": b, "r": a * b}


def _quotient(rng: random.Random) -> Numbers:
    b, r = rng.randint(2, 9), rng.randint(2, 9)
    return {"a": b * r, "b": b, "r": r}


def _in_and_out(rng: random.Random) -> Numbers:
    a, b = rng.randint(2, 20), rng.randint(2, 10)
    c = rng.randint(2, min(10, a + b - 1))
    return {"a": a, "b": b, "s": a + b, "c": c, "r": a + b - c}


def _product_and_more(rng: random.Random) -> Numbers:
    a, b, c = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 10)
    return {"a": a, "b": b, "s": a * b, "c": c, "r": a * b + c}


def _change(rng: random.Random) -> Numbers:
    a, b, r = rng.randint(2, 9), rng.randint(2, 9), rng.randint(1, 10)
    return {"a": a, "b": b, "s": a * b, "c": a * b + r, "r": r}


FAMILIES: Sequence[Family] = (
    Family("more", _sum, ("{a}+{b}={r}",), "{a}+{b}", (
        "{n} has {a} {t} and gets {b} more. How many {t} does {n} have now?",
        "{n} had {a} {t}. Then {n} found {b} more {t}. How many {t} are there now?",
        "There are {a} {t} on the table. {n} puts {b} more there. How many {t} are on the table?",
        "{n} owns {a} {t} and buys {b} more. How many {t} does {n} own then?",
        "At first {n} had {a} {t}. Later {b} more came. How many {t} are that?",
        "A box holds {a} {t}. {n} adds {b} more. How many {t} are in the box?",
        "{n} keeps {a} {t} and is given {b} more. How many {t} does {n} keep now?")),
    Family("less", _rest, ("{a}-{b}={r}",), "{a}-{b}", (
        "{n} has {a} {t} and gives away {b}. How many {t} are left?",
        "{n} had {a} {t} and lost {b} of them. How many {t} does {n} still have?",
        "There are {a} {t} in a box. {n} takes {b} out. How many {t} are left in the box?",
        "{n} owned {a} {t} and sold {b} of them. How many {t} are left?",
        "From {a} {t}, {n} throws {b} away. How many {t} remain?",
        "Of {a} {t}, {n} gives {b} to a friend. How many {t} does {n} still have?",
        "{n} carries {a} {t} and drops {b}. How many {t} are left?")),
    Family("together", _sum, ("{a}+{b}={r}",), "{a}+{b}", (
        "{n} has {a} {t} and {m} has {b}. How many {t} do they have together?",
        "{n} brings {a} {t}. {m} brings {b}. How many {t} do both bring?",
        "{a} {t} are from {n} and {b} are from {m}. How many {t} are there in all?",
        "{n} counts {a} {t}, {m} counts {b}. How many {t} do both count?",
        "{n} and {m} put their {t} together, {a} and {b}. How many {t} is that in all?",
        "{n} owns {a} {t} and {m} owns {b}. How many {t} do both own together?",
        "{n} finds {a} {t}, and {m} finds {b}. How many {t} are there in all?")),
    Family("compare", _rest, ("{a}-{b}={r}",), "{a}-{b}", (
        "{n} has {a} {t} and {m} has {b}. How many more {t} does {n} have than {m}?",
        "{m} has {b} {t}. {n} has {a} {t}. How many more has {n}?",
        "{n} counts {a} {t}, {m} only {b}. How many fewer {t} does {m} count?",
        "{m} brings {b} {t} and {n} brings {a}. How many more {t} does {n} bring?",
        "{n} owns {a} {t}, {m} owns {b}. What is the difference?",
        "{m} found {b} {t}. {n} found {a}. How many more {t} did {n} find than {m}?",
        "{n} has {a} {t}. {m} has only {b}. How many fewer {t} does {m} have?")),
    Family("groups", _product, ("{a}*{b}={r}",), "{a}*{b}", (
        "{n} has {a} {x} with {b} {t} in each. How many {t} is that?",
        "There are {a} {x}. Each holds {b} {t}. How many {t} are there?",
        "{n} fills {a} {x} and puts {b} {t} into each one. How many {t} does {n} need?",
        "Each of {a} {x} has {b} {t}. How many {t} are there in all?",
        "{n} carries {a} {x}, each with {b} {t}. How many {t} does {n} carry?",
        "In each of {a} {x} are {b} {t}. How many {t} is that in all?",
        "{n} needs {b} {t} for each of {a} {x}. How many {t} does {n} need?")),
    Family("share", _quotient, ("{a}/{b}={r}",), "{a}/{b}", (
        "{n} puts {a} {t} into {b} {x}, the same number in each. How many {t} are in each?",
        "{a} {t} are shared by {b} children. How many {t} does each child get?",
        "{n} has {a} {t} for {b} {x}. Each gets the same. How many {t} go into one?",
        "{b} friends share {a} {t}. How many {t} does each of them get?",
        "{n} gives {a} {t} to {b} children in equal parts. How many {t} does each get?",
        "{n} shares {a} {t} equally among {b} friends. How many {t} does each friend get?",
        "{a} {t} lie in {b} {x}, the same number in each. How many {t} lie in one?")),
    Family("in and out", _in_and_out, ("{a}+{b}={s}", "{s}-{c}={r}"), "({a}+{b})-{c}", (
        "{n} has {a} {t}, gets {b} more and gives {c} away. How many {t} does {n} have now?",
        "{n} had {a} {t}. First {n} found {b}, then {n} lost {c}. How many {t} are left?",
        "There were {a} {t} in a box. {n} put {b} in and took {c} out. How many {t} are in it now?",
        "{n} starts with {a} {t}, buys {b} and sells {c}. How many {t} remain?",
        "{n} owns {a} {t}. After {b} more came, {n} gave {c} to {m}. How many {t} does {n} own now?",
        "{n} had {a} {t}, found {b} more and sold {c}. How many {t} are left?",
        "{n} has {a} {t} and buys {b}. Then {n} loses {c}. How many {t} does {n} have now?")),
    Family("groups and more", _product_and_more, ("{a}*{b}={s}", "{s}+{c}={r}"), "({a}*{b})+{c}", (
        "{n} has {a} {x} with {b} {t} in each and {c} more {t}. How many {t} does {n} have?",
        "There are {a} {x} of {b} {t}, and {c} {t} beside them. How many {t} are there?",
        "{n} fills {a} {x} with {b} {t} each. Then {c} {t} are left. How many {t} were there?",
        "{a} {x} hold {b} {t} each, and {n} has {c} more. How many {t} is that in all?",
        "{n} carries {a} {x}, each with {b} {t}, and {c} single {t}. How many {t} does {n} carry?",
        "Each of {a} {x} has {b} {t}. {n} adds {c} more {t}. How many {t} are there in all?",
        "{n} owns {a} {x} with {b} {t} each, and {c} {t} more. How many {t} does {n} own?")),
    Family("change", _change, ("{a}*{b}={s}", "{c}-{s}={r}"), "{c}-({a}*{b})", (
        "{n} buys {a} {t} at {b} dollars each and pays with {c} dollars. How many dollars does {n} get back?",
        "Of the {t}, each costs {b} dollars. {n} buys {a} and has {c} dollars. How many dollars are left?",
        "{n} has {c} dollars and buys {a} {t} for {b} dollars each. How many dollars are left?",
        "With {c} dollars {n} pays for {a} {t}, {b} dollars each. How much is left?",
        "{n} pays {c} dollars for {a} {t} that cost {b} dollars each. How many dollars come back?",
        "{n} buys {a} {t} for {b} dollars each. {n} had {c} dollars. How many dollars are left?",
        "{n} takes {c} dollars and pays for {a} {t} at {b} dollars each. How many dollars does {n} get back?")),
)  # fmt: skip


def draw(rng: random.Random, held_out: bool = False) -> Drawn:
    """Draw one problem of any family, in a trained wording or in one that is held out."""
    family = rng.choice(FAMILIES)
    at = rng.choice(family.of_part(held_out))
    n, m = rng.sample(NAMES, 2)
    words = {"n": n, "m": m, "t": rng.choice(THINGS), "x": rng.choice(BOXES)}
    numbers = family.draw(rng)
    steps = tuple(step.format(**numbers) for step in family.steps)
    return Drawn(
        problem=family.wordings[at].format(**words, **numbers), steps=steps, answer=numbers["r"], family=family.name,
        wording=f"{family.name} {at}", equation=family.equation.format(**numbers),
    )  # fmt: skip


def problems(seed: str, held_out: bool = False) -> Iterator[Drawn]:
    """Yield problems without end. Problems of different seeds may be the same; ``data`` removes those."""
    rng = random.Random(f"math.problems:{seed}")
    while True:
        yield draw(rng, held_out)


def sums(seed: str) -> Iterator[Drawn]:
    """Yield rows of sums without end: steps that the families' solutions write, without words. The last one is the answer."""
    rng = random.Random(f"math.sums:{seed}")
    while True:
        steps: list[str] = []
        while len(steps) < SUMS_A_ROW:
            family = rng.choice(FAMILIES)
            numbers = family.draw(rng)
            steps += (step.format(**numbers) for step in family.steps)
        asked = [step.partition("=")[0] for step in steps[:SUMS_A_ROW]]
        yield Drawn(
            problem=f"Work out {', '.join(asked[:-1])} and at last {asked[-1]}.", steps=tuple(steps[:SUMS_A_ROW]),
            answer=int(steps[SUMS_A_ROW - 1].partition("=")[2]), family=SUMS, wording=SUMS, equation=asked[-1],
        )  # fmt: skip
