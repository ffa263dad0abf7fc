"""Find people's names in short folded texts without a model: gazetteer plus context, one table of rules.

Titles such as "Dr." stay outside the spans. The work is linear. A name beside an honorific or in a strong context is found
although no table has it. Ordinary words of course work or of the dictionary, and what a thing is called after ("Wilson's
theorem"), are no names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from canvas_pipeline.privacy.identities.beside_names import beside
from canvas_pipeline.privacy.identities.course_names import instructors_in
from canvas_pipeline.privacy.identities.cued_names import WORD_GIVEN, cued, is_given, joined
from canvas_pipeline.privacy.identities.gazetteer import FULL_NAMES, GIVEN, SURNAMES, THINGS
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_famous, is_ordinary, is_slip, is_word
from canvas_pipeline.privacy.identities.wordnet import phrases_in
from canvas_pipeline.privacy.word_lists import word_list

_SP = r"[ \u00a0]{1,2}"
_NAME = r"[^\W\d_a-z][\w'’\-]{0,30}"
_FULL = rf"(?P<name>{_NAME}(?:{_SP}(?:[A-Z]\.{_SP})?{_NAME}){{0,3}})"
_THINGS_AND_NAMES = frozenset({"law", "bridge", "code", "square"})  # "Anna Law"
PARTICLES = frozenset("de da del di du van von der den ter ten la le al el bin ibn ben o ó mac mc st".split())
_WORD = re.compile(r"[^\W\d_][\w'’\-]*")
_HYPHENS = re.compile(r"[-'’]")


def _is_name_shaped(word: str) -> bool:
    """Match a capital, then something lower-case, and no everyday word of course work."""
    return word[0].isupper() and any(c.islower() for c in word) and not is_course_work(_base(word))


def _base(word: str) -> str:
    return re.sub(r"(?:'|’)s?$", "", word)


def _known(word: str) -> bool:
    return any(part in GIVEN or part in SURNAMES for part in (_base(word), *_HYPHENS.split(word)))


def _nobodys(word: str) -> bool:
    """Return whether a word is ordinary in each of its parts, or a misspelling of such a word."""
    return all(is_ordinary(part) or is_slip(part) for part in _HYPHENS.split(_base(word)) if len(part) > 1)


def _any_name(words: list[str]) -> bool:
    return True


def _somebodys(words: list[str]) -> bool:
    return not all(_nobodys(word) or is_famous(_base(word)) for word in words)


def _full_or_known(words: list[str]) -> bool:
    return _somebodys(words) and (len(words) >= 2 or _known(words[0]) or not is_word(_base(words[0])))


def _has_known(words: list[str]) -> bool:
    """Match a known name; one that is a word too ("Young", "Grace") only beside another word that is none."""
    if any(_known(word) and not is_word(_base(word)) for word in words):
        return True
    return len(words) >= 2 and any(_known(word) for word in words) and not any(_nobodys(word) for word in words)


def _given_first(words: list[str]) -> bool:
    return len(words) >= 2 and _base(words[0]) in GIVEN and not _nobodys(words[1])


class Rule(NamedTuple):
    """One rule. ``accept`` decides on the leading name-shaped words of what ``pattern`` matched."""

    name: str
    pattern: re.Pattern[str]
    accept: Callable[[list[str]], bool]


_STRONG = (
    r"meet(?:ing)?(?: with)?|interview(?:ing)?(?: with)?|(?:taught|led|graded|written|lecture|talk|hosted|presented) by|contact|"
    r"e-?mail|cc|ask|reach|message|dm|peer review(?:er)?(?: for| of)?|instructor|partner|advisor|adviser|mentor|tutor|speaker|"
    r"teammates?|ta|gta|grader|student|name|hours with|questions to|notes from|call|text|thanks to|dear|hi|hello|my name is|i am|"
    r"co-?author|attn|signed|witness|moderator|scribe|captain|supervisor|(?:second )?reader|roommate|classmate|committee"
)
# Verbs with people and things as objects.
_OBJECT = r"ping|nudge|nominate|observe|send|copy|remind|invite|thank|shadow(?:ing)?|owe|wait(?:ing)? for"
_HONORIFIC = r"[Dd]r|[Pp]rof|[Pp]rofessor|[Mm]r|[Mm]rs|[Mm]s|[Mm]x|Sra?|Mme"
_OFFICE = r"Coach|Dean|Provost|Chancellor|Director|TA|GTA"
_WEAK = r"with|by|from|to|for|and|see|w/|of|via|per"
_OWNED = r"section|class|office|oh|recitation|group|team|lecture"
RULES: tuple[Rule, ...] = (
    Rule("honorific", re.compile(rf"\b(?:{_HONORIFIC})\.?{_SP}{_FULL}"), _any_name),
    Rule("office", re.compile(rf"\b(?:{_OFFICE})\.?{_SP}{_FULL}"), _somebodys),
    Rule("strong context", re.compile(rf"(?<![\w@])(?i:{_STRONG})(?::|,)?{_SP}{_FULL}"), _full_or_known),
    Rule("somebody or something", re.compile(rf"(?<![\w@])(?i:{_OBJECT}){_SP}{_FULL}"), _full_or_known),
    Rule("weak context", re.compile(rf"(?<![\w@])(?i:{_WEAK})(?::|,)?{_SP}{_FULL}"), _has_known),
    Rule("given name first", re.compile(rf"(?<![\w@]){_FULL}"), _given_first),
    Rule("possessive", re.compile(rf"(?<![\w@])(?P<name>{_NAME}?)(?:'s|’s){_SP}(?i:{_OWNED})\b"), _somebodys),
)
# Only in a course's name: the instructor or site is before or after a dash, or in parentheses at the end.
COURSE_NAME_RULES: tuple[Rule, ...] = (
    Rule("after a dash", re.compile(rf"[\s\u00a0][-–—|:]{_SP}{_FULL}\s*$"), _somebodys),
    Rule("in parentheses", re.compile(rf"\({_FULL}\)\s*$"), _somebodys),
    Rule("before a dash", re.compile(rf"^\s*{_FULL}\s[-–—|]\s"), _somebodys),
)
# What any rule needs: a capital after some context, or the possessive of an owner; else only known names count.
_CONTEXT = re.compile(
    rf"(?<![\w@])(?i:{_HONORIFIC}|{_OFFICE}|{_STRONG}|{_OBJECT}|{_WEAK})[.:,]?{_SP}[^\W\d_a-z]|(?:'|’)s{_SP}(?i:{_OWNED})\b"
)
_ANY_WORD = re.compile(r"[^\W\d_]{2,}")
_SWAPPED = re.compile(rf"(?<![\w@])(?P<name>(?P<surname>{_NAME}),{_SP}(?P<given>{_NAME}))")
_ENDS = re.compile(r"\s*(?:$|[-–—(:])")
# "R. Delacour"; not "B. Results" of a list, nor "U.S. Navy".
_INITIALED = re.compile(rf"(?<![\w@.&])(?P<name>[A-Z]\.{_SP}?(?P<surname>[^\W\d_a-z][^\W\d_A-Z]{{2,30}}))(?!\w|\.\w)")
_LETTERED = frozenset(  # what has a letter after it in a list
    word_list("lettered")
)
_LAST_WORD = re.compile(r"([^\W\d_]+)[ \u00a0]$")
_TITLED = re.compile(
    rf"(?<![\w@])(?i:dr|prof|professor|mr|mrs|ms)\.?{_SP}(?P<name>[^\W\d_][\w'’\-]{{1,30}}(?:{_SP}[^\W\d_][\w'’\-]{{1,30}})?)"
)
_PAIR = re.compile(rf"(?<![\w@])(?=(?P<given>[^\W\d_]{{2,20}}){_SP}(?P<surname>[^\W\d_]{{2,20}})\b)")


_STRONGLY = re.compile(rf"(?:(?<![\w@])(?i:{_STRONG}|with|by|w/)(?::|,)?|\b(?i:{_HONORIFIC}|{_OFFICE})\.?){_SP}$")
# "Taylor series", "Newton's second law"; not "Taylor teaching calculus".
_THING = re.compile(rf"(?:(?:'s?|’s?)[ \u00a0](?:[a-z]+ )?|[ \u00a0-])({'|'.join(sorted(THINGS))})\b", re.IGNORECASE)


def find_people(text: str, course_name: bool = False) -> list[tuple[int, int]]:
    """Return the spans of names. ``course_name`` adds the rules for instructors in a course's name."""
    found = {
        (start, end)
        for start, end in set(_spans(text, course_name))
        if not within_figure(text, start, end) and (stands_strongly(text, start) or not names_a_thing(text, start, end))
    }
    found |= {span for span in cued(text) if not within_figure(text, *span)}
    found |= {span for span in beside(text) if not (within_figure(text, *span) or names_a_thing(text, *span))}
    found |= {span for _, at in tuple(found) for span in joined(text, at) if is_given(text[slice(*span)].split()[0])}
    return sorted(found | set(instructors_in(text)) if course_name else found)


