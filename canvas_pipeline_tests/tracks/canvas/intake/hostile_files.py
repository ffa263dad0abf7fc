"""Hostile contributor files, made from the shipped ones: a seeded mutator that knows JSON, bytes and how students break files.

In: a number. Out: always the same bytes and line limit. What must hold: every reason for which the reader refuses comes up.
"""

from __future__ import annotations

import copy
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from canvas_pipeline.privacy.quarantine import MAX_LINE, MAX_ROWS

SHIPPED = Path(__file__).parents[4] / "data" / "collab"
CONTRIBUTOR = "ada-001"
BOMB_EVERY = 2000
_NEWLINES = (b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\r", b"\n \t\n", b"\x0b", b"\xe2\x80\xa8")
_TOKENS = (
    b"\0", b"\\u0000", b"\\ud800", b"\\udc00\\ud83d", b"\\ud83d\\ude00", b"\xff", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xef\xbb\xbf", b"\xe2\x80\xae",
    b"NaN", b"-Infinity", b"1e999", b"-1", b"-0", b"01", b"1.", b"null", b"true", b"9" * 5000, b"1" + b"0" * 400, b"{}", b"[]",
    b"[" * 50, b"{", b"}", b"]", b'"', b":", b",", b" ", b"\t", b"\\", b"\n", b'"":', b'":"', b'"type":"x",', b'"name":1,',
    b"//x", b"#", b"'", b"\x1b[2J",
)  # fmt: skip
_VALUES: tuple[Any, ...] = (
    None, True, False, 0, 5, -1, -0.0, 0.5, 1e308, 10**30, "", " ", ":", "x" * 300, [], {}, [[]], [None], ["none"], [1],
    {"name": 1},
    "2026-02-30T00:00:00Z", "2026-03-01T04:59:59Z", "2026-03-01", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "24:00",
    "../x", "a/b", ".hidden", "CON", "ada-001\0", "ADA-001", "\u202eadaz", "\x1b[31m", "\u00a0", "\U0001f4da", "\ud800",
    float("nan"),
    float("inf"), float("-inf"), "course_snapshot", "todo_snapshot", "grade_snapshot", '{"a":1}', '","name":"',
)  # fmt: skip
_KEYS = (
    "name",
    "type",
    "due_at",
    "points_possible",
    "assignments",
    "items",
    "contributor_id",
    "x",
    "",
    "\u00e9",
    "__proto__",
)


class Hostile(NamedTuple):
    data: bytes
    max_line: int


def hostile(seed: int, number: int) -> Hostile:
    """Input ``number`` of run ``seed``: mostly some mutated lines, sometimes one enormous one."""
    rng = random.Random(seed * 1_000_003 + number)
    if number % BOMB_EVERY == BOMB_EVERY // 2:
        return Hostile(rng.choice(BOMBS)(rng.randrange(1 << 16, MAX_LINE)), MAX_LINE)
    data = b"".join(_line(rng) + rng.choice(_NEWLINES) for _ in range(rng.choice((1, 1, 1, 2, 3))))
    for _ in range(rng.choice((0, 0, 0, 1, 3))):
        data = rng.choice(_BYTES)(data, rng)
    kind = rng.random()
    if kind < 0.03:
        data = data.decode("utf-8", "replace").encode(
            rng.choice(("utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1")), "replace"
        )
    elif kind < 0.06:
        data = b"\xef\xbb\xbf" + data
    return Hostile(data, rng.choice((MAX_LINE, MAX_LINE, MAX_LINE, 600)))


@cache
def _seeds() -> tuple[str, ...]:
    """Good lines, cut to a few rows so that a mutation is likely to hit something that matters."""
    short = []
    for line in (SHIPPED / f"{CONTRIBUTOR}.jsonl").read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        rows = "assignments" if "assignments" in record else "items"
        for at in range(0, min(9, len(record[rows])), 3):
            short.append(json.dumps({**record, rows: record[rows][at : at + 3]}))
    return tuple(short)


def _line(rng: random.Random) -> bytes:
    text = rng.choice(_seeds())
    changes = rng.choice((0, 1, 1, 2, 3))
    if changes:
        record = json.loads(text)
        for _ in range(changes):
            parent, key = rng.choice(list(_places(record)))
            rng.choice(_STRUCTURE)(parent, key, rng)
        separators = rng.choice(((",", ":"), (", ", ": "), (" ,", " :"), (",\t", "\t:")))
        text = json.dumps(record, ensure_ascii=rng.random() < 0.5, separators=separators)
    if rng.random() < 0.1:
        text = _doubled(text, rng)
    return text.encode("utf-8", "surrogatepass")


def _places(node: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key or index) of everything in it."""
    for key in list(node) if isinstance(node, dict) else range(len(node)):
        yield node, key
        if isinstance(node[key], (dict, list)):
            yield from _places(node[key])


def _value(rng: random.Random) -> Any:
    """A copy: a list among them that is changed later would change every input after this one."""
    return copy.deepcopy(rng.choice(_VALUES))


def _replace(parent: Any, key: Any, rng: random.Random) -> None:
    parent[key] = _value(rng)


def _remove(parent: Any, key: Any, rng: random.Random) -> None:
    del parent[key]


def _rename(parent: Any, key: Any, rng: random.Random) -> None:
    if isinstance(parent, dict):
        parent[rng.choice(_KEYS)] = parent.pop(key)


def _add(parent: Any, key: Any, rng: random.Random) -> None:
    if isinstance(parent, dict):
        parent[rng.choice(_KEYS)] = _value(rng)
    else:
        parent.insert(key, _value(rng))


def _wrap(parent: Any, key: Any, rng: random.Random) -> None:
    for _ in range(rng.choice((1, 2, 40))):
        parent[key] = [parent[key]] if rng.random() < 0.5 else {"x": parent[key]}


_STRUCTURE: tuple[Callable[[Any, Any, random.Random], None], ...] = (
    _replace,
    _replace,
    _replace,
    _remove,
    _rename,
    _add,
    _wrap,
)


def _doubled(text: str, rng: random.Random) -> str:
    """A member of some object stands twice: the text from a key's quote to the comma behind its value, again."""
    starts = [at for at in range(len(text) - 1) if text[at] in "{," and text[at + 1 :].lstrip().startswith('"')]
    if not starts:
        return text
    at = rng.choice(starts) + 1
    end = text.find(",", at)
    return text if end < 0 else text[:at] + text[at : end + 1] + text[at:]


def _flip(data: bytes, rng: random.Random) -> bytes:
    if not data:
        return data
    at = rng.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << rng.randrange(8))]) + data[at + 1 :]


