"""From files to splits without contamination, and from a benched model to its judgement, by the stages of the track."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.track import TRACKS
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.store import Recipe, Stage
from canvas_pipeline.tracks.router import judgement, scorer, synthetic
from canvas_pipeline.tracks.router.baselines import MAJORITY
from canvas_pipeline.tracks.router.profiles import PROFILES
from canvas_pipeline.tracks.router.rows import RouterCase, RouterExample, RouterRow, prompt_of
from canvas_pipeline.tracks.router.samples import FILE
from canvas_pipeline.tracks.router.track import TRACK
from canvas_pipeline_tests.tracks.pictures import pictures_of

SMALL = msgspec.structs.replace(PROFILES["embedded"], synthetic_rows=900, selection_cases=20, min_train_rows=500)
DATA = TRACKS.parents[1] / "data/router"
STAGES = ("source_rows", "parts", "bench_cases", "trajectory_split")
END = "<|endoftext|>"


def workspace(root: Path, **options: str) -> Workspace:
    (root / "router").mkdir(parents=True, exist_ok=True)
    for name in (FILE, "thresholds.yaml"):
        shutil.copy(DATA / name, root / "router")
    return Workspace(root=root, track=TRACK, profile=SMALL, options=options)


def made(ws: Workspace) -> dict[str, StageResult]:
    return {name: build_stage(ws, name) for name in STAGES}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Mapping[str, StageResult]]:
    ws = workspace(tmp_path_factory.mktemp("router"))
    return ws, made(ws)


def rows(ws: Workspace, stage: str, name: str, kind: type[Any]) -> list[Any]:
    return list(read_jsonl(ws.store.get(stage).path(name), kind))


def test_every_row_is_kept_or_refused_with_a_reason_and_all_guards_pass(
    built: tuple[Workspace, Mapping[str, StageResult]],
) -> None:
    ws, results = built
    assert [verdict.reason for result in results.values() for verdict in result.verdicts if not verdict.passed] == []
    assert {"r8", "g2", "g6", "g12", "audit"} <= {v.guard for v in results["trajectory_split"].verdicts}
    source = ws.store.get("source_rows").manifest.funnel
    assert source and (source.rows_in, source.kept, sum(source.refused.values())) == (1210, 1200, 10)
    parts = {part: ws.store.get("parts").manifest.files[f"{part}.jsonl"].rows for part in ("train", "eval", "test")}
    assert parts == {"train": 1020, "eval": 120, "test": 60}


def test_no_query_is_in_two_parts_and_none_of_a_case_is_trained_on(
    built: tuple[Workspace, Mapping[str, StageResult]],
) -> None:
    ws, _ = built
    trained = rows(ws, "trajectory_split", "train.jsonl", RouterExample)
    cases = [case for name in evaluation.CASES.values() for case in rows(ws, "bench_cases", name, RouterCase)]
    assert not {id_ for row in trained for id_ in row.item_ids} & {id_ for case in cases for id_ in case.item_ids}
    asked = {scorer.prompt(case, SMALL)[0][0].content for case in cases}
    assert asked == {prompt_of(case.row.user_query) for case in cases} and not asked & {row.prompt for row in trained}
    assert all(case.majority == synthetic.CANONICAL for case in cases)
    assert [case.id for case in cases[60:]] == [row.id for row in rows(ws, "parts", "eval.jsonl", RouterRow)[:20]]


def test_a_planted_copy_of_a_case_is_refused_as_contaminated(tmp_path: Path) -> None:
    ws = workspace(tmp_path)
    build_stage(ws, "source_rows")
    build_stage(ws, "parts")
    (test, *_) = rows(ws, "parts", "test.jsonl", RouterRow)
    planted = msgspec.to_builtins(test) | {
        "user_query": f"  {test.user_query.upper()} And please, say it aloud",
        "id": "planted",
    }
    for name in ("source", "extra"):
        del planted[name]
    (ws.root / "router/planted.jsonl").write_bytes(msgspec.json.encode(planted))
    made(ws)
    parts = [one.id for part in ("train", "eval", "test") for one in rows(ws, "parts", f"{part}.jsonl", RouterRow)]
    trained = {row.id for row in rows(ws, "trajectory_split", "train.jsonl", RouterExample)}
    assert "planted" in parts and "planted" not in trained


def test_thinking_is_written_before_the_json_in_training_only_where_asked(tmp_path: Path) -> None:
    ws = workspace(tmp_path, think="yes", limit="700", stratify="yes")
    made(ws)
    (first, *_) = rows(ws, "trajectory_split", "train.jsonl", RouterExample)
    assert first.completion.startswith("<think>\n1. ") and not first.prompt.endswith("<think>")
    counts = {part: len(rows(ws, "parts", f"{part}.jsonl", RouterRow)) for part in ("train", "eval", "test")}
    assert sum(counts.values()) == 700
    refused = ws.store.get("parts").manifest.funnel
    assert refused and refused.refused == {"over_limit": 500}


@pytest.mark.parametrize(("option", "value"), [("think", "maybe"), ("limit", "-3"), ("relaxed", "")])
def test_an_option_with_another_value_is_refused(option: str, value: str, tmp_path: Path) -> None:
    ws = workspace(tmp_path, **{option: value})
    with pytest.raises(BadConfig, match=f"option {option} is"):
        made(ws)


def put(ws: Workspace, name: str, inputs: Mapping[str, str], **files: Any) -> Stage:
    with ws.store.write(Recipe(stage=name, code_version="by hand", inputs=dict(inputs))) as writer:
        for file, content in files.items():
            writer.json(content, file.replace("__", "."))
    return ws.store.get(name)


@pytest.fixture
def benched(built: tuple[Workspace, Mapping[str, StageResult]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A function that benches a model which answers some cases as the gold rows, others as a baseline."""
    ws, _ = built
    cases = rows(ws, "bench_cases", "rows.jsonl", RouterCase)
    monkeypatch.setattr(evaluation, "production_method", lambda ws: "sft")

    def bench(name: str, learnt: bool) -> None:
        said = [case.row.completion_text() if learnt else case.baselines[MAJORITY] for case in cases]
        found = [Prediction(id=case.id, text=text + END) for case, text in zip(cases, said, strict=True)]
        put(ws, name, {"bench_cases": ws.store.get("bench_cases").sha256}, report__json=scorer.report(cases, found))

    def judged(learnt: bool) -> list[Any]:
        bench("base_bench", False)
        bench("sft_bench", learnt)
        put(ws, "production_checkpoint", {"sft": ws.store.get("sft_bench").sha256}, chosen__json="sft")
        build_stage(ws, "judgement")
        return list(TRACK.release_items(ws))

    yield judged


