"""``canvas-data math``: what it lists, what it writes, how it ends."""

from __future__ import annotations

import json
from pathlib import Path

from typer.testing import CliRunner, Result

from canvas_pipeline.cli.data import app


def _run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, ["math", *map(str, arguments)])


def _file(folder: Path, *rows: object) -> Path:
    path = folder / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    return path


GOOD = {"question": "How many kestrels?", "answer": "#### 3"}


def test_clean_files_end_with_0_and_bad_ones_with_1_and_a_line_for_each_refusal(tmp_path: Path) -> None:
    assert _run("validate", _file(tmp_path, GOOD)).exit_code == 0
    bad = _run("validate", _file(tmp_path, GOOD, {**GOOD, "answer": "#### kestrel"}))
    assert bad.exit_code == 1 and "kestrel" not in bad.output
    assert json.loads(bad.stdout) == {
        "source": "own.jsonl", "line": 2, "reason": "gold_unreadable", "detail": "",
    }  # fmt: skip


def test_a_suite_needs_a_gold_answer_in_every_row(tmp_path: Path) -> None:
    path = _file(tmp_path, {"problem": "How many?", "solution": "Some."})
    assert _run("validate", path).exit_code == 0
    assert _run("validate", "--bench", path).exit_code == 1


def test_what_synthesize_writes_validates_with_ten_refusals_a_file(tmp_path: Path) -> None:
    written = _run("synthesize", "--out", tmp_path)
    assert written.exit_code == 0 and len(written.stdout.split()) == 10
    found = _run("validate", *sorted(tmp_path.glob("*.jsonl")))
    assert found.exit_code == 1 and len(found.stdout.splitlines()) == 90
