"""Every command loads its models onto the device of its process, through one function."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import canvas_pipeline
from canvas_pipeline.evaluation.generate import Checkpoint
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.training import checkpoint, device, preference, reference, supervised
from canvas_pipeline.training.measure import measure
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline_tests.training.rows import run_of

Make = Callable[..., RunSpec]
SOURCES = Path(canvas_pipeline.__file__).parent


@pytest.fixture
def loaded(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The models that were loaded, in a process whose device is ``meta``: it holds no numbers, so nothing is computed."""
    from transformers import AutoModelForCausalLM

    models: list[Any] = []
    original = AutoModelForCausalLM.from_pretrained

    def spy(*arguments: Any, **options: Any) -> Any:
        found = original(*arguments, **options)
        models.append(found[0])
        return found

    monkeypatch.setattr(AutoModelForCausalLM, "from_pretrained", spy)
    monkeypatch.setattr(checkpoint, "device", lambda: "meta")
    return models


def until_numbers_are_read(work: Callable[[], object]) -> None:
    with pytest.raises((NotImplementedError, RuntimeError), match="meta"):
        work()


def devices(models: list[Any]) -> set[str]:
    return {tensor.device.type for model in models for tensor in (*model.parameters(), *model.buffers())}


ENTRIES: dict[str, Callable[[Make, Path], object]] = {
    "train sft": lambda make, out: supervised.train(run_of(make("sft")), out, Reporter(io.StringIO())),
    "train lora": lambda make, out: supervised.train(run_of(make("lora")), out, Reporter(io.StringIO())),
    "train dpo": lambda make, out: preference.train_pairs(run_of(make("dpo")), out, Reporter(io.StringIO())),
    "references of kto": lambda make, out: preference.train_feedback(run_of(make("kto")), out, Reporter(io.StringIO())),
    "reference": lambda make, out: reference.compute(run_of(make("dpo")), out, Reporter(io.StringIO())),
    "measure sft": lambda make, out: measure(run_of(make("sft")), Reporter(io.StringIO())),
    "measure dpo": lambda make, out: measure(run_of(make("dpo")), Reporter(io.StringIO())),
    "measure kto": lambda make, out: measure(run_of(make("kto")), Reporter(io.StringIO())),
    "generate": lambda make, out: Checkpoint(make("sft").start_path, GEMMA4).generate(["<bos>a"]),
}  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES)
def test_each_command_loads_its_model_onto_the_chosen_device(
    entry: str, make: Make, loaded: list[Any], tmp_path: Path
) -> None:
    until_numbers_are_read(lambda: ENTRIES[entry](make, tmp_path / "out"))
    assert loaded and devices(loaded) == {"meta"}


def test_no_other_code_loads_a_language_model_or_names_a_gpu() -> None:
    loads = re.compile(r"CausalLM\.from_pretrained|\.cuda\(|\.to\(\"cuda|device=\"cuda|\"cuda:0\"")
    found = {path.relative_to(SOURCES).as_posix() for path in SOURCES.rglob("*.py") if loads.search(path.read_text())}
    assert found == {"training/checkpoint.py"}


def test_a_process_computes_on_the_gpu_of_its_local_rank_or_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert device.device({}) == "cuda:0" and device.device({"LOCAL_RANK": "3"}) == "cuda:3" and not device.on_cpu()
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert device.device({"LOCAL_RANK": "3"}) == "cpu" and device.on_cpu()
