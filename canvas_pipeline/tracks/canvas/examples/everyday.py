"""Compare the language of training texts with that of prompts that people wrote: shares of everyday forms, and n-grams."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.examples.phrasings.corrected import CORRECTED
from canvas_pipeline.tracks.canvas.examples.phrasings.spoken import MONTHS, NUMBERS, WEEKDAYS
from canvas_pipeline.tracks.canvas.rows import BenchCase, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import said

_DAYS = "|".join((*WEEKDAYS, *(name[:3] for name in WEEKDAYS)))
_MONTHS = "|".join(name for name in MONTHS if name not in ("March", "May"))
_SHORT = "|".join(name[:3] for name in MONTHS)
_FORMS: Mapping[str, re.Pattern[str]] = {
    "a relative date": re.compile(
        rf"\b(?:today|tonight|tomorrow|yesterday|(?:this|next|last|past) (?:week|weekend|month|{_DAYS})|(?:{_DAYS})\b"
        rf"|(?:in|within|over|next|last|past) (?:the )?(?:\w+ )?(?:\d+|{'|'.join(NUMBERS)}) (?:days?|weeks?))",
        re.IGNORECASE,
    ),
    "a spoken time": re.compile(
        r"\b\d{1,2}(?::\d\d)? ?(?:am|pm)\b|\bnoon\b|\bhalf past\b|\bin the (?:morning|afternoon|evening)s?\b",
        re.IGNORECASE,
    ),
    # "March" and "may" are words, too: with a day beside them they are months.
    "a month by name": re.compile(
        rf"\b(?:{_MONTHS})\b|\b(?:March|May|{_SHORT}) \d|\d(?:st|nd|rd|th)? (?:of )?(?:March|May|{_SHORT})\b",
        re.IGNORECASE,
    ),
    "a date in digits": re.compile(r"\b\d{4}-\d\d-\d\d\b"),
    "an id": re.compile(r"\bev\d+\b|(?:course|class) \d{3,5}\b"),
}
_WORD = re.compile(r"\w+(?:['’]\w+)?|[?!]")
_VALUE = re.compile(r"\d")
SIZES = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Text:
    """A user's text. ``courses`` are the names and codes of the courses in the conversation; ``place`` counts user turns from 0."""

    text: str
    courses: tuple[str, ...] = ()
    place: int = 0
    correction: bool = False


class Language(Row, frozen=True, kw_only=True):
    """The language of a set of texts. ``forms`` are shares of the texts that have a form.

    ``covered`` is, for each size of n-gram ("1", "2", …), the share of the reference's n-grams (running words, numbers
    alike) that occur in these texts; ``divergence`` is the Jensen–Shannon distance (0..1, base 2) of the distributions of words."""

    texts: int
    forms: dict[str, float]
    covered: dict[str, float]
    divergence: float


def texts_of(rows: Iterable[Trajectory | BenchCase]) -> list[Text]:
    """Return the user texts of training rows or bench cases."""
    found: list[Text] = []
    for row in rows:
        courses = tuple(_courses(row))
        users = [CALLS.unescape(said(message)) for message in row.messages if message.role == "user"]
        corrects = row.phrasing.rsplit("+", 1)[-1].split("/")[0] in CORRECTED
        for place, text in enumerate(users):
            found.append(Text(text, courses, place, corrects and place == len(users) - 1))
    return found


_LISTED = re.compile(r'"name":"([^"]+)","course_code":"([^"]+)"')


def _courses(row: Trajectory | BenchCase) -> Iterable[str]:
    for message in row.messages:
        if message.role == "tool" and message.name == "canvas.list_courses":
            for name, code in _LISTED.findall(CALLS.unescape(message.content)):
                yield from (name.casefold(), code.casefold())


_SHARES: Mapping[str, Callable[[Text], bool]] = {
    "a course by code or name": lambda text: any(name in text.text.casefold() for name in text.courses),
    "a follow-up": lambda text: text.place > 0 and not text.correction,
    "a correction": lambda text: text.correction,
}


def forms(texts: Sequence[Text]) -> dict[str, float]:
    """Return the share of texts with each everyday form."""
    count = max(1, len(texts))
    shares = {name: sum(form.search(text.text) is not None for text in texts) / count for name, form in _FORMS.items()}
    return shares | {name: sum(map(has, texts)) / count for name, has in _SHARES.items()}


def ngrams(texts: Iterable[str], size: int) -> Counter[tuple[str, ...]]:
    """Count runs of ``size`` words within texts. Words are in lower case, and all words with a digit are one."""
    counted: Counter[tuple[str, ...]] = Counter()
    for text in texts:
        words = ["#" if _VALUE.search(word) else word for word in _WORD.findall(text.lower())]
        counted.update(zip(*(words[start:] for start in range(size)), strict=False))
    return counted


def language(texts: Sequence[Text], reference: Sequence[str]) -> Language:
    """Describe texts, against reference texts that people wrote."""
    plain = [text.text for text in texts]
    covered: dict[str, float] = {}
    for size in SIZES:
        known, wanted = ngrams(plain, size), ngrams(reference, size)
        covered[str(size)] = sum(n for gram, n in wanted.items() if gram in known) / max(1, wanted.total())
    return Language(
        texts=len(texts),
        forms=forms(texts),
        covered=covered,
        divergence=divergence(ngrams(plain, 1), ngrams(reference, 1)),
    )


def divergence(first: Counter[tuple[str, ...]], second: Counter[tuple[str, ...]]) -> float:
    """Return the Jensen–Shannon distance of two distributions, 0 (equal) to 1 (nothing in common); 1 where one is empty.

    Source: Lin 1991; scipy's ``jensenshannon``."""
    from scipy.spatial.distance import jensenshannon  # here: slow to import

    if not first or not second:
        return 1.0
    words = sorted(first.keys() | second.keys())
    return float(jensenshannon([first[word] for word in words], [second[word] for word in words], base=2))
