"""The three public formats are read, and what cannot be used is refused with its reason and place."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.records import Refusal
from canvas_pipeline.tracks.code import synthetic
from canvas_pipeline.tracks.code.formats import Placed, read_tasks
from canvas_pipeline.tracks.code.rows import CodeRow
from canvas_pipeline.verifiers.programs import Test

SHIPPED = Path(__file__).parents[3] / "data" / "code"
OPC: dict[str, Any] = {
    "seq_id": 3, "instruction": "Add one.", "output": "```python\ndef f(x): return x + 1\n```", "code": "def f(x): return x + 1",
    "entry_point": "f", "testcase": ["assert f(1) == 2", "y = f(1)\nassert y == 2"],
}  # fmt: skip
HUMAN_EVAL: dict[str, Any] = {
    "task_id": "HumanEval/0", "prompt": 'def f(x):\n    """Add one."""\n', "entry_point": "f",
    "canonical_solution": "    return x + 1\n",
    "test": "METADATA = {}\ndef check(candidate):\n    '''doc'''\n    assert candidate(1) == 2\n"
    "    assert candidate('candidate') is None\n",
}  # fmt: skip
MBPP: dict[str, Any] = {
    "task_id": 2, "text": "Add one.", "code": "import math\ndef g(x): return x\ndef f(x): return g(x) + 1",
    "test_setup_code": "X = 1",
    "test_list": ["assert abs(f(X)) == 2", "assert f(2) == 3"], "challenge_test_list": [],
}  # fmt: skip


def read(tmp_path: Path, *values: Any) -> list[Placed | Refusal]:
    path = tmp_path / "tasks.jsonl"
    path.write_text("\n".join(map(json.dumps, values)))
    return list(read_tasks(path))


def row(tmp_path: Path, value: Any) -> CodeRow:
    (found,) = read(tmp_path, value)
    assert isinstance(found, Placed) and (found.source, found.line) == ("tasks.jsonl", 1)
    return found.row


def test_opc_rows_keep_what_is_not_read(tmp_path: Path) -> None:
    found = row(tmp_path, OPC)
    assert (found.source, found.entry_point, found.extra, found.output) == ("opc", "f", {"seq_id": 3}, OPC["output"])
    assert [test.weak for test in found.tests] == [False, True]


def test_a_list_of_tests_as_json_in_a_string_is_decoded_once(tmp_path: Path) -> None:
    found = row(tmp_path, {**OPC, "testcase": json.dumps(["assert f('assert x') == 8"])})
    assert found.tests == (Test(call="f('assert x')", expected="8"),)


def test_asserts_of_humaneval_are_split_with_the_functions_own_name(tmp_path: Path) -> None:
    found = row(tmp_path, HUMAN_EVAL)
    assert found.code == HUMAN_EVAL["prompt"] + HUMAN_EVAL["canonical_solution"]
    assert [(test.call, test.expected, test.comparison) for test in found.tests] == [
        ("f(1)", "2", "equal"), ("f('candidate')", "None", "is"),
    ]  # fmt: skip


def test_a_check_that_does_more_than_assert_is_one_weak_test(tmp_path: Path) -> None:
    source = "def check(candidate):\n    for x in range(3):\n        assert candidate(x) == x + 1"
    (test,) = row(tmp_path, {**HUMAN_EVAL, "test": source}).tests
    assert test.weak and test.source == f"{source}\ncheck(f)"


def test_mbpp_is_called_by_the_function_that_its_tests_call(tmp_path: Path) -> None:
    found = row(tmp_path, MBPP)
    assert (found.entry_point, found.setup, found.source) == ("f", "X = 1", "mbpp")
    assert found.tests[0].call == "abs(f(X))"


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ({**OPC, "testcase": []}, "no_tests"), ({**OPC, "testcase": None}, "no_tests"),
        ({**OPC, "testcase": "[broken"}, "no_tests"),
        ({**OPC, "testcase": [3]}, "field_type"), ({**OPC, "instruction": " "}, "field_type"), ({**OPC, "code": 3}, "field_type"),
        ({**OPC, "code": "def f(x) return x"}, "syntax"), ({**OPC, "entry_point": "g"}, "entry_point_missing"),
        ({**OPC, "code": "def g():\n    def f(x): return x"}, "entry_point_missing"),
        ({**OPC, "code": "import numpy as np\ndef f(x): return x"}, "needs_package"),
        ({**OPC, "code": "def f(x):\n    from pandas.core import x\n    return x"}, "needs_package"),
        ({**OPC, "code": "from . import y\ndef f(x): return x"}, "needs_package"),
        ({**OPC, "code": "def f(x): return int(input())"}, "uses_input"),
        ({**OPC, "code": "import sys\ndef f(x): return sys.stdin.read()"}, "uses_input"),
        ({**HUMAN_EVAL, "test": "def test(): pass"}, "no_tests"),
        ({**MBPP, "test_list": ["assert h(1) == 2"]}, "entry_point_missing"),
        ({**MBPP, "test_setup_code": "import torch"}, "needs_package"), ({"question": "?"}, "unknown_format"),
        ([1], "not_an_object"), ({"id": 1, "error": "timeout"}, "error_row"),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_refused_with_its_reason(value: Any, reason: str, tmp_path: Path) -> None:
    first, found = read(tmp_path, OPC, value)
    assert isinstance(first, Placed) and isinstance(found, Refusal)
    assert (found.reason, found.source, found.line) == (reason, "tasks.jsonl", 2)


def test_no_refusal_holds_text_of_a_row(tmp_path: Path) -> None:
    (found,) = read(tmp_path, {**OPC, "instruction": "Remember zanzibar.", "code": "zanzibar ="})
    assert "zanzibar" not in repr(found)


def test_standard_library_modules_are_no_packages(tmp_path: Path) -> None:
    assert row(tmp_path, {**OPC, "code": "import re, os.path\nfrom collections import abc\ndef f(x): return x + 1"})


def test_the_shipped_file_is_what_its_command_writes(tmp_path: Path) -> None:
    synthetic.write_files(tmp_path)
    for name in ("opc-style.jsonl", "truth/opc-style.json"):
        assert (tmp_path / name).read_bytes() == (SHIPPED / name).read_bytes()
