"""Find people after a word that asks for one, where the name alone does not prove it: "Interview with J Pearson", "Ask Will".

The work is linear. A given name that is a word too counts only after these cues. What continues a sentence ("Interview with
Experts", "Call Bill Pay") is no name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import GIVEN, SURNAMES
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_famous, is_ordinary, is_proper, is_word
from canvas_pipeline.privacy.word_lists import word_list

WORD_GIVEN = frozenset(word_list("given_names_and_words"))
# Surnames that are words, beside those of the gazetteer.
_WORD_SURNAMES = frozenset(word_list("surnames_and_words"))
_NOT_ALONE = frozenset("Dean Major Duke Christian Angel Van Summer Autumn Happy Gay Win Max".split())
UNSURE = frozenset("Art August May April June".split())  # alone only where the sentence ends or goes on about them
GOES_ON = re.compile(r"\s?(?:$|[,.;!?)]|\((?!\d)|[A-Z]\.(?!\w)|(?:about|to|for|and|re|on|if|when|why|at|from)\s(?!\d))")
_CUE = (
    r"mrs?\.?|ms\.?|dr\.?|prof\.?|aunt|uncle|grand(?:ma|pa|mother|father)|interview(?:ing|ed|ee|er|s)?(?:\s(?:with|of))?|"
    r"meet(?:ing)?\swith|(?:coffee|lunch|dinner|breakfast|call|chat|coffee\schat|talk|zoom|session|check-?in|"
    r"walk|appointment|conversation|one-on-one|1:1|1-on-1|office\shours|oh)\swith|talk(?:ed|ing)?\sto|ask|thank|remind|email|"
    r"e-?mail|call|text|dm|b?cc|dear|hi|hello|"
    r"partners?|lab\spartner|mentor|advis[eo]r|tutor|roommate|teammates?|classmate|buddy|supervisor|coach|grader|reviewer|ta|"
    r"instructor|"
    r"teacher|contact|presenter|speaker|host|"
    r"(?:graded|tutor(?:ing|ed)|taught|led|hosted|presented|reviewed|moderated|coached|proctored|feedback)\sby|"
    r"peer\s(?:review|eval(?:uation)?|critique|feedback|assessment)\s(?:of|for|from|by|with)"
)
# A word of each cue, in small letters.
_CUE_WORDS = frozenset(word_list("person_cues"))
_SIGN = r"(?:\s?[:=]\s?|\s\(|\s[-–—]\s|\s)"
PART = r"[^\W\d_a-z][^\W\d_]{1,24}(?:['’-][^\W\d_]{1,24})?"
_CUED = re.compile(
    rf"(?<![\w@])(?P<cue>(?i:{_CUE})){_SIGN}(?P<name>(?P<initials>(?:[A-Z](?:\.\s?|"
    rf"\s?)){{1,3}}(?<=[\s.]))?(?P<first>{PART})(?: (?P<last>{PART}))?)(?![\w@])"
)
_WITH = re.compile(r"(?i:with|interview\w*|of)$")
# Cues after which a dash or colon is needed: "Ask", "Call" are followed by anything.
_LABELS = re.compile(
    r"(?i:partners?|lab\spartner|mentor|advis[eo]r|tutor|roommate|teammates?|classmate|buddy|supervisor|coach|grader|"
    r"reviewer|ta|instructor|teacher|contact|presenter|speaker|host)"
)
# The next of several who are named together.
_NEXT = re.compile(
    rf"\s?(?:,(?:\s(?:and|&))?|&|\+|/|and\b|with\b)\s?(?P<name>(?P<first>{PART})(?: (?P<last>{PART}))?)(?![\w@])"
)
_GROUP = re.compile(
    r"(?<![\w@])(?i:groups?|team|table|pair|squad|members?|partners?|presenters?|authors?|duo)(?:\s?#?\d{1,2}|\s[A-Z])?"
    rf"\s?[-–—:(]\s?(?P<first>{PART})(?=\s?(?:,|&|/|\+|and\b))"
)
_ENCLOSED = re.compile(
    r"(?<![\w@])(?i:advis\w{2,4}|mentor\w{0,3}|tutor\w{0,3}|appointment|meeting|check-?in|conference|interview|session|"
    rf"office\shours|1:1|ta|grader)(?:\s[^\W\d_]{{1,15}}){{0,2}}\s\((?P<name>(?P<first>{PART}) (?P<last>{PART}))\)"
)
_HONOURED = re.compile(
    rf"(?<![\w@])(?:Mrs?|Ms|Miss|Mx|Dr)\.? (?P<name>{PART})(?=\s*(?:$|[,.;:!?)/&]|\s[-–—(])|'s|\s(?:to|for|about|if|and)\s)(?!-)"
)
_MONTHS = frozenset("April May June August Summer Autumn".split())


def cued(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans for each kind of cue, left to right, with those who are named together with the first."""
    if _CUE_WORDS.isdisjoint(LETTERS.findall(text.lower())):
        return
    for start, end in _called_for(text):
        yield start, end
        yield from joined(text, end)
    for match in _GROUP.finditer(text):
        others = list(joined(text, match.end("first"))) if is_given(match["first"]) else []
        names = {match["first"], *(text[start:end] for start, end in others)}
        if others and not names <= _MONTHS:
            yield match.span("first")
            yield from others
    for match in _ENCLOSED.finditer(text):
        first, last = match["first"], match["last"]
        unsure = first in _NOT_ALONE or first in UNSURE or is_course_work(last)
        if is_given(first) and (not unsure or is_surname(last)):
            yield match.span("name")
    for match in _HONOURED.finditer(text):
        yield match.span("name")


