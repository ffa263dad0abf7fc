"""Find which stage versions, models and releases hold or were trained on a contributor's rows.

A version of a rows stage is exposed if one of its rows descends from the contributor's, through the versions it was made from.
For models, reports and releases the hashes in their recipes decide.

Where the answer can no longer be found (an input version was pruned) it is ``unknown``, never ``no``. An item with several
contributors is exposed only where this contributor's own row went in."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt
from canvas_pipeline.pipeline.parts import partitioned_stages
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.records import Row
from canvas_pipeline.release.publish import BINDING
from canvas_pipeline.storage.store import Stage
from canvas_pipeline.storage.versions import is_current

Seen = Literal["yes", "no", "unknown"]
Kind = Literal["rows", "model", "report", "release"]

OF_CONTRIBUTOR = "parent = $3 OR starts_with(parent, $3 || ':') OR starts_with(parent, 'sessions/' || $3 || ':')"
OF_ROW = "id = $3 OR parent = $3"
_HASH = re.compile(r"(?<![0-9a-f])(?:[0-9a-f]{64}|[0-9a-f]{12})(?![0-9a-f])")
_INTAKE = "collab/"
_READS = {"model", "bench"}
"""Names of inputs that are stages under another name. A method's name is one too (its bench)."""


class Exposure(Row, frozen=True, kw_only=True):
    """One version of a stage, or a release.

    ``seen``: whether the contributor's rows are in it, were trained on, or are what a report is about. ``rows`` counts them in
    rows stages. ``remove``: this version must be deleted; true also for quants that were only benchmarked on the contributor's
    cases, because their reports quote the prompts."""

    stage: str
    version: str
    current: bool
    kind: Kind
    seen: Seen
    remove: bool
    rows: int = 0
    sha256: str = ""


class Found(Row, frozen=True, kw_only=True):
    """Every version and release, and the hashes of files and contents that hold the contributor's rows or may do so."""

    exposures: tuple[Exposure, ...]
    hashes: frozenset[str]

    def of(self, kind: Kind, *seen: Seen) -> tuple[Exposure, ...]:
        """Return the entries of one kind with these ``seen`` values (default: yes and unknown)."""
        return tuple(e for e in self.exposures if e.kind == kind and e.seen in (seen or ("yes", "unknown")))


def exposure(lineage: Lineage, track: Track, contributor: str, releases: Path, hashes: Iterable[str] = ()) -> Found:
    """Find where a contributor's rows are and were. ``hashes`` were found to hold them by an earlier search."""
    return _found(_Search(lineage, track, contributor, OF_CONTRIBUTOR, frozenset(hashes)), releases)


def exposure_of_row(lineage: Lineage, track: Track, row_id: str, releases: Path) -> Found:
    """Find where one row, or anything made from it, is and was."""
    return _found(_Search(lineage, track, row_id, OF_ROW, frozenset()), releases)


def _found(search: _Search, releases: Path) -> Found:
    lineage = search.lineage
    found = [search.exposed(stage) for stage in lineage.stages]
    found += [search.released(folder) for folder in release_folders(releases)]
    return Found(exposures=tuple(found), hashes=frozenset(h for h, seen in search.hashes.items() if seen != "no"))


def release_folders(releases: Path) -> list[Path]:
    """List every release in a folder, sorted by name, including damaged ones that were set aside."""
    if not releases.is_dir():
        return []
    return [path for path in sorted(releases.iterdir()) if not path.is_symlink() and (path / BINDING).is_file()]


def is_about(stage: str, contributor: str) -> bool:
    """Return whether a stage is this contributor's intake or a report about it, by its name."""
    return f"/{stage}".endswith(f"/collab/{contributor}")


def kind_of(stage: str, stages: Mapping[str, StageSpec]) -> Kind:
    """Return a stage's kind by its name, or that of the stage that it is a part of. One that is not declared is a report."""
    spec = stages.get(stage) or stages.get(stage.partition("/")[0])
    if spec is None:
        return "rows" if stage.startswith(_INTAKE) else "report"
    return "report" if spec.kind == "spec" else spec.kind