def stands_strongly(text: str, start: int) -> bool:
    """Return whether the words before ``start`` ask for a person: a title, "ask", "with", "by" …"""
    return _STRONGLY.search(text, max(0, start - 40), start) is not None


def names_a_thing(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is a figure that titles name in full, or something within or after it is called after
    it ("Wilson's theorem")."""
    first, *rest = text[start:end].split()
    if rest and rest[-1].lower() in THINGS and not (first.title() in GIVEN and rest[-1].lower() in _THINGS_AND_NAMES):
        return True
    return is_figure(text[start:end]) or _THING.match(text, end) is not None or in_phrase(text, start, end)


def in_phrase(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is (part of) a figure or subject that WordNet has ("Mary Magdalene", "Gregorian
    chant"); names that are common today ("John Brown") do not count."""
    return any(first <= start and end <= last and not _is_common(text[first:last]) for first, last in phrases_in(text))


def _is_common(name: str) -> bool:
    given, *_, surname = [part.title() for part in _ANY_WORD.findall(name)] or [""] * 2
    return given in GIVEN and (surname in SURNAMES or is_word(surname))


def within_figure(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is (part of) an author, figure or work in full ("Jane" in "Jane Eyre")."""
    return is_figure(text[start:end]) or any(
        first <= start and end <= last and is_figure(text[first:last]) for first, last in phrases_in(text)
    )


def is_figure(value: str) -> bool:
    """Return whether the value is an author or figure in full ("Jane Austen"), who is no identity whatever the context."""
    return " ".join(value.split()).lower() in FULL_NAMES


def may_hold_people(text: str) -> bool:
    """Return False only for texts in which ``find_people`` finds nobody (the rules for course names aside)."""
    if any(True for found in (cued, beside) for _ in found(text)):
        return True
    if _CONTEXT.search(text) or _TITLED.search(text) or _INITIALED.search(text):
        return True
    return any(part.title() in GIVEN or part.title() in SURNAMES for part in _ANY_WORD.findall(text))


def _spans(text: str, course_name: bool) -> Iterator[tuple[int, int]]:
    for rule in RULES + (COURSE_NAME_RULES if course_name else ()):
        for match in rule.pattern.finditer(text):
            start = match.start("name")
            words = _leading(match.group("name"))
            if words and rule.accept([word for word, _ in words]):
                yield start, start + words[-1][1]
    for match in _SWAPPED.finditer(text):
        alone = match["given"] in WORD_GIVEN and not is_word(match["surname"]) and _ENDS.match(text, match.end())
        if (match["given"] in GIVEN or alone) and _is_name_shaped(match["surname"]) and not _nobodys(match["surname"]):
            yield match.span("name")
    for match in _INITIALED.finditer(text):
        if _is_initialed(text, match.start(), match["surname"]):
            yield match.span("name")
    for match in _TITLED.finditer(text):  # "dr saito", "PROF NGENO"
        tokens = list(_WORD.finditer(match["name"]))
        named = [word for word in tokens if word.group().lower() not in PARTICLES and not _nobodys(word.group())]
        if tokens[0].group().lower() in PARTICLES and tokens[-1].group()[0].isupper():
            named = tokens
        if named and named[0] is tokens[0]:
            end = named[-1].start() + len(_base(named[-1].group()))
            yield match.start("name"), match.start("name") + end
    for match in _PAIR.finditer(text):  # "JOHN SMITH", "john smith": both in the tables
        if (
            match["given"].title() in GIVEN
            and match["surname"].title() in SURNAMES
            and not (is_word(match["given"]) and is_word(match["surname"]))
        ):
            yield match.start("given"), match.end("surname")


def _is_initialed(text: str, start: int, surname: str) -> bool:
    """Return whether a capital with a point before ``surname`` is a given name's.

    Lists have letters too ("B. Results", "Part A. Reading"), so a surname that is a word needs a text before it that asks for a
    name or runs on in lower case ("a note from E. Forrester").
    """
    if is_course_work(surname) and not stands_strongly(text, start):
        return False
    if not (is_word(surname) or is_famous(surname)):
        return True
    before = _LAST_WORD.search(text, max(0, start - 40), start)
    runs_on = before is not None and before[1].islower() and before[1] not in _LETTERED
    return runs_on or stands_strongly(text, start)


def _leading(name: str) -> list[tuple[str, int]]:
    """Return the leading name-shaped words (initials between them allowed) and where each ends, without a possessive ending."""
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
