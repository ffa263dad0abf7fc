"""From splits to checkpoints: base, run specs with their verdicts, reference log-probabilities, weights.

Torch runs in child processes only. A checkpoint is made from the current inputs and from verdicts for exactly their hashes, or not
at all; a killed run continues where it stopped."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.errors import ArtifactCorrupt, GateClosed, MissingInput
from canvas_pipeline.evaluation.charts import guards_png, logprobs_png
from canvas_pipeline.guardrails import gate
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS, method
from canvas_pipeline.pipeline import audits, candidates
from canvas_pipeline.pipeline import verdicts as evaluated
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.numbers import differences
from canvas_pipeline.pipeline.processes import ranked
from canvas_pipeline.pipeline.workspace import StageResult, Workspace, make, recipe
from canvas_pipeline.records import digest, dumps
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.training import ranks
from canvas_pipeline.training.admission import limits_of
from canvas_pipeline.training.precision import compute_dtype
from canvas_pipeline.training.sayable import LEAST_NATS, sayable_share
from canvas_pipeline.training.spec import SPEC, RunSpec, make_spec, read_spec, write_spec
from canvas_pipeline.training.threads import MACHINE
from canvas_pipeline.training.weights import model_folder, resolve

PROCESS = f"{__package__}.training_process"
"""Put together, so that the code version does not count it: it chooses among the modules of ``TRAINERS``."""
TRAINERS = {"sft": "training.supervised", "pairwise": "training.preference", "unpaired": "training.preference"}
"""Objective → the module that trains on it. The training process's command line is not counted: it chooses among these modules."""
ADAPTERS = ("bitsandbytes", "peft")
MEASURES = ("pipeline.training:run_spec.measure", "training.measure")


def base_model(context: BuildContext) -> StageResult:
    """The base every method descends from: the shipped embedded model, or a pointer to a folder or hub id.

    A real base (5 GB and more) is not copied: the stage holds its path and the hash of its files."""
    name = context.workspace.base_model or context.profile.base_model
    digests = context.workspace.store.digests
    if name == "embedded":
        shipped = context.track.shipped_base()

        def copy(writer: Writer) -> None:
            shutil.copytree(shipped, writer.path("model"), dirs_exist_ok=True)

        stage, reused = context.make(copy, inputs={"weights": digests.path(shipped)})
        return StageResult(stage, reused, figures={"base": name})

    folder = resolve(name).resolve()

    def point(writer: Writer) -> None:
        writer.json({"name": name, "path": str(folder), "sha256": sha256}, "source.json")

    sha256 = digests.path(folder)
    stage, reused = context.make(point, inputs={"weights": sha256}, config={"path": str(folder)})
    return StageResult(stage, reused, figures={"base": name})


def start_folder(ws: Workspace, start: str) -> Path:
    """The folder of the weights a method starts from, as the spec's input."""
    stage = ws.store.get(start)
    if "source.json" in stage.manifest.files:
        return Path(msgspec.json.decode(stage.path("source.json").read_bytes())["path"])
    return stage.directory()


def _launched(context: BuildContext, command: str, spec: RunSpec, writer: Writer, out: str, ranks: int = 1) -> None:
    spec_file = writer.path("spec.json")
    write_spec(spec, spec_file)
    context.launch(ranked(ranks, PROCESS, command, str(spec_file), "--out", str(writer.path(out))))
    spec_file.unlink()


def reference_logprobs(context: BuildContext) -> StageResult:
    """One pass of the frozen reference over all pairs, for every method that reads it."""
    row = next(row for row in METHODS.values() if row.reference == context.spec.name)
    spec = _draft(context.workspace, row.name, reference=False)

    def compute(writer: Writer) -> None:
        _launched(context, "reference", spec, writer, "rows.jsonl", ranks.asked())

    inputs = {name: spec.inputs[name].sha256 for name in row.reads}
    settings = {"compute": spec.compute, "sizes": spec.sizes}
    runs = ("training.reference", _schemas(context.workspace, spec))
    stage, reused = context.make(compute, inputs, settings, runs=runs, unused=ADAPTERS)
    rejected = [msgspec.json.decode(line)["rejected"] for line in stage.path().read_bytes().splitlines()]
    figures = {"rejected sides that the policy could say (%)": round(100 * (sayable_share(rejected) or 0.0), 1)}
    return StageResult(stage, reused, figures=figures, pictures={"rejected sides": logprobs_png(rejected, LEAST_NATS)})


