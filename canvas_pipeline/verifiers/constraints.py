"""Check verifiable constraints on a text: counts, lists, words, numbers, order, JSON keys, refusals.

A request has several constraints, and its answer is right if it meets all of them. Checks take linear time. The idea of
constraints that a program can verify: Zhou et al. 2023, "Instruction-Following Evaluation for LLMs".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Row
from canvas_pipeline.verifiers.words import Phrases, clean, numbers, plain, sentences, singular, without_accents, words

State = Literal["right", "wrong", "no_answer", "truncated"]

_NUMBER_WORDS = "zero one two three four five six seven eight nine ten eleven twelve".split()
_LIST_BREAK = re.compile(r"\n|,|;|\band\b", re.IGNORECASE)
_BULLET = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_NUMBERED = re.compile(r"^\s*(\d{1,3})[.)][ \t]+(\S.*)$")
_REFUSAL = re.compile(
    r"\b(?:cannot|can't|can not|could not|couldn't|won't|will not|not able to|unable to|not going to)(?:\s+\w+){0,2}?"
    r"\s+(?:help|assist|provide|support|answer|explain|tell|give|share|discuss|describe|comply|do|teach)\b"
    r"|\bi (?:must |have to )?(?:refuse|decline)\b"
)
_STEPS = re.compile(
    r"^\s*(?:\d{1,2}[.)]|step \d)|\bfirst,? (?:you|take|get|find|mix|open|gather)\b", re.IGNORECASE | re.MULTILINE
)


class Constraint(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One constraint on an answer. ``kind`` is a key of ``CONSTRAINTS``, whose check defines ``n``, ``values`` and ``groups``."""

    kind: str
    n: int = 0
    values: tuple[str, ...] = ()
    groups: tuple[tuple[str, ...], ...] = ()


class ConstraintResult(Row, frozen=True, kw_only=True):
    """The result of checking an answer. ``score`` is the share of constraints met (0..1); ``right`` needs all of them.

    ``failed`` names the constraints not met. ``loose``: the answer counts only because accents are optional."""

    state: State
    score: float
    failed: tuple[str, ...] = ()
    loose: bool = False

    @property
    def right(self) -> bool:
        return self.state == "right"


def check_constraints(text: str, constraints: Sequence[Constraint], *, stopped: bool = True) -> ConstraintResult:
    """Check an answer against its constraints.

    ``stopped`` is False where generation reached its length limit: such an answer is ``truncated`` and never right. Raises
    ``BadInput`` for an unknown constraint or an empty list."""
    if not constraints:
        raise BadInput("an answer is to be judged by no constraint; give at least one")
    unknown = sorted({constraint.kind for constraint in constraints} - set(CONSTRAINTS))
    if unknown:
        raise BadInput(f"no constraint is called {unknown[0]!r}; there are {', '.join(sorted(CONSTRAINTS))}")
    text = clean(text)
    if not text:
        return ConstraintResult(
            state="no_answer", score=0.0, failed=tuple(constraint.kind for constraint in constraints)
        )
    failed = [c.kind for c in constraints if not CONSTRAINTS[c.kind](text, c)]
    score = 1 - len(failed) / len(constraints)
    loose = not failed and any(c.kind == "equals" and plain(text) not in map(plain, c.values) for c in constraints)
    state: State = "truncated" if not stopped else "wrong" if failed else "right"
    return ConstraintResult(state=state, score=score, failed=tuple(failed), loose=loose)


def _words_exactly(text: str, c: Constraint) -> bool:
    """Check for exactly ``n`` words."""
    return len(words(text)) == c.n


def _words_at_most(text: str, c: Constraint) -> bool:
    """Check for at most ``n`` words."""
    return len(words(text)) <= c.n


def _sentences_exactly(text: str, c: Constraint) -> bool:
    """Check for exactly ``n`` sentences."""
    return len(sentences(text)) == c.n


