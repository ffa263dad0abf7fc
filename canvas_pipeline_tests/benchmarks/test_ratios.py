"""``make bench``: ratios measured side by side in one process; figures go into docs/experiments.md. Not part of ``make test``."""

from __future__ import annotations

import json
import random
import shutil
import statistics
import time
from collections.abc import Callable
from pathlib import Path

from canvas_pipeline.models.gemma4.wire import ToolCall, parse_turn, serialise
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace, workspace
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.track import TRACK

ROOT = Path(__file__).resolve().parents[2]


def seconds(work: Callable[[], object], rounds: int = 3) -> float:
    """The median of some rounds."""
    taken = []
    for _ in range(rounds):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def calls(count: int) -> list[ToolCall]:
    rng = random.Random(5)
    pieces = ["Lab 3", "<|tool_call>", 'a "quote"', "café \\ <eos>", "{x:1}", "2026-03-02T09:00Z"]
    return [
        ToolCall(
            "calendar.create_event",
            {"title": " ".join(rng.choices(pieces, k=3)), "n": rng.randint(0, 10**6), "x": [rng.random(), None, True]},
        )
        for _ in range(count)
    ]


def data_half(ws: Workspace) -> None:
    """Every stage from contributor files to bench cases that no model takes part in."""
    for contributor in intake.contributor_files(ws):
        intake.collab(ws, contributor)
    build_stage(ws, "corpus")
    for stage in ("trajectories", "item_pairs", "labelled_pairs", "mutation_pairs", "trajectory_split", "bench_cases"):
        build_stage(ws, stage)


def test_serialising_and_parsing_stays_within_a_factor_of_json() -> None:
    rows = calls(20_000)
    native = seconds(lambda: [parse_turn(serialise(call)) for call in rows])
    plain = seconds(lambda: [json.loads(json.dumps([call.name, call.arguments])) for call in rows])
    print(f"\nwire: {len(rows) / native:,.0f} calls/s there and back, {native / plain:.1f} times json")
    assert native / plain < 60


def test_a_second_run_of_the_data_half_costs_a_fraction_of_the_first(tmp_path: Path) -> None:
    for folder in ("collab", "sessions"):
        shutil.copytree(ROOT / "data" / folder, tmp_path / folder)
    ws = workspace(tmp_path, "embedded", TRACK)
    first = seconds(lambda: data_half(ws), rounds=1)
    second = seconds(lambda: data_half(ws))
    print(f"\ndata half: first {first:.1f} s, again {second:.1f} s, ratio {first / second:.1f}")
    assert second < first
