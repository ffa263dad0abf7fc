"""Derive contributors' ids from file names, and decide which are safe as folder names, partition keys and row links.

The id is the file's name without its suffix. An accepted id means the same on every file system: no separators, leading dots,
device names, ids that differ only in case, or invisible characters. A printed name cannot control a terminal. Every other file of a
folder, hidden files apart, gives a ``Refusal``.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import Refusal

WHOLE_FILE = 0  # the line number of a refusal of a whole file
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
SUFFIXES = (".jsonl", ".jsonl.gz")
"""The suffixes by which a folder's contributor files are recognised. A file named on the command line may have any suffix."""
TRUTH = "truth"
"""The folder of ground truth that ``canvas-data synthesize`` writes beside contributor files."""
# Suffixes of formats that are not JSON.
_OTHER_FORMATS = frozenset(".csv .tsv .ics .xls .xlsx .ods .zip .html .htm .mhtml .pdf .har".split())
# Windows opens the device regardless of case and of anything after the first dot.
_DEVICES = frozenset({"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(10))})


def is_safe(contributor: str) -> bool:
    """Return whether an id is safe: 1–64 ASCII letters, digits, ``.``, ``_``, ``-``, beginning with a letter or digit, not ending
    with a dot, without ``..``, and not a device name."""
    return (
        _SAFE.fullmatch(contributor) is not None
        and ".." not in contributor
        and contributor.partition(".")[0].lower() not in _DEVICES
    )


def printable(name: str) -> str:
    """Return a file's name for display: all but printable ASCII is escaped, and a long name is cut."""
    shown = name if name.isascii() and name.isprintable() else ascii(name)[1:-1]
    return shown if len(shown) <= 120 else f"{shown[:117]}..."


def contributor_of(path: Path) -> str:
    """Return the contributor's id: the file's name without its suffix, and without ``.gz``."""
    return _without_gz(path).stem


def unusable(path: Path, *, any_format: bool = False) -> str | None:
    """Return the reason code why a path cannot be read as a contributor's file, or None. ``any_format`` allows other formats."""
    try:
        if path.is_dir():
            return "is_folder"
        if not path.is_file():
            return "not_a_file" if path.exists() or path.is_symlink() else "no_such_file"
    except ValueError:  # a NUL in the path
        return "no_such_file"
    return "other_format" if not any_format and _without_gz(path).suffix.lower() in _OTHER_FORMATS else None


def usable(path: Path, *, any_format: bool = False) -> Path:
    """Return the path. Raises ``MissingInput`` or ``BadInput`` with the reason why it cannot be read."""
    reason = unusable(path, any_format=any_format)
    if reason is None:
        return path
    error = MissingInput if reason == "no_such_file" else BadInput
    raise error(f"{printable(str(path))}: {REASONS[reason]}")


def contributors(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Refusal]]:
    """Return contributor → file, sorted by id, and the refused files.

    A file is refused if it cannot be read (see ``unusable``), if its id is not safe (``unsafe_id``), or if another file has the
    same id when case is folded (``duplicate_contributor``; all of them are refused, since it is unknown which one is meant). The
    order of ``paths`` does not matter."""
    safe: dict[str, list[Path]] = {}
    refused: list[Refusal] = []
    for path in sorted(map(Path, paths), key=str):
        if reason := unusable(path):
            refused.append(_refusal(path, reason))
        elif not is_safe(contributor_of(path)):
            refused.append(_refusal(path, "unsafe_id"))
        else:
            safe.setdefault(contributor_of(path).casefold(), []).append(path)
    accepted = {}
    for same in safe.values():
        if len(same) == 1:
            accepted[contributor_of(same[0])] = same[0]
        else:
            refused += [_refusal(path, "duplicate_contributor") for path in same]
    return dict(sorted(accepted.items())), sorted(refused, key=lambda r: (r.source, r.reason))


def in_folder(folder: Path) -> tuple[dict[str, Path], list[Refusal]]:
    """Return the contributors of a folder, as ``contributors`` does, and a refusal for everything else in it.

    Ground truth and names that begin with a dot (files being copied or hidden on purpose) are ignored. Names that do not end in
    one of ``SUFFIXES`` are refused: the same data often exists beside them in another form."""
    named: list[Path] = []
    others: list[Refusal] = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == TRUTH:
            continue
        if path.name.endswith(SUFFIXES):
            named.append(path)
        else:
            others.append(_refusal(path, unusable(path) or "other_suffix"))
    accepted, refused = contributors(named)
    return accepted, sorted([*refused, *others], key=lambda r: (r.source, r.reason))


def sessions_in(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """Return the files of recorded sessions in a folder, and everything else in it with advice, hidden files apart."""
    accepted: list[Path] = []
    others: list[tuple[Path, str]] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        reason = unusable(path, any_format=True)
        if reason is None and path.name.endswith(".jsonl"):
            accepted.append(path)
        else:
            others.append(
                (path, REASONS[reason] if reason else "sessions are one JSON object a line in a file called *.jsonl")
            )
    return accepted, others


def all_invented(folder: Path, without: str = "") -> bool:
    """Return whether a folder has contributors and all of them are synthetic: only ``canvas-data synthesize`` writes ground truth.

    Files that are refused for their name count too. ``without`` is a contributor who is being removed."""
    names = {contributor_of(path) for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES)} - {without}
    return bool(names) and all((folder / TRUTH / f"{name}.truth.jsonl").is_file() for name in names)


def _without_gz(path: Path) -> Path:
    return Path(path.name[:-3] if path.name.lower().endswith(".gz") else path.name)


def _refusal(path: Path, reason: str) -> Refusal:
    return Refusal(source=printable(path.name), line=WHOLE_FILE, reason=reason)
