"""The method table."""

from __future__ import annotations

import subprocess
import sys

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import BETA, CHOICES, FULL_DPO, KTO_ROWS_A_STEP, METHODS, ancestry, method, rounds
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.profiles import PROFILES


def test_the_table_has_exactly_the_nine_methods_and_the_best_of_8_baseline() -> None:
    assert CHOICES == ("sft", "lora", "qlora", "dpo", "ipo", "apo-zero", "sppo", "nca", "kto", "bon")
    assert {row.choice for row in METHODS.values()} == set(CHOICES)


def test_sppo_has_three_rounds_which_differ_in_their_start_their_pairs_and_their_reference_alone() -> None:
    three = rounds(METHODS["sppo"])
    assert [row.name for row in three] == ["sppo-1", "sppo-2", "sppo"]
    assert [row.start for row in three] == ["sft_checkpoint", "sppo-1_checkpoint", "sppo-2_checkpoint"]
    assert [row.name for row in ancestry(METHODS["sppo"])] == ["sft", "sppo-1", "sppo-2", "sppo"]
    assert len({row.dataset for row in three}) == len({row.reference for row in three}) == 3
    same = {"name": "", "dataset": "sppo", "start": "sft_checkpoint", "reference": "", "round_of": ""}
    assert len({repr(msgspec.structs.replace(row, **same)) for row in three}) == 1
    assert rounds(METHODS["dpo"]) == (METHODS["dpo"],)


def test_methods_on_the_same_pairs_from_the_same_start_share_one_reference() -> None:
    read: dict[str, set[tuple[str, ...]]] = {}
    for row in METHODS.values():
        if row.reference:
            read.setdefault(row.reference, set()).add(row.reads)
    assert all(len(found) == 1 for found in read.values())
    assert {row.name for row in METHODS.values() if row.reference == "reference_logprobs"} == {
        "dpo",
        "ipo",
        "apo-zero",
        "nca",
    }


@pytest.mark.parametrize("name", METHODS)
def test_every_row_trains_on_a_data_set_of_the_track_and_only_pairs_take_a_reference(name: str) -> None:
    row = METHODS[name]
    assert row.dataset in DATASETS
    assert bool(row.reference) == (row.objective == "pairwise")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_row_has_sane_numbers_for_every_profile(name: str, profile: str) -> None:
    row, h = METHODS[name], METHODS[name].hyperparameters(profile)
    assert h.beta == {"embedded": BETA, "gb10": 0.1 if row.dataset != "trajectory" else BETA}[profile] and BETA == 0.3
    assert h.learning_rate > 0 and h.epochs > 0 and h.batch * h.accumulation >= 8
    assert (h.adapter_rank > 0) == bool(row.adapter or h.adapter)
    assert row.norm_share_bound[profile] > 0 and row.uma_gib[profile] > 0
    # Managed ("paged") states are seen by no guard; on unified memory paging frees nothing.
    assert h.optimizer in ("adamw_torch_fused", "adamw_8bit") and FULL_DPO.optimizer == "adamw_8bit"
    assert profile == "gb10" or h.optimizer == "adamw_torch_fused"


def test_methods_that_start_from_sft_train_an_adapter_on_a_gb10_and_all_weights_of_the_embedded_model() -> None:
    for row in METHODS.values():
        if row.start != "base_model":
            h = row.hyperparameters("gb10")
            assert (h.adapter, h.adapter_rank, 5e-6 <= h.learning_rate <= 5e-5) == ("lora", 64, True)
            assert row.hyperparameters("embedded").adapter is None
        if row.objective == "pairwise":
            assert 0.5 <= row.hyperparameters("gb10").chosen_nll <= 1


def test_full_training_on_a_gb10_leaves_the_token_tables_and_of_the_embedded_model_nothing() -> None:
    for row in METHODS.values():
        assert row.hyperparameters("embedded").trained == "all" and row.hyperparameters("gb10").trained == "layers"
    assert FULL_DPO.trained == "layers" and FULL_DPO.batch * FULL_DPO.accumulation == 128


def test_the_kl_term_of_kto_is_a_mean_of_enough_rows_on_a_gb10() -> None:
    h = METHODS["kto"].hyperparameters("gb10")
    assert h.batch >= KTO_ROWS_A_STEP == 8 and h.batch * h.accumulation >= 32


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="sft, lora, qlora, dpo, ipo, apo-zero, sppo, nca, kto, bon"):
        method("ppo")


def test_an_unknown_profile_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="embedded, gb10"):
        method("dpo").hyperparameters("laptop")


def test_the_table_and_the_spec_load_without_torch() -> None:
    code = (
        "import sys; import canvas_pipeline.methods, canvas_pipeline.training.spec, "
        "canvas_pipeline.training.progress, canvas_pipeline.models.families, canvas_pipeline.training.checkpoint, "
        "canvas_pipeline.training.preference, canvas_pipeline.training.supervised, canvas_pipeline.training.measure, "
        "canvas_pipeline.pipeline.training_process, canvas_pipeline.evaluation.generate; "
        "print([m for m in ('torch', 'transformers', 'trl', 'datasets', 'peft', 'llama_cpp') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
