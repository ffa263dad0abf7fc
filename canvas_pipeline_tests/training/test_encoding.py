"""Masks: in every row exactly what the assistant writes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.training.encoding import (
    Encoded,
    encode,
    mask_of,
    tokenise,
)
from canvas_pipeline.training.measure import wrong_masks
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline_tests.training.rows import SYSTEM, assistant, result, run_of, user


def text(row: Encoded, tokenizer: Any) -> str:
    return str(tokenizer.decode([t for t, m in zip(row.ids, row.mask, strict=True) if m]))


def test_in_every_trajectory_the_mask_decodes_to_exactly_the_assistant_spans(
    data: dict[str, Path], tokenizer: Any
) -> None:
    for row in read_jsonl(data["trajectory_train"], Trajectory):
        encoded = encode(row.messages, tokenizer, GEMMA4)
        assert any(encoded.mask)
        expected = f"{row.messages[2].content}<|tool_response>{row.messages[4].content}<turn|>"
        assert text(encoded, tokenizer) == expected == GEMMA4.written(row.messages)


def test_results_inside_a_completion_are_masked_out_of_both_sides(
    data: dict[str, Path], tokenizer: Any, make: Callable[..., RunSpec]
) -> None:
    labelled = [row for row in read_jsonl(data["preference_train"], PreferencePair) if row.source == "labelled"]
    for row in labelled[:40]:
        pair = run_of(make("dpo")).encode_pair(row, tokenizer)
        for side, messages in ((pair.chosen, row.chosen), (pair.rejected, row.rejected)):
            assert text(side, tokenizer) == f"{messages[0].content}<|tool_response>{messages[2].content}<turn|>"
            assert row.chosen[1].content in tokenizer.decode(side.ids)


def test_earlier_turns_of_the_prompt_do_not_count(tokenizer: Any) -> None:
    call = assistant(serialise(ToolCall("canvas.get_todo", {})))
    prompt = (SYSTEM, user("a"), call, result("canvas.get_todo", []))
    row = encode((assistant("Nothing. 🎉"),), tokenizer, GEMMA4, None, prompt)
    assert text(row, tokenizer) == "Nothing. 🎉<turn|>"
    assert tokenizer.decode(row.ids[: row.prompt_length]).endswith("<tool_response|>")


def test_a_prompt_is_the_beginning_of_its_conversation_token_for_token(data: dict[str, Path], tokenizer: Any) -> None:
    for row in list(read_jsonl(data["feedback_train"], FeedbackExample))[:40]:
        whole = encode(row.completion, tokenizer, GEMMA4, None, row.prompt)
        prompt = tokenise(prompt_text(row.prompt, GEMMA4), tokenizer)[0]
        assert whole.ids[: whole.prompt_length] == prompt
        assert not any(whole.mask[: whole.prompt_length]) and all(whole.mask[whole.prompt_length : -1])


def test_a_row_without_an_assistant_turn_is_refused(tokenizer: Any) -> None:
    with pytest.raises(BadInput, match="assistant"):
        encode((SYSTEM, user("hello")), tokenizer, GEMMA4)


def test_every_token_that_touches_a_span_counts() -> None:
    offsets = [(0, 2), (2, 5), (5, 6), (5, 6), (6, 9)]
    assert mask_of(offsets, [(3, 6)]) == [0, 1, 1, 1, 0]
    assert mask_of(offsets, [(0, 2), (6, 7)]) == [1, 0, 0, 0, 1]
    assert mask_of(offsets, []) == [0, 0, 0, 0, 0]


def test_a_wrong_mask_is_found_and_named(data: dict[str, Path], tokenizer: Any) -> None:
    row = next(iter(read_jsonl(data["trajectory_train"], Trajectory)))
    good = encode(row.messages, tokenizer, GEMMA4)
    bad = Encoded(good.ids, [0] * (len(good.mask) - 1) + [1])
    assert wrong_masks([(row.id, row.messages, good)], tokenizer, GEMMA4) == []
    assert wrong_masks([(row.id, row.messages, bad)], tokenizer, GEMMA4) == [row.id]


def test_labels_ignore_what_the_model_does_not_write() -> None:
    row = Encoded([5, 6, 7], [0, 1, 1])
    assert row.labels == [-100, 6, 7] and row.length == 3
