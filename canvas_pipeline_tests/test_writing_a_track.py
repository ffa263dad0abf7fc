"""Every name of the walk through the math track in docs/tracks.md exists, and every module of the track stands in it."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

from canvas_pipeline.pipeline.track import TRACKS

PAGE = (Path(__file__).resolve().parents[1] / "docs/tracks.md").read_text(encoding="utf-8")
NAMES = sorted(set(re.findall(r"`(math(?:\.\w+)+)`", PAGE)))


@pytest.mark.parametrize("name", NAMES)
def test_a_name_of_the_walk_exists(name: str) -> None:
    found, parts = importlib.import_module(f"canvas_pipeline.tracks.{name.split('.')[0]}"), name.split(".")[1:]
    for at, part in enumerate(parts, 1):
        if not hasattr(found, part):
            importlib.import_module(f"canvas_pipeline.tracks.math.{'.'.join(parts[:at])}")
        found = getattr(found, part)


def test_the_walk_leaves_out_no_module_of_the_track() -> None:
    modules = {path.stem for path in (TRACKS / "math").glob("*.py")} - {"__init__"}
    assert modules - {name.split(".")[1] for name in NAMES} == set()
