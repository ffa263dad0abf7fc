"""Build the intake stages: contributor files → anonymised items (``collab/<contributor>``) → one ``corpus``.

Input is ``<root>/collab/*.jsonl``, gzip or not. Raw text exists only in the contributor's own file and in the private registry.
Every line and row is accounted for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from canvas_pipeline.errors import BadInput, InputChanged, MissingInput
from canvas_pipeline.evaluation.charts import funnel_png
from canvas_pipeline.pipeline import audits
from canvas_pipeline.pipeline import verdicts as guard_verdicts
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.workspace import StageResult, Workspace, make, recipe
from canvas_pipeline.privacy.contributor_id import in_folder
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import Funnel
from canvas_pipeline.storage.code_version import code_version
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.intake.stream.ingest import hashed_key, ingest
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.intake.stream.table import checked

OUTDATED = "taken in before their file or the intake changed"
ATTEMPTS = 3
_TAKES_IN = ("tracks.canvas.data.intake:collab.build",)
"""The code that builds ``collab/<contributor>``."""


def contributor_files(ws: Workspace) -> dict[str, Path]:
    """Return contributor → file, sorted by name. Raises ``MissingInput`` where the folder does not exist."""
    if not ws.collab.is_dir():
        raise MissingInput(
            f"{ws.collab}: no such folder; put contributor files there, or make some: canvas-data synthesize"
        )
    ingested, refused = in_folder(ws.collab)
    for file in refused:  # logged every time: a skipped file must be visible
        ws.log(f"{file.source} is not taken in: {REASONS[file.reason]}")
    return ingested


def collab(ws: Workspace, contributor: str) -> StageResult:
    """Read, quarantine and anonymise one contributor's file.

    A file that is written to meanwhile is read again, and refused with ``InputChanged`` in the end: rows are only stored under
    the hash of the bytes they were read from."""
    path = contributor_files(ws).get(contributor)
    if path is None:
        for file in in_folder(ws.collab)[1]:
            if Path(file.source).name.split(".")[0] == contributor:
                raise MissingInput(f"{file.source} is not taken in: {REASONS[file.reason]}")
        raise MissingInput(f"{ws.collab}: no file for this contributor; their partition can be removed")
    key, registry = ws.registry()

    def build(writer: Writer) -> None:
        ingested = ingest(path, key, registry, writer.rows, scratch=writer.folder, sha256=inputs[path.name])
        writer.funnel = ingested.funnel
        writer.notes = {"counts": ingested.counts}

    for attempt in range(1, ATTEMPTS + 1):
        inputs = _inputs(path, key)
        try:
            stage, reused = make(ws, f"collab/{contributor}", build, inputs=inputs)
            break
        except InputChanged:
            if attempt == ATTEMPTS:
                raise
    result = _result(ws, stage, reused)
    if not result.funnels[0].rows_in:
        ws.log(f"collab/{contributor}: {REASONS['empty_file']}")
    return result


def intake_code() -> str:
    """Return the code version that the rows of ``collab/<contributor>`` depend on."""
    return code_version(*_TAKES_IN)


def outdated(ws: Workspace, ingested: Mapping[Path, Stage]) -> list[str]:
    """Return the stages whose input file or code has changed since they were built."""
    key, _ = ws.registry()
    return [
        stage.manifest.stage
        for path, stage in ingested.items()
        if stage.manifest.fingerprint != recipe(ws, stage.manifest.stage, _TAKES_IN, _inputs(path, key)).fingerprint()
    ]


def due_contributors(ws: Workspace) -> list[str]:
    """Return the contributors whose stage is missing, outdated, or lost more rows than allowed."""
    files = contributor_files(ws)
    found = {path: stage for name, path in files.items() if (stage := ws.store.find(f"collab/{name}")) is not None}
    old = set(outdated(ws, found))
    return [
        name
        for name, path in files.items()
        if path not in found or f"collab/{name}" in old or not guard_verdicts.of_funnel(ws, found[path]).passed
    ]


def _inputs(path: Path, key: bytes) -> dict[str, str]:
    return {path.name: sha256_file(path), "registry key": hashed_key(key)}


def corpus(context: BuildContext) -> StageResult:
    """Merge all contributors. The order of the files does not change the bytes."""
    ws = context.workspace
    stages: dict[str, Stage] = {}
    ingested: dict[Path, Stage] = {}
    for contributor, path in contributor_files(ws).items():
        found = ws.store.find(f"collab/{contributor}")
        if found is None:
            raise MissingInput(
                f"contributor {contributor} has not been taken in yet; materialise their collab partition"
            )
        stages[contributor] = ingested[path] = found
    if not stages:
        raise BadInput(f"{ws.collab} holds no contributor file; make some with: canvas-data synthesize")

    def build(writer: Writer) -> None:
        with Merge(scratch=writer.folder) as merging:
            for stage in stages.values():
                merging.add_file(stage.path())
            writer.rows(checked(merging.rows()))
            writer.funnel = merging.funnel()

    inputs = {name: stage.sha256 for name, stage in stages.items()}
    result = _result(ws, *context.make(build, inputs=inputs))
    facts = dict(result.facts)
    if old := outdated(ws, ingested):
        facts[OUTDATED] = old
        context.log(
            f"corpus: {', '.join(old)}: the file or the intake has changed since; materialise their collab partition"
        )
    return replace(result, facts=facts, verdicts=(*result.verdicts, audits.of_stage(ws, result.stage)))


def _result(ws: Workspace, stage: Stage, reused: bool) -> StageResult:
    funnel = _funnel(stage)
    pictures = {} if funnel.rows_in == 0 else {"rows in and out": funnel_png([funnel])}
    return StageResult(stage, reused, (guard_verdicts.of_funnel(ws, stage),), stage.manifest.notes, pictures, (funnel,))


def _funnel(stage: Stage) -> Funnel:
    if stage.manifest.funnel is None:
        raise BadInput(f"stage {stage.manifest.stage} has no funnel; remove {stage.folder} and materialise it again")
    return stage.manifest.funnel
