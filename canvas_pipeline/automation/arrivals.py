"""Which contributor files are whole, which of them are news, and how many to take in at once.

In: the contributors' folder, what was seen of it before, the time. Out: what is seen now, and the contributors to ask for. What
must hold: a file somebody is still writing is not taken; a content is asked for once by the same code, however often, late or
interrupted one looks;
unchanged files are not read again; a flood is taken in portions and loses nobody; a file that cannot be read keeps nobody waiting.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.privacy.contributor_id import in_folder
from canvas_pipeline.storage.digests import sha256_file

STILL_S = 5.0
UNREADABLE = "unreadable"
AT_ONCE = 25
"""Runs of intake that may wait or run at a time: a flood of files must not bury everything else in the queue."""


class Sighting(msgspec.Struct, frozen=True, array_like=True):
    """A contributor's file: its ``stamp`` (size and times), since when it has had it (our clock), the sha256 once it is settled
    (else empty), and the request that was last made: of which content, by which code."""

    stamp: str
    since: float
    sha256: str = ""
    asked: str = ""

    def request(self, code: str) -> str:
        """What is to be taken in by intake's ``code``; empty while the file is not settled."""
        return f"{self.sha256}/{code}" if self.sha256 else ""

    def news(self, code: str) -> bool:
        """Whether that has not been asked for yet."""
        return self.request(code) not in ("", self.asked)


Sightings = dict[str, Sighting]


def look(collab: Path, before: Mapping[str, Sighting], now: float, still_s: float = STILL_S) -> Sightings:
    """Contributor → what is seen now. One whose file has gone is gone; one that is being rewritten keeps what was asked for."""
    seen: Sightings = {}
    for name, path in in_folder(collab)[0].items():
        try:
            seen[name] = _sighting(path, before.get(name), now, still_s)
        except FileNotFoundError:
            continue  # renamed or removed while we looked
        except OSError:
            # No right to read it, a broken disk: it is looked at again, and keeps nobody else waiting.
            seen[name] = Sighting(UNREADABLE, now, "", before[name].asked if name in before else "")
    return seen


def _sighting(path: Path, old: Sighting | None, now: float, still_s: float) -> Sighting:
    stamp = _stamp(path)
    asked = old.asked if old else ""
    same = old is not None and old.stamp == stamp
    if old is not None and same and old.sha256:
        return old
    since = old.since if old is not None and same else now
    # Times are another machine's on a network disk, and a copy may pause: only unchanged for a while by our own clock is certain.
    # What has long been at rest and ends with a whole line need not wait for a second look.
    if now - since < still_s and not (now - path.stat().st_mtime >= still_s and _ends_whole(path)):
        return Sighting(stamp, since, "", asked)
    sha256 = sha256_file(path)
    if _stamp(path) != stamp:  # written to while it was read
        return Sighting(_stamp(path), now, "", asked)
    return Sighting(stamp, since, sha256, asked)


def _stamp(path: Path) -> str:
    found = path.stat()
    return f"{found.st_size}/{found.st_mtime_ns}/{found.st_ctime_ns}"


def _ends_whole(path: Path) -> bool:
    with path.open("rb") as file:
        if file.seek(0, 2) == 0:
            return True
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def ask(seen: Sightings, waiting: int, code: str, at_once: int = AT_ONCE) -> tuple[list[str], Sightings]:
    """The contributors to take in now, no more than there is room for beside the ``waiting`` ones, and the sightings in which
    they count as asked for. With other ``code`` of the intake everybody is news: their rows are not what they would be now."""
    room = max(0, at_once - waiting)
    names = [name for name, sighting in sorted(seen.items()) if sighting.news(code)][:room]
    asked = {name: msgspec.structs.replace(seen[name], asked=seen[name].request(code)) for name in names}
    return names, {**seen, **asked}


def unreadable(seen: Sightings) -> list[str]:
    """Contributors whose file is there and cannot be read."""
    return sorted(name for name, sighting in seen.items() if sighting.stamp == UNREADABLE)


def dumped(seen: Sightings) -> str:
    """As a sensor's cursor; ``loaded`` reads it."""
    return msgspec.json.encode(seen, order="sorted").decode()


def loaded(cursor: str | None) -> Sightings:
    """What ``dumped`` wrote. An unreadable cursor (of an older version, or edited) starts anew: everybody is asked for again, and
    what did not change is reused."""
    try:
        return msgspec.json.decode(cursor or "{}", type=Sightings)
    except msgspec.DecodeError:
        return {}
