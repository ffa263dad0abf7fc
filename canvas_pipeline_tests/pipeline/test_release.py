"""The end of the pipeline: what was broken after the release log was written is still detected."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import pytest

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig, GateClosed, MissingInput
from canvas_pipeline.pipeline import evaluation, training
from canvas_pipeline.pipeline.adapter_release import publish_adapter
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.release import publish
from canvas_pipeline.release.adapter import read_adapter
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, model_half, release_half, rewrite

STALE = ("preference_train", "preference_eval", "trajectory_train", "deploy/compose.yaml")


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, SHARES["dpo"])


def test_the_good_pipeline_is_released(ws: Workspace) -> None:
    made = build_stage(ws, "release", launch(ws))
    assert (ws.root / "releases" / "current" / "RELEASE-LOG.md").read_text().count("[x]") == 11
    assert made.figures["folder name"] == (ws.root / "releases" / "current").resolve().name


@pytest.mark.parametrize("guard", BREAKS)
def test_a_pipeline_with_one_guard_broken_is_not_released(guard: str, ws: Workspace) -> None:
    BREAKS[guard](ws)
    with pytest.raises(GateClosed) as closed:
        build_stage(ws, "release", launch(ws))
    assert TABLE.guards[guard].name in str(closed.value) or any(name in str(closed.value) for name in STALE)
    assert not (ws.root / "releases").exists()


@pytest.mark.parametrize("guard", ["g3", "g13"])
def test_nor_is_it_after_everything_was_materialised_again(guard: str, ws: Workspace) -> None:
    """The broken pipeline's new specs record that the guard failed, and the old weights were not trained by them."""
    BREAKS[guard](ws)
    for name in ("sft", "dpo"):
        build_stage(ws, f"{name}_run_spec", launch(ws))
    with pytest.raises((GateClosed, MissingInput)) as closed:
        list(release_half(ws))
        build_stage(ws, "release", launch(ws))
    assert TABLE.guards[guard].name in str(closed.value) or "sft is" in str(closed.value)
    assert not (ws.root / "releases").exists()


@pytest.mark.parametrize("guard", ["g1", "g9"])
def test_what_is_wrong_with_the_pairs_alone_leaves_the_method_that_reads_none(guard: str, ws: Workspace) -> None:
    BREAKS[guard](ws)
    build_stage(ws, "dpo_run_spec", launch(ws))
    list(release_half(ws))
    assert "dpo" in evaluation.current_benches(ws)[1] and evaluation.production_method(ws) == "sft"
    build_stage(ws, "release", launch(ws))
    card = (ws.root / "releases" / "current" / "README.md").read_text()
    assert "# canvas-sft" in card and TABLE.guards[guard].name not in card


def of_methods(methods: tuple[str, ...], good_line: Path, tmp_path: Path) -> Workspace:
    """A copy of the good line whose models are only those of some methods."""
    ws = copy_of(good_line, tmp_path / "line")
    for stage in ws.track.stages().values():
        if stage.kind != "rows":
            shutil.rmtree(ws.store.home(stage.name), ignore_errors=True)
    list(model_half(ws, methods))
    return ws


@pytest.mark.parametrize("methods", [("sft",), ("sft", "kto")], ids=",".join)
def test_a_line_without_a_preference_method_is_released(
    methods: tuple[str, ...], good_line: Path, tmp_path: Path
) -> None:
    """From the splits to a verified release; nothing of a method that is not in the line is left."""
    ws = of_methods(methods, good_line, tmp_path)
    assert ws.store.find("dpo_bench") is None
    build_stage(ws, "release", launch(ws))
    folder = ws.root / "releases" / "current"
    assert publish.verify(folder) and (folder / "RELEASE-LOG.md").read_text().count("[x]") == 11
    bound = json.loads((folder / "release.json").read_bytes())
    own = {"sft": {"trajectory_train"}, "kto": {"trajectory_train", "feedback_train"}}
    assert bound["method"] == methods[-1] and set(bound["data"]) == own[methods[-1]]
    assert "g1" not in re.findall(r"^\| (g\d+) ", (folder / "README.md").read_text(), re.M)


