"""A bench over a real server: the bytes of the prompt, the text of the local path, and nothing asked twice."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest

from canvas_pipeline.errors import BadConfig, MissingTool, ServiceUnavailable
from canvas_pipeline.evaluation import served
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.generate import ChatModel, Gguf, Sampling, prompt_text
from canvas_pipeline.evaluation.model_server import command_of, serving, share_of
from canvas_pipeline.evaluation.served import ServedModel, opened, served_name
from canvas_pipeline.models.endpoint import Endpoint
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.pipeline import evaluation, generation_process
from canvas_pipeline.pipeline.backend import backend_of
from canvas_pipeline.pipeline.workspace import workspace
from canvas_pipeline.records import Message, read_jsonl, write_jsonl
from canvas_pipeline.release.converter import ensure_converter
from canvas_pipeline.release.gguf import convert
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.evaluation.llama_server import command
from canvas_pipeline_tests.training.rows import case

LIMIT = 24
PROMPTS = [
    GEMMA4.render((Message(role="user", content=text),), generation=True).text
    for text in (
        "What is due this week?", "Hello!", "Show my grades.", "Plan 90 minutes for course 12.", "Thanks.", "List courses.",
    )
]  # fmt: skip


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The shipped base as a GGUF: a trained model, whose turns end."""
    out = tmp_path_factory.mktemp("served") / "base.gguf"
    return convert(TRACK.shipped_base(), out, outtype="f16", converter=ensure_converter())


@pytest.fixture(scope="module")
def local(model: Path) -> Gguf:
    return Gguf(model, GEMMA4, max_new_tokens=LIMIT, context=1024, workers=1)


@contextmanager
def asking(url: str, journal: Path | None, **more: object) -> Iterator[ServedModel]:
    endpoint = Endpoint(url, "m", stated="weights", attempts=2, max_wait_s=0.02, timeout_s=30.0)
    with ServedModel(endpoint, GEMMA4, journal, **{"max_new_tokens": LIMIT, **more}) as asked:  # type: ignore[arg-type]
        yield asked


