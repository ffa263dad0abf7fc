"""Open a file for reading by lines: hash its bytes and decompress gzip, whatever its name.

Memory does not grow with the file. A gzip file that decompresses to far more than text ever does is not read to its end.
"""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.privacy.contributor_id import printable, usable
from canvas_pipeline.privacy.quarantine import FREE_RATIO, MAX_RATIO, REASONS, Unreadable

_MAGIC = b"\x1f\x8b"
_PIECE = 1 << 20


class Digest(Protocol):
    """The part of a ``hashlib`` object that is used."""

    def update(self, data: memoryview, /) -> None: ...


class Readable(Protocol):
    """The part of an open binary file that is used."""

    def readline(self, size: int, /) -> bytes: ...


@contextmanager
def opened(path: Path, digest: Digest | None = None, *, any_format: bool = False) -> Iterator[Readable]:
    """Open a file for reading, decompressed where it is gzip.

    ``digest`` is updated with the file's own bytes: all of them, once the block has ended without an error. ``readline`` raises
    ``Unreadable`` (``damaged_gzip``, ``gzip_bomb``). Raises ``MissingInput`` or ``BadInput`` for anything but a regular file."""
    try:
        file = usable(Path(path), any_format=any_format).open("rb", buffering=0)
    except FileNotFoundError:  # removed since `usable` checked it
        raise MissingInput(f"{printable(str(path))}: {REASONS['no_such_file']}") from None
    with file:
        hashed = _Hashed(file, digest)
        buffered = io.BufferedReader(hashed, _PIECE)
        packed = buffered.peek(2)[:2] == _MAGIC
        yield _Unpacked(buffered, hashed) if packed else buffered
        while buffered.read(_PIECE):  # so that the digest covers bytes that the caller did not read
            pass


class _Hashed(io.RawIOBase):
    """A file that updates a digest with the bytes read from it."""

    def __init__(self, file: io.FileIO, digest: Digest | None) -> None:
        self._file, self._digest = file, digest
        self.size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]  # a BufferedReader passes a memoryview
        count = self._file.readinto(buffer)
        self.size += count
        if self._digest is not None:
            self._digest.update(memoryview(buffer)[:count])
        return count


class _Unpacked:
    """Reads the lines of a gzip file."""

    def __init__(self, buffered: io.BufferedReader[_Hashed], packed: _Hashed) -> None:
        self._file = gzip.GzipFile(fileobj=buffered)
        self._packed = packed
        self._size = 0

    def readline(self, size: int, /) -> bytes:
        try:
            line = self._file.readline(size)
        except (EOFError, gzip.BadGzipFile, zlib.error):
            raise Unreadable("damaged_gzip") from None
        self._size += len(line)
        if self._size > FREE_RATIO and self._size > MAX_RATIO * self._packed.size:
            raise Unreadable("gzip_bomb")
        return line
