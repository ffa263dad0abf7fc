"""A real GGUF answers from the common prefix of its prompts as from whole prompts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from canvas_pipeline.evaluation import generate as generation
from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.evaluation.llama import Gguf
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline_tests.evaluation.test_prefix import prompts
from canvas_pipeline_tests.training.rows import user


def test_a_gguf_answers_from_the_prefix_as_from_whole_prompts_in_any_order(quants: dict[str, Path]) -> None:
    asked = prompts("Tell the truth and be brief. " * 30)
    model = generation.load("gguf", quants["Q8_0"], GEMMA4, 12)
    assert isinstance(model, Gguf)
    whole = [model.generate([prompt])[0] for prompt in asked]
    model.share(asked)
    shared: Any = model._shared
    assert len(shared.ids) > 64
    order = list(range(len(asked)))
    for seed in range(2):
        random.Random(seed).shuffle(order)
        assert [model.generate([asked[at]])[0] for at in order] == [whole[at] for at in order]
    other = prompt_text((user("Hello"),), GEMMA4)
    alone = model.generate([other])
    model._shared = None
    assert model.generate([other]) == alone
