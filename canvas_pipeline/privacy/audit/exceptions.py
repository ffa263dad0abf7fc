"""Reviewed exceptions to the audit: findings that a person has reviewed and answers for.

They are in a private file of sealed lines. The file reveals nothing of the findings: each entry is a keyed hash of the exact
words and their type, with who allowed it, when, why and until when. An entry that was changed, made with another key or has
expired is refused. Keys of the private registry and file names are never excepted.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.privacy.audit.patterns import TYPES
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.storage.atomic import whole_file

FILE = "audit-exceptions.jsonl"
DAYS, MOST_DAYS = 365, 730
_MARK, _SEAL = b"audit exception\0", b"audit exception seal\0"


class Reviewed(Row, frozen=True, kw_only=True):
    """One line. ``mark`` represents the words and their type, ``seal`` authenticates the line; both need the key."""

    mark: str
    type: str
    by: str
    at: date
    until: date
    reason: str
    seal: str = ""


class Exceptions:
    """The findings that are allowed. Its ``repr`` shows their number only."""

    def __init__(self, key: bytes = b"", reviewed: Iterable[Reviewed] = ()) -> None:
        self._key = key
        self._marks = frozenset(entry.mark for entry in reviewed)

    def __len__(self) -> int:
        return len(self._marks)

    def __repr__(self) -> str:
        return f"Exceptions({len(self)} withheld)"

    def allow(self, type_: str, words: str) -> bool:
        """Return whether exactly these words were reviewed as no identity of this type."""
        return bool(self._marks) and mark(self._key, type_, words) in self._marks


def today() -> date:
    return datetime.now(UTC).date()


def mark(key: bytes, type_: str, words: str) -> str:
    return hmac.new(key, _MARK + f"{type_}\0{words}".encode("utf-8", "surrogatepass"), "sha256").hexdigest()


def exceptions(path: Path, key: bytes, now: date) -> Exceptions:
    """Read the exceptions of a file; without a file there are none. Raises ``BadInput`` (file and line) for an invalid entry."""
    return Exceptions(key, (entry for entry in _read(path, key) if _in_force(path, entry, now)))


def review(
    path: Path, key: bytes, found: Sequence[tuple[str, str]], *, by: str, reason: str, now: date, days: int = DAYS
) -> int:
    """Add (or renew) an entry for each type and words; return the number of entries in the file. Raises ``BadInput``."""
    if not by.strip() or len(reason.split()) < 3:
        raise BadInput("an exception needs who reviewed it (--by) and why it is no identity (--reason, a few words)")
    if not 1 <= days <= MOST_DAYS:
        raise BadInput(f"an exception holds for 1 to {MOST_DAYS} days, then it is reviewed again")
    new = {}
    for type_, words in found:
        if type_ not in TYPES:
            raise BadInput(f"{type_} is not excepted: it is a key of the private registry, so it has to be masked")
        made = Reviewed(
            mark=mark(key, type_, words), type=type_, by=by.strip(), at=now, until=now + timedelta(days=days), reason=reason.strip()
        )  # fmt: skip
        new[made.mark] = msgspec.structs.replace(made, seal=_seal(key, made))
    others = [entry for entry in _read(path, key) if entry.mark not in new]
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with whole_file(path) as temporary:
        temporary.touch(0o600)
        os.chmod(temporary, 0o600)
        temporary.write_bytes(b"".join(dumps(entry) + b"\n" for entry in (*others, *new.values())))
    return len(others) + len(new)


def _read(path: Path, key: bytes) -> list[Reviewed]:
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        try:
            entry = msgspec.json.decode(line, type=Reviewed, strict=True)
        except msgspec.DecodeError:
            raise BadInput(
                f"{path}:{number}: no exception to the audit; remove the line, and add what was reviewed "
                f"with: canvas-data audit --allow"
            ) from None
        if not hmac.compare_digest(entry.seal, _seal(key, entry)):
            raise BadInput(
                f"{path}:{number}: this exception was changed by hand or made with another registry key; "
                f"remove the line and review "
                "the finding again with: canvas-data audit --allow"
            )
        found.append(entry)
    return found


def _in_force(path: Path, entry: Reviewed, now: date) -> bool:
    if now > entry.until:
        raise BadInput(
            f"{path}: the exception for a {entry.type} of {entry.at} expired on {entry.until}; review it "
            f"again with canvas-data audit "
            "--allow, or remove its line"
        )
    return True


def _seal(key: bytes, entry: Reviewed) -> str:
    return hmac.new(key, _SEAL + dumps(msgspec.structs.replace(entry, seal="")), "sha256").hexdigest()
