"""Write a data set in the form of opc-sft-stage2, with broken lines and the reason why each is refused.

``canvas-data code synthesize --out data/code`` writes the shipped one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.records import dumps
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.code import tasks

SEED = 2011
NAME = "opc-style"
LISTS, STRINGS = 150, 40
TEXTS = ("plain words", "Ab c", "  two  blanks ", "x", "", "Level up 42")

STEPS: Mapping[str, tuple[str, Callable[[str], str]]] = {
    "strip it": ("{t}.strip()", str.strip),
    "write it in upper case": ("{t}.upper()", str.upper),
    "write it in lower case": ("{t}.lower()", str.lower),
    "swap its case": ("{t}.swapcase()", str.swapcase),
    "reverse it": ("{t}[::-1]", lambda t: t[::-1]),
    "drop its blanks": ('{t}.replace(" ", "")', lambda t: t.replace(" ", "")),
    "repeat it twice": ("({t} * 2)", lambda t: t * 2),
    "take its first four letters": ("{t}[:4]", lambda t: t[:4]),
}
"""What is done to a text → its expression, and what it computes."""

Broken = Mapping[str, Any]
_RIGHT: Broken = {
    "instruction": "Return the number that is one more than x, as f.", "output": "", "code": "def f(x): return x + 1",
    "entry_point": "f", "testcase": ["assert f(1) == 2"],
}  # fmt: skip
BROKEN: Sequence[tuple[str, Broken]] = (
    ("no_tests", {"testcase": []}),
    ("no_tests", {"testcase": "none were written"}),
    ("field_type", {"instruction": 7}),
    ("entry_point_missing", {"entry_point": "g"}),
    ("syntax", {"code": "def f(x) return x + 1"}),
    ("tests_fail", {"code": "def f(x): return x + 2"}),
    ("tests_flaky", {"code": "WORDS = list({'one', 'two', 'three', 'four', 'five'})\ndef f(x): return WORDS[x]",
                     "testcase": [f"assert f(0) == {word!r}" for word in ("one", "two", "three", "four", "five")]}),
    ("needs_package", {"code": "import numpy\ndef f(x): return int(numpy.add(x, 1))"}),
    ("uses_input", {"code": "def f(x): return x + int(input())"}),
    ("too_slow", {"code": "def f(x):\n    while True: pass"}),
    ("unknown_format", {"code": None}),
)  # fmt: skip
"""Reason → what such a row has in place of a right one; a field of None is left out."""


def opc_style(seed: int = SEED) -> tuple[list[str], dict[str, str]]:
    """Return the lines of the file, and line number → the reason why it is refused."""
    rng = random.Random(f"code.synthetic:{seed}")
    rows = [_list_row(task, rng) for task in tasks.tasks("train", LISTS, seed)] + _string_rows(rng)
    rng.shuffle(rows)
    rows[1]["testcase"] = json.dumps(rows[1]["testcase"])  # the list as JSON in a string occurs
    lines = [dumps({"seq_id": number, **row}).decode() for number, row in enumerate(rows)]
    truth: dict[str, str] = {}
    for reason, changes in BROKEN:
        text = f"Broken on purpose, {len(truth)}: return one more than x, as f."
        row = {**_RIGHT, "instruction": text, **changes}
        _add(lines, truth, dumps({key: value for key, value in row.items() if value is not None}).decode(), reason)
    _add(lines, truth, lines[0], "duplicate")
    _add(lines, truth, lines[2][: len(lines[2]) // 2], "malformed_json")
    return lines, truth


def _add(lines: list[str], truth: dict[str, str], line: str, reason: str) -> None:
    lines.append(line)
    truth[str(len(lines))] = reason


def _list_row(task: tasks.Task, rng: random.Random) -> dict[str, Any]:
    asserts = [f"assert {test.call} == {test.expected}" for test in task.program.tests]
    return _row(tasks.worded(task, "train", rng), task.program.code, asserts)


def _string_rows(rng: random.Random) -> list[dict[str, Any]]:
    rows = []
    pairs = [(first, second) for first in STEPS for second in STEPS if first != second]
    for first, second in rng.sample(pairs, STRINGS):
        (inner, one), (outer, two) = STEPS[first], STEPS[second]
        code = f"def f(text): return {outer.format(t=inner.format(t='text'))}"
        asserts = [f"assert f({text!r}) == {two(one(text))!r}" for text in TEXTS]
        rows.append(_row(f"Write f(text). Take the text, {first}, then {second}.", code, asserts))
    return rows


def _row(instruction: str, code: str, asserts: list[str]) -> dict[str, Any]:
    output = f"Here is the function:\n\n```python\n{code}\n```"
    return {"instruction": instruction, "output": output, "code": code, "entry_point": "f", "testcase": asserts}


def write_files(out: Path, seed: int = SEED) -> list[Path]:
    """Write the file and its truth into a folder, and return their paths."""
    lines, truth = opc_style(seed)
    paths = [out / f"{NAME}.jsonl", out / "truth" / f"{NAME}.json"]
    paths[1].parent.mkdir(parents=True, exist_ok=True)
    with whole_file(paths[0]) as file:
        file.write_text("\n".join(lines), encoding="utf-8")  # without a final newline, as such files are
    with whole_file(paths[1]) as file:
        file.write_bytes(dumps(truth) + b"\n")
    return paths
