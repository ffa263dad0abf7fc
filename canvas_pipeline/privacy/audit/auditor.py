"""Search files for unmasked identities, independently of the masking code.

The auditor shares no expression with the masking code (``audit.patterns``), so that one mistake does not affect both. It undoes
escapes and disguises before it searches (``audit.texts``). It is narrow, since a false alarm blocks a release. An audit of
nothing is not clean. Leaks name file, line, field and type, never the value.

Each distinct text is searched once: rows repeat their system prompts and titles, so most of a file is a lookup in a set.
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.privacy.audit import patterns as audit_patterns
from canvas_pipeline.privacy.audit.accounts import ACCOUNT_CHECKS
from canvas_pipeline.privacy.audit.exceptions import Exceptions
from canvas_pipeline.privacy.audit.files import Unreadable, is_opaque, places
from canvas_pipeline.privacy.audit.keys import RegistryKeys, keys_of
from canvas_pipeline.privacy.audit.texts import readings
from canvas_pipeline.records import Row

REMEMBERED = 500_000  # distinct texts whose result is cached, by hash: about 60 MB
MAX_LEAKS = 10_000  # rows of leaks in a report; all are counted
_CHECKS = (*audit_patterns.CHECKS, *ACCOUNT_CHECKS)
_VOCABULARY = "tokenizer.ggml.tokens["


class Leak(Row, frozen=True, kw_only=True):
    """An identity that should have been masked. ``field`` is a path such as ``messages[1].content``, empty for plain text,
    ``(name)`` for the file's own name; ``>`` in it enters a JSON text inside a string."""

    file: str
    line: int
    field: str
    type: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.field or '-'}: {self.type}"


class AuditReport(Row, frozen=True, kw_only=True):
    """What was read and found. ``strings`` are the texts, ``distinct`` how many of them differ (as far as they were remembered).
    Of ``opaque`` files only the names were read. ``allowed`` are findings of reviewed exceptions, which are no leaks.
    ``unreadable`` maps a file to the reason. ``leaks`` are the first ``MAX_LEAKS``; ``by_type`` counts all."""

    files: int
    lines: int
    strings: int
    distinct: int
    bytes: int
    opaque: int
    registry_keys: int
    leaks: tuple[Leak, ...]
    by_type: dict[str, int]
    unreadable: dict[str, str]
    allowed: int = 0

    @property
    def total(self) -> int:
        """The number of leaks."""
        return sum(self.by_type.values())

    @property
    def clean(self) -> bool:
        """Whether something was read, all of it could be, and nothing was found."""
        return not self.total and not self.unreadable and self.strings > 0


