"""Find instructors in folded names of courses: directory ids and surnames without a cue beside them.

The work is linear. Courses may be masked or not. Words of course work, subjects and their short forms, and ordinary words are
none, unless they are in a place where schools put teachers only ("S2-AP Chem-Stone-04").

What is no word of any kind in a name whose other words are English identifies somebody: in lower case as a directory id, with a
capital as a surname where a field of the name begins or ends. In other languages, and for words that are names too, the place
decides: beside a term ("Fall 2031 qbrindle"), in a field of its own, beside a period ("Geometry Pd 6 Surname").
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canvas_pipeline.privacy.courses.forms import KNOWN_SUBJECTS, NO_SUBJECT
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import SURNAMES, TERMS
from canvas_pipeline.privacy.identities.vocabulary import (
    is_course_work,
    is_famous,
    is_ordinary,
    is_proper,
    is_slip,
    is_word,
    reads_as_word,
)
from canvas_pipeline.privacy.word_lists import word_list

_SEASON = r"(?i:spring|summer|fall|autumn|winter)"
_YEAR = r"(?:19|20)\d\d"
_TERM = rf"(?:{_SEASON}[\s_-]?(?:{_YEAR}|'?\d\d)|{_YEAR}[\s_-]?{_SEASON}|(?i:sp|fa|su|wi|f|s)(?:20)?\d\d)"
# Behind a term, or in front of one that ends the name.
_AFTER_TERM = re.compile(
    rf"(?<![A-Za-z0-9]){_TERM}\)?[\s_,;:(\[/-]{{1,4}}(?P<ids>[\w'-]{{3,24}}(?:\s?[,/&+]\s?[\w'-]{{3,24}}){{0,3}})"
    rf"[)\]/\s]{{0,3}}(?:\s\([\w -]{{2,20}}\))?$"
)
_BEFORE_TERM = re.compile(rf"[\s_-](?P<name>[^\W\d_]['\w-]{{2,24}})[\s_,(-]{{1,3}}{_TERM}\)?\s*$")
_ALONE = re.compile(r"(?:^|[-–—|(\[/]\s?)(?P<id>[a-z][a-z0-9]{2,15})(?=\s?[:)\]/]|\s?[-–—|]\s|\s*$)")
# Lower-case letters at an end of the name, or where a sign or the term separates them.
_AT_AN_END = re.compile(
    rf"(?:^|[\s_~/|<(\[-])(?P<id>(?<![\w.'’-][a-z]$)[a-z][a-z0-9]{{3,15}})(?=[>)\]/\s]{{0,3}}$|\s?[:|>)\]]|\s[-–—~]{{1,2}}\s|"
    rf"[-_](?:Online|Hybrid|Async|Web)|[\s_(-]{{1,2}}{_TERM})"
)
# A course for trials has its owner's name.
_TRIAL = (
    r"(?i:sand\s?box|test(?:\s(?:course|site|shell))?|(?:practice|demo|training|dev|play)[\s_]?(?:course|site|shell|ground)|"
    r"playground|dev)"
)
_OF_TRIAL = re.compile(
    rf"(?<![A-Za-z0-9])(?:{_TRIAL}[\s_:-]{{1,3}}(?:for\s|of\s)?(?P<after>[a-z][a-z0-9]{{3,15}})(?![A-Za-z0-9'’])"
    rf"|(?P<before>[a-z][a-z0-9]{{3,15}})(?:['’]s?)?[\s_:-]{{1,3}}{_TRIAL}(?![A-Za-z0-9]))"
)
# Two who teach together.
_TOGETHER = re.compile(
    r"(?<![\w'’-])(?P<one>[^\W\d_a-z][\w'’-]{2,24})\s?[/&+]\s?"
    r"(?P<other>[^\W\d_a-z][\w'’-]{2,24})(?![\w'’-])"
)
_CAPITALS = re.compile(r"[A-Z][a-z]{2}|[A-Z]{3}")
_TOOLS = frozenset(
    "numpy scipy pytorch tensorflow javascript typescript kotlin nodejs reactjs matplotlib jupyter arduino autocad solidworks "
    "latex github postgres mysql sqlite linux android blender figma".split()
)
_ID = re.compile(r"[a-z]{2,12}\d{0,6}[a-z]{0,2}")
_MIXED_ID = re.compile(r"[a-z]{2,12}\d{1,6}[a-z]{0,2}")
_SHORT_ID = re.compile(
    r"(?!(?:fa|sp|su|wi|au|ss|ws|ay|sy|yr)(?:19|20))[a-z]{2,3}\d{4}"
)  # also of a word's letters: "hw1530"
_NAME = re.compile(r"[^\W\d_a-z][^\W\d_]*(?:['’-][^\W\d_]+)?")
# Marks of schools' names: periods, blocks, semesters, grades, sections and years as fields of their own.
_MARK = re.compile(
    r"(?<![A-Za-z0-9])(?:(?:pd|per|period|hr|hour|block|blk|sem|gr|grade|sec|section|room|rm|yr|year|set|form|level|"
    r"tutor group|team|ks|klasse|clase|grado|groupe)\.?"
    r"(?:[\s_-]?\d{1,3}|[\s_-]\(?[A-H])(?![A-Za-z0-9])|[PSTQ]\d{1,2}(?![A-Za-z0-9])"
    r"|\d{1,2}(?:st|nd|rd|th)(?![A-Za-z0-9])|\d{1,2}[A-HXYZ]\d?(?![A-Za-z0-9])|[AB]\s?[-/]?\s?Day|\d\d/\d\d(?![/\d])|"
    r"[AB][\s_-]Day|AP[\s_-]|IB[\s_-])",
    re.I,
)
_SUBJECT_END = re.compile(
    r"(?:ics|ology|ologies|ography|onomy|metry|systems|sciences?|studies|genesis|pathy|therapy|istry|culture)$"
)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_TOKEN = re.compile(
    r"(?<![A-Za-z0-9'’@-])(?<![A-Za-z]\.)(?P<id>[a-z]{2,12}\d{0,6})(?![A-Za-z0-9@]|-[A-Za-z0-9]|\.[a-z])"
)
_CALLED_FOR = re.compile(
    r"(?<![^\W_])(?:(?:taught|led|built|made|owned|developed|designed|created|copied|managed|shared|run)\s(?:by|from)|"
    r"instructors?(?:\sof\srecord)?|owner|author|faculty|"
    r"prof(?:essor)?|teacher|lead|designer|developer|builder|ta|contact|by|login|netid|user|of|from|for)[\s:=(\[<*@_-]{1,3}$",
    re.I,
)
_FOREIGN = frozenset(  # small words of other languages
    word_list("foreign_small_words")
) - frozenset("as in do en i o e an a die".split())
_BEFORE_A_TOPIC = re.compile(
    r"(?<![^\W_])(?:of|in|to|on|for|through|about|and|the|from|with|as|an?|de|di|using|world|school|works|saint|st\.?)\s$",
    re.I,
)
# Short forms of school subjects, and what stands in a field of its own without naming anybody.
_SHORT = frozenset(word_list("school_short_forms"))


def instructors_in(name: str) -> list[tuple[int, int]]:
    """Return the spans of directory ids and surnames, sorted."""
    return sorted(set(_ids(name)) | set(_surnames(name)))


def _ids(name: str) -> Iterator[tuple[int, int]]:
    if match := _AFTER_TERM.search(name):
        for part in re.finditer(r"[\w'-]+", match["ids"]):
            start, end = match.start("ids") + part.start(), match.start("ids") + part.end()
            if (_ID.fullmatch(part.group()) and _is_id(part.group())) or _is_surname(part.group()):
                yield start, end
    for match in _ALONE.finditer(name):
        if _MIXED_ID.fullmatch(match["id"]) and _is_id(match["id"]):
            yield match.span("id")
    if not _CAPITALS.search(name):
        return  # an all lower-case name proves nothing
    for token in _TOKEN.finditer(name):
        if _is_coined(name, *token.span("id")):
            yield token.span("id")
    for trial in _OF_TRIAL.finditer(name):
        side = "after" if trial["after"] else "before"
        if _is_id(trial[side]) and trial[side] not in _TOOLS and trial[side] not in TERMS:
            yield trial.span(side)
    for part in _AT_AN_END.finditer(name):
        word = part["id"]
        mixed = _MIXED_ID.fullmatch(word) is not None
        plain = word.isalpha() and len(word) >= 5 and word not in _TOOLS and not is_proper(word)
        if _is_id(word) and word not in TERMS and (mixed or (plain and _is_set_apart(name, *part.span("id")))):
            yield part.span("id")


def _is_coined(name: str, start: int, end: int) -> bool:
    """Return whether lower-case letters, with digits or without, are no word of any kind in a name whose other words are."""
    word = name[start:end]
    letters, digits = word.rstrip("0123456789"), len(word) - len(word.rstrip("0123456789"))
    if (
        not letters.isalpha()
        or letters in _SHORT
        or letters.upper() in KNOWN_SUBJECTS | NO_SUBJECT
        or word in _TOOLS
        or word in TERMS
    ):
        return False
    if digits and len(letters) < 4:
        return (
            digits >= 3 and len(letters) > 1 and not is_word(letters) and not re.fullmatch(r"(?:19|20)\d\d", word[-4:])
        )
    if digits:
        return not (
            is_word(letters) or is_ordinary(letters) or is_proper(letters) or letters in TERMS or letters in _TOOLS
        )
    if _CALLED_FOR.search(name, max(0, start - 24), start):
        return not reads_as_word(letters, slips=False)
    return len(letters) >= 5 and not reads_as_word(letters) and _is_english(name, start, end)


def _is_english(name: str, start: int, end: int) -> bool:
    """Return whether one of the words beside ``name[start:end]`` at least is English, and none of another language."""
    words = [word for word in LETTERS.findall(f"{name[:start]} {name[end:]}") if not word.isupper() or len(word) > 4]
    if not name.isascii() or any(word.lower() in _FOREIGN for word in words):
        return False
    known = [word for word in words if len(word) > 2 and (is_course_work(word) or reads_as_word(word))]
    strange = [word for word in words if len(word) > 3 and word not in known and word.islower()]
    return bool(known) and len(strange) <= len(known) // 2


def _is_set_apart(name: str, start: int, end: int) -> bool:
    """Return whether a sign precedes it, or it is the last word of a dated name whose other long words have capitals. "Intro to
    microcontrollers" has none."""
    before = name[:start]
    if not before or before[-1] != " " or before.rstrip()[-1:] in "-–—|/~:<([":
        return True
    others = [word for word in _WORD.findall(before) if len(word) > 3]
    return bool(re.search(_YEAR, name)) and bool(others) and all(word[0].isupper() for word in others)


