"""Trace rows from their sources to splits, models and releases, and back.

A row names its parents in ``parents`` and ``item_ids``. The same id in another file is the same row in another place. Sources are
``<contributor>:<hex or line>`` (rows of their file), ``sessions/<contributor>:<line>`` and the bare contributor id.

Only ids, file names and line numbers are read from the rows. The edges are in a temporary duckdb file that spills to disk, so
memory stays flat and no index outlives the process."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.records import Row
from canvas_pipeline.storage.store import Stage, Store
from canvas_pipeline.storage.versions import is_current, versions

SOURCES = "sources.jsonl"
"""A report beside a contributor's rows: the file and line of each source row."""
UNREAD = ("refusals.jsonl", "measurement.json", SOURCES)
_SPACE = "512MB"
_COLUMNS = "{'id': 'VARCHAR', 'parents': 'VARCHAR[]', 'item_ids': 'VARCHAR[]'}"


class Place(Row, frozen=True, kw_only=True):
    """A file that holds a row. ``version`` is the name of the stage version's folder."""

    stage: str
    version: str
    file: str
    sha256: str
    current: bool


class Walk(Row, frozen=True, kw_only=True):
    """An id with everything above or below it.

    ``edges`` maps each id to its next ones, in a stable order; ``places`` to the files that hold it; ``sources`` maps source rows
    to their file and line, where known."""

    id: str
    edges: dict[str, tuple[str, ...]]
    places: dict[str, tuple[Place, ...]]
    sources: dict[str, str]


class Lineage:
    """An index over all rows of a store, deleted when it is closed."""

    def __init__(self, store: Store, *, every_version: bool = True) -> None:
        """Read the store. Without ``every_version``, read only the current version of each stage."""
        import duckdb

        self._folder = Path(tempfile.mkdtemp(prefix="lineage-"))
        self._walkable = False
        self.stages: tuple[Stage, ...] = tuple(s for s in versions(store) if every_version or is_current(s))
        self.db = duckdb.connect(
            str(self._folder / "edges.duckdb"), config={"memory_limit": _SPACE, "temp_directory": str(self._folder)}
        )
        try:
            self._load()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Lineage:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the database and delete its files."""
        self.db.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _load(self) -> None:
        self.db.execute("CREATE TABLE row (sha VARCHAR, id VARCHAR)")
        self.db.execute("CREATE TABLE edge (sha VARCHAR, id VARCHAR, parent VARCHAR)")
        self.db.execute(
            "CREATE TABLE place (sha VARCHAR, stage VARCHAR, version VARCHAR, file VARCHAR, current BOOLEAN)"
        )
        self.db.execute("CREATE TABLE source (id VARCHAR, file VARCHAR, line BIGINT)")
        read: set[str] = set()
        for stage in self.stages:
            for name, entry in stage.manifest.files.items():
                if name == SOURCES and entry.size:
                    self._load_sources(stage.folder / name)
                if not name.endswith(".jsonl") or name in UNREAD or not entry.size:
                    continue
                place = (entry.sha256, stage.manifest.stage, stage.folder.name, name, is_current(stage))
                self.db.execute("INSERT INTO place VALUES (?, ?, ?, ?, ?)", place)
                if entry.sha256 not in read:
                    read.add(entry.sha256)
                    self._load_rows(stage.folder / name, entry.sha256)

    def _load_rows(self, path: Path, sha: str) -> None:
        rows = f"read_json(?, columns={_COLUMNS}, format='newline_delimited')"
        self.db.execute("CREATE OR REPLACE TEMP TABLE fresh AS SELECT * FROM " + rows, [str(path)])
        self.db.execute("INSERT INTO row SELECT ?, id FROM fresh WHERE id IS NOT NULL", [sha])
        for column in ("parents", "item_ids"):
            self.db.execute(
                f"INSERT INTO edge SELECT ?, id, unnest({column}) FROM fresh WHERE id IS NOT NULL AND {column} IS NOT NULL",
                [sha],
            )

    def _load_sources(self, path: Path) -> None:
        columns = "{'id': 'VARCHAR', 'file': 'VARCHAR', 'line': 'BIGINT'}"
        rows = f"read_json(?, columns={columns}, format='newline_delimited')"
        self.db.execute("INSERT INTO source SELECT id, file, line FROM " + rows, [str(path)])

    def _edges(self) -> None:
        """Create the table ``e`` of distinct edges on first use."""
        if not self._walkable:
            self.db.execute("CREATE TABLE e AS SELECT DISTINCT id, parent FROM edge WHERE id <> parent")
            self._walkable = True

    def up(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        """Return every edge (child, parent) above some ids."""
        return self._closure(ids, "id", "parent")

    def down(self, ids: Sequence[str]) -> list[tuple[str, str]]:
        """Return every edge (parent, child) below some ids."""
        return self._closure(ids, "parent", "id")

    def _closure(self, ids: Sequence[str], at: str, to: str) -> list[tuple[str, str]]:
        self._edges()
        found = self.db.execute(
            f"""WITH RECURSIVE reached(id) AS (
                  SELECT unnest(?::VARCHAR[]) UNION SELECT e.{to} FROM e JOIN reached ON e.{at} = reached.id)
                SELECT DISTINCT e.{at}, e.{to} FROM e SEMI JOIN reached ON e.{at} = reached.id ORDER BY ALL""",
            [list(ids)],
        )
        return [(str(a), str(b)) for a, b in found.fetchall()]

    def walk(self, row_id: str, *, up: bool) -> Walk:
        """Walk from an id to its sources (``up``) or to everything made from it. Raises ``MissingInput`` for an unknown id."""
        self.known(row_id)
        edges: dict[str, list[str]] = {}
        for here, there in self.up([row_id]) if up else self.down([row_id]):
            edges.setdefault(here, []).append(there)
        ids = sorted({row_id, *edges, *(there for near in edges.values() for there in near)})
        return Walk(
            id=row_id,
            edges={here: tuple(near) for here, near in sorted(edges.items())},
            places=self.places(ids),
            sources=self.sources(ids),
        )

    def known(self, row_id: str) -> None:
        """Raise ``MissingInput`` unless a row of the store has this id or names it as a parent."""
        self._edges()
        query = "SELECT 1 WHERE EXISTS (FROM row WHERE id = $1) OR EXISTS (FROM e WHERE parent = $1)"
        if self.db.execute(query, [row_id]).fetchone() is None:
            raise MissingInput(
                "no row of the store has this id; give the id of a row, or <contributor>:<id> of a source row"
            )

    def places(self, ids: Iterable[str]) -> dict[str, tuple[Place, ...]]:
        """Return the files that hold each of some ids. Ids without a file (sources) are left out."""
        query = """SELECT DISTINCT row.id, stage, version, file, place.sha, current FROM row JOIN place USING (sha)
                   WHERE row.id IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL"""
        found: dict[str, list[Place]] = {}
        for id_, stage, version, file, sha, current in self.db.execute(query, [list(ids)]).fetchall():
            place = Place(stage=stage, version=version, file=file, sha256=sha, current=current)
            found.setdefault(id_, []).append(place)
        return {id_: tuple(places) for id_, places in found.items()}

    def sources(self, ids: Iterable[str]) -> dict[str, str]:
        """Return ``file:line`` of each source row among some ids, where the intake recorded it."""
        query = "SELECT DISTINCT id, file, line FROM source WHERE id IN (SELECT unnest(?::VARCHAR[])) ORDER BY ALL"
        return {id_: f"{file}:{line}" for id_, file, line in self.db.execute(query, [list(ids)]).fetchall()}