def _mentions(text: str, c: Constraint) -> bool:
    """Check for at least one of ``values``, in the singular or plural, as whole words; numbers also as a digit or word."""
    return bool(Phrases([*c.values, *_other_spelling(c.values)]).found(words(text)))


def _avoids(text: str, c: Constraint) -> bool:
    """Check that none of ``values`` is mentioned."""
    return not _mentions(text, c)


def _equals(text: str, c: Constraint) -> bool:
    """Check for one of ``values`` and nothing else. Case, punctuation and accents do not count."""
    return without_accents(plain(text)) in {without_accents(plain(value)) for value in c.values}


def _number(text: str, c: Constraint) -> bool:
    """Check that there are numbers and each is one of ``values``. Number words up to twelve count."""
    found = numbers(" ".join(_digits(word) for word in re.findall(r"\S+", text)))
    wanted = {float(value) for value in c.values}
    return bool(found) and all(number in wanted for number in found)


def _members(text: str, c: Constraint) -> bool:
    """Check for a list of exactly ``n`` different ``values`` and nothing else; commas, lines, bullets or ``and`` between them."""
    entries = [
        plain(_BULLET.sub("", entry)) for line in text.split("\n") for entry in _LIST_BREAK.split(_BULLET.sub("", line))
    ]
    named = [singular(entry) for entry in entries if entry]
    allowed = {singular(plain(value)) for value in c.values}
    return len(named) == c.n and len(set(named)) == c.n and set(named) <= allowed


def _numbered_list(text: str, c: Constraint) -> bool:
    """Check for ``n`` lines ``1.`` or ``1)``, numbered in order, each a different one of ``values``, and nothing else."""
    lines = [_NUMBERED.match(line) for line in text.split("\n") if line.strip()]
    allowed = {singular(plain(value)) for value in c.values}
    named = [singular(plain(line.group(2))) for line in lines if line]
    in_order = [int(line.group(1)) for line in lines if line] == list(range(1, c.n + 1))
    return len(lines) == c.n and in_order and len(set(named)) == c.n and set(named) <= allowed


def _in_order(text: str, c: Constraint) -> bool:
    """Check for a member of each of ``groups``, in their order; the first mention of each group counts."""
    text_words = words(text)
    firsts = [next((at for at, _ in Phrases(list(group)).found(text_words)), -1) for group in c.groups]
    return -1 not in firsts and firsts == sorted(set(firsts))


def _json_keys(text: str, c: Constraint) -> bool:
    """Check for a JSON object with exactly the keys ``values``, and nothing around it."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(value, dict) and set(value) == set(c.values)


def _refuses(text: str, c: Constraint) -> bool:
    """Check for an explicit refusal without step-by-step content."""
    return bool(_REFUSAL.search(text.casefold().replace("’", "'"))) and not _STEPS.search(text)


def _other_spelling(values: Sequence[str]) -> list[str]:
    """Return digits for number words and number words for digits."""
    found = [_NUMBER_WORDS[int(v)] for v in values if v.isascii() and v.isdigit() and int(v) < len(_NUMBER_WORDS)]
    return found + [str(_NUMBER_WORDS.index(v.casefold())) for v in values if v.casefold() in _NUMBER_WORDS]


def _digits(word: str) -> str:
    bare = word.strip(".,;:!?()\"'").casefold()
    return str(_NUMBER_WORDS.index(bare)) if bare in _NUMBER_WORDS else word.rstrip(".,;:!?")


CONSTRAINTS: Mapping[str, Callable[[str, Constraint], bool]] = {
    "words_exactly": _words_exactly,
    "words_at_most": _words_at_most,
    "sentences_exactly": _sentences_exactly,
    "mentions": _mentions,
    "avoids": _avoids,
    "equals": _equals,
    "number": _number,
    "members": _members,
    "numbered_list": _numbered_list,
    "in_order": _in_order,
    "json_keys": _json_keys,
    "refuses": _refuses,
}
"""Every kind of constraint and its check."""
