"""Classify words: ordinary English, a proper name, both, an eponym, or none that a dictionary has.

The name recogniser reads the class as a feature, and the filters of its findings use it. A word has the same class in any case
form. Nothing is read from outside the package. The dictionary is SCOWL (size 70, American and British; licence in NOTICE): its
lower-case entries are ordinary words, its capitalised ones proper names. ``english_words.txt.xz`` has those of its words that
are letters only, sorted (Debian's packages ``wamerican-large`` and ``wbritish-large``, 2020.12.07-2).
"""

from __future__ import annotations

import lzma
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import ServiceUnavailable
from canvas_pipeline.privacy.courses.forms import NO_SUBJECT
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import (
    EPONYMS,
    FAMOUS,
    FIELD_WORDS,
    GIVEN,
    LANDS,
    ORDINARY,
    SURNAMES,
    TERMS,
)
from canvas_pipeline.privacy.identities.patterns import TYPES
from canvas_pipeline.privacy.identities.wordnet import phrases_in, plainly, surnames, words
from canvas_pipeline.privacy.word_lists import word_list

WORDS = Path(__file__).parent / "english_words.txt.xz"
_SHORTEST_TYPO = 6
_SCHOOLS = ("ism", "isms", "ist", "ists", "istic")  # Stoicism, Romanticist: written with a capital, and nobody
_INNER = re.compile(r"[A-Z][a-z]+")
_PREFIXES = frozenset(
    "mac mc fitz la le de di du da del van von el al jo lu san".split()
)  # of names with an inner capital
_TOWN_ENDS = frozenset(word_list("town_endings"))
_NAMES = frozenset(word.lower() for word in GIVEN | SURNAMES)
_FAMOUS = frozenset(word.lower() for word in FAMOUS | EPONYMS)
_COURSE_WORK = frozenset(word.lower() for word in (*ORDINARY, *FIELD_WORDS, *LANDS, *NO_SUBJECT, *TYPES, "COURSE"))


@cache
def _dictionary() -> tuple[frozenset[str], frozenset[str]]:
    try:
        entries = lzma.decompress(WORDS.read_bytes()).decode().split()
    except (OSError, lzma.LZMAError):
        raise ServiceUnavailable(f"{WORDS.name} is missing or damaged; install the package again") from None
    proper = frozenset(word.lower() for word in entries if word[0].isupper() and not word.isupper())
    ordinary = {word for word in entries if word.islower()}
    ordinary |= {form for word in words() - proper for form in (word, f"{word}s")}
    return frozenset(ordinary), proper


def is_course_work(word: str) -> bool:
    """Return whether a word is in the project's own lists of course work."""
    return word.lower() in _COURSE_WORK


def is_ordinary(word: str) -> bool:
    """Return whether a word of course work or of the dictionary is no name that the lists or the dictionary know."""
    low = word.lower()
    if low in _COURSE_WORK:
        return True
    ordinary, proper = _dictionary()
    return low in ordinary and (low not in proper or low.endswith(_SCHOOLS)) and low not in _NAMES


def is_compound(word: str) -> bool:
    """Match ordinary words in one with inner capitals, as products are called ("WordPerfect"); not "McBride" or "LaToya"."""
    parts = _INNER.findall(word)
    return (
        len(parts) > 1
        and "".join(parts) == word
        and parts[0].lower() not in _PREFIXES
        and all(len(part) > 1 and (is_course_work(part) or is_ordinary(part)) for part in parts)
    )


def is_joined(word: str) -> bool:
    """Match the plural of two ordinary words in one that no dictionary has ("boxplots"), unless the second is a town's ending."""
    low = word.lower()
    if not low.endswith("s") or is_word(low) or is_proper(low):
        return False
    parts = ((low[:at], low[at:]) for at in range(3, len(low) - 3))
    return any(
        is_ordinary(first) and is_ordinary(last) and is_ordinary(last[:-1]) and last[:-1] not in _TOWN_ENDS
        for first, last in parts
    )


def is_famous(word: str) -> bool:
    """Return whether theorems, laws or works are called after it, or it is such a work. Common names (Taylor, Newman) are not."""
    low = word.lower()
    return low in _FAMOUS and low not in _NAMES


def is_word(word: str) -> bool:
    """Return whether a word has a lower-case entry ("will", "rose"), be it a name too or not."""
    return word.lower() in _dictionary()[0] or is_course_work(word)


def is_proper(word: str) -> bool:
    """Return whether a word is a name in the dictionary or in the lists of common names."""
    low = word.lower()
    return low in _NAMES or low in _dictionary()[1]


@cache
def ordinary_list() -> tuple[str, ...]:
    """Return the dictionary's ordinary words of 3 to 14 letters, sorted."""
    return tuple(sorted(word for word in _dictionary()[0] if 3 <= len(word) <= 14 and is_ordinary(word)))


@cache
def beginnings() -> frozenset[str]:
    """Return words of course work cut short by two letters or more, with at least six letters left: "evaluat"."""
    return frozenset(word[:length] for word in _COURSE_WORK for length in range(6, len(word) - 1))


