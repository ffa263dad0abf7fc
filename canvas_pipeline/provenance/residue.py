"""Find and remove a contributor's data outside of the stages: files, session rows, votes, unfinished work, mentions.

Every step is idempotent. Files are rewritten whole; other contributors' lines keep their bytes and order; private files stay
readable by their owner only."""

from __future__ import annotations

import gzip
import os
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar, cast

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.privacy.contributor_id import TRUTH, all_invented, contributor_of
from canvas_pipeline.provenance.lineage import Lineage
from canvas_pipeline.storage.atomic import sweep, whole_file

VOTES = "votes.jsonl"
T = TypeVar("T")


class _Session(msgspec.Struct):
    contributor_id: str = ""


class _Vote(msgspec.Struct):
    pair_id: str = ""


def counts(ws: Workspace, contributor: str) -> dict[str, int]:
    """Count the lines of their file and of its ground truth, and their session rows."""
    return {
        "source lines": sum(map(_lines, _exports(ws, contributor))),
        "truth lines": _lines(_truth(ws, contributor)),
        "session rows": sum(1 for _, own in _sessions(ws, contributor) for theirs in own if theirs),
    }


def remove_files(ws: Workspace, contributor: str) -> None:
    """Delete their export, its ground truth, temporary files of both, and their sessions in any file."""
    for path in _own_files(ws, contributor):
        path.unlink(missing_ok=True)
    for folder in (ws.collab, ws.sessions):
        if folder.is_dir():
            sweep(folder)
    for path, own in list(_sessions(ws, contributor)):
        theirs = list(own)
        if not any(theirs) or not path.exists():
            continue
        if all(theirs):
            path.unlink()
            continue
        with whole_file(path) as temporary, _open(temporary, "wb", path) as out, _open(path) as file:
            out.writelines(line for line, gone in zip(file, theirs, strict=True) if not gone)


def only_invented_after(ws: Workspace, contributor: str) -> bool:
    """Return whether all remaining contributors are invented. If so, their handles must not change."""
    return all_invented(ws.collab, without=contributor)


def others_pairs(lineage: Lineage) -> tuple[str, ...]:
    """List the item pairs on disk that are not the contributor's. Call after ``exposure``, which fills ``held``."""
    found = lineage.db.execute(
        """SELECT DISTINCT row.id FROM row JOIN place USING (sha)
           WHERE place.stage = 'item_pairs' AND row.id NOT IN (SELECT id FROM held) ORDER BY 1"""
    )
    return tuple(str(id_) for (id_,) in found.fetchall())


def filter_votes(ws: Workspace, pairs: frozenset[str]) -> None:
    """Rewrite the teacher's votes to those on the given pairs."""
    path = ws.private / VOTES
    if not path.exists():
        return
    with whole_file(path) as temporary:
        os.close(os.open(temporary, os.O_CREAT | os.O_WRONLY, 0o600))
        with temporary.open("wb") as out, path.open("rb") as file:
            out.writelines(line for line in file if _decoded(line, _Vote()).pair_id in pairs)


def remove_work(ws: Workspace, hashes: tuple[str, ...]) -> None:
    """Delete half-trained models whose run reads removed files, or whose inputs are unknown."""
    for folder in sorted((ws.root / "work").glob("*")):
        try:
            text = (folder / "spec.json").read_text(encoding="utf-8")
        except OSError:
            text = ""
        if not text or set(re.findall(r"[0-9a-f]{64}", text)) & set(hashes):
            shutil.rmtree(folder)


def mentions(ws: Workspace, contributor: str) -> tuple[str, ...]:
    """List files that contain the contributor's id between quotes, slashes or colons, by plain search.

    An id that is also a common word ("dpo") can be found where it means something else."""
    word = re.compile(rb"""(?<=["'/])""" + re.escape(contributor.encode()) + rb"""(?=["'/:.])""")
    found = []
    for path in sorted(ws.root.rglob("*")):
        if contributor in path.relative_to(ws.root).parts or (path.is_file() and _holds(path, word, len(contributor))):
            found.append(path.relative_to(ws.root).as_posix())
    return tuple(found)


def private_file(path: Path, raw: bytes) -> None:
    """Write a file of mode 0600 atomically."""
    with whole_file(path, private=True) as temporary:
        temporary.write_bytes(raw)


def append(path: Path, raw: bytes) -> None:
    """Append a line to a file of mode 0600, after completing a line that a kill left torn."""
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
    with os.fdopen(fd, "r+b") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        file.write(raw if file.read(1) in (b"", b"\n") else b"\n" + raw)
        file.flush()
        os.fsync(fd)


def _own_files(ws: Workspace, contributor: str) -> list[Path]:
    return [*_exports(ws, contributor), _truth(ws, contributor), *_named(ws.sessions, contributor)]


def _exports(ws: Workspace, contributor: str) -> list[Path]:
    return _named(ws.collab, contributor)


def _named(folder: Path, contributor: str) -> list[Path]:
    """List every file of that name in a folder, in any form: also those that are not read (a .json, an archive, a copy)."""
    return sorted(p for p in folder.glob("**/*") if p.is_file() and contributor_of(p) == contributor)


def _truth(ws: Workspace, contributor: str) -> Path:
    return ws.collab / TRUTH / f"{contributor}.truth.jsonl"


def _sessions(ws: Workspace, contributor: str) -> Iterator[tuple[Path, Iterator[bool]]]:
    for path in sorted(p for p in ws.sessions.glob("**/*") if p.is_file()):
        yield path, _theirs(path, contributor)


def _theirs(path: Path, contributor: str) -> Iterator[bool]:
    try:
        with _open(path) as file:
            for line in file:
                yield contributor_of(path) == contributor or _decoded(line, _Session()).contributor_id == contributor
    except (EOFError, gzip.BadGzipFile, zlib.error):
        raise BadInput(
            f"{path}: a damaged archive, in which nobody's rows can be told; repair or remove it first"
        ) from None


def _open(path: Path, mode: Literal["rb", "wb"] = "rb", like: Path | None = None) -> BinaryIO:
    """Open a file, unpacked if its content is gzip, whatever its name. With ``like``, pack a new file as that one is."""
    with (like or path).open("rb") as file:
        packed = file.read(2) == b"\x1f\x8b"
    return cast(BinaryIO, gzip.open(path, mode)) if packed else path.open(mode)


def _decoded(line: bytes, none: T) -> T:
    """Decode the fields that matter from a line, or return ``none`` where it has none."""
    try:
        return msgspec.json.decode(line, type=type(none))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return none


def _lines(path: Path) -> int:
    if not path.exists():
        return 0
    with path.open("rb") as file:
        return sum(1 for line in file if line.strip())


def _holds(path: Path, word: re.Pattern[bytes], length: int) -> bool:
    if path.is_symlink():
        return False
    rest = b""
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            if word.search(rest + block):
                return True
            rest = block[-(length + 2) :]
    return False
