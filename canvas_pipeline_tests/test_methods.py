"""The method table."""

from __future__ import annotations

import subprocess
import sys

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import BETA, METHODS, method
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.profiles import PROFILES


def test_the_table_has_exactly_the_nine_methods() -> None:
    assert list(METHODS) == ["sft", "lora", "qlora", "dpo", "ipo", "apo-zero", "sppo", "nca", "kto"]


@pytest.mark.parametrize("name", METHODS)
def test_every_row_trains_on_a_data_set_of_the_track_and_only_pairs_take_a_reference(name: str) -> None:
    row = METHODS[name]
    assert row.dataset in DATASETS
    assert row.reference <= (row.objective == "pairwise")


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("profile", PROFILES)
def test_every_row_has_sane_numbers_for_every_profile(name: str, profile: str) -> None:
    row, h = METHODS[name], METHODS[name].hyperparameters(profile)
    assert h.beta == BETA == 0.3
    assert h.learning_rate > 0 and h.epochs > 0 and h.batch * h.accumulation >= 8
    assert (h.adapter_rank > 0) == (row.adapter is not None)
    assert row.norm_share_bound[profile] > 0 and row.uma_gib[profile] > 0
    assert h.optimizer == {"gb10": "paged_adamw_8bit", "embedded": "adamw_torch_fused"}[profile]


def test_an_unknown_method_names_those_there_are() -> None:
    with pytest.raises(BadConfig, match="sft, lora, qlora, dpo, ipo, apo-zero, sppo, nca, kto"):
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
