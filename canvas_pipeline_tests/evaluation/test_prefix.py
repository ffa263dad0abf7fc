"""The common prefix of a run's prompts, computed once: the answers are those of whole prompts, in any order."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.evaluation.generate import Checkpoint, generate, prompt_text
from canvas_pipeline.evaluation.prefix import LEAST, SharedStates, common_prefix
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.tracks.canvas.tiny_base import SHIPPED
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline_tests.training.rows import SYSTEM, case, user
from canvas_pipeline_tests.training.shared_models import VOCABULARY, shared_model

TEXTS = (
    "What is due this week?",
    "Show the grades of course 4264",
    "Book Lab 3 on 2026-03-05 from 10:00 to 11:30",
    "Hello",
    "Thanks",
)


def prompts(opening: str = "") -> list[str]:
    """Prompts of different lengths behind a common system message, which a long ``opening`` makes longer."""
    system = SYSTEM if not opening else type(SYSTEM)(role="system", content=f"{SYSTEM.content} {opening}")
    texts = [
        *TEXTS,
        *(f"{text} and then {text} please, and do not forget {number}" for number, text in enumerate(TEXTS)),
    ]
    return [prompt_text((system, user(text)), GEMMA4) for text in texts]


@pytest.fixture(scope="module")
def embedded() -> Checkpoint:
    return Checkpoint(SHIPPED, GEMMA4, max_new_tokens=60)


def test_the_common_prefix_leaves_a_token_of_each_row() -> None:
    assert common_prefix([[1, 2, 3], [1, 2, 4], [1, 2, 3, 5]]) == [1, 2]
    assert common_prefix([[1, 2], [1, 2, 3]]) == [1]
    assert common_prefix([[1], [2]]) == [] == common_prefix([[1, 2]]) == common_prefix([])
    assert common_prefix([[7, 8], [7, 8]]) == [7]


@pytest.mark.parametrize("words", (0, 400), ids=("inside the window", "longer than the window"))
def test_a_checkpoint_answers_from_the_prefix_as_from_whole_prompts(embedded: Checkpoint, words: int) -> None:
    asked = prompts("Tell the truth and be brief. " * (words // 6))
    embedded._shared = None
    whole = embedded.generate(asked)
    embedded.share(asked)
    shared: Any = embedded._shared
    window = embedded.model.config.sliding_window
    assert (len(shared.ids) > window) == bool(words) and len(shared.ids) >= LEAST
    assert embedded.generate(asked) == whole
    assert [embedded.generate([prompt])[0] for prompt in reversed(asked)] == whole[::-1]
    embedded._shared = None


@pytest.mark.parametrize("prefix", (True, False), ids=("behind a prefix", "without one"))
def test_a_prompt_asked_several_times_is_read_once_and_answered_as_if_alone(embedded: Checkpoint, prefix: bool) -> None:
    asked = prompts("Tell the truth and be brief. " * 60)[:4]
    embedded._shared = None
    whole = [embedded.generate([prompt])[0] for prompt in asked]
    if prefix:
        embedded.share(asked)
    read: list[int] = []
    hook = embedded.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: read.append(inputs[0].shape[0] if inputs[0].shape[1] > 1 else 0)
    )
    several = embedded.generate([prompt for prompt in asked for _ in range(3)])
    hook.remove()
    assert several == [answer for answer in whole for _ in range(3)]
    assert max(read) == len(asked)
    embedded._shared = None


def test_a_row_that_begins_otherwise_is_answered_without_the_prefix(embedded: Checkpoint) -> None:
    asked = prompts()
    other = [*asked, prompt_text((user("Hello"),), GEMMA4)]
    embedded._shared = None
    whole = embedded.generate(other)
    embedded.share(asked)
    assert embedded.generate(other) == whole
    embedded._shared = None


def test_the_model_reads_only_what_follows_the_prefix(embedded: Checkpoint) -> None:
    """Counted where tokens enter the model."""
    asked = prompts("Tell the truth and be brief. " * 60)
    read: list[int] = []
    hook = embedded.model.get_input_embeddings().register_forward_pre_hook(
        lambda _, inputs: read.append(inputs[0].numel())
    )
    try:
        embedded.share(asked)
        once = sum(read)
        embedded.generate(asked)
    finally:
        hook.remove()
        embedded._shared = None
    assert sum(read) < sum(map(embedded.length, asked)) / 2 and once < 1.1 * embedded.length(asked[0])


def test_layers_that_share_keys_and_values_answer_from_the_prefix_as_from_whole_prompts() -> None:
    """The real model's form: nothing is kept for its upper layers, which read a lower one's."""
    import torch

    model = shared_model(towers=True).eval()
    model.generation_config.eos_token_id = None
    common = torch.randint(3, VOCABULARY - 3, (60,)).tolist()
    rows = [common + torch.randint(3, VOCABULARY - 3, (own,)).tolist() for own in (5, 9, 14)]
    padded = torch.tensor([[0] * (80 - len(row)) + row for row in rows])
    shared = SharedStates.of(model, common)
    assert shared is not None and [states is None for states in shared.layers] == [False] * 5 + [True] * 5

    def written(cache: Any) -> Any:
        return model.generate(
            input_ids=padded,
            attention_mask=(padded > 0).long(),
            past_key_values=cache,
            max_new_tokens=12,
            do_sample=False,
        )

    assert torch.equal(written(shared.cache(model, rows, 80)), written(None))


def test_a_model_whose_layers_cannot_be_cut_goes_without(embedded: Checkpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    import transformers
    from transformers.cache_utils import StaticLayer

    class Other:
        layers = (StaticLayer(max_cache_len=8),)

    monkeypatch.setattr(transformers, "DynamicCache", lambda config: Other())
    assert SharedStates.of(embedded.model, list(range(40))) is None


def test_a_run_with_the_prefix_writes_the_same_bytes(
    embedded: Checkpoint, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [case(number) for number in range(12)]
    asked = [prompt_text(one.messages, GEMMA4) for one in cases]
    given: list[int] = []
    share = embedded.share

    def counted(prompts: Any) -> None:
        given.append(len(prompts))
        share(prompts)

    for name, doing in (("with", counted), ("without", lambda _: None)):
        embedded._shared = None
        monkeypatch.setattr(embedded, "share", doing)
        report = Reporter(io.StringIO())
        generate(embedded, cases, asked, tmp_path / name, "k", report, Seal(tmp_path / "private" / "store.key"))
    assert given == [12] and (tmp_path / "with").read_bytes() == (tmp_path / "without").read_bytes()
