"""Remove a contributor: their files, rows, handles, and everything that was made from them.

    <root>/private/leaving.json     the plan (mode 0600): names the contributor until their data is gone, then only stages
    <root>/private/departed.jsonl   the record (mode 0600): an HMAC of the contributor's id under the registry key
    <release>/WITHDRAWN             in every release that was or may have been trained on their rows; never ``current`` again

With the key, the record answers "was X removed?" for a given X. Nobody can list from it who was.

The plan is written before the first byte is deleted and every step is idempotent, so the next call finishes one that was killed.
What was made without the contributor keeps its bytes. Order: their files first (nothing new can be made from them), then
releases, then stages from the end of the pipeline, so that what is left can still be traced. No other run may write to the store
meanwhile."""

from __future__ import annotations

import hashlib
import hmac
import shutil
from collections.abc import Mapping
from contextlib import AbstractContextManager
from glob import escape
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput
from canvas_pipeline.pipeline.workspace import KEPT, Launch, Workspace
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.provenance import residue
from canvas_pipeline.provenance.exposure import Exposure, exposure, is_about
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.provenance.rebuild import rebuild_models, rebuild_rows
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.release.publish import mark_withdrawn
from canvas_pipeline.storage.atomic import sweep
from canvas_pipeline.storage.locks import alone
from canvas_pipeline.storage.versions import remove as remove_version

Rebuild = Literal["none", "data", "all"]
REBUILDS: tuple[Rebuild, ...] = ("none", "data", "all")
PLAN, RECORD = "leaving.json", "departed.jsonl"


class RemovalReport(Row, frozen=True, kw_only=True):
    """The result of a removal.

    ``exposures``: versions and releases that contain or may contain their rows, or were trained on them. ``removed``: counts by
    kind. ``reused``: for each rebuilt stage, whether its old version could be reused. ``to_rebuild``: stages that existed before
    and do not now. ``mentions``: files that still contain the contributor's id, by plain search; there should be none."""

    who: str
    exposures: tuple[Exposure, ...]
    removed: dict[str, int] = {}
    reused: dict[str, bool] = {}
    to_rebuild: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Exposure, ...]:
        """Return the exposures of one kind, certain or possible."""
        return tuple(e for e in self.exposures if e.kind == kind and e.seen != "no")


class RemovalPlan(Row, frozen=True, kw_only=True):
    """What to remove, written before anything is removed. ``at`` is ISO-8601.

    ``contributor`` is empty once their data is gone and only rebuilding remains."""

    who: str
    contributor: str
    at: str
    hashes: tuple[str, ...]
    folders: tuple[str, ...]
    releases: tuple[str, ...]
    pairs: tuple[str, ...]
    stages: tuple[str, ...]
    exposures: tuple[Exposure, ...]
    removed: dict[str, int]


def pseudonym(key: bytes, contributor: str) -> str:
    """Return 16 hex characters for a removed contributor: HMAC-SHA256 under the registry key."""
    return hmac.new(key, f"departed\0{contributor}".encode(), hashlib.sha256).hexdigest()[:16]


def plan_removal(ws: Workspace, contributor: str, at: str) -> RemovalPlan:
    """Compute what a removal would delete now; writes nothing.

    Raises ``MissingInput`` where nothing is from this contributor, ``BadInput`` for an invalid id."""
    ws.store.home(f"collab/{contributor}")
    with Lineage(ws.store) as lineage:
        found = exposure(lineage, ws.track, contributor, ws.root / "releases")
        stages = tuple(dict.fromkeys(stage.manifest.stage for stage in lineage.stages))
        pairs = residue.others_pairs(lineage) if (ws.private / residue.VOTES).exists() else ()
    away = [e for e in found.exposures if e.kind != "release" and e.remove]
    removed = residue.counts(ws, contributor) | {
        "versions": len(away),
        "rows in current stages": sum(e.rows for e in away if e.current),
    }
    if not any(removed.values()):
        raise MissingInput(f"nothing below {ws.root} is from this contributor; see who is there: ls {ws.collab}")
    order = {name: index for index, name in enumerate(ws.track.stages())}
    away.sort(key=lambda e: (-order.get(e.stage, -1 if e.stage.startswith("collab/") else len(order)), e.version))
    return RemovalPlan(
        who=pseudonym(ws.registry()[0], contributor), contributor=contributor, at=at, hashes=tuple(sorted(found.hashes)),
        folders=tuple(f"{e.stage}/{e.version}" for e in away),
        releases=tuple(e.version for e in found.of("release")), pairs=pairs,
        stages=tuple(name for name in stages if not is_about(name, contributor)),
        exposures=tuple(e for e in found.exposures if e.seen != "no" or e.remove), removed=removed,
    )  # fmt: skip


def dry_run(ws: Workspace, contributor: str, at: str) -> RemovalReport:
    """Report what ``remove`` would do, without changing anything."""
    plan = plan_removal(ws, contributor, at)
    gone = {e.stage for e in plan.exposures if e.current and e.kind != "release"}
    return _report(plan, {}, lost=tuple(name for name in plan.stages if name in gone))


