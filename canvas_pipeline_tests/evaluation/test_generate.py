"""Generation on a micro model: complete, resumable, the same every time, special tokens kept."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.evaluation import generate as generation
from canvas_pipeline.evaluation.generate import ChatModel, Checkpoint, generate, prompt_text
from canvas_pipeline.models.gemma4.chat import render, to_chat
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.pipeline import generation_process
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline_tests.training.rows import SYSTEM, case, trajectory, user


def quiet() -> Reporter:
    return Reporter(io.StringIO())


@pytest.fixture(scope="session")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An untrained micro checkpoint: its output is noise, and always the same noise."""
    from canvas_pipeline.models.family import MICRO
    from canvas_pipeline.models.gemma4.tiny import build_model, build_tokenizer
    from canvas_pipeline.training.checkpoint import save_model

    texts = [render(to_chat(trajectory(n, "train").messages))[0] for n in range(120)]
    tokenizer = build_tokenizer(texts, 640)
    folder = tmp_path_factory.mktemp("generate") / "model"
    save_model(build_model(tokenizer, 0, MICRO), tokenizer, folder, GEMMA4)
    return folder


@pytest.fixture(scope="session")
def generator(checkpoint: Path) -> Checkpoint:
    return Checkpoint(checkpoint, GEMMA4, max_new_tokens=12)


class Echo:
    """A generator that answers with the end of the prompt, counts what it was asked and can break down."""

    workers = 1

    def __init__(self, breaks_after: int = 10**9) -> None:
        self.asked = 0
        self.left = breaks_after

    def length(self, prompt: str) -> int:
        return 10

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        self.left -= len(prompts)
        if self.left < 0:
            raise KeyboardInterrupt
        self.asked += len(prompts)
        return [(prompt[-60:] + "<turn|>", True) for prompt in prompts]


def cases(count: int = 40) -> list[BenchCase]:
    return [case(number) for number in range(count)]


def asked(count: int = 40) -> tuple[list[BenchCase], list[str]]:
    return cases(count), [prompt_text(one.messages, GEMMA4) for one in cases(count)]


def test_every_case_gets_one_prediction_in_the_order_of_the_cases(generator: Checkpoint, tmp_path: Path) -> None:
    found = generate(generator, *asked(9), tmp_path / "p.jsonl", "k", quiet(), Seal(tmp_path / "private" / "store.key"))
    assert [p.id for p in found] == [c.id for c in cases(9)]
    assert [json.loads(line)["id"] for line in (tmp_path / "p.jsonl").read_text().splitlines()] == [p.id for p in found]
    assert [p.name for p in tmp_path.iterdir() if p.name != "private"] == ["p.jsonl"]


def test_the_same_run_gives_the_same_bytes(generator: Checkpoint, tmp_path: Path) -> None:
    for name in ("a", "b"):
        generate(generator, *asked(9), tmp_path / name, "k", quiet(), Seal(tmp_path / "private" / "store.key"))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_an_interrupted_run_goes_on_and_ends_with_the_same_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "TOKENS_A_BATCH", 80)
    generate(Echo(), *asked(), tmp_path / "whole", "k", quiet(), Seal(tmp_path / "private" / "store.key"))
    with pytest.raises(KeyboardInterrupt):
        generate(
            Echo(breaks_after=20), *asked(), tmp_path / "broken", "k", quiet(), Seal(tmp_path / "private" / "store.key")
        )
    assert not (tmp_path / "broken").exists()
    partial = tmp_path / ".partial-broken"
    partial.write_bytes(partial.read_bytes() + b'{"id":"b3","te')
    rest = Echo()
    generate(rest, *asked(), tmp_path / "broken", "k", quiet(), Seal(tmp_path / "private" / "store.key"))
    assert rest.asked == 40 - 16
    assert (tmp_path / "broken").read_bytes() == (tmp_path / "whole").read_bytes()


def test_what_another_model_or_other_cases_left_is_not_taken_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(generation, "TOKENS_A_BATCH", 80)
    with pytest.raises(KeyboardInterrupt):
        generate(
            Echo(breaks_after=20), *asked(), tmp_path / "p", "one", quiet(), Seal(tmp_path / "private" / "store.key")
        )
    fresh = Echo()
    generate(fresh, *asked(), tmp_path / "p", "other", quiet(), Seal(tmp_path / "private" / "store.key"))
    assert fresh.asked == 40


def test_special_tokens_stay_in_the_text_and_padding_does_not(generator: Checkpoint) -> None:
    tokenizer: Any = generator.tokenizer
    call = tokenizer.convert_tokens_to_ids("<|tool_call>")
    stop = tokenizer.convert_tokens_to_ids("<|tool_response>")
    kept = generator._cut([call, 300, stop, 0, 0])
    assert kept == [call, 300, stop] and generator._cut([call, 300, 301]) == [call, 300, 301]
    assert tokenizer.decode(kept, skip_special_tokens=False).endswith("<|tool_response>")


def test_a_prompt_in_a_batch_is_answered_as_it_is_alone(generator: Checkpoint) -> None:
    prompts = [prompt_text(c.messages, GEMMA4) for c in cases(4)]
    longer = prompt_text((SYSTEM, user("x " * 90)), GEMMA4)
    assert generator.generate([*prompts, longer])[:4] == [generator.generate([prompt])[0] for prompt in prompts]


def test_a_prompt_ends_where_the_models_turn_begins() -> None:
    one = cases(1)[0]
    text = prompt_text(one.messages, GEMMA4)
    assert text.startswith("<bos><|turn>system") and text.endswith("<|turn>model\n")


def test_the_agents_backend_says_the_next_turn(generator: Checkpoint) -> None:
    backend = ChatModel(generator, GEMMA4)
    assert (
        backend.complete(cases(1)[0].messages) == generator.generate([prompt_text(cases(1)[0].messages, GEMMA4)])[0][0]
    )


def test_a_missing_gguf_says_so(tmp_path: Path) -> None:
    pytest.importorskip("llama_cpp")
    with pytest.raises(MissingInput, match="no such GGUF"):
        generation.load("gguf", tmp_path / "none.gguf", GEMMA4)


def test_the_command_line_refuses_a_missing_model_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "cases.jsonl").write_text("")
    words = ["--track", "canvas", "--backend", "hf", "--profile", "embedded", "--model", str(tmp_path / "none")]
    code = generation_process.main([*words, "--cases", str(tmp_path / "cases.jsonl"), "--out", str(tmp_path / "p")])
    assert code == 1 and capsys.readouterr().err.startswith("MissingInput: ")


def test_a_checkpoint_says_the_same_however_many_threads_ask_it(checkpoint: Path, tmp_path: Path) -> None:
    for workers in (1, 3):
        generator = Checkpoint(checkpoint, GEMMA4, max_new_tokens=12)
        generator.workers = workers
        generate(generator, *asked(24), tmp_path / str(workers), "k", quiet(), Seal(tmp_path / "private" / "store.key"))
    assert (tmp_path / "1").read_bytes() == (tmp_path / "3").read_bytes()
