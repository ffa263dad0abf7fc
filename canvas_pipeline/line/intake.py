"""The door: contributor files → anonymised items → one corpus.

In: ``<root>/collab/*.jsonl``. Out: stages ``collab/<contributor>`` (items, refusals) and ``corpus``. What must hold: raw text
exists only in the contributor's own file and in the private registry; every line and row is accounted for.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from canvas_pipeline.artifacts import Stage, Writer, sha256_file
from canvas_pipeline.bench.charts import funnel_png
from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.guardrails.data import g6
from canvas_pipeline.intake import corpus as corpus_room
from canvas_pipeline.line.workspace import Made, Workspace, make
from canvas_pipeline.records import Item, read_jsonl

ROOMS = ("errors", "records", "tools", "intake")


def contributor_files(ws: Workspace) -> dict[str, Path]:
    """Contributor → file, sorted by name; raises ``MissingInput`` where the folder is not there."""
    if not ws.collab.is_dir():
        raise MissingInput(
            f"{ws.collab}: no such folder; put contributor files there, or make some: canvas-data synthesize"
        )
    return {path.stem: path for path in sorted(ws.collab.glob("*.jsonl")) if not path.name.startswith(".")}


def collab(ws: Workspace, contributor: str) -> Made:
    """Read, quarantine and anonymise one contributor's file."""
    path = contributor_files(ws).get(contributor)
    if path is None:
        raise MissingInput(f"{ws.collab}: no file for this contributor; their partition can be removed")
    key, registry = ws.registry()

    def build(writer: Writer) -> None:
        intake = corpus_room.intake_contributor(path, key, registry)
        writer.rows(intake.items)
        writer.rows(intake.refusals, "refusals.jsonl")
        writer.funnel = intake.funnel
        writer.notes = {"counts": dict(intake.counts)}

    stage, reused = make(
        ws,
        f"collab/{contributor}",
        ROOMS,
        build,
        inputs={
            path.name: sha256_file(path),
            "registry key": hashlib.scrypt(key, salt=b"recipe", n=1 << 12, r=8, p=1, dklen=16).hex(),
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
        items, funnel = corpus_room.merge([list(read_jsonl(s.path(), Item)) for s in stages.values()])
        writer.rows(items)
        writer.funnel = funnel

    inputs = {name: stage.sha256 for name, stage in stages.items()}
    return _made(ws, *make(ws, "corpus", ROOMS, build, inputs=inputs))


def _made(ws: Workspace, stage: Stage, reused: bool) -> Made:
    funnel = stage.manifest.funnel
    if funnel is None:
        raise BadInput(f"stage {stage.manifest.stage} has no funnel; remove {stage.folder} and materialise it again")
    verdict = g6([funnel], ws.all_allowances(), {stage.manifest.stage: stage.sha256})
    pictures = {} if funnel.rows_in == 0 else {"rows in and out": funnel_png([funnel])}
    return Made(stage, reused, (verdict,), stage.manifest.notes, pictures)


def settled_contributors(collab: Path, now: float, still_s: float = 5.0) -> dict[str, str]:
    """Contributor → sha256 of each file that nobody has written to for ``still_s`` seconds (a copy in progress waits)."""
    if not collab.is_dir():
        return {}
    found = {}
    for path in sorted(collab.glob("*.jsonl")):
        if not path.name.startswith(".") and now - path.stat().st_mtime >= still_s:
            found[path.stem] = sha256_file(path)
    return found