def _surnames(name: str) -> Iterator[tuple[int, int]]:
    if (match := _BEFORE_TERM.search(name)) and _is_surname(match["name"]):
        yield match.span("name")
    for pair in _TOGETHER.finditer(name):
        if _is_surname(pair["one"]) and _is_surname(pair["other"]):
            yield pair.span("one")
            yield pair.span("other")
    for word in _NAME.finditer(name):
        if (
            _ends_a_field(name, *word.span())
            and _is_surname(word.group())
            and _is_strange(word.group())
            and _is_english(name, *word.span())
        ):
            yield word.span()
    marked = [match.span() for match in _MARK.finditer(name)]
    dashed = len(re.findall(r"(?<=\w)[-_](?=\w)", name)) >= 2
    if not marked and not dashed:
        return
    for field in re.finditer(r"[^-_|,:()\[\]/]+", name):
        words = list(_NAME.finditer(field.group()))
        alone = len(_WORD.findall(field.group())) == 1 and not re.search(r"\d", field.group())
        for word in words:
            start, end = field.start() + word.start(), field.start() + word.end()
            if any(low < end and start < high for low, high in marked):
                continue
            surname = _is_surname(word.group())
            if (alone and (surname or _is_common(word.group()))) or (surname and _at_border(name, start, end, marked)):
                yield start, end


