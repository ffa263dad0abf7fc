"""The stages of rows and decisions: what is contaminated, stale, edited or leaking stops what comes after it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.pipeline import verdicts
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.store import Recipe, Stage
from canvas_pipeline.tracks.instruct import data, decisions, stages
from canvas_pipeline.tracks.instruct.benchmark import END, report
from canvas_pipeline.tracks.instruct.guard_table import TABLE
from canvas_pipeline.tracks.instruct.guards import BaseCheck
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.tracks.instruct.rows import (
    InstructPair,
    InstructRow,
    PreferenceRow,
    SampledAnswer,
    TestItem,
    prompt_of,
)
from canvas_pipeline.tracks.instruct.track import TRACK
from canvas_pipeline.tracks.text_base import shipped_text_base
from canvas_pipeline.training.progress import child_environment

SMALL = msgspec.structs.replace(PROFILES["embedded"], train_rows=480, min_train_rows=200, min_pairs=20)
CLEAN = BaseCheck(
    verdict="CLEAN", reason="", followed=wilson(0, 60), completed=wilson(54, 60), by_kind={}, had_template="", encode_delta=0
)  # fmt: skip


def _nothing(*_: Any) -> None: ...


def _put(ws: Workspace, name: str, inputs: Mapping[str, str], **files: Any) -> Stage:
    """Write a stage by hand; files that are lists become JSONL."""
    with ws.store.write(Recipe(stage=name, code_version="by hand", inputs=dict(inputs))) as writer:
        for file, content in files.items():
            (writer.rows if isinstance(content, list) else writer.json)(content, file.replace("__", "."))
    return ws.store.get(name)


def _workspace(root: Path, check: BaseCheck = CLEAN, **options: str) -> Workspace:
    ws = Workspace(root=root, track=TRACK, profile=SMALL, options=options)
    _put(ws, "base_model", {}, weights__json={"any": 1})
    _put(ws, "base_check", {"weights": sha256_path(ws.store.get("base_model").folder)}, check__json=check)
    return ws


def _bench(ws: Workspace, name: str, right: int, model: str = "") -> Stage:
    """A bench of the test items of which some are right."""
    cases = ws.store.get("bench_cases")
    asked = list(read_jsonl(cases.path(), TestItem))
    predictions = [
        Prediction(id=item.id, text=(item.gold if at < right else "no idea") + END) for at, item in enumerate(asked)
    ]
    inputs = {"model": model or sha256_path(ws.store.get("base_model").folder), "bench_cases": cases.sha256}
    found = report(asked, predictions)
    return _put(ws, name, inputs, report__json=found, **{"report-selection__json": found})


@pytest.fixture(scope="module")
def rows(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace up to the split of its rows."""
    ws = _workspace(tmp_path_factory.mktemp("rows"))
    build_stage(ws, "bench_cases")
    _bench(ws, "base_bench", 5)
    build_stage(ws, "base_decision", _nothing)
    build_stage(ws, "sft_rows")
    build_stage(ws, "trajectory_split")
    return ws


@pytest.mark.parametrize("verdict", ["CONTAMINATED", "INCONCLUSIVE"])
def test_nothing_is_made_for_a_base_that_is_not_clean(verdict: Any, tmp_path: Path) -> None:
    ws = _workspace(tmp_path, msgspec.structs.replace(CLEAN, verdict=verdict, reason="use a base model"))
    with pytest.raises(GateClosed, match=verdict):
        build_stage(ws, "bench_cases")
    assert ws.store.find("bench_cases") is None


