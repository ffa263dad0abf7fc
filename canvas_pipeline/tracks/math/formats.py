"""Read the rows of nine public formats of math problems into one.

A format is recognised by its keys. A row that cannot be used is a ``Refused`` with its reason, never an exception and never a
guess. Calculator marks, equations and formulas are kept beside the row, not in its text.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from canvas_pipeline.tracks.math.rows import LETTERS
from canvas_pipeline.verifiers.final_answer import final_answer
from canvas_pipeline.verifiers.thinking import without_thinking

Reason = Literal[
    "malformed_json", "not_an_object", "error_row", "unknown_format", "field_type", "problem_empty", "too_long", "gold_missing",
    "gold_unreadable", "gold_contradicts_solution", "option_missing", "options_unparsable", "thinking_unclosed",
]  # fmt: skip
Wants = Literal["number", "choice", "tuple", "any"]
"""What a format's gold answer must be."""

_MARKS = re.compile(r"<<([^<>]*)>>")
_HASHES = re.compile(r"\n?[ \t]*####[ \t]*([^\n]*)\s*\Z")
_BOXES = re.compile(r"\\(?:boxed|fbox)\b")
_OPTION = re.compile(r"(?:\A|,)\s*\(?([a-jA-J])\s*\)\s*")
_LETTERED = re.compile(r"\s*\(?([A-Ja-j])\s*[).:]\s*")


@dataclass(frozen=True, slots=True)
class Refused:
    """Why a row cannot be used, and the field or count that shows it; never its text."""

    reason: Reason
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What a format gives. ``own_answer`` is the solution's own final answer, to be compared with ``answer``."""

    problem: str
    solution: str = ""
    answer: str | None = None
    own_answer: str | None = None
    options: tuple[str, ...] = ()
    wants: Wants = "any"
    level: str = ""
    subject: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


class _Gsm8k(msgspec.Struct):
    question: str
    answer: str

    def draft(self) -> Draft:
        found = _HASHES.search(self.answer)
        marks = ", ".join(_MARKS.findall(self.answer))
        return Draft(
            problem=self.question, solution=_MARKS.sub("", _HASHES.sub("", self.answer)).strip(), wants="number",
            answer=found[1].strip().replace(",", "") if found else None, extra={"marks": marks} if marks else {},
        )  # fmt: skip


class _Math(msgspec.Struct):
    problem: str
    solution: str
    level: str = ""
    type: str = ""

    def draft(self) -> Draft:
        found = final_answer(self.solution) if _BOXES.search(self.solution) else None
        answer = found.text if found is not None and found.place == "box" else None
        return Draft(
            problem=self.problem, solution=self.solution.strip(), answer=answer, level=self.level, subject=self.type,
            own_answer=answer,
        )  # fmt: skip


class _Svamp(msgspec.Struct, rename={"body": "Body", "question": "Question", "answer": "Answer"}):
    body: str
    question: str
    answer: float | None
    equation: str = msgspec.field(name="Equation", default="")
    type: str = msgspec.field(name="Type", default="")

    def draft(self) -> Draft:
        text = f"{self.body.strip().rstrip('.,')}. {self.question.strip()}" if self.body.strip() else self.question
        return Draft(
            problem=text, solution=_equation(self.equation, self.answer), answer=_number(self.answer), wants="number",
            subject=self.type, extra={"equation": self.equation} if self.equation else {},
        )  # fmt: skip


class _Mawps(msgspec.Struct):
    question: str = msgspec.field(name="sQuestion")
    solutions: list[float] = msgspec.field(name="lSolutions")
    equations: list[str] = msgspec.field(name="lEquations", default_factory=list)

    def draft(self) -> Draft:
        values = [_number(value) or "" for value in self.solutions]
        several = len(values) > 1
        return Draft(
            problem=self.question, solution="\n".join(map(_without_point, self.equations)), wants="tuple" if several else "number",
            answer=(f"({', '.join(values)})" if several else values[0]) if values else None,
        )  # fmt: skip


class _MathQa(msgspec.Struct):
    problem: str = msgspec.field(name="Problem")
    rationale: str = msgspec.field(name="Rationale")
    options: str
    correct: str
    category: str = ""
    linear_formula: str = ""

    def draft(self) -> Draft | Refused:
        found = _options_of(self.options)
        if found is None:
            return Refused("options_unparsable")
        formula = {"linear_formula": self.linear_formula} if self.linear_formula else {}
        return _choice(self.problem, self.rationale, found, self.correct, subject=self.category, extra=formula)


class _Aqua(msgspec.Struct):
    question: str
    options: list[str]
    rationale: str
    correct: str

    def draft(self) -> Draft | Refused:
        found = _without_letters(self.options)
        return Refused("options_unparsable") if found is None else _choice(
            self.question, self.rationale, found, self.correct
        )  # fmt: skip


class _MathX(msgspec.Struct):
    generated_solution: str
    expected_answer: str | None = None
    problem: str = ""
    question: str = ""

    def draft(self) -> Draft | Refused:
        said = without_thinking(self.generated_solution)
        if said is None:
            return Refused("thinking_unclosed")
        found = final_answer(said)
        return Draft(
            problem=self.problem or self.question, solution=said.strip(), answer=self.expected_answer,
            own_answer=found.text if found else None,
        )  # fmt: skip


class _MathBench(msgspec.Struct):
    question: str
    answer: str
    topic: str
    options: list[str] = []

    def draft(self) -> Draft | Refused:
        if self.options:
            return _choice(self.question, "", tuple(self.options), self.answer, subject=self.topic)
        return Draft(problem=self.question, answer=self.answer, subject=self.topic)


