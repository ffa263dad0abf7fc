"""Decide which findings of the trained name recogniser count, and extend names and places to their full length.

The work is linear. Findings of the rules and patterns are not filtered here; places only grow.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.persons import PARTICLES, names_a_thing, stands_strongly, within_figure
from canvas_pipeline.privacy.identities.vocabulary import (
    is_compound,
    is_course_work,
    is_famous,
    is_joined,
    is_ordinary,
    is_word,
    looks_mistyped,
    looks_shifted,
)

_CODES = frozenset({"ASGN", "QUIZ", "DISC", "TODO", "LTI", "SIS"})
"""What the LMS itself writes in capitals: kinds of items, and the systems around it."""
_HEX_ID = re.compile(r"(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}")
_OTHER_NUMBER = re.compile(r"\d{5}|^\d+[^\W\d_]*$")
_BEFORE = re.compile(r"(?<!\w)([^\W\d_][\w'-]*\.?),? {1,2}$")
_AFTER = re.compile(r",? {1,2}([^\W\d_][\w'-]*)")
_HYPHENED_BEFORE = re.compile(r"(?<!\w)(?:[^\W\d_a-z][^\W\d_]+-)+$")  # the other half of a double name
_HYPHENED_AFTER = re.compile(r"(?:-[^\W\d_a-z][^\W\d_]+)+(?!\w)")
_OFFICE = r"(?<!\w)(?i:office) (?:\d\.\d\d|\d{3}[A-Da-d])(?!\w)"
_OFFICE_NUMBER = re.compile(_OFFICE)
# "Pinto 1175", no year; "Office 5.13".
ROOM_NUMBER = re.compile(rf"(?<!\w)[^\W\d_a-z][^\W\d_]+ (?!1[5-9]\d\d|20\d\d)\d{{3,4}}(?!\w)|{_OFFICE}")
_OF_HISTORY = re.compile(
    r"\b(?:Treaty|Battle|Siege|Congress|Fall|Peace|Edict|Council|Sack|Massacre|Compromise|History|Economy) of (?:the )?$",
    re.IGNORECASE,
)
_IN_HISTORY = re.compile(
    r" (?:Agreement|Protocols?|Accords?|Conventions?|Conference|Wars?|Revolution|Uprising|Massacre|Crisis|Empire|Dynasty|Era)\b",
    re.IGNORECASE,
)
_BUILDINGS = (
    "hall|building|bldg|center|centre|library|tower|gym|auditorium|house|commons|annex|pavilion|stadium|theatre|theater|lab|arena|"
    "field|union|plaza|hospital|church|park|courts|quad|institute|observatory|museum|chapel|clinic|gardens|pond|creek|trail|beach|"
    "river|lake|street|falls|springs|heights|grove"
)
_KINDS_OF_BUILDINGS = (
    r"(?:dining|residence|science|student|research|community|high|middle|elementary|recreation|medical)[ \u00a0]{1,2}"
)
_BUILDING_BEFORE = re.compile(
    rf"(?P<words>(?:[^\W\d_][\w'’\-]*[ \u00a0]{{1,2}}){{1,3}})(?:{_BUILDINGS})\.?[, \u00a0]{{1,3}}$", re.IGNORECASE
)
_WORD_BEFORE = re.compile(r"[^\W\d_][\w'’\-]*")
_OF_A_PLACE = re.compile(
    r"(?<!\w)(?:(?:Ó|van der|van|von|de|Lake|Mount|Fort|Port|New|Old|"
    r"North|South|East|West|Saint|St\.?|San|Santa|Upper|Lower|Great|Little|Nueva|Nuevo|Vieja|Viejo|Vieux|Bad|Novo|Nova|"
    r"University of)"
    r"[ \u00a0]{1,2})+$",
    re.IGNORECASE,
)
_REST_OF_A_PLACE = re.compile(
    rf"(?:[ \u00a0]{{1,2}}(?:campus|state|(?:{_KINDS_OF_BUILDINGS})?(?:{_BUILDINGS}|school)|elementary)\b|"
    r", (?:(?-i:[A-Z]{2})\b|Virginia|Texas|Ohio|Maine|Oregon|Kenya|Poland))+",
    re.IGNORECASE,
)
_WHERE = re.compile(r"(?<!\w)(?:in|at|to|from|near|outside|behind) $", re.IGNORECASE)
_IN_A_STATE = re.compile(r"[A-Z].*, [A-Z]{2}$")
_RUNS_ON = re.compile(r"[\w,'’)] $")
_CAPITALISED = re.compile(r"(?<!\w)[^\W\d_a-z][^\W\d_A-Z]+(?!\w)")
_LAST_BUILDING = re.compile(rf"[ \u00a0](?:{_BUILDINGS})$", re.IGNORECASE)


def grown(text: str, start: int, end: int, label: str) -> tuple[int, int]:
    """Extend a place by what belongs to its name: the building before "Room 12", "Lake" or "University of" before it, "campus"
    or the state after it."""
    if label not in ("ROOM", "PLACE"):
        return start, end
    if label == "ROOM" and (building := _BUILDING_BEFORE.search(text, max(0, start - 80), start)):
        words = list(_WORD_BEFORE.finditer(building["words"]))
        while words and (is_course_work(words[0].group()) or (len(words) > 1 and is_ordinary(words[0].group()))):
            words.pop(0)
        start = building.start("words") + words[0].start() if words else start
    if before := _OF_A_PLACE.search(text, max(0, start - 40), start):
        start = before.start()
    if after := _REST_OF_A_PLACE.match(text, end, min(len(text), end + 40)):
        end = after.end()
    return start, end


def whole_words(text: str, start: int, end: int, label: str) -> tuple[int, int]:
    """Extend a name to whole words (the tokeniser splits "id") and by its neighbours: particles and initials ("van der"), and
    further capitalised words that are not ordinary."""
    while start > 0 and text[start - 1].isalpha() and text[start].isalpha():
        start -= 1
    while end < len(text) and text[end - 1].isalpha() and text[end].isalpha():
        end += 1
    if label == "ROOM":
        return start, end
    if before := _HYPHENED_BEFORE.search(text, max(0, start - 40), start):
        start = before.start()
    if after := _HYPHENED_AFTER.match(text, end, min(len(text), end + 40)):
        end = after.end()
    while (before := _BEFORE.search(text, max(0, start - 40), start)) and _belongs(before[1]):
        start = before.start(1)
    while after := _AFTER.match(text, end, min(len(text), end + 40)):
        if not (_belongs(after[1]) or _is_surname(text, start, end, after)):
            break
        end = after.end(1)
    return start, end


def _belongs(word: str) -> bool:
    if word.lower() in PARTICLES:
        return True
    if len(word) < 2 or not word[0].isupper() or word.isupper():
        return False
    return not any(is_ordinary(part) or looks_mistyped(part) for part in LETTERS.findall(word))


def _is_surname(text: str, start: int, end: int, after: re.Match[str]) -> bool:
    """Return whether the word after a lone given name has a capital where no other word has one: "a card for Ilka Nickel,
    please"."""
    alone = text[start:end].istitle() and text[start:end].isalpha()
    return alone and after.start(1) == end + 1 and not is_ordinary(text[start:end]) and stands_out(text, *after.span(1))


