"""Read the files that the auditor knows as ``(line, field, text)``, streaming.

A file of a readable kind that cannot be read raises ``Unreadable``, since an audit that could not read must not look clean. Of
weights and pictures, the name and the text inside (a PNG's comments, a safetensors header, a GGUF's key–value section) are read.

Kinds: text by lines (JSONL, JSON, Markdown, CSV, HTML, YAML, logs, anything that is UTF-8), GGUF metadata with chat template and
vocabulary (a learnt tokenizer may have a name in it; ``audit.gguf_texts`` reads it in a process of its own), SQLite files
(Dagster's runs and event logs: every text of every table), PNG text chunks, safetensors headers, gzip of text.
"""

from __future__ import annotations

import gzip
import json
import sqlite3
import subprocess
import sys
import zlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import IO

from canvas_pipeline.privacy.audit.texts import strings_of, walk

Place = tuple[int, str, str]
MAX_LINE = 64 << 20
GGUF_SECONDS = 120
# Weights, arrays, caches: no text is expected in them.
OPAQUE = frozenset(
    {
        ".bin",
        ".pt",
        ".pth",
        ".npy",
        ".npz",
        ".arrow",
        ".parquet",
        ".so",
        ".pyc",
        ".whl",
        ".zip",
        ".jpg",
        ".jpeg",
        ".ico",
    }
)
_SQLITE, _PNG, _GZIP = b"SQLite format 3\x00", b"\x89PNG\r\n\x1a\n", b"\x1f\x8b"


class Unreadable(Exception):
    """A file that should be read and cannot be. The message names the reason, never the content."""


def places(path: Path) -> Iterator[Place]:
    """Yield every text of a file. Raises ``Unreadable``; yields nothing for an opaque kind (see ``is_opaque``)."""
    try:
        with path.open("rb") as file:
            head = file.read(16)
        yield from _reader(path, head)(path)
    except OSError as error:
        raise Unreadable(error.strerror or "input/output error") from None


def is_opaque(path: Path) -> bool:
    """Return whether only the file's name is read."""
    return path.suffix.lower() in OPAQUE


def _reader(path: Path, head: bytes) -> Callable[[Path], Iterator[Place]]:
    if is_opaque(path):
        return _nothing
    if head.startswith(_SQLITE):
        return _sqlite
    for magic, reader in _MAGIC.items():
        if head.startswith(magic):
            return reader
    return _BY_SUFFIX.get(path.suffix.lower(), _text)


def _nothing(path: Path) -> Iterator[Place]:
    yield from ()


def _text(path: Path) -> Iterator[Place]:
    with path.open("rb") as file:
        yield from _lines(file)


def _gzip(path: Path) -> Iterator[Place]:
    try:
        with gzip.open(path, "rb") as file:
            yield from _lines(file)
    except (EOFError, zlib.error, gzip.BadGzipFile):
        raise Unreadable("damaged gzip") from None


def _lines(file: IO[bytes] | gzip.GzipFile) -> Iterator[Place]:
    number = 0
    while line := file.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            raise Unreadable(f"line {number} is longer than {MAX_LINE >> 20} MiB")
        if b"\x00" in line[:4096] and number == 1:
            raise Unreadable("neither text nor a kind of file that the audit knows")
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        if text:
            for field, value in strings_of(text):
                yield number, field, value


def _json_file(path: Path) -> Iterator[Place]:
    """Read a whole document where it is one (its strings may be escaped over lines), else line by line."""
    raw = path.read_bytes() if path.stat().st_size <= MAX_LINE else b""
    try:
        document = json.loads(raw.decode("utf-8-sig")) if raw else None
    except (ValueError, RecursionError):
        document = None
    if isinstance(document, (dict, list)) and raw.count(b"\n") > 1:
        yield from ((1, field, value) for field, value in walk(document, ""))
    else:
        yield from _text(path)


def _sqlite(path: Path) -> Iterator[Place]:
    connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
    connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
    try:
        tables = [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in tables:
            quoted = table.replace('"', '""')
            cursor = connection.execute(f'SELECT * FROM "{quoted}"')  # the name is the file's own, quoted
            names = [column[0] for column in cursor.description]
            for number, row in enumerate(cursor, 1):
                for name, value in zip(names, row, strict=True):
                    if isinstance(value, bytes):
                        value = value.decode("utf-8", "replace")
                    if isinstance(value, str):
                        for field, text in strings_of(value):
                            yield number, f"{table}.{name}{'.' if field else ''}{field}", text
    except sqlite3.Error:
        raise Unreadable("damaged or locked database") from None
    finally:
        connection.close()


def _png(path: Path) -> Iterator[Place]:
    with path.open("rb") as file:
        file.seek(8)
        while len(head := file.read(8)) == 8:
            length, kind = int.from_bytes(head[:4], "big"), head[4:]
            if kind not in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
                file.seek(length + 4, 1)
                continue
            body = file.read(min(length, MAX_LINE))
            file.seek(4, 1)
            for part in body.split(b"\x00"):
                yield 1, kind.decode(), _inflated(part).decode("utf-8", "replace")


def _inflated(part: bytes) -> bytes:
    try:
        return zlib.decompressobj().decompress(part, MAX_LINE) if part[:1] == b"\x78" else part
    except zlib.error:
        return part


def _safetensors(path: Path) -> Iterator[Place]:
    with path.open("rb") as file:
        size = int.from_bytes(file.read(8), "little")
        if not 2 <= size <= MAX_LINE:
            raise Unreadable("no safetensors header")
        for field, value in strings_of(file.read(size).decode("utf-8", "replace")):
            yield 1, field, value


def _gguf(path: Path) -> Iterator[Place]:
    """Read the metadata in a process of its own with a time limit: a truncated file can make the reader loop."""
    command = [sys.executable, "-m", "canvas_pipeline.privacy.audit.gguf_texts", str(path)]
    try:
        done = subprocess.run(command, capture_output=True, timeout=GGUF_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise Unreadable(f"no metadata within {GGUF_SECONDS} s") from None
    if done.returncode:
        raise Unreadable("damaged GGUF, or the gguf package is not installed (extra: release)")
    for line in done.stdout.splitlines():
        field, value = json.loads(line)
        yield 1, field, value


_MAGIC: Mapping[bytes, Callable[[Path], Iterator[Place]]] = {b"GGUF": _gguf, _PNG: _png, _GZIP: _gzip}
_BY_SUFFIX: Mapping[str, Callable[[Path], Iterator[Place]]] = {
    ".json": _json_file, ".safetensors": _safetensors,
}  # fmt: skip
