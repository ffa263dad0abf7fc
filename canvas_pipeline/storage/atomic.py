"""Write files, folders and links atomically, and remove folders the same way.

A reader sees the old content or the complete new one, whenever the writer dies. Unfinished content is beside its final name as
``.tmp-<pid>-…``; ``sweep`` removes what dead writers left. Errors for a full or read-only disk name the file.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from canvas_pipeline.errors import BadInput, DiskFull, NotWritable

DISK_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NOT_WRITABLE = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def write_errors(path: Path) -> Iterator[None]:
    """Raise ``DiskFull`` or ``NotWritable``, naming the file, for OS errors while ``path`` is written."""
    try:
        yield
    except OSError as error:
        where = Path(str(error.filename or path))
        is_output = where == path or where in path.parents or any(part.startswith(".tmp-") for part in where.parts)
        if error.errno in NOT_WRITABLE and is_output:  # else an input could not be read
            raise NotWritable(
                f"{path}: may not be written ({error.strerror}: {where}); nothing half-written is left, name another folder or "
                "change its rights"
            ) from error
        if error.errno not in DISK_FULL:
            raise
        raise DiskFull(
            f"{error.filename or path}: {error.strerror}; nothing half-written is left, free some disk space and run again"
        ) from error


def never_an_input(out: Path, inputs: Iterable[Path | None]) -> None:
    """Raise ``BadInput`` if ``out`` is one of the input files, by whatever name or link."""
    if out.exists() and any(path is not None and path.exists() and out.samefile(path) for path in inputs):
        raise BadInput(f"{out} is one of the inputs, which are never written over; name another file to write")


def unfinished(path: Path, kind: str = "new") -> Path:
    """Return this process's temporary name beside ``path``, with nothing there; ``sweep`` recognises the name."""
    temporary = path.with_name(f".tmp-{os.getpid()}-{kind}-{path.name}")
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)
    return temporary


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Yield a temporary path to write to; it is renamed to ``path`` when the block ends without an error.

    ``private``: the file has mode 0600 from the start. Raises ``BadInput`` if ``path`` is a folder."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name a file in it")
    temporary = unfinished(path)
    try:
        with write_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700 if private else 0o777)
            if private:
                temporary.touch(mode=0o600, exist_ok=False)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, mark: str | None = None) -> Iterator[Path]:
    """Do what ``whole_file`` does, for a folder.

    With ``mark``, an existing folder is replaced only if it is empty or holds a file of that name (so it is ours); anything else
    raises ``BadInput`` before the block starts."""
    if mark and path.exists() and not (path / mark).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(f"{path} exists and was not written by this command; name another folder, or empty it")
    temporary = unfinished(path)
    try:
        with write_errors(path):
            temporary.mkdir(parents=True)
            yield temporary
            place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def place(folder: Path, path: Path) -> None:
    """Rename a finished folder to ``path``; a folder that is there is removed."""
    old = unfinished(path, "old")
    if path.exists():
        os.rename(path, old)
    os.rename(folder, path)
    shutil.rmtree(old, ignore_errors=True)


def point(link: Path, name: str) -> None:
    """Make ``link`` a symbolic link to ``name`` in its own folder, replacing an existing link."""
    temporary = unfinished(link)
    temporary.symlink_to(name)
    os.replace(temporary, link)


def discard(folder: Path) -> None:
    """Remove a folder: rename it first, so that it disappears for every reader at once."""
    renamed = unfinished(folder, "gone")
    os.rename(folder, renamed)
    shutil.rmtree(renamed, ignore_errors=True)


def sync(folder: Path, *, deep: bool = False) -> None:
    """Flush a folder's directory entry to disk, and with ``deep`` everything in it."""
    for path in [*(folder.rglob("*") if deep else ()), folder]:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def sweep(root: Path, *, deep: bool = True) -> int:
    """Remove what dead writers, or this process, left unfinished in a folder, and with ``deep`` below it; returns the number."""
    count = 0
    for path in sorted((root.rglob if deep else root.glob)(".tmp-*")):
        pid = path.name.split("-")[1]
        if pid.isdigit() and int(pid) != os.getpid() and psutil.pid_exists(int(pid)):
            continue
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path, ignore_errors=True)
            count += 1
        elif path.is_symlink() or path.exists():
            path.unlink(missing_ok=True)
            count += 1
    return count
