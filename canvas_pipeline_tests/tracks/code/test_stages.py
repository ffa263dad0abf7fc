"""The data stages: what was refused, leaked or edited shows in R8 and R12, and suites are asked where their references pass."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed, MissingTool
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.code import data, execution, stages
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow
from canvas_pipeline.tracks.code.track import PROFILES, TRACK
from canvas_pipeline.verifiers.sandbox import session
from canvas_pipeline_tests.tracks.code.test_formats import HUMAN_EVAL, OPC

SMALL = msgspec.structs.replace(
    PROFILES["embedded"],
    programs=24,
    wordings=2,
    test_cases=8,
    selection_cases=4,
    sampled_cases=2,
    samples=5,
    min_train_rows=20,
)
DATA = ("source_rows", "bench_cases", "drawn_rows", "rows", "trajectory_split")


def _workspace(root: Path) -> Workspace:
    ws = Workspace(root=root, track=TRACK, profile=SMALL)
    (root / "code" / "bench").mkdir(parents=True)
    return ws


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A workspace with a file of tasks and a suite, up to the split."""
    ws = _workspace(tmp_path_factory.mktemp("code"))
    leaked = {**OPC, "instruction": HUMAN_EVAL["prompt"].upper(), "code": "def f(x): return 1 + x"}
    leaked_program = {
        **OPC,
        "instruction": "Say the successor.",
        "code": HUMAN_EVAL["prompt"] + HUMAN_EVAL["canonical_solution"],
    }
    other = {
        **OPC,
        "instruction": "Take one from x.",
        "code": "def f(x): return x - 1",
        "testcase": ["assert f(1) == 0"],
    }
    rows = [other, leaked, leaked_program, {**OPC, "testcase": []}]
    (ws.root / "code" / "tasks.jsonl").write_text("\n".join(map(json.dumps, rows)))
    suite = [
        {**HUMAN_EVAL, "test": "def check(c):\n    assert c(1) == 2"}, {**HUMAN_EVAL, "canonical_solution": "    return x\n"},
        {**HUMAN_EVAL, "entry_point": "g"},
    ]  # fmt: skip
    (ws.root / "code" / "bench" / "humaneval.jsonl").write_text("\n".join(map(json.dumps, suite)))
    for name in DATA:
        build_stage(ws, name)
    return ws


def test_a_suites_tasks_are_asked_where_the_reference_passes(made: Workspace) -> None:
    stage = made.store.get("bench_cases")
    cases = list(read_jsonl(stage.path(), CodeCase))
    assert [case.group for case in cases].count("humaneval") == 1 and len(cases) == 9
    refused = [json.loads(line) for line in stage.path("refusals.jsonl").read_text().splitlines()]
    assert sorted(row["reason"] for row in refused) == ["entry_point_missing", "tests_fail"]


def test_a_suite_that_names_a_person_is_read_by_no_later_stage(made: Workspace, tmp_path: Path) -> None:
    shutil.copytree(made.root, tmp_path / "copy", symlinks=True)
    ws = Workspace(root=tmp_path / "copy", track=TRACK, profile=SMALL)
    prompt = 'def f(x):\n    """Add one, as quill@x.example.edu asked."""\n'
    named = {**HUMAN_EVAL, "prompt": prompt, "test": "def check(c):\n    assert c(1) == 2"}
    write_jsonl(ws.root / "code" / "bench" / "more.jsonl", [named])
    (verdict,) = build_stage(ws, "bench_cases").verdicts
    assert not verdict.passed
    with pytest.raises(GateClosed, match="bench_cases may not be read"):
        build_stage(ws, "drawn_rows")


def test_rows_that_the_benchmark_asks_for_are_left_out_and_counted(made: Workspace) -> None:
    funnel = made.store.get("rows").manifest.funnel
    assert funnel is not None and funnel.refused["in_benchmark"] >= 2
    kept = [row for row in read_jsonl(made.store.get("rows").path(), CodeRow) if row.source == "opc"]
    assert [row.instruction for row in kept] == ["Take one from x."]


def test_r8_and_r12_pass_on_what_was_made(made: Workspace) -> None:
    verdicts = {verdict.guard: verdict for verdict in stages.row_verdicts(made)}
    assert verdicts["r8"].passed and verdicts["r12"].passed
    assert verdicts["r12"].numbers["passed_share"] == 1.0 and verdicts["r12"].numbers["sandbox_barriers"] >= 2


def test_train_and_eval_share_no_program_and_do_not_depend_on_order(made: Workspace) -> None:
    parts = {
        part: list(read_jsonl(made.store.get("trajectory_split").path(f"{part}.jsonl"), CodeRow))
        for part in ("train", "eval")
    }
    assert parts["eval"] and not {row.item_ids for row in parts["train"]} & {row.item_ids for row in parts["eval"]}
    rows = [row for part in parts.values() for row in part]
    assert data.split(rows[::-1], made.seed) == data.split(rows, made.seed) == parts


def test_nothing_is_made_anew_without_a_change(made: Workspace) -> None:
    assert all(build_stage(made, name).reused for name in DATA)


def test_a_row_whose_program_was_never_run_fails_r12(made: Workspace, tmp_path: Path) -> None:
    rows = list(read_jsonl(made.store.get("trajectory_split").path("train.jsonl"), CodeRow))
    evidence = stages._evidence(made, [*rows[:1], msgspec.structs.replace(rows[0], id="planted")])
    assert evidence.states == {rows[0].id: "passed", "planted": "not_run"}


def test_a_leak_after_the_rows_were_made_fails_r8(made: Workspace) -> None:
    cases = stages.all_cases(made)
    rows = list(read_jsonl(made.store.get("rows").path(), CodeRow))
    planted = msgspec.structs.replace(rows[0], id="planted", instruction=cases[0].instruction.upper())
    found = data.compared([*rows, planted], cases)
    assert found.repeated() == {"planted"}
    verdict = TRACK.guards.guards["r8"].verdict(found, {})
    assert not verdict.passed and "planted" in verdict.reason


def test_a_file_that_was_edited_after_it_was_made_closes_the_gate(made: Workspace, tmp_path: Path) -> None:
    shutil.copytree(made.root, tmp_path / "copy", symlinks=True)
    ws = Workspace(root=tmp_path / "copy", track=TRACK, profile=SMALL)
    write_jsonl(
        ws.root / "code" / "bench" / "more.jsonl", [{**HUMAN_EVAL, "prompt": HUMAN_EVAL["prompt"] + "# more\n"}]
    )
    build_stage(ws, "bench_cases")
    with pytest.raises(GateClosed, match="materialise"):
        stages.row_verdicts(ws)


def test_without_two_barriers_no_stage_runs_a_program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "barriers", lambda: ())
    monkeypatch.setattr(execution, "run_program", lambda *_: pytest.fail("a program was run"))
    ws = _workspace(tmp_path)
    with pytest.raises(MissingTool):
        build_stage(ws, "bench_cases")
    assert ws.store.find("bench_cases") is None
