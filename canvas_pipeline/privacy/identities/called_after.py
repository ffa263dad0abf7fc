"""Decide whether a capitalised word that the recogniser takes for a person names a thing or a topic in a title.

The work is linear. Given names of the tables always stay, and so does a word beside another name. Three kinds are dropped: what
something is called after ("Kelvin waves", "Gricean maxims"), what is numbered or lettered ("Basel III", "Tobin's Q"), and a word
in a place of a title where only topics occur ("Topic 9: Praat", "Praat flashcards"). WordNet's terms ("Achilles tendon") are
dropped too.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.identities.gazetteer import CALLED_AFTER, GIVEN, SURNAMES, THINGS
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_ordinary, is_proper, is_word
from canvas_pipeline.privacy.identities.wordnet import is_genus, is_noun, is_thing, phrases_in

_HEAD = re.compile(r"[^\W\d_a-z][^\W\d_]+(?:-[^\W\d_]+)*")
_NOUN = re.compile(r"(?:(?:'|’)s?)? ([a-z]{3,})(?![\w'’])")
_BEFORE = re.compile(r"([^\W\d_]+)\.?[ -]$")
_ADJECTIVE = re.compile(r".{3,}(?:ian|ean|esque|ic)")
_NUMBERED = re.compile(r" (?:II|III|IV|VI|VII|VIII|IX)(?!\w)|(?:'|’)s [G-Z](?![\w.])")  # A to F are grades
_TOPIC_BEFORE = re.compile(
    r"(?:\b(?:topics?|chapter|ch|unit|module|lesson|theme|concepts?|vocab(?:ulary)?|glossary|terms?|definitions?|keywords?|"
    r"practice|drills?|exercises?|mastery check|case(?: study)?|assessment|test corrections|read and annotate|recap|homework|"
    r"hw|assignment|quiz|exam|"
    r"reading|prep work|warm-?up)\.?"
    r"(?: \d{1,3}(?:\.\d{1,2})?)?(?::|,| [-–—]| \()|\b(?:intro|introduction|guide) to|"
    r"\bmastery check|\[optional\]|"
    r"\b(?:day|tutorial|hw|homework|module|week|lab|quiz|topic|unit|lesson|lecture|reading|part|class|session|ps|pset|"
    r"problem set|exercise|"
    r"assignment|activity|exam|test|midterm) ?#?\d{1,3}(?:\.\d{1,2})?(?::| [-–—])|(?<!\w)[A-Z]?\d{1,2}(?:\.\d{1,2})?[.:)]|"
    r"\b(?:basics|definition|theory|history|use|types) of)\s?[\"“(]?$",
    re.IGNORECASE,
)
_QUOTED = re.compile(r"[\"“][^\"”]+[\"”]$")
_TOPIC_AFTER = re.compile(
    r"[\"”)]? (?:flash ?cards?|vocab(?:ulary)?|concept maps?|glossary|basics|fundamentals|overview|cheat ?sheet|tutorials?|"
    r"installation|software|syntax|dataset|workflow|one-?pager|mini-?project|recap|practice problems|self-assessment|exit ticket|"
    r"case study|explainer|problem set|journal entry|take \d)\b|[\"”)]? (?:\(resubmit\)|[-–—] take \d)",
    re.IGNORECASE,
)


def in_a_term(text: str, start: int, end: int) -> bool:
    """Return whether ``text[start:end]`` is (part of) one of WordNet's terms of several words ("Achilles tendon", "in vitro")."""
    return any(first <= start and end <= last for first, last in phrases_in(text, wide=True))


def names_a_topic(text: str, start: int, end: int, beside: frozenset[str]) -> bool:
    """Return whether ``text[start:end]`` is a thing, or what one is called after. ``beside``: words that stand beside people."""
    head = _HEAD.match(text, start)
    if head is None or not _reaches_no_further(text, head.end(), end):
        return False
    parts = head.group().split("-")
    if any(part.title() in GIVEN for part in parts) or _stands_beside_a_name(text, start):
        return False
    noun = _NOUN.match(text, head.end())
    if noun is not None and noun.end() == end and is_genus(parts[0]):
        return True
    if noun is not None and _is_called_after(head.group(), noun[1], beside):
        return True
    if len(parts) == 1 and parts[0].title() in SURNAMES:
        return False
    if head.group() == text.strip():  # a title of one word
        return True
    return any(
        pattern is not None
        for pattern in (
            _NUMBERED.match(text, head.end()),
            _TOPIC_BEFORE.search(text, max(0, start - 40), start),
            _TOPIC_AFTER.match(text, head.end()),
            _QUOTED.search(text, max(0, start - 1), min(len(text), head.end() + 1)),
        )
    )


def _reaches_no_further(text: str, at: int, end: int) -> bool:
    """Return whether the finding has only lower-case words or its number after its first word."""
    return at >= end or text[at:end].islower() or _NUMBERED.fullmatch(text, at, end) is not None


def _is_called_after(head: str, noun: str, beside: frozenset[str]) -> bool:
    if noun in beside or not is_word(noun) or noun.endswith("ing"):
        return False
    if _is_adjective(head) and is_noun(noun):
        return True
    return not is_course_work(noun) and (noun in CALLED_AFTER or noun in THINGS or is_thing(noun))


def _is_adjective(head: str) -> bool:
    low = head.lower()
    return low.title() not in SURNAMES and (
        _ADJECTIVE.fullmatch(low) is not None or (low.endswith("an") and is_proper(low))
    )


def _stands_beside_a_name(text: str, start: int) -> bool:
    before = _BEFORE.search(text, max(0, start - 40), start)
    return before is not None and before[1][0].isupper() and not is_ordinary(before[1])
