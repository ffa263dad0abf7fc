"""``canvas-release`` as a user starts it: output, exit codes, files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from canvas_pipeline.cli.release import main
from canvas_pipeline.storage.digests import sha256_file


class Result(NamedTuple):
    exit_code: int
    stdout: str
    stderr: str


Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    def start(*arguments: object) -> Result:
        monkeypatch.setattr(sys, "argv", ["canvas-release", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        return Result(int(end.value.code or 0), *capsys.readouterr())

    return start


def test_every_command_has_help_with_an_example_and_the_exit_codes(run: Run) -> None:
    for command in ("gguf", "check", "publish", "verify"):
        result = run(command, "--help")
        text = " ".join(result.stdout.split())
        assert (
            result.exit_code == 0
            and f"Example: canvas-release {command}" in text
            and "3 a guardrail or the release gate is closed" in text
        )


def test_gguf_converts_quantises_checks_and_gives_the_same_bytes_as_another_run_elsewhere(
    run: Run, micro_gemma: Path, quants: dict[str, Path], tmp_path: Path
) -> None:
    result = run("gguf", micro_gemma, "--out", tmp_path, "--name", "canvas-micro", "--quant", "Q8_0")
    assert result.exit_code == 0, result.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["canvas-micro-Q8_0.gguf"]
    assert "[Q8_0 15]  ok" in result.stdout
    assert sha256_file(tmp_path / "canvas-micro-Q8_0.gguf") == sha256_file(quants["Q8_0"])


def test_gguf_refuses_an_unknown_quant_before_it_works(run: Run, tmp_path: Path) -> None:
    result = run("gguf", str(tmp_path), "--out", str(tmp_path / "o"), "--quant", "Q4_0")
    assert result.exit_code == 1 and "Q4_K_M" in result.stderr and not (tmp_path / "o").exists()


def test_gguf_refuses_a_name_that_leads_out_of_the_folder(run: Run, tmp_path: Path) -> None:
    result = run("gguf", tmp_path, "--out", tmp_path / "out", "--name", "../other")
    assert result.exit_code == 1 and "is a path" in result.stderr and not (tmp_path / "out").exists()