class _Generic(msgspec.Struct):
    problem: str
    solution: str = ""
    answer: str | int | float | None = None

    def draft(self) -> Draft:
        found = final_answer(self.solution)
        return Draft(
            problem=self.problem, solution=_HASHES.sub("", self.solution).strip(), own_answer=found.text if found else None,
            answer=self.answer if isinstance(self.answer, str) else _number(self.answer),
        )  # fmt: skip


_ALIASES = {
    "problem": ("problem", "question", "prompt"), "solution": ("solution", "completion"), "answer": ("answer", "gold", "label"),
}  # fmt: skip
"""Key of the generic format → the names it may have, of which the first that is there counts."""


@dataclass(frozen=True, slots=True)
class Format:
    """One format: how it is recognised, the type its rows have."""

    name: str
    recognises: Callable[[frozenset[str]], bool]
    row: type[msgspec.Struct]


FORMATS: Sequence[Format] = (
    Format("mathqa", lambda keys: keys >= {"Problem", "Rationale", "options", "correct"}, _MathQa),
    Format("svamp", lambda keys: keys >= {"Body", "Question", "Answer"}, _Svamp),
    Format("mawps", lambda keys: keys >= {"sQuestion", "lSolutions"}, _Mawps),
    Format("aqua", lambda keys: keys >= {"question", "options", "rationale", "correct"}, _Aqua),
    Format("mathx", lambda keys: "generated_solution" in keys and bool(keys & {"problem", "question"}), _MathX),
    Format("math", lambda keys: keys >= {"problem", "solution", "level", "type"}, _Math),
    Format("mathbench", lambda keys: keys >= {"question", "answer", "topic"}, _MathBench),
    Format("gsm8k", lambda keys: keys >= {"question", "answer"} and not keys & {"solution", "completion"}, _Gsm8k),
    Format("generic", lambda keys: bool(keys & {*_ALIASES["problem"]} and keys & {*_ALIASES["solution"], *_ALIASES["answer"]}),
           _Generic),
)  # fmt: skip
"""All formats; the first that recognises a row's keys reads it."""


def format_of(row: Mapping[str, Any]) -> Format | None:
    """Return the format of a row by its keys; None if no format has them."""
    keys = frozenset(row)
    return next((found for found in FORMATS if found.recognises(keys)), None)


def draft_of(row: Any) -> tuple[str, Draft | Refused]:
    """Read one object: the name of its format (empty if unknown), and what it holds or why it cannot be used."""
    if not isinstance(row, dict):
        return "", Refused("not_an_object")
    if "error" in row and "index" in row:
        return "", Refused("error_row")
    found = format_of(row)
    if found is None:
        return "", Refused("unknown_format")
    if found.row is _Generic:
        row = {
            key: next((row[name] for name in names if name in row), "" if key == "solution" else None)
            for key, names in _ALIASES.items()
        }
    try:
        read: Any = msgspec.convert(row, found.row)
    except msgspec.ValidationError as error:
        return found.name, Refused("field_type", str(error).partition(" - at ")[2])
    return found.name, read.draft()


def _choice(
    problem: str, rationale: str, options: tuple[str, ...], correct: str, *, subject: str = "", extra: Mapping[str, str] = {}
) -> Draft | Refused:  # fmt: skip
    letter = correct.strip(" ().").upper()
    if letter and letter not in LETTERS[: len(options)]:
        return Refused("option_missing", f"{len(options)} options")
    own = final_answer(rationale)
    return Draft(
        problem=problem, solution=rationale.strip().strip('"').strip(), answer=letter or None, options=options, wants="choice",
        own_answer=own.text if own and own.text else None, subject=subject, extra=extra,
    )  # fmt: skip


def _options_of(text: str) -> tuple[str, ...] | None:
    """Read MathQA's options: one string, or the list of them written as Python does. None where letters lack or repeat."""
    if text.lstrip().startswith("["):
        try:
            listed = ast.literal_eval(text.strip())
        except (ValueError, SyntaxError):
            return None
        return _without_letters(listed) if all(isinstance(option, str) for option in listed) else None
    starts = list(_OPTION.finditer(text))
    ends = [*(start.start() for start in starts[1:]), len(text)]
    letters = [start[1].upper() for start in starts]
    values = tuple(text[start.end() : end].strip() for start, end in zip(starts, ends, strict=False))
    return values if len(values) > 1 and letters == list(LETTERS[: len(letters)]) and all(values) else None


def _without_letters(options: Sequence[str]) -> tuple[str, ...] | None:
    """Remove the letters before options; None where they are not A, B, C … in order."""
    found = [_LETTERED.match(option) for option in options]
    letters = [match[1].upper() if match else "" for match in found]
    if len(options) < 2 or letters != list(LETTERS[: len(options)]):
        return None
    return tuple(option[match.end() :].strip() for option, match in zip(options, found, strict=True) if match)


def _number(value: float | None) -> str | None:
    if value is None:
        return None
    return str(int(value)) if float(value).is_integer() else repr(value)


def _without_point(equation: str) -> str:
    return re.sub(r"(?<=\d)\.0+(?!\d)", "", equation).strip()


def _equation(equation: str, answer: float | None) -> str:
    """Write an equation as a worked step: ``( 8.0 - 3.0 )`` with 5 as ``8 - 3 = 5``."""
    text = _without_point(equation)
    inner = text[1:-1].strip()
    text = inner if text.startswith("(") and text.endswith(")") and not set(inner) & set("()") else text
    return f"{text} = {_number(answer)}" if text and answer is not None else text
