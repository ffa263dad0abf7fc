"""Tell whether an answer after a tool result states something that nothing in the conversation states, and whether it owns up.

Checked are instants, dates, times of day, ids, numbers, and names (titles, courses, people). An answer in plain words has none of
them and is faithful. A number may also be the length of a list in a result ("3 items") or part of a date. The first word of a
sentence, weekdays, months and function words are not names, so the measure is a lower bound; and it compares words, not sense: an
answer that takes a true value for another thing passes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

_INSTANT = re.compile(r"\b(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d))?")
_TIME = re.compile(r"(?<![\d:])\d{1,2}:\d\d(?![\d:])")
_ID = re.compile(r"@[A-Z]+\d+|\b[A-Za-z_]+-?\d+\b")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_NAME = re.compile(r"[^\W\d_a-z][^\W\d_]+(?:[ -][^\W\d_a-z][^\W\d_]*)*")
_SENTENCE = re.compile(r"^\s*|[.!?]\s+|\n\s*")
_ADMITS = re.compile(
    r"\b(?:no|not|nothing|none|empty|never|cannot|unable|failed|unknown|missing|invalid|expired)\b|n['’]t\b|\?",
    re.IGNORECASE,
)
_NO_NAMES = frozenset(
    "monday tuesday wednesday thursday friday saturday sunday january february march april may june july august september "
    "october november december utc "
    "a an the this that these those it its you your yours we our they their there here he she his her i me my no not none nothing "
    "all any each every some one two if when while as at by for from in of on or and but so to with about after before until yes "
    "do does did is are was were be been has have had can could will would should must please what which who how why where".split()
)
"""Capitalised words that name nothing: the calendar's, and English function words (after a colon, say)."""


def invented(messages: Sequence[Message], answer: str) -> tuple[str, ...]:
    """List what an answer states and nothing in ``messages`` does, in the order of the kinds above."""
    known = _Known(messages)
    text = CALLS.unescape(CALLS.parse(answer).text)
    return tuple(dict.fromkeys(_unknown(text, known)))


def honest(messages: Sequence[Message], answer: str) -> bool:
    """Tell whether an answer after a failed, empty or ambiguous result says so or asks, and invents nothing."""
    text = CALLS.unescape(CALLS.parse(answer).text)
    return _ADMITS.search(text) is not None and not invented(messages, answer)


def _unknown(text: str, known: _Known) -> Iterator[str]:
    for instant in _INSTANT.finditer(text):
        if not known.holds_instant(instant[1], instant[2]):
            yield instant[0]
    text = _INSTANT.sub(" ", text)
    yield from (time for time in _TIME.findall(text) if not known.holds_time(time))
    text = _TIME.sub(" ", text)
    yield from (found for found in _ID.findall(text) if not known.holds_words(found))
    text = _ID.sub(" ", text)
    yield from (number for number in _NUMBER.findall(text) if not known.holds_number(number))
    yield from (name for name in _names(text) if not known.holds_words(name))


def _names(text: str) -> Iterator[str]:
    """Yield the runs of capitalised words, without the word that a sentence begins with."""
    starts = {match.end() for match in _SENTENCE.finditer(text)}
    for match in _NAME.finditer(text):
        words = match[0].split(" ")
        if match.start() in starts:
            words = words[1:]
        words = [word for word in words if word.casefold() not in _NO_NAMES]
        if words:
            yield " ".join(words)


class _Known:
    """What a conversation states: its words, instants, numbers, and the lengths of the lists in its results."""

    def __init__(self, messages: Sequence[Message]) -> None:
        texts = [CALLS.unescape(message.content) for message in messages]
        whole = "\n".join(texts)
        self._words = _plain(whole)
        self._instants = {(day, time) for day, time in _INSTANT.findall(whole)}
        self._days = {day for day, _ in self._instants}
        self._times = {time for _, time in self._instants if time} | set(_TIME.findall(whole))
        self._numbers = {_value(number) for number in _NUMBER.findall(_INSTANT.sub(" ", whole))}
        self._numbers |= {_value(part) for day in self._days for part in day.split("-")}
        for message, text in zip(messages, texts, strict=True):
            if message.role == "tool":
                self._numbers |= set(_lengths(_read(text)))

    def holds_instant(self, day: str, time: str) -> bool:
        return (day, time) in self._instants if time else day in self._days

    def holds_time(self, time: str) -> bool:
        return time.zfill(5) in self._times or time in self._times

    def holds_number(self, number: str) -> bool:
        return _value(number) in self._numbers

    def holds_words(self, words: str) -> bool:
        return re.search(rf"(?<!\w){re.escape(_plain(words))}(?!\w)", self._words) is not None


def _plain(text: str) -> str:
    return " ".join(text.replace("\\n", " ").split()).casefold()


def _value(number: str) -> float:
    try:
        return float(number.replace(",", ""))
    except ValueError:  # 1.2.3 is a version or a section: compared with nothing
        return float("nan")


def _read(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _lengths(value: Any) -> Iterator[float]:
    if isinstance(value, list):
        yield float(len(value))
    inner: Iterable[Any] = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    for each in inner:
        yield from _lengths(each)
