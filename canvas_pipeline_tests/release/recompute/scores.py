"""Reads the calls of a turn in the native notation and scores them against a case."""

from __future__ import annotations

import difflib
import json
import math
import random
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

Z = 1.959963984540054
METRICS = ("tool selection", "exact call", "parsimony", "over calling", "under calling", "termination", "malformed")
OWN_WORDS = ("title", "description", "rationale", "item_a", "item_b")
FEW = 40
RESAMPLES = 4000
STOPPING = ("follow_up", "failed")
"""Kinds of cases whose right act is to stop."""


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


def same(name: str, want: Any, have: Any, tool: str = "") -> bool:
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have
    if isinstance(want, (int, float)) and isinstance(have, (int, float)):
        return want == have
    if isinstance(want, dict) and isinstance(have, dict):
        return want.keys() == have.keys() and all(same(key, want[key], have[key], tool) for key in want)
    if isinstance(want, list) and isinstance(have, list):
        return len(want) == len(have) and all(same("", one, other) for one, other in zip(want, have, strict=True))
    if isinstance(want, str) and isinstance(have, str):
        return same_text(tool, name, want, have)
    return type(want) is type(have) and bool(want == have)


def same_text(tool: str, name: str, want: str, have: str) -> bool:
    if (tool, name) == ("reranker.priority_hint", "query"):
        return have.strip() != ""
    if name.endswith("_iso"):
        try:
            ends = (tool, name) == ("calendar.list_events", "end_iso")
            return (range_end if ends else instant)(want) == (range_end if ends else instant)(have)
        except (ValueError, OverflowError):
            return want == have
    if name not in OWN_WORDS:
        return want == have
    one, other = (" ".join(text.split()).casefold() for text in (want, have))
    if name == "rationale":
        told = [re.sub("^(because|since) ", "", text).split() for text in (one, other)]
        told = [[word for word in words if word not in {"a", "an", "the", "i", "my"}] for words in told]
        if all(told):
            one, other = map(" ".join, told)
    fixed = r"\d+|\b(?:no|not|nor|never|none|nobody|nothing|cannot)\b|n['’]t\b"
    alike = difflib.SequenceMatcher(None, one, other, autojunk=False).ratio() >= 0.9
    return one == other or (re.findall(fixed, one) == re.findall(fixed, other) and alike)


def instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def range_end(text: str) -> datetime:
    """A day is until its end, which its last minute is, too."""
    bare = re.fullmatch(r"\d{4}-\d\d-\d\d|\d{8}", text) is not None
    found = instant(text)
    last = bare or found.strftime("%H:%M") == "23:59"
    return datetime(found.year, found.month, found.day, tzinfo=UTC) + timedelta(days=1) if last else found


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
    return want[0] == have[0] and same("", want[1], have[1], want[0])


def shares(cases: Sequence[Mapping[str, Any]], scored: Sequence[Scored]) -> dict[str, str]:
    """The shares as the card writes them, but for those of answers: honest after an error, invented."""
    both = list(zip(cases, scored, strict=True))
    calling = [(c, s) for c, s in both if c["expected_tools"]]
    counted: dict[str, list[tuple[str, bool]]] = {
        "tool selection": [(c["phrasing"], s.selected) for c, s in calling],
        "exact call": [(c["phrasing"], s.exact) for c, s in calling],
        "parsimony": [(c["phrasing"], s.calls == len(c["expected_tools"])) for c, s in both if s.solved],
        "over calling": [
            (c["phrasing"], s.calls > len(c["expected_tools"])) for c, s in both if c["kind"] not in STOPPING
        ],
        "under calling": [(c["phrasing"], s.calls < len(c["expected_tools"])) for c, s in calling],
        "termination": [(c["phrasing"], s.state == "abstained") for c, s in both if c["kind"] in STOPPING],
        "malformed": [(c["phrasing"], s.state == "malformed") for c, s in both],
    }
    return {name: by_wording(right) for name, right in counted.items() if right}


def by_wording(verdicts: Sequence[tuple[str, bool]]) -> str:
    """A share with the wider of Wilson's interval and that of a bootstrap of whole wordings."""
    of: dict[str, list[bool]] = {}
    for wording, right in verdicts:
        of.setdefault(wording, []).append(right)
    hits, n, groups = sum(right for _, right in verdicts), len(verdicts), len(of)
    bounds = wilson(hits / n, n)
    if groups < n:
        other = wilson(hits / n, groups) if groups == 1 or hits in (0, n) else drawn(list(of.values()))
        bounds = (min(bounds[0], other[0]), max(bounds[1], other[1]))
    return share(hits, n, bounds)


def drawn(wordings: Sequence[Sequence[bool]]) -> tuple[float, float]:
    """The percentile interval of the share, where wordings are drawn with replacement."""
    rng = random.Random(5)
    sums = [(sum(right), len(right)) for right in wordings]
    shares = []
    for _ in range(RESAMPLES):
        found = rng.choices(sums, k=len(sums))
        shares.append(sum(right for right, _ in found) / sum(of for _, of in found))
    shares.sort()
    return shares[round(0.025 * RESAMPLES)], shares[round(0.975 * RESAMPLES) - 1]


def prompts(rows: Sequence[Mapping[str, Any]], said: Mapping[str, Mapping[str, Any]]) -> str:
    """The share of the prompts worded by hand whose first call is accepted and contains what it needs."""
    right = 0
    for row in rows:
        given = said[f"human-{row['id']}"]
        found, broken = calls_of(given["text"])
        if found and not broken and given["stopped"]:
            name, arguments = found[0]
            right += name in row["tools"] and all(text in json.dumps(arguments) for text in row["need"])
    return share(right, len(rows), wilson(right / len(rows), len(rows)))


def wilson(p: float, n: int) -> tuple[float, float]:
    middle, half = (p + Z * Z / (2 * n)), Z * math.sqrt(p * (1 - p) / n + Z * Z / (4 * n * n))
    return max(0.0, (middle - half) / (1 + Z * Z / n)), min(1.0, (middle + half) / (1 + Z * Z / n))


def share(hits: int, n: int, bounds: tuple[float, float] | None = None) -> str:
    between = f" [{100 * bounds[0]:.1f}, {100 * bounds[1]:.1f}]" if bounds else ""
    return f"{100 * hits / n:.1f} %{between}, n = {n:,}" + (" (few)" if n < FEW else "")
