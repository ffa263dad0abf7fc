"""``make demo``: which methods it takes, and how it ends when something is missing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from canvas_pipeline.cli.demo import Ended, closing, methods_of
from canvas_pipeline.errors import BadConfig, MissingTool, RunFailed
from canvas_pipeline.methods import CHOICES
from canvas_pipeline.pipeline.track import track_names, tracks_named
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


@pytest.mark.parametrize(
    "text, expected",
    [("all", track_names()), ("math", ("math",)), (" router, math ,router,", ("router", "math"))],
)
def test_several_tracks_are_made_in_the_order_in_which_they_are_named_each_once(
    text: str, expected: tuple[str, ...]
) -> None:
    assert tuple(track.name for track in tracks_named(text)) == expected


@pytest.mark.parametrize("text, said", [("math,algebra", "no track 'algebra'"), (" , ", "no track is named")])
def test_an_unknown_track_names_those_there_are(text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=f"{said}.* canvas, code, instruct, math, router"):
        tracks_named(text)


def test_the_closing_table_says_which_track_was_released_and_the_first_reason_why_another_was_not() -> None:
    shown = Console(width=120, record=True, quiet=True)
    reasons = ["g6_shrinkage: 1 of 10 rows is kept", "release: the gate is closed"]
    with shown.capture() as text:
        shown.quiet = False
        shown.print(
            closing(
                [
                    Ended("math", 1341.6, "math-0123"),
                    Ended("canvas", 12.2, error=RunFailed("not everything was made:\n …", 3, reasons)),
                    Ended("code", 0.3, error=MissingTool("two barriers are needed")),
                ]
            )
        )
    rows = [" ".join(line.strip("│┃ ").split()) for line in text.get().splitlines()]
    assert "math │ math-0123 │ 1342" in rows
    assert "canvas │ no: g6_shrinkage: 1 of 10 rows is kept (and 1 more) │ 12" in rows
    assert "code │ no: two barriers are needed │ 0" in rows


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
