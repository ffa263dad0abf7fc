"""Files and folders that appear whole or not at all.

In: where something is to stand. Out: a place beside it to write to. What must hold: whoever looks at the name sees what was
there before or all of what is there now, whenever the writer dies; a full disk and a read-only one are said with the file's name.
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

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


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A path beside ``path`` to write to; it takes the name only when the block ends without an error. Raises ``BadInput`` where
    ``path`` is a folder, ``NotWritable`` and ``DiskFull``."""
    if path.is_dir():
        raise BadInput(f"{path} is a folder; name a file in it")
    temporary = path.with_name(f".tmp-{os.getpid()}-{path.name}")
    try:
        with room(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, mark: str) -> Iterator[Path]:
    """Like ``whole_file`` for a folder. What is at ``path`` is replaced only where it holds a file ``mark`` (it is ours) or
    nothing; anything else raises ``BadInput`` before the block starts."""
    if path.exists() and not (path / mark).is_file() and (not path.is_dir() or any(path.iterdir())):
        raise BadInput(f"{path} exists and was not written by this command; name another folder, or empty it")
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, old = (path.with_name(f".tmp-{os.getpid()}-{kind}-{path.name}") for kind in ("new", "old"))
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        with room(path):
            yield temporary
            if path.exists():
                os.rename(path, old)
            os.rename(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