def remove(
    ws: Workspace, contributor: str, at: str, *, rebuild: Rebuild = "data", launch: Launch | None = None
) -> RemovalReport:
    """Remove a contributor and rebuild what depended on them, or finish a removal that was interrupted.

    ``at`` is the instant written to the record and the releases. ``launch`` is needed for ``rebuild="all"`` only.

    Raises ``MissingInput`` where nothing is theirs, ``BadConfig`` while another removal is running, and whatever a rebuilt stage
    raises; the removal is complete by then, and the next call continues with the rebuild."""
    if rebuild == "all" and launch is None:
        raise BadConfig("rebuilding all trains models: give a launch, or rebuild data")
    with _lock(ws):
        plan = _unfinished_plan(ws)
        if plan is not None and plan.contributor and plan.contributor != contributor:
            _apply(ws, plan)
            plan = _unfinished_plan(ws)
        if plan is None or (not plan.contributor and plan.who != pseudonym(ws.registry()[0], contributor)):
            unfinished = plan.stages if plan is not None else ()
            plan = plan_removal(ws, contributor, at)
            plan = msgspec.structs.replace(plan, stages=tuple(dict.fromkeys((*plan.stages, *unfinished))))
            _write_plan(ws, plan)
        if plan.contributor:
            plan = _apply(ws, plan)
        return _finish(ws, plan, contributor, rebuild, launch)


def resume(ws: Workspace, *, rebuild: Rebuild = "data", launch: Launch | None = None) -> RemovalReport:
    """Finish an interrupted removal. Raises ``MissingInput`` where there is none."""
    plan = _unfinished_plan(ws)
    if plan is None:
        raise MissingInput(f"{ws.private / PLAN}: no removal was interrupted; name a contributor")
    with _lock(ws):
        who = plan.contributor
        plan = _apply(ws, plan) if who else plan
        return _finish(ws, plan, who, rebuild, launch)


def was_removed(ws: Workspace, contributor: str) -> bool:
    """Return whether the record contains this contributor."""
    who = pseudonym(ws.registry()[0], contributor)
    path = ws.private / RECORD
    return path.exists() and any(
        msgspec.json.decode(line)["who"] == who for line in path.read_bytes().splitlines() if line.endswith(b"}")
    )


def _apply(ws: Workspace, plan: RemovalPlan) -> RemovalPlan:
    """Carry out every step of a plan; each may have been done before. Returns the rest of the plan: stages, and no name."""
    contributor, releases = plan.contributor, ws.root / "releases"
    key, registry = ws.registry()
    if not ws.synthetic and residue.only_invented_after(ws, contributor):
        residue.private_file(
            ws.private / KEPT, b"the handles of those who stay were made under the key beside this file\n"
        )
    residue.remove_files(ws, contributor)
    for name in plan.releases:
        mark_withdrawn(releases / name, f"{name} was withdrawn on {plan.at}: {WHY}\n")
    for folder in (ws.store.root, releases):
        if folder.is_dir():
            sweep(folder)
    for version in plan.folders:
        remove_version(ws.store.root / version)
    # Stages written after the plan, by a run that was still going: found by their inputs.
    with Lineage(ws.store) as lineage:
        late = exposure(lineage, ws.track, contributor, releases, plan.hashes)
    for found in late.exposures:
        if found.seen != "yes":  # the unknown ones were decided in the plan
            continue
        if found.kind == "release":
            mark_withdrawn(releases / found.version, f"{found.version} was withdrawn on {plan.at}: {WHY}\n")
        else:
            remove_version(ws.store.root / found.stage / found.version)
    for home in [
        path for path in ws.store.root.rglob(f"collab/{escape(contributor)}") if path.is_dir() and not path.is_symlink()
    ]:
        shutil.rmtree(home)
    residue.remove_work(ws, plan.hashes)
    residue.filter_votes(ws, frozenset(plan.pairs))
    if registry.exists():
        Registry(key, registry).forget(contributor)
    if not was_removed(ws, contributor):
        residue.append(ws.private / RECORD, dumps(_record(plan)) + b"\n")
    left = msgspec.structs.replace(plan, contributor="", hashes=(), folders=(), releases=(), pairs=())
    _write_plan(ws, left)
    return left


WHY = "somebody whose data this model was trained on has left. Do not use it or pass it on; take a later release."


def _finish(
    ws: Workspace, plan: RemovalPlan, contributor: str, rebuild: Rebuild, launch: Launch | None
) -> RemovalReport:
    reused: dict[str, bool] = {}
    if rebuild != "none":
        for name, result in rebuild_rows(ws, plan.stages):
            reused[name] = result.reused
    if rebuild == "all" and launch is not None:
        for name, result in rebuild_models(ws, plan.stages, launch):
            reused[name] = result.reused
    lost = tuple(name for name in plan.stages if ws.store.find(name) is None)
    (ws.private / PLAN).unlink(missing_ok=True)
    sweep(ws.private)  # a torn plan or list of votes names them too
    mentions = residue.mentions(ws, contributor) if contributor else ()
    return msgspec.structs.replace(_report(plan, reused, lost), mentions=mentions)


def _report(plan: RemovalPlan, reused: Mapping[str, bool], lost: tuple[str, ...]) -> RemovalReport:
    return RemovalReport(
        who=plan.who, exposures=plan.exposures, removed=plan.removed, reused=dict(reused), to_rebuild=lost
    )


def _record(plan: RemovalPlan) -> dict[str, object]:
    saw = [e for e in plan.exposures if e.kind in ("model", "release") and e.seen != "no"]
    return {
        "who": plan.who,
        "at": plan.at,
        "removed": plan.removed,
        "models": [{"stage": e.stage, "version": e.version, "seen": e.seen} for e in saw],
    }


def _write_plan(ws: Workspace, plan: RemovalPlan) -> None:
    residue.private_file(ws.private / PLAN, dumps(plan) + b"\n")


def _unfinished_plan(ws: Workspace) -> RemovalPlan | None:
    try:
        return msgspec.json.decode((ws.private / PLAN).read_bytes(), type=RemovalPlan)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise BadInput(f"{ws.private / PLAN} is damaged; remove it and name the contributor again") from None


def _lock(ws: Workspace) -> AbstractContextManager[None]:
    """Allow one removal at a time."""
    ws.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return alone(ws.private / ".leaving.lock", "another removal is running; wait for it, then call again")
