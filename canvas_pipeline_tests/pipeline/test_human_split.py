"""Prompts worded by hand in the pipeline: asked beside the cases, reported apart, bound to no training."""

from __future__ import annotations

import json
from pathlib import Path

from canvas_pipeline.pipeline import human_split, training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.evaluation import read_report
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.bench.human import SHIPPED, HumanPrompt
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, copy_of, line_at

OWN = {"id": "mine-1", "text": "Anything new?", "tools": ["canvas.list_announcements"]}


def asked(ws: Workspace, stage: str) -> int:
    found = human_split.read(TRACK.benchmark, ws.store.get(stage))
    assert found is not None
    return len(found.outcomes)


def test_every_bench_reports_the_prompts_apart_from_its_cases(good_line: Path) -> None:
    ws, count = line_at(good_line), len(list(read_jsonl(SHIPPED, HumanPrompt)))
    for stage in ("base_bench", "sft_bench", "dpo_bench"):
        made = ws.store.get(stage)
        assert asked(ws, stage) == count
        for file in ("report.json", "report-selection.json") if stage != "base_bench" else ("report.json",):
            assert not any(o.case_id.startswith("human-") for o in read_report(ws, made, file).outcomes)
        told = human_split.shown(TRACK.benchmark, made)["prompts worded by hand"]
        assert f"of {count} right" in told and told.endswith("so few prompts show no small difference")


def test_a_prompt_of_ones_own_has_every_model_asked_again_and_none_trained_again(
    good_line: Path, tmp_path: Path
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    build_stage(ws, "sft_run_spec", Workshop(ws.root / BASE))  # names the files of the copy
    count = asked(ws, "sft_bench")
    ws.prompts.mkdir()
    (ws.prompts / "own.jsonl").write_text(json.dumps(OWN), encoding="utf-8")
    assert build_stage(ws, "bench_cases").reused
    assert training.current_checkpoint(ws, "sft") == training.trained(ws, "sft")
    assert build_stage(ws, "sft_run_spec", Workshop(ws.root / BASE)).reused
    benched = build_stage(ws, "sft_bench", Workshop(ws.root / BASE, 0.85))
    assert not benched.reused and asked(ws, "sft_bench") == count + 1
    assert build_stage(ws, "sft_bench", Workshop(ws.root / BASE, 0.85)).reused
