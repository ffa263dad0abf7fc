"""Where identities stand in a contributor's file: by type, field and place, never the value.

In: lines of a file and a detector. Out: counts for each type and field with the first places. What must hold: every string is
looked at, however deeply nested and whatever its field, keys that are not ours too; a field that is not ours is not named (it may
itself be an identity); each distinct text goes to the detector once.
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
_CACHE = 1 << 17  # distinct texts whose answer is remembered
OUR_KEYS = frozenset(
    field
    for type_ in (Assignment, TodoItem, CourseSnapshot, TodoSnapshot)
    for field in type_.__struct_fields__
    if field not in ("line", "contributor")
) | {"contributor_id", "type"}  # fmt: skip
# The contributor's own id is the link by which they can leave again; it is checked by name (``contributor_id.is_safe``).
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
    """The intake's own recognisers, courses included. Raises ``MissingTool`` where Presidio is not installed."""
    from canvas_pipeline.privacy.identities.pii import Scrubber  # only who looks for identities needs the recognisers

    scrubber = Scrubber(b"validation: no placeholder leaves", "validation")

    def detect(texts: Sequence[str], course_names: bool) -> list[list[str]]:
        found = scrubber.scrub(texts, "course_name" if course_names else "text")
        return [
            [*(span.type for span in scrubbed.spans), *(["COURSE"] if crn.find(text) else [])]
            for text, scrubbed in zip(texts, found, strict=True)
        ]

    return detect


class IdentityPlaces:
    """Identities of one file so far; each distinct text goes to the detector once."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector
        self._answers: dict[tuple[bool, str], tuple[str, ...]] = {}
        self._strings: Counter[tuple[str, str]] = Counter()
        self._places: dict[tuple[str, str], list[str]] = {}

    def look(self, batch: Batch, every_line: bool) -> Iterator[tuple[str, str]]:
        """(place, type) of each string with an identity. ``every_line``: what is no JSON is looked at as text."""
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
            # Whatever a course's code looks like, it is one; no recogniser has to know its form.
            if string.field == "course_code" and not types and not _HANDLE.fullmatch(string.text):
                types = ("COURSE",)
            for type_ in types:
                key = (type_, string.field)
                self._strings[key] += 1
                if len(places := self._places.setdefault(key, [])) < _PLACES:
                    places.append(string.place)
                yield string.place, type_

    def found(self) -> tuple[Identities, ...]:
        return tuple(
            Identities(type=type_, field=field, strings=n, places=tuple(self._places[type_, field]))
            for (type_, field), n in sorted(self._strings.items())
        )


def strings_of(number: int, line: bytes, every_line: bool = False) -> Iterator[_String]:
    """Every string on a line, keys that are not ours too, with its place (``3:assignments[2].name``) and field
    (``assignments[].name``). A line that is no JSON gives nothing, or with ``every_line`` its text in pieces."""
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
