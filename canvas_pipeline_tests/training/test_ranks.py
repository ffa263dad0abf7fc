"""Two processes that train one run, against one process: the same updates, one folder, one report."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import method
from canvas_pipeline.pipeline.processes import ranked
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.launcher import first_failure
from canvas_pipeline.training.ranks import LOST_PEER
from canvas_pipeline.training.spec import SPEC, RunSpec, write_spec
from canvas_pipeline_tests.training.rows import passed

Make = Callable[..., RunSpec]
PROCESS = "canvas_pipeline.pipeline.training_process"
RAGGED = {"max_steps": 0, "epochs": 35 / 540, "batch": 4, "accumulation": 4, "candidates": 2}
"""35 rows: two whole updates, and one of a single micro-batch of three rows, which leaves nothing for the second process."""


@pytest.fixture
def environment(environment: dict[str, str], tmp_path: Path) -> dict[str, str]:
    return {**environment, KEY_FILE: str(tmp_path / "store.key")}


def written(spec: RunSpec, folder: Path) -> Path:
    """An admitted spec as a sealed file."""
    spec = msgspec.structs.replace(spec, compute="float32")
    path = folder / "spec.json"
    write_spec(msgspec.structs.replace(spec, verdicts=passed(spec)), path)
    Seal(folder / "store.key").put(path, SPEC)
    return path


def start(
    count: int, environment: Mapping[str, str], *arguments: object, module: str = PROCESS
) -> subprocess.CompletedProcess[str]:
    command = ranked(count, module, *map(str, arguments))
    return subprocess.run(command, env=dict(environment), capture_output=True, text=True)


def events(done: subprocess.CompletedProcess[str], name: str) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    return [event for event in found if event["event"] == name]


def metrics(folder: Path) -> list[dict[str, float]]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def assert_same_run(one: Path, other: Path) -> None:
    from safetensors.torch import load_file

    assert names(one) == names(other)
    for expected, found in zip(metrics(one), metrics(other), strict=True):
        assert found == pytest.approx(expected, rel=1e-5, abs=1e-5)
    for path in one.rglob("*.safetensors"):
        weights, again = load_file(path), load_file(other / path.relative_to(one))
        assert weights.keys() == again.keys()
        assert max(float((weights[key] - again[key]).abs().max()) for key in weights) < 1e-5


@pytest.mark.parametrize("name", ["sft", "lora", "dpo", "kto"])
def test_two_processes_train_the_run_of_one_to_the_same_losses_weights_and_files(
    name: str, make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    spec = written(make_full(name, **RAGGED), tmp_path)
    for count in (1, 2):
        done = start(count, environment, "train", spec, "--out", tmp_path / str(count))
        assert done.returncode == 0, done.stderr
        assert len(events(done, "finished")) == 1 and events(done, "progress")[-1]["done"] == 3
    assert_same_run(tmp_path / "1", tmp_path / "2")
    assert [json.loads((tmp_path / n / "machine.json").read_text())["ranks"] for n in ("1", "2")] == [1, 2]
    assert (tmp_path / "1" / "summary.json").exists() and not list(tmp_path.glob(".steps-*"))


def test_a_run_whose_update_cannot_be_divided_is_refused_before_anything_is_loaded(
    make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    spec = written(make_full("sft", batch=4, accumulation=3), tmp_path)
    before = names(tmp_path)
    done = start(2, {**environment, "PYTHONPROFILEIMPORTTIME": "1"}, "train", spec, "--out", tmp_path / "out")
    assert done.returncode == BadConfig.exit_code and "12 rows in all" in done.stderr
    imported = set(re.findall(r"\|\s+([\w.]+)$", done.stderr, re.MULTILINE))
    assert "canvas_pipeline.training.ranks" in imported and "transformers" not in imported
    assert names(tmp_path) == before


def test_a_refusal_of_the_first_process_ends_all_with_its_exit_code_and_one_line(
    make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    write_spec(make_full("sft", batch=4, accumulation=4), tmp_path / "spec.json")
    done = start(2, environment, "train", tmp_path / "spec.json", "--out", tmp_path / "out")
    assert done.returncode == 3 and done.stderr.count("GateClosed: ") == 1 and "Traceback" not in done.stderr
    assert "rank 0 of 2 ended with exit code 3" in done.stderr and names(tmp_path) == ["spec.json"]


# The training process, whose rank 1 kills itself before its step that is named by the first argument.
KILLED = """
import os, signal, sys

last = int(sys.argv.pop(1))
if os.environ["RANK"] == "1":
    from transformers import TrainerCallback, trainer

    class Kill(TrainerCallback):
        def on_step_begin(self, args, state, control, **_):
            if state.global_step == last:
                os.kill(os.getpid(), signal.SIGKILL)

    trainer.DEFAULT_CALLBACKS.append(Kill)
