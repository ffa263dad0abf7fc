"""The memory of a step is computed: for the real shape it is what the table reserves, for a small one what a process takes."""

from __future__ import annotations

import math
import os
import subprocess
import sys
from typing import Any

import msgspec
import pytest

from canvas_pipeline.methods import METHODS, REFERENCE_GIB, Hyperparameters
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.training import memory
from canvas_pipeline.training.memory import CONTEXT_GIB, GIB, computed, forward_only, of_method
from canvas_pipeline.training.reference import TOKENS_A_BATCH

BOUND_GIB = 60
"""A method whose step fits into this recomputes no activations."""


def e2b() -> Any:
    """google/gemma-4-E2B-it with the sizes of its published config, towers included."""
    from transformers import Gemma4Config, Gemma4ForConditionalGeneration

    text = {
        "hidden_size": 1536, "intermediate_size": 6144, "num_hidden_layers": 35, "num_attention_heads": 8,
        "num_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512, "sliding_window": 512, "vocab_size": 262144,
        "vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256, "num_kv_shared_layers": 20,
        "use_double_wide_mlp": True, "final_logit_softcapping": 30.0, "tie_word_embeddings": True,
        "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 7,
    }  # fmt: skip
    return Gemma4ForConditionalGeneration(Gemma4Config(text_config=text, vision_config={}, audio_config={}))


@pytest.mark.parametrize("name", ["sft", "lora", "qlora", "dpo", "kto"])
def test_a_gb10_step_reserves_what_is_computed_for_its_longest_rows(name: str) -> None:
    row, h = METHODS[name], METHODS[name].hyperparameters("gb10")
    found = of_method(e2b, row, h, GEMMA4, "bfloat16")
    assert found.reserved_gib == row.uma_gib["gb10"] <= BOUND_GIB, memory.table({name: found})
    if name == "sft":  # the shape: 5.104 B parameters, of which the 1.877 B of the text layers are trained in float32
        assert (found.gradients / 4 / 1e9, found.weights / GIB) == (
            pytest.approx(1.877, abs=0.001),
            pytest.approx(13.0, abs=0.05),
        )
    if name == "lora":
        assert found.weights / GIB == pytest.approx(9.5, abs=0.2) and found.gradients / GIB < 0.15


def test_pair_methods_reserve_the_same_since_only_their_losses_differ() -> None:
    pairs = [row for row in METHODS.values() if row.objective == "pairwise"]
    assert len({row.uma_gib["gb10"] for row in pairs}) == 1
    assert len({(row.hyperparameters("gb10").batch, row.hyperparameters("gb10").max_length) for row in pairs}) == 1


def test_activations_are_recomputed_only_where_they_would_not_fit() -> None:
    assert [row.name for row in METHODS.values() if row.hyperparameters("gb10").checkpointing] == ["kto"]
    kept = msgspec.structs.replace(METHODS["kto"].hyperparameters("gb10"), checkpointing=False)
    assert of_method(e2b, METHODS["kto"], kept, GEMMA4, "bfloat16").reserved_gib > BOUND_GIB


def test_the_reference_pass_reserves_what_is_computed_for_its_largest_batch() -> None:
    rows = TOKENS_A_BATCH["gpu"] // 2048
    assert math.ceil(forward_only(e2b, GEMMA4, "bfloat16", rows, 2048) / GIB + CONTEXT_GIB) == REFERENCE_GIB["gb10"]


SMALL: dict[str, Any] = {
    "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 6, "num_attention_heads": 4, "num_key_value_heads": 1,
    "head_dim": 64, "global_head_dim": 128, "sliding_window": 128, "vocab_size": 4096, "vocab_size_per_layer_input": 4096,
    "hidden_size_per_layer_input": 64, "num_kv_shared_layers": 2, "use_double_wide_mlp": True, "final_logit_softcapping": 30.0,
    "layer_types": (["sliding_attention"] * 2 + ["full_attention"]) * 2, "tie_word_embeddings": True,
}  # fmt: skip
ROWS, LENGTH = 4, 768
MEASURE = """
import gc, json, sys
import torch
from transformers import Gemma4ForCausalLM, Gemma4TextConfig
from canvas_pipeline.training.checkpoint import adapter_config
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.models.gemma4.family import GEMMA4
torch.set_num_threads(1)
text, adapter, checkpointing, rows, length = json.loads(sys.argv[1])
def step(config, rows, length):
    model = fuse_head(Gemma4ForCausalLM(config))
    if adapter:
        from peft import get_peft_model
        model = get_peft_model(model, adapter_config(GEMMA4, 8, 8))
    if checkpointing:
        model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
        if adapter:
            model.enable_input_require_grads()
    model.train()
    optimiser = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-4, fused=True)
    for update in range(2):
        for micro in range(2):
            ids = torch.randint(5, 4000, (rows, length))
            out = model(input_ids=ids, attention_mask=torch.ones_like(ids), labels=ids, use_cache=False, fused_lm_head=True)
            (-out.log_probs.sum()).backward()
            del out
        optimiser.step()
        if update == 0:
            optimiser.zero_grad(set_to_none=True)
def status(key):
    return next(int(line.split()[1]) for line in open("/proc/self/status") if line.startswith(key)) * 1024
step(Gemma4TextConfig(**{**text, "hidden_size": 64, "intermediate_size": 64}), 2, 64)  # load the libraries, compile kernels
gc.collect()
open("/proc/self/clear_refs", "w").write("5")
before = status("VmRSS")
step(Gemma4TextConfig(**text), rows, length)
print(status("VmHWM") - before)
"""


@pytest.mark.parametrize("adapter, checkpointing", [(None, False), (None, True), ("lora", False)])
def test_a_process_takes_what_is_computed_within_15_percent(adapter: Any, checkpointing: bool) -> None:
    from transformers import Gemma4ForCausalLM, Gemma4TextConfig

    h = Hyperparameters(
        epochs=1, learning_rate=1e-4, batch=ROWS, adapter_rank=8, adapter_alpha=8, checkpointing=checkpointing
    )
    found = computed(lambda: Gemma4ForCausalLM(Gemma4TextConfig(**SMALL)), h, adapter, GEMMA4, "float32", ROWS, LENGTH)
    # Freed blocks go back to the kernel at once, so that the resident size is that of the live tensors.
    environment = {
        **os.environ,
        "MALLOC_MMAP_THRESHOLD_": "65536",
        "MALLOC_TRIM_THRESHOLD_": "65536",
        "OMP_NUM_THREADS": "1",
    }
    arguments = msgspec.json.encode((SMALL, adapter, checkpointing, ROWS, LENGTH)).decode()
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", MEASURE, arguments],
        capture_output=True, text=True, check=True, env=environment,
    )  # fmt: skip
    measured = int(done.stdout.split()[-1])
    print(f"{adapter} {checkpointing}: computed {found.total / 2**20:.0f} MiB, measured {measured / 2**20:.0f} MiB")
    assert found.total == pytest.approx(measured, rel=0.15), memory.table({"computed": found})