def test_a_check_of_another_base_does_not_count(tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    _put(ws, "base_model", {}, weights__json={"another": 1})
    with pytest.raises(GateClosed, match="another base_model"):
        build_stage(ws, "bench_cases")


def test_a_base_that_follows_instructions_fails_the_sentinels() -> None:
    contaminated = msgspec.structs.replace(CLEAN, followed=wilson(54, 60))
    assert TABLE.guards["s2"].verdict(CLEAN, {"base_model": "x"}).passed
    found = TABLE.guards["s2"].verdict(contaminated, {"base_model": "x"})
    assert not found.passed and "use a base model" in found.reason


def test_a_template_in_the_tokenizer_closes_the_gate_in_a_process_of_its_own(tmp_path: Path) -> None:
    from transformers import AutoTokenizer

    folder = tmp_path / "base"
    folder.mkdir()
    for path in shipped_text_base().iterdir():
        (folder / path.name).symlink_to(path)
    (folder / "tokenizer_config.json").unlink()
    tokenizer = AutoTokenizer.from_pretrained(str(shipped_text_base()))
    tokenizer.chat_template = "{{ messages }}"
    (folder / "tokenizer.json").unlink()
    tokenizer.save_pretrained(str(folder))
    command = [sys.executable, "-m", f"canvas_pipeline.{stages.PROBE}", "--model", str(folder), "--profile", "embedded"]
    out = tmp_path / "check.json"
    ended = subprocess.run(
        [*command, "--out", str(out)], env=child_environment(os.environ), capture_output=True, text=True, check=False
    )
    assert ended.returncode == GateClosed.exit_code and "chat template" in ended.stderr
    assert not out.exists()


def test_there_are_twenty_items_of_each_of_twelve_types_to_test_and_more_to_choose_by(rows: Workspace) -> None:
    found = build_stage(rows, "bench_cases")
    assert found.figures == {"test items": 240, "types": 12, "fewest items of a type": 20}
    assert len(stages.evaluation_items(rows)) == 480


def test_a_base_that_is_too_good_stops_before_any_row_is_made(tmp_path: Path) -> None:
    ws = _workspace(tmp_path, **{"acknowledge/base": "we want it all the same"})
    build_stage(ws, "bench_cases")
    _bench(ws, "base_bench", 200)
    found = build_stage(ws, "base_decision", _nothing)
    assert found.figures["chosen"] == "STOP" and not found.verdicts[0].passed
    with pytest.raises(GateClosed, match="cannot be overridden"):
        build_stage(ws, "sft_rows")


def test_a_base_in_between_needs_a_reason_that_is_recorded(tmp_path: Path) -> None:
    for options in ({}, {"acknowledge/base": "half of it is luck"}):
        ws = _workspace(tmp_path, **options)
        build_stage(ws, "bench_cases")
        _bench(ws, "base_bench", 120)
        found = build_stage(ws, "base_decision", _nothing)
        assert found.figures["chosen"] == "REVIEW" and found.verdicts[0].passed == bool(options)
    assert decisions.chain_of(ws)[0].acknowledged == "half of it is luck"
    assert decisions.require_decision(ws, "base")


def test_a_decision_about_another_report_does_not_count(tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    build_stage(ws, "bench_cases")
    _bench(ws, "base_bench", 5)
    build_stage(ws, "base_decision", _nothing)
    assert decisions.decision_verdicts(ws)[0].passed
    _bench(ws, "base_bench", 6)
    assert decisions.decision_verdicts(ws) == ()
    with pytest.raises(GateClosed, match="another base_bench"):
        decisions.require_decision(ws, "base")


def test_rows_have_an_origin_leak_nothing_and_answer_their_instruction(rows: Workspace) -> None:
    made = build_stage(rows, "trajectory_split")
    assert made.reused and all(verdict.passed for verdict in made.verdicts)
    assert {verdict.guard for verdict in made.verdicts} >= {"g2", "g6", "g12", "s8", "s9", "s10", "audit"}
    trained = list(read_jsonl(made.stage.path("train.jsonl"), InstructRow))
    assert all(row.provenance.base_verdicts == rows.store.get("base_check").sha256 for row in trained)
    assert {row.messages[0].content for row in trained} == {prompt_of(row.instruction) for row in trained}
    kept = rows.store.get("sft_rows")
    assert kept.manifest.funnel is not None and kept.manifest.funnel.merged > 0
    assert kept.path(stages.QUALITY).is_file()


def test_a_row_that_an_evaluation_item_asks_closes_the_gate(rows: Workspace) -> None:
    asked = stages.evaluation_items(rows)[0]
    (one, *_) = read_jsonl(rows.store.get("sft_rows").path(), InstructRow)
    leak = msgspec.structs.replace(one, instruction=asked.instruction.upper())
    found = stages.LeakEvidence(1, 480, data.leaking_rows([leak], stages.evaluation_items(rows)))
    verdict = TABLE.guards["s10"].verdict(found, {"trajectory_train": "a", "trajectory_eval": "b", "bench_cases": "c"})
    assert not verdict.passed and one.id in verdict.reason


def test_pairs_are_sampled_wrong_answers_beside_right_ones_of_training_prompts(rows: Workspace) -> None:
    prompts = data.sampling_plan(
        list(read_jsonl(rows.store.get("trajectory_split").path("train.jsonl"), InstructRow)), 240, 7
    )
    texts = ("{}", "it was a long and quiet day", "{}", "well, who knows")
    answers = [
        SampledAnswer(row_id=row.id, sample=at, text=text.format(row.response), stopped=True, tokens=1, seed=7)
        for row in prompts
        for at, text in enumerate(texts)
    ]
    source = _put(rows, "candidates", {}, rows__jsonl=answers, prompts__jsonl=prompts)
    made = build_stage(rows, "pairs")
    assert made.stage.manifest.notes["sampled_share"] >= 0.5
    kept = made.stage.manifest.funnel
    assert kept is not None and kept.rows_in == len(prompts)
    assert made.stage.manifest.files["rows.jsonl"].rows != kept.kept  # prompts are counted, and some have two pairs
    assert all(verdict.passed for verdict in made.verdicts)
    split = build_stage(rows, "preference_split")
    pairs = list(read_jsonl(split.stage.path("train.jsonl"), PreferenceRow))
    assert pairs and {pair.row_id for pair in pairs} <= {row.id for row in prompts}
    assert source.sha256 == made.stage.manifest.recipe.inputs["candidates"]
    verdicts = {verdict.guard: verdict for verdict in split.verdicts}
    assert verdicts["s11"].numbers["identical_sides"] == 0 and verdicts["s11"].numbers["wrong_prefix"] == 0
    assert verdicts["g2"].passed


@pytest.mark.parametrize("lost", ["pairs", "candidates"])
def test_a_prompt_that_vanishes_between_its_samples_and_its_pairs_fails_g6(lost: str, tmp_path: Path) -> None:
    ws = _workspace(tmp_path)
    items = data.training_items(24, 7)
    prompts = list(data.build_rows(data.world_drafts(items, 7), [], "clean").rows)
    texts = ("{}", "it was a long and quiet day", "well, who knows")
    answers = [
        SampledAnswer(row_id=row.id, sample=at, text=text.format(row.response), stopped=True, tokens=1, seed=7)
        for row in prompts
        for at, text in enumerate(texts)
    ]
    _put(ws, "candidates", {}, rows__jsonl=answers, prompts__jsonl=prompts)
    assert all(verdict.passed for verdict in build_stage(ws, "pairs").verdicts)
    stage = ws.store.get(lost)
    gone = next(read_jsonl(ws.store.get("pairs").path(), InstructPair)).row_id
    lines = map(msgspec.json.decode, stage.path().read_bytes().splitlines())
    left = [row for row in lines if row["row_id"] != gone]
    with ws.store.write(stage.manifest.recipe) as writer:  # with a seal: the step itself is wrong
        writer.rows(left)
        writer.funnel = stage.manifest.funnel
    verdict = verdicts.of_funnel(ws, ws.store.get("pairs"))
    assert not verdict.passed and verdict.numbers["rows_unaccounted"] == 1


def test_base_sft_and_dpo_are_compared_on_the_same_items_overall_and_by_type(rows: Workspace) -> None:
    for name, right in (("sft", 150), ("dpo", 190)):
        _put(rows, f"{name}_checkpoint", {}, weights__json={name: 1})
        _bench(rows, f"{name}_bench", right, rows.store.get(f"{name}_checkpoint").sha256)
    made = build_stage(rows, "comparison", _nothing)
    found = decisions.read_comparison(made.stage)
    assert len(found.rows) == 3 * 13 and found.publishable
    assert found.length_change is not None and found.length_kept == (abs(found.length_change) <= 0.2)
    assert {row.test.form for row in found.rows} == {"exact", "corrected"}
    gain = next(row for row in found.rows if (row.baseline, row.candidate, row.group) == ("sft", "dpo", "overall"))
    assert (gain.gained, gain.lost) == (40, 0) and gain.low > 0.1
    assert "| sft → dpo | overall |" in made.facts["table"] and made.pictures["base, SFT and DPO"].startswith(
        b"\x89PNG"
    )
