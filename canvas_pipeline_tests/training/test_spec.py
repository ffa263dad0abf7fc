"""Run specs: JSON, hashes, refusals."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig, BadInput, GateClosed, MissingInput, SchemaMismatch
from canvas_pipeline.methods import METHODS, method
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.store import Recipe, Store
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.training.admission import admit, check_batch, check_schema
from canvas_pipeline.training.spec import (
    RunSpec,
    make_spec,
    read_spec,
    write_spec,
)  # fmt: skip
from canvas_pipeline.training.weights import model_folder
from canvas_pipeline_tests.training.rows import passed, run_of

Make = Callable[..., RunSpec]


@pytest.mark.parametrize("name", METHODS)
def test_a_spec_survives_its_file_byte_for_byte(name: str, make_full: Make, tmp_path: Path) -> None:
    spec = make_full(name)
    spec = msgspec.structs.replace(spec, verdicts=passed(spec))
    write_spec(spec, tmp_path / "a.json")
    assert read_spec(tmp_path / "a.json") == spec
    write_spec(read_spec(tmp_path / "a.json"), tmp_path / "b.json")
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()


@pytest.mark.parametrize("name", METHODS)
def test_a_spec_with_all_verdicts_for_its_inputs_is_admitted(name: str, make_full: Make) -> None:
    spec = make_full(name)
    admit(TABLE, run_of(msgspec.structs.replace(spec, verdicts=passed(spec))))


@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
def test_a_spec_without_verdicts_is_refused_with_every_reason(name: str, make_full: Make) -> None:
    with pytest.raises(GateClosed) as closed:
        admit(TABLE, run_of(make_full(name)))
    assert "g2_eval_disjoint" in str(closed.value) and "g5_dry_run" in str(closed.value)


@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
def test_each_missing_verdict_alone_closes_the_gate(name: str, make_full: Make) -> None:
    spec = make_full(name)
    verdicts = passed(spec)
    for left_out in verdicts:
        rest = tuple(v for v in verdicts if v is not left_out)
        with pytest.raises(GateClosed, match=left_out.name):
            admit(TABLE, run_of(msgspec.structs.replace(spec, verdicts=rest)))


def test_a_failed_verdict_closes_the_gate(make_full: Make) -> None:
    spec = make_full("sft")
    verdicts = [msgspec.structs.replace(v, passed=False, reason="bad") if v.guard == "g3" else v for v in passed(spec)]
    with pytest.raises(GateClosed, match="g3_base_not_empty"):
        admit(TABLE, run_of(msgspec.structs.replace(spec, verdicts=tuple(verdicts))))


def test_a_verdict_about_other_inputs_closes_the_gate(make_full: Make) -> None:
    spec = make_full("dpo")
    verdicts = [
        msgspec.structs.replace(v, inputs=dict.fromkeys(v.inputs, "0" * 64)) if v.guard == "g9" else v
        for v in passed(spec)
    ]
    with pytest.raises(GateClosed, match="g9_margins_move: the verdict about dpo was made for other inputs"):
        admit(TABLE, run_of(msgspec.structs.replace(spec, verdicts=tuple(verdicts))))


def test_an_input_that_changed_after_the_spec_closes_the_gate(make_full: Make, tmp_path: Path) -> None:
    spec = make_full("sft")
    copy = tmp_path / "train.jsonl"
    shutil.copy(spec.train_path, copy)
    spec = make_spec(
        "canvas",
        "sft",
        PROFILES["embedded"],
        7,
        {**{n: Path(f.path) for n, f in spec.inputs.items()}, "trajectory_train": copy},
    )
    spec = msgspec.structs.replace(spec, verdicts=passed(spec))
    admit(TABLE, run_of(spec))
    copy.write_bytes(copy.read_bytes() + copy.read_bytes().splitlines(keepends=True)[0])
    with pytest.raises(GateClosed, match="trajectory_train changed"):
        admit(TABLE, run_of(spec))


@pytest.mark.parametrize("name", METHODS)
def test_each_method_refuses_the_rows_of_another_data_set(name: str, data: dict[str, Path]) -> None:
    row = method(name)
    for other in ("trajectory", "preference", "feedback"):
        if DATASETS[other].row_type is DATASETS[row.dataset].row_type:
            check_schema(data[f"{other}_train"], name, DATASETS[row.dataset])
        else:
            with pytest.raises(SchemaMismatch, match=f"{name} trains on {row.dataset} rows"):
                check_schema(data[f"{other}_train"], name, DATASETS[row.dataset])


def test_an_empty_data_set_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("\n")
    with pytest.raises(BadInput, match="no rows"):
        check_schema(tmp_path / "rows.jsonl", "kto", DATASETS["feedback"])


def test_the_hash_of_a_stage_folder_is_the_one_in_its_manifest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stage, _ = store.make(Recipe(stage="s", code_version="1"), lambda w: w.text("x", "model/config.json"))
    assert sha256_path(stage.folder) == stage.sha256
    assert model_folder(stage.folder) == stage.folder / "model"


def test_the_result_does_not_depend_on_where_inputs_lie_or_on_verdicts(make_full: Make, tmp_path: Path) -> None:
    spec = make_full("sft")
    moved = tmp_path / "elsewhere.jsonl"
    shutil.copy(spec.train_path, moved)
    inputs = {**{n: Path(f.path) for n, f in spec.inputs.items()}, "trajectory_train": moved}
    other = make_spec("canvas", "sft", PROFILES["embedded"], 7, inputs,
                      passed(spec), hyperparameters=spec.hyperparameters)  # fmt: skip
    assert other.sha256 == spec.sha256 != make_full("sft", seed=8).sha256
    assert make_full("sft", learning_rate=0.5).sha256 != spec.sha256


def test_missing_and_malformed_specs_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such run spec"):
        read_spec(tmp_path / "no.json")
    (tmp_path / "bad.json").write_text('{"method": 3}')
    with pytest.raises(BadInput, match="not a run spec"):
        read_spec(tmp_path / "bad.json")


def test_a_spec_that_lacks_an_input_of_its_method_names_it(make_full: Make) -> None:
    spec = make_full("dpo")
    inputs = {name: file for name, file in spec.inputs.items() if name != "reference_logprobs"}
    with pytest.raises(MissingInput, match="reference_logprobs"):
        admit(TABLE, run_of(msgspec.structs.replace(spec, inputs=inputs)))


def test_bitsandbytes_is_needed_for_4_bit_weights_and_8_bit_optimisers_only(make_full: Make) -> None:
    needed = {name for name in METHODS if make_full(name).needs_bitsandbytes}
    assert needed == {"qlora"}
    sft = make_full("sft")
    on_a_gpu = msgspec.structs.replace(sft.hyperparameters, optimizer=METHODS["sft"].hyperparameters("gb10").optimizer)
    assert msgspec.structs.replace(sft, hyperparameters=on_a_gpu).needs_bitsandbytes


def test_numbers_that_cannot_train_are_refused(make_full: Make) -> None:
    with pytest.raises(BadConfig, match="batch of at least 2"):
        check_batch(make_full("kto", batch=1))
    with pytest.raises(BadConfig, match="adapter_rank"):
        check_batch(make_full("lora", adapter_rank=0))
    with pytest.raises(BadConfig, match="positive"):
        check_batch(make_full("sft", learning_rate=0.0))
