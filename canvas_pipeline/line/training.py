"""From splits to checkpoints: base, run specs with their verdicts, reference log-probabilities, weights.

In: split stages and a ``Launch``. Out: stages ``base_model``, ``training_image``, ``run_spec/<method>``, ``reference_logprobs``,
``checkpoint/<method>``. What must hold: torch runs in child processes only; a checkpoint is made from the current inputs and from
verdicts for exactly their hashes, or not at all; a killed run continues where it stopped.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.artifacts import Stage, Writer, sha256_file
from canvas_pipeline.errors import GateClosed, MissingInput
from canvas_pipeline.guardrails import image
from canvas_pipeline.guardrails.table import inputs_for
from canvas_pipeline.line import verdicts as judging
from canvas_pipeline.line.processes import module
from canvas_pipeline.line.workspace import Launch, Made, Workspace, make
from canvas_pipeline.records import digest, dumps
from canvas_pipeline.training.base import shipped_base
from canvas_pipeline.training.methods import METHODS, method
from canvas_pipeline.training.progress import child_environment
from canvas_pipeline.training.spec import REFERENCE, RunSpec, make_spec, model_folder, read_spec, sha256_path, write_spec

ROOMS = ("records", "tools", "profiles", "training")
DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
IMAGE_FILES = ("deploy/Dockerfile.training", "deploy/compose.yaml")


def base_model(ws: Workspace, launch: Launch) -> Made:
    """The base every method descends from: the shipped embedded model, or a pointer to a folder or hub id.

    A real base (5 GB and more) is not copied: the stage holds its path and the hash of its files."""
    name = ws.base_model or ws.profile.base_model
    if name == "embedded":
        shipped = shipped_base()

        def copy(writer: Writer) -> None:
            shutil.copytree(shipped, writer.path("model"), dirs_exist_ok=True)

        stage, reused = make(ws, "base_model", (), copy, inputs={"weights": sha256_path(shipped)})
        return Made(stage, reused, facts={"base": name})

    from canvas_pipeline.training.checkpoint import resolve

    folder = resolve(name).resolve()

    def point(writer: Writer) -> None:
        writer.json({"name": name, "path": str(folder), "sha256": sha256}, "source.json")

    sha256 = sha256_path(folder)
    stage, reused = make(ws, "base_model", (), point, inputs={"weights": sha256}, config={"path": str(folder)})
    return Made(stage, reused, facts={"base": name})


def start_folder(ws: Workspace, start: str) -> Path:
    """The folder of the weights a method starts from, as the spec's input."""
    stage = ws.store.get(start)
    if "source.json" in stage.manifest.files:
        return Path(msgspec.json.decode(stage.path("source.json").read_bytes())["path"])
    return stage.folder


def training_image(ws: Workspace, launch: Launch) -> Made:
    """Whether the training image starts, by building it where an engine answers, by its files where none does."""
    dockerfile, compose = (DEPLOY / Path(name).name for name in IMAGE_FILES)
    hashes = _image_hashes()

    def examine(writer: Writer) -> None:
        program = module("canvas_pipeline.cli.train")
        writer.json(image.examine(dockerfile, compose, DEPLOY.parent, program), "evidence.json")

    stage, reused = make(ws, "training_image", ("guardrails/image", "cli"), examine, inputs=hashes)
    return Made(stage, reused, (judging.of_image(ws, hashes),))


def _image_hashes() -> dict[str, str]:
    return {name: sha256_file(DEPLOY / Path(name).name) for name in IMAGE_FILES}


def reference_logprobs(ws: Workspace, launch: Launch) -> Made:
    """One pass of the frozen SFT reference over all pairs, for the five preference losses."""
    spec = make_spec("dpo", ws.profile.name, ws.seed, _paths(ws, "dpo", reference=False))

    def compute(writer: Writer) -> None:
        spec_file = writer.path("spec.json")
        write_spec(spec, spec_file)
        launch(
            module("canvas_pipeline.training", "reference", str(spec_file), "--out", str(writer.path("rows.jsonl"))),
            child_environment(os.environ),
        )
        spec_file.unlink()

    needed = {name: spec.inputs[name].sha256 for name in ("preference_train", "preference_eval", "checkpoint/sft")}
    return Made(*make(ws, REFERENCE, ROOMS, compute, inputs=needed))


