from __future__ import annotations

import re
from dataclasses import replace

import pytest
import yaml

from canvas_pipeline.errors import BadInput
from canvas_pipeline.release.cards import (
    NAMES,
    SECTIONS,
    CardTemplate,
    Fact,
    data_card,
    missing_facts,
    model_card,
    reasons_against_card,
    unsourced_numbers,
)
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.tracks.canvas.card import TEMPLATE as CANVAS
from canvas_pipeline.tracks.canvas.guards import TABLE

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("greeting",), benchmark="Held-out greetings", benchmark_id="greetings", metrics=("tool_selection", "exact_call"),
    texts={"Use and limits": "Made to greet.", "Privacy": "Names stay at home."}, required={"data": ("data.reference_instant",)},
)  # fmt: skip
DIGITS = re.compile(r"\d+(?:\.\d+)?")


def share(value: float, n: int = 613) -> Fact:
    return Fact(value=value, unit="share", low=value - 0.03, high=value + 0.02, n=n, source="dpo_bench summary.json")


def model_facts() -> dict[str, Fact]:
    facts = {
        "model.name": Fact(value="canvas-dpo", source="dpo_run_spec"),
        "model.method": Fact(value="dpo", source="dpo_run_spec"),
        "model.profile": Fact(value="embedded", source="dpo_run_spec"),
        "model.checkpoint": Fact(value="9f" * 32, source="dpo_checkpoint manifest.json"),
        "model.parameters": Fact(value=3_512_064, source="dpo_checkpoint manifest.json"),
        "base.name": Fact(value="google/gemma-4-E2B-it", source="profile embedded"),
        "base.licence": Fact(value="apache-2.0", source="base_model manifest.json"),
        "train.rows": Fact(value=1071, source="preference_split"),
        "train.beta": Fact(value=0.3, source="dpo_run_spec"),
        "train.learning_rate": Fact(value=5e-06, source="dpo_run_spec"),
        "bench.cases": Fact(value=613, source="bench_cases"),
        "bench.confidence": Fact(value="95 %", source="dpo_bench summary.json"),
        "bench.base.tool_selection": share(0.431),
        "bench.dpo.tool_selection": share(0.8765),
        "bench.dpo.exact_call": share(0.7123, n=37),
        "data.licence": Fact(value="cc0-1.0", source="corpus"),
        "data.contributors": Fact(value=4, source="corpus"),
    }
    for quant in QUANTS:
        facts |= {
            f"quant.{quant}.file": Fact(value=f"canvas-dpo-{quant}.gguf", source="dpo_gguf"),
            f"quant.{quant}.size": Fact(value=3_456_789, unit="bytes", source="dpo_gguf"),
            f"quant.{quant}.sha256": Fact(value="ab" * 6, source="dpo_gguf"),
            f"quant.{quant}.retained": share(0.9512, n=437),
        }
    return facts | {f"guard.{guard}": Fact(value="passed", source="verdicts/dpo") for guard in TABLE.guards}


def data_facts() -> dict[str, Fact]:
    return {
        "data.name": Fact(value="Canvas tool calls", source="corpus"),
        "data.licence": Fact(value="cc0-1.0", source="corpus"),
        "data.contributors": Fact(value=4, source="corpus"),
        "data.reference_instant": Fact(value="2026-02-01T12:00:00+00:00", source="corpus"),
        "rows.trajectory.train": Fact(value=2210, source="trajectory_split"),
        "rows.trajectory.eval": Fact(value=260, source="trajectory_split"),
        "funnel.corpus.rows_in": Fact(value=811, source="corpus manifest.json"),
        "funnel.corpus.kept": Fact(value=790, source="corpus manifest.json"),
        "privacy.canaries_planted": Fact(value=120, source="audit"),
        "hash.trajectory_train": Fact(value="cd" * 32, source="trajectory_split"),
    }


CARDS = {"model": (model_card, model_facts), "data": (data_card, data_facts)}


@pytest.mark.parametrize("kind", CARDS)
def test_every_number_of_a_card_stands_in_a_fact_or_its_source(kind: str) -> None:
    render, make = CARDS[kind]
    facts = make()
    known = set(DIGITS.findall(" ".join(f"{f.shown()} {f.value} {f.source}" for f in facts.values())))
    known |= {n.replace(",", "") for f in facts.values() for n in [f.shown()]}
    text = NAMES.sub("", render(facts, TEMPLATE))
    text = re.sub(r"g\d+|sha256", "", text)  # names of guards and of the hash
    assert set(DIGITS.findall(text)) - known == set()
    assert unsourced_numbers(render(facts, TEMPLATE), facts) == []


