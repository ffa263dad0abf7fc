"""Edits by hand and bad disks: a changed file is never trained on and never released.

Every attack works on a copy of a good pipeline and resets the files' times. A file that differs from its manifest is refused by
every reader. A manifest that was changed with it loses its seal, and the stage counts as not built.
"""

from __future__ import annotations

import json
import os
import random
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import ArtifactCorrupt, CanvasPipelineError, GateClosed, MissingInput
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance.exposure import exposure
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.digests import MANIFEST, content_sha256, sha256_file
from canvas_pipeline.storage.seal import KEY_FILE, Seal
from canvas_pipeline.storage.store import Stage, load
from canvas_pipeline.storage.versions import versions
from canvas_pipeline.training.spec import SPEC, read_spec, write_spec
from canvas_pipeline_tests.pipeline.entries import untrained
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of

REFUSED = (ArtifactCorrupt, GateClosed, MissingInput)
FLIPS = 300


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, SHARES["dpo"])


def put(path: Path, raw: bytes) -> None:
    """Write other bytes under the old name and times; the original of a linked copy is not changed."""
    before = path.stat()
    other = path.with_name(f"{path.name}.edited")
    other.write_bytes(raw)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


def edit(path: Path, change: Callable[[bytes], bytes]) -> None:
    put(path, change(path.read_bytes()))


def flip(raw: bytes, at: int | None = None) -> bytes:
    """Flip one bit of one byte."""
    at = len(raw) // 2 if at is None else at
    return raw[:at] + bytes([raw[at] ^ 1]) + raw[at + 1 :]


def with_manifest(stage: Stage, **changes: Any) -> None:
    """Make the manifest agree with the current files, as a careful forger would."""
    manifest = json.loads((stage.folder / MANIFEST).read_bytes())
    for name, entry in manifest["files"].items():
        path = stage.folder / name
        entry |= {"sha256": sha256_file(path), "size": path.stat().st_size, "mtime_ns": path.stat().st_mtime_ns}
    manifest["content_sha256"] = content_sha256(
        {k: v["sha256"] for k, v in manifest["files"].items() if not v["report"]}
    )
    put(stage.folder / MANIFEST, dumps(manifest | changes) + b"\n")


def released(ws: Workspace) -> Any:
    return build_stage(ws, "release", launch(ws))


def halve(raw: bytes) -> bytes:
    return b"".join(raw.splitlines(keepends=True)[::2])


def better(raw: bytes) -> bytes:
    """Return a bench report with every wrong answer counted as right."""
    return raw.replace(b'"exact":false', b'"exact":true').replace(b'"share":0.', b'"share":.9') + b" "


def leak(raw: bytes) -> bytes:
    return raw.replace(b'"content":"', b'"content":"Mail jane.doe@vt.example.edu. ', 1)


EDITS: dict[str, tuple[str, Callable[[bytes], bytes]]] = {
    "figures of the released method": ("dpo_bench/report.json", better),
    "figures of the method it is compared with": ("sft_bench/report.json", flip),
    "figures of the base": ("base_bench/report.json", flip),
    "figures that the choice is made by": ("dpo_bench/report-selection.json", better),
    "the choice": ("production_checkpoint/selection.json", flip),
    "the comparison": ("method_matrix/matrix.json", flip),
    "weights that are released": ("dpo_checkpoint/model/model.safetensors", flip),
    "weights that it started from": ("sft_checkpoint/model/model.safetensors", flip),
    "the base": ("base_model/source.json", flip),
    "what the training records": ("dpo_checkpoint/summary.json", flip),
    "a run spec": ("dpo_run_spec/spec.json", flip),
    "a measurement": ("dpo_measurement/measurement.json", flip),
    "reference log-probabilities": ("reference_logprobs/rows.jsonl", flip),
    "verdicts on rows": ("preference_verdicts/verdicts.json", flip),
    "what the image check found": ("training_image/evidence.json", flip),
    "training rows": ("preference_split/train.jsonl", leak),
    "rows held out": ("trajectory_split/eval.jsonl", leak),
    "rows of a stage before": ("trajectories/rows.jsonl", halve),
    "anonymised items": ("corpus/rows.jsonl", halve),
    "votes": ("labelled_pairs/votes.jsonl", halve),
    "cases": ("bench_cases/rows.jsonl", flip),
    "what is known about the quants": ("dpo_gguf/quants.json", flip),
    "a quant": ("dpo_gguf/canvas-dpo-Q8_0.gguf", flip),
    "the model card": ("cards/README.md", flip),
    "the facts of the card": ("cards/facts.json", flip),
    "the reasons against a card": ("cards/reasons.json", flip),
    "the Modelfile": ("cards/Modelfile", flip),
    "the scenarios": ("scenarios/results.jsonl", flip),
    "the evidence": ("release_log/evidence.json", flip),
}  # fmt: skip