def run_spec(ws: Workspace, name: str, launch: Launch, *, measure_anyway: bool = False) -> Made:
    """Measure, judge and write down one run. A failed verdict is written down too: the training process refuses it.

    Where a guard over rows fails already, nothing is measured (a dry run on a GB10 is minutes) unless ``measure_anyway``."""
    row = method(name)
    spec = make_spec(name, ws.profile.name, ws.seed, _paths(ws, name, reference=row.dataset == "preference"))
    hashes = {key: file.sha256 for key, file in spec.inputs.items()}

    def measure(writer: Writer) -> None:
        spec_file = writer.path("spec.json")
        write_spec(spec, spec_file)
        launch(
            module("canvas_pipeline.training", "measure", str(spec_file), "--out", str(writer.path("measurement.json"))),
            child_environment(os.environ),
        )
        spec_file.unlink()

    found = [
        *(verdict for dataset in judging.datasets_of(name) for verdict in judging.of_split(ws, dataset)),
        judging.of_base(ws, hashes["base_model"]),
        judging.of_image(ws, _image_hashes()),
    ]
    config = {"hyperparameters": msgspec.to_builtins(spec.hyperparameters)}
    if measure_anyway or all(verdict.passed for verdict in judging.concerning(name, found)):
        needed = {key: hashes[key] for key in (*spec.needed, "base_model")}
        measured, _ = make(ws, f"measurements/{name}", ROOMS, measure, inputs=needed, config=config)
        numbers = msgspec.json.decode(measured.path("measurement.json").read_bytes())
        found += judging.of_measurement(ws, name, numbers, hashes)
    verdicts = judging.concerning(name, found)
    judged = msgspec.structs.replace(spec, verdicts=verdicts)

    def write(writer: Writer) -> None:
        write_spec(judged, writer.path("spec.json"))

    # The spec is its own recipe: the same inputs, numbers and verdicts are the same file.
    stage, reused = make(ws, f"run_spec/{name}", ROOMS, write, inputs={"spec": digest(dumps(judged).decode())})
    facts = {"spec_sha256": judged.sha256, "uma_gib": row.uma_gib[ws.profile.name], **config["hyperparameters"]}
    return Made(stage, reused, verdicts, facts)


def checkpoint(ws: Workspace, name: str, launch: Launch) -> Made:
    """Train, resuming where a killed run stopped. Refuses a spec that was made for other inputs than the current ones."""
    spec = current_spec(ws, name)

    def train(writer: Writer) -> None:
        work = ws.root / "work" / f"{name}-{spec.sha256[:16]}"
        work.mkdir(parents=True, exist_ok=True)
        spec_file = work / "spec.json"
        write_spec(spec, spec_file)
        out = work / "checkpoint"
        if not (out / "summary.json").is_file():
            launch(
                module("canvas_pipeline.training", "train", str(spec_file), "--out", str(out)),
                child_environment(os.environ),
            )
        for path in out.iterdir():
            shutil.move(str(path), writer.folder / path.name)
        write_spec(spec, writer.path("spec.json"))
        shutil.rmtree(work)

    stage, reused = make(ws, f"checkpoint/{name}", ROOMS, train, inputs={"spec": spec.sha256, **spec_inputs(spec)})
    if reused:
        # A checkpoint that is already there is still not handed on when its gate is closed now.
        from canvas_pipeline.training.spec import admit

        admit(spec)
    summary = msgspec.json.decode(stage.path("summary.json").read_bytes())
    plots = {Path(file).stem: stage.path(file).read_bytes() for file in stage.manifest.files if file.startswith("plots/")}
    return Made(stage, reused, facts=_readable(summary), pictures=plots)


def current_spec(ws: Workspace, name: str) -> RunSpec:
    """The run spec of a method, if it is for the inputs as they are now; else ``GateClosed`` naming what differs."""
    spec = read_spec(ws.store.get(f"run_spec/{name}").path("spec.json"))
    row = method(name)
    now = {key: sha256_path(path) for key, path in _paths(ws, name, reference=row.dataset == "preference").items()}
    stale = sorted(key for key, sha256 in now.items() if key not in spec.inputs or spec.inputs[key].sha256 != sha256)
    if stale:
        raise GateClosed(
            f"{name}: the run spec's verdicts are for other inputs than the current ones ({', '.join(stale)} differ); "
            f"materialise run_spec/{name} again"
        )
    return spec


def spec_inputs(spec: RunSpec) -> dict[str, str]:
    """Name → sha256 of what the training itself reads."""
    return {name: spec.inputs[name].sha256 for name in spec.needed}


def trained(ws: Workspace, name: str) -> Stage:
    """The checkpoint of a method; raises ``MissingInput`` naming the asset to materialise."""
    if name not in METHODS:
        method(name)
    return ws.store.get(f"checkpoint/{name}")


def _paths(ws: Workspace, name: str, *, reference: bool) -> dict[str, Path]:
    """Every input the gate and the training ask for, by the gate's names."""
    paths: dict[str, Path] = {}
    for key in dict.fromkeys((*inputs_for(name), method(name).start, "base_model")):
        if key.startswith("deploy/"):
            paths[key] = DEPLOY / Path(key).name
        elif key in ("base_model", "checkpoint/sft"):
            paths[key] = start_folder(ws, key)
        elif key == "bench_cases":
            paths[key] = ws.store.get(key).folder
        else:
            dataset, part = key.rsplit("_", 1)
            if part not in judging.PARTS:
                raise MissingInput(f"the guard table asks for {key}, which no stage writes")
            paths[key] = judging.file_of(ws.store.get(f"splits/{dataset}"), part)
    if reference:
        paths[REFERENCE] = ws.store.get(REFERENCE).path()
    model_folder(paths[method(name).start])
    return paths


def _readable(summary: Mapping[str, Any]) -> dict[str, Any]:
    kept = {key: summary[key] for key in ("method", "steps", "rows", "eval_rows", "tokens") if key in summary}
    return {**kept, **{f"last {key}": value for key, value in summary.get("last", {}).items()}}
