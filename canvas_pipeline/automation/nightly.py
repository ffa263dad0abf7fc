"""Read the settings of the nightly and of automation, and find what changed since the last successful nightly.

An unusable setting is an error before anything is scheduled.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.privacy.contributor_id import sessions_in
from canvas_pipeline.records import digest
from canvas_pipeline.storage.code_version import package_version
from canvas_pipeline.storage.digests import sha256_file

AT, ZONE, AUTOMATION, TRACKS = "CANVAS_NIGHTLY_AT", "CANVAS_NIGHTLY_ZONE", "CANVAS_AUTOMATION", "CANVAS_TRACKS"
EVERYTHING = "everything: no nightly has succeeded yet"
NOTHING = "nothing"


@dataclass(frozen=True)
class NightlySettings:
    """When the nightly runs and what it builds.

    ``hour`` and ``minute`` are in the IANA ``zone``. ``running``: schedule and sensors start switched on."""

    hour: int = 2
    minute: int = 0
    zone: str = "UTC"
    running: bool = False
    tracks: tuple[str, ...] = ()

    @property
    def cron(self) -> str:
        return f"{self.minute} {self.hour} * * *"


def nightly_settings(environ: Mapping[str, str]) -> NightlySettings:
    """Read ``CANVAS_NIGHTLY_AT`` (HH:MM), ``CANVAS_NIGHTLY_ZONE``, ``CANVAS_AUTOMATION`` (on or off) and ``CANVAS_TRACKS`` (names
    with commas; every track where it names none). Raises ``BadConfig``."""
    at = environ.get(AT) or "02:00"
    clock = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", at.strip())
    if clock is None:
        raise BadConfig(f"{AT} is {at!r}; it must be a time of day such as 02:00 or 23:30")
    zone = (environ.get(ZONE) or "UTC").strip()
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadConfig(f"{ZONE} is {zone!r}; it must be an IANA time zone such as UTC or America/New_York") from None
    automation = (environ.get(AUTOMATION) or "off").strip().lower()
    if automation not in ("on", "off"):
        raise BadConfig(f"{AUTOMATION} is {automation!r}; it must be on or off")
    named = tuple(filter(None, (part.strip() for part in environ.get(TRACKS, "").split(","))))
    if unknown := sorted({*named} - {*track_names()}):
        raise BadConfig(f"{TRACKS} names {unknown[0]!r}; the tracks are: {', '.join(track_names())}")
    return NightlySettings(int(clock[1]), int(clock[2]), zone, automation == "on", named or track_names())


def inputs_of(workspaces: Sequence[Workspace]) -> dict[str, str]:
    """Return a short hash of each input of some tracks: contributors, sessions, prompts, deploy files, settings, code."""
    ws, tracks = workspaces[0], [each.track.name for each in workspaces]
    sessions = sessions_in(ws.sessions)[0]
    deployed = sorted(path for path in ws.deploy.glob("*") if path.is_file())
    parts = {
        "contributors": [
            (name, _sha256(path)) for each in workspaces for name, path in sorted(each.track.contributors(each).items())
        ],
        "sessions": [(path.name, _sha256(path)) for path in sessions],
        "prompts": [(path.name, _sha256(path)) for path in sorted(ws.prompts.glob("*.jsonl"))],
        "deploy": [(path.name, _sha256(path)) for path in deployed],
        "settings": [
            tracks,
            ws.profile.name,
            ws.seed,
            ws.base_model,
            ws.teacher_endpoint,
            ws.teacher_model,
            [
                (each.track.name, sorted((name, sorted(fields.items())) for name, fields in each.overrides.items()))
                for each in workspaces
            ],
            sorted(ws.options.items()),
            ws.teacher_identity,
        ],
        "code": package_version(),
    }
    return {name: digest(repr(part))[:12] for name, part in parts.items()}


def _sha256(path: Path) -> str:
    try:
        return sha256_file(path)
    except OSError:
        # Renamed meanwhile, or not readable: the nightly still runs, and the stage that needs the file reports it.
        return "unreadable"


def to_tag(inputs: Mapping[str, str]) -> str:
    """Write the hashes as one run tag, ``contributors:4f… sessions:…``; ``from_tag`` reads it."""
    return " ".join(f"{name}:{digest}" for name, digest in inputs.items())


def from_tag(tag: str) -> dict[str, str]:
    """Read what ``to_tag`` wrote."""
    return dict(part.split(":", 1) for part in tag.split() if ":" in part)


def changed(now: Mapping[str, str], last_success: Mapping[str, str] | None) -> str:
    """Name what differs from the last success (``contributors, code``), or ``NOTHING``; ``EVERYTHING`` without a last success."""
    if last_success is None:
        return EVERYTHING
    return ", ".join(name for name in now if now[name] != last_success.get(name)) or NOTHING