@pytest.mark.parametrize("what", EDITS)
def test_an_edited_file_stops_the_release(what: str, ws: Workspace) -> None:
    place, change = EDITS[what]
    stage, _, file = place.partition("/")
    edit(ws.store.get(stage).folder / file, change)
    with pytest.raises(REFUSED):
        released(ws)


@pytest.mark.parametrize(
    "what", ["figures of the released method", "weights that are released", "a run spec", "the choice", "cases"]
)
def test_a_changed_manifest_has_no_valid_seal(what: str, ws: Workspace) -> None:
    place, change = EDITS[what]
    name, _, file = place.partition("/")
    stage = ws.store.get(name)
    edit(stage.folder / file, change)
    with_manifest(stage)
    assert ws.store.find(name) is None
    with pytest.raises(ArtifactCorrupt, match="does not carry the seal"):
        ws.store.get(name)
    with pytest.raises(REFUSED):
        released(ws)


def test_rows_that_vanish_between_two_stages_with_their_manifest_do_not_pass(ws: Workspace) -> None:
    stage = ws.store.get("trajectories")
    edit(stage.folder / "rows.jsonl", halve)
    with_manifest(stage)
    with pytest.raises(ArtifactCorrupt):
        build_stage(ws, "trajectory_split")


def test_rows_lost_by_a_wrong_step_fail_g6(ws: Workspace) -> None:
    stage = ws.store.get("labelled_pairs")
    raw = stage.path().read_bytes()
    with ws.store.write(stage.manifest.recipe) as writer:  # with a seal: the step itself is wrong
        writer.path("rows.jsonl").write_bytes(halve(raw))
        writer.funnel = stage.manifest.funnel
        shutil.copy(stage.folder / "refusals.jsonl", writer.path("refusals.jsonl"))
    made = build_stage(ws, "labelled_pairs")
    (verdict,) = (v for v in made.verdicts if v.guard == "g6")
    assert not verdict.passed and verdict.numbers["rows_unaccounted"] == len(raw.splitlines()) // 2


def test_a_stage_of_another_data_folder_is_refused(ws: Workspace, good_line: Path, tmp_path: Path) -> None:
    (ws.private / "store.key").unlink()
    (ws.private / "store.key").write_text("another key of thirty-two letters")
    (ws.private / "store.key").chmod(0o600)
    assert ws.store.find("dpo_checkpoint") is None
    with pytest.raises(ArtifactCorrupt, match="made elsewhere"):
        ws.store.get("dpo_checkpoint")


@pytest.mark.parametrize("donor, place", [("dpo_bench", "sft_bench"), ("sft_checkpoint", "dpo_checkpoint")])
def test_a_sealed_stage_in_another_stages_place_is_refused(donor: str, place: str, ws: Workspace) -> None:
    source, target = ws.store.get(donor).folder, ws.store.home(place)
    shutil.rmtree(target)
    shutil.copytree(source, target / source.name)
    (target / "current").symlink_to(source.name)
    with pytest.raises(ArtifactCorrupt):
        ws.store.get(place)


def test_a_file_added_to_the_weights_is_detected(ws: Workspace) -> None:
    (ws.store.get("dpo_checkpoint").folder / "model" / "adapter_config.json").write_text("{}")
    with pytest.raises(ArtifactCorrupt, match="is not in dpo_checkpoint's manifest"):
        released(ws)