def test_a_trained_adapter_is_released_audited_and_described(good_line: Path, tmp_path: Path) -> None:
    ws = of_methods(("sft", "lora"), good_line, tmp_path)
    assert evaluation.production_method(ws) == "lora"
    build_stage(ws, "release", launch(ws))
    folder = ws.root / "releases" / "current"
    assert {"adapter/adapter_config.json", "adapter/adapter_model.safetensors"} <= publish.verify(folder).keys()
    log, card = ((folder / name).read_text() for name in ("RELEASE-LOG.md", "README.md"))
    for name, sha in publish.verify(folder).items():
        assert not name.startswith("adapter/") or f"| {name} | {sha} |" in log
    told = json.loads((folder / "adapter" / "adapter_config.json").read_bytes())
    assert told["base_model_name_or_path"] == BASE and f"| base | {BASE} |" in card
    assert "## Adapter" in card and training.trained(ws, "lora").path("adapter/adapter_config.json").is_file()


def test_an_adapter_is_published_alone_with_tokenizer_and_card_under_the_same_gate(
    good_line: Path, tmp_path: Path
) -> None:
    ws = of_methods(("sft", "lora"), good_line, tmp_path)
    list(release_half(ws))
    folder = publish_adapter(ws, tmp_path / "adapters")
    listed = publish.verify(tmp_path / "adapters" / "current")
    assert folder.name.startswith("canvas-lora-adapter-") and "tokenizer.json" in listed
    assert not any(name.endswith(".gguf") for name in listed)
    adapter, card = read_adapter(folder), (folder / "README.md").read_text()
    assert (adapter.base, adapter.rank) == (BASE, 32)
    for fact in (
        "| rank | 32 |",
        "| epochs | ",
        "| licence | gemma |",
        f"| base | {BASE} |",
        "## Benchmark",
        "library_name: peft",
    ):
        assert fact in card
    assert "## Quantised files" not in card
    bound = json.loads((folder / "release.json").read_bytes())
    assert bound["model"]["adapter_model.safetensors"]["sha256"] == listed["adapter_model.safetensors"]
    assert bound["data"] and publish_adapter(ws, tmp_path / "adapters") == folder
    (ws.store.get("lora_checkpoint").folder / "model" / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactCorrupt):
        publish_adapter(ws, tmp_path / "again")
    assert not (tmp_path / "again").exists()


def test_no_adapter_is_published_of_a_method_that_trained_none_or_behind_a_closed_gate(
    ws: Workspace, tmp_path: Path
) -> None:
    with pytest.raises(BadConfig, match="dpo, the production method, trained no adapter"):
        publish_adapter(ws, tmp_path / "adapters")
    BREAKS["g3"](ws)
    with pytest.raises(GateClosed):
        publish_adapter(ws, tmp_path / "adapters")
    assert not (tmp_path / "adapters").exists()


def test_an_adapter_that_names_somebody_is_not_released(good_line: Path, tmp_path: Path) -> None:
    ws = of_methods(("sft", "lora"), good_line, tmp_path)
    told = {"base_model_name_or_path": BASE, "r": 32, "lora_alpha": 64, "auto_mapping": "someone@students.example.edu"}
    rewrite(ws, "lora_checkpoint", {"adapter/adapter_config.json": told})
    build_stage(ws, "lora_bench", Workshop(ws.root / BASE, 0.92))
    list(release_half(ws))
    assert evaluation.production_method(ws) == "lora"
    with pytest.raises(GateClosed, match="adapter_config.json"):
        build_stage(ws, "release", launch(ws))
    assert not (ws.root / "releases").exists()


def test_weights_trained_on_older_data_are_refused_under_the_specs_of_newer_data(ws: Workspace) -> None:
    """The same rows in another order are other data: its specs are in order, but the weights were not made by them."""
    from canvas_pipeline_tests.pipeline.breaks import pairs

    pairs(ws, lambda found: [*found[1:], found[0]])
    build_stage(ws, "dpo_run_spec", launch(ws))
    with pytest.raises(GateClosed, match="dpo_checkpoint was trained on other inputs"):
        training.current_checkpoint(ws, "dpo")
    assert "dpo" in evaluation.current_benches(ws)[1]
    with pytest.raises(GateClosed):
        build_stage(ws, "release", launch(ws))
