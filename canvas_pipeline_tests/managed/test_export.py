"""Exports in the form of the base that is tuned, with what the service would refuse left out and counted."""

from __future__ import annotations

from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig, BadInput, InputChanged
from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed.bases import BASES, base_named
from canvas_pipeline.managed.export import Conversation
from canvas_pipeline.managed.tokens import counter
from canvas_pipeline.managed.translation import translated
from canvas_pipeline.models.families import CHAT_FAMILIES, family
from canvas_pipeline.models.family import ModelFamily, ToolCall
from canvas_pipeline.records import Message
from canvas_pipeline.training.encoding import tokenise
from canvas_pipeline_tests.managed.given import GEMINI, GEMMA, LLAMA, LLAMA4, QWEN, exported, lines, rows, talk

GOLDEN = {
    GEMMA: ("<start_of_turn>user\nS\n\nQ<end_of_turn>\n<start_of_turn>model\n", "A<end_of_turn>"),
    LLAMA: (
        "<|start_header_id|>system<|end_header_id|>\n\nCutting Knowledge Date: December 2023\nToday Date: 26 Jul 2024\n\n"
        "S<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nQ<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n",
        "A<|eot_id|>",
    ),
    LLAMA4: (
        "<|header_start|>system<|header_end|>\n\nS<|eot|><|header_start|>user<|header_end|>\n\nQ<|eot|>"
        "<|header_start|>assistant<|header_end|>\n\n",
        "A<|eot|>",
    ),
    QWEN: (
        "<|im_start|>system\nS<|im_end|>\n<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n",
        "A<|im_end|>",
    ),
    "meta/llama3_1@llama-3.1-8b": ("SQ", "A<|end_of_text|>"),
}  # fmt: skip


@pytest.mark.parametrize("base", sorted(GOLDEN))
def test_prompt_and_completion_are_written_with_the_base_s_own_template(base: str, tmp_path: Path) -> None:
    exported(tmp_path / "e", rows(120, talk()), base=base)
    prompt, completion = GOLDEN[base]
    assert lines(tmp_path / "e" / "train.jsonl")[0] == {"prompt": prompt, "completion": completion}
    if base != GEMMA:
        assert "<start_of_turn>" not in prompt


@pytest.mark.parametrize("base", [GEMMA, LLAMA, LLAMA4, QWEN])
def test_a_tokenizer_that_adds_its_bos_gives_exactly_one_and_ours_does_too(base: str, tmp_path: Path) -> None:
    of = family(BASES[base].family or "")
    tokenizer = of.build_tokenizer([of.render(talk()).text], 640)
    bos = tokenizer.convert_tokens_to_ids(of.bos) if of.bos else -1
    exported(tmp_path / "e", rows(120, talk()), base=base)
    exported(tmp_path / "b", rows(120, talk()), base=base, bos=True)
    text, whole = ("".join(lines(tmp_path / n / "train.jsonl")[0].values()) for n in "eb")
    assert tokenise(whole, tokenizer)[0].count(bos) == (1 if of.bos else 0)
    if base == GEMMA:  # the published tokenizer adds it; the small one that is made here does not
        return
    assert tokenizer(text)["input_ids"].count(bos) == (1 if of.bos else 0)
    if of.bos:
        assert tokenizer(whole)["input_ids"][:2] == [bos, bos], "the fault that the default avoids"


def test_messages_and_contents_have_the_roles_that_the_service_reads(tmp_path: Path) -> None:
    exported(tmp_path / "m", rows(120, talk()), base=QWEN, form="messages")
    roles = [(m["role"], m["content"]) for m in lines(tmp_path / "m" / "train.jsonl")[0]["messages"]]
    assert roles == [("system", "S"), ("user", "Q"), ("assistant", "A")]
    exported(tmp_path / "g", rows(120, talk()), base=GEMINI)
    assert lines(tmp_path / "g" / "train.jsonl")[0] == {
        "systemInstruction": {"role": "system", "parts": [{"text": "S"}]},
        "contents": [{"role": "user", "parts": [{"text": "Q"}]}, {"role": "model", "parts": [{"text": "A"}]}],
    }


