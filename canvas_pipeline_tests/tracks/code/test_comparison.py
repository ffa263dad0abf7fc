"""A model has learnt only where it is better than each program that no model wrote, on the same cases."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.statistics import OVERALL
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.storage.store import Recipe, Stage
from canvas_pipeline.tracks.code import comparison, data
from canvas_pipeline.tracks.code.benchmark import END, score
from canvas_pipeline.tracks.code.comparison import NEAREST, SampledReport, read_comparison
from canvas_pipeline.tracks.code.rows import CodeCase
from canvas_pipeline.tracks.code.track import PROFILES, TRACK
from canvas_pipeline_tests.tracks.pictures import pictures_of

CASES = data.drawn_cases("test", 16, 7)
ROWS = data.drawn_rows(40, 1, 7, [case.code for case in CASES])
SMALL = msgspec.structs.replace(PROFILES["embedded"], sampled_cases=3, samples=5)


def _put(ws: Workspace, name: str, **files: Any) -> Stage:
    with ws.store.write(Recipe(stage=name, code_version="by hand")) as writer:
        for file, content in files.items():
            (writer.rows if isinstance(content, list) else writer.json)(content, file.replace("__", "."))
    return ws.store.get(name)


def _predicted(cases: Sequence[CodeCase], right: int) -> list[Prediction]:
    return [
        Prediction(id=case.id, text=(case.code if at < right else "I do not know.") + END)
        for at, case in enumerate(cases)
    ]


def _compared(root: Path, right: int, monkeypatch: pytest.MonkeyPatch) -> comparison.BaselineComparison:
    ws = Workspace(root=root, track=TRACK, profile=SMALL)
    _put(ws, "bench_cases", rows__jsonl=CASES)
    _put(ws, "trajectory_split", train__jsonl=ROWS)
    _put(ws, "base_bench", report__json=score(CASES, _predicted(CASES, 0)))
    _put(ws, "production_checkpoint", any__json={})
    _put(ws, "sft_bench", report__json=score(CASES, _predicted(CASES, len(CASES) - right)))
    _put(ws, "lora_bench", report__json=score(CASES, _predicted(CASES, right)))
    monkeypatch.setattr(comparison.evaluation, "production_method", lambda ws: "lora")
    monkeypatch.setattr("canvas_pipeline.pipeline.audits.audited", lambda ws, name: ws.store.get(name))
    return read_comparison(build_stage(ws, "baselines").stage)


def test_a_production_model_that_is_right_is_better_than_each_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = _compared(tmp_path, len(CASES), monkeypatch)
    overall = [row for row in found.rows if row.group == OVERALL]
    assert found.learnt and all(row.test.p < 0.01 for row in overall)
    assert {row.candidate for row in overall} == {"lora"}
    names = [row.baseline for row in overall]
    assert names[0] == "base" and names[1].startswith("returns ") and names[2] == NEAREST
    assert {row.group for row in found.rows} == {OVERALL, "seen", "held out"}


def test_a_model_that_is_seldom_right_has_learnt_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not _compared(tmp_path, 2, monkeypatch).learnt


def test_the_web_ui_shows_a_forest_plot_beside_the_baselines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _compared(tmp_path, 8, monkeypatch)
    found = pictures_of(build_stage(Workspace(root=tmp_path, track=TRACK, profile=SMALL), "baselines"))
    assert list(found) == ["beside the baselines"] and found["beside the baselines"].startswith(b"\x89PNG")


def test_a_release_asks_that_it_has_learnt_by_the_current_bench(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = Workspace(root=tmp_path, track=TRACK, profile=SMALL)
    assert not comparison.release_items(ws)[0].holds  # nothing was compared
    _compared(tmp_path, len(CASES), monkeypatch)
    (item,) = comparison.release_items(ws)
    assert item.holds and (item.value, item.n) == (1.0, 3)
    _put(ws, "lora_bench", report__json=score(CASES, _predicted(CASES, 1)))
    assert comparison.release_items(ws)[0].value is None


@pytest.mark.parametrize(("profile", "limit"), [("embedded", 256), ("gb10", 2048)])
def test_sampled_programs_are_counted_for_each_case(
    profile: str, limit: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = Workspace(root=tmp_path, track=TRACK, profile=msgspec.structs.replace(SMALL, name=profile))
    _put(ws, "bench_cases", rows__jsonl=CASES)
    _put(ws, "production_checkpoint", any__json={})
    weights = _put(ws, "sft_checkpoint", any__json={})
    monkeypatch.setattr(comparison.evaluation, "production_weights", lambda ws: weights)

    def sampled(
        context: Any, folder: Path, backend: str, model: Path, files: list[Path], chance: Any
    ) -> dict[str, Prediction]:
        assert (chance.temperature, chance.seed) == (0.8, ws.seed)
        asked = [msgspec.json.decode(line, type=CodeCase) for path in files for line in path.read_bytes().splitlines()]
        assert len({case.id for case in asked}) == 15
        right = {
            case.id for case in asked if case.id.endswith((".0", ".1")) and case.instruction == CASES[0].instruction
        }
        return {case.id: Prediction(id=case.id, text=case.code if case.id in right else "no") for case in asked}

    monkeypatch.setattr(comparison.evaluation, "predictions", sampled)
    found = build_stage(ws, "samples")
    report = comparison.read_samples(found.stage)
    assert isinstance(report, SampledReport)
    assert list(report.right.values()) == [2, 0, 0] and report.samples == 5
    assert report.pass_at == {"1": pytest.approx(0.4 / 3), "5": pytest.approx(1 / 3)}
    assert found.figures["pass@5 (%)"] == 33.3
    assert found.stage.manifest.recipe.config["max_new_tokens"] == limit