def test_weights_in_the_work_folder_are_not_accepted_as_a_finished_training(good_line: Path, tmp_path: Path) -> None:
    ws = untrained(good_line, tmp_path / "line")
    asked: list[str] = []

    def killed(command: Any, env: Any) -> None:
        asked.append(command[3])
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_stage(ws, "dpo_checkpoint", killed)
    (work,) = (ws.root / "work").glob("dpo-*")
    shutil.copytree(ws.root / BASE, work / "checkpoint" / "model")
    (work / "checkpoint" / "summary.json").write_text('{"hyperparameters": {"epochs": 1.0}}')
    Seal(tmp_path / "own.key").put(work / "checkpoint", work.name)
    with pytest.raises(KeyboardInterrupt):
        build_stage(ws, "dpo_checkpoint", killed)
    assert asked == ["train", "train"] and not (work / "checkpoint").exists()


def test_a_training_process_without_a_seal_makes_no_checkpoint(good_line: Path, tmp_path: Path) -> None:
    ws = untrained(good_line, tmp_path / "line")

    def careless(command: Any, env: dict[str, str]) -> None:
        launch(ws)(command, {**env, KEY_FILE: str(tmp_path / "own.key")})

    with pytest.raises(ArtifactCorrupt, match="sealed"):
        build_stage(ws, "dpo_checkpoint", careless)


def test_predictions_in_the_work_folder_are_not_accepted_as_a_models(ws: Workspace) -> None:
    shutil.rmtree(ws.store.home("dpo_bench"))
    asked: list[Path] = []

    def killed(command: Any, env: Any) -> None:
        asked.append(Path(command[command.index("--out") + 1]))
        raise KeyboardInterrupt

    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            build_stage(ws, "dpo_bench", killed)
        shutil.copy(ws.store.get("sft_bench").path("predictions.jsonl"), asked[0])
    assert len(asked) == 2


@pytest.mark.parametrize("sealed", [False, True])
def test_a_run_spec_from_elsewhere_is_refused_by_the_training_process(
    sealed: bool, ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from canvas_pipeline.pipeline.training_process import main

    spec = read_spec(ws.store.get("dpo_run_spec").path("spec.json"))
    faster = msgspec.structs.replace(
        spec, hyperparameters=msgspec.structs.replace(spec.hyperparameters, learning_rate=5.0)
    )
    path = tmp_path / "spec.json"
    write_spec(faster, path)
    if sealed:
        Seal(tmp_path / "own.key").put(path, SPEC)
    monkeypatch.setenv(KEY_FILE, str(ws.seal.path))
    assert main(["train", str(path), "--out", str(tmp_path / "out")]) == 3
    assert "does not carry the data folder's seal" in capsys.readouterr().err and not (tmp_path / "out").exists()


def test_a_flipped_byte_anywhere_is_found_before_a_release(ws: Workspace) -> None:
    """In every file in turn, at seeded places; the release verifies every stage again."""
    rng = random.Random(12)
    files = [path for stage in versions(ws.store) for path in sorted(stage.folder.rglob("*")) if path.is_file()]
    files = [path for path in files if path.stat().st_size]
    places = [files[at % len(files)] for at in range(FLIPS)]
    for path in places:
        raw = path.read_bytes()
        put(path, flip(raw, rng.randrange(len(raw))))
        assert not believed(ws, path), path
        put(path, raw)
    assert all(believed(ws, path) for path in files)


def believed(ws: Workspace, path: Path) -> bool:
    """Return whether the stage of a file is still read without an error."""
    folder = next(parent for parent in path.parents if (parent / MANIFEST).exists())
    stage = load(folder)
    try:
        return stage is not None and ws.store.sealed(stage, stage.manifest.stage) and bool(stage.verify())
    except CanvasPipelineError:
        return False


def test_an_edited_run_spec_does_not_hide_a_contributor_from_the_removal(ws: Workspace) -> None:
    contributor = next(iter(ws.track.contributors(ws)))

    def seen() -> dict[str, str]:
        with Lineage(ws.store) as index:
            found = exposure(index, ws.track, contributor, ws.root / "releases").exposures
        return {one.stage: one.seen for one in found}

    assert seen()["sft_run_spec"] == "yes"
    spec = ws.store.get("sft_run_spec").folder / "spec.json"
    raw = spec.read_bytes()
    edit(spec, lambda text: re.sub(rb"[0-9a-f]{64}", b"0" * 64, text))
    assert len(spec.read_bytes()) == len(raw) and seen()["sft_run_spec"] == "unknown"
