"""Audit a stage's files for identities, and refuse a stage whose audit failed to every later stage.

The verdict is stored as stage ``audits/<stage>``. Its recipe holds the hashes of the files, of the registry and of the reviewed
exceptions, and the code version of the rules: an unchanged file is audited once, and again after a course was added."""

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
    """Return the audit's verdict on all files of a stage, reports included."""
    name = stage.manifest.stage
    files = {file: entry.sha256 for file, entry in stage.manifest.files.items()}
    return of_files(ws, name, {file: stage.path(file) for file in files}, files, {name: stage.sha256})


def of_files(
    ws: Workspace, name: str, paths: Mapping[str, Path], files: Mapping[str, str], inputs: Mapping[str, str]
) -> Verdict:
    """Return the audit's verdict on any files. ``paths`` and ``files`` map their names to path and sha256.

    ``inputs`` are the names and hashes that the verdict is bound to."""
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
        ws.log(f"{name}: audited")
    return msgspec.json.decode(made.path(_VERDICT).read_bytes(), type=Verdict)


def exceptions_of(ws: Workspace) -> Exceptions:
    """Read the workspace's reviewed exceptions. Raises ``BadInput`` for an entry that is expired or was changed."""
    listed = ws.private / FILE
    return exceptions(listed, ws.registry()[0], today()) if listed.is_file() else Exceptions()


def audited(ws: Workspace, name: str) -> Stage:
    """Return a stage whose audit passed. Raises ``GateClosed`` with what was found and where, or ``MissingInput``.

    A copy that a canary run planted is returned without an audit, so that survivors can be counted."""
    stage = ws.store.get(name)
    if not ws.planted:
        require(of_stage(ws, stage))
    return stage


def refuse_canaries(ws: Workspace) -> None:
    """Raise ``GateClosed`` if canaries were planted in this workspace: such data is never trained on or released."""
    if ws.holds_canaries:
        raise GateClosed(
            f"{ws.root} is a copy with canaries in it, and its audits do not stop it; train and release from the folder "
            "it was copied from"
        )


def require(verdict: Verdict) -> None:
    """Raise ``GateClosed`` unless the audit passed."""
    if not verdict.passed:
        raise GateClosed(f"{verdict.subject} may not be read: its audit failed. {verdict.reason}")
