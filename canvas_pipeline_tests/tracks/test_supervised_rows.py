"""Rows with messages are trained on as conversations, also where they name a prompt and a completion as texts."""

from __future__ import annotations

from typing import Any

import pytest
from transformers import AutoTokenizer

from canvas_pipeline.tracks.instruct.data import build_rows, training_items, world_drafts
from canvas_pipeline.tracks.instruct.track import TRACK as INSTRUCT
from canvas_pipeline.tracks.router import synthetic
from canvas_pipeline.tracks.router.rows import example_of, row_of
from canvas_pipeline.tracks.router.track import TRACK as ROUTER
from canvas_pipeline.training.run import Run

DRAWN = synthetic.rows(1, 3)[0]
ROWS = {
    "router": (ROUTER, example_of(row_of(DRAWN, "r", "drawn"), think=True)),
    "instruct": (INSTRUCT, build_rows(world_drafts(training_items(12, 1), 1), [], "verdicts").rows[0]),
}


@pytest.mark.parametrize("track", ROWS)
def test_the_loss_counts_on_exactly_the_completion_and_its_end(track: str) -> None:
    found: Any
    row: Any
    found, row = ROWS[track]
    spec: Any = None
    run = Run(spec, found.datasets["trajectory"], found.profiles["embedded"])
    tokenizer = AutoTokenizer.from_pretrained(found.shipped_base())
    encoded = run.encode_supervised(row, tokenizer)
    asked, learnt = ([t for t, m in zip(encoded.ids, encoded.mask, strict=True) if m == counts] for counts in (0, 1))
    assert tokenizer.decode(asked) == row.messages[0].content
    assert tokenizer.decode(learnt) == row.messages[1].content + "<|endoftext|>"