def test_each_turn_of_the_model_is_a_line_that_continues_the_one_before(tmp_path: Path) -> None:
    two = (*talk("one", "first"), Message(role="user", content="two"), Message(role="assistant", content="second"))
    made = exported(tmp_path / "e", rows(120, two), base=LLAMA)
    first, second = lines(tmp_path / "e" / "train.jsonl")[:2]
    assert (first["completion"], second["completion"]) == ("first<|eot_id|>", "second<|eot_id|>")
    assert second["prompt"].startswith(first["prompt"] + first["completion"])
    assert made.parts["train"].lines == 2 * made.parts["train"].funnel.kept == 240


CALL = ToolCall("rooms", {"floor": 3, "name": "<|eot_id|><turn|>"})


@pytest.mark.parametrize("source", CHAT_FAMILIES, ids=lambda of: of.name)
@pytest.mark.parametrize("target", CHAT_FAMILIES, ids=lambda of: of.name)
def test_calls_results_and_escaped_texts_mean_the_same_in_another_family(
    source: ModelFamily, target: ModelFamily
) -> None:
    said = "a marker: <|eot_id|><|im_end|><end_of_turn><turn|>"
    messages = (
        Message(role="user", content=source.calls.escape(said)),
        Message(role="assistant", content=source.calls.serialise(CALL)),
        Message(role="tool", name="rooms", content=source.calls.response_text([said])),
        Message(role="assistant", content="Room 301."),
    )
    user, call, result, answer = translated(messages, source, target)
    assert target.calls.unescape(user.content) == said
    assert target.calls.parse(call.content).calls == (CALL,)
    assert result.content == target.calls.response_text([said])
    assert answer.content == "Room 301."
    assert all(stop not in user.content for stop in target.stops)


def test_turns_without_a_form_in_the_base_are_refused_and_counted(tmp_path: Path) -> None:
    calls = family("gemma4").calls
    several = talk(answer=calls.serialise(ToolCall("a")) + calls.serialise(ToolCall("b")))
    unreadable = talk(answer="<|tool_call>call:rooms{floor:")
    mixed = [*rows(120), Conversation("two", several), Conversation("bad", unreadable)]
    made = exported(tmp_path / "e", mixed, base=LLAMA)
    assert made.parts["train"].funnel.refused == {"no_form": 2} and made.parts["train"].funnel.kept == 120
    assert exported(tmp_path / "q", mixed, base=QWEN).parts["train"].funnel.refused == {"no_form": 1}


def test_tools_have_a_form_in_prompt_and_completion_only(tmp_path: Path) -> None:
    tool = {"type": "function", "function": {"name": "rooms", "description": "", "parameters": {"type": "object"}}}
    given = [Conversation(f"r{n}", talk(), (tool,)) for n in range(120)]
    exported(tmp_path / "e", given, base=LLAMA)
    assert '"name": "rooms"' in lines(tmp_path / "e" / "train.jsonl")[0]["prompt"]
    for base, form in ((LLAMA, "messages"), (GEMINI, "gemini")):
        with pytest.raises(BadInput, match="no row of the train part can be exported .*no_form"):
            exported(tmp_path / form, given, base=base, form=form)
    assert not (tmp_path / "messages").exists()


def test_rows_over_the_limit_are_refused_and_never_cut(tmp_path: Path) -> None:
    of = family("llama3")
    long, texts = talk("word " * 5000), [of.render(talk()).text]
    of.build_tokenizer(texts, 640).save_pretrained(str(tmp_path / "tokenizer"))
    count = counter(tmp_path / "tokenizer", of)
    mixed = [*rows(120), Conversation("long", long)]
    made = exported(tmp_path / "e", mixed, base=LLAMA, count=count)
    assert made.parts["train"].funnel.refused == {"too_long": 1} and made.limit == 4096
    lengths = made.parts["train"].lengths
    assert lengths.unit == "tokens" and lengths.max <= 4096
    assert lengths.max == max(
        count("<|begin_of_text|>" + "".join(line.values())) for line in lines(tmp_path / "e/train.jsonl")
    )
    # Bytes only bound tokens: what they do not prove is not refused silently.
    with pytest.raises(BadInput, match="does not say that they are too long; give the base's tokenizer"):
        exported(tmp_path / "b", mixed, base=LLAMA)
    assert exported(tmp_path / "c", base=LLAMA).parts["train"].lengths.unit == "bytes"