def run_spec(context: BuildContext, *, measure_anyway: bool = False) -> StageResult:
    """Measure one run, ask every guard, and write the run spec. A failed verdict is recorded too: the training process refuses it.

    Where a guard over rows fails already, nothing is measured (a dry run on a GB10 is minutes) unless ``measure_anyway``."""
    ws, name = context.workspace, context.spec.method
    spec = _draft(ws, name)

    def measure(writer: Writer) -> None:
        _launched(context, "measure", spec, writer, "measurement.json")

    if measure_anyway or all(verdict.passed for verdict in row_verdicts(ws, name)):
        inputs, config = _measured(spec)
        measures = (*MEASURES[1:], _schemas(ws, spec))
        make(ws, f"{name}_measurement", measure, inputs, config, runs=measures, unused=_unused(spec))
    verdicts = verdicts_now(ws, spec)
    complete = msgspec.structs.replace(spec, verdicts=verdicts)

    def write(writer: Writer) -> None:
        write_spec(complete, writer.path("spec.json"))

    # The spec is its own recipe: the same inputs, numbers and verdicts are the same file.
    stage, reused = context.make(write, inputs={"spec": digest(dumps(complete).decode())})
    changed = differences(spec.hyperparameters, ws.track.numbers(name, context.profile.name))
    figures = {
        "guards passed": sum(verdict.passed for verdict in verdicts),
        "guards that answered": len(verdicts),
        **({"changed from the table": changed} if changed else {}),
    }
    facts = {
        **msgspec.to_builtins(spec.hyperparameters),
        "compute": spec.compute,
        "memory (GiB)": ws.track.memory(name)[context.profile.name],
        "spec_sha256": complete.sha256,
    }
    return StageResult(stage, reused, verdicts, facts, {"guards": guards_png(verdicts)}, figures=figures)


def row_verdicts(ws: Workspace, name: str) -> tuple[Verdict, ...]:
    """The current verdicts of the guards that need no measurement, as far as they concern a method.

    Raises ``GateClosed`` where the audit of a split found something."""
    for dataset in evaluated.datasets_of(name):
        audits.audited(ws, f"{dataset}_split")
    found = [verdict for dataset in evaluated.datasets_of(name) for verdict in evaluated.of_split(ws, dataset)]
    return evaluated.concerning(
        ws, name, [*found, evaluated.of_base(ws), evaluated.of_image(ws), *ws.track.verdicts(ws)]
    )


def verdicts_now(ws: Workspace, spec: RunSpec) -> tuple[Verdict, ...]:
    """The current verdicts of all guards; those over measurements only where exactly this spec was measured."""
    name, (inputs, config) = spec.method, _measured(spec)
    found = row_verdicts(ws, name)
    measured = ws.store.find(f"{name}_measurement")
    code = (*MEASURES, _schemas(ws, spec))
    now = recipe(ws, f"{name}_measurement", code, inputs, config, unused=_unused(spec))
    if measured is not None and measured.manifest.recipe == now:
        numbers = json.loads(measured.verify().path("measurement.json").read_bytes())
        hashes = {key: file.sha256 for key, file in spec.inputs.items()}
        found = (*found, *evaluated.of_measurement(ws, name, numbers, hashes))
    return evaluated.concerning(ws, name, found)


def _draft(ws: Workspace, name: str, *, reference: bool = True) -> RunSpec:
    paths = _paths(ws, name, reference=reference)
    return make_spec(
        ws.track.name, name, ws.profile, ws.seed, paths,
        hyperparameters=ws.numbers(name), sha256_of=ws.store.digests.path,
    )  # fmt: skip


def _schemas(ws: Workspace, spec: RunSpec) -> str:
    """The module that says which tools a row declares: what the training process takes from the track."""
    return root_of(ws.track.datasets[spec.row.dataset].schemas).partition(":")[0]


