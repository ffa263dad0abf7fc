"""A contributor leaves: their files, rows, handles, and everything that was made from them.

In: a workspace and a contributor's id. Out: a ``RemovalReport``: what had seen them, what was removed, what stands again. What must
hold: an intent is written before the first byte goes, every step can be done twice, so a kill at any point is finished by the
next call; what was made without them keeps its bytes; the record that stays names nobody.

    <root>/private/leaving.json     the intent (mode 0600): names the contributor until nothing of them is left, then only stages
    <root>/private/departed.jsonl   the record (mode 0600): who left is an HMAC under the registry key, so that its keeper can
                                    answer "has X left?" when X asks, and nobody can list who did
    <release>/WITHDRAWN             in every release that saw them, or of which it cannot be told any more; never ``current`` again

Order: their files first (nothing new can be made of them), then releases, then stages from the far end of the line, so that what
is still there can always be traced. No other run may write to the store meanwhile.
"""

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
from canvas_pipeline.provenance import rebuild as again
from canvas_pipeline.provenance import residue
from canvas_pipeline.provenance.exposure import Exposure, exposure, is_about
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.release.publish import withdraw
from canvas_pipeline.storage.atomic import sweep
from canvas_pipeline.storage.locks import alone
from canvas_pipeline.storage.versions import remove

Rebuild = Literal["none", "data", "all"]
REBUILDS: tuple[Rebuild, ...] = ("none", "data", "all")
INTENT, RECORD = "leaving.json", "departed.jsonl"


class RemovalReport(Row, frozen=True, kw_only=True):
    """What leaving comes to. ``exposures`` lists what saw the contributor; ``removed`` counts by kind; ``reused`` says of each
    stage that was made again whether it had nothing of theirs; ``to_rebuild`` stages that stood before and do not now;
    ``mentions`` files that still name the contributor's id (by search, not lineage): there should be none."""

    who: str
    exposures: tuple[Exposure, ...]
    removed: dict[str, int] = {}
    reused: dict[str, bool] = {}
    to_rebuild: tuple[str, ...] = ()
    mentions: tuple[str, ...] = ()

    def of(self, kind: str) -> tuple[Exposure, ...]:
        """What of a kind saw the contributor, or may have."""
        return tuple(e for e in self.exposures if e.kind == kind and e.seen != "no")


class RemovalPlan(Row, frozen=True, kw_only=True):
    """What is to be done, written before it is. ``contributor`` is empty once nothing of them is left and only the rebuilding
    remains. ``at`` is ISO-8601."""

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
    """16 hex characters that stand for somebody who left: HMAC-SHA256 under the registry key."""
    return hmac.new(key, f"departed\0{contributor}".encode(), hashlib.sha256).hexdigest()[:16]


def plan(ws: Workspace, contributor: str, at: str) -> RemovalPlan:
    """What leaving would do now; writes nothing. Raises ``MissingInput`` where nothing here is theirs, ``BadInput`` for an
    id that is none."""
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
    """What ``forget`` would say, and nothing done."""
    intent = plan(ws, contributor, at)
    gone = {e.stage for e in intent.exposures if e.current and e.kind != "release"}
    return _departure(intent, {}, lost=tuple(name for name in intent.stages if name in gone))


def forget(
    ws: Workspace, contributor: str, at: str, *, rebuild: Rebuild = "data", launch: Launch | None = None
) -> RemovalReport:
    """Remove a contributor and make again what depended on them, or finish what a killed call began.

    ``at`` is the instant that the record and the releases are marked with. ``launch`` is needed for ``rebuild="all"`` only.
    Raises ``MissingInput`` where nothing is theirs, ``BadConfig`` while another leaving is under way, and what the stages raise
    that are made again: the removal is complete by then, and the next call goes on with the rebuilding.
    """
    if rebuild == "all" and launch is None:
        raise BadConfig("rebuilding all trains models: give a launch, or rebuild data")
    with _alone(ws):
        intent = _pending(ws)
        if intent is not None and intent.contributor and intent.contributor != contributor:
            _carry_out(ws, intent)
            intent = _pending(ws)
        if intent is None or (not intent.contributor and intent.who != pseudonym(ws.registry()[0], contributor)):
            unfinished = intent.stages if intent is not None else ()
            intent = plan(ws, contributor, at)
            intent = msgspec.structs.replace(intent, stages=tuple(dict.fromkeys((*intent.stages, *unfinished))))
            _intend(ws, intent)
        if intent.contributor:
            intent = _carry_out(ws, intent)
        return _finish(ws, intent, contributor, rebuild, launch)


def resume(ws: Workspace, *, rebuild: Rebuild = "data", launch: Launch | None = None) -> RemovalReport:
    """Finish a leaving that was cut off. Raises ``MissingInput`` where none was."""
    intent = _pending(ws)
    if intent is None:
        raise MissingInput(f"{ws.private / INTENT}: no leaving was cut off; name a contributor")
    with _alone(ws):
        who = intent.contributor
        intent = _carry_out(ws, intent) if who else intent
        return _finish(ws, intent, who, rebuild, launch)


