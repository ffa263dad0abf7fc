"""Candidates of several steps and early stopping, for real, on a micro model."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.training.admission import check_batch
from canvas_pipeline.training.candidates import Kept, candidate_steps, stops, without_improvement
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.spec import InputFile, RunSpec
from canvas_pipeline_tests.training.test_trainers import train

Make = Callable[..., RunSpec]
STILL = 1e-12
"""A learning rate that changes no weight, so that the evaluation loss does not improve."""


def kept(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "candidates").iterdir())


@pytest.mark.parametrize(
    ("total", "count", "steps"),
    [(80, 1, (80,)), (80, 4, (20, 40, 60, 80)), (10, 3, (4, 7, 10)), (2, 5, (1, 2)), (1, 1, (1,))],
)
def test_candidates_are_evenly_spaced_and_include_the_last_step(total: int, count: int, steps: tuple[int, ...]) -> None:
    assert candidate_steps(total, count) == steps


@pytest.mark.parametrize(
    ("losses", "waited"),
    [((), 0), ((3.0,), 0), ((3.0, 2.0), 0), ((3.0, 3.0), 1), ((2.0, 1.0, 1.5, 1.2), 2), ((2.0, float("nan")), 1)],
)
def test_only_a_lower_evaluation_loss_is_an_improvement(losses: tuple[float, ...], waited: int) -> None:
    history: list[dict[str, Any]] = [{"loss": 1.0}, *({"eval_loss": loss, "step": 1} for loss in losses)]
    assert without_improvement(history) == waited
    assert not stops(history, 0) and stops(history, 1) is (waited >= 1)


@pytest.mark.parametrize("name", ["sft", "lora", "dpo", "kto"])
def test_keeping_candidates_leaves_the_training_as_it_is(name: str, make: Make, tmp_path: Path) -> None:
    train(make(name, max_steps=4, candidates=1), tmp_path / "one")
    summary, _ = train(make(name, max_steps=4, candidates=2), tmp_path / "two")
    assert kept(tmp_path / "two") == ["2"] and not (tmp_path / "one" / "candidates").exists()
    for file in ("model", "metrics.jsonl", "plots"):
        assert sha256_path(tmp_path / "one" / file) == sha256_path(tmp_path / "two" / file)
    assert summary["planned_steps"] == summary["steps"] == 4 and not list(tmp_path.glob(".steps*"))


def test_a_candidate_is_a_whole_model_of_its_step(make: Make, tmp_path: Path) -> None:
    import torch

    train(make("sft", max_steps=4, candidates=2, schedule="constant"), tmp_path / "long")
    train(make("sft", max_steps=2, schedule="constant"), tmp_path / "short")
    early, short = tmp_path / "long" / "candidates" / "2", tmp_path / "short" / "model"
    assert sha256_path(early) == sha256_path(short), "the same rows, the same rate, the same two steps"
    assert load_tokenizer(early, GEMMA4).get_vocab() == load_tokenizer(short, GEMMA4).get_vocab()
    last = load_model(tmp_path / "long" / "model").state_dict()
    assert any(not torch.equal(value, last[key]) for key, value in load_model(early).state_dict().items())


def test_a_run_whose_loss_does_not_improve_stops_and_says_so(make: Make, tmp_path: Path) -> None:
    patient = {"max_steps": 8, "candidates": 4, "learning_rate": STILL}
    summary, events = train(make("sft", patience=2, **patient), tmp_path / "stopped")
    assert (summary["steps"], summary["planned_steps"]) == (3, 8)
    assert summary["stopped"] == {"patience": 2, "evaluations_without_improvement": 2}
    assert json.loads((tmp_path / "stopped" / "summary.json").read_bytes()) == summary
    assert [event["step"] for event in events if event["event"] == "stopped"] == [3]
    assert kept(tmp_path / "stopped") == ["2"], "those of later steps were not reached"
    whole, events = train(make("sft", **patient), tmp_path / "whole")
    assert whole["steps"] == 8 and "stopped" not in whole and not any(event["event"] == "stopped" for event in events)
    assert kept(tmp_path / "whole") == ["2", "4", "6"]
    curves = [tmp_path / name / "plots" / "loss.png" for name in ("stopped", "whole")]
    assert curves[0].read_bytes() != curves[1].read_bytes()


def test_a_run_that_improves_is_not_stopped(make: Make, tmp_path: Path) -> None:
    summary, _ = train(make("sft", max_steps=4, patience=1), tmp_path / "out")
    assert summary["steps"] == 4 and "stopped" not in summary


def test_patience_without_rows_to_evaluate_on_is_refused(make: Make, tmp_path: Path) -> None:
    spec = make("sft", patience=1)
    empty = tmp_path / "empty.jsonl"
    empty.touch()
    changed = {**spec.inputs, "trajectory_eval": InputFile(path=str(empty), sha256="")}
    with pytest.raises(BadInput, match="patience needs rows"):
        train(msgspec.structs.replace(spec, inputs=changed), tmp_path / "out")


def test_a_run_continues_only_where_all_earlier_candidates_are_as_they_were_written(make: Make, tmp_path: Path) -> None:
    h = make("sft", max_steps=6, candidates=3, patience=1).hyperparameters

    def save(folder: Path) -> None:
        folder.mkdir(parents=True)
        (folder / "weights").write_text("as trained")

    run = Kept(tmp_path / "candidates", h, "mine", Seal(tmp_path / "store.key"), save)
    checkpoint = tmp_path / "checkpoint"
    checkpoint.mkdir()

    def continues(step: int, *losses: float) -> bool:
        state = {"max_steps": 6, "global_step": step, "log_history": [{"eval_loss": loss} for loss in losses]}
        (checkpoint / "trainer_state.json").write_text(json.dumps(state))
        return run.continues(checkpoint)

    assert not run.continues(checkpoint), "a checkpoint that does not say where it stands"
    assert continues(1) and not continues(2)
    run.keep(2)
    assert continues(2) and continues(3) and not continues(4)
    assert not continues(3, 1.0, 2.0), "here it stopped: a step further would be another run"
    (tmp_path / "candidates" / "2" / "weights").write_text("edited")
    assert continues(1) and not continues(3)


@pytest.mark.parametrize("changes", [{"candidates": 0}, {"patience": -1}])
def test_numbers_that_keep_nothing_or_stop_at_once_are_refused(changes: dict[str, int], make: Make) -> None:
    with pytest.raises(BadConfig, match="candidates must be at least 1"):
        check_batch(make("sft", **changes))
