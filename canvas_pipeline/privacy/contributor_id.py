"""Who a file is from: the file's name without its suffix is the contributor's id, and an id is never trusted as a path.

In: paths and ids that somebody else chose, or a folder of files. Out: which of them are safe to use as folder names, partition keys
and row links, and a ``Refusal`` (line 0: the file as a whole) for every file that is not. What must hold: an accepted id means the
same on every file system (no separators, dots in front, device names, case twins, invisible characters); a name that is shown
cannot command a terminal; nothing in a folder is passed over without a word, hidden files apart.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import Refusal

MAX_ID = 64
WHOLE_FILE = 0  # the line number of a refusal that is about the file itself
_SAFE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,62}[A-Za-z0-9_-])?")
SUFFIXES = (".jsonl", ".jsonl.gz")
"""How a file's name ends that a folder's contributors are read from. A file that somebody names is read whatever its suffix."""
TRUTH = "truth"
"""A folder beside contributor files: what ``canvas-data synthesize`` invented."""
# What these hold is no JSON, whatever their content.
_OTHER_FORMATS = frozenset(".csv .tsv .ics .xls .xlsx .ods .zip .html .htm .mhtml .pdf .har".split())
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


def contributor_of(path: Path) -> str:
    """The id that a file's name states: the name without its suffix, and without ``.gz`` behind that."""
    return _unpacked(path).stem


def unusable(path: Path, *, any_format: bool = False) -> str | None:
    """Why a path cannot be read as a contributor's file, whatever its name: a reason code, or None. With ``any_format`` as a file
    of whatever it is."""
    try:
        if path.is_dir():
            return "is_folder"
        if not path.is_file():
            return "not_a_file" if path.exists() or path.is_symlink() else "no_such_file"
    except ValueError:  # a NUL in the path
        return "no_such_file"
    return "other_format" if not any_format and _unpacked(path).suffix.lower() in _OTHER_FORMATS else None


def usable(path: Path, *, any_format: bool = False) -> Path:
    """The path, or ``MissingInput`` or ``BadInput`` with the reason why it cannot be read."""
    reason = unusable(path, any_format=any_format)
    if reason is None:
        return path
    error = MissingInput if reason == "no_such_file" else BadInput
    raise error(f"{printable(str(path))}: {REASONS[reason]}")


def contributors(paths: Iterable[Path]) -> tuple[dict[str, Path], list[Refusal]]:
    """Contributor → file, sorted by id, and the files that cannot be taken: one that cannot be read (see ``unusable``), one whose
    id is no safe name (``unsafe_id``), or one whose id another file has too once case is folded (``duplicate_contributor``; none
    of the twins is taken, since nobody can know which one the contributor meant). The order of ``paths`` does not matter."""
    safe: dict[str, list[Path]] = {}
    refused: list[Refusal] = []
    for path in sorted(map(Path, paths), key=str):
        if reason := unusable(path):
            refused.append(_refusal(path, reason))
        elif not is_safe(contributor_of(path)):
            refused.append(_refusal(path, "unsafe_id"))
        else:
            safe.setdefault(contributor_of(path).casefold(), []).append(path)
    taken = {}
    for twins in safe.values():
        if len(twins) == 1:
            taken[contributor_of(twins[0])] = twins[0]
        else:
            refused += [_refusal(path, "duplicate_contributor") for path in twins]
    return dict(sorted(taken.items())), sorted(refused, key=lambda r: (r.source, r.reason))


def in_folder(folder: Path) -> tuple[dict[str, Path], list[Refusal]]:
    """The contributors of a folder, and everything else in it but the ground truth of invented ones and what begins with a dot
    (it is being copied, or hidden on purpose). A name that does not end in one of ``SUFFIXES`` is no contributor's: the same
    data often lies beside it in another form."""
    named: list[Path] = []
    others: list[Refusal] = []
    for path in folder.iterdir():
        if path.name.startswith(".") or path.name == TRUTH:
            continue
        if path.name.endswith(SUFFIXES):
            named.append(path)
        else:
            others.append(_refusal(path, unusable(path) or "other_suffix"))
    taken, refused = contributors(named)
    return taken, sorted([*refused, *others], key=lambda r: (r.source, r.reason))


def sessions_in(folder: Path) -> tuple[list[Path], list[tuple[Path, str]]]:
    """The files of recorded sessions in a folder, and everything else in it (what begins with a dot apart), each with what to do
    about it."""
    taken: list[Path] = []
    others: list[tuple[Path, str]] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith("."):
            continue
        reason = unusable(path, any_format=True)
        if reason is None and path.name.endswith(".jsonl"):
            taken.append(path)
        else:
            others.append(
                (path, REASONS[reason] if reason else "sessions are one JSON object a line in a file called *.jsonl")
            )
    return taken, others


def all_invented(folder: Path, without: str = "") -> bool:
    """Whether there are contributors in the folder and all of them are invented: only ``canvas-data synthesize`` writes a ground
    truth beside a file. Files that are refused for their name count too. ``without`` is one who is about to leave."""
    names = {contributor_of(path) for path in folder.glob("[!.]*") if path.name.endswith(SUFFIXES)} - {without}
    return bool(names) and all((folder / TRUTH / f"{name}.truth.jsonl").is_file() for name in names)


def _unpacked(path: Path) -> Path:
    """The file's name, without ``.gz`` at its end."""
    return Path(path.name[:-3] if path.name.lower().endswith(".gz") else path.name)


def _refusal(path: Path, reason: str) -> Refusal:
    return Refusal(source=printable(path.name), line=WHOLE_FILE, reason=reason)