def _unused(spec: RunSpec) -> tuple[str, ...]:
    """Of ``ADAPTERS``, what a run does without: one with no adapter, no 4-bit weights, no 8-bit optimiser."""
    needed = {"peft": spec.adapter is not None, "bitsandbytes": spec.needs_bitsandbytes}
    return tuple(name for name in ADAPTERS if not needed[name])


def _measured(spec: RunSpec) -> tuple[dict[str, str], dict[str, Any]]:
    """Inputs and configuration of the measurement of a spec."""
    inputs = {key: spec.inputs[key].sha256 for key in (*spec.needed, "base_model")}
    return inputs, {
        "hyperparameters": msgspec.to_builtins(spec.hyperparameters),
        "compute": spec.compute,
        "sizes": spec.sizes,
    }


def checkpoint(context: BuildContext) -> StageResult:
    """Train, resuming where a killed run stopped. Refuses a spec that was made for other inputs, or with other verdicts than
    now, before anything is started or handed on; the training process then asks again for itself."""
    ws, name = context.workspace, context.spec.method
    spec = admitted_spec(ws, name)
    ranks.accumulation(spec.hyperparameters, ranks.asked())

    def train(writer: Writer) -> None:
        # Of this recipe: what other code, or other libraries, had begun is not taken up.
        work = ws.root / "work" / f"{name}-{made_by.fingerprint()[:16]}"
        work.mkdir(parents=True, exist_ok=True)
        spec_file = work / "spec.json"
        write_spec(spec, spec_file)
        ws.seal.put(spec_file, SPEC)
        out = work / "checkpoint"
        if not ws.seal.holds(out, work.name):  # else a run ended here and was killed before its folder was moved
            shutil.rmtree(out, ignore_errors=True)
            context.launch(ranked(ranks.asked(), PROCESS, "train", str(spec_file), "--out", str(out)))
        if not ws.seal.holds(out, work.name):
            raise ArtifactCorrupt(
                f"{out} is not what the training process sealed when it ended; materialise {name}_checkpoint again"
            )
        for path in out.iterdir():
            shutil.move(str(path), writer.folder / path.name)
        writer.reports.add(MACHINE)
        write_spec(spec, writer.path("spec.json"))
        shutil.rmtree(work)

    runs = (TRAINERS[spec.row.objective], _schemas(ws, spec))
    inputs, unused = spec_inputs(spec), _unused(spec)
    made_by = recipe(ws, f"{name}_checkpoint", (root_of(train), *runs), inputs, unused=unused)
    stage, reused = context.make(train, inputs, runs=runs, unused=unused)
    summary = msgspec.json.decode(stage.path("summary.json").read_bytes())
    plots = {
        Path(file).stem: stage.path(file).read_bytes() for file in stage.manifest.files if file.startswith("plots/")
    }
    if MACHINE in stage.manifest.files:
        summary |= msgspec.json.decode(stage.path(MACHINE).read_bytes())
    return StageResult(stage, reused, facts=_readable(summary), pictures=plots, figures=_last(summary))


def current_spec(ws: Workspace, name: str) -> RunSpec:
    """The run spec of a method, if it is for the current inputs and holds the current verdicts; else
    ``GateClosed`` naming what differs. Its inputs' paths are those of this workspace."""
    spec = read_spec(ws.store.get(f"{name}_run_spec").path("spec.json"))
    now = _draft(ws, name)
    stale = sorted(
        key for key, file in now.inputs.items() if key not in spec.inputs or spec.inputs[key].sha256 != file.sha256
    )
    if stale:
        raise GateClosed(
            f"{name}: the run spec's verdicts are for other inputs than the current ones ({', '.join(stale)} differ); "
            f"materialise {name}_run_spec again"
        )
    if (spec.method, spec.profile, spec.sizes, spec.seed, spec.hyperparameters, spec.compute) != (
        now.method, now.profile, now.sizes, now.seed, now.hyperparameters, now.compute
    ):  # fmt: skip
        raise GateClosed(
            f"{name}: the run spec has other numbers than the method table and this run's overrides give, or another "
            f"compute type than this machine's ({now.compute}); materialise {name}_run_spec again"
        )
    written, again = set(map(_text_of, spec.verdicts)), verdicts_now(ws, now)
    changed = [f"{v.name}: {v.reason or 'passes now'}" for v in again if _text_of(v) not in written]
    changed += [f"{v.name}: not measured" for v in spec.verdicts if v.guard not in {now.guard for now in again}]
    if changed:
        listing = "".join(f"\n  - {reason}" for reason in changed)
        raise GateClosed(
            f"{name}: the guards do not say now what the run spec records; materialise {name}_run_spec again{listing}"
        )
    return msgspec.structs.replace(now, verdicts=spec.verdicts)


