"""``canvas-release`` as a user starts it: output, exit codes, files."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from canvas_pipeline.cli.release import main
from canvas_pipeline.records import dumps
from canvas_pipeline.release.gate import ITEMS
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline_tests.release.evidence import files_of, open_evidence


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


@pytest.fixture
def evidence(tmp_path: Path) -> Path:
    (tmp_path / "evidence.json").write_bytes(dumps(open_evidence()))
    return tmp_path / "evidence.json"


def test_every_command_has_help_with_an_example_and_the_exit_codes(run: Run) -> None:
    for command in ("gguf", "check", "publish", "verify"):
        result = run(command, "--help")
        text = " ".join(result.stdout.split())
        assert (
            result.exit_code == 0
            and f"Example: canvas-release {command}" in text
            and "3 a guardrail or the release gate is closed" in text
        )


def test_check_prints_every_item_and_exits_0_when_nothing_stands_against(run: Run, evidence: Path) -> None:
    result = run("check", "--evidence", str(evidence))
    assert result.exit_code == 0 and result.stdout.count("ok  ") == len(ITEMS)


def test_check_prints_every_reason_and_exits_3(run: Run, evidence: Path) -> None:
    broken = msgspec.structs.replace(
        open_evidence(), leaks=5, figures=dict.fromkeys(("tool_selection", "exact_call")), production=None
    )
    evidence.write_bytes(dumps(broken))
    result = run("check", "--evidence", str(evidence))
    assert result.exit_code == 3
    for text in (
        "found 5 leaks",
        "gives no tool_selection",
        "gives no exact_call",
        "no production checkpoint",
        "4 reason(s)",
    ):
        assert text in result.stdout


def test_publish_then_verify_then_damage(run: Run, evidence: Path, tmp_path: Path) -> None:
    files_of(tmp_path / "made")
    result = run("publish", "--evidence", evidence, "--from", tmp_path / "made", "--to", tmp_path / "out")
    assert result.exit_code == 0 and Path(result.stdout.strip()).parent == tmp_path / "out"
    current = tmp_path / "out" / "current"
    assert run("verify", str(current)).exit_code == 0
    (current / "README.md").write_text("x")
    damaged = run("verify", str(current))
    assert damaged.exit_code == 1 and "README.md is not as listed" in damaged.stderr


def test_publish_with_a_closed_gate_exits_3_and_writes_nothing(run: Run, evidence: Path, tmp_path: Path) -> None:
    evidence.write_bytes(dumps(msgspec.structs.replace(open_evidence(), leaks=1)))
    files_of(tmp_path / "made")
    result = run("publish", "--evidence", evidence, "--from", tmp_path / "made", "--to", tmp_path / "out")
    assert result.exit_code == 3 and "1 leaks" in result.stderr and not (tmp_path / "out").exists()


def test_a_missing_evidence_file_exits_1_and_says_what_to_do(run: Run, tmp_path: Path) -> None:
    result = run("check", "--evidence", str(tmp_path / "none.json"))
    assert result.exit_code == 1 and "materialise release_log first" in result.stderr


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
