"""Who a file is from: the file's stem is the contributor's id, and an id is never trusted as a path.

In: paths and ids that somebody else chose. Out: which of them are safe to use as folder names, partition keys and row links, and
a ``Refusal`` (line 0: the file as a whole) for every file that is not. What must hold: an accepted id means the same on every file
system (no separators, dots in front, device names, case twins, invisible characters); a name that is shown cannot command a
terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from canvas_pipeline.records import Refusal

MAX_ID = 64
WHOLE_FILE = 0  # the line number of a refusal that is about the file itself
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
# Windows opens the device whatever the case and whatever follows the first dot.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def is_safe(contributor: str) -> bool:
    """1–64 ASCII letters, digits, ``.``, ``_``, ``-``, beginning with a letter or digit, not ending with a dot, without ``..``,
    and no device name."""
    return (
        _SAFE.fullmatch(contributor) is not None
        and ".." not in contributor
        and contributor.partition(".")[0].lower() not in _DEVICES
    )


def printable(name: str) -> str:
    """A file's name as it may be shown: what is not plain printable ASCII is escaped, and a long one is cut."""
    shown = name if name.isascii() and name.isprintable() else ascii(name)[1:-1]
    return shown if len(shown) <= 120 else f"{shown[:117]}..."


def contributors(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Refusal]]:
    """Contributor → file, sorted by id, and the files that cannot be taken: an id that is no safe name (``unsafe_id``), or that
    another file has too once case is folded (``duplicate_contributor``; none of the twins is taken, since nobody can know which
    one the contributor meant). The answer does not depend on the order of ``paths``."""
    safe: dict[str, list[Path]] = {}
    refused: list[Refusal] = []
    for path in sorted(set(map(Path, paths)), key=str):
        if is_safe(path.stem):
            safe.setdefault(path.stem.casefold(), []).append(path)
        else:
            refused.append(_refusal(path, "unsafe_id"))
    taken = {}
    for twins in safe.values():
        if len(twins) == 1:
            taken[twins[0].stem] = twins[0]
        else:
            refused += [_refusal(path, "duplicate_contributor") for path in twins]
    return dict(sorted(taken.items())), sorted(refused, key=lambda r: (r.source, r.reason))


def _refusal(path: Path, reason: str) -> Refusal:
    return Refusal(source=printable(path.name), line=WHOLE_FILE, reason=reason)
