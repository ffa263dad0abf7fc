"""Define the rows that every track shares, and read and write JSONL.

``dumps`` is canonical: the same row gives the same bytes, and reading them gives the same row. No error or refusal contains the
text of a row.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from canvas_pipeline.errors import BadInput, MissingInput, RowsUnaccounted

Role = Literal["system", "user", "assistant", "tool"]

R = TypeVar("R", bound=msgspec.Struct)


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all rows: immutable, keyword-only, closed to unknown fields."""


class Message(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of a conversation. An assistant's ``content`` is written in the notation of its model family; a tool's
    ``content`` is the JSON text of its result and ``name`` is the tool's name."""

    role: Role
    content: str
    name: str | None = None


class Refusal(Row, frozen=True, kw_only=True):
    """A row that a stage refused: its place and the reason, never its text."""

    source: str
    line: int
    reason: str
    detail: str = ""


class Funnel(Row, frozen=True, kw_only=True):
    """The row counts of one stage: ``rows_in = kept + merged + sum(refused)``. Counts are of source rows."""

    stage: str
    rows_in: int
    kept: int
    merged: int = 0
    refused: dict[str, int] = {}

    @property
    def retained(self) -> float:
        """Return the share of ``rows_in`` that was not refused, 0..1 (merging duplicates is not a loss)."""
        return 1.0 if self.rows_in == 0 else (self.kept + self.merged) / self.rows_in

    def check(self) -> Funnel:
        """Return self. Raises ``RowsUnaccounted`` where rows are missing or counted twice."""
        out = self.kept + self.merged + sum(self.refused.values())
        if out != self.rows_in:
            raise RowsUnaccounted(
                f"stage {self.stage}: {self.rows_in} rows came in but {out} are accounted for "
                f"(kept {self.kept}, merged {self.merged}, refused {dict(self.refused)}); this is a bug, please report it"
            )
        return self


def funnel(stage: str, rows_in: int, kept: int, refusals: Iterable[Refusal] = (), merged: int = 0) -> Funnel:
    """Make a checked ``Funnel`` from counts and refusals."""
    reasons = Counter(r.reason for r in refusals)
    return Funnel(stage=stage, rows_in=rows_in, kept=kept, merged=merged, refused=dict(sorted(reasons.items()))).check()


def digest(*parts: str) -> str:
    """Return the sha256 of the parts in hex; each part counts with its length, so that borders are unambiguous."""
    h = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        h.update(len(raw).to_bytes(8, "big"))
        h.update(raw)
    return h.hexdigest()


_ENCODER = msgspec.json.Encoder(order="deterministic")


def dumps(value: Any) -> bytes:
    """Encode a row or plain value as canonical JSON (sorted keys, no spaces), without a final newline."""
    return _ENCODER.encode(value)


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write rows as canonical JSONL and return how many. Not atomic (see ``storage.atomic``)."""
    count = 0
    with path.open("wb", buffering=1 << 20) as file:
        for row in rows:
            file.write(dumps(row))
            file.write(b"\n")
            count += 1
    return count


def read_jsonl(path: Path, type_: type[R]) -> Iterator[R]:
    """Read rows from a file of the pipeline, one at a time.

    Raises ``BadInput`` with file and line at the first line that is no row, and ``MissingInput`` where there is no file.
    Contributors' files are read by ``intake.reading.snapshot`` instead."""
    decoder = msgspec.json.Decoder(type_)
    try:
        file = path.open("rb", buffering=1 << 20)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; materialise the stage that writes it first") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder; name a file in it") from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                # A validation error names the field and the type; a syntax error the byte. Neither quotes the text.
                hints = (hint for mark, hint in _OTHER_FORMATS if number == 1 and line.startswith(mark))
                what = next(hints, _safe(error))
                raise BadInput(f"{path}:{number}: not a {type_.__name__} row ({what})") from None


_OTHER_FORMATS = (
    (b"\x1f\x8b", "the file is packed with gzip; unpack it"),
    (b"\xff\xfe", "the file is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "the file is UTF-16; save it as UTF-8"),
    (b"\xef\xbb\xbf", "the file begins with a byte-order mark; save it as UTF-8 without one"),
    (b"[", "the file is a JSON array; put each row on a line of its own"),
)
"""First bytes of files in other formats, and what to do about them."""


def _safe(error: Exception) -> str:
    """Describe an error without any value, and without a field name that is not the row type's."""
    if not isinstance(error, msgspec.ValidationError):
        return "malformed JSON"
    what, at, where = str(error).partition(" - at ")
    foreign = next(
        (kind for kind in ("Invalid enum value", "Object contains unknown field") if what.startswith(kind)), None
    )
    return f"{foreign or what}{at}{where}"
