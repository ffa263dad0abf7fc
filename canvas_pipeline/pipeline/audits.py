"""The audit of a stage: looked at once, remembered by content, asked for by whoever reads the stage.

In: a stage. Out: its ``audit`` verdict, kept as stage ``audits/<stage>``. What must hold: the verdict is of the very files at
hand, with the rules and the registry as they are now (a course learnt since then is looked for too); nothing that did not change
is looked through again; a stage whose audit is red is not read by the next one, from whatever entry point."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.guardrails.audit import AUDIT
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.privacy.audit.auditor import report
from canvas_pipeline.privacy.audit.exceptions import FILE, Exceptions, exceptions, today
from canvas_pipeline.storage.code_version import code_version, library_versions, root_of
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Recipe, Stage, Writer

_VERDICT = "verdict.json"


def of_stage(ws: Workspace, stage: Stage) -> Verdict:
    """What the second reader says of a stage's files (its reports too)."""
    name = stage.manifest.stage
    files = {file: entry.sha256 for file, entry in stage.manifest.files.items()}
    return of_files(ws, name, {file: stage.path(file) for file in files}, files, {name: stage.sha256})


def of_files(
    ws: Workspace, name: str, paths: Mapping[str, Path], files: Mapping[str, str], inputs: Mapping[str, str]
) -> Verdict:
    """The same for any files: name → path and name → sha256; ``inputs`` is what the verdict is bound to."""
    known = ws.registry()[1]
    registry = known if known.is_file() else None
    reviewed = exceptions_of(ws)

    def build(writer: Writer) -> None:
        found = report(list(paths.values()), registry, os.environ, exceptions=reviewed)
        leaks = tuple(msgspec.structs.replace(leak, file=Path(leak.file).name) for leak in found.leaks)
        unreadable = {Path(path).name: reason for path, reason in found.unreadable.items()}
        found = msgspec.structs.replace(found, leaks=leaks, unreadable=unreadable)
        writer.json(AUDIT.verdict(found, inputs, name), _VERDICT)

    code = root_of(build)
    listed = ws.private / FILE
    recipe = Recipe(
        stage=f"audits/{name}",
        code_version=code_version(code),
        code=(code,),
        inputs={
            **files,
            "registry": sha256_file(registry) if registry else "none yet",
            **({"exceptions": sha256_file(listed)} if listed.is_file() else {}),
            **inputs,
        },
        libraries=library_versions(code),
    )
    made, reused = ws.store.make(recipe, build)
    if not reused:
        ws.log(f"{name}: looked through by the audit")
    return msgspec.json.decode(made.path(_VERDICT).read_bytes(), type=Verdict)


def exceptions_of(ws: Workspace) -> Exceptions:
    """The reviewed exceptions of a workspace, as they hold today. Raises ``BadInput`` for one that does not."""
    listed = ws.private / FILE
    return exceptions(listed, ws.registry()[0], today()) if listed.is_file() else Exceptions()


def audited(ws: Workspace, name: str) -> Stage:
    """A stage that the audit found clean; else ``GateClosed`` with what it found and where. Raises ``MissingInput``."""
    stage = ws.store.get(name)
    if not ws.planted:
        require(of_stage(ws, stage))
    return stage


def refuse_canaries(ws: Workspace) -> None:
    """Return where no canaries were planted, else raise ``GateClosed``: what is trained or released comes from people."""
    if ws.holds_canaries:
        raise GateClosed(
            f"{ws.root} is a copy with canaries in it, and its audits do not stop it; train and release from the folder "
            "it was copied from"
        )


def require(verdict: Verdict) -> None:
    """Return where the audit passed, else raise ``GateClosed``."""
    if not verdict.passed:
        raise GateClosed(f"{verdict.subject} may not be read: its audit failed. {verdict.reason}")