def is_plausible(text: str, start: int, end: int, label: str) -> bool:
    """Return whether a finding may be a name.

    No names: ordinary words and misspellings of them, single letters, eponyms and what is called after them, names that are
    words too in lower case (unless the words before ask for a person), and what precedes a number without naming a place ("RFC
    2616"). People that the rules find ("Dr. Newton") are not affected.
    """
    value = text[start:end]
    words = [word for word in LETTERS.findall(value) if len(word) > 1]
    if (
        not words
        or _CODES.issuperset(words)
        or _OTHER_NUMBER.search(value)
        or _inside_id(text, start, end)
        or all(map(is_compound, words))
    ):
        return False
    if _shifted(text, start, end):
        return False
    if label == "PLACE" and _IN_A_STATE.search(value) and not is_course_work(words[0]):
        return True
    # Topics follow "in" as places do: "What is next in Torque?".
    topical = label != "ROOM" and len(words) == 1 and text[max(0, start - 3) : start].lower() == "in "
    if topical and is_joined(words[0]):
        return False
    out = not topical and stands_out(text, start, end)
    if not out and all(is_ordinary(word) or looks_mistyped(word) for word in words):
        numbered = label == "ROOM" and ROOM_NUMBER.search(value) is not None
        return numbered and (not all(is_course_work(word) for word in words) or bool(_OFFICE_NUMBER.search(value)))
    if within_figure(text, start, end):
        return False
    if label == "ROOM" or stands_strongly(text, start):
        return True
    if names_a_thing(text, start, end):
        return False
    if all(is_ordinary(word) or is_famous(word) for word in words) and not (out and not any(map(is_famous, words))):
        return False
    if _OF_HISTORY.search(text, max(0, start - 24), start) or _made_history(text, start, end):
        return False
    if label == "PLACE" and value[0].isupper() and _LAST_BUILDING.search(value) and not is_ordinary(words[0]):
        return True
    if not out and all(is_word(word) for word in words):
        if any(is_ordinary(word) or word.islower() for word in words):
            return False
        if len(words) > 1:
            return True
        return label == "PLACE" and not topical and _WHERE.search(text, max(0, start - 12), start) is not None
    return True