def has_left(ws: Workspace, contributor: str) -> bool:
    """Whether the record says so."""
    who = pseudonym(ws.registry()[0], contributor)
    path = ws.private / RECORD
    return path.exists() and any(
        msgspec.json.decode(line)["who"] == who for line in path.read_bytes().splitlines() if line.endswith(b"}")
    )


def _carry_out(ws: Workspace, intent: RemovalPlan) -> RemovalPlan:
    """Every step of the removal; each may have been done before. Returns the intent that is left: stages, and no name."""
    contributor, releases = intent.contributor, ws.root / "releases"
    key, registry = ws.registry()
    if not ws.synthetic and residue.only_invented_after(ws, contributor):
        residue.private_file(
            ws.private / KEPT, b"the handles of those who stay were made under the key beside this file\n"
        )
    residue.remove_files(ws, contributor)
    for name in intent.releases:
        withdraw(releases / name, f"{name} was withdrawn on {intent.at}: {WHY}\n")
    for folder in (ws.store.root, releases):
        if folder.is_dir():
            sweep(folder)
    for version in intent.folders:
        remove(ws.store.root / version)
    # Made after the intent was written, by a run that was still going: found by what it was made from.
    with Lineage(ws.store) as lineage:
        late = exposure(lineage, ws.track, contributor, releases, intent.hashes)
    for found in late.exposures:
        if found.seen != "yes":  # what cannot be told was decided before anything went
            continue
        if found.kind == "release":
            withdraw(releases / found.version, f"{found.version} was withdrawn on {intent.at}: {WHY}\n")
        else:
            remove(ws.store.root / found.stage / found.version)
    for home in [
        path for path in ws.store.root.rglob(f"collab/{escape(contributor)}") if path.is_dir() and not path.is_symlink()
    ]:
        shutil.rmtree(home)
    residue.remove_work(ws, intent.hashes)
    residue.keep_votes(ws, frozenset(intent.pairs))
    if registry.exists():
        Registry(key, registry).forget(contributor)
    if not has_left(ws, contributor):
        residue.append(ws.private / RECORD, dumps(_record(intent)) + b"\n")
    left = msgspec.structs.replace(intent, contributor="", hashes=(), folders=(), releases=(), pairs=())
    _intend(ws, left)
    return left


WHY = "somebody whose data this model was trained on has left. Do not use it or pass it on; take a later release."


def _finish(
    ws: Workspace, intent: RemovalPlan, contributor: str, rebuild: Rebuild, launch: Launch | None
) -> RemovalReport:
    reused: dict[str, bool] = {}
    if rebuild != "none":
        for name, made in again.rows(ws, intent.stages):
            reused[name] = made.reused
    if rebuild == "all" and launch is not None:
        for name, made in again.models(ws, intent.stages, launch):
            reused[name] = made.reused
    lost = tuple(name for name in intent.stages if ws.store.find(name) is None)
    (ws.private / INTENT).unlink(missing_ok=True)
    sweep(ws.private)  # an intent or a list of votes that a kill cut off names them too
    mentions = residue.mentions(ws, contributor) if contributor else ()
    return msgspec.structs.replace(_departure(intent, reused, lost), mentions=mentions)


def _departure(intent: RemovalPlan, reused: Mapping[str, bool], lost: tuple[str, ...]) -> RemovalReport:
    return RemovalReport(
        who=intent.who, exposures=intent.exposures, removed=intent.removed, reused=dict(reused), to_rebuild=lost
    )


def _record(intent: RemovalPlan) -> dict[str, object]:
    saw = [e for e in intent.exposures if e.kind in ("model", "release") and e.seen != "no"]
    return {
        "who": intent.who,
        "at": intent.at,
        "removed": intent.removed,
        "models": [{"stage": e.stage, "version": e.version, "seen": e.seen} for e in saw],
    }


def _intend(ws: Workspace, intent: RemovalPlan) -> None:
    residue.private_file(ws.private / INTENT, dumps(intent) + b"\n")


def _pending(ws: Workspace) -> RemovalPlan | None:
    try:
        return msgspec.json.decode((ws.private / INTENT).read_bytes(), type=RemovalPlan)
    except FileNotFoundError:
        return None
    except msgspec.DecodeError:
        raise BadInput(f"{ws.private / INTENT} is damaged; remove it and name the contributor again") from None


def _alone(ws: Workspace) -> AbstractContextManager[None]:
    """One leaving at a time."""
    ws.private.mkdir(parents=True, exist_ok=True, mode=0o700)
    return alone(ws.private / ".leaving.lock", "another leaving is under way; wait for it, then call again")
