"""What an adapter's folder is checked for before anybody loads it."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import MICRO
from canvas_pipeline.release.adapter import header, read_adapter, refuse_pickles
from canvas_pipeline.training.checkpoint import adapter_config
from canvas_pipeline_tests.managed.given import save_adapter, save_tensors


def test_a_whole_adapter_is_read_from_its_header_alone(tmp_path: Path) -> None:
    adapter = read_adapter(save_adapter(tmp_path, rank=4))
    assert (adapter.rank, adapter.alpha, adapter.parameters) == (4, 32, 14 * 32)
    assert adapter.targets == ("down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj")


def test_an_adapter_that_peft_saves_is_whole(tmp_path: Path) -> None:
    from peft import get_peft_model

    of = family("qwen3")
    tokenizer = of.build_tokenizer(["words of a text"], 640)
    model = get_peft_model(of.build_model(tokenizer, 0, MICRO), adapter_config(of, 2, 4))
    model.peft_config["default"].base_model_name_or_path = "Qwen/Qwen3-32B"
    model.save_pretrained(str(tmp_path))
    adapter = read_adapter(tmp_path)
    assert (adapter.base, adapter.rank, len(adapter.targets)) == ("Qwen/Qwen3-32B", 2, 7)
    assert adapter.parameters == sum(p.numel() for p in model.parameters() if p.requires_grad)


def test_a_pickle_is_refused_by_name_and_by_content(tmp_path: Path) -> None:
    save_adapter(tmp_path)
    for name in ("adapter_model.bin", "optimizer.pt", "harmless.txt"):
        (tmp_path / name).write_bytes(pickle.dumps({"a": 1}))
        with pytest.raises(BadInput, match=f"{name}: a pickle"):
            read_adapter(tmp_path)
        (tmp_path / name).unlink()
    refuse_pickles(tmp_path)


def test_a_cut_a_lengthened_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    weights = save_adapter(tmp_path) / "adapter_model.safetensors"
    whole = weights.read_bytes()
    for content in (whole[:-1], whole + b"\0", whole[:100], b"", b"\xff" * 64, b"\x02" + bytes(7) + b"{}" + b"\0"):
        weights.write_bytes(content)
        with pytest.raises(BadInput, match=r"adapter_model.safetensors"):
            read_adapter(tmp_path)


def test_tensors_that_overlap_or_lie_about_their_size_are_refused(tmp_path: Path) -> None:
    for entries in (
        {
            "a": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]},
            "b": {"dtype": "F32", "shape": [2], "data_offsets": [4, 12]},
        },
        {"a": {"dtype": "F32", "shape": [3], "data_offsets": [0, 8]}},
        {"a": {"dtype": "PYTHON", "shape": [2], "data_offsets": [0, 8]}},
    ):
        text = json.dumps(entries).encode()
        (tmp_path / "x").write_bytes(len(text).to_bytes(8, "little") + text + bytes(12))
        with pytest.raises(BadInput, match="not a whole safetensors file"):
            header(tmp_path / "x")


@pytest.mark.parametrize(
    ("config", "reason"),
    [
        ({"peft_type": "IA3"}, "not the configuration of a LoRA adapter"),
        ({"r": 8}, "is not a pair of rank 8"),
        ({"r": "16"}, "look at r"),
        ({"base_model_name_or_path": None}, "look at base_model_name_or_path"),
    ],
)
def test_a_configuration_that_does_not_describe_the_weights_is_refused(
    config: dict[str, object], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=reason):
        read_adapter(changed(save_adapter(tmp_path), config))


def changed(folder: Path, config: dict[str, object]) -> Path:
    path = folder / "adapter_config.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **config}))
    return folder


def test_half_a_pair_other_weights_and_other_layers_are_refused(tmp_path: Path) -> None:
    weights = save_adapter(tmp_path) / "adapter_model.safetensors"
    name = "base_model.model.model.layers.0.self_attn.q_proj"
    for shapes, reason in (
        ({f"{name}.lora_A.weight": [16, 8]}, "is not a pair of rank 16"),
        ({"lm_head.weight": [4, 4]}, "lm_head.weight is no LoRA weight"),
        (
            {"model.embed_tokens.lora_A.weight": [16, 8], "model.embed_tokens.lora_B.weight": [8, 16]},
            "changes embed_tokens",
        ),
        ({}, "changes nothing"),
    ):
        save_tensors(weights, shapes)
        with pytest.raises(BadInput, match=reason):
            read_adapter(tmp_path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    (save_adapter(tmp_path) / "adapter_config.json").unlink()
    with pytest.raises(MissingInput, match="adapter_config.json: not there"):
        read_adapter(tmp_path)
    with pytest.raises(MissingInput, match="no such folder"):
        read_adapter(tmp_path / "no")