def _text_of(verdict: Verdict) -> str:
    return dumps(verdict).decode()


def admitted_spec(ws: Workspace, name: str) -> RunSpec:
    """The current run spec, where its verdicts open the gate; else ``GateClosed`` with every reason."""
    spec = current_spec(ws, name)
    gate.require(
        ws.track.guards,
        spec.verdicts,
        spec.row,
        {key: file.sha256 for key, file in spec.inputs.items()},
        limits_of(spec, ws.track.numbers(name, ws.profile.name)),
    )
    return spec


def current_checkpoint(ws: Workspace, name: str) -> Stage:
    """The checkpoint of a method, if it was trained by the current, admitted run spec; else ``GateClosed``."""
    stage = trained(ws, name)
    if stage.manifest.recipe.inputs != spec_inputs(admitted_spec(ws, name)):
        raise GateClosed(f"{name}_checkpoint was trained on other inputs than the current ones; materialise it again")
    return stage


def spec_inputs(spec: RunSpec) -> dict[str, str]:
    """What a checkpoint is made from: the run itself, and name → sha256 of what it reads."""
    return {"spec": spec.sha256, **{name: spec.inputs[name].sha256 for name in spec.needed}}


def trained(ws: Workspace, name: str) -> Stage:
    """The checkpoint of a method; raises ``MissingInput`` naming the asset to materialise."""
    return ws.store.get(f"{method(name).name}_checkpoint")


def _paths(ws: Workspace, name: str, *, reference: bool) -> dict[str, Path]:
    """Every input the gate and the training ask for, by the gate's names. Raises ``GateClosed`` in a copy with canaries."""
    audits.refuse_canaries(ws)
    paths: dict[str, Path] = {}
    row = method(name)
    for key in dict.fromkeys((*ws.track.guards.inputs_of(row), row.start, "base_model")):
        if key.startswith("deploy/"):
            paths[key] = ws.deploy / Path(key).name
        elif key == "base_model" or key.endswith("_checkpoint"):
            paths[key] = start_folder(ws, key)
        elif key == "bench_cases":
            paths[key] = ws.store.get(key).directory()
        else:
            dataset, part = key.rsplit("_", 1)
            if part not in PARTS:
                raise MissingInput(f"the guard table asks for {key}, which no stage writes")
            paths[key] = evaluated.file_of(ws.store.get(f"{dataset}_split"), part)
    if reference and row.reference:
        referred = ws.store.get(row.reference)
        stale = [
            key for key in row.reads if referred.manifest.recipe.inputs.get(key) != ws.store.digests.path(paths[key])
        ]
        stale += ["the compute type"] if referred.manifest.recipe.config.get("compute") != compute_dtype() else []
        if stale:
            raise GateClosed(
                f"{row.reference} were computed for other inputs than the current ones ({', '.join(stale)} differ); "
                f"materialise {row.reference} again"
            )
        paths[row.reference] = referred.path()
    model_folder(paths[row.start])
    return paths


def _readable(summary: Mapping[str, Any]) -> dict[str, Any]:
    shown = ("steps", "planned_steps", "rows", "eval_rows", "tokens", "compute", "threads", "ranks")
    found = {key: summary[key] for key in shown if key in summary}
    return found | ({"stopped early": candidates.stopped_early(summary)} if "stopped" in summary else {})


def _last(summary: Mapping[str, Any]) -> dict[str, Any]:
    """The metrics of the last step, the losses before the others."""
    found = summary.get("last", {})
    return {f"last {key}": found[key] for key in sorted(found, key=lambda key: (not key.endswith("loss"), key))}
