"""The training process as the line starts it: refusals, a whole run, a run that is killed."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.training.spec import SPEC, RunSpec, write_spec
from canvas_pipeline.training.threads import MACHINE
from canvas_pipeline_tests.training.rows import passed

Make = Callable[..., RunSpec]


def command(name: str, spec: Path, out: Path) -> list[str]:
    return [sys.executable, "-m", "canvas_pipeline.pipeline.training_process", name, str(spec), "--out", str(out)]


def files(folder: Path) -> dict[str, str]:
    """What a run results in: all but the note on how it was computed."""
    found = (p for p in sorted(folder.rglob("*")) if p.is_file() and p.name != MACHINE)
    return {p.relative_to(folder).as_posix(): sha256_file(p) for p in found}


@pytest.mark.parametrize("name", ["sft", "dpo", "kto"])
def test_a_spec_without_verdicts_ends_with_exit_code_3_and_writes_nothing(
    name: str, make_full: Make, tmp_path: Path, environment: dict[str, str]
) -> None:
    write_spec(make_full(name), tmp_path / "spec.json")
    done = subprocess.run(
        command("train", tmp_path / "spec.json", tmp_path / "out"), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 3 and done.stderr.startswith("GateClosed: ")
    assert [p.name for p in tmp_path.iterdir()] == ["spec.json"]


def test_an_unknown_method_ends_with_exit_code_1(make_full: Make, tmp_path: Path, environment: dict[str, str]) -> None:
    write_spec(msgspec.structs.replace(make_full("sft"), method="ppo"), tmp_path / "spec.json")
    done = subprocess.run(
        command("train", tmp_path / "spec.json", tmp_path / "out"), env=environment, capture_output=True, text=True
    )
    assert done.returncode == 1 and "choose one of: sft, lora" in done.stderr and "Traceback" not in done.stderr


# The training process, which kills itself before it would open a file whose name ends like its first argument.
KILLED = """
import os, signal, sys

ending = sys.argv.pop(1)

def kill(event, arguments):
    if event == "open" and str(arguments[0]).endswith(ending):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(kill)
from canvas_pipeline.pipeline.training_process import main
sys.exit(main(sys.argv[1:]))
"""

# The training process, which says when it has ended whether it loaded bitsandbytes.
LOADED = """
import json, sys
from canvas_pipeline.pipeline.training_process import main
code = main(sys.argv[1:])
print(json.dumps({"event": "loaded", "bitsandbytes": sys.modules.get("bitsandbytes") is not None}))
sys.exit(code)
"""


SMALL = {"batch": 2, "accumulation": 2}
CANDIDATES = {"max_steps": 6, "candidates": 3}
TIMED = {"max_steps": 5, "save_minutes": 1e-6, "candidates": 1, **SMALL}
STOPPING = {"max_steps": 8, "candidates": 4, "patience": 2, "learning_rate": 1e-12}
"""Too small a rate to change any weight: the loss of the third evaluation is the second one that is not lower."""


@pytest.mark.parametrize(
    ("name", "changes", "killed_at", "resumed_from", "kept"),
    [
        pytest.param("dpo", {"max_steps": 5, **SMALL}, "checkpoint-3.seal", 2, [], id="before a step checkpoint is sealed"),
        pytest.param("sft", TIMED, "checkpoint-3.seal", 2, [], id="saving by time"),
        pytest.param("sft", CANDIDATES, "new-4.seal", 3, ["2", "4"], id="before a candidate is sealed"),
        pytest.param("sft", CANDIDATES, "checkpoint-4.seal", 3, ["2", "4"], id="after a candidate was sealed"),
        pytest.param("sft", STOPPING, "summary.json", 2, ["2"], id="after it stopped early"),
    ],
)  # fmt: skip
def test_a_run_that_is_killed_continues_and_ends_with_the_same_bytes(
    name: str, changes: dict[str, float], killed_at: str, resumed_from: int, kept: list[str],
    make_full: Make, tmp_path: Path, environment: dict[str, str],
) -> None:  # fmt: skip
    environment = {**environment, KEY_FILE: str(tmp_path / "store.key")}
    spec = make_full(name, **changes)
    write_spec(msgspec.structs.replace(spec, verdicts=passed(spec)), tmp_path / "spec.json")
    Seal(tmp_path / "store.key").put(tmp_path / "spec.json", SPEC)
    whole = subprocess.run(
        command("train", tmp_path / "spec.json", tmp_path / "whole"), env=environment, capture_output=True, text=True
    )
    assert whole.returncode == 0, whole.stderr
    last = json.loads(whole.stdout.splitlines()[-1])
    assert last["event"] == "finished" and 0 < last["peak_gib"] < 3
    train = command("train", tmp_path / "spec.json", tmp_path / "killed")
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, killed_at, *train[3:]], env=environment, stdout=subprocess.DEVNULL
    )
    steps = tmp_path / ".steps-killed"
    assert killed.returncode == -signal.SIGKILL and not (tmp_path / "killed").exists()
    assert (steps / f"checkpoint-{resumed_from}.seal").exists() and (steps / f"checkpoint-{resumed_from}").is_dir()
    again = subprocess.run([sys.executable, "-c", LOADED, *train[3:]], env=environment, capture_output=True, text=True)
    assert again.returncode == 0, again.stderr
    events = [json.loads(line) for line in again.stdout.splitlines()]
    assert events[-1] == {"event": "loaded", "bitsandbytes": False}, "seconds of import that nobody uses here"
    assert [event["step"] for event in events if event["event"] == "resumed"] == [resumed_from]
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    assert sorted(path.name for path in (tmp_path / "killed").glob("candidates/*")) == kept
    assert not steps.exists()


def test_the_help_of_every_command_exits_with_0(environment: dict[str, str]) -> None:
    for arguments in ([], ["train"], ["measure"], ["reference"]):
        done = subprocess.run(
            [sys.executable, "-m", "canvas_pipeline.pipeline.training_process", *arguments, "--help"],
            env=environment,
            capture_output=True,
        )
        assert done.returncode == 0
