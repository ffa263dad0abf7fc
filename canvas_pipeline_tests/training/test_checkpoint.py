"""Strict loading, whole saving, adapters folded in; the path of the real Gemma-4 checkpoints."""

from __future__ import annotations

import io
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.family import MICRO
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.tiny import build_config
from canvas_pipeline.records import Message
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.training import supervised
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer, save_model
from canvas_pipeline.training.leaving import base_name
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.spec import InputFile, RunSpec
from canvas_pipeline.training.weights import resolve
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]


@pytest.fixture(scope="module")
def whole(base: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny ``Gemma4ForConditionalGeneration`` on disk: text, vision and audio towers, as google/gemma-4-E2B-it has."""
    import torch
    from transformers import Gemma4AudioConfig, Gemma4Config, Gemma4ForConditionalGeneration, Gemma4VisionConfig

    tokenizer = load_tokenizer(base, GEMMA4)
    marks = {
        "boi_token_id": "<|image>", "eoi_token_id": "<image|>", "image_token_id": "<|image|>", "video_token_id": "<|video|>",
        "boa_token_id": "<|audio>", "eoa_token_index": "<audio|>", "audio_token_id": "<|audio|>",
    }  # fmt: skip
    config = Gemma4Config(
        text_config=build_config(replace(MICRO, vocabulary=len(tokenizer))),
        vision_config=Gemma4VisionConfig(
            hidden_size=32, intermediate_size=64, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=2,
            head_dim=16, position_embedding_size=64,
        ),
        audio_config=Gemma4AudioConfig(
            hidden_size=32, num_hidden_layers=1, num_attention_heads=2, output_proj_dims=32, subsampling_conv_channels=(8, 4)
        ),
        **{name: tokenizer.convert_tokens_to_ids(token) for name, token in marks.items()},
    )  # fmt: skip
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("whole") / "model"
    save_model(Gemma4ForConditionalGeneration(config), tokenizer, folder, GEMMA4)
    return folder


def drop_weight(folder: Path, part: str) -> str:
    """Remove the first weight whose name holds ``part``; its name."""
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    name = next(key for key in weights if part in key)
    save_file(
        {key: value for key, value in weights.items() if key != name}, folder / "model.safetensors", {"format": "pt"}
    )
    return name


@pytest.mark.parametrize("name", ["sft", "lora", "qlora"])
def test_a_conditional_generation_checkpoint_trains_saves_and_reloads(
    name: str, whole: Path, make: Make, tmp_path: Path
) -> None:
    import torch

    spec = make(name, max_steps=1)
    inputs = {**spec.inputs, "base_model": InputFile(path=str(whole), sha256=sha256_path(whole))}
    supervised.train(run_of(msgspec.structs.replace(spec, inputs=inputs)), tmp_path / "out", Reporter(io.StringIO()))
    before, after = load_model(whole).state_dict(), load_model(tmp_path / "out" / "model").state_dict()
    assert before.keys() == after.keys()
    changed = {key for key in before if not torch.equal(before[key], after[key])}
    assert changed and all("language_model" in key for key in changed - {"lm_head.weight"})


def test_its_towers_that_see_and_hear_are_frozen(whole: Path) -> None:
    model = load_model(whole)
    assert type(model).__name__ == "Gemma4ForConditionalGeneration"
    free = {name for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert free and all("language_model" in name for name in free)


@pytest.mark.parametrize("part", ["q_proj", "norm"])
def test_a_checkpoint_with_a_missing_weight_is_refused_by_name(
    part: str, base: Path, whole: Path, tmp_path: Path
) -> None:
    for source in (base, whole):
        folder = tmp_path / source.parent.name
        shutil.copytree(source, folder)
        name = drop_weight(folder, part)
        with pytest.raises(BadInput, match=r"1 missing keys") as refused:
            load_model(folder)
        assert name.split(".")[-2] in str(refused.value)


def test_a_checkpoint_with_weights_of_no_layer_is_refused(base: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    shutil.copytree(base, tmp_path / "m")
    weights = load_file(base / "model.safetensors")
    first = next(iter(weights))
    save_file(
        {**weights, "model.layers.9.extra.weight": weights[first].clone()},
        tmp_path / "m" / "model.safetensors",
        {"format": "pt"},
    )
    with pytest.raises(BadInput, match="1 unexpected keys"):
        load_model(tmp_path / "m")


def test_weights_of_a_whole_model_under_a_text_config_are_refused_not_made_up(
    whole: Path, base: Path, tmp_path: Path
) -> None:
    shutil.copytree(whole, tmp_path / "m")
    shutil.copy(base / "config.json", tmp_path / "m" / "config.json")
    with pytest.raises(BadInput, match="would be random"):
        load_model(tmp_path / "m")


def test_a_cut_file_is_refused(base: Path, tmp_path: Path) -> None:
    shutil.copytree(base, tmp_path / "m")
    path = tmp_path / "m" / "model.safetensors"
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(BadInput, match="cannot be loaded"):
        load_model(tmp_path / "m")


def test_a_tokenizer_without_the_wire_formats_markers_is_refused(base: Path, tmp_path: Path) -> None:
    from transformers import GemmaTokenizer

    GemmaTokenizer(
        vocab={"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3, "<mask>": 4, "a": 5}, merges=[]
    ).save_pretrained(tmp_path)
    with pytest.raises(BadInput, match=r"lacks .*<\|tool_call>"):
        load_tokenizer(tmp_path, GEMMA4)


def test_what_is_saved_stops_where_a_turn_ends_and_carries_the_published_template(base: Path) -> None:
    from transformers import AutoTokenizer

    tokenizer = load_tokenizer(base, GEMMA4)
    stops = json.loads((base / "generation_config.json").read_text())["eos_token_id"]
    assert [tokenizer.convert_ids_to_tokens(stop) for stop in stops] == ["<eos>", "<turn|>", "<|tool_response>"]
    carried = (base / "chat_template.jinja").read_text()
    assert "generation -%}" not in carried and carried == jinja.published(GEMMA4.chat_template)
    assert tokenizer.chat_template == GEMMA4.chat_template  # training needs the marks: loading puts them on
    chat = [{"role": "user", "content": "What is due?"}]
    elsewhere = AutoTokenizer.from_pretrained(base).apply_chat_template(
        chat, tokenize=False, add_generation_prompt=True
    )
    assert elsewhere == GEMMA4.render((Message(role="user", content="What is due?"),), generation=True).text


def test_saving_leaves_the_tokenizer_marked_for_the_rest_of_the_training(base: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(base, GEMMA4)
    save_model(load_model(base), tokenizer, tmp_path / "m", GEMMA4)
    assert tokenizer.chat_template == GEMMA4.chat_template and tokenizer.padding_side == "right"


def test_the_head_size_of_full_layers_is_written_for_readers_of_either_form_and_reloads(
    base: Path, whole: Path, tmp_path: Path
) -> None:
    import torch

    for name, source in (("text", base), ("whole", whole)):
        folder = tmp_path / name
        save_model(load_model(source), load_tokenizer(source, GEMMA4), folder, GEMMA4)
        config = json.loads((folder / "config.json").read_bytes())
        text = config.get("text_config", config)
        assert text["global_head_dim"] == MICRO.global_head_dim
        assert {layer["head_dim"] for layer in text["per_layer_config"].values()} == {MICRO.global_head_dim}
        before, after = load_model(source).eval(), load_model(folder).eval()
        ids = torch.tensor([[2, 7, 8, 9]])
        with torch.no_grad():
            assert torch.equal(before(input_ids=ids).logits, after(input_ids=ids).logits)


@pytest.mark.parametrize("name", ["sft", "lora"])
def test_the_processor_files_of_the_base_go_with_every_checkpoint_made_from_it(
    name: str, base: Path, whole: Path, make: Make, tmp_path: Path
) -> None:
    seeing = shutil.copytree(whole, tmp_path / "seeing")
    files = {"processor_config.json": '{"image_seq_length": 4}', "video_preprocessor_config.json": '{"fps": 1}\n'}
    for file, text in files.items():
        (seeing / file).write_text(text)
    for start, expected in ((seeing, files), (base, {})):
        spec = make(name, max_steps=1)
        inputs = {**spec.inputs, "base_model": InputFile(path=str(start), sha256=sha256_path(start))}
        out = tmp_path / f"out-{start.name}"
        supervised.train(run_of(msgspec.structs.replace(spec, inputs=inputs)), out, Reporter(io.StringIO()))
        carried = {path.name: path.read_text() for path in (out / "model").glob("*processor*")}
        assert carried == expected


def test_a_trained_adapter_is_kept_beside_the_weights_it_was_folded_into_and_names_no_path(
    base: Path, make: Make, tmp_path: Path
) -> None:
    import torch
    from peft import PeftModel

    spec = make("lora", max_steps=2)
    out = tmp_path / "out"
    supervised.train(run_of(spec), out, Reporter(io.StringIO()))
    adapter = out / "adapter"
    assert {path.name for path in adapter.iterdir()} == {"adapter_config.json", "adapter_model.safetensors"}
    assert not any(path.is_dir() for path in (out / "model").iterdir())
    text = (adapter / "adapter_config.json").read_text()
    config = json.loads(text)
    assert config["base_model_name_or_path"] == "canvas-base-model" and config["r"] == spec.hyperparameters.adapter_rank
    assert str(tmp_path.parent) not in text and str(base) not in text and '"/' not in text
    folded = PeftModel.from_pretrained(load_model(base), str(adapter)).merge_and_unload().state_dict()
    kept = load_model(out / "model").state_dict()
    assert folded.keys() == kept.keys() and all(torch.equal(folded[key], kept[key]) for key in kept)


def test_whole_weights_have_no_adapter_beside_them(make: Make, tmp_path: Path) -> None:
    supervised.train(run_of(make("sft", max_steps=1)), tmp_path / "out", Reporter(io.StringIO()))
    assert not list((tmp_path / "out").rglob("adapter*"))


def test_the_base_of_an_adapter_is_named_as_others_know_it(tmp_path: Path) -> None:
    commit = "0123456789" * 4
    snapshot = tmp_path / "hub" / "models--google--gemma-4-E2B-it" / "snapshots" / commit
    local, stage = tmp_path / "gemma-4-E2B-it", tmp_path / "base_model" / "model"
    for folder in (snapshot, local, stage):
        folder.mkdir(parents=True)
    assert base_name("canvas", "base_model", snapshot) == ("google/gemma-4-E2B-it", commit)
    assert base_name("canvas", "base_model", local) == ("gemma-4-E2B-it", None)
    assert base_name("canvas", "base_model", stage) == ("canvas-base-model", None)
    assert base_name("canvas", "base_model", stage.parent) == ("canvas-base-model", None)
    assert base_name("canvas", "sft_checkpoint", stage.parent) == ("canvas-sft", None)


def test_a_failed_save_leaves_nothing_and_spoils_nothing(base: Path, tmp_path: Path) -> None:
    class Broken:
        generation_config: Any = type("G", (), {})()

        def save_pretrained(self, folder: str) -> None:
            (Path(folder) / "model.safetensors").touch()
            raise OSError("no space left on device")

    target = tmp_path / "model"
    target.mkdir()
    (target / "config.json").write_text("old")
    with pytest.raises(OSError, match="no space"):
        save_model(Broken(), load_tokenizer(base, GEMMA4), target, GEMMA4)
    assert (target / "config.json").read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["model"]


def test_a_folder_that_is_not_there_is_no_hub_id(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="no such folder"):
        resolve(str(tmp_path / "nothing"))
    assert resolve(str(tmp_path)) == tmp_path


def test_a_four_bit_model_has_the_same_gradients_after_it_was_evaluated(base: Path) -> None:
    """bitsandbytes packs the weights of an evaluated model on some processors; packed ones give no gradient to what is below."""
    import torch
    from bitsandbytes.nn import Linear4bit

    ids = torch.arange(5, 25)[None]

    def gradient(model: Any) -> Any:
        model.zero_grad()
        states = model.get_input_embeddings()(ids).detach().requires_grad_(True)
        model.train()(inputs_embeds=states, labels=ids, use_cache=False).loss.backward()
        return states.grad

    model = load_model(base, quantise=True)
    layers = [module for module in model.modules() if isinstance(module, Linear4bit)]
    assert layers and all(hasattr(layer, "support_avx512bf16_for_cpu") for layer in layers)
    before = gradient(model)
    with torch.no_grad():
        model.eval()(input_ids=ids)
    assert not any(getattr(layer.weight.quant_state, "packing_format_for_cpu", False) for layer in layers)
    assert torch.equal(gradient(model), before) and float(before.abs().max()) > 0
