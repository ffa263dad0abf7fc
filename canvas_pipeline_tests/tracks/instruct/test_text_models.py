"""Training rows written and compared by models behind a real server: up to the quality gate, through its death, and refusals."""

from __future__ import annotations

import re
import zlib
from collections import Counter
from pathlib import Path

import msgspec
import pytest
import tenacity

from canvas_pipeline.datasets.quality import QualityReport
from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.instruct import data, stages
from canvas_pipeline.tracks.instruct.rows import InstructRow, prompt_of
from canvas_pipeline.tracks.instruct.text_models import MAX_NEW_TOKENS, open_text_models
from canvas_pipeline_tests.tracks.canvas.examples.teacher_server import serving
from canvas_pipeline_tests.tracks.instruct.test_stages import SMALL, _bench, _nothing, _workspace

ITEMS = data.training_items(SMALL.train_rows, seed=7)
GOLD = {item.instruction: item.gold for item in ITEMS}
POLITE = "Kindly answer this one. "
ENDLESS = "\n{}" * MAX_NEW_TOKENS
"""A base model goes on with examples until it is stopped."""


def _one_in(count: int, text: str) -> bool:
    return zlib.crc32(text.encode()) % count == 0


def _continued(prompt: str) -> str:
    """Word one request in two anew, lose what one in five asks for, answer one in nine wrongly, and go on with more examples."""
    if prompt.endswith("Another way:"):
        asked = re.findall(r"One way: (.*) Another way:$", prompt)[0]
        new = "Say anything." if _one_in(5, asked) else POLITE * _one_in(2, asked) + asked
        return f" {new}" + ENDLESS.replace("{}", "One way: Say hello. Another way: Greet me.")
    asked = prompt.rsplit("Instruction: ", 1)[1].removesuffix("\nResponse:").removeprefix(POLITE)
    answer = "it was a long day" if _one_in(9, asked) else GOLD[asked]
    return f" {answer}\n" + ENDLESS.replace("{}", "Instruction: Say hello.")


def _first_tokens(asked: str) -> list[tuple[str, float]]:
    """Prefer the right answer; always the first for one request in eleven, and the other for one in thirteen."""
    if "Request:" not in asked:
        return [("A", -0.1), ("B", -3.0)]
    found = re.search(r"Request: (.*)\n\nAnswer A: ([\s\S]*)\n\nAnswer B: ([\s\S]*)\n\nThe answer", asked)
    assert found is not None
    request = found[1].removeprefix(POLITE)
    first = True if _one_in(11, request) else (found[2] == GOLD[request]) != _one_in(13, request)
    liked, other = (" A", "B") if first else (" B", "A")
    return [(liked, -0.05), (other, -4.0), ("The", -6.0)]


def _ready(root: Path, **options: str) -> Workspace:
    """A workspace up to the decision that rows may be made."""
    ws = _workspace(root, **options)
    build_stage(ws, "bench_cases")
    _bench(ws, "base_bench", 5)
    build_stage(ws, "base_decision", _nothing)
    return ws


def _served(root: Path, url: str) -> Workspace:
    options = {f"{role}_{name}": value for role in ("generator", "critic")
               for name, value in (("endpoint", url), ("model", "labeller"))}  # fmt: skip
    return _ready(root, **options)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, StageResult, int]:
    """The rows of an undisturbed run, and the number of requests that they took."""
    root = tmp_path_factory.mktemp("served")
    with serving(continued=_continued, first_tokens=_first_tokens) as server:
        ws = _served(root, server.url)
        result, asked = build_stage(ws, "sft_rows"), server.requests
        again = build_stage(ws, "sft_rows")
        assert again.reused and server.requests == asked + 1  # the critic shows each time that it can be one
        build_stage(ws, "trajectory_split")
    return ws, result, asked


def test_rows_of_served_models_pass_the_gates_and_name_who_wrote_them(
    made: tuple[Workspace, StageResult, int],
) -> None:
    ws, result, _ = made
    rows = list(read_jsonl(result.stage.path(), InstructRow))
    quality = msgspec.json.decode(result.stage.path(stages.QUALITY).read_bytes(), type=QualityReport)
    assert result.stage.manifest.recipe.config["generator"] == "labeller@weights-7"
    assert result.stage.manifest.recipe.config["critic"] == "labeller@weights-7"
    assert {(row.provenance.generator, row.provenance.dtype) for row in rows} == {("labeller@weights-7", "as served")}
    assert [measure.name for measure in quality.measures][-1] == "critic_accept"
    assert quality.passed and all(verdict.passed for verdict in result.verdicts)
    assert result.funnels[0].rows_in == SMALL.train_rows
    assert all(
        result.funnels[0].refused[reason] > 0 for reason in ("check_failed", "critic_position", "critic_rejected")
    )
    assert {row.instruction_type for row in rows} == {item.type for item in ITEMS}