def _edited(stage: Stage) -> bool:
    """Return whether a version's files differ from its manifest: what they name is then no proof of what it was made from."""
    try:
        stage.verify()
    except ArtifactCorrupt:
        return True
    return False


class _Search:
    """Search all versions for one subject (a contributor or a row).

    ``first`` is the SQL condition on an edge (id, parent) for a row to be the subject's. ``hashes`` maps each file's and stage's
    hash to whether it holds such rows."""

    def __init__(self, lineage: Lineage, track: Track, subject: str, first: str, hashes: frozenset[str]) -> None:
        self._track, self._stages = track, {**track.stages(), **partitioned_stages(track)}
        self.lineage, self._subject, self._first = lineage, subject, first
        self._known = hashes
        self.hashes: dict[str, Seen] = dict.fromkeys(hashes, "yes")
        self._short: dict[str, Seen] = {h[:12]: "yes" for h in hashes}
        self._made_by: dict[str, list[Stage]] = {}
        self._done: dict[Path, Exposure] = {}
        for stage in lineage.stages:
            for sha in (stage.sha256, *(entry.sha256 for entry in stage.manifest.files.values())):
                for key in (sha, sha[:12]):
                    self._made_by.setdefault(key, []).append(stage)
            if stage.manifest.stage == "base_model":  # a base model from elsewhere has only its weights' hash
                for sha in stage.manifest.recipe.inputs.values():
                    self._note(sha, "no")
        lineage.db.execute("CREATE OR REPLACE TABLE held (sha VARCHAR, id VARCHAR)")

    def exposed(self, stage: Stage) -> Exposure:
        """Return a version's exposure, after that of its inputs."""
        if stage.folder not in self._done:
            name = stage.manifest.stage
            spec, kind = self._stages.get(name), kind_of(name, self._stages)
            if name.startswith(_INTAKE):
                seen, rows = self._intake(stage)
            elif kind == "rows":
                seen, rows = self._rows(stage)
            else:
                seen, rows = self._recipe(stage), 0
                self._note(stage.sha256, seen)
                self._note_files(stage, seen)
            if _edited(stage):
                seen = _worse(seen, "unknown")
                self._note(stage.sha256, seen)
                self._note_files(stage, seen)
            inputs = stage.manifest.recipe.inputs
            evaluated_on = [sha for key, sha in inputs.items() if spec is not None and key in spec.evaluated_on]
            benched = self._worst(evaluated_on, lost="no") != "no"
            self._done[stage.folder] = Exposure(
                stage=name, version=stage.folder.name, current=is_current(stage), kind=kind, seen=seen,
                rows=rows, remove=seen != "no" or benched, sha256=stage.sha256,
            )  # fmt: skip
        return self._done[stage.folder]

    def _note(self, sha: str, seen: Seen) -> None:
        for table, key in ((self.hashes, sha), (self._short, sha[:12])):
            table[key] = _worse(table.get(key, "no"), seen)

    def _note_files(self, stage: Stage, seen: Seen) -> None:
        for entry in stage.manifest.files.values():
            if entry.size:  # every contributor may have the same empty file
                self._note(entry.sha256, seen)

    def _intake(self, stage: Stage) -> tuple[Seen, int]:
        if self._first == OF_ROW:
            return self._rows(stage)
        own = stage.manifest.stage == f"collab/{self._subject}"
        seen: Seen = "yes" if own else "no"
        self._note(stage.sha256, seen)
        self._note_files(stage, seen)
        return seen, sum(
            entry.rows or 0 for name, entry in stage.manifest.files.items() if own and name == "rows.jsonl"
        )

    def _rows(self, stage: Stage) -> tuple[Seen, int]:
        """Search a rows stage: rows that name the subject, or a row that was exposed in the version's inputs."""
        recipe = stage.manifest.recipe
        own = [entry.sha256 for name, entry in stage.manifest.files.items() if name.endswith(".jsonl")]
        above, lost, named = list(own), False, False
        for key, sha in recipe.inputs.items():
            if kind_of(key, self._stages) != "rows":
                continue
            for maker in self._made_by.get(sha, ()):
                self.exposed(maker)
                above += [entry.sha256 for name, entry in maker.manifest.files.items() if name.endswith(".jsonl")]
            named = named or (sha in self._known and sha not in self._made_by)  # removed since the earlier search
            lost = lost or sha not in self._made_by or self.hashes.get(sha) == "unknown"
        who, db = self._subject, self.lineage.db
        while True:  # students are in the same version as the trajectories made from them: that takes another round
            (before,) = db.execute("SELECT count(*) FROM held").fetchone() or (0,)
            db.execute(
                f"""INSERT INTO held SELECT DISTINCT sha, id FROM edge
                   WHERE sha IN (SELECT unnest($1::VARCHAR[])) AND ({self._first} OR parent IN (
                     SELECT id FROM held WHERE sha IN (SELECT unnest($2::VARCHAR[]))))
                   EXCEPT SELECT sha, id FROM held""",
                [own, above, who],
            )
            (after,) = db.execute("SELECT count(*) FROM held").fetchone() or (0,)
            if after == before:
                break
        counts = dict(
            db.execute(
                "SELECT sha, count(*) FROM held WHERE sha IN (SELECT unnest(?::VARCHAR[])) GROUP BY sha", [own]
            ).fetchall()
        )
        named = named or who in recipe.inputs or f"{who}.jsonl" in recipe.inputs
        rows = sum(counts.get(e.sha256, 0) for e in stage.manifest.files.values() if not e.report)
        seen: Seen = "yes" if counts or named else "unknown" if lost else "no"
        self._note(stage.sha256, seen)
        for entry in (entry for entry in stage.manifest.files.values() if entry.size):
            self._note(entry.sha256, "yes" if counts.get(entry.sha256) else "unknown" if lost else "no")
        return seen, rows

    def _recipe(self, stage: Stage) -> Seen:
        """Return the worst value among a version's inputs."""
        spec = self._stages.get(stage.manifest.stage)
        if self._first == OF_CONTRIBUTOR and is_about(stage.manifest.stage, self._subject):
            return "yes"
        if spec is not None and spec.names_inputs in stage.manifest.files:
            text = (stage.folder / spec.names_inputs).read_text(encoding="utf-8")
            return self._worst(_HASH.findall(text), lost="no")
        seen: Seen = "no"
        for key, value in stage.manifest.recipe.inputs.items():
            if spec is not None and key in spec.evaluated_on:
                continue  # a benchmark measures the model, it does not train it
            reads = (
                key in _READS
                or key in self._track.methods
                or key in self._stages
                or key.rpartition("_")[0] in self._track.datasets
            )
            seen = _worse(seen, self._worst(_HASH.findall(value), lost="unknown" if reads else "no"))
        return seen

    def _worst(self, shas: Iterable[str], lost: Seen) -> Seen:
        seen: Seen = "no"
        for sha in shas:
            for maker in self._made_by.get(sha, ()):
                self.exposed(maker)
            table = self.hashes if len(sha) == 64 else self._short
            seen = _worse(seen, table.get(sha, lost))
        return seen

    def released(self, folder: Path) -> Exposure:
        """Return a release's exposure, by the hashes in its binding."""
        bound = msgspec.json.decode((folder / BINDING).read_bytes())
        stage = str(bound.get("candidate_of") or bound.get("checkpoint", ""))
        model = [stage, *map(str, dict(bound.get("data", {})).values())]
        seen = self._worst(model, lost="unknown")
        return Exposure(
            stage="release", version=folder.name, current=_points(folder), kind="release", seen=seen, remove=False,
            sha256=stage,
        )  # fmt: skip


def _points(folder: Path) -> bool:
    link = folder.with_name("current")
    return link.is_symlink() and link.resolve() == folder.resolve()


def _worse(a: Seen, b: Seen) -> Seen:
    return "yes" if "yes" in (a, b) else "unknown" if "unknown" in (a, b) else "no"
