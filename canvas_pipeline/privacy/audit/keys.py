"""Search texts for identities of the private registry, in time linear in the text, however large the registry is.

Raw identities are ``course/CS/3704/21936/202601``, or any other raw text. One pass of a fixed expression finds candidates; a
hash set decides. No key is ever part of an expression, a message or a ``repr``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from canvas_pipeline.errors import BadInput, CanvasPipelineError
from canvas_pipeline.privacy.audit.patterns import COUNTED
from canvas_pipeline.privacy.courses.registry_file import raw_identities

_COURSE = re.compile(r"(?:of/[^/]+/)?course/([^/]+)/([^/]+)/([^/]+)/([^/]+)")
# Codes of numbers and signs ("27-314", "01:640:252", "en.715.309") as they are written; after a page or chapter they
# are none.
_NUMBERED = re.compile(r"(?:[a-z]{2,5}[.-])?\d{1,3}(?:[-.:]\d{3,4}){1,2}")
_OWN_CODE = re.compile(rf"of/[^/]+/code/({_NUMBERED.pattern})")
_NUMBERED_IN_TEXT = re.compile(
    rf"(?i)(?<![\w.:@-])(?<!page )(?<!pages )(?<!pp\. )(?<!chapter )(?<!problem )(?<!problems )(?<!version "
    rf"){_NUMBERED.pattern}(?!\w|[-.:]\d)"
)
_RAW = re.compile(r"(?:of/[^/\s\"'<>|]{1,80}/)?course/[^\s\"'<>|]{1,80}|of/[^\s\"'<>|]{1,120}")
# Lower case and a blank before the number: "at 1200 words" is no course, "at1200" and "AT 1200" may be.
_CODE = re.compile(
    r"(?<![A-Za-z0-9@#])([A-Za-z]{2,11})([ _./\u00a0\u2010-\u2015-]{0,2})(\d{3,5}[A-Za-z]?)(?![0-9A-Za-z])"
)
_NUMBER = re.compile(rf"(?<![A-Za-z0-9.,:=#/+@-])(?<![:=|] )\d{{5}}(?![A-Za-z0-9%/-]|[.,]\d)(?! ?{COUNTED}\b)(?! \|)")
_WORD = re.compile(r"\w+")
_ENGLISH = frozenset(
    "art as at be by do fin he if in is it law lab mine me no of on or real red so span to up us we write read "
    "top max min over from page pages chapter about only under until till week day year info form part step task item "
    "word words".split()
)  # fmt: skip


class RegistryKeys:
    """Codes, registration numbers and raw texts to search for. Its ``repr`` shows their number only."""

    def __init__(self, identities: Iterable[str] = ()) -> None:
        self._raw: set[str] = set()
        self._codes: set[tuple[str, str]] = set()
        self._crns: set[str] = set()
        self._numbered: set[str] = set()
        self._phrases: dict[str, list[tuple[str, ...]]] = {}
        for identity in filter(None, identities):
            self._raw.add(identity)
            if found := _COURSE.fullmatch(identity):
                subject, number, crn, _ = found.groups()
                if "-" not in (subject, number):
                    self._codes.add((subject.upper(), number.upper()))
                if crn != "-":
                    self._crns.add(crn)
            elif own := _OWN_CODE.fullmatch(identity):
                self._numbered.add(own[1])
            elif "@COURSE" not in identity:
                words = tuple(_WORD.findall(identity.casefold()))
                if len("".join(words)) >= 5:
                    self._phrases.setdefault(words[0], []).append(words)

    def __len__(self) -> int:
        return len(self._raw)

    def __repr__(self) -> str:
        return f"RegistryKeys({len(self)} withheld)"

    def types_in(self, text: str, numbers: bool = True) -> Iterator[str]:
        """Yield the types of what a text has of the registry. ``numbers=False``: bare registration numbers do not count (in a
        tokenizer's vocabulary every number is a token)."""
        if not self._raw:
            return
        if "/" in text and any(m.group().rstrip(".,;:)") in self._raw for m in _RAW.finditer(text)):
            yield "REGISTRY_ENTRY"
        if any(self._is_code(match) for match in _CODE.finditer(text)):
            yield "COURSE_CODE"
        if self._numbered and any(
            match.group().lower() in self._numbered for match in _NUMBERED_IN_TEXT.finditer(text)
        ):
            yield "COURSE_CODE"
        if numbers and any(match.group() in self._crns for match in _NUMBER.finditer(text)):
            yield "COURSE_CRN"
        if self._phrases and self._has_phrase(text):
            yield "REGISTRY_ENTRY"

    def _is_code(self, match: re.Match[str]) -> bool:
        subject, gap, number = match.groups()
        if (subject.upper(), number.upper()) not in self._codes:
            return False
        return not (gap and subject.islower() and subject in _ENGLISH)

    def _has_phrase(self, text: str) -> bool:
        words = _WORD.findall(text.casefold())
        for position, word in enumerate(words):
            for phrase in self._phrases.get(word, ()):
                if tuple(words[position : position + len(phrase)]) == phrase:
                    return True
        return False


def keys_of(path: Path, environ: Mapping[str, str]) -> RegistryKeys:
    """Read the keys of a registry file, plain or encrypted (with the key in the environment). Raises ``BadInput`` where it
    cannot be read: an audit without its keys must not look clean."""
    try:
        return RegistryKeys(raw_identities(path, environ))
    except (OSError, ValueError, CanvasPipelineError):
        raise BadInput(
            f"{path}: the course registry cannot be read; the audit needs it (and, where it is encrypted, its key in the "
            "environment) to know what to look for"
        ) from None
