"""Read a written answer: one spelling for every sign, and its exact value if it is a number.

``math-verify`` 0.9 reads only the start of some texts (``3 3/4`` as 3) and the end of others (``5 apples and 6 pears`` as 6), so
texts are normalised, and numbers compared exactly, before it is asked.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

_SPACES = "\u00a0\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_SIGNS = str.maketrans(
    {
        **dict.fromkeys("\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys(_SPACES, " "),
        **dict.fromkeys("\u200b\u2060\ufeff$€£¥°`", ""),
        "×": r"\times ", "·": r"\cdot ", "⋅": r"\cdot ", "÷": "/", "π": r"\pi ", "∞": r"\infty ", "±": r"\pm ", "≈": r"\approx ",
        "≤": r"\le ", "≥": r"\ge ", "≠": r"\ne ", "∪": r"\cup ", "∩": r"\cap ", "∈": r"\in ", "²": "^2", "³": "^3",
        "½": " 1/2", "¼": " 1/4", "¾": " 3/4", "⅓": " 1/3", "⅔": " 2/3", "⅛": " 1/8",
    }
)  # fmt: skip
_REWRITES = [
    (re.compile(rf"(?<=[0-9])(?:[{_SPACES}]|\\[, !]|\{{,\}})(?=[0-9]{{3}}(?![0-9]))"), ""),  # 1\,234
    (re.compile(r"\\(?:left|right|displaystyle|degree|bigl?|bigr)(?![A-Za-z])|\^\s*\{?\s*\\circ\s*\}?"), ""),
    (re.compile(r"\\(?:text(?:bf|it|rm)?|math(?:rm|bf)|mbox|boldsymbol|boxed|fbox)\s*\{([^{}]*)\}"), r" \1 "),
    (re.compile(r"(?<!\\)\\[()\[\],;:! ]|~"), " "),
    (re.compile(r"\\[dt]frac"), r"\\frac"),
    (re.compile(r"\\%"), "%"),
    (re.compile(r"\\(?=[0-9.-])(?<!\\\\)"), ""),  # \\$5, whose currency is gone
    (re.compile(r"√\s*([0-9]+)"), r"\\sqrt{\1}"),
    (re.compile(r"(?<![\\A-Za-z])sqrt\s*\(([^()]*)\)|√\s*\(([^()]*)\)"), r"\\sqrt{\1\2}"),
    (re.compile(r"(?<![\\A-Za-z])(pi|log|ln|sin|cos|tan)(?![A-Za-z])"), r"\\\1 "),
    (re.compile(r"(?<=[\w)])\*\*(?=[\w(-])"), "^"),
    (re.compile(r"\^\s*(-?[0-9]{2,}|-[0-9]|\([^(){}]*\))"), r"^{\1}"),
    (re.compile(r"^\s*[\u2010-\u2015](?=\s*[0-9.\\])"), "-"),
    (re.compile(r"^\s*(?:(?:about|approximately|roughly)\s|\\approx|~)"), ""),
]
_N = r"(?:[0-9]{1,3}(?:\s?,[0-9]{3}|\s,\s[0-9]{3})+(?![0-9])(?:\.[0-9]+)?|[0-9]+\.?[0-9]*|\.[0-9]+)"
_NUMBER = re.compile(
    rf"(?P<sign>[-+])?\s*(?:"
    rf"(?P<whole>[0-9]+)\s+(?P<top>[0-9]+)\s*/\s*(?P<under>[0-9]+)"
    rf"|(?P<whole2>[0-9]*)\s*\\frac\s*(?:\{{\s*(?P<top3>-?{_N})\s*\}}|(?P<top4>[0-9]))\s*(?:\{{\s*(?P<under3>-?{_N})\s*\}}|(?P<under4>[0-9]))"
    rf"|(?P<top5>{_N})\s*/\s*(?P<under5>{_N})"
    rf"|(?P<number>{_N})(?:[eE](?P<power>[-+]?[0-9]{{1,3}})(?![0-9])|\s*(?:\\times|\\cdot|[x*])\s*10\s*\^\s*\{{?(?P<power2>[-+]?[0-9]{{1,3}})(?![0-9])\}}?)?"
    rf")(?P<rest>.*)",
    re.DOTALL,
)  # fmt: skip
_UNIT = re.compile(r"[A-Za-z](?:[A-Za-z'./\s()-]|\^\{?[0-9]\}?)*")
_ATTACHED = re.compile(r"(?:[cmk]?m|[mk]?g|[mk]?l|km/h|mph|in|ft|lbs?|min|hrs?|[ap]m|st|nd|rd|th)\b", re.IGNORECASE)
_NO_UNIT = re.compile(
    r"\b(?:[abce-fi-kn-ru-z]|or|and|to|minus|plus|times|over|hundred|thousand|million|billion|trillion|hal(?:f|ves)|thirds?|quarters?)\b",
    re.IGNORECASE,
)
"""Words after a number that are no unit but change its value, and letters that are variables."""
_WORD_POWERS = {"hundred": 2, "thousand": 3, "million": 6, "billion": 9, "trillion": 12}
LONGEST = 1000
"""Characters of an answer that is read as a number or an expression."""


@dataclass(frozen=True, slots=True)
class Quantity:
    """An exact value as it is written. ``places``: decimals of a decimal number, -1 for an integer or a fraction."""

    value: Fraction
    percent: bool = False
    fraction: bool = False
    places: int = -1

    def equals(self, other: Quantity) -> bool:
        """Compare values. A percentage equals its number and its hundredth; a decimal equals the fraction that rounds to it if
        it has six decimals or more."""
        if self.percent != other.percent:
            percent, plain = (self, other) if self.percent else (other, self)
            return plain.value in (percent.value, percent.value / 100)
        if self.value == other.value:
            return True
        if self.fraction == other.fraction or (places := max(self.places, other.places)) < 6:
            return False
        written, exact = (other, self) if self.fraction else (self, other)
        return written.value != 0 and abs(written.value - exact.value) * 2 <= Fraction(1, 10**places)


def normalise(text: str) -> str:
    """Write signs, blanks, fractions and units in one way; drop currencies, delimiters of formulas and the full stop."""
    text = unicodedata.normalize("NFC", text)
    thousands, replacement = _REWRITES[0]
    text = thousands.sub(replacement, text).translate(_SIGNS)
    for pattern, replacement in _REWRITES[1:]:
        text = pattern.sub(replacement, text)
    text = " ".join(text.split()).strip(" *_")
    text = text.rstrip(" .,;:") if not text.endswith("...") else text
    return re.sub(r"^([-+]) (?=[0-9.\\])", r"\1", text)


def quantity(text: str) -> Quantity | None:
    """Return the value of a normalised text that is one number, perhaps with a unit; None for anything else."""
    if text.startswith("(") and text.endswith(")"):
        text = text[1:-1].strip()
    found = _NUMBER.fullmatch(text) if len(text) <= LONGEST else None
    if found is None:
        return None
    group = found.groupdict()
    top = group["top"] or group["top3"] or group["top4"] or group["top5"]
    under = group["under"] or group["under3"] or group["under4"] or group["under5"]
    number = group["number"]
    if number:
        value = _exact(number) * Fraction(10) ** int(group["power"] or group["power2"] or 0)
    else:
        if _exact(under) == 0:
            return None
        value = _exact(group["whole"] or group["whole2"] or "0") + _exact(top) / _exact(under)
    rest = group["rest"]
    percent = re.match(r"\s*(?:%|per ?cent\b)", rest)
    unit = rest[percent.end() :] if percent else rest
    word, _, after = unit.strip().partition(" ")
    if word.casefold() in _WORD_POWERS:
        value, unit = value * 10 ** _WORD_POWERS[word.casefold()], after
    elif unit[:1].isalpha() and not _ATTACHED.match(unit):
        return None
    unit = unit.strip()
    if unit and (not _UNIT.fullmatch(unit) or _NO_UNIT.search(unit)):
        return None
    places = len(number.partition(".")[2]) if number and "." in number else -1
    return Quantity(
        value=-value if group["sign"] == "-" else value, percent=bool(percent), fraction=not number, places=places
    )


def _exact(number: str) -> Fraction:
    return Fraction(re.sub(r"[\s,]", "", number).rstrip(".") or "0")