def _made_history(text: str, start: int, end: int) -> bool:
    """Match "the Yalta Conference", also in lower case, and not "the Strand conference"."""
    event = _IN_HISTORY.match(text, end)
    return event is not None and (event.group()[1].isupper() or text[start:end].islower())


def stands_out(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is capitalised amid lower-case words ("the bus to Strand"), so that an ordinary word
    may be a name. Words of course work never stand out, nor the first word of a sentence."""
    words = LETTERS.findall(text[start:end])
    if not words or is_course_work(words[0]) or not all(word.istitle() for word in words):
        return False
    if not _RUNS_ON.search(text, max(0, start - 40), start):
        return False
    around = LETTERS.findall(text[:start])[1:] + LETTERS.findall(text[end:])
    small = len([word for word in around if word.islower()])
    return small >= 2 and small * 4 >= len(around) * 3


def holds_one_that_stands_out(text: str) -> bool:
    """Return whether any word of the text stands out; cheap, since most texts are titles."""
    if sum(word.islower() for word in LETTERS.findall(text)) < 2:
        return False
    return any(stands_out(text, match.start(), match.end()) for match in _CAPITALISED.finditer(text, 1))


def _shifted(text: str, start: int, end: int) -> bool:
    """Return whether all words of a span are ordinary once a blank that slipped by one letter is put right ("Popq uiz")."""
    around = list(LETTERS.finditer(text, max(0, start - 30), min(len(text), end + 30)))
    right = [False] * len(around)
    for at, (left, next_) in enumerate(zip(around, around[1:], strict=False)):
        if next_.start() - left.end() == 1 and looks_shifted(left.group(), next_.group()):
            right[at] = right[at + 1] = True
    inside = [at for at, word in enumerate(around) if word.start() < end and word.end() > start]
    return any(right[at] for at in inside) and all(right[at] or is_ordinary(around[at].group()) for at in inside)


def _inside_id(text: str, start: int, end: int) -> bool:
    """Return whether a span is (part of) a hexadecimal id, such as the imprint of an item in a session: ``bdd2d3af3a5a``."""
    while start > 0 and text[start - 1].isalnum():
        start -= 1
    while end < len(text) and text[end].isalnum():
        end += 1
    return _HEX_ID.fullmatch(text, start, end) is not None