def test_a_model_that_learnt_the_routes_holds_every_bound(benched: Any, built: Any) -> None:
    items = benched(True)
    assert all(item.holds for item in items) and {"overall: route_plan_exact", "overall: json_valid"} <= {
        i.name for i in items
    }
    assert not [item for item in items if item.name.startswith("four_step")]  # few cases decide nothing
    found = judgement.read_judgement(built[0].store.get("judgement"))
    assert {row.baseline for row in found.tools} >= {"base", MAJORITY, "nothing"}
    assert all(row.test.p < 0.05 for row in found.plans)
    stated = TRACK.card.facts(built[0])
    assert {"data.cases", "data.p_majority_route", "data.p_base", "data.tools_off_majority_nearest_training_row"} <= {
        *stated
    }


def test_the_web_ui_shows_a_forest_plot_beside_the_baselines_also_off_the_majority_route(
    benched: Any, built: Any
) -> None:
    benched(True)
    ws = built[0]
    found = pictures_of(build_stage(ws, "judgement"))
    assert list(found) == ["baselines"] and found["baselines"].startswith(b"\x89PNG")
    drawn = judgement.rates(
        {name: evaluation.read_report(ws, ws.store.get(f"{name}_bench")) for name in ("base", "sft")}
    )
    assert drawn["sft: plan exact, other routes"].share == 1.0 and drawn["base: plan exact, other routes"].share == 0.0
    assert 0.0 < (drawn["base: tools exact"].share or 0.0) < 1.0, "all cases flatter who knows one route"


def test_a_model_that_knows_the_majority_route_only_is_not_released(benched: Any) -> None:
    missed = {item.name for item in benched(False) if not item.holds}
    assert {"overall: route_plan_exact", "p of exact plans beside the majority route"} <= missed
    assert "overall: json_valid" not in missed


def test_a_judgement_of_other_thresholds_is_not_measured(benched: Any, built: Any) -> None:
    benched(True)
    ws = built[0]
    strict = Workspace(root=ws.root, track=TRACK, profile=SMALL, options={"strict": "yes"})
    assert [item.value for item in TRACK.release_items(strict)] == [None]
    build_stage(strict, "judgement")
    assert "overall: json_valid" in {item.name for item in TRACK.release_items(strict) if not item.holds}
