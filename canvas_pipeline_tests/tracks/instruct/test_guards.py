"""A contaminated base stops everything, and decisions follow the published thresholds."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.decision import require
from canvas_pipeline.evaluation.statistics import compare, wilson
from canvas_pipeline.guardrails.guard import RowsEvidence
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.tracks.instruct.datasets import DATASETS
from canvas_pipeline.tracks.instruct.guard_table import TABLE
from canvas_pipeline.tracks.instruct.guards import (
    BANDS,
    TextModel,
    check_base,
    chosen_method,
    decide_at,
    decide_dpo,
    plain_tokenizer,
    probes,
    require_clean,
)
from canvas_pipeline.tracks.instruct.profiles import PROFILES
from canvas_pipeline.tracks.instruct.rows import PreferenceRow, conversation, prompt_of

MARKERS = ("<|im_start|>", "<|im_end|>")


def _tokenizer(template: Any = None) -> Any:
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast

    words = sorted({word for probe in probes() for word in probe.prompt.split()})
    vocabulary = {word: at for at, word in enumerate(["<unk>", *MARKERS, *words])}
    inner = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
    inner.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=inner)
    tokenizer.add_special_tokens({"additional_special_tokens": list(MARKERS)})
    tokenizer.chat_template = template
    return tokenizer


ANSWERS = {probe.prompt: probe.constraints[0] for probe in probes()}


def _right(prompt: str) -> str:
    demand = ANSWERS[prompt]
    if demand.kind == "json_keys":
        return "{" + ", ".join(f'"{key}": 1' for key in demand.values) + "}"
    if demand.kind == "numbered_list":
        return "\n".join(f"{n}. {value}" for n, value in enumerate(demand.values[: demand.n], 1))
    return ", ".join(demand.values[: demand.n or 1])


class Answering:
    """A model that answers rightly where ``knows`` returns True, and with an unrelated text elsewhere."""

    def __init__(self, knows: Callable[[str], bool]) -> None:
        self.knows = knows

    def generate(self, prompts: Sequence[str], *, temperature: float, seed: int) -> list[str]:
        return [_right(prompt) if self.knows(prompt) else " it was a long day" for prompt in prompts]


@pytest.mark.parametrize(
    ("model", "verdict"),
    [
        (Answering(lambda prompt: "Instruction" not in prompt), "CLEAN"),
        (Answering(lambda prompt: True), "CONTAMINATED"),
        (Answering(lambda prompt: False), "INCONCLUSIVE"),
        (Answering(lambda prompt: "Instruction" in prompt), "CONTAMINATED"),
    ],
)
def test_a_base_that_completes_texts_and_follows_no_instruction_is_clean(model: TextModel, verdict: str) -> None:
    check = check_base(plain_tokenizer(_tokenizer(), MARKERS), model)

    assert check.verdict == verdict
    if verdict == "CLEAN":
        assert require_clean(check) is check
    else:
        with pytest.raises(GateClosed, match=verdict):
            require_clean(check)


def test_too_few_probes_prove_nothing() -> None:
    model = Answering(lambda prompt: "Instruction" not in prompt)

    assert check_base(plain_tokenizer(_tokenizer(), MARKERS), model, probes()[::2]).verdict == "INCONCLUSIVE"


@pytest.mark.parametrize("template", ["{{ messages }}", {"default": "a", "tool_use": "b"}])
def test_a_shipped_template_is_removed_and_recorded_or_refused_where_none_may_be(template: object) -> None:
    plain = plain_tokenizer(_tokenizer(template), MARKERS)

    assert len(plain.had_template) == 64
    assert not plain.tokenizer.chat_template
    with pytest.raises(GateClosed):
        plain.apply_chat_template([{"role": "user", "content": "hello"}])
    with pytest.raises(GateClosed, match="chat template"):
        plain_tokenizer(_tokenizer(template), MARKERS, refuse_template=True)


def test_a_prompt_with_a_turn_marker_raises() -> None:
    plain = plain_tokenizer(_tokenizer(), MARKERS)

    assert plain.encode("The capital of France is")
    with pytest.raises(GateClosed, match="im_start"):
        plain.encode("<|im_start|> The capital of France is")


@pytest.mark.parametrize(
    ("point", "hits", "verdict", "effect"),
    [
        ("base", 24, "GO", "go"), ("base", 96, "GO", "go"), ("base", 120, "REVIEW", "ask"), ("base", 168, "REVIEW", "ask"),
        ("base", 169, "STOP", "stop"), ("sft", 95, "INVESTIGATE", "ask"), ("sft", 96, "CAUTION", "go"),
        ("sft", 144, "CAUTION", "go"), ("sft", 145, "GO", "go"),
    ],
)  # fmt: skip
def test_the_thresholds_are_40_60_and_70_percent(point: str, hits: int, verdict: str, effect: str) -> None:
    found = decide_at(point, wilson(hits, 240), {}, ())

    assert (found.verdict, found.effect) == (verdict, effect)


@pytest.mark.parametrize(
    ("before", "after", "verdict", "method"),
    [
        (160, 215, "COMPLETE", "dpo"),
        (150, 180, "IMPROVED", "dpo"),
        (150, 152, "NO_GAIN", "sft"),
        (215, 210, "NO_GAIN", "sft"),
    ],
)
def test_dpo_counts_only_where_it_is_better(before: int, after: int, verdict: str, method: str) -> None:
    verdicts = {"sft": {f"i{n:03}": n < before for n in range(240)}, "dpo": {f"i{n:03}": n < after for n in range(240)}}
    overall = compare(verdicts, dict.fromkeys(verdicts["sft"], "t"), [("sft", "dpo")])[0]
    base = decide_at("base", wilson(20, 240), {}, ())
    sft = decide_at("sft", wilson(before, 240), {}, (base,))

    chain = (base, sft, decide_dpo(overall, {}, (base, sft)))

    assert chain[-1].verdict == verdict
    assert require(chain, "dpo", BANDS).verdict == verdict
    assert chosen_method(chain) == method


def _pair(number: int, chosen: str, rejected: str) -> PreferenceRow:
    prompt, right = conversation(prompt_of("Name a color."), chosen)
    return PreferenceRow(
        id=str(number), row_id=str(number), prompt=(prompt,), chosen=(right,), rejected=conversation("", rejected)[1:],
        axes=("verbose",), chosen_score=1.0, rejected_score=0.0, margin=1.0, sampled=True, item_ids=(str(number),),
    )  # fmt: skip


def test_pairs_whose_length_shows_the_chosen_side_do_not_pass() -> None:
    def verdict(*sides: tuple[str, str]) -> Verdict:
        rows = [_pair(number, *pair) for number, pair in enumerate(sides)]
        evidence = RowsEvidence((rows, []), DATASETS["preference"], PROFILES["embedded"])
        return TABLE.guards["s11"].verdict(evidence, {"preference_train": "a", "preference_eval": "b"})

    longer, shorter = (" abcdef", " ab"), (" abcd", " abcdefgh")
    for one_sided in (verdict(*[longer] * 10), verdict(*[shorter] * 10)):
        assert not one_sided.passed and "learn the length" in one_sided.reason
    assert verdict(*[longer, shorter] * 5).passed
    assert not verdict().passed
