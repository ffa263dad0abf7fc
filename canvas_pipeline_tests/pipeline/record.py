"""Record what a change of structure must leave equal: ``python -m canvas_pipeline_tests.pipeline.record FILE [--compare OLD]``.

Runs the data half over the repository's contributors with the embedded profile in a temporary folder, and writes, per stage, the
content hash and the verdicts of its guards; and a ``BenchReport`` over predictions drawn by a seed from the bench cases. With
``--compare`` the exit code is 1 and every difference is printed.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import tempfile
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import digest, dumps, read_jsonl
from canvas_pipeline.tracks.canvas.bench.score import expected_calls, report
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.track import TRACK

ROOT = Path(__file__).resolve().parents[2]


def predictions(cases: list[BenchCase]) -> list[Prediction]:
    """Draw right calls, wrong calls, broken calls and plain answers by a seed."""
    rng, found = random.Random(11), []
    for case in cases:
        right = "".join(serialise(call) for call in expected_calls(case)) or "Nothing to do."
        texts = (right, right, right[:-3], "I cannot help with that.", right.replace("get", "list"), right + right)
        found.append(Prediction(id=case.id, text=rng.choice(texts), stopped=rng.random() < 0.9))
    return found


def record(root: Path) -> dict[str, Any]:
    """Run the data half below ``root`` and describe it."""
    for name in ("collab", "sessions"):
        shutil.copytree(ROOT / "data" / name, root / name)
    ws = Workspace(root=root, track=TRACK, profile=TRACK.profiles["embedded"])
    made = {f"collab/{name}": intake.collab(ws, name) for name in intake.contributor_files(ws)}
    made |= {spec.name: build_stage(ws, spec.name) for spec in TRACK.stages().values() if spec.kind == "rows"}
    cases = list(read_jsonl(made["bench_cases"].stage.path(), BenchCase))
    bench = report(cases, predictions(cases))
    return {
        "stages": {name: _stage(found) for name, found in made.items()},
        "bench": digest(dumps(bench).decode()),
        "tool_selection": msgspec.to_builtins(bench.tool_selection),
    }


def _stage(found: StageResult) -> dict[str, Any]:
    verdicts = [(v.name, v.passed, v.subject, msgspec.to_builtins(v.numbers)) for v in found.verdicts]
    return {"sha256": found.stage.sha256, "verdicts": sorted(verdicts, key=str)}


def differences(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """List the names of what differs."""
    before, after = (json.loads(json.dumps(found)) for found in (old, new))
    names = sorted({*before["stages"], *after["stages"]})
    found = [name for name in names if before["stages"].get(name) != after["stages"].get(name)]
    return found + [name for name in ("bench", "tool_selection") if before[name] != after[name]]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--compare", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = record(Path(folder))
    options.out.write_text(json.dumps(found, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    different = differences(json.loads(options.compare.read_text(encoding="utf-8")), found) if options.compare else []
    for name in different:
        print(f"differs: {name}")
    return bool(different)


if __name__ == "__main__":
    raise SystemExit(main())
