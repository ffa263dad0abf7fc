"""The door: contributor files → anonymised items → one corpus.

In: ``<root>/collab/*.jsonl``. Out: stages ``collab/<contributor>`` (items, refusals) and ``corpus``. What must hold: raw text
exists only in the contributor's own file and in the private registry; every line and row is accounted for.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from canvas_pipeline.artifacts import Stage, Writer, sha256_file
from canvas_pipeline.bench.charts import funnel_png
from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.guardrails.data import g6
from canvas_pipeline.intake.contributor_id import contributors
from canvas_pipeline.intake.merge import Merge
from canvas_pipeline.intake.quarantine import REASONS
from canvas_pipeline.intake.table import checked
from canvas_pipeline.intake.takein import hashed_key, take_in
from canvas_pipeline.line import audits
from canvas_pipeline.line.workspace import Made, Workspace, make

LOOKERS = ("-intake/audit*", "-intake/canar*", "-intake/person_[!m]*")
"""Code that makes no row another one: what looks at stages, and the recipe of the shipped model (``person_model`` counts)."""
ROOMS = ("errors", "records", "tools", "intake", *LOOKERS)


def contributor_files(ws: Workspace) -> dict[str, Path]:
    """Contributor → file, sorted by name; raises ``MissingInput`` where the folder is not there."""
    if not ws.collab.is_dir():
        raise MissingInput(
            f"{ws.collab}: no such folder; put contributor files there, or make some: canvas-data synthesize"
        )
    taken, refused = contributors(_files(ws.collab))
    for file in refused:  # said at each look: nobody finds a file that is silently passed over
        ws.say(f"{file.source} is not taken in: {REASONS[file.reason]}")
    return taken


def collab(ws: Workspace, contributor: str) -> Made:
    """Read, quarantine and anonymise one contributor's file."""
    path = contributor_files(ws).get(contributor)
    if path is None:
        raise MissingInput(f"{ws.collab}: no file for this contributor; their partition can be removed")
    key, registry = ws.registry()

    def build(writer: Writer) -> None:
        taken = take_in(path, key, registry, writer.rows, scratch=writer.folder)
        writer.funnel = taken.funnel
        writer.notes = {"counts": taken.counts}

    stage, reused = make(
        ws,
        f"collab/{contributor}",
        ROOMS,
        build,
        inputs={
            path.name: sha256_file(path),
            "registry key": hashed_key(key),
        },
    )
    return _made(ws, stage, reused)


def corpus(ws: Workspace) -> Made:
    """Merge all contributors: the same items in the same bytes, in whatever order the files came."""
    stages: dict[str, Stage] = {}
    for contributor in contributor_files(ws):
        found = ws.store.find(f"collab/{contributor}")
        if found is None:
            raise MissingInput(
                f"contributor {contributor} has not been taken in yet; materialise their collab partition"
            )
        stages[contributor] = found
    if not stages:
        raise BadInput(f"{ws.collab} holds no contributor file; make some with: canvas-data synthesize")

    def build(writer: Writer) -> None:
        with Merge(scratch=writer.folder) as merging:
            for made in stages.values():
                merging.add_file(made.path())
            writer.rows(checked(merging.rows()))
            writer.funnel = merging.funnel()

    inputs = {name: stage.sha256 for name, stage in stages.items()}
    made = _made(ws, *make(ws, "corpus", ROOMS, build, inputs=inputs))
    return replace(made, verdicts=(*made.verdicts, audits.of_stage(ws, made.stage)))


def _made(ws: Workspace, stage: Stage, reused: bool) -> Made:
    funnel = stage.manifest.funnel
    if funnel is None:
        raise BadInput(f"stage {stage.manifest.stage} has no funnel; remove {stage.folder} and materialise it again")
    verdict = g6([funnel], ws.all_allowances(), {stage.manifest.stage: stage.sha256})
    pictures = {} if funnel.rows_in == 0 else {"rows in and out": funnel_png([funnel])}
    return Made(stage, reused, (verdict,), stage.manifest.notes, pictures, (funnel,))


def _files(collab: Path) -> list[Path]:
    """Contributor files; one with a dot in front is being copied, or hidden on purpose."""
    return [path for path in collab.glob("*.jsonl") if not path.name.startswith(".")]
