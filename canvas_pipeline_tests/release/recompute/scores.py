"""Reads the calls of a turn in the native notation and scores them against a case."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

Z = 1.959963984540054
METRICS = ("tool selection", "exact call", "parsimony", "over calling", "termination", "malformed")
OWN_WORDS = ("title", "description", "rationale", "query", "item_a", "item_b")
FEW = 40


class Scored(NamedTuple):
    state: str
    calls: int
    selected: bool
    exact: bool
    solved: bool


class Unreadable(Exception):
    pass


def calls_of(text: str) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """The calls of a turn, and how many things in it look like a call and cannot be read."""
    text = re.split(r"<eos>|<turn\|>|<\|tool_response>", text)[0]
    found: list[tuple[str, dict[str, Any]]] = []
    broken = 0
    words: list[str] = []
    for index, part in enumerate(re.split(r"<\|tool_call>", text)):
        body, closed, rest = part.partition("<tool_call|>")
        if index == 0:
            words.append(part)
            broken += bool(closed)
            continue
        words.append(rest)
        try:
            if not closed:
                raise Unreadable
            found += block(body.strip())
        except Unreadable:
            broken += 1
    plain = " ".join(words).strip()
    foreign = r"call:[\w.]+\s*[{(]|<\|?channel|```|^\s*[\[{]\s*[\"'{]|</?\w*(?:tool|function)\w*"
    return found, broken + (re.search(foreign, plain) is not None)


def block(body: str) -> list[tuple[str, dict[str, Any]]]:
    found = []
    at = 0
    while at < len(body):
        head = re.compile(r"\s*[,;]?\s*call:([\w.]+)").match(body, at)
        if head is None:
            raise Unreadable
        value, at = read(body, head.end())
        if not isinstance(value, dict):
            raise Unreadable
        found.append((head[1], value))
    if not found:
        raise Unreadable
    return found


def read(body: str, at: int) -> tuple[Any, int]:
    """A value of the notation: mappings with bare keys, strings between ``<|"|>``, otherwise as in JSON."""
    at = skip(body, at)
    if body.startswith('<|"|>', at):
        end = body.find('<|"|>', at + 5)
        if end < 0:
            raise Unreadable
        return plain_text(body[at + 5 : end]), end + 5
    if body[at : at + 1] in ("{", "["):
        return several(body, at)
    atom = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.])|(?:true|false|null)\b').match(
        body, at
    )
    if atom is None:
        raise Unreadable
    return json.loads(atom[0], strict=False), atom.end()


def several(body: str, at: int) -> tuple[Any, int]:
    mapping = body[at] == "{"
    close = "}" if mapping else "]"
    found: Any = {} if mapping else []
    at = skip(body, at + 1)
    if body[at : at + 1] == close:
        return found, at + 1
    while True:
        if mapping:
            bare = re.compile(r"\w+").match(body, at)
            key, at = (bare[0], bare.end()) if bare else read(body, at)
            at = skip(body, at)
            if body[at : at + 1] != ":" or not isinstance(key, str) or key in found:
                raise Unreadable
            found[key], at = read(body, at + 1)
        else:
            value, at = read(body, at)
            found.append(value)
        at = skip(body, at)
        if body[at : at + 1] == close:
            return found, at + 1
        if body[at : at + 1] != ",":
            raise Unreadable
        at = skip(body, at + 1)


def skip(body: str, at: int) -> int:
    while at < len(body) and body[at].isspace():
        at += 1
    return at


def plain_text(text: str) -> str:
    text = re.sub(r"<(\\*)\\(eos|bos|pad|unk|mask)>", r"<\1\2>", text)
    return re.sub(r"<(\\*)\\\|", r"<\1|", re.sub(r"\|(\\*)\\>", r"|\1>", text))


def same(name: str, want: Any, have: Any) -> bool:
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return want == have
    if isinstance(want, dict) and isinstance(have, dict):
        return want.keys() == have.keys() and all(same(key, want[key], have[key]) for key in want)
    if isinstance(want, list) and isinstance(have, list):
        return len(want) == len(have) and all(same("", one, other) for one, other in zip(want, have, strict=True))
    if isinstance(want, str) and isinstance(have, str):
        return same_text(name, want, have)
    return type(want) is type(have) and bool(want == have)


def same_text(name: str, want: str, have: str) -> bool:
    if name.endswith("_iso"):
        try:
            return instant(want) == instant(have)
        except ValueError:
            return want == have
    if name not in OWN_WORDS:
        return want == have
    one, other = (" ".join(text.split()).casefold() for text in (want, have))
    alike = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.9
    return one == other or (re.findall(r"\d+", one) == re.findall(r"\d+", other) and alike)


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def score(case: Mapping[str, Any], said: Mapping[str, Any]) -> Scored:
    found, broken = calls_of(said["text"])
    want = list(zip(case["expected_tools"], case["expected_args"], strict=True))
    malformed = bool(broken) or not (found or said["stopped"])
    given = [] if malformed else found
    rest = iter(given)
    solved = bool(want) and all(any(equal(one, other) for other in rest) for one in want)
    exact = not malformed and said["stopped"] and len(given) == len(want)
    return Scored(
        state="malformed" if malformed else "called" if found else "abstained",
        calls=len(found) + broken,
        selected=bool(want) and bool(given) and given[0][0] == want[0][0],
        exact=exact and all(equal(one, other) for one, other in zip(want, given, strict=True)),
        solved=solved,
    )


def equal(want: tuple[str, Any], have: tuple[str, Any]) -> bool:
    return want[0] == have[0] and same("", want[1], have[1])


def shares(cases: Sequence[Mapping[str, Any]], scored: Sequence[Scored]) -> dict[str, str]:
    """The six shares as the card writes them."""
    both = list(zip(cases, scored, strict=True))
    calling = [s for c, s in both if c["expected_tools"]]
    counted: dict[str, list[bool]] = {
        "tool selection": [s.selected for s in calling],
        "exact call": [s.exact for s in calling],
        "parsimony": [s.calls == len(c["expected_tools"]) for c, s in both if s.solved],
        "over calling": [s.calls > len(c["expected_tools"]) for c, s in both if c["kind"] != "follow_up"],
        "termination": [s.state == "abstained" for c, s in both if c["kind"] == "follow_up"],
        "malformed": [s.state == "malformed" for s in scored],
    }
    return {name: share(sum(right), len(right)) for name, right in counted.items() if right}


def share(hits: int, n: int, interval: bool = True) -> str:
    p = hits / n
    middle, half = (p + Z * Z / (2 * n)), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    low, high = (max(0.0, (middle - half) / (1 + Z * Z / n)), min(1.0, (middle + half) / (1 + Z * Z / n)))
    between = f" [{100 * low:.1f}, {100 * high:.1f}]" if interval else ""
    return f"{100 * p:.1f} %{between}, n = {n:,}" + (" (few)" if n < FEW else "")
