"""The script for a lent GPU runs through on a CPU with a tiny model, so that it is not tried out in rented minutes."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest

from canvas_pipeline_tests.benchmarks import gpu, gpu_shapes
from canvas_pipeline_tests.benchmarks.gpu_sections import SECTIONS


def numbers(figures: Any) -> Iterator[float]:
    for value in figures.values():
        if isinstance(value, dict):
            yield from numbers(value)
        elif isinstance(value, (int, float)) and not isinstance(value, bool):
            yield value


def test_every_section_prints_its_figures_as_json() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "canvas_pipeline_tests.benchmarks.gpu", "--tiny"], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = {line["section"]: line for line in map(json.loads, done.stdout.splitlines())}
    assert list(lines) == list(SECTIONS)
    for name, line in lines.items():
        assert "error" not in line and "skipped" not in line and line["seconds"] >= 0
        assert name == "device" or len(list(numbers(line))) > 5, line
    assert lines["head"]["fused"]["log_prob_difference"] < 0.05
    for name in ("sft", "dpo"):
        losses = [way["loss"] for way in lines[f"tokens {name}"].values() if isinstance(way, dict) and "loss" in way]
        assert len(losses) == (3 if name == "sft" else 4) and losses == pytest.approx(
            [losses[0]] * len(losses), rel=0.01
        )
    assert lines["masters"]["bfloat16_changed"] < 0.1 < 0.9 < lines["masters"]["float32_changed"]
    assert lines["generation"]["kept"]


def test_a_section_that_fails_says_so_and_the_others_follow(capsys: pytest.CaptureFixture[str]) -> None:
    def broken(_: gpu_shapes.Place) -> dict[str, Any]:
        raise RuntimeError("out of memory")

    sections = {
        "broken": broken,
        "not a number": lambda _: {"loss": float("nan")},
        "works": lambda _: {"figure": 1.23456},
    }
    assert gpu.run(gpu_shapes.tiny(), 600.0, sections) == 1
    first, odd, works = map(json.loads, capsys.readouterr().out.splitlines())
    assert first == {"section": "broken", "error": "RuntimeError: out of memory"}
    assert "error" in odd and works["figure"] == 1.235
    assert gpu.run(gpu_shapes.tiny(), 600.0, {"works": sections["works"]}) == 0


def test_a_section_is_cut_when_the_time_is_up_and_later_ones_do_not_begin(capsys: pytest.CaptureFixture[str]) -> None:
    def slow(_: gpu_shapes.Place) -> dict[str, Any]:
        time.sleep(600)
        return {}

    assert gpu.run(gpu_shapes.tiny(), 0.2, {"slow": slow, "late": lambda _: {}}) == 1
    cut, late = map(json.loads, capsys.readouterr().out.splitlines())
    assert cut == {"section": "slow", "error": "TimeoutError: the time is up"}
    assert late == {"section": "late", "skipped": "the time is up"}


def test_without_a_gpu_only_the_dry_run_begins(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpu_shapes, "device", lambda: "cpu")
    assert gpu.main([]) == 1
    assert "--tiny" in json.loads(capsys.readouterr().out)["error"]
