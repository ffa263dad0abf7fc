"""Judge a completion by its final answer.

Numbers are compared exactly, collections element by element, and only what is left is given to ``math-verify``, in a form that
it reads whole. An answer that gives two values for one is no answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.final_answer import Place, final_answer, last_number
from canvas_pipeline.verifiers.quantities import LONGEST, normalise, quantity
from canvas_pipeline.verifiers.symbolic import Comparer
from canvas_pipeline.verifiers.thinking import without_thinking
from canvas_pipeline.verifiers.words import plain

AnswerKind = Literal["int", "decimal", "fraction", "expression", "set", "tuple", "choice", "text"]
Verdict = Literal["right", "wrong", "no_answer", "malformed", "undecided", "gold_unreadable"]
State = Literal[Verdict, "truncated", "unlabelled"]

_OPTION = re.compile(r"(?:option\s+|choice\s+)?\(?\s*([A-Za-z])\s*(?:[).:]+|$)\s*(.*)", re.DOTALL | re.IGNORECASE)
_EXPRESSION = re.compile(
    r"(?:\\(?:begin|end)\{[a-z]*matrix\}|\\[A-Za-z]+|\\[\\{}|]|[A-Za-z](?![A-Za-z])|[-0-9.+*/^_(){}\[\]|!=<>,:;&'\s])+"
)
_LOST_PART = re.compile(r"\\sqrt(?!\s*[\[{0-9])|[0-9]_|[-+*/^=]$")
"""What the library drops: what follows a root without braces, the base of a number, an operator at the end."""
_SEPARATOR = re.compile(r"\\\\|\\[{}]|[][(){},;]|(?<![A-Za-z\\])(?:or|and)(?![A-Za-z])")


class Gold(Row, frozen=True, kw_only=True, omit_defaults=True):
    """A gold answer. For a ``choice`` the text is the option's letter."""

    kind: AnswerKind
    text: str
    options: tuple[str, ...] = ()


class AnswerResult(Row, frozen=True, kw_only=True):
    """The result of judging a completion; ``answer`` is what it was judged by.

    ``lenient``: right, or without an answer but with the gold one as its last number. A figure beside the state, never a reward.
    ``unlabelled``: there is no gold answer; the row belongs to no denominator."""

    state: State
    answer: str = ""
    place: Place | None = None
    lenient: bool = False

    @property
    def right(self) -> bool:
        return self.state == "right"


def judge_answer(text: str, gold: Gold | None, comparer: Comparer, *, stopped: bool = True) -> AnswerResult:
    """Judge a completion. ``stopped`` is False where generation reached its length limit: ``truncated``, never right."""
    if gold is None:
        return AnswerResult(state="unlabelled")
    said = without_thinking(text)
    if said is None or not stopped:
        return AnswerResult(state="truncated")
    found = final_answer(said)
    if found is None:
        number = last_number(said)
        lenient = number is not None and gold.kind in {"int", "decimal", "fraction"}
        return AnswerResult(
            state="no_answer", lenient=lenient and compare_answers(gold, number or "", comparer) == "right"
        )
    verdict = compare_answers(gold, found.text, comparer)
    return AnswerResult(state=verdict, answer=found.text, place=found.place, lenient=verdict == "right")


def compare_answers(gold: Gold, answer: str, comparer: Comparer) -> Verdict:
    """Compare an answer with the gold one.

    ``malformed``: the answer cannot be read; ``no_answer``: it gives several values where the gold is one; ``undecided``: the
    comparison reached its limit. Raises ``BadInput`` for a choice whose letter is none of its options."""
    if gold.kind == "choice":
        return _compare_choice(gold, answer, comparer)
    if gold.kind == "text":
        wanted, said = plain(normalise(gold.text)), plain(normalise(answer))
        return "gold_unreadable" if not wanted else "malformed" if not said else "right" if said == wanted else "wrong"
    if len(answer) > LONGEST:
        return "malformed"
    wanted, said = normalise(gold.text), normalise(answer)
    if gold.kind in {"set", "tuple"}:
        return _compare_collections(gold.kind, wanted, said, comparer)
    return _compare_values(wanted, said, comparer)


def kind_of(gold: str) -> AnswerKind:
    """Return the kind of a gold answer that is no choice. Several values without brackets are a set."""
    text = normalise(gold)
    value = quantity(text)
    if value is not None:
        return "fraction" if value.fraction else "decimal" if value.places >= 0 or value.percent else "int"
    brackets, parts = _parts(text)
    if len(parts) > 1 and brackets in {"()", "", "{}"}:
        return "tuple" if brackets == "()" else "set"
    if brackets == "{}" and text.startswith("\\{"):
        return "set"
    return "expression" if _readable(text) else "text"


def _compare_values(gold: str, answer: str, comparer: Comparer) -> Verdict:
    """Compare two normalised texts, of which the gold one is a single value."""
    if not gold:
        return "gold_unreadable"
    if not answer:
        return "malformed"
    if _squeezed(gold) == _squeezed(answer):
        return "right"
    values = _several(answer)
    wanted = quantity(gold)
    said = quantity(answer)
    if said is None and (len(values) > 1 or ("\\pm" in answer and "\\pm" not in gold)):
        return "no_answer"
    if said is None and wanted is not None and "=" in answer:
        said = quantity(answer.rpartition("=")[2].strip())
    if wanted is not None and said is not None:
        return "right" if wanted.equals(said) else "wrong"
    if not _readable(gold):
        return "gold_unreadable"
    if not _readable(answer):
        return "malformed"
    match comparer.compare(gold, answer):
        case "equal":
            return "right"
        case "different":
            return "wrong"
        case "answer_unreadable":
            return "malformed"
        case other:
            return other


