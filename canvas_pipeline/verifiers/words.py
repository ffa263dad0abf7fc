"""Split text into words, numbers and sentences, in linear time."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+(?:(?:[-'’]|(?<=\d)[.,](?=\d))[^\W_]+)*")
_NUMBER = re.compile(r"(?<![\w.,])[-−]?\d+(?:,\d{3})*(?:\.\d+)?(?![\w])")
_END = re.compile(r"[.!?…]+[\"')\]”’]*(?=\s|$)|\n\s*\n")
_LAST_TOKEN = re.compile(r"(\S+)$")
ABBREVIATIONS = frozenset("e.g i.e dr mr mrs ms prof st vs no vol fig approx".split())
_LONGEST_TOKEN = 16
"""Number of characters before a full stop in which an abbreviation is recognised."""


def clean(text: str) -> str:
    """Compose characters (NFC) and strip blanks at both ends."""
    return unicodedata.normalize("NFC", text).strip()


def words(text: str) -> list[str]:
    """Return the words, casefolded. A hyphenated word and a number (``3.5``, ``1,000``) are one word each."""
    return [match.group().casefold().replace("’", "'") for match in _WORD.finditer(clean(text))]


def plain(text: str) -> str:
    """Join the words with single blanks: no case, punctuation or spacing, so that equal texts have equal forms."""
    return " ".join(words(text))


def without_accents(text: str) -> str:
    """Drop the accents: ``días`` gives ``dias``."""
    return "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))


def numbers(text: str) -> list[float]:
    """Return the number tokens in order. ``14`` is one number and does not contain a 4."""
    found = (match.group().replace(",", "").replace("−", "-") for match in _NUMBER.finditer(clean(text)))
    return [float(number) for number in found]


def sentences(text: str) -> list[str]:
    """Split into sentences. Decimal points and abbreviations (``e.g.``) end none; a blank line ends one."""
    text = clean(text)
    parts, start = [], 0
    for end in _END.finditer(text):
        before = _LAST_TOKEN.search(text[max(start, end.start() - _LONGEST_TOKEN) : end.start()])
        token = before.group(1).casefold().lstrip("(\"'“") if before else ""
        if end.group() == "." and token in ABBREVIATIONS and end.end() < len(text):
            continue
        parts.append(text[start : end.end()])
        start = end.end()
    parts.append(text[start:])
    return [part.strip() for part in parts if _WORD.search(part)]


class Phrases:
    """A set of words and short phrases to find in a text at word borders."""

    def __init__(self, phrases: tuple[str, ...] | list[str]) -> None:
        self._by_first: dict[str, list[tuple[str, ...]]] = {}
        for phrase in phrases:
            for form in _forms(tuple(words(phrase))):
                self._by_first.setdefault(form[0], []).append(form)
        for forms in self._by_first.values():
            forms.sort(key=len, reverse=True)

    def found(self, text_words: list[str]) -> list[tuple[int, str]]:
        """Return (index of the first word, phrase in its listed form), longest match first, without overlaps."""
        hits, at = [], 0
        while at < len(text_words):
            for form in self._by_first.get(text_words[at], ()):
                if tuple(text_words[at : at + len(form)]) == form:
                    hits.append((at, singular(" ".join(form))))
                    at += len(form)
                    break
            else:
                at += 1
        return hits


def singular(phrase: str) -> str:
    """Undo the regular English plural: ``cherries`` gives ``cherry``. Words in -ss, -us and -is stay."""
    if phrase.endswith("ies") and len(phrase) > 4:
        return phrase[:-3] + "y"
    if phrase.endswith(("ches", "shes", "xes", "sses", "oes")):
        return phrase[:-2]
    if phrase.endswith("s") and not phrase.endswith(("ss", "us", "is")):
        return phrase[:-1]
    return phrase


def plural(phrase: str) -> str:
    """Form the regular English plural."""
    if phrase.endswith("y") and phrase[-2:-1] not in "aeiou":
        return phrase[:-1] + "ies"
    return phrase + ("es" if phrase.endswith(("ch", "sh", "x", "s", "o")) else "s")


def _forms(phrase: tuple[str, ...]) -> set[tuple[str, ...]]:
    """Return the phrase with its last word unchanged, in the singular and in the plural."""
    if not phrase:
        return set()
    *head, last = phrase
    return {(*head, form) for form in (last, singular(last), plural(singular(last)))}