from canvas_pipeline.pipeline.training_process import main
sys.exit(main(sys.argv[1:]))
"""


def test_a_run_whose_second_process_is_killed_continues_and_ends_as_if_it_had_not_been(
    make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    numbers = {"max_steps": 4, "batch": 2, "accumulation": 2, "candidates": 2}
    spec = written(make_full("sft", **numbers), tmp_path)
    (tmp_path / "killed_process.py").write_text(KILLED)
    path = f"{tmp_path}{os.pathsep}{environment.get('PYTHONPATH', '')}"
    killed = start(
        2, {**environment, "PYTHONPATH": path}, 3, "train", spec, "--out", tmp_path / "killed", module="killed_process"
    )
    assert killed.returncode == 128 + signal.SIGKILL and not (tmp_path / "killed").exists()
    assert "rank 1 of 2 was killed by SIGKILL; the others were ended" in killed.stderr
    assert "Traceback" not in killed.stderr
    again = start(2, environment, "train", spec, "--out", tmp_path / "killed")
    assert again.returncode == 0, again.stderr
    assert [event["step"] for event in events(again, "resumed")] == [3]
    whole = start(2, environment, "train", spec, "--out", tmp_path / "whole")
    assert whole.returncode == 0, whole.stderr
    assert_same_run(tmp_path / "whole", tmp_path / "killed")
    assert (tmp_path / "whole/metrics.jsonl").read_bytes() == (tmp_path / "killed/metrics.jsonl").read_bytes()
    assert not list(tmp_path.glob(".steps-*"))


def test_reference_rows_of_two_processes_are_the_bytes_of_one(
    make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    spec = written(make_full("dpo"), tmp_path)
    for count in (1, 2):
        done = start(count, environment, "reference", spec, "--out", tmp_path / f"{count}.jsonl")
        assert done.returncode == 0, done.stderr
        assert len(events(done, "written")) == 1
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()


def test_predictions_of_two_processes_are_the_bytes_of_one_and_a_killed_ones_are_taken_up(
    base: Path, full: dict[str, Path], tmp_path: Path, environment: dict[str, str]
) -> None:
    process = "canvas_pipeline.pipeline.generation_process"
    asked = (
        "--track",
        "canvas",
        "--backend",
        "hf",
        "--model",
        base,
        "--cases",
        full["bench_cases"],
        "--profile",
        "embedded",
    )
    for count in (1, 2):
        done = start(count, environment, *asked, "--out", tmp_path / str(count) / "out.jsonl", module=process)
        assert done.returncode == 0, done.stderr
        assert len(events(done, "finished")) == 1 and names(tmp_path / str(count)) == ["out.jsonl", "out.jsonl.seal"]
    assert (tmp_path / "1/out.jsonl").read_bytes() == (tmp_path / "2/out.jsonl").read_bytes()


def test_measuring_is_refused_in_several_processes(
    make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    spec = written(make_full("dpo"), tmp_path)
    done = start(2, environment, "measure", spec, "--out", tmp_path / "out.json")
    assert done.returncode == BadConfig.exit_code and "one process" in done.stderr


@pytest.mark.parametrize(
    ("visible", "left"), [(None, "0"), ("0,1", "0"), ("3,1", "3"), ("", ""), ("GPU-a,GPU-b", "GPU-a")]
)
def test_a_process_that_is_alone_sees_its_first_gpu_only(visible: str | None, left: str) -> None:
    environ = {} if visible is None else {"CUDA_VISIBLE_DEVICES": visible}
    ranks.one_device(environ)
    assert environ["CUDA_VISIBLE_DEVICES"] == left


def test_a_rank_sees_all_gpus_and_takes_its_own() -> None:
    environ = {"WORLD_SIZE": "4", "RANK": "3", "LOCAL_RANK": "1", "LOCAL_WORLD_SIZE": "2"}
    ranks.one_device(environ)
    assert "CUDA_VISIBLE_DEVICES" not in environ
    assert (launched.world(environ), launched.rank(environ), launched.local(environ), launched.neighbours(environ)) == (
        4,
        3,
        1,
        2,
    )
    assert (launched.world({}), launched.rank({}), launched.local({}), launched.first({})) == (1, 0, 0, True)


@pytest.mark.parametrize("text", ["0", "-1", "two", "1.5"])
def test_a_number_of_ranks_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(BadConfig, match="CANVAS_RANKS is"):
        ranks.asked({"CANVAS_RANKS": text})
    assert ranks.asked({}) == 1 and ranks.asked({"CANVAS_RANKS": "2"}) == 2


@given(batch=st.integers(1, 8), accumulation=st.integers(1, 32), count=st.integers(1, 16))
def test_the_rows_of_an_update_are_those_of_the_spec_for_every_number_of_ranks_that_is_accepted(
    batch: int, accumulation: int, count: int
) -> None:
    numbers = msgspec.structs.replace(method("sft").hyperparameters("embedded"), batch=batch, accumulation=accumulation)
    try:
        each = ranks.accumulation(numbers, count)
    except BadConfig:
        assert accumulation % count
    else:
        assert each * batch * count == batch * accumulation


@pytest.mark.parametrize(
    ("codes", "blamed"),
    [
        ({0: -signal.SIGTERM, 1: -signal.SIGKILL}, 1),
        ({0: 3, 1: LOST_PEER}, 0),
        ({0: LOST_PEER, 1: 1, 2: -signal.SIGTERM}, 1),
        ({0: LOST_PEER, 1: LOST_PEER}, 0),
    ],
)
def test_the_rank_that_failed_first_is_blamed_not_one_that_was_ended_for_it(codes: dict[int, int], blamed: int) -> None:
    assert first_failure(codes) == (blamed, codes[blamed])