def _compare_collections(kind: AnswerKind, gold: str, answer: str, comparer: Comparer) -> Verdict:
    """Compare element by element: in order for a tuple, in any order for a set."""
    brackets, wanted = _parts(gold)
    said_brackets, said = _parts(answer)
    if not wanted:
        return "gold_unreadable"
    if not said:
        return "malformed"
    allowed = {"{}", ""} if kind == "set" else {brackets or "()", ""}
    if said_brackets not in allowed or len(said) != len(wanted):
        return "wrong"
    left = list(said)
    for number, value in enumerate(wanted):
        verdicts: list[Verdict] = []
        for other in left if kind == "set" else [said[number]]:
            verdicts.append(_compare_values(value, other, comparer))
            if verdicts[-1] == "right":
                left.remove(other)
                break
        else:
            return next((verdict for verdict in verdicts if verdict != "wrong"), "wrong")
    return "right"


def _compare_choice(gold: Gold, answer: str, comparer: Comparer) -> Verdict:
    """Compare a letter, a letter with its option, or the text of exactly one option."""
    letters = [chr(ord("A") + number) for number in range(len(gold.options))]
    letter = gold.text.strip(" ().").upper()
    if letter not in letters:
        raise BadInput(f"the gold letter is none of the {len(letters)} options; give its letter and all options")
    options = {
        name: re.sub(rf"^\(?{name}\s*[).:]\s*", "", option.strip(), flags=re.IGNORECASE)
        for name, option in zip(letters, gold.options, strict=True)
    }
    said = normalise(answer)
    if not said:
        return "malformed"
    found = _OPTION.fullmatch(said)
    named, rest = (found.group(1).upper(), found.group(2)) if found else ("", "")
    if named in letters and not rest:
        return "right" if named == letter else "wrong"
    equal = [name for name, option in options.items() if _same_option(option, rest if named else said, comparer)]
    if named in letters:
        return "right" if named == letter and letter in equal else "wrong"
    return "right" if equal == [letter] else "wrong"


def _same_option(option: str, said: str, comparer: Comparer) -> bool:
    kind = kind_of(option)
    return compare_answers(Gold(kind=kind, text=option), said, comparer) == "right"


def _parts(text: str) -> tuple[str, list[str]]:
    """Return (outer brackets, elements) of a collection; ``\\pm a`` is two elements."""
    _, equals, right = text.rpartition("=")
    text = right.strip() if equals else text
    if text.startswith("\\{") and text.endswith("\\}"):
        text = "{" + text[2:-2] + "}"
    brackets = ""
    if _enclosed(text):
        brackets, text = text[0] + text[-1], text[1:-1]
    parts = _several(text)
    both = [
        [sign + part.removeprefix("\\pm").strip() for sign in ("", "-")] if part.startswith("\\pm") else [part]
        for part in parts
    ]
    return brackets, list(dict.fromkeys(part for pair in both for part in pair)) if brackets != "()" else parts


def _several(text: str) -> list[str]:
    """Split at commas, semicolons, ``or`` and ``and`` outside brackets. Thousands stay whole."""
    cuts: list[tuple[int, int]] = []
    depth = 0
    for token in _SEPARATOR.finditer(text):
        sign = token.group()
        if sign.lstrip("\\") in {"(", "[", "{"} and sign != "\\\\":
            depth += 1
        elif sign.lstrip("\\") in {")", "]", "}"} and sign != "\\\\":
            depth = max(0, depth - 1)
        elif depth == 0 and sign != "\\\\":
            cuts.append(token.span())
    spaced = [cut for cut in cuts if text[cut[0]] != "," or text[cut[1] : cut[1] + 1] == " "]
    parts: Sequence[str] = _cut(text, spaced)
    name, equals, value = text.partition("=")
    whole = quantity(value.strip() if equals and "," not in name else text) is not None
    return list(parts) if len(parts) > 1 or whole else _cut(text, cuts)


def _enclosed(text: str) -> bool:
    """Whether the first character is a bracket that the last one closes."""
    depth = 0
    for at, sign in enumerate(text):
        depth += (sign in "([{") - (sign in ")]}")
        if depth == 0:
            return at > 0 and at == len(text) - 1
    return False


def _cut(text: str, cuts: Sequence[tuple[int, int]]) -> list[str]:
    starts = [0, *(end for _, end in cuts)]
    ends = [*(start for start, _ in cuts), len(text)]
    return [part for start, end in zip(starts, ends, strict=True) if (part := text[start:end].strip())]


def _readable(text: str) -> bool:
    """Whether the library reads all of a text: formulas only, no words."""
    return bool(_EXPRESSION.fullmatch(text)) and not _LOST_PART.search(text)


def _squeezed(text: str) -> str:
    return "".join(text.split())
