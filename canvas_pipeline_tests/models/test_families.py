"""Each family end to end with a micro model: render, mask, train, stop, convert to GGUF, answer."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.evaluation.generate import Checkpoint, Gguf
from canvas_pipeline.methods import method
from canvas_pipeline.models.families import CHAT_FAMILIES, FAMILIES, family, family_of
from canvas_pipeline.models.family import MICRO, ModelFamily, Rendered, Shape, ToolCall
from canvas_pipeline.records import Message, write_jsonl
from canvas_pipeline.release.converter import ensure_converter
from canvas_pipeline.release.gguf import convert
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.training import supervised
from canvas_pipeline.training.checkpoint import adapter_config, load_tokenizer, save_model
from canvas_pipeline.training.encoding import encode, tokenise
from canvas_pipeline.training.measure import wrong_masks
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.spec import make_spec

NAMES = (*(found.name for found in CHAT_FAMILIES), "plain-qwen3")
SCHEMAS = [
    {
        "type": "function",
        "function": {
            "name": "rooms",
            "description": "Rooms of a floor.",
            "parameters": {"type": "object", "properties": {"floor": {"type": "integer"}}, "required": ["floor"]},
        },
    }
]
SYSTEM = Message(role="system", content="You know the house.\n")
QUESTION = Message(role="user", content="Which rooms are free on floor 3?\n")
ANSWER = Message(role="assistant", content="Rooms 301 and 305 – é.")
SHAPE = replace(MICRO, vocabulary=640)
DEEPER = replace(SHAPE, layers=4)


def shape_of(of: ModelFamily) -> Shape:
    return DEEPER if of.name == "llama4" else SHAPE


def conversation(of: ModelFamily) -> tuple[Message, ...]:
    """A call, its result and an answer; without the call where the family has no form for one."""
    if of.chat_template is None:
        return SYSTEM, QUESTION, ANSWER
    call = Message(role="assistant", content=of.calls.serialise(ToolCall("rooms", {"floor": 3})))
    result = Message(role="tool", name="rooms", content=of.calls.response_text([301, "<|im_end|><eos><|eot_id|>"]))
    return SYSTEM, QUESTION, call, result, ANSWER


class Trained:
    """A micro model of a family that learnt one conversation by heart."""

    def __init__(self, of: ModelFamily, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.family, self.folder = of, folder
        profile = msgspec.structs.replace(PROFILES["embedded"], name=f"micro-{of.name}", family_name=of.name)
        self.messages = conversation(of)
        tokenizer = of.build_tokenizer([of.render(self.messages).text] * 3, 640)
        save_model(of.build_model(tokenizer, 0, shape_of(of)), tokenizer, folder / "base", of)
        row = Trajectory(
            id="r", kind="single", messages=self.messages, tools=(), phrasing="p", item_ids=("i",), parents=()
        )
        files = {f"trajectory_{side}": folder / f"{side}.jsonl" for side in ("train", "eval")}
        for path in files.values():
            write_jsonl(path, [msgspec.structs.replace(row, id=f"r{n}") for n in range(2)])
        numbers = msgspec.structs.replace(
            method("sft").hyperparameters("embedded"),
            max_steps=70,
            batch=1,
            accumulation=1,
            warmup=0.0,
            learning_rate=1e-2,
            epochs=35,
        )
        spec = make_spec("canvas", "sft", profile, 7, {**files, "base_model": folder / "base"}, hyperparameters=numbers)
        self.row = row
        with open(os.devnull, "w", encoding="utf-8") as nowhere:
            self.summary = supervised.train(
                Run(spec, DATASETS["trajectory"], profile), folder / "out", Reporter(nowhere)
            )
        self.model = folder / "out" / "model"
        self.tokenizer = load_tokenizer(self.model, of)
        self.prompt = of.render(self.messages[:2], generation=True, strict=False).text


@pytest.fixture(scope="module", params=NAMES)
def trained(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        yield Trained(family(request.param), tmp_path_factory.mktemp(request.param), patch)


def test_a_rendered_conversation_has_exactly_one_bos_and_its_mask_is_what_the_model_generates(trained: Trained) -> None:
    of, tokenizer = trained.family, trained.tokenizer
    encoded = encode(trained.row.messages, tokenizer, of)
    bos = tokenizer.convert_tokens_to_ids(of.bos) if of.bos else None
    assert encoded.ids.count(bos) == (1 if of.bos else 0)
    assert wrong_masks([("r", trained.messages, encoded)], tokenizer, of) == []
    whole = encode(trained.messages[2:], tokenizer, of, None, trained.messages[:2])
    assert (whole.ids, whole.mask) == (encoded.ids, encoded.mask)
    assert trained.tokenizer.pad_token == of.pad and of.pad not in of.stops


def test_a_micro_model_trains_and_stops_where_its_turn_ends(trained: Trained) -> None:
    assert trained.summary["steps"] == 70
    assert trained.summary["last"]["loss"] < trained.summary["first"]["loss"] / 4
    (answer,) = Checkpoint(trained.model, trained.family, max_new_tokens=48).generate([trained.prompt])
    text, stopped = answer
    assert stopped and text.endswith(trained.family.stops)
    turn = trained.family.calls.parse(text)
    expected = trained.family.calls.parse(trained.messages[2].content)
    assert (turn.calls, turn.text) == (expected.calls, expected.text) and not turn.malformed


def test_the_converted_gguf_gives_the_same_answer(trained: Trained, tmp_path: Path) -> None:
    path = convert(trained.model, tmp_path / "m.gguf", outtype="f32", converter=ensure_converter())
    gguf = Gguf(path, trained.family, max_new_tokens=48, context=1024, workers=1)
    for text in (trained.prompt, trained.family.render(trained.messages).text):
        assert gguf.tokens(text) == tokenise(text, trained.tokenizer)[0]
    checkpoint = Checkpoint(trained.model, trained.family, max_new_tokens=48)
    assert gguf.generate([trained.prompt]) == checkpoint.generate([trained.prompt])


@pytest.mark.parametrize("name", NAMES)
def test_an_adapter_reaches_every_projection_of_every_layer(name: str) -> None:
    from peft import get_peft_model

    of = family(name)
    tokenizer = of.build_tokenizer([of.render((QUESTION, ANSWER)).text], 640)
    model = get_peft_model(of.build_model(tokenizer, 0, shape_of(of)), adapter_config(of, 2, 4))
    reached = [name.split(".lora_A")[0].rpartition(".")[2] for name, _ in model.named_parameters() if "lora_A" in name]
    projections = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")
    assert sorted(reached) == sorted(projections * shape_of(of).layers)


def test_llama_s_tokenizer_would_add_a_second_bos_and_ours_does_not() -> None:
    of = family("llama3")
    text = of.render((QUESTION, ANSWER)).text
    tokenizer = of.build_tokenizer([text], 640)
    bos = tokenizer.convert_tokens_to_ids(of.bos)
    assert tokenizer(text)["input_ids"][:2] == [bos, bos]
    assert tokenise(text, tokenizer)[0].count(bos) == 1


GOLDEN = {
    "gemma3": "<bos><start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\nA<end_of_turn>\n",
    "gemma4": "<bos><|turn>system\nS<turn|>\n<|turn>user\nQ<turn|>\n<|turn>model\nA<turn|>\n",
    "llama3": (
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\n"
        "Today Date: 26 Jul 2024\n\nS<|eot_id|><|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\nA<|eot_id|>"
    ),
    "llama4": (
        "<|begin_of_text|><|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user<|header_end|>\n\nQ<|eot|>"
        "<|header_start|>assistant<|header_end|>\n\nA<|eot|>"
    ),
    "qwen3": (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n"
        "<|im_start|>assistant\n<think>\n\n</think>\n\nA<|im_end|>\n"
    ),
    "plain-gemma4": "<bos>SQA<eos>",
    "plain-gemma3": "<bos>SQA<eos>",
    "plain-llama3": "<|begin_of_text|>SQA<|end_of_text|>",
    "plain-llama4": "<|begin_of_text|>SQA<|end_of_text|>",
    "plain-qwen3": "SQA<|endoftext|>",
}


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_a_conversation_looks_as_documented_and_its_prompt_is_its_beginning(name: str) -> None:
    of = family(name)
    messages = tuple(Message(role=r, content=c) for r, c in (("system", "S"), ("user", "Q"), ("assistant", "A")))  # type: ignore[arg-type]
    whole = of.render(messages)
    assert whole.text == GOLDEN[name]
    assert whole.written == of.written(messages)
    assert whole.text.startswith(of.render(messages[:2], generation=True).text + "A")


@pytest.mark.parametrize("of", CHAT_FAMILIES, ids=lambda of: of.name)
def test_tools_are_declared_and_tool_results_are_never_dropped(of: ModelFamily) -> None:
    lost = Message(role="tool", name="rooms", content="[305]")
    declared = of.render((SYSTEM, QUESTION), SCHEMAS, generation=True)
    assert "rooms" in declared.text and "Rooms of a floor." in declared.text
    result = of.render((QUESTION, ANSWER, lost), generation=True, strict=False)
    assert "[305]" in result.text and ANSWER.content in result.text
    if of.name != "gemma3":  # its results are words of the user, with or without a call
        with pytest.raises(BadInput):
            of.render((QUESTION, ANSWER, lost))


def test_what_a_family_cannot_express_is_refused_by_name() -> None:
    with pytest.raises(BadInput, match="alternate"):
        family("gemma3").render((QUESTION, ANSWER, ANSWER))
    with pytest.raises(BadInput, match="first user message"):
        family("llama3").render((SYSTEM,), SCHEMAS)
    with pytest.raises(BadInput, match="no place to declare tools"):
        family("plain-qwen3").render((QUESTION,), SCHEMAS)
    with pytest.raises(BadInput, match="no tool calls"):
        family("plain-qwen3").calls.serialise(ToolCall("rooms"))
    assert family("gemma3").render((QUESTION, ANSWER, ANSWER), strict=False).text.count(ANSWER.content) == 2


def test_thoughts_of_qwen_are_trained_where_the_model_writes_them_and_not_where_the_prompt_closes_them() -> None:
    of = family("qwen3")
    thinks = Message(role="assistant", content="<think>\nHm.\n</think>\n\nYes.")
    rendered: Rendered = of.render((QUESTION, thinks, QUESTION, ANSWER))
    assert rendered.written == of.written((thinks, ANSWER))
    assert rendered.written == f"<think>\nHm.\n</think>\n\nYes.<|im_end|>{ANSWER.content}<|im_end|>"


def test_a_checkpoint_s_family_is_read_from_its_configuration_only(tmp_path: Path) -> None:
    folder = tmp_path / "gemma-4-qwen3"
    folder.mkdir()
    (folder / "config.json").write_text(json.dumps({"model_type": "llama"}))
    assert family_of(folder).name == "llama3"
    (folder / "config.json").write_text(json.dumps({"model_type": "unheard"}))
    with pytest.raises(BadConfig, match="gemma4, gemma3, llama3, llama4, qwen3"):
        family_of(folder)
    with pytest.raises(BadConfig, match="plain-qwen3"):
        family("qwen2")
