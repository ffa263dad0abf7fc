"""Checkpoints with several candidates: which cases each is asked, which one is chosen, and that the release is of its weights."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.pipeline import candidates, evaluation, evidence, facts, release
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline.training.candidates import candidate_steps
from canvas_pipeline.training.spec import RunSpec, read_spec
from canvas_pipeline_tests.pipeline.good_line import (
    BASE,
    Workshop,
    copy_of,
    quants,
    release_half,
    rewrite,
    sampled_half,
)

PLANNED = 12
# The share of right answers by method and step. The last step of dpo would be the best on the test cases.
ON_SELECTION = {("sft", 6): 0.7, ("sft", 12): 0.8, ("dpo", 4): 0.85, ("dpo", 8): 0.97, ("dpo", 12): 0.9}
ON_TEST = {("sft", 12): 0.8, ("dpo", 8): 0.95}


class Killed(Exception):
    """The process of a model was killed."""


@dataclasses.dataclass(frozen=True)
class Kitchen(Workshop):
    """A ``Workshop`` whose trainings keep candidates. ``asked`` counts each model's generations by part; after ``limit`` of them
    the next one is killed."""

    selection: Path = Path()
    asked: Counter[tuple[str, int, str]] = dataclasses.field(default_factory=Counter)
    limit: int = 1000

    def __call__(self, command: Sequence[str], env: Mapping[str, str]) -> None:
        words = list(command[3:])
        options = dict(zip(words, words[1:]))
        if command[2] == "canvas_pipeline.pipeline.generation_process":
            self._answers(Path(options["--model"]), Path(options["--cases"]), Path(options["--out"]), env)
        elif words[0] == "train":
            out = Path(options["--out"])
            self._kept(read_spec(Path(words[1])), out)
            Seal(Path(env[KEY_FILE])).put(out, out.parent.name)
        else:
            super().__call__(command, env)

    def _answers(self, model: Path, cases: Path, out: Path, env: Mapping[str, str]) -> None:
        if self.asked.total() >= self.limit:
            raise Killed
        method, step = (model / "made-by.txt").read_text().split()
        rows = list(read_jsonl(cases, BenchCase))
        chosen_by = {case.id for case in read_jsonl(self.selection, BenchCase)}
        part = "selection" if {row.id for row in rows} == chosen_by else "test"
        assert part == "selection" or not chosen_by & {row.id for row in rows}
        shares = ON_SELECTION if part == "selection" else ON_TEST
        cook = Workshop(self.weights, shares[method, int(step)])
        self.asked[method, int(step), part] += 1
        write_jsonl(out, (cook.said(row) for row in rows))
        Seal(Path(env[KEY_FILE])).put(out, out.parent.name)

    def _kept(self, spec: RunSpec, out: Path) -> None:
        super()._trained(spec, out)
        *earlier, last = candidate_steps(PLANNED, spec.hyperparameters.candidates)
        for step in earlier:
            shutil.copytree(self.weights, out / "candidates" / str(step))
            (out / "candidates" / str(step) / "made-by.txt").write_text(f"{spec.method} {step}")
        (out / "model" / "made-by.txt").write_text(f"{spec.method} {last}")
        summary = json.loads((out / "summary.json").read_bytes())
        (out / "summary.json").write_text(json.dumps({**summary, "steps": PLANNED, "planned_steps": PLANNED}))


@pytest.fixture(scope="module")
def trained(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Counter[tuple[str, int, str]]]:
    """The good line trained again with two candidates of sft and three of dpo, up to the release log; and who was asked what."""
    ws = with_candidates(copy_of(good_line, tmp_path_factory.mktemp("candidates") / "line"))
    launch = kitchen(ws)
    for name in ("sft", "dpo"):
        if name == "dpo":
            list(sampled_half(ws, Workshop(ws.root / BASE, 0.8)))
            build_stage(ws, "reference_logprobs", launch)
        for stage in ("run_spec", "checkpoint", "bench"):
            build_stage(ws, f"{name}_{stage}", launch)
    list(release_half(ws))
    return ws.root, launch.asked


@pytest.fixture
def ws(trained: tuple[Path, Any], tmp_path: Path) -> Workspace:
    return with_candidates(copy_of(trained[0], tmp_path / "line"))


def with_candidates(ws: Workspace) -> Workspace:
    numbers = {
        name: {"embedded": msgspec.structs.replace(TRACK.numbers(name, "embedded"), epochs=1.0, candidates=count)}
        for name, count in (("sft", 2), ("dpo", 3))
    }
    return dataclasses.replace(ws, track=dataclasses.replace(TRACK, hyperparameters=numbers))


def kitchen(ws: Workspace, **settings: Any) -> Kitchen:
    return Kitchen(ws.root / BASE, selection=ws.store.get("bench_cases").path("selection.jsonl"), **settings)


def test_every_candidate_answers_the_selection_cases_and_one_of_each_method_the_test_cases(
    trained: tuple[Path, Counter[tuple[str, int, str]]],
) -> None:
    expected = [(*one, "selection") for one in ON_SELECTION] + [("sft", 12, "test"), ("dpo", 8, "test")]
    assert trained[1] == Counter(expected)


def test_the_rule_chooses_among_all_candidates_of_all_methods_by_the_selection_cases(ws: Workspace) -> None:
    record = candidates.read_selection(ws.store.get("production_checkpoint"))
    assert [(row.candidate.method, row.candidate.epoch) for row in record.candidates] == [
        ("dpo", pytest.approx(2 / 3)), ("dpo", 1.0), ("dpo", pytest.approx(1 / 3)), ("sft", 1.0), ("sft", 0.5),
    ]  # fmt: skip
    assert record.chosen == record.candidates[0].candidate
    assert len({row.candidate.checkpoint_sha256 for row in record.candidates}) == 5
    production = evaluation.production_weights(ws)
    assert (production.step, production.folder) == (8, "candidates/8")
    assert production.sha256 == sha256_path(production.directory()) != ws.store.get("dpo_checkpoint").sha256
    made = build_stage(ws, "production_checkpoint", kitchen(ws))
    assert made.figures["step"] == 8 and made.facts["candidates"] == 5


def test_a_bench_lists_its_candidates_and_holds_the_reports_of_the_chosen_one(ws: Workspace) -> None:
    made = build_stage(ws, "dpo_bench", kitchen(ws))
    assert made.reused and made.facts["step"] == 8
    rows = made.facts["candidates"].splitlines()
    assert len(rows) == 5 and [row for row in rows if "**chosen**" in row][0].startswith("| 8 | 0.667 |")
    for name in ("report", "predictions"):
        ending = ".json" if name == "report" else ".jsonl"
        top, own = (made.stage.path(f"{at}{name}-selection{ending}").read_bytes() for at in ("", "candidates/8/"))
        assert top == own != made.stage.path(f"candidates/12/{name}-selection{ending}").read_bytes()
    assert len(list(read_jsonl(made.stage.path("predictions.jsonl"), Prediction))) == len(
        list(read_jsonl(ws.store.get("bench_cases").path(), BenchCase))
    )


def test_the_quants_are_made_of_the_chosen_candidates_weights(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    class Seen(Exception):
        pass

    def seen(folder: Path, out: Path, *, name: str) -> dict[str, Path]:
        assert (folder / "made-by.txt").read_text() == "dpo 8"
        raise Seen

    monkeypatch.setattr(release, "export", seen)
    shutil.rmtree(ws.store.home("dpo_gguf"))
    with pytest.raises(Seen):
        build_stage(ws, "dpo_gguf", kitchen(ws))


def test_the_release_names_the_candidates_own_hash_and_the_training_it_comes_from(ws: Workspace) -> None:
    build_stage(ws, "release", kitchen(ws))
    folder, production = ws.root / "releases" / "current", evaluation.production_weights(ws)
    bound = json.loads((folder / "release.json").read_bytes())
    assert bound["checkpoint"] == production.sha256 and bound["candidate_of"] == ws.store.get("dpo_checkpoint").sha256
    card = (folder / "README.md").read_text()
    assert production.sha256 in card and "by-tool.md" in card
    known = facts.model_facts(ws, "dpo")
    assert (known["train.steps"].value, known["train.steps_planned"].value) == (8, PLANNED)
    assert "The release is open." in (folder / "RELEASE-LOG.md").read_text()


def test_quants_of_another_bench_than_the_current_one_are_not_released(ws: Workspace) -> None:
    rewrite(ws, "dpo_bench", {"candidates/4/report-selection.json": {"edited": True}})
    with pytest.raises(GateClosed, match="dpo_gguf was made from another checkpoint or bench"):
        evidence.evidence_of(ws)
    quants(ws, "dpo")
    evidence.evidence_of(ws)


def test_scenarios_of_another_candidate_do_not_count_for_the_release(ws: Workspace) -> None:
    def passed() -> float | None:
        return next(item.value for item in evidence.evidence_of(ws)[0].items if item.name == "scenarios passed")

    assert passed() == 1.0
    stage = ws.store.get("scenarios")
    recipe = msgspec.structs.replace(
        stage.manifest.recipe, config={**stage.manifest.recipe.config, "candidate": "0" * 64}
    )
    with ws.store.write(recipe) as writer:
        shutil.copy(stage.path("results.jsonl"), writer.path("results.jsonl"))
    assert passed() is None


def test_a_choice_that_was_not_asked_the_test_cases_is_not_released(ws: Workspace) -> None:
    record = candidates.read_selection(ws.store.get("production_checkpoint"))
    other = next(row.candidate for row in record.candidates if row.candidate != record.chosen)
    assert isinstance(other, Candidate) and other.method == "dpo"
    rewrite(ws, "production_checkpoint", {"selection.json": msgspec.structs.replace(record, chosen=other)})
    with pytest.raises(GateClosed, match="dpo_bench is about another one"):
        evaluation.production_method(ws)


def test_a_bench_that_was_killed_does_not_ask_a_candidate_again(ws: Workspace) -> None:
    before = ws.store.get("dpo_bench").sha256
    shutil.rmtree(ws.store.home("dpo_bench"))
    first, second = kitchen(ws, limit=2), kitchen(ws)
    with pytest.raises(Killed):
        build_stage(ws, "dpo_bench", first)
    assert build_stage(ws, "dpo_bench", second).stage.sha256 == before
    assert set(first.asked.values()) == set(second.asked.values()) == {1} and not set(first.asked) & set(second.asked)
    assert not list((ws.root / "work").glob("*bench*"))


def test_a_bench_and_the_matrix_have_a_table_by_tool(ws: Workspace) -> None:
    bench, matrix = (build_stage(ws, name, kitchen(ws)) for name in ("dpo_bench", "method_matrix"))
    for made in (bench, matrix):
        assert made.reused and made.facts["by tool"] == made.stage.path("by-tool.md").read_text()
    report = evaluation.read_report(ws, bench.stage)
    for tool, score in report.by_tool.items():
        cell = f"{score.selection.hits}/{score.selection.cases} | {100 * score.selection.share:.1f} %"
        assert f"| {tool} | {cell}" in bench.facts["by tool"]
        assert f"| dpo | {cell}" in matrix.facts["by tool"].partition(f"### {tool}\n")[2].partition("###")[0]


def test_a_checkpoint_with_one_candidate_is_known_by_its_stage(good_line: Path, tmp_path: Path) -> None:
    plain = copy_of(good_line, tmp_path / "line")
    production, stage = evaluation.production_weights(plain), plain.store.get("dpo_checkpoint")
    assert production.single and production.sha256 == stage.sha256 and not production.config
    assert "selection.json" not in plain.store.get("dpo_bench").manifest.files
    assert not evidence.evidence_of(plain)[0].candidate_of
