"""Find the final answer in a completion, in linear time.

It stands in one of three places, in this order: after the last ``####`` (GSM8K), in the last complete ``\\boxed{}`` or ``\\fbox{}``
(MATH), after the last ``answer is`` or ``answer:``. A heading of Markdown begins with ``####`` too, so that mark counts only if
neither of the other places follows it.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Literal

from canvas_pipeline.records import Row

Place = Literal["hashes", "box", "phrase"]

_HASHES = re.compile(r"####[ \t]*([^\n]*)")
_BRACES = re.compile(r"\\[\\{}]|\\(?:boxed|fbox)(?:\s*\{|[ \t]+([^\s{}$\\]+))|[{}]")
_PHRASE = re.compile(r"\banswers?[ \t*_]*(?:is\b|are\b|:|=)(?:[ \t*_]*(?:is\b|are\b|:|=))?[\s*_]*", re.IGNORECASE)
_END_OF_PHRASE = re.compile(r"[.!?](?=[\s*]|$)|,?\s(?:because|since|as|so|which|where|given)\s", re.IGNORECASE)
_LAST_NUMBER = re.compile(r"(?<![\w.,])[-−]?\$?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?%?(?![\w,]*\d)")


class FinalAnswer(Row, frozen=True, kw_only=True):
    """A final answer and its place. ``text`` is empty where the place has no readable content, as an unclosed box has not."""

    text: str
    place: Place


def final_answer(text: str) -> FinalAnswer | None:
    """Return the final answer of a completion, or None if it gives none."""
    hashes = _last(_HASHES, text)
    phrase = _last(_PHRASE, text)
    box, box_at = _last_box(text)
    if hashes and hashes.start() > max(box_at, phrase.start() if phrase else -1):
        return FinalAnswer(text=hashes.group(1).strip(), place="hashes")
    if box is not None:
        return FinalAnswer(text=box.strip(), place="box")
    if phrase:
        return FinalAnswer(
            text=_END_OF_PHRASE.split(text[phrase.end() :].partition("\n")[0], maxsplit=1)[0].strip(" \t*_`"),
            place="phrase",
        )
    return FinalAnswer(text="", place="hashes") if hashes and not hashes.group(1).strip() else None


def last_number(text: str) -> str | None:
    """Return the last number of a text, for the lenient figure only: it need not be meant as the answer."""
    found = _last(_LAST_NUMBER, text)
    return found.group() if found else None


def _last(pattern: re.Pattern[str], text: str) -> re.Match[str] | None:
    return next(iter(deque(pattern.finditer(text), maxlen=1)), None)


def _last_box(text: str) -> tuple[str | None, int]:
    """Return (content, start) of the complete box that ends last; (``""``, start) if there are only unclosed ones."""
    content: str | None = None
    at = -1
    open_braces: list[tuple[int, int, bool]] = []
    for token in _BRACES.finditer(text):
        brace = token.group()
        if token.group(1):
            content, at = token.group(1), token.start()
        elif brace.endswith("{") and brace != "\\{":
            open_braces.append((token.start(), token.end(), brace != "{"))
        elif brace == "}" and open_braces:
            start, inside, boxed = open_braces.pop()
            if boxed:
                content, at = text[inside : token.start()], start
    if content is None:
        unclosed = [start for start, _, boxed in open_braces if boxed]
        return ("", unclosed[-1]) if unclosed else (None, -1)
    return content, at
