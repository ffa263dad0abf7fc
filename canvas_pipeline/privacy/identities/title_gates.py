"""Drop findings of the name recogniser that are ordinary in titles: states that the LMS writes, dates, numbers, capitals, terms
of courses.

The work is linear. Findings of patterns and rules are not filtered here. A person whom the words before ask for ("by", "ask",
"Dr.") stays, unless the LMS writes the word itself.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.identities.called_after import in_a_term, names_a_topic
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import (
    CALLED_AFTER,
    CLIPPED,
    GIVEN,
    NAMESAKES,
    PROGRAM_PARTS,
    PROGRAMS,
    STATES,
    SURNAMES,
    TERM_EPONYMS,
    TERMS,
    THINGS,
)
from canvas_pipeline.privacy.identities.persons import stands_strongly
from canvas_pipeline.privacy.identities.vocabulary import (
    beginnings,
    is_accented,
    is_course_work,
    is_famous,
    is_ordinary,
    is_proper,
    is_word,
    lacks_a_letter,
)
from canvas_pipeline.privacy.identities.wordnet import is_thing
from canvas_pipeline.privacy.word_lists import word_list

_STATE = re.compile(r"\w+")
_DATE_WORDS = frozenset(word_list("date_words"))
_SECTION = re.compile(r"\d{1,2}\.\d{1,3}\W*$")
_BUILDING = re.compile(
    r"(?<!\w)(?:office|room|rm|hall|building|bldg|lab|suite|house|tower|center|centre|library|annex|floor|theatre|theater|auditorium|gym|commons)\b",
    re.I,
)
_CALLS_FOR_A_ROOM = re.compile(
    r"(?:\b(?:in|at|to|outside|near|meet)|(?:relocated|moved|location|where):?) $", re.IGNORECASE
)
_WHERE = re.compile(r", [A-Z]{2}(?!\w)|\b(?:campus|downtown)\b")
_CAPITALS = re.compile(r"[A-Z]{2,6}s?")
_MIXED = re.compile(  # "WeBWorK", "NVivo", "qPCR", "IoT"
    r"[A-Z]{2,}[a-z]+\w*|[a-z]{1,3}[A-Z]\w+|[A-Z][a-z]+(?:[A-Z]{2,}\w*|[A-Z])"
)
_LOWER_PART = re.compile(r"-([a-z]{2,})(?!\w)")
_DAY = re.compile(r"(?:Mo|Tu|We|Th|Fr|Sa|Su)")
_DAY_NUMBER = re.compile(r" \d{1,2}(?:/\d{1,2}|(?:st|nd|rd|th))?(?!\w)")
_NEXT = re.compile(r"(?:'s?)?[ -]([^\W\d_]+)(?: ([^\W\d_]+))?")
_ADJECTIVE = re.compile(r"(.{3,}?)(?:ian|ean|esque|ism|isms|ist|ists|ical)")
_AGES = re.compile(r".{3,}(?:cene|zoic)")


def is_no_identity(text: str, start: int, end: int, label: str, beside: frozenset[str]) -> bool:
    """Return whether ``text[start:end]``, a finding of the recogniser, is no identity. ``beside``: words that stand beside
    people."""
    value = text[start:end]
    words = [word for word in LETTERS.findall(value) if len(word) > 1]
    if all(part.lower() in STATES for part in _STATE.findall(value)):
        return True
    if label == "ROOM":
        return (
            _is_date(value)
            or _is_section(text, value, start)
            or (
                _is_clipped_course(words)
                and not value[0].islower()
                and not value.lower().startswith(("office", "room"))
            )
        )
    if _is_date(value) or (_DAY.fullmatch(value) and _DAY_NUMBER.match(text, end)):
        return True
    if not words or stands_strongly(text, start):
        return False
    if label == "PLACE" and _WHERE.search(text, start, min(len(text), end + 20)):
        return False
    lower = _LOWER_PART.match(text, end)
    if lower is not None and is_word(lower[1]) and all(map(is_word, words)):  # "Red-black"
        return True
    may_be_a_topic = label == "PERSON" or (value == text.strip() and not is_proper(words[0]))
    if in_a_term(text, start, end) or (may_be_a_topic and names_a_topic(text, start, end, beside)):
        return True
    return any(_is_term(text, word, start, end) for word in words) and all(
        is_ordinary(word) or _is_term(text, word, start, end) for word in words
    )


def _is_date(value: str) -> bool:
    words = [word.lower() for word in LETTERS.findall(value)]
    return any(word[:3] in _DATE_WORDS for word in words) and all(word in _DATE_WORDS for word in words)


def _is_section(text: str, value: str, start: int) -> bool:
    """Match "LW 2.3": letters and a section's number, without a building beside them."""
    if _CALLS_FOR_A_ROOM.search(text, max(0, start - 20), start):
        return False
    return _SECTION.search(value) is not None and _BUILDING.search(text, max(0, start - 20), start + len(value)) is None


