"""A checkpoint with another chat template than its family's is refused; one with the published template, or none, is not."""

from __future__ import annotations

from pathlib import Path

import pytest
import trl
from transformers.models.llama4 import processing_llama4

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.families import CHAT_FAMILIES, FAMILIES, family
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.models.own_template import difference
from canvas_pipeline.records import Message
from canvas_pipeline.training.checkpoint import load_tokenizer

TALK = (Message(role="user", content="Q"), Message(role="assistant", content="A"))


def distributed(name: str) -> str:
    if name == "llama4":
        return str(processing_llama4.chat_template)
    return (Path(trl.__file__).parent / "chat_templates" / f"{name}.jinja").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("gemma3", "gemma3"), ("gemma4", "gemma4"), ("gemma4", "gemma4_v2"), ("gemma4", "gemma4_v3"),
        ("gemma4", "gemma4_v4"), ("gemma4", "gemma4_v5"), ("llama3", "llama3_1"), ("llama4", "llama4"),
        ("qwen3", "qwen3"),
        # It reads the wall clock, unless the date is given, which it is.
        ("llama3", "llama3_2"),
    ],
)  # fmt: skip
def test_the_published_templates_of_a_family_write_what_ours_writes(name: str, template: str) -> None:
    assert difference(distributed(template), family(name)) is None


@pytest.mark.parametrize(
    ("name", "template"),
    [
        ("gemma3", "gemma"), ("llama3", "llama3"), ("llama3", "deepseek_r1_distill"), ("qwen3", "qwen3_instruct_2507"),
        ("qwen3", "qwen2_5"), ("llama4", "llama3_1"),
    ],
)  # fmt: skip
def test_a_template_of_another_format_is_told_apart_with_the_conversation_that_shows_it(
    name: str, template: str
) -> None:
    assert difference(distributed(template), family(name)) in (
        "a conversation with a system message",
        "a conversation without a system message",
    )


def saved(of: ModelFamily, folder: Path, template: object) -> Path:
    tokenizer = of.build_tokenizer([of.render(TALK).text], 640)
    tokenizer.chat_template = template
    tokenizer.save_pretrained(str(folder))
    return folder


@pytest.mark.parametrize("of", CHAT_FAMILIES, ids=lambda of: of.name)
def test_a_checkpoint_is_refused_for_its_template_and_taken_with_the_published_one_or_none(
    of: ModelFamily, tmp_path: Path
) -> None:
    assert of.chat_template is not None
    published = jinja.published(of.chat_template)
    for name, template in (("plain", None), ("own", published), ("several", {"default": published, "rag": "{{ 1 }}"})):
        tokenizer = load_tokenizer(saved(of, tmp_path / name, template), of)
        assert tokenizer.chat_template == of.chat_template and tokenizer.pad_token == of.pad
    clocked = "{{- bos_token }}{% for m in messages %}{{ strftime_now('%Y') ~ m['content'] }}{% endfor %}"
    for number, template in enumerate((clocked, "{{ unclosed", {"default": clocked})):
        with pytest.raises(BadInput, match=f"otherwise than that of the {of.name} family"):
            load_tokenizer(saved(of, tmp_path / f"other{number}", template), of)


def test_a_base_model_without_turns_does_not_ask_for_a_template(tmp_path: Path) -> None:
    of = FAMILIES["plain-qwen3"]
    assert load_tokenizer(saved(of, tmp_path, "{{ 'any' }}"), of).chat_template is None


@pytest.mark.parametrize("of", CHAT_FAMILIES, ids=lambda of: of.name)
def test_a_tokenizer_of_another_family_is_refused_by_the_tokens_it_lacks(of: ModelFamily, tmp_path: Path) -> None:
    other = family("gemma3" if of.name != "gemma3" else "qwen3")
    with pytest.raises(BadInput, match=f"not a {of.name} tokenizer, it lacks"):
        load_tokenizer(saved(other, tmp_path, None), of)
