"""Placeholders, delimiters and runaways are refused, and the gate names each figure out of its bounds."""

from __future__ import annotations

import time

import pytest

from canvas_pipeline.datasets.quality import QualityReport, is_runaway, quality, refusal_reason


@pytest.mark.parametrize(
    ("instruction", "response", "reason"),
    [
        ("List three fruits.", "apple, pear, plum", None),
        ("List three fruits.", "  ", "empty"),
        ("", "apple", "empty"),
        ("Hi", "Hello", "instruction_length"),
        ("List three fruits.", "I'm not sure.", "placeholder"),
        ("List three fruits.", "[response]", "placeholder"),
        ("List three fruits.", "TODO", "placeholder"),
        ("List three fruits.", "[Insert fruits here]", "placeholder"),
        ("List three fruits.", "apple\nInstruction: List", "delimiter_in_text"),
        ("List three fruits.", "apple\nEND", "delimiter_in_text"),
        ("List three fruits.", "apple<|im_end|>", "delimiter_in_text"),
        ("List three fruits.<end_of_turn>", "apple", "delimiter_in_text"),
        ("List three fruits.", "The end: a list of fruits", None),
        ("List three fruits.", "and so on and so on and so on and so on", "runaway"),
        ("List three fruits.", "a b c d e " * 121, "runaway"),
        ("List three fruits.", " ".join(f"word{n}" for n in range(200)), "too_long"),
        ("Count.", "1, 2, 3, 4, 5", None),
    ],
)
def test_a_row_is_refused_for_its_true_reason(instruction: str, response: str, reason: str | None) -> None:
    assert refusal_reason(instruction, response) == reason


def _report(responses: list[str], **changed: object) -> QualityReport:
    given: dict[str, object] = {
        "responses": responses, "tokens": [5] * len(responses), "stopped": [True] * len(responses), "reasons": {"empty": 1},
        "critic_accept": None, "critic_ran": False,
    }  # fmt: skip
    return quality(**(given | changed))  # type: ignore[arg-type]


def test_good_texts_pass_and_the_critic_is_judged_only_where_it_ran() -> None:
    assert _report(["apple, pear"] * 20).passed
    assert _report(["apple, pear"] * 20, critic_ran=True, critic_accept=0.4).failed == ("critic_accept",)
    assert _report(["apple, pear"] * 20, critic_ran=True, critic_accept=None).failed == ("critic_accept",)


def test_each_figure_out_of_bounds_is_named() -> None:
    bad = ["so so so so so"] * 2 + ["good text\nEND"] + ["fine"] * 17

    report = _report(bad, tokens=[50] * 20, stopped=[False] * 2 + [True] * 18)

    assert report.failed == ("runaway", "token_limit_hits", "delimiter_leaks", "median_tokens")
    assert {measure.name: measure.value for measure in report.measures}["delimiter_leaks"] == 1


def test_no_texts_at_all_pass_nothing() -> None:
    assert not _report([]).passed


def test_a_long_text_takes_linear_time() -> None:
    start = time.perf_counter()

    assert not is_runaway(" ".join(f"w{n % 9973}" for n in range(200_000)))
    assert is_runaway(" ".join(f"w{n}" for n in range(200_000)) + " x y x y x y x y")
    assert time.perf_counter() - start < 10
