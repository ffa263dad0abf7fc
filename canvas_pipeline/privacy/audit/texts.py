"""Convert a line or value to the texts that the auditor searches: the text itself, and what it reads once undone.

An identity is found that is escaped, percent-encoded, an HTML entity, written full-width or in other digits, split by an
invisible character or by tags, or inside a JSON text inside a JSON text. Undoing is bounded (three rounds, six levels) and
linear. Keys are searched too; one that is no plain word never enters a field's name.
"""

from __future__ import annotations

import html
import re
import unicodedata
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import msgspec

MAX_ROUNDS, MAX_DEPTH = 3, 6
_ESCAPE = re.compile(
    r"\\u[0-9a-fA-F]{4}|\\x[0-9a-fA-F]{2}|\\[nrtbf\"/\\]|=\r?\n|%[0-9A-Fa-f]{2}|&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z]{2,10});"
)
_BACKSLASH = re.compile(r"\\(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|([nrtbf\"/\\]))")
_SURROGATES = re.compile(r"[\ud800-\udbff][\udc00-\udfff]")
_DASHES = dict.fromkeys(map(ord, "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe58\ufe63"), "-")
# Letters of other alphabets that look like ours, as far as codes and addresses use them.
_ALIKE = dict(zip(map(ord, "АВЕКМНОРСТХаеорсухіΑΒΕΖΗΙΚΜΝΟΡΤΧ"), "ABEKMHOPCTXaeopcyxiABEZHIKMNOPTX", strict=True))
_QUOTES = ('<|"|>', '"')
_TAG = re.compile(r"</?[A-Za-z][^<>|]{0,200}>|<!--|-->")
_PLAIN_KEY = re.compile(r"[A-Za-z_]{1,40}")
# A number under such a key is read as text: as a value it has no words around it that give it away.
_TELLING_KEY = re.compile(
    r"(?i)phone|mobile|cell|fax|ssn|social_security|student_?(?:id|number)|banner_?id|sis_\w*id|crn"
)


def readings(text: str) -> Iterator[str]:
    """Yield the text, and its forms without escapes, entities, look-alikes, invisible characters and tags, where they differ."""
    yield text
    if not text.isascii() or _ESCAPE.search(text) or "<" in text:
        undone = normalised(text)
        if undone != text:
            yield undone
        bare = _TAG.sub("", undone) if "<" in undone else undone
        if bare != undone:
            yield bare


def normalised(text: str) -> str:
    """Return one plain spelling of a text; a plain text is returned unchanged."""
    text = text.replace(*_QUOTES)
    for _ in range(MAX_ROUNDS):
        before = text
        if "\\" in text:
            text = _BACKSLASH.sub(_unescaped, text)
            text = _SURROGATES.sub(lambda m: m.group().encode("utf-16", "surrogatepass").decode("utf-16"), text)
        if "%" in text:
            text = unquote(text, errors="ignore")
        if "&" in text:
            text = html.unescape(text)
        text = text.replace("=\r\n", "").replace("=\n", "")
        if text == before:
            break
    return text if text.isascii() else _plain_letters(text)


def _unescaped(match: re.Match[str]) -> str:
    code = match[1] or match[2]
    if code:
        return chr(int(code, 16))
    return match[3] if match[3] in '"/\\' else " "


def _plain_letters(text: str) -> str:
    text = unicodedata.normalize("NFKC", text).translate(_DASHES).translate(_ALIKE)
    if text.isascii():
        return text
    plain = []
    for char in text:
        if char.isascii():
            plain.append(char)
            continue
        category = unicodedata.category(char)
        if category == "Nd":
            plain.append(str(unicodedata.digit(char)))
        elif category not in ("Cf", "Me") and char != "\u034f":  # invisible: joiners, soft hyphens, marks of direction
            plain.append(" " if category == "Zs" else char)
    return "".join(plain)


def strings_of(line: str) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of a line: every key and string of its JSON, or the line itself where it is none."""
    value = _json(line.lstrip("\ufeff \t"))
    if value is None:
        yield "", line
    else:
        yield from walk(value, "")


def _json(text: str) -> Any:
    """Return the object or array that a text is, or None."""
    if text[:1] not in ("{", "["):
        return None
    try:
        found = msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
        return None
    return found if isinstance(found, (dict, list)) else None


def walk(value: Any, path: str, depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of a decoded value: strings, keys, telling numbers, and the JSON texts inside strings."""
    stack: list[tuple[str, Any, int]] = [(path, value, depth)]
    while stack:
        here, node, level = stack.pop()
        if isinstance(node, str):
            yield here, node
            inner = _json(node) if level < MAX_DEPTH else None
            if inner is not None:
                stack.append((f"{here}>", inner, level + 1))
        elif isinstance(node, dict):
            children = []
            for position, (key, child) in enumerate(node.items()):
                plain = _PLAIN_KEY.fullmatch(key) is not None
                below = f"{here}.{key if plain else f'key{position}'}".lstrip(".")
                if not plain:  # letters and underscores alone name nobody that the auditor knows of
                    yield f"{below} (key)", key
                if type(child) is int and child >= 10_000 and _TELLING_KEY.search(key):
                    yield below, f"{key.replace('_', ' ')} {child}"
                elif isinstance(child, (str, dict, list)):
                    children.append((below, child, level))
            stack.extend(reversed(children))
        elif isinstance(node, list):
            stack.extend(
                (f"{here}[{i}]", child, level)
                for i, child in reversed(list(enumerate(node)))
                if isinstance(child, (str, dict, list))
            )
