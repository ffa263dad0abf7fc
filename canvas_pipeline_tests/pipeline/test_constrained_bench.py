"""The bench under a grammar: what it shows, and that nothing rests on it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.models.gbnf import Grammars
from canvas_pipeline.pipeline import evidence
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import dumps, read_jsonl
from canvas_pipeline.release import publish
from canvas_pipeline.tracks.canvas.bench.score import BenchReport
from canvas_pipeline.tracks.canvas.data import constrained
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, copy_of, rewrite

UNTOUCHED = ("method_matrix", "production_checkpoint", "dpo_bench", "scenarios")


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def all_malformed(ws: Workspace) -> None:
    """Leave a report under a grammar as bad as one can be."""
    report = json.loads(ws.store.get(constrained.NAME).path("report.json").read_bytes())
    for metric in constrained.METRICS:
        report[metric] |= {"hits": 0, "share": 0.0, "low": 0.0, "high": 0.01}
    rewrite(ws, constrained.NAME, {"report.json": msgspec.convert(report, BenchReport)})


def test_it_stands_beside_the_free_run_in_the_stage_and_on_the_card(ws: Workspace) -> None:
    made = build_stage(ws, constrained.NAME, Workshop(ws.root / BASE))
    assert made.reused and made.facts["table"].startswith("| | free run | with a grammar |")
    assert all(any(title.endswith("with a grammar (%)") for title in made.figures) for _ in constrained.METRICS)
    card = ws.store.get("cards").path("README.md").read_text()
    section = card.split("## With a grammar")[1].split("\n## ")[0]
    assert "| | free run | with a grammar |" in section
    for metric in constrained.METRICS:
        (row,) = re.findall(rf"^\| {metric.replace('_', ' ')} \| (.+) \| (.+) \|$", section, re.M)
        assert all("%" in cell and "[" in cell and "n =" in cell for cell in row)


def test_neither_gate_nor_choice_nor_matrix_changes_with_it(ws: Workspace) -> None:
    before = evidence.evidence_of(ws)[0]
    all_malformed(ws)
    for name in UNTOUCHED:
        assert build_stage(ws, name, Workshop(ws.root / BASE)).reused, name
    build_stage(ws, "cards", Workshop(ws.root / BASE))
    after = evidence.evidence_of(ws)[0]
    for field in ("figures", "against_base", "production", "verdicts", "items", "quants", "inputs"):
        assert getattr(after, field) == getattr(before, field), field
    build_stage(ws, "release_log", Workshop(ws.root / BASE))
    build_stage(ws, "release", Workshop(ws.root / BASE))
    assert publish.verify(ws.root / "releases" / "current")


def test_figures_of_other_files_do_not_come_onto_the_card(ws: Workspace) -> None:
    files = ws.store.get("dpo_gguf")
    quants = evidence.read_quants(files)
    rewrite(ws, "dpo_gguf", {"quants.json": {q: msgspec.structs.replace(e, cases=599) for q, e in quants.items()}})
    with pytest.raises(GateClosed, match="materialise constrained_bench again"):
        constrained.facts(ws)


def test_a_grammar_is_derived_once_for_each_set_of_declared_tools(ws: Workspace) -> None:
    rows = list(read_jsonl(ws.store.get("bench_cases").path(), BenchCase))
    one = msgspec.structs.replace(rows[0], tools=rows[0].tools[:3])
    known = constrained.grammars([one, *rows[1:]], "gemma4")
    assert len(known.grammars) == 2 and known.of[one.id] == 0 and set(known.of.values()) == {0, 1}
    assert msgspec.json.decode(dumps(known), type=Grammars) == known