def is_given(word: str) -> bool:
    """Return whether a capitalised word is a given name, be it a word too."""
    return word in GIVEN or word in WORD_GIVEN


def joined(text: str, at: int) -> Iterator[tuple[int, int]]:
    """Yield further names behind one that ends at ``at``: "Rob & June", "Will, Pat and Ivy Stone"."""
    while match := _NEXT.match(text, at):
        first, last = match["first"], match["last"]
        given = is_given(first)
        if given and last and (not is_course_work(last) or is_surname(last)):
            at = match.end("last")
        elif (given and stands_alone(first, text[match.end("first") :])) or (not last and _is_nobody_else(first)):
            at = match.end("first")
        else:
            return
        yield match.start("name"), at


def _called_for(text: str) -> Iterator[tuple[int, int]]:
    for match in _CUED.finditer(text):
        first, last = match["first"], match["last"]
        after = text[match.end("first") :]
        if match["initials"]:
            if _is_initialed(match["cue"], match["initials"].strip(), first):
                yield match.start("name"), match.end("first")
            continue
        unsigned = text[match.end("cue")] == " " and text[match.end("cue") + 1] not in "-–—"
        if unsigned and _LABELS.fullmatch(match["cue"]) and first not in GIVEN:
            continue
        given = is_given(first)
        if (
            last
            and given
            and (
                not is_course_work(last) or is_surname(last) or (_WITH.search(match["cue"]) and first not in _NOT_ALONE)
            )
        ):
            yield match.start("name"), match.end("last")
        elif (given and stands_alone(first, after)) or (not last and _is_nobody_else(first)):
            yield match.start("name"), match.end("first")


def stands_alone(given: str, after: str) -> bool:
    """Return whether a given name alone is a person, by the text after it."""
    return given not in _NOT_ALONE and not _runs_on(after) and (given not in UNSURE or GOES_ON.match(after) is not None)


def is_surname(word: str) -> bool:
    """Match a common surname or proper name, be it a word of course work too ("Page")."""
    return word in SURNAMES or word in _WORD_SURNAMES or is_proper(word)


def _is_nobody_else(name: str) -> bool:
    """Match a known surname or proper name that is no ordinary word."""
    return (name in SURNAMES or (is_proper(name) and not is_word(name))) and not is_ordinary(name)


def _is_initialed(cue: str, initials: str, surname: str) -> bool:
    """Match initials and a surname, not a list's letter or an article ("Partner A Worksheet", "Interview with A Scientist")."""
    if is_proper(surname) or is_famous(surname) or not is_word(surname):
        return True
    return _WITH.search(cue) is not None and initials not in ("A", "I")


def _runs_on(after: str) -> bool:
    """Return whether a capitalised word of course work follows ("Call Bill Pay", "Text Mark-up"), so that this is no name."""
    return re.match(r"[-’']|\s[^\W\d_a-z][^\W\d_A-Z]", after) is not None and re.match(r"['’]s\b", after) is None
