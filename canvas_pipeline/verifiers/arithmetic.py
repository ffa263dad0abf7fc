"""Recompute the sums that a worked solution writes down.

An answer can be right by wrong steps; this check says so without knowing the problem. Only ``a op b = c`` with plain numbers is
read, so a step in words or in symbols is not counted, neither for nor against.
"""

from __future__ import annotations

import re
from fractions import Fraction

from canvas_pipeline.records import Row

_NUMBER = r"-?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_STEP = re.compile(
    rf"(?<![\w.,^+*/×÷=-])({_NUMBER})\s*([-+*/×÷−])\s*({_NUMBER})\s*=\s*\$?({_NUMBER})(?![\d^]|\s*[*/×÷+])"
)
_SIGNS = {"×": "*", "÷": "/", "−": "-"}


class Steps(Row, frozen=True, kw_only=True):
    """How many sums a text writes down, and how many of them are right."""

    found: int
    right: int

    @property
    def all_right(self) -> bool:
        """Tell whether there is at least one sum and none is wrong."""
        return 0 < self.found == self.right


def check_steps(text: str) -> Steps:
    """Recompute every ``a op b = c``. A division is right too where the result is rounded to the written decimals."""
    verdicts = [_right(*step.groups()) for step in _STEP.finditer(text)]
    return Steps(found=len(verdicts), right=sum(verdicts))


def _right(left: str, sign: str, right: str, result: str) -> bool:
    a, b, said = (Fraction(number.replace(",", "")) for number in (left, right, result))
    match _SIGNS.get(sign, sign):
        case "+":
            return a + b == said
        case "-":
            return a - b == said
        case "*":
            return a * b == said
        case _:
            places = len(result.partition(".")[2])
            return b != 0 and (a / b == said or (places > 0 and abs(a / b - said) * 2 <= Fraction(1, 10**places)))
