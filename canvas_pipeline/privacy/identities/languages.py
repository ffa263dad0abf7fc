"""Decide whether the trained name recogniser knows a text's language. It knows English, and takes other languages' nouns for
names.

The answer depends on the text, the findings and ``home`` only; nothing is downloaded (py3langid ships its model). Titles are
short, so the words beside a finding decide together with the detector: a foreign name must not make an English title foreign.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from typing import Any, Literal

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import GIVEN, SURNAMES
from canvas_pipeline.privacy.identities.name_gates import stands_out
from canvas_pipeline.privacy.identities.patterns import PLACEHOLDER
from canvas_pipeline.privacy.identities.persons import PARTICLES
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_famous, is_word

Home = Literal["english", "other", "unknown"]
_CANDIDATES = (
    "en es fr de pt it nl sv da nb nn no fi pl cs sk hr sl ro hu tr vi id ms ca gl et lv lt is sq tl sw".split()
)
_BEFORE_SOMEBODY = re.compile(
    r"(?<!\w)(?:de|con|a|por|para|avec|par|pour|à|chez|com|da|do|di|per|von|mit|für|bei|van|voor|met|av|med|till|til|z|od)\s$",
    re.I,
)
_SURNAME_FIRST = re.compile(r"[^\W\d_]+, [^\W\d_]+")
_MARGIN = {"english": 9.0, "unknown": 15.0, "other": -1.0}
"""By how much (log-likelihood) another language must beat English. A title alone is weak evidence, and an unmasked name is worse
than a masked word: at 2.5, one name in twenty more survived."""
_PER_ENGLISH_WORD = 6.0
_LITTLE_WORDS = frozenset("the and of with for from by at to is my our me in".split())
_BESIDE = 0.0
"""The same for the words beside the findings, if some are English: a foreign name outweighs a short title."""
_PLAINLY = 25.0
"""Lead at which one word that is English too ("final") does not count."""
_PLAINLY_ENGLISH = -12.0
"""Lead below which a title is English, though its author's other titles are not."""
_ENGLISH_ONLY = frozenset("the and of with my our your this that what how why which who their from".split())
_ENOUGH = 6.0
"""Log-likelihood from which one title counts as being in another language for ``home_of``."""


def other_script(text: str) -> bool:
    """Return whether most letters are of another alphabet than the Latin one."""
    letters = [char for char in text if char.isalpha() and not char.isascii()]
    if not letters:
        return False
    other = sum(not unicodedata.name(char, "").startswith("LATIN") for char in letters)
    return other * 2 > sum(char.isalpha() for char in text)


def only_rules(text: str, found: Sequence[tuple[int, int]], home: Home = "unknown") -> bool:
    """Return whether ``text`` is in a language that the recogniser does not know, so that only rules and patterns count.
    ``found`` are the spans that the recogniser takes for names."""
    if other_script(text):
        return True
    plain = PLACEHOLDER.sub(" ", text)
    if home == "other" and found and not _is_plainly_english(plain):
        return not _names_somebody(text, found)
    beside = _without(text, found)
    words = [word for word in LETTERS.findall(beside) if len(word) > 1]
    english = sum(_is_english(word) for word in words)
    foreign = len(words) - english
    if not english and not foreign and _could_be_named(text, found):
        return False
    if english and home == "english" and found:
        return False
    little = any(word.lower() in _LITTLE_WORDS for word in words)
    strange = any(word.lower() not in _LITTLE_WORDS and not _is_english(word) for word in words)
    if found and english and little and not strange and not _holds_small_words(text, found):
        return False  # a name beside English words
    margin = _MARGIN[home] + _PER_ENGLISH_WORD * max(0, english - foreign)
    by = lead(plain)
    if by <= margin:
        return False
    return not english or lead(beside) > _BESIDE or (english == 1 and by > _PLAINLY)


def home_of(titles: Iterable[str]) -> Home:
    """Return the language of most of a contributor's titles: English, another one, or unknown."""
    other = english = 0
    for title in titles:
        score = _ENOUGH + 1 if other_script(title) else lead(title)
        other += score > _ENOUGH
        english += score < 0 or any(len(word) > 3 and is_course_work(word) for word in LETTERS.findall(title))
    if other + english < 3:
        return "unknown"
    return "other" if other > english else "english"


def lead(text: str) -> float:
    """Return by how much the likeliest other language beats English, as a log-likelihood."""
    words = LETTERS.findall(text.lower())
    if not words:
        return 0.0
    ranked = dict(_detector().rank(" ".join(words)))
    english = float(ranked.pop("en"))
    return max(map(float, ranked.values())) - english


def _without(text: str, found: Sequence[tuple[int, int]]) -> str:
    for start, end in found:
        text = text[:start] + " " * (end - start) + text[end:]
    return PLACEHOLDER.sub(" ", text)


def _holds_small_words(text: str, found: Sequence[tuple[int, int]]) -> bool:
    """Return whether a finding includes lower-case words, which no name has, in a text that has capitals."""
    if text.islower():
        return False
    words = [word for start, end in found for word in LETTERS.findall(text[start:end])]
    return any(word.islower() and word not in PARTICLES for word in words)


def _is_english(word: str) -> bool:
    return is_word(word) and len(word) > 2


def _could_be_named(text: str, found: Sequence[tuple[int, int]]) -> bool:
    """Return whether a title that is one finding holds a name of the tables or has the surname first."""
    if any(_is_surname_first(text, *span) for span in found):
        return True
    words = [word for start, end in found for word in LETTERS.findall(text[start:end])]
    return any(word.title() in GIVEN or word.title() in SURNAMES for word in words)


def _names_somebody(text: str, found: Sequence[tuple[int, int]]) -> bool:
    """Return whether a finding holds a name of the tables that is no word, has the surname first, or has the only capitals amid
    lower-case words ("comentarios de Brindlewood"). In German, whose nouns have capitals, the last proves nothing."""
    if any(_is_surname_first(text, *span) or _has_the_capitals(text, *span) for span in found):
        return True
    words = [word for start, end in found for word in LETTERS.findall(text[start:end])]
    return any((word in GIVEN or word in SURNAMES) and not is_word(word) for word in words)


def _has_the_capitals(text: str, start: int, end: int) -> bool:
    """Return whether a finding stands out behind a word that people follow ("de", "con", "avec"); topics follow "sobre"."""
    words = LETTERS.findall(text[start:end])
    if _BEFORE_SOMEBODY.search(text, max(0, start - 12), start) is None:
        return False
    return stands_out(text, start, end) and not any(is_famous(word) or is_word(word) for word in words)


def _is_plainly_english(text: str) -> bool:
    """Return whether a title is in English though the contributor's other titles are in another language."""
    words = LETTERS.findall(text.lower())
    return not _ENGLISH_ONLY.isdisjoint(words) or (len(words) > 2 and lead(text) < _PLAINLY_ENGLISH)


def _is_surname_first(text: str, start: int, end: int) -> bool:
    """Match "Kowal, Ewa" and not "Strafrecht, Teil 2"."""
    return _SURNAME_FIRST.fullmatch(text, start, end) is not None and not text[end:].lstrip()[:1].isdigit()


@cache
def _detector() -> Any:
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier  # type: ignore[import-untyped]
    except ImportError:
        raise MissingTool("py3langid is not installed; run: uv sync --extra pii") from None
    make = getattr(LanguageIdentifier, "from_model_file", None) or LanguageIdentifier.from_pickled_model
    detector = make(MODEL_FILE)
    detector.set_languages([code for code in _CANDIDATES if code in detector.nb_classes])
    return detector
