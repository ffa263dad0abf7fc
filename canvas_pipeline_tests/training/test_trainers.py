"""All methods, for real, on a micro model."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadInput, GateClosed
from canvas_pipeline.methods import METHODS
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.storage.digests import content_sha256, sha256_file
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.training import preference, supervised
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.reference import read_reference
from canvas_pipeline.training.spec import InputFile, RunSpec
from canvas_pipeline.training.trainers import last_complete, saves_by_time
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]
TRAIN: Mapping[str, Any] = {
    "sft": supervised.train, "pairwise": preference.train_pairs, "unpaired": preference.train_feedback,
}  # fmt: skip


def train(spec: RunSpec, out: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return the summary and the events."""
    log = io.StringIO()
    summary = TRAIN[spec.row.objective](run_of(spec), out, Reporter(log))
    return summary, [json.loads(line) for line in log.getvalue().splitlines()]


def files(folder: Path) -> dict[str, str]:
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in sorted(folder.rglob("*")) if p.is_file()}


# The loss at the first step, where policy and reference are the same weights, at beta 0.3.
FIRST_LOSS = {"dpo": 0.6931, "ipo": 2.7778, "apo-zero": 1.0, "sppo": 5.5556, "nca": 1.3863, "kto": 0.5}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_trains_two_steps_from_its_known_first_loss_and_leaves_a_whole_loadable_checkpoint(
    name: str, make: Make, base: Path, tmp_path: Path
) -> None:
    import torch

    # Without the anchor on the chosen side the first loss is the method's own.
    summary, events = train(make(name, chosen_nll=0.0), tmp_path / "out")
    made = files(tmp_path / "out")
    whole = {
        "model/config.json",
        "model/model.safetensors",
        "model/tokenizer.json",
        "metrics.jsonl",
        "summary.json",
        "machine.json",
    }
    assert whole | {"plots/loss.png", "plots/grad_norm.png"} <= set(made)
    assert [path.name for path in tmp_path.glob(".*")] == [".seal.key"]  # no data folder started this training
    assert summary["steps"] == 2 and summary["method"] == name
    assert any(event["event"] == "progress" and event["done"] == 2 for event in events)
    if name in FIRST_LOSS:
        assert summary["first"]["loss"] == pytest.approx(FIRST_LOSS[name], rel=0.03)
        assert summary["first"].get("rewards/margins", 0.0) == pytest.approx(0.0, abs=0.03)
        assert summary["first"].get("kl", 0.0) == pytest.approx(0.0, abs=0.05)
    before, after = load_model(base).state_dict(), load_model(tmp_path / "out" / "model").state_dict()
    assert before.keys() == after.keys()
    assert any(not torch.equal(before[key], after[key]) for key in before)
    assert all(bool(torch.isfinite(value).all()) for value in after.values())
    assert load_tokenizer(tmp_path / "out" / "model", GEMMA4).get_vocab() == load_tokenizer(base, GEMMA4).get_vocab()


@pytest.mark.parametrize("name", ["sft", "kto"])
def test_the_same_spec_gives_the_same_bytes(name: str, make: Make, tmp_path: Path) -> None:
    for folder in ("a", "b"):
        train(make(name), tmp_path / folder)
    assert content_sha256(files(tmp_path / "a")) == content_sha256(files(tmp_path / "b"))


def test_the_anchor_adds_the_chosen_sides_loss_and_the_margin_still_starts_at_zero(make: Make, tmp_path: Path) -> None:
    plain, _ = train(make("dpo", chosen_nll=0.0), tmp_path / "a")
    anchored, _ = train(make("dpo", chosen_nll=2.0), tmp_path / "b")
    # An untrained model of 640 tokens: about log(640) nats a token.
    assert anchored["first"]["loss"] - plain["first"]["loss"] == pytest.approx(2 * 6.4, rel=0.1)
    assert anchored["first"]["rewards/margins"] == pytest.approx(0.0, abs=0.03)


def test_another_seed_gives_other_weights(make: Make, tmp_path: Path) -> None:
    train(make("sft"), tmp_path / "a")
    train(make("sft", seed=8), tmp_path / "b")
    assert files(tmp_path / "a")["model/model.safetensors"] != files(tmp_path / "b")["model/model.safetensors"]


