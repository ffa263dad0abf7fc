"""Write files, folders and links that appear whole or not at all, and remove folders the same way.

Whoever looks at a name sees what was there before or all of what is there now, whenever the writer dies. What is not finished lies
beside it as ``.tmp-<pid>-…``; ``sweep`` removes what dead writers left. A full disk and a read-only one are said with the file's
name.
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

NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
NO_RIGHT = (errno.EROFS, errno.EACCES, errno.EPERM)


@contextmanager
def room(path: Path) -> Iterator[None]:
    """Say where there was no room (an error of ``write`` names no file) or no right to write. ``path`` is what is to be written."""
    try:
        yield
    except OSError as error:
        where = Path(str(error.filename or path))
        ours = where == path or where in path.parents or any(part.startswith(".tmp-") for part in where.parts)
        if error.errno in NO_RIGHT and ours:  # else something could not be read
            raise NotWritable(
                f"{path}: may not be written ({error.strerror}: {where}); nothing half-written is left, name another folder or "
                "change its rights"
            ) from error
        if error.errno not in NO_ROOM:
            raise
        raise DiskFull(
            f"{error.filename or path}: {error.strerror}; nothing half-written is left, make room and run again"
        ) from error


def never_an_input(out: Path, inputs: Iterable[Path | None]) -> None:
    """Raise ``BadInput`` where ``out`` is one of the files that are read, by whatever name or link."""
    if out.exists() and any(path is not None and path.exists() and out.samefile(path) for path in inputs):
        raise BadInput(f"{out} is one of the inputs, which are never written over; name another file to write")


def unfinished(path: Path, kind: str = "new") -> Path:
    """The name beside ``path`` of what this process has not finished; nothing is there. ``sweep`` knows it."""
    temporary = path.with_name(f".tmp-{os.getpid()}-{kind}-{path.name}")
    if temporary.is_dir() and not temporary.is_symlink():
        shutil.rmtree(temporary, ignore_errors=True)
    else:
        temporary.unlink(missing_ok=True)
    return temporary


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """Give a path beside ``path`` to write to; it takes the name when the block ends without an error. ``private``: a file of mode
    0600 from the start. Raises ``BadInput`` where ``path`` is a folder, ``NotWritable`` and ``DiskFull``."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name a file in it")
    temporary = unfinished(path)
    try:
        with room(path):
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
    """Like ``whole_file`` for a folder. With ``mark``, what is at ``path`` is replaced only where it holds a file of that name
    (it is ours) or nothing; anything else raises ``BadInput`` before the block starts."""
    if mark and path.exists() and not (path / mark).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(f"{path} exists and was not written by this command; name another folder, or empty it")
    temporary = unfinished(path)
    try:
        with room(path):
            temporary.mkdir(parents=True)
            yield temporary
            place(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def place(folder: Path, path: Path) -> None:
    """Give a finished folder its name; a folder that has it is removed."""
    old = unfinished(path, "old")
    if path.exists():
        os.rename(path, old)
    os.rename(folder, path)
    shutil.rmtree(old, ignore_errors=True)


def point(link: Path, name: str) -> None:
    """Make ``link`` a link to ``name`` in its folder, in place of whatever link it was."""
    temporary = unfinished(link)
    temporary.symlink_to(name)
    os.replace(temporary, link)


def discard(folder: Path) -> None:
    """Remove a folder: gone for every reader at once, by another name, before its files go."""
    gone = unfinished(folder, "gone")
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


def sync(folder: Path, *, deep: bool = False) -> None:
    """Wait until the disk has a folder's names, and with ``deep`` all that is in it."""
    for path in [*(folder.rglob("*") if deep else ()), folder]:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def sweep(root: Path, *, deep: bool = True) -> int:
    """Remove what dead writers left in a folder, and with ``deep`` below it; returns how much. What this process left goes too."""
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
