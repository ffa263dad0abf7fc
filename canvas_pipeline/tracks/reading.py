"""Read the objects of a public data set: JSON lines, a JSON array or Parquet, packed with gzip or not.

A line may hold several objects, or none; a byte-order mark, CRLF and a missing final newline do not matter. What cannot be read is
a ``Refusal`` with its line and column, so that the objects and refusals of a file add up.
"""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, NoReturn, cast

from canvas_pipeline.errors import BadInput, MissingInput, MissingTool
from canvas_pipeline.records import Refusal

BLANK = re.compile(r"[\s\ufeff]*")
SEPARATOR = re.compile(r"[\s\ufeff]*(?:,[\s\ufeff]*)?")
ERROR_ROW = frozenset({"id", "index", "error"})
"""The keys of an object that records a failed generation. Such a row is refused: it is no answer."""

_GZIP, _PARQUET = b"\x1f\x8b", b"PAR1"
_MARK = b"\xef\xbb\xbf"


ENDINGS = (".jsonl", ".json", ".jsonl.gz", ".json.gz", ".parquet")
"""How the names of data files end."""


@dataclass(frozen=True, slots=True)
class Record:
    """One object of a file. ``line`` and ``column`` count from 1, columns in characters; in Parquet the line is the row."""

    line: int
    column: int
    value: dict[str, Any]


def data_files(folder: Path) -> list[Path]:
    """List the data files of a folder by name; none where there is no folder."""
    return sorted(path for path in folder.glob("*") if path.is_file() and path.name.endswith(ENDINGS))


def read_objects(path: Path) -> Iterator[Record | Refusal]:
    """Read the objects of a file in order. Its format is told by its first bytes, not by its name.

    Refusals: ``malformed_json`` for the rest of a line (or array) from its first fault on, ``not_utf8``, ``not_an_object``,
    ``error_row``, ``gzip_broken``. Raises ``MissingInput`` without a file, ``BadInput`` for a folder or broken Parquet, and
    ``MissingTool`` for Parquet without pyarrow."""
    try:
        with path.open("rb") as file:
            start = file.read(4)
            file.seek(0)
            if start == _PARQUET:
                yield from _parquet(path)
            elif start.startswith(_GZIP):
                with gzip.open(file) as unpacked:
                    yield from _text(path, cast(IO[bytes], unpacked))
            else:
                yield from _text(path, file)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder; name a file in it") from None


def _text(path: Path, file: IO[bytes]) -> Iterator[Record | Refusal]:
    number, begun = 0, False
    try:
        for number, line in enumerate(file, 1):
            first = b"" if begun else line.removeprefix(_MARK).strip()
            begun = begun or bool(first)
            if first.startswith(b"["):
                yield from _array(path, number, line + file.read())
                return
            yield from _line(path, number, line)
    except (EOFError, gzip.BadGzipFile, zlib.error):
        yield Refusal(source=path.name, line=number + 1, reason="gzip_broken")


def _line(path: Path, number: int, line: bytes) -> Iterator[Record | Refusal]:
    text = _decoded(line)
    if text is None:
        yield _refusal(path, number, 1, "not_utf8")
        return
    at = _skip(BLANK, text, 0)
    while at < len(text):
        try:
            value, end = _value(text, at)
        except ValueError as error:
            yield _refusal(path, number, _fault(error, at) + 1, "malformed_json")
            return
        yield _classified(path, number, at + 1, value)
        at = _skip(BLANK, text, end)


def _array(path: Path, first: int, raw: bytes) -> Iterator[Record | Refusal]:
    """Read an array that begins in line ``first``. What follows a fault cannot be told apart any more: it is one refusal."""
    text = _decoded(raw)
    if text is None:
        yield _refusal(path, first, 1, "not_utf8")
        return

    def place(at: int) -> tuple[int, int]:
        return first + text.count("\n", 0, at), at - text.rfind("\n", 0, at)

    at = _skip(BLANK, text, text.index("[") + 1)
    while text[at : at + 1] != "]":
        try:
            value, end = _value(text, at)
        except ValueError as error:
            yield _refusal(path, *place(_fault(error, at)), "malformed_json")
            return
        yield _classified(path, *place(at), value)
        at = _skip(SEPARATOR, text, end)
    if (rest := _skip(BLANK, text, at + 1)) < len(text):
        yield _refusal(path, *place(rest), "malformed_json")


def _parquet(path: Path) -> Iterator[Record | Refusal]:
    try:
        from pyarrow import ArrowException, parquet
    except ImportError:
        raise MissingTool(f"{path}: reading Parquet needs pyarrow; install the extra `train`") from None
    number = 0
    try:
        for batch in parquet.ParquetFile(path).iter_batches(batch_size=1024):
            for value in batch.to_pylist():
                number += 1
                yield _classified(path, number, 1, value)
    except (ArrowException, OSError) as error:
        raise BadInput(
            f"{path}: broken Parquet after row {number} ({type(error).__name__}); fetch the file again"
        ) from None


def _classified(path: Path, line: int, column: int, value: Any) -> Record | Refusal:
    if not isinstance(value, dict):
        return _refusal(path, line, column, "not_an_object")
    if "error" in value and value.keys() <= ERROR_ROW:
        return _refusal(path, line, column, "error_row")
    return Record(line, column, value)


def _value(text: str, at: int) -> tuple[Any, int]:
    """Decode the JSON value at a position: (value, its end). Raises ``ValueError``."""
    try:
        value, end = _DECODER.raw_decode(text, at)
        if "\\u" in text[at:end]:
            json.dumps(value, ensure_ascii=False).encode()  # half of a surrogate pair is no text
    except RecursionError:
        raise ValueError("nested too deeply") from None
    return value, end


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key occurs twice")
    return value


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_unique, parse_constant=_no_constant)


def _decoded(raw: bytes) -> str | None:
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _skip(blank: re.Pattern[str], text: str, at: int) -> int:
    found = blank.match(text, at)
    return found.end() if found else at


def _fault(error: ValueError, start: int) -> int:
    """Return the index of a fault: the decoder's, else the start of its object."""
    return error.pos if isinstance(error, json.JSONDecodeError) else start


def _refusal(path: Path, line: int, column: int, reason: str) -> Refusal:
    return Refusal(source=path.name, line=line, reason=reason, detail=f"column {column}")