def answered(journal: Path) -> list[str]:
    return [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []


@pytest.mark.parametrize("like", ["llama", "vllm"])
def test_a_server_gives_the_texts_and_stops_that_the_same_file_gives_here(
    like: str, model: Path, local: Gguf, tmp_path: Path
) -> None:
    log = tmp_path / "asked"
    with serving(command(model, log, "--like", like), model, "m") as url, asking(url, None) as asked:
        found = asked.generate(PROMPTS)
    assert found == local.generate(PROMPTS)
    assert any(stopped and text.endswith(GEMMA4.stops) for text, stopped in found)
    # vLLM gets the very text of the local path; a server that adds its own first token gets the rest of it.
    assert Counter(answered(log)) == Counter(p if like == "vllm" else p.removeprefix("<bos>") for p in PROMPTS)


def test_the_server_of_llama_cpp_itself_gives_them_too(model: Path, local: Gguf) -> None:
    text = f"{sys.executable} -m llama_cpp.server --n_ctx 1024 --model {{model}} --model_alias {{name}} --port {{port}}"
    with serving(text, model, "m") as url, asking(url, None) as asked:
        assert asked.generate(PROMPTS) == local.generate(PROMPTS)


def test_after_a_kill_in_the_middle_nothing_that_was_answered_is_asked_again(
    model: Path, local: Gguf, tmp_path: Path
) -> None:
    journal, logs = tmp_path / "answers.jsonl", [tmp_path / name for name in ("first", "second", "third")]
    with (
        serving(command(model, logs[0], "--dies-after", "3"), model, "m") as url,
        asking(url, journal) as asked,
        pytest.raises(ServiceUnavailable),
    ):
        asked.generate(PROMPTS)
    assert len(answered(logs[0])) == 3
    for log in logs[1:]:
        with serving(command(model, log), model, "m") as url, asking(url, journal) as asked:
            assert asked.generate(PROMPTS) == local.generate(PROMPTS)
    assert Counter([*answered(logs[0]), *answered(logs[1])]) == Counter(p.removeprefix("<bos>") for p in PROMPTS)
    assert answered(logs[2]) == []


def test_other_settings_and_other_weights_are_other_answers(model: Path, tmp_path: Path) -> None:
    journal, log = tmp_path / "answers.jsonl", tmp_path / "asked"
    with serving(command(model, log), model, "m") as url:
        for more in ({}, {}, {"max_new_tokens": 8}, {"sampling": Sampling(1.0, 3)}, {"sampling": Sampling(1.0, 4)}):
            with asking(url, journal, **more) as asked:
                asked.generate(PROMPTS[:1], ["a"])
        assert len(answered(log)) == 4
        endpoint = Endpoint(url, "m", stated="others", attempts=2, max_wait_s=0.02)
        with ServedModel(endpoint, GEMMA4, journal, LIMIT) as asked:
            asked.generate(PROMPTS[:1])
    assert len(answered(log)) == 5


def test_the_process_predicts_over_a_server_that_it_starts_and_stops(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cases, log = tmp_path / "cases.jsonl", tmp_path / "asked"
    write_jsonl(cases, [case(number) for number in range(3)])
    ports: list[str] = []
    monkeypatch.setattr(served, "serving", lambda *words: _noted(ports, *words))
    common = ["--track", "canvas", "--profile", "embedded", "--model", str(model), "--cases", str(cases)]
    of_server = [
        "--backend",
        "served",
        "--serve",
        command(model, log),
        "--answers",
        str(tmp_path / "private" / "served"),
    ]
    for name, words in (("local", ["--backend", "gguf"]), ("one", of_server), ("two", of_server)):
        assert generation_process.main([*common, *words, "--out", str(tmp_path / name)]) == 0, capsys.readouterr().err
    local, *others = (list(read_jsonl(tmp_path / name, Prediction)) for name in ("local", "one", "two"))
    assert others == [local, local] and len(answered(log)) == 3
    assert [p.name for p in (tmp_path / "private" / "served").glob("*.jsonl")] == [
        f"{served_name('canvas', sha256_path(model))}.jsonl"
    ]
    for url in ports:
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/models", timeout=2)


@contextmanager
def _noted(ports: list[str], *words: object) -> Iterator[str]:
    with serving(*words) as url:  # type: ignore[arg-type]
        ports.append(url)
        yield url


def test_a_server_of_other_weights_is_refused(model: Path, tmp_path: Path) -> None:
    with (
        serving(command(model, tmp_path / "asked"), model, "canvas-of-yesterday") as url,
        pytest.raises(BadConfig, match=r"does not serve the model canvas-\w{12}; it serves: canvas-of-yesterday"),
        opened(model, GEMMA4, "canvas", tmp_path, address=url),
    ):
        pass
    assert answered(tmp_path / "asked") == []


@pytest.mark.parametrize("both", [{}, {"address": "http://127.0.0.1:1/v1", "serve": "x {model} {name} {port}"}])
def test_a_model_is_served_at_one_address(both: dict[str, str], model: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="either the address"), opened(model, GEMMA4, "canvas", tmp_path, **both):  # type: ignore[arg-type]
        pass


def test_a_command_that_cannot_serve_says_why(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=r"lacks \{name\}, \{port\}"):
        command_of("vllm serve {model}", tmp_path, "m", 1)
    assert command_of("v '{model}' --x={name} {port}", Path("/a b"), "m", 1) == ["v", "/a b", "--x=m", "1"]
    with (
        pytest.raises(MissingTool, match="no-such-program"),
        serving("no-such-program {model} {name} {port}", tmp_path, "m"),
    ):
        pass
    ends = f"{sys.executable} -c 'raise SystemExit(\"no room for {{model}}\")' {{name}} {{port}}"
    with pytest.raises(ServiceUnavailable, match="ended with 1: no room for"), serving(ends, tmp_path, "m"):
        pass
    sleeps = f"{sys.executable} -c 'import time; time.sleep(60)' {{model}} {{name}} {{port}}"
    with pytest.raises(ServiceUnavailable, match="did not answer in time"), serving(sleeps, tmp_path, "m", seconds=0.5):
        pass


def test_a_server_takes_the_share_of_the_memory_that_its_weights_need() -> None:
    gib = 1 << 30
    assert share_of(int(9.5 * gib), int(119.6 * gib)) == 0.15
    assert share_of(0, 119 * gib) == 0.07
    with pytest.raises(BadConfig, match="more than 60%"):
        share_of(80 * gib, int(119.6 * gib))


@pytest.mark.parametrize("share", ["{share}", "0.2"])
def test_the_shipped_command_gives_vllm_its_flags(share: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "model.safetensors").write_bytes(b"x" * 4096)
    stub = tmp_path / "vllm"
    stub.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n')
    stub.chmod(0o755)
    monkeypatch.setattr("psutil.virtual_memory", lambda: SimpleNamespace(total=120 << 30))
    words = command_of(f"deploy/serve-vllm.sh {{model}} {{name}} {{port}} {share}", model, "canvas-0123", 8123)
    root = Path(__file__).parents[2]
    done = subprocess.run(
        words, cwd=root, env={"VLLM": str(stub), "PATH": os.defpath}, capture_output=True, text=True, check=True
    )
    given = done.stdout.splitlines()
    assert given[:2] == ["serve", str(model)]
    values = dict(zip(given, given[1:], strict=False))
    assert (
        values["--served-model-name"] == "canvas-0123"
        and values["--port"] == "8123"
        and values["--host"] == "127.0.0.1"
    )
    assert values["--gpu-memory-utilization"] == ("0.07" if "{" in share else share)
    assert values["--chat-template"] == f"{model}/chat_template.jinja" and values["--tool-call-parser"] == "gemma4"
    assert {"--enable-auto-tool-choice", "--enable-prefix-caching"} <= set(given) and values[
        "--max-model-len"
    ] == "4096"


def test_the_agent_of_the_scenarios_speaks_to_a_server(model: Path, local: Gguf, tmp_path: Path) -> None:
    messages = case(1).messages
    with serving(command(model, tmp_path / "asked"), model, "m") as url, asking(url, None) as asked:
        said = ChatModel(asked, GEMMA4).complete(messages)
    assert said == local.generate([prompt_text(messages, GEMMA4)])[0][0]


def test_a_bench_is_local_unless_an_option_names_a_server(tmp_path: Path) -> None:
    def command_with(**options: str) -> list[str]:
        ws = workspace(tmp_path, "embedded", TRACK, options=options)
        return evaluation.generation(ws, backend_of(ws), tmp_path, tmp_path / "cases", tmp_path / "out")

    plain = command_with()
    assert "hf" in plain and not {"--address", "--serve", "--answers"} & set(plain)
    for option, flag in (("bench_endpoint", "--address"), ("bench_server", "--serve")):
        words = command_with(**{option: "somewhere"})
        assert words[words.index("--backend") + 1] == "served" and words[words.index(flag) + 1] == "somewhere"
        assert words[words.index("--answers") + 1] == str(tmp_path / "private" / "served")
        assert generation_process.parser().parse_args(words[3:]).backend == "served"
    assert os.path.isabs(words[words.index("--answers") + 1])
