"""Record each stage's attempts with their time and cost, and combine the records into a session manifest.

A failed stage is retried twice at most. Records contain no rows, and rows contain nothing of the records. A reused stage cost
nothing and leaves its record unchanged; a rebuilt stage starts a new one.
"""

from __future__ import annotations

import importlib.metadata
import os
import platform
import subprocess
import time
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadConfig, CanvasPipelineError, GateClosed
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.session_manifest import Phase, SessionManifest, run_session
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import digest, dumps
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.instruct.decisions import chain_of, descriptions

NAME = "session"
RATE, BUDGET = "rate_usd_per_hour", "budget_usd"
LIBRARIES = ("torch", "transformers", "trl", "peft", "dagster")
ESTIMATES: Mapping[str, Mapping[str, float]] = {
    "gb10": {
        "base_check": 900.0, "base_bench": 1800.0, "sft_rows": 10800.0, "sft_run_spec": 1200.0, "sft_checkpoint": 10800.0,
        "sft_bench": 1800.0, "candidates": 5400.0, "dpo_checkpoint": 10800.0, "dpo_bench": 1800.0,
    },
}  # fmt: skip
"""Profile → stage → estimated seconds. A budget is checked against it until the stage has been measured."""


def recorded(spec: StageSpec) -> StageSpec:
    """Return the stage with its ``build`` recorded; the session stage itself is returned unchanged."""
    if spec.name == NAME:
        return spec
    return replace(spec, build=lambda context: run_recorded(spec, context))


def run_recorded(spec: StageSpec, context: BuildContext) -> StageResult:
    """Build a stage, at most three times, and record each attempt. A closed gate is not retried.

    Raises the last error, or ``GateClosed`` if the estimate exceeds the budget."""
    ws = context.workspace
    done: list[StageResult] = []
    problem: list[Exception] = []

    def run() -> Mapping[str, str]:
        try:
            made = spec.build(context)
        except (CanvasPipelineError, OSError, MemoryError) as error:
            problem[:] = [error]
            raise
        done[:] = [made]
        return {made.stage.manifest.stage: made.stage.sha256}

    def save(manifest: SessionManifest) -> None:
        own = tuple(attempt for attempt in manifest.attempts if attempt.phase == spec.name)
        if own and not (done and done[0].reused):
            with whole_file(_file(ws, spec.name)) as temporary:
                temporary.write_bytes(dumps(msgspec.structs.replace(manifest, attempts=own)) + b"\n")

    before = _record(ws, spec.name)
    others = (name for name in context.track.stages() if name != spec.name)
    # Continue after a failure; start a new record after a success.
    failed = () if before.attempts and before.attempts[-1].success else before.attempts
    attempts = (*(attempt for name in others for attempt in _record(ws, name).attempts), *failed)
    estimate = ESTIMATES.get(context.profile.name, {}).get(spec.name, 0.0)
    measured = [attempt.seconds for attempt in before.attempts if attempt.success]
    phase = Phase(spec.name, run, lambda: None, measured[-1] if measured else estimate)
    manifest = msgspec.structs.replace(_new(ws, (spec.name,)), attempts=attempts)
    ended = run_session(manifest, [phase], time.time, save, _number(ws, BUDGET))
    if done:
        return done[0]
    if problem:
        raise problem[0]
    raise GateClosed(ended.notes[-1])


def session(context: BuildContext) -> StageResult:
    """Build the manifest of all stages: attempts, time and cost by phase, decisions, environment (S14)."""
    found = manifest_of(context.workspace)

    def build(writer: Writer) -> None:
        writer.json(found, "session.json")
        writer.text(table(found), "session.md")

    stage, reused = context.make(build, inputs={"attempts": digest(dumps([found.attempts, found.decisions]).decode())})
    found = msgspec.json.decode(stage.path("session.json").read_bytes(), type=SessionManifest)
    money = {} if found.cost_usd is None else {"cost (USD)": round(found.cost_usd, 4)}
    figures = {"work (s)": round(found.seconds, 1), **money, "retries": found.retries, "phases": len(found.by_phase())}
    return StageResult(
        stage, reused, facts={"phases by time": stage.path("session.md").read_text(encoding="utf-8")}, figures=figures
    )


def manifest_of(ws: Workspace) -> SessionManifest:
    """Combine the records made so far into one manifest, attempts in order of time."""
    names = tuple(name for name in ws.track.stages() if name != NAME)
    records = [_record(ws, name) for name in names]
    attempts = sorted(
        (attempt for record in records for attempt in record.attempts), key=lambda attempt: attempt.started
    )
    rate = _number(ws, RATE)
    if rate is not None:
        attempts = [msgspec.structs.replace(attempt, cost_usd=attempt.seconds / 3600 * rate) for attempt in attempts]
    decisions = tuple(f"{point}: {text}" for point, text in descriptions(chain_of(ws)).items())
    failed = any(not record.attempts[-1].success for record in records if record.attempts)
    found = msgspec.structs.replace(_new(ws, names), attempts=tuple(attempts), decisions=decisions)
    return msgspec.structs.replace(found, state="failed" if failed else "complete")


def table(found: SessionManifest) -> str:
    """Render attempts, time and cost of each attempted phase as Markdown. An unknown cost is a dash."""
    lines = ["| phase | attempts | seconds | USD |", "|---|---|---|---|"]
    tried = found.by_phase()
    for name, (seconds, money) in (*tried.items(), ("all", (found.seconds, found.cost_usd))):
        count = sum(attempt.phase == name for attempt in found.attempts) if name in tried else len(found.attempts)
        lines.append(f"| {name} | {count} | {seconds:.1f} | {'–' if money is None else f'{money:.4f}'} |")
    return "\n".join(lines) + "\n"


def _new(ws: Workspace, planned: Iterable[str]) -> SessionManifest:
    git, where = _git(), _environment(ws)
    names = tuple(planned)
    return SessionManifest(
        session_id=digest("session", git.get("commit", ""), ws.profile.name, str(ws.seed))[:12], git=git, environment=where,
        planned=names, rate_usd_per_hour=_number(ws, RATE),
    )  # fmt: skip


def _file(ws: Workspace, name: str) -> Path:
    return ws.root / NAME / ws.track.name / f"{name}.json"


def _record(ws: Workspace, name: str) -> SessionManifest:
    """Read a stage's record; empty if the stage was never built."""
    try:
        return msgspec.json.decode(_file(ws, name).read_bytes(), type=SessionManifest)
    except FileNotFoundError:
        return SessionManifest(session_id="", git={}, environment={}, planned=(name,), rate_usd_per_hour=None)


def _number(ws: Workspace, option: str) -> float | None:
    text = ws.options.get(option, "")
    try:
        return float(text) if text else None
    except ValueError:
        raise BadConfig(f"the option {option} is a number, not {text!r}") from None


def _git() -> dict[str, str]:
    """Return commit, branch and whether tracked files were changed; empty outside of a repository."""

    def asked(*arguments: str) -> str:
        command = ["git", "-C", str(Path(__file__).parent), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()

    try:
        dirty = "yes" if asked("status", "--porcelain", "--untracked-files=no") else "no"
        return {
            "commit": asked("rev-parse", "HEAD"),
            "branch": asked("rev-parse", "--abbrev-ref", "HEAD"),
            "dirty": dirty,
        }
    except (OSError, subprocess.SubprocessError):
        return {}


def _environment(ws: Workspace) -> dict[str, str]:
    found = {
        "python": platform.python_version(),
        "processors": str(len(os.sched_getaffinity(0))),
        "profile": ws.profile.name,
    }
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found