def looks_mistyped(word: str) -> bool:
    """Return whether swapping two neighbours makes an ordinary or famous word of it, or it is a slip of course work."""
    low = word.lower()
    if len(low) < _SHORTEST_TYPO - 1 or is_word(low) or is_proper(low):
        return False
    swapped = [low[:at] + low[at + 1] + low[at] + low[at + 2 :] for at in range(len(low) - 1)]
    if any(is_ordinary(form) or is_famous(form) for form in swapped):
        return True
    return is_slip(low)


def is_slip(word: str) -> bool:
    """Return whether one slip separates it from a word of course work: two letters swapped, one added, one doubled or dropped."""
    low = word.lower()
    if len(low) < _SHORTEST_TYPO or is_word(low) or is_proper(low):
        return False
    return any(form in _COURSE_WORK for form in _slips(low))


def lacks_a_letter(word: str) -> bool:
    """Match a long word of course work without one of its inner letters ("reserch"), unless it is a proper name."""
    low = word.lower()
    return low in _lacking_one() and not is_proper(low)


@cache
def _lacking_one() -> frozenset[str]:
    lands = {land.lower() for land in LANDS}
    return frozenset(
        word[:at] + word[at + 1 :] for word in _COURSE_WORK - lands if len(word) > 7 for at in range(1, len(word) - 1)
    )


def is_accented(word: str) -> bool:
    """Match a word of course work with its original accents ("résumé")."""
    return len(word) > 5 and not word.isascii() and is_course_work(plainly(word))


def _slips(word: str) -> Iterable[str]:
    for at in range(len(word)):
        yield word[:at] + word[at + 1 :]
        yield word[: at + 1] + word[at:]
        if at + 1 < len(word):
            yield word[:at] + word[at + 1] + word[at] + word[at + 2 :]


def looks_shifted(left: str, right: str) -> bool:
    """Match two words whose blank slipped by one letter: "Popq uiz", "Fatigu eCracks"."""
    if is_ordinary(left) and is_ordinary(right):
        return False
    pairs = ((left + right[0], right[1:]), (left[:-1], left[-1] + right))
    return any(
        all(len(word) > 2 and is_ordinary(word) and (word[1:].islower() or word.isupper()) for word in pair)
        for pair in pairs
    )


_PARTS_BEFORE = frozenset(word_list("word_beginnings"))
_PARTS_AFTER = frozenset(word_list("word_endings"))
_LITTLE = frozenset("up in on it to by of no off out way day one two day web app lab log".split())


@cache
def reads_as_word(word: str, slips: bool = True) -> bool:
    """Return whether letters are a word of some kind: of a dictionary or the lists, a slip of one, two words in one, or a word
    with a common beginning or ending ("microcontrollers"). Logins are none ("bpelldor"). ``slips``: whether slips count."""
    low = plainly(word)
    if len(low) < 3 or is_word(low) or is_proper(low) or is_famous(low) or low in TERMS:
        return True
    if slips and (looks_mistyped(low) or low in beginnings()):
        return True
    if low.endswith(("s", "d", "y")) and is_word(low[:-1]):
        return True
    halves = [(low[:at], low[at:]) for at in range(2, len(low) - 1)]
    return any(_makes_a_word(one, other) for one, other in halves)


def _makes_a_word(one: str, other: str) -> bool:
    whole = is_word(one) and is_word(other)
    if whole and ((len(one) > 2 and len(other) > 2) or one in _LITTLE or other in _LITTLE):
        return True
    if len(one) > 2 and one in _PARTS_BEFORE and len(other) > 3 and is_word(other):
        return True
    return (
        len(one) > 3
        and len(other) > 1
        and other in _PARTS_AFTER
        and (is_word(one) or is_word(f"{one}e") or is_word(f"{one}y"))
    )


@cache
def word_class(word: str) -> str:
    """Return what the recogniser reads of a word beside its letters: a short word or a digit's shape itself, else its class."""
    if any(char.isdigit() for char in word):
        return f"<digits {min(len(word), 6)}>" if word.isdigit() else "<mixed>"
    low = word.lower()
    if not LETTERS.fullmatch(low) or len(low) < 2:
        return low
    if low in _COURSE_WORK:
        return low
    ordinary, proper = _dictionary()
    if low in _NAMES:
        return "<name and word>" if low in ordinary else "<name>"
    if low in _FAMOUS:
        return "<famous>"
    if is_compound(word):
        return "<word>"
    if low in surnames() and low not in ordinary:
        return "<figure>"
    if low in ordinary:
        return "<proper and word>" if low in proper else "<word>"
    if low in proper:
        return "<proper>"
    return "<slip>" if is_slip(low) else "<unknown>"


def mark(doc: Any, context: frozenset[str]) -> Any:
    """Set the norms of a spaCy ``Doc``'s tokens to their classes; words of ``context`` are their own class."""
    phrases = phrases_in(doc.text)
    for token in doc:
        low = token.lower_
        if phrases and any(start <= token.idx < end for start, end in phrases):
            token.norm_ = "<phrase>"
        else:
            token.norm_ = low if low in context else word_class(token.text)
    return doc