@pytest.mark.parametrize("kind", ["model", "data"])
def test_the_fixed_text_holds_no_number_of_its_own(kind: str) -> None:
    for section in SECTIONS[kind]:  # type: ignore[index]
        assert not DIGITS.search(section.title + section.text + CANVAS.texts.get(section.title, "")), section.title


def test_a_card_says_what_its_track_says_and_shows_no_empty_section() -> None:
    assert "Made to greet." in model_card(model_facts(), TEMPLATE) and "Names stay" in data_card(data_facts(), TEMPLATE)
    silent = replace(TEMPLATE, texts={})
    assert "Use and limits" not in model_card(model_facts(), silent)
    header = yaml.safe_load(model_card(model_facts(), TEMPLATE).split("---\n")[1])
    assert header["tags"] == ["greeting", "dpo"]
    assert header["model-index"][0]["results"][0]["dataset"] == {"type": "greetings", "name": "Held-out greetings"}


@pytest.mark.parametrize("kind", CARDS)
def test_every_fact_and_its_source_are_shown(kind: str) -> None:
    render, make = CARDS[kind]
    text = render(make(), TEMPLATE)
    for key, fact in make().items():
        assert fact.shown() in text, key
        assert fact.source in text, key


def test_a_number_that_no_fact_gives_is_found() -> None:
    facts = model_facts()
    text = model_card(facts, TEMPLATE)
    assert unsourced_numbers(text + "\nIt reaches 97.3 % on our bench.", facts) == ["97.3"]
    assert any("97.3" in reason for reason in reasons_against_card(text + "97.3 %", facts, "model", TEMPLATE))


@pytest.mark.parametrize("kind", CARDS)
def test_each_missing_required_fact_stops_the_card_and_is_named(kind: str) -> None:
    render, make = CARDS[kind]
    facts = make()
    needed = [key for key in facts if missing_facts({k: v for k, v in facts.items() if k != key}, kind, TEMPLATE)]  # type: ignore[arg-type]
    assert len(needed) >= (len(facts) - 4 if kind == "model" else 6)
    for key in needed:
        with pytest.raises(BadInput, match="no fact"):
            render({k: v for k, v in facts.items() if k != key}, TEMPLATE)


def test_a_fact_without_a_source_or_a_share_without_an_interval_stops_the_card() -> None:
    with pytest.raises(BadInput, match=r"train\.rows has no source"):
        model_card(model_facts() | {"train.rows": Fact(value=1071, source=" ")}, TEMPLATE)
    with pytest.raises(BadInput, match=r"bench\.dpo\.exact_call has no interval"):
        model_card(
            model_facts() | {"bench.dpo.exact_call": Fact(value=0.7, unit="share", source="dpo_bench")}, TEMPLATE
        )


def test_the_header_is_yaml_with_the_licence_and_base_and_shows_the_measured_figure() -> None:
    header = yaml.safe_load(model_card(model_facts(), TEMPLATE).split("---\n")[1])
    assert header["license"] == "apache-2.0" and header["base_model"] == "google/gemma-4-E2B-it"
    assert header["model-index"][0]["results"][0]["metrics"][0]["value"] == 0.8765
    assert yaml.safe_load(data_card(data_facts(), TEMPLATE).split("---\n")[1])["license"] == "cc0-1.0"


def test_few_cases_are_marked() -> None:
    text = model_card(model_facts(), TEMPLATE)
    assert "71.2 % [68.2, 73.2], n = 37 (few)" in text and "87.6 % [84.6, 89.6], n = 613 |" in text


def test_a_contributor_is_never_named() -> None:
    facts = data_facts() | {"data.curator": Fact(value="with QuietPond's help", source="corpus")}
    with pytest.raises(BadInput) as error:
        data_card(facts, TEMPLATE, private=("quietpond",))
    assert "private text" in str(error.value) and "quietpond" not in str(error.value).casefold()
    assert data_card(data_facts(), TEMPLATE, private=("quietpond",))


def test_a_pipe_or_newline_in_a_value_does_not_break_the_table() -> None:
    text = model_card(model_facts() | {"train.note": Fact(value="a|b\nc", source="dpo_run_spec")}, TEMPLATE)
    assert "| note | a\\|b c | dpo_run_spec |" in text