def test_what_a_model_writes_is_cut_at_its_next_example_and_a_wording_that_asks_for_less_is_not_taken(
    made: tuple[Workspace, StageResult, int],
) -> None:
    rows = list(read_jsonl(made[1].stage.path(), InstructRow))
    worded = Counter(row.instruction.startswith(POLITE) for row in rows)
    assert worded[True] > 100 and worded[False] > 100
    assert all(row.response == GOLD[row.instruction.removeprefix(POLITE)] for row in rows)
    assert all(not _one_in(9, row.instruction.removeprefix(POLITE)) for row in rows)
    assert all(row.prompt == prompt_of(row.instruction) for row in rows)


@pytest.mark.parametrize("share", [0.3, 0.8])
def test_a_server_that_dies_costs_no_answer_twice_and_the_rows_are_the_same(
    share: float, made: tuple[Workspace, StageResult, int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, undisturbed, requests = made
    monkeypatch.setattr(tenacity, "wait_random_exponential", lambda **_: tenacity.wait_none())
    dies_at = int(share * requests)
    with serving(lambda n: 503 if n >= dies_at else None, continued=_continued, first_tokens=_first_tokens) as server:
        ws = _served(tmp_path, server.url)
        with pytest.raises(ServiceUnavailable, match="answers in the journal are kept"):
            build_stage(ws, "sft_rows")
    assert ws.store.find("sft_rows") is None
    journals = [ws.private / f"instruct-{role}.jsonl" for role in ("generator", "critic")]
    kept = sum(len(journal.read_bytes().splitlines()) for journal in journals)
    assert kept == dies_at - 1  # all but the critic's first, which no row needs
    with serving(continued=_continued, first_tokens=_first_tokens) as healthy:
        options = {name: value.replace(server.url, healthy.url) for name, value in ws.options.items()}
        result = build_stage(Workspace(root=ws.root, track=ws.track, profile=SMALL, options=options), "sft_rows")
        assert kept + healthy.requests == requests
    assert result.stage.sha256 == undisturbed.stage.sha256


def test_a_critic_that_gives_no_log_probabilities_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with serving(continued=_continued) as server:
        ws = _served(tmp_path, server.url)
        with pytest.raises(BadConfig, match="the critic at http://.* gives no log-probabilities"):
            build_stage(ws, "sft_rows")
        assert [body for body in server.bodies if "prompt" in body] == []


def test_a_critic_that_thinks_first_is_refused_before_anything_is_written(tmp_path: Path) -> None:
    with serving(continued=_continued, first_tokens=lambda asked: [("<think>", -0.01), ("So", -5.0)]) as server:
        ws = _served(tmp_path, server.url)
        with pytest.raises(BadConfig, match="cannot be the critic; serve a model that is tuned to chat"):
            build_stage(ws, "sft_rows")
        assert [body for body in server.bodies if "prompt" in body] == []


@pytest.mark.parametrize(
    "options", [{"generator_endpoint": "http://127.0.0.1:1/v1"}, {"critic_model": "labeller"}], ids=["no model", "no URL"]
)  # fmt: skip
def test_an_endpoint_and_its_model_belong_together(options: dict[str, str], tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="belong together"), open_text_models(_workspace(tmp_path, **options)):
        pass


def test_keys_come_from_the_environment_and_each_model_gets_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("of the critic")
    monkeypatch.setenv("CANVAS_GENERATOR_API_KEY", "of the generator")
    monkeypatch.setenv("CANVAS_CRITIC_API_KEY_FILE", str(tmp_path / "key"))
    with serving(continued=_continued, first_tokens=_first_tokens) as server:
        ws = _served(tmp_path / "data", server.url)
        with open_text_models(ws) as models:
            models.drafts(ITEMS[:2], 7)
        assert server.keys == {"Bearer of the generator", "Bearer of the critic"}


def test_without_the_options_nothing_is_asked_and_nothing_is_different(tmp_path: Path) -> None:
    ws = _ready(tmp_path)
    result = build_stage(ws, "sft_rows")
    with open_text_models(ws) as models:
        assert models.critic is None and models.drafts(ITEMS, 7) == data.world_drafts(ITEMS, 7)
    assert {"generator", "critic"} & {*result.stage.manifest.recipe.config, *result.facts} == set()
    assert list(ws.private.glob("instruct-*")) == []
