"""Find contributor files that are complete and new, and choose how many to ingest at once.

Invariants: a file that is still being written is not chosen; the same content is chosen once per version of intake's code,
however often, late or interrupted the scans are; unchanged files are not read again; many new files are ingested in portions, and
none is lost; an unreadable file blocks no other.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.privacy.contributor_id import in_folder
from canvas_pipeline.storage.digests import sha256_file

UNCHANGED_S = 5.0
UNREADABLE = "unreadable"
AT_ONCE = 25
"""Runs of intake that may wait or run at a time, so that many files do not block everything else in the queue."""


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """A contributor's file: its ``stamp`` (size and times), since when it has had that stamp (by our clock), its sha256 once it
    is complete (else empty), and the last request made for it."""

    stamp: str
    since: float
    sha256: str = ""
    requested: str = ""

    def request(self, code: str) -> str:
        """Return the request for this content and intake's ``code``; empty while the file is not complete."""
        return f"{self.sha256}/{code}" if self.sha256 else ""

    def is_new(self, code: str) -> bool:
        """Return whether the file is complete and has not been requested yet."""
        return self.request(code) not in ("", self.requested)


Sightings = dict[str, Sighting]


def scan(collab: Path, before: Mapping[str, Sighting], now: float, unchanged_s: float = UNCHANGED_S) -> Sightings:
    """Return contributor → sighting for the files in the folder now; a file that is being rewritten keeps its last request."""
    return scan_files(in_folder(collab)[0], before, now, unchanged_s)


def scan_files(
    files: Mapping[str, Path], before: Mapping[str, Sighting], now: float, unchanged_s: float = UNCHANGED_S
) -> Sightings:
    """Return name → sighting for some files, as ``scan`` does for a folder's."""
    seen: Sightings = {}
    for name, path in files.items():
        try:
            seen[name] = _sighting(path, before.get(name), now, unchanged_s)
        except FileNotFoundError:
            continue  # renamed or removed meanwhile
        except OSError:
            # No right to read it, or a broken disk: the next scan tries again.
            seen[name] = Sighting(UNREADABLE, now, "", before[name].requested if name in before else "")
    return seen


def _sighting(path: Path, old: Sighting | None, now: float, unchanged_s: float) -> Sighting:
    stamp = _stamp(path)
    requested = old.requested if old else ""
    same = old is not None and old.stamp == stamp
    if old is not None and same and old.sha256:
        return old
    since = old.since if old is not None and same else now
    # On a network disk the times are another machine's, and a copy may pause: a file counts as complete after it was unchanged for
    # a while by our own clock, or at once if it is old and ends with a complete line.
    if now - since < unchanged_s and not (now - path.stat().st_mtime >= unchanged_s and _ends_whole(path)):
        return Sighting(stamp, since, "", requested)
    sha256 = sha256_file(path)
    if _stamp(path) != stamp:  # written to while it was read
        return Sighting(_stamp(path), now, "", requested)
    return Sighting(stamp, since, sha256, requested)


def _stamp(path: Path) -> str:
    stat = path.stat()
    return f"{stat.st_size}/{stat.st_mtime_ns}/{stat.st_ctime_ns}"


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def choose(seen: Sightings, waiting: int, code: str, at_once: int = AT_ONCE) -> tuple[list[str], Sightings]:
    """Return the contributors to ingest now, at most ``at_once`` with the ``waiting`` ones, and the sightings with their requests.

    When intake's ``code`` changes, every contributor is new, since their rows would differ."""
    free = max(0, at_once - waiting)
    names = [name for name, sighting in sorted(seen.items()) if sighting.is_new(code)][:free]
    requested = {name: msgspec.structs.replace(seen[name], requested=seen[name].request(code)) for name in names}
    return names, {**seen, **requested}


def unreadable(seen: Sightings) -> list[str]:
    """Return the contributors whose file cannot be read."""
    return sorted(name for name, sighting in seen.items() if sighting.stamp == UNREADABLE)


def to_cursor(seen: Sightings) -> str:
    """Write the sightings as a sensor's cursor; ``from_cursor`` reads it."""
    return msgspec.json.encode(seen, order="sorted").decode()


def from_cursor(cursor: str | None) -> Sightings:
    """Read what ``to_cursor`` wrote. An unreadable cursor (older version, edited) counts as empty: every contributor is requested
    again, and unchanged results are reused."""
    try:
        return msgspec.json.decode(cursor or "{}", type=Sightings)
    except msgspec.DecodeError:
        return {}
