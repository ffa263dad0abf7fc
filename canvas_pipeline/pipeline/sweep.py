"""Train and bench one method with several named settings, and compare them case by case with the run's own numbers.

Every setting is a version of the method's ordinary stages, so its guards, its removal and its reuse are theirs. The run's own
numbers come last: they are current again when a sweep has ended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from canvas_pipeline.errors import BadConfig, GateClosed
from canvas_pipeline.evaluation import charts, matrix
from canvas_pipeline.methods import method, rounds
from canvas_pipeline.pipeline import overrides
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.evaluation import read_report
from canvas_pipeline.pipeline.numbers import differences
from canvas_pipeline.pipeline.stage import upstream
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace, make
from canvas_pipeline.storage.store import Stage, Writer

OWN = "own numbers"
"""The name of the run's own numbers in the matrix: what the settings are compared with."""
EXAMPLE = "{method: dpo, settings: {gentle: {beta: 0.1}, long: {epochs: 2}}}"


@dataclass(frozen=True, slots=True)
class Sweep:
    """A method, and name → changed numbers of each setting."""

    method: str
    settings: Mapping[str, Mapping[str, Any]]


def read_sweep(path: Path, ws: Workspace) -> Sweep:
    """Read a sweep's YAML for a workspace. Raises ``BadConfig`` for what is unknown or could not train, before anything starts."""
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        raise BadConfig(f"{path}: the file of the sweep cannot be read as YAML; it looks like {EXAMPLE}") from None
    settings = tree.get("settings") if isinstance(tree, dict) else None
    if (
        not isinstance(tree, dict)
        or {*tree} != {"method", "settings"}
        or not isinstance(settings, dict)
        or not settings
    ):
        raise BadConfig(f"{path}: a sweep names a method and its settings, as in {EXAMPLE}")
    name, found = method(str(tree["method"])).name, {}
    for title, fields in settings.items():
        if str(title) == OWN or not isinstance(fields, dict) or not fields:
            raise BadConfig(f"{path}: {title!r} is no setting; each has a name and numbers, as in {EXAMPLE}")
        found[str(title)] = overrides.checked(ws.track, ws.profile.name, name, fields, f"{path}: {title}")
    return Sweep(name, found)


def sweep(ws: Workspace, wanted: Sweep, launch: Launch) -> StageResult:
    """Make every setting's run specs, checkpoints and bench, then the run's own, and the matrix of them. A setting that a guard
    refuses is left out and said."""
    name, stages = wanted.method, ws.track.stages()
    steps = {step.name for step in rounds(method(name))}
    needed = [stage for stage in upstream(stages, [f"{name}_bench"]) if stages[stage].method in steps]
    own = dict(ws.overrides.get(name, {}))
    benches: dict[str, tuple[Stage, Any]] = {}
    left_out: dict[str, str] = {}
    for title, fields in (*wanted.settings.items(), (OWN, {})):
        ws.log(f"sweep of {name}: {title} ({len(benches) + len(left_out) + 1} of {len(wanted.settings) + 1})")
        other = replace(ws, overrides={**ws.overrides, name: {**own, **fields}})
        try:
            for stage in needed:
                made = build_stage(other, stage, launch)
        except GateClosed as error:
            if title == OWN:
                raise
            left_out[title] = str(error).partition("\n")[0]
            continue
        # On the selection cases, so that the release's bench stays unseen by who chooses a setting.
        benches[title] = made.stage, read_report(other, made.stage, "report-selection.json")
    return _compared(ws, wanted, benches, left_out)


def _compared(
    ws: Workspace, wanted: Sweep, benches: Mapping[str, tuple[Stage, Any]], left_out: Mapping[str, str]
) -> StageResult:
    benchmark, table = ws.track.benchmark, ws.track.numbers(wanted.method, ws.profile.name)
    changed = {
        title: differences(replace_numbers(ws, wanted.method, wanted.settings.get(title, {})), table) or "the table's"
        for title in benches
    }

    def build(writer: Writer) -> None:
        ordered = {title: benches[title][1] for title in (OWN, *wanted.settings) if title in benches}
        found = matrix.matrix(benchmark, ordered, OWN)
        numbers = "\n".join(f"- {title}: {text}" for title, text in changed.items())
        refused = "".join(f"\n- {title}: left out, {reason}" for title, reason in left_out.items())
        writer.json(
            {"method": wanted.method, "changed": changed, "left out": dict(left_out), "matrix": found}, "matrix.json"
        )
        writer.text(f"{matrix.table(benchmark, found)}\n\n{numbers}{refused}\n", "matrix.md")
        writer.path("settings.png").write_bytes(charts.methods_png(benchmark, found))

    inputs = {title: stage.sha256 for title, (stage, _) in benches.items()}
    config = {"changed": changed, "left out": dict(left_out)}
    stage, reused = make(ws, f"{wanted.method}_sweep", build, inputs, config)
    pictures = {"settings side by side": stage.path("settings.png").read_bytes()}
    return StageResult(stage, reused, facts={"table": stage.path("matrix.md").read_text()}, pictures=pictures)


def replace_numbers(ws: Workspace, name: str, fields: Mapping[str, Any]) -> Any:
    """The numbers of a method with a setting's over the run's own."""
    return replace(ws, overrides={**ws.overrides, name: {**ws.overrides.get(name, {}), **fields}}).numbers(name)