def test_rows_longer_than_the_limit_are_left_out_and_counted_never_cut(make: Make, tmp_path: Path) -> None:
    run = run_of(make("sft"))
    tokenizer = load_tokenizer(run.spec.start_path, GEMMA4)
    lengths = sorted(run.encode_supervised(row, tokenizer).length for row in run.rows(run.spec.train_path))
    limit = lengths[len(lengths) // 2]
    summary, events = train(make("sft", max_length=limit), tmp_path / "out")
    assert summary["rows"] == sum(length <= limit for length in lengths) and summary["left_out"] > 0
    assert any(event["event"] == "left_out" for event in events)


def test_a_pair_without_reference_is_refused(make: Make, tmp_path: Path) -> None:
    spec = make("dpo")
    rows = list(read_reference(spec.path("reference_logprobs"), spec.inputs["sft_checkpoint"].sha256).values())
    write_jsonl(tmp_path / "rows.jsonl", rows[1:])
    inputs = {**spec.inputs, "reference_logprobs": InputFile(path=str(tmp_path / "rows.jsonl"), sha256="")}
    with pytest.raises(BadInput, match=f"row {rows[0].id} has no reference"):
        train(msgspec.structs.replace(spec, inputs=inputs), tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_reference_of_other_weights_is_refused(make: Make) -> None:
    spec = make("dpo")
    with pytest.raises(GateClosed, match="other weights than this run starts from"):
        read_reference(spec.path("reference_logprobs"), "0" * 64)


def test_only_a_complete_step_checkpoint_of_the_same_run_is_continued(tmp_path: Path) -> None:
    folder, seal = tmp_path / "steps", Seal(tmp_path / "store.key")
    for step, fingerprint in ((2, "mine"), (4, "mine"), (6, "other"), (8, None), (10, "mine")):
        (folder / f"checkpoint-{step}").mkdir(parents=True)
        if fingerprint:
            seal.put(folder / f"checkpoint-{step}", fingerprint)
    (folder / "checkpoint-10" / "weights").write_text("edited")
    assert last_complete(folder, "mine", seal) == folder / "checkpoint-4"
    assert sorted(p.name for p in folder.iterdir() if p.is_dir()) == ["checkpoint-2", "checkpoint-4"]


def test_a_save_by_time_waits_for_the_next_logged_step_and_the_time_starts_anew(tmp_path: Path) -> None:
    from transformers import TrainerControl, TrainerState, TrainingArguments

    now = [0.0]
    callback = saves_by_time(10.0, lambda: now[0])
    arguments = TrainingArguments(output_dir=str(tmp_path), logging_steps=3, use_cpu=True)

    def saved(step: int, minute: float) -> bool:
        now[0], control = 60 * minute, TrainerControl()
        callback.on_step_end(arguments, TrainerState(global_step=step, max_steps=30), control)
        return bool(control.should_save)

    steps = [(3, 9), (6, 9.9), (7, 10), (8, 14), (9, 15), (12, 20), (15, 24.9), (18, 25), (27, 34), (30, 99)]
    assert [step for step, minute in steps if saved(step, minute)] == [9, 18]  # the end of a run is saved anyway


def test_kto_pairs_each_prompt_with_a_neighbours_completion(make: Make, data: dict[str, Path]) -> None:
    from canvas_pipeline.records import read_jsonl
    from canvas_pipeline.tracks.canvas.rows import FeedbackExample

    spec = make("kto", batch=4)
    tokenizer = load_tokenizer(spec.start_path, GEMMA4)
    rows = list(read_jsonl(data["feedback_train"], FeedbackExample))[:9]
    prepared = preference.feedback_rows(rows, [8, 3, 1, 0, 2, 7, 6, 5, 4], run_of(spec), tokenizer)
    completion = {row["id"]: [t for t, m in zip(row["ids"], row["mask"], strict=True) if m] for row in prepared}
    order = [row["id"] for row in prepared]
    for at, row in enumerate(prepared):
        first = at - at % 4
        neighbour = order[at - 1] if at > first or at == len(order) - 1 else order[min(first + 4, len(order)) - 1]
        assert [t for t, m in zip(row["kl_ids"], row["kl_mask"], strict=True) if m] == completion[neighbour]
        assert row["kl_ids"][:20] == row["ids"][:20]
    assert sorted(order) == sorted(row.id for row in rows)


@pytest.mark.parametrize("name", ["sft", "dpo"])
def test_a_runs_own_adapter_is_trained_and_folded_into_a_whole_checkpoint(
    name: str, make: Make, base: Path, tmp_path: Path
) -> None:
    import torch

    spec = make(name, adapter="lora", adapter_rank=4, adapter_alpha=8)
    assert spec.adapter == "lora" and METHODS[name].adapter is None
    train(spec, tmp_path / "out")
    before, after = load_model(base).state_dict(), load_model(tmp_path / "out" / "model").state_dict()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    # Adapters sit on the projections alone: embeddings and norms stay those of the start.
    assert changed and all(key.endswith("_proj.weight") for key in changed)