class Auditor:
    """Read files one after the other and remember their texts. Not safe for several threads."""

    def __init__(self, keys: RegistryKeys | None = None, exceptions: Exceptions | None = None) -> None:
        self._keys = keys or RegistryKeys()
        self._exceptions = exceptions or Exceptions()
        self._known: dict[int, tuple[tuple[str, ...], int]] = {}

    def types_in(self, text: str, numbers: bool = True) -> tuple[str, ...]:
        """Return the types of identity in a text, sorted."""
        found: set[str] = set()
        for reading in readings(text):
            found.update(audit_patterns.types_in(reading, _CHECKS))
            found.update(self._keys.types_in(reading, numbers))
        return tuple(sorted(found))

    def findings_in(self, text: str) -> set[tuple[str, str]]:
        """Return (type, words) of the expressions' findings in a text, in any of its readings."""
        return {found for reading in readings(text) for found in audit_patterns.findings_in(reading)}

    def _unreviewed(self, text: str, numbers: bool) -> tuple[tuple[str, ...], int]:
        """Return the types of identity in a text without those whose findings were all reviewed, and the number of the latter."""
        types = self.types_in(text, numbers)
        if not types or not self._exceptions:
            return types, 0
        known = {type_ for reading in readings(text) for type_ in self._keys.types_in(reading, numbers)}
        refused = {type_ for type_, words in self.findings_in(text) if not self._exceptions.allow(type_, words)}
        left = tuple(type_ for type_ in types if type_ in known or type_ in refused)
        return left, len(types) - len(left)

    def audit(self, paths: Sequence[Path], tick: Callable[[Path], None] | None = None) -> AuditReport:
        """Read files and, recursively, folders. ``tick`` is called with each file before it is read. Raises ``MissingInput`` for
        a path that does not exist; damaged files are in the report."""
        sums: Counter[str] = Counter()
        leaks: list[Leak] = []
        by_type: Counter[str] = Counter()
        unreadable: dict[str, str] = {}
        for path in files_of(paths):
            if tick:
                tick(path)
            sums["files"] += 1
            sums["bytes"] += path.stat().st_size
            sums["opaque"] += is_opaque(path)
            try:
                for leak in self._of_file(path, sums):
                    by_type[leak.type] += 1
                    if len(leaks) < MAX_LEAKS:
                        leaks.append(leak)
            except Unreadable as reason:
                unreadable[str(path)] = str(reason)
        return AuditReport(
            files=sums["files"], lines=sums["lines"], strings=sums["strings"], distinct=len(self._known), bytes=sums["bytes"],
            opaque=sums["opaque"], registry_keys=len(self._keys), leaks=tuple(leaks), by_type=dict(sorted(by_type.items())),
            unreadable=unreadable, allowed=sums["allowed"],
        )  # fmt: skip

    def _of_file(self, path: Path, sums: Counter[str]) -> Iterator[Leak]:
        for type_ in self.types_in(path.name):
            # The name is the leak, so it is not printed.
            yield Leak(file=str(path.parent / f"(a {path.suffix or 'file'})"), line=0, field="(name)", type=type_)
        shown = "(file)" if self.types_in(path.name) else str(path)
        last = 0
        reported: set[tuple[str, str]] = set()
        for line, field, text in places(path):
            sums["strings"] += 1
            if line != last:
                sums["lines"] += 1
                last = line
                reported.clear()
            types, allowed = self._types(text, field)
            sums["allowed"] += allowed
            for type_ in types:
                if (field, type_) not in reported:
                    reported.add((field, type_))
                    yield Leak(file=shown, line=line, field=field, type=type_)

    def _types(self, text: str, field: str) -> tuple[tuple[str, ...], int]:
        mark = hash(text)
        found = self._known.get(mark)
        if found is None:
            found = self._unreviewed(text, numbers=not field.startswith(_VOCABULARY))
            if len(self._known) < REMEMBERED:
                self._known[mark] = found
        return found


def report(
    paths: Sequence[Path],
    registry: Path | None = None,
    environ: Mapping[str, str] | None = None,
    tick: Callable[[Path], None] | None = None,
    exceptions: Exceptions | None = None,
) -> AuditReport:
    """Audit files and folders. ``environ`` has the key of an encrypted registry (the process's own by default); ``exceptions``
    are reviewed findings. Raises ``MissingInput`` for a path that does not exist, ``BadInput`` where the registry cannot be
    read: an audit without its keys must not look clean."""
    keys = keys_of(registry, os.environ if environ is None else environ) if registry else RegistryKeys()
    return Auditor(keys, exceptions).audit(paths, tick)


def reviewed_at(paths: Sequence[Path], leaks: Sequence[str]) -> list[tuple[str, str]]:
    """Return (type, words) of the leaks that are named as the audit prints them (``file:line:field: TYPE``). Raises ``BadInput``
    for one that is not found there: only findings of the audit can be reviewed."""
    wanted, found = dict.fromkeys(leaks, False), []
    auditor = Auditor()
    for path in files_of(paths):
        for line, field, text in places(path) if any(leak.startswith(f"{path}:") for leak in leaks) else ():
            for type_, words in auditor.findings_in(text):
                leak = str(Leak(file=str(path), line=line, field=field, type=type_))
                if leak in wanted:
                    wanted[leak] = True
                    found.append((type_, words))
    if missing := [leak for leak, there in wanted.items() if not there]:
        raise BadInput(
            f"{len(missing)} of the findings to allow are not in these files (or are keys of the private "
            f"registry, or a file's name, "
            "which are never excepted); give each as the audit prints it: FILE:LINE:FIELD: TYPE"
        )
    return found


def files_of(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield files, and the files below folders, sorted. Raises ``MissingInput``."""
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(p for p in path.rglob("*") if p.is_file() and not p.is_symlink())
        elif path.is_file():
            yield path
        else:
            raise MissingInput(f"{path}: no such file or folder to audit")