def _insert(data: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + rng.choice(_TOKENS) + data[at:]


def _cut(data: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[:at] + data[at + rng.choice((1, 1, 2, 10, 1000)) :]


def _repeat(data: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    end = at + rng.choice((1, 5, 40, 400))
    return data[:end] + data[at:]


def _swap(data: bytes, rng: random.Random) -> bytes:
    at = rng.randint(0, len(data))
    return data[at:] + data[:at]


_BYTES: tuple[Callable[[bytes, random.Random], bytes], ...] = (_flip, _insert, _insert, _cut, _repeat, _swap)

_HEAD = (
    b'{"type":"course_snapshot","course_name":"a","course_code":"b","term":null,"contributor_id":"ada-001",'
    b'"collected_at":"2026-02-16T14:05:33Z","assignments":['
)
BOMBS: tuple[Callable[[int], bytes], ...] = (
    lambda n: b"[" * n,
    lambda n: b'{"a":' * (n // 5),
    lambda n: b"[" * (n // 2) + b"]" * (n // 2),
    lambda n: b"[" + b"{}," * (n // 3) + b"{}]",
    lambda n: b"[" + b"[]," * (n // 3) + b"[]]",
    lambda n: b"[" + b"1," * (n // 2) + b"1]",
    lambda n: b"[" + b"1.5e-7," * (n // 7) + b"1]",
    lambda n: b'{"type":"' + b"\\u0041" * (n // 6) + b'"}',
    lambda n: b'{"type":"' + b"\\ud800" * (n // 6) + b'"}',
    lambda n: b'"' * n,
    lambda n: b"\\" * n,
    lambda n: b" " * n,
    lambda n: b"," * n,
    lambda n: b"\xff" * n,
    lambda n: b"\0" * n,
    lambda n: b"9" * n,
    lambda n: b"{} " * (n // 3),
    lambda n: b"{" + b'"a":1,' * (n // 6) + b'"a":1}',
    lambda n: b"{" + b",".join(b'"%d":1' % i for i in range(n // 12)) + b"}",
    lambda n: _HEAD + b"{}," * (n // 3) + b"{}]}",
    lambda n: _HEAD + b"0," * min(MAX_ROWS - 1, n // 2) + b"0]}",
    lambda n: _HEAD + b"{}," * min(MAX_ROWS - 1, n // 3) + b"{}]}",
    lambda n: _HEAD + b'{"name":"x","type":"y","due_at":"z"},' * (n // 40) + b"{}]}",
    lambda n: _HEAD + b'{"name":"' + b"x" * n + b'"}]}',
    lambda n: b"\n" * (n // 32),
    lambda n: b"x" * (MAX_LINE + n) + b"\n{}",
)
