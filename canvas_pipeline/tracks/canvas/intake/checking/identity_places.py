"""Locate identities in a contributor's file by type, field and place, without their values.

Every string is checked, however deeply nested, including unknown keys. An unknown field is not named, since its name may itself be
an identity. Each distinct text goes to the detector once.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from canvas_pipeline.privacy.courses import crn
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import (
    Assignment,
    Batch,
    CourseSnapshot,
    TodoItem,
    TodoSnapshot,
)

_HANDLE = re.compile(r"@COURSE[0-9]+")
_PLACES = 3
_CACHE = 1 << 17  # distinct texts whose result is cached
OUR_KEYS = frozenset(
    field
    for type_ in (Assignment, TodoItem, CourseSnapshot, TodoSnapshot)
    for field in type_.__struct_fields__
    if field not in ("line", "contributor")
) | {"contributor_id", "type"}  # fmt: skip
# The contributor's own id is needed to remove their rows; ``contributor_id.is_safe`` checks it.
_LINKS = frozenset({"contributor_id"})

Detector = Callable[[Sequence[str], bool], Sequence[Sequence[str]]]
"""(texts, whether they are course names) → the types of the identities in each."""


class Identities(msgspec.Struct, frozen=True, kw_only=True):
    """Identities of one type in one field of all records: how many strings hold one, and the first places (``line:field``)."""

    type: str
    field: str
    strings: int
    places: tuple[str, ...]


class _String(NamedTuple):
    place: str
    field: str
    text: str


def identity_detector() -> Detector:
    """Return the recognisers of the intake, courses included. Raises ``MissingTool`` where Presidio is not installed."""
    from canvas_pipeline.privacy.identities.pii import Scrubber  # slow to import, and only needed here

    scrubber = Scrubber(b"validation: no placeholder leaves", "validation")

    def detect(texts: Sequence[str], course_names: bool) -> list[list[str]]:
        found = scrubber.scrub(texts, "course_name" if course_names else "text")
        return [
            [*(span.type for span in scrubbed.spans), *(["COURSE"] if crn.find(text) else [])]
            for text, scrubbed in zip(texts, found, strict=True)
        ]

    return detect


class IdentityPlaces:
    """Collects the identities of one file, batch by batch."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._answers: dict[tuple[bool, str], tuple[str, ...]] = {}
        self._strings: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], list[str]] = {}

    def search(self, batch: Batch, every_line: bool) -> Iterator[tuple[str, str]]:
        """Yield (place, type) for each string with an identity. With ``every_line``, lines that are not JSON are text."""
        strings = [s for number, line in batch if isinstance(line, bytes) for s in strings_of(number, line, every_line)]
        if len(self._answers) > _CACHE:
            self._answers.clear()
        for course_names in (False, True):
            new = {s.text for s in strings if (s.field == "course_name") is course_names}
            texts = sorted(text for text in new if (course_names, text) not in self._answers)
            for text, types in zip(texts, self._detector(texts, course_names) if texts else (), strict=True):
                self._answers[course_names, text] = tuple(sorted(set(types)))
        for string in strings:
            types = self._answers[string.field == "course_name", string.text]
            # A course code is one by its field; no recogniser has to know its form.
            if string.field == "course_code" and not types and not _HANDLE.fullmatch(string.text):
                types = ("COURSE",)
            for type_ in types:
                key = (type_, string.field)
                self._strings[key] += 1
                if len(places := self._places.setdefault(key, [])) < _PLACES:
                    places.append(string.place)
                yield string.place, type_

    def identities(self) -> tuple[Identities, ...]:
        """Return all identities found so far, by type and field."""
        return tuple(
            Identities(type=type_, field=field, strings=n, places=tuple(self._places[type_, field]))
            for (type_, field), n in sorted(self._strings.items())
        )


def strings_of(number: int, line: bytes, every_line: bool = False) -> Iterator[_String]:
    """Yield every string on a line, unknown keys included, with its place (``3:assignments[2].name``) and field
    (``assignments[].name``).

    A line that is not JSON yields nothing, or with ``every_line`` its text in pieces."""
    try:
        value = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if every_line:
            for piece in line.decode("utf-8", "replace").split('"'):
                if piece.strip():
                    yield _String(f"{number}:", "", piece)
        return
    stack: list[tuple[str, str, Any]] = [("", "", value)]
    while stack:
        place, field, node = stack.pop()
        if isinstance(node, str):
            if node:
                yield _String(f"{number}:{place}", field, node)
        elif isinstance(node, list):
            stack += [(f"{place}[{i}]", f"{field}[]", child) for i, child in reversed(list(enumerate(node)))]
        elif isinstance(node, dict):
            for position, (key, child) in reversed(list(enumerate(node.items()))):
                if key in _LINKS and not place:
                    continue
                ours = key if key in OUR_KEYS else f"other{position}"
                dot = "." if place else ""
                stack.append((f"{place}{dot}{ours}", f"{field}{dot}{ours if ours == key else 'other'}", child))
                if ours != key:
                    stack.append((f"{place}{dot}{ours} (key)", f"{field}{dot}other (key)", key))
