"""Read JSON that the strict reader refuses, as far as possible without guessing, and count the repairs by code (``MENDED``).

An object with two different values for one key is returned as ``Ambiguous``, for the caller to leave out. Time is linear in the
length of the text.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

MENDED: Mapping[str, str] = {
    "blank": "blank lines were removed",
    "byte_order_mark": "a byte-order mark in the middle of the file was removed",
    "utf16": "the file was UTF-16 and is UTF-8 now",
    "one_value_per_line": "JSON that ran over several lines, or stood together on one, has a line for each object now",
    "windows_1252": "bytes that were not UTF-8 were read as Windows-1252, what old editors write; look at accents and quotes",
    "nul_removed": "NUL characters were removed",
    "half_character": "a broken half of an emoji was replaced by U+FFFD",
    "control_character": "a tab or other control character inside a string is escaped now",
    "extra_comma": "a comma with nothing behind it was removed",
    "same_key_twice": "a key that stood twice with the same value stands once now",
    "not_a_number": "NaN or infinity is null now",
}
_DECODER_NAME = "canvas-pipeline-windows-1252"
_STRING_OR_COMMA = re.compile(r'"(?:[^"\\]|\\.)*"|,(?=\s*[}\]])', re.S)
_BETWEEN = re.compile(r"[\s,]*")


class Ambiguous(dict[str, Any]):
    """An object that has a key twice with different values."""


class NotJson(Exception):
    """The text cannot be read as JSON even leniently."""


def text_of(line: bytes, mended: Counter[str]) -> str:
    """Decode a line as UTF-8, and as Windows-1252 where its bytes are not UTF-8."""
    if line.startswith(codecs.BOM_UTF8):
        mended["byte_order_mark"] += 1
        line = line.removeprefix(codecs.BOM_UTF8)
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        codecs.register_error(_DECODER_NAME, _windows_1252)
        text = line.decode("utf-8", _DECODER_NAME)
        mended["windows_1252"] += 1
    if "\0" in text:
        mended["nul_removed"] += 1
        text = text.replace("\0", "")
    return text


def values_of(text: str, mended: Counter[str]) -> Iterator[tuple[int, Any]]:
    """Yield (offset, value) for every JSON value in the text; the elements of a list are yielded one by one.

    Raises ``NotJson`` before the first value if any part of the text is not JSON."""
    local: Counter[str] = Counter()
    try:
        found = list(_raw_values(text, local))
    except NotJson:
        local.clear()
        found = list(_raw_values(_STRING_OR_COMMA.sub(lambda m: "" if m[0] == "," else m[0], text), local))
        local["extra_comma"] += 1
    flat = [(at, inner) for at, value in found for inner in (value if isinstance(value, list) else [value])]
    if flat and (len(flat) != 1 or flat[0][1] is not found[0][1]):
        local["one_value_per_line"] += 1
    mended.update(local)
    yield from flat


def _raw_values(text: str, mended: Counter[str]) -> Iterator[tuple[int, Any]]:
    def pairs(members: list[tuple[str, Any]]) -> dict[str, Any]:
        value = dict(members)
        if len(value) == len(members):
            return value
        first: dict[str, Any] = {}
        for key, child in members:
            # repr distinguishes 1 from 1.0 and from True, which == does not
            if key in first and repr(first[key]) != repr(child):
                return Ambiguous(value)
            first[key] = child
        mended["same_key_twice"] += 1
        return value

    def constant(_: str) -> None:
        mended["not_a_number"] += 1

    strict = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant)
    loose = json.JSONDecoder(object_pairs_hook=pairs, parse_constant=constant, strict=False)
    at = _end(_BETWEEN.match(text))
    while at < len(text):
        try:
            value, end = strict.raw_decode(text, at)
        except (ValueError, RecursionError):
            try:
                value, end = loose.raw_decode(text, at)
            except (ValueError, RecursionError):
                raise NotJson from None
            mended["control_character"] += 1
        yield at, value
        at = _end(_BETWEEN.match(text, end))


def _end(match: re.Match[str] | None) -> int:
    assert match is not None  # the pattern also matches the empty text
    return match.end()


def _windows_1252(error: UnicodeError) -> tuple[str, int]:
    assert isinstance(error, UnicodeDecodeError)
    return error.object[error.start : error.end].decode("windows-1252", "replace"), error.end
