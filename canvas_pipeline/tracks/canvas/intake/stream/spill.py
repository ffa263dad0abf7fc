"""Sort more rows than fit into memory: a list while they are few, else files that duckdb sorts out of core.

The order depends only on the set of entries, not on the order of their arrival. Memory stays below ``HELD`` and duckdb's limit.
Only masked rows are stored here, and the folder is deleted when the spill is closed.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import duckdb

HELD = 64 << 20  # bytes of lines in the list
MEMORY_LIMIT = "512MB"
_FETCH = 5_000
_SHORTEST_LIMIT = 1 << 20
_READ = 4 << 20  # bytes duckdb reads at once; its default of sixteen times the longest line can fill the memory limit


class SpilledRow(NamedTuple):
    """One row as a line of JSON, sorted by ``key``, then ``number``, then ``line``. ``group`` is for joins."""

    key: str
    number: int
    group: str
    line: bytes


class Run(NamedTuple):
    """A file of entries, and the length of its longest line in bytes."""

    path: Path
    longest: int


class Spill:
    """Collects entries. Use as a context manager: its files are deleted at the end."""

    def __init__(self, parent: Path | None = None, held: int = HELD) -> None:
        """Write below ``parent`` (default: the system's temporary folder) beyond ``held`` bytes in memory."""
        self.folder = Path(tempfile.mkdtemp(prefix=".spill-", dir=parent))
        self._limit = held
        self._held: list[SpilledRow] = []
        self._size = 0
        self._runs: list[Run] = []

    def __enter__(self) -> Spill:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def spilled(self) -> bool:
        """Whether entries were written to files."""
        return bool(self._runs)

    @property
    def held(self) -> Sequence[SpilledRow]:
        """The entries in memory: all of them unless ``spilled``."""
        return self._held

    def add(self, entries: Iterable[SpilledRow]) -> None:
        """Add entries, which may not be read from this spill itself."""
        for entry in entries:
            self._held.append(entry)
            self._size += len(entry.line)
            if self._size > self._limit:
                self._write_out()

    def adopt(self, run: Run) -> None:
        """Add a file written by ``write_run``."""
        self._runs.append(run)

    def lines(self) -> Iterator[bytes]:
        """Yield all lines, sorted."""
        for entry in self.entries():
            yield entry.line

    def entries(self) -> Iterator[SpilledRow]:
        """Yield all entries, sorted."""
        if not self._runs:
            yield from sorted(self._held)
            return
        with self.database() as database:
            found = database.execute(f'SELECT "key", number, "group", line FROM {self.table()} ORDER BY 1, 2, 4')
            while rows := found.fetchmany(_FETCH):
                for key, number, group, line in rows:
                    yield SpilledRow(key, number, group, line.encode())

    def table(self) -> str:
        """Return a duckdb table expression for all entries, after writing those in memory to a file."""
        self._write_out()
        paths = ", ".join(_quoted(run.path) for run in self._runs)
        longest = max([_SHORTEST_LIMIT, *(run.longest + 64 for run in self._runs)])
        columns = "{'key': 'VARCHAR', 'number': 'UBIGINT', 'group': 'VARCHAR', 'line': 'VARCHAR'}"
        return (
            f"read_csv([{paths}], columns={columns}, delim='\\t', quote='', escape='', header=false, auto_detect=false, "
            f"strict_mode=false, max_line_size={longest}, buffer_size={max(_READ, 2 * longest)})"
        )

    def _write_out(self) -> None:
        if self._held or not self._runs:
            self.adopt(write_run(self._held, self.folder))
            self._held, self._size = [], 0

    def database(self) -> duckdb.DuckDBPyConnection:
        """Open an in-memory database that spills into this folder."""
        import duckdb  # a small intake never needs it

        settings: dict[str, str | int | float | list[str]] = {
            "memory_limit": MEMORY_LIMIT,
            "threads": 2,
            "preserve_insertion_order": False,
            "temp_directory": str(self.folder / "sorting"),
        }
        return duckdb.connect(config=settings)


def write_run(entries: Iterable[SpilledRow], folder: Path) -> Run:
    """Write entries to a new tab-separated file in a folder. A line of JSON holds neither tabs nor line ends."""
    longest = 0
    with tempfile.NamedTemporaryFile(dir=folder, prefix="run-", suffix=".tsv", delete=False, buffering=1 << 18) as file:
        for entry in entries:
            line = b"%s\t%d\t%s\t%s\n" % (entry.key.encode(), entry.number, entry.group.encode(), entry.line)
            longest = max(longest, len(line))
            file.write(line)
    return Run(Path(file.name), longest)


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