def _is_clipped_course(words: list[str]) -> bool:
    """Match "Biol Lab 2207": the first word is a subject, or the beginning of one."""
    return bool(words) and all(is_course_work(word) or word.lower() in CLIPPED | PROGRAMS for word in words)


def _is_term(text: str, word: str, start: int, end: int) -> bool:
    low = word.lower()
    named = not word.islower() and (word.title() in GIVEN or word.title() in SURNAMES)
    if (
        (low in TERMS and word.islower())
        or (low in TERMS and not named and low not in NAMESAKES)
        or (is_famous(word) and low not in NAMESAKES)
    ):
        return True
    if (low in TERMS or is_famous(word)) and _gives_its_name(text, low, start, end):
        return True
    if "-" in text[start:end] and (named or is_word(word)):  # "Ford-Fulkerson": the other name decides
        return any(part.lower() in TERMS or is_famous(part) for part in LETTERS.findall(text[start:end]))
    if named:
        return False
    if _is_abbreviation(text, word):
        return True
    if lacks_a_letter(low) or is_accented(low):
        return True
    return _AGES.fullmatch(low) is not None or _is_adjective(low) or _is_beginning(low)


def _gives_its_name(text: str, low: str, start: int, end: int) -> bool:
    """Return whether something is called after it: "Barr body", "Cobb-Douglas"."""
    parts = [part.lower() for part in LETTERS.findall(text[start:end])]
    if "-" in text[start:end] and len(parts) > 1:
        others = [part for part in parts if not (part in TERMS or is_famous(part) or is_ordinary(part))]
        return len(others) < 2 and all(
            part.title() in GIVEN or part.title() in SURNAMES or is_word(part) for part in others
        )
    after = _NEXT.match(text, end)
    if after is None:
        return False
    return any(
        low in CALLED_AFTER or low in THINGS or low in PROGRAM_PARTS or is_thing(low)
        for low in (noun.lower() for noun in after.groups() if noun)
    )


def _is_abbreviation(text: str, word: str) -> bool:
    """Match capitals ("NFA", "GANs") where the text has lower-case letters too, or capitals in places where no name has them."""
    if _MIXED.fullmatch(word) and not word.startswith(("Mc", "Mac", "De", "La", "Le", "Di", "Van", "Fitz")):
        return True
    if _CAPITALS.fullmatch(word) is None:
        return False
    words = [other for other in LETTERS.findall(text) if len(other) > 1]
    return len(words) == 1 or any(other[1:].islower() for other in words)


def _is_adjective(low: str) -> bool:
    """Match "Weberian", "Sufism": adjectives and schools called after somebody."""
    stem = _ADJECTIVE.fullmatch(low)
    if stem is None:
        return False
    if low.endswith(("ism", "isms")):
        return True
    forms = (stem[1], f"{stem[1]}e", f"{stem[1]}us", f"{stem[1]}o")
    return any(form in TERM_EPONYMS or is_famous(form) for form in forms)


def _is_beginning(low: str) -> bool:
    """Match "Evaluat": a word of course work cut short."""
    return low in beginnings()