def _ends_a_field(name: str, start: int, end: int) -> bool:
    """Return whether a word is last in a field of the name, or first before a sign, and does not belong to the words before it."""
    if _BEFORE_A_TOPIC.search(name, max(0, start - 10), start):
        return False
    last = re.match(r"['’]s\b|\s*(?:$|[-–—|:;,/()\[\]_&+~*]|\d)", name[end:]) is not None
    first = not name[:start].strip(" -_*([") or name[:start].rstrip()[-1:] in "-–—|:;,/([_~*"
    return last or (first and re.match(r"\s(?:[A-Z]{2,4}\b|\d)", name[end:]) is not None)


def _is_strange(word: str) -> bool:
    return all(not reads_as_word(part) for part in re.split(r"['’-]", word) if len(part) > 2)


def _at_border(name: str, start: int, end: int, marked: list[tuple[int, int]]) -> bool:
    """Return whether it is at the name's beginning or end, or beside a mark."""
    return (
        not name[:start].strip()
        or not name[end:].strip()
        or any(0 <= start - high <= 2 or 0 <= low - end <= 2 for low, high in marked)
    )


def _is_id(word: str) -> bool:
    if _SHORT_ID.fullmatch(word):
        return True
    letters = word.rstrip("0123456789").lower()
    if letters in _SHORT or letters.upper() in KNOWN_SUBJECTS | NO_SUBJECT:
        return False
    return not (is_word(letters) or is_ordinary(letters) or is_slip(letters) or is_course_work(letters)) or (
        letters != word and not is_course_work(letters) and not is_ordinary(letters)
    )


def _is_surname(word: str) -> bool:
    """Match a capitalised word that is no subject, no dictionary word, and no eponym."""
    if not _NAME.fullmatch(word) or len(word) < 3 or not any(c.islower() for c in word):
        return False
    if _SUBJECT_END.search(word):
        return False
    parts = re.split(r"['’-]", word)
    return not any(
        part.lower() in _SHORT or part.upper() in KNOWN_SUBJECTS | NO_SUBJECT or is_course_work(part) or is_famous(part)
        for part in parts
    ) and not all(
        is_word(part) or is_slip(part) or (is_proper(part) and part.title() not in SURNAMES)
        for part in parts
        if len(part) > 1
    )


def _is_common(word: str) -> bool:
    """Match a common surname, be it a word too ("Baker")."""
    return word.title() in SURNAMES and word[0].isupper() and not is_course_work(word) and word.lower() not in _SHORT