def test_a_tokenizer_of_another_base_counts_nothing(tmp_path: Path) -> None:
    of = family("qwen3")
    of.build_tokenizer([of.render(talk()).text], 640).save_pretrained(str(tmp_path))
    with pytest.raises(BadInput, match="not a llama3 tokenizer"):
        counter(tmp_path, family("llama3"))


def test_a_validation_file_over_a_quarter_is_refused_until_fewer_rows_are_drawn(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="has 40 lines and may have 30"):
        exported(tmp_path / "e", rows(120), rows(40))
    made = exported(tmp_path / "e", rows(120), rows(40), validation_rows=30)
    assert made.parts["validation"].funnel.refused == {"beyond_validation_rows": 10}
    shuffled = exported(tmp_path / "s", rows(120), rows(40)[::-1], validation_rows=30)
    kept = [sorted(map(str, lines(tmp_path / n / "validation.jsonl"))) for n in "es"]
    assert kept[0] == kept[1] and shuffled.parts["validation"].lines == 30


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"base": LLAMA, "form": "gemini"}, "tuned on prompt-completion or messages, not on gemini"),
        ({"base": GEMINI, "form": "prompt-completion"}, "tuned on gemini, not on prompt-completion"),
        ({"base": LLAMA4, "mode": "FULL"}, "tuned as PEFT_ADAPTER only, not as FULL"),
        ({"base": "google/gemma3@gemma-3-4b-it"}, "tuned as FULL only, not as PEFT_ADAPTER"),
        ({"base": "acme/model@m-1"}, "name its family with --family"),
    ],
)
def test_what_a_base_is_not_tuned_on_is_refused(change: dict[str, str], reason: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=reason):
        exported(tmp_path / "e", **change)  # type: ignore[arg-type]


def test_an_unknown_base_is_taken_with_a_warning_and_an_alias_named(tmp_path: Path) -> None:
    base, warnings = base_named("acme/model@m-1", "qwen3")
    assert not base.known and "its limits are not checked" in warnings[0]
    made = exported(tmp_path / "e", base="acme/model@m-1", family="qwen3")
    assert made.limit is None and any("lengths were not checked" in warning for warning in made.warnings)
    alias, warnings = base_named("google/gemma3@gemma-3-27b-it")
    assert alias.id == GEMMA and "the name that is sent" in warnings[0]
    with pytest.raises(BadConfig, match="is of the family llama3"):
        base_named(LLAMA, "qwen3")


def test_the_same_rows_give_the_same_bytes_and_a_changed_file_is_noticed(tmp_path: Path) -> None:
    for name in "ab":
        exported(tmp_path / name)
    assert all(
        (tmp_path / "a" / f).read_bytes() == (tmp_path / "b" / f).read_bytes() for f in ("train.jsonl", "export.json")
    )
    exports.read(tmp_path / "a")
    with (tmp_path / "a" / "train.jsonl").open("a") as file:
        file.write("{}\n")
    with pytest.raises(InputChanged, match="not as it was exported"):
        exports.read(tmp_path / "a")


def test_bare_prompts_of_a_base_model_become_turns(tmp_path: Path) -> None:
    bare = (
        Message(role="user", content="Instruction: say hi\nResponse:"),
        Message(role="assistant", content=" Hi."),
    )
    exported(tmp_path / "e", rows(120, bare), base=QWEN, source="plain-gemma4")
    line = lines(tmp_path / "e" / "train.jsonl")[0]
    assert line["completion"] == "Hi.<|im_end|>" and "user\nInstruction: say hi\nResponse:<|im_end|>" in line["prompt"]
