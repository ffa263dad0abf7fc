"""A model is released only if it beats base and majority answer on the labelled cases, and the card says by how much."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.release.gate import ReleaseItem
from canvas_pipeline.storage.store import Recipe, Stage
from canvas_pipeline.tracks.math import card, comparison
from canvas_pipeline.tracks.math.benchmark import MAJORITY, report
from canvas_pipeline.tracks.math.profiles import PROFILES
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.math.track import TRACK
from canvas_pipeline_tests.tracks.math.cases import case
from canvas_pipeline_tests.tracks.pictures import pictures_of

CASES = [case(f"c{at}", str(at), suite="ab"[at % 2], wording=f"w{at // 3}") for at in range(90)]


def _put(ws: Workspace, name: str, inputs: Mapping[str, str], **files: Any) -> Stage:
    with ws.store.write(Recipe(stage=name, code_version="by hand", inputs=dict(inputs))) as writer:
        for file, content in files.items():
            (writer.rows if isinstance(content, list) else writer.json)(content, file.replace("__", "."))
    return ws.store.get(name)


def _compared(root: Path, right: int, monkeypatch: pytest.MonkeyPatch, cases: list[MathRow] = CASES) -> Workspace:
    """A workspace whose supervised model is right in the first cases, up to the comparison."""
    monkeypatch.setattr(evaluation, "production_method", lambda ws: "sft")
    ws = Workspace(root=root, track=TRACK, profile=PROFILES["embedded"])
    _put(ws, "bench_cases", {}, rows__jsonl=cases, selection__jsonl=[])
    for name, count in (("base", 0), ("sft", right)):
        said = [
            Prediction(id=row.id, text=f"#### {row.answer if at < count else 1000}") for at, row in enumerate(cases)
        ]
        _put(ws, f"{name}_bench", {}, report__json=report(cases, said))
    _put(ws, "production_checkpoint", {}, record__json={})
    build_stage(ws, "comparison")
    return ws


def _items(ws: Workspace) -> dict[str, ReleaseItem]:
    return {item.name.removeprefix("p of the difference to the "): item for item in comparison.release_items(ws)}


def test_a_model_that_is_better_than_both_baselines_may_be_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    items = _items(_compared(tmp_path, 60, monkeypatch))
    assert set(items) == {"base", MAJORITY} and all(item.holds and item.n == 90 for item in items.values())


def test_one_that_only_equals_the_majority_answer_may_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    items = _items(_compared(tmp_path, 1, monkeypatch))
    assert not any(item.holds for item in items.values())
    assert items[MAJORITY].value is None and items[MAJORITY].shown() == "not measured"


def test_a_comparison_of_another_bench_does_not_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ws = _compared(tmp_path, 60, monkeypatch)
    said = [Prediction(id=row.id, text="") for row in CASES]
    _put(ws, "sft_bench", {"model": "another"}, report__json=report(CASES, said))
    assert not any(item.holds for item in _items(ws).values())
    assert not any(
        item.holds for item in _items(Workspace(root=tmp_path / "new", track=TRACK, profile=ws.profile)).values()
    )


def test_the_web_ui_shows_a_forest_plot_beside_the_baselines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = pictures_of(build_stage(_compared(tmp_path, 60, monkeypatch), "comparison"))
    assert list(found) == ["beside the baselines"] and found["beside the baselines"].startswith(b"\x89PNG")


def test_unlabelled_cases_are_in_no_comparison(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cases = [*CASES, *(msgspec.structs.replace(row, id=f"u{row.id}", answer=None) for row in CASES[:9])]
    assert {item.n for item in _items(_compared(tmp_path, 60, monkeypatch, cases)).values()} == {90}


def test_the_card_gives_the_majority_answer_beside_the_gain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = card.facts(_compared(tmp_path, 60, monkeypatch))
    majority = facts["data.exact_match_majority_answer"]
    assert (majority.value, majority.n) == (pytest.approx(1 / 90), 90)
    assert str(facts["data.gain_majority_answer"].value).startswith("+65.6 points [")
    assert facts["data.cases"].value == 90 and all(
        "comparison" in facts[f"data.gain_{name}"].source for name in ("base", "majority_answer")
    )
