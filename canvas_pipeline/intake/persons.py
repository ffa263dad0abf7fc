"""Find people's names in short texts without a model: gazetteer plus context, one table of rules.

In: a text (a title, a course name, a sentence). Out: spans of names, titles such as "Dr." left outside. What must hold: linear
work on text of any length; a name beside an honorific or a strong context is found although no table knows it; an ordinary
capitalised word of course work is not taken for a name.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from canvas_pipeline.intake.gazetteer import GIVEN, ORDINARY, SURNAMES

_SP = r"[ \u00a0]{1,2}"
_NAME = r"[^\W\d_a-z][\w'’\-]{0,30}"
_FULL = rf"(?P<name>{_NAME}(?:{_SP}(?:[A-Z]\.{_SP})?{_NAME}){{0,3}})"
_WORD = re.compile(r"[^\W\d_][\w'’\-]*")
_HYPHENS = re.compile(r"[-'’]")


def _is_name_shaped(word: str) -> bool:
    """A capital, then something lower, and no everyday word of course work."""
    return word[0].isupper() and any(c.islower() for c in word) and word not in ORDINARY and _base(word) not in ORDINARY


def _base(word: str) -> str:
    return re.sub(r"(?:'|’)s?$", "", word)


def _known(word: str) -> bool:
    return any(part in GIVEN or part in SURNAMES for part in (_base(word), *_HYPHENS.split(word)))


def _any_name(words: list[str]) -> bool:
    return True


def _full_or_known(words: list[str]) -> bool:
    return len(words) >= 2 or _known(words[0])


def _has_known(words: list[str]) -> bool:
    return any(_known(word) for word in words)


def _given_first(words: list[str]) -> bool:
    return len(words) >= 2 and _base(words[0]) in GIVEN


class Rule(NamedTuple):
    """``believe`` decides over the leading name-shaped words of what ``pattern`` caught."""

    name: str
    pattern: re.Pattern[str]
    believe: Callable[[list[str]], bool]


_STRONG = (
    r"meet(?:ing)?(?: with)?|interview(?:ing)?(?: with)?|(?:taught|led|graded|written|lecture|talk|hosted|presented) by|contact|"
    r"e-?mail|cc|ask|reach|message|dm|peer review(?:er)?(?: for| of)?|instructor|partner|advisor|adviser|mentor|tutor|speaker|"
    r"teammates?|ta|gta|grader|student|name|hours with|questions to|notes from|call|text|thanks to|dear|hi|hello|my name is|i am"
)
_HONORIFIC = r"[Dd]r|[Pp]rof|[Pp]rofessor|[Mm]r|[Mm]rs|[Mm]s|[Mm]x|Coach|Dean|Sra?|Mme"
_WEAK = r"with|by|from|to|for|and|see|w/|of|via|per"
_OWNED = r"section|class|office|oh|recitation|group|team|lecture"
RULES: tuple[Rule, ...] = (
    Rule("honorific", re.compile(rf"\b(?:{_HONORIFIC})\.?{_SP}{_FULL}"), _any_name),
    Rule("strong context", re.compile(rf"(?<![\w@])(?i:{_STRONG})(?::|,)?{_SP}{_FULL}"), _full_or_known),
    Rule("weak context", re.compile(rf"(?<![\w@])(?i:{_WEAK})(?::|,)?{_SP}{_FULL}"), _has_known),
    Rule("given name first", re.compile(rf"(?<![\w@]){_FULL}"), _given_first),
    Rule("possessive", re.compile(rf"(?<![\w@])(?P<name>{_NAME}?)(?:'s|’s){_SP}(?i:{_OWNED})\b"), _any_name),
)
# Only in a course's name: the instructor or site stands before or after a dash, or in parentheses at the end.
COURSE_NAME_RULES: tuple[Rule, ...] = (
    Rule("after a dash", re.compile(rf"[\s\u00a0][-–—|:]{_SP}{_FULL}\s*$"), _any_name),
    Rule("in parentheses", re.compile(rf"\({_FULL}\)\s*$"), _any_name),
    Rule("before a dash", re.compile(rf"^\s*(?P<name>{_NAME})\s[-–—|]\s"), _any_name),
)
_SWAPPED = re.compile(rf"(?<![\w@])(?P<name>(?P<surname>{_NAME}),{_SP}(?P<given>{_NAME}))")
_PAIR = re.compile(rf"(?<![\w@])(?=(?P<given>[^\W\d_]{{2,20}}){_SP}(?P<surname>[^\W\d_]{{2,20}})\b)")


def find_people(text: str, course_name: bool = False) -> list[tuple[int, int]]:
    """Spans (start, end) of names; ``course_name`` adds the rules for where instructors stand in a course's name."""
    return sorted(set(_spans(text, course_name)))


def _spans(text: str, course_name: bool) -> Iterator[tuple[int, int]]:
    for rule in RULES + (COURSE_NAME_RULES if course_name else ()):
        for match in rule.pattern.finditer(text):
            start = match.start("name")
            words = _leading(match.group("name"))
            if words and rule.believe([word for word, _ in words]):
                yield start, start + words[-1][1]
    for match in _SWAPPED.finditer(text):
        if match["surname"] in SURNAMES and match["given"] in GIVEN:
            yield match.span("name")
    for match in _PAIR.finditer(text):  # "JOHN SMITH", "john smith": both in the tables
        if match["given"].title() in GIVEN and match["surname"].title() in SURNAMES:
            yield match.start("given"), match.end("surname")


def _leading(name: str) -> list[tuple[str, int]]:
    """The leading name-shaped words (initials between them allowed) and where each ends, possessive ending left out."""
    words: list[tuple[str, int]] = []
    for match in _WORD.finditer(name):
        word = match.group()
        if not _is_name_shaped(word):
            if len(word) == 1 and words:
                continue  # a middle initial: it stays if a name follows
            break
        words.append((word, match.start() + len(_base(word))))
        if _base(word) != word:
            break
    return words
