"""``make demo``: which methods it takes, and how it ends when something is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline.cli.demo import methods_of
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import CHOICES
from canvas_pipeline.tracks.canvas.track import TRACK


@pytest.mark.parametrize(
    "text, expected",
    [
        ("sft,dpo,kto", ("sft", "dpo", "kto")),
        ("kto, dpo", ("sft", "dpo", "kto")),
        (" dpo ,, dpo", ("sft", "dpo")),
        ("", ("sft", "dpo", "kto")),
        ("all", CHOICES),
        ("sppo", ("sft", "sppo")),
        ("nca,lora", ("sft", "lora", "nca")),
    ],
)
def test_methods_come_in_table_order_with_sft_first(text: str, expected: tuple[str, ...]) -> None:
    assert methods_of(text, TRACK) == expected


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="there is no method 'ppo'; choose one of: sft"):
        methods_of("sft,ppo", TRACK)


def test_the_command_ends_with_a_sentence_before_anything_runs(tmp_path: Path) -> None:
    environment = {
        "METHODS": "sft,ppo",
        "DAGSTER_HOME": str(tmp_path),
        "PATH": "/usr/bin:/bin",
        "NO_COLOR": "1",
        "COLUMNS": "200",
    }
    command = [sys.executable, "-m", "canvas_pipeline.cli.demo"]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 1 and "demo: there is no method 'ppo'" in done.stderr
    assert "Traceback" not in done.stderr and list(tmp_path.iterdir()) == []
