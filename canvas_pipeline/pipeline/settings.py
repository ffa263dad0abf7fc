"""Define the pipeline's settings in one table: field, environment variable, meaning, default, and how the variable's text is read.

The Dagster resource, every command, the image and the systemd units take their settings from here, so that a variable means
the same in all of them. A command's option, or the launch pad, overrides the variable for one run.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline import overrides
from canvas_pipeline.pipeline.track import Track
from canvas_pipeline.pipeline.workspace import DEPLOY, Log, Workspace, allowance_of, workspace

METHOD = "CANVAS_TRAIN_METHOD"
"""Environment variable of the method that ``canvas-train`` trains."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One setting of a run. ``read`` turns a variable's name and text into the field's value, or raises ``BadConfig``."""

    field: str
    variable: str
    help: str
    default: Any
    read: Callable[[str, str], Any]


def _text(variable: str, text: str) -> str:
    return text


def _whole(variable: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise BadConfig(f"{variable} is {text!r}; it must be a whole number such as 7") from None


def _path(variable: str, text: str) -> str:
    """Make it absolute, since a step may run in another folder."""
    return str(Path(text).expanduser().resolve())


def _listed(variable: str, text: str) -> list[str]:
    return [part.strip() for part in text.split(";") if part.strip()]


def _pairs(variable: str, text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for part in _listed(variable, text):
        name, given, value = part.partition("=")
        if not given:
            raise BadConfig(f"{variable} holds {part!r}; write NAME=VALUE, several with semicolons between them")
        found[name.strip()] = value.strip()
    return found


SETTINGS: Mapping[str, Setting] = {
    field: Setting(field=field, variable=variable, help=text, default=default, read=read)
    for field, variable, read, default, text in (
        ("root", "CANVAS_DATA", _path, None, "the data folder: collab/, sessions/, prompts/, artifacts/, releases/, private/"),
        ("profile", "CANVAS_PROFILE", _text, "embedded", "embedded (runs anywhere) or gb10 (a DGX Spark)"),
        ("seed", "CANVAS_SEED", _whole, 7, "of rows, splits, data order and initialisation"),
        ("base_model", "CANVAS_BASE_MODEL", _text, "", "instead of the profile's base: a local folder or a hub id"),
        ("teacher_endpoint", "CANVAS_TEACHER_ENDPOINT", _text, "",
         "OpenAI-compatible base URL of the teacher; empty: the embedded urgency rule"),
        ("teacher_model", "CANVAS_TEACHER_MODEL", _text, "", "the model that must answer at the teacher's endpoint"),
        ("teacher_identity", "CANVAS_TEACHER_IDENTITY", _text, "",
         "whose weights the teacher has, where its server does not report them; recorded in every vote as stated"),
        ("deploy", "CANVAS_DEPLOY", _path, str(DEPLOY), "folder of the training image's Dockerfile and compose file"),
        ("overrides", "CANVAS_OVERRIDES", _path, "", "YAML file of numbers instead of the method table's: track, profile, method"),
        ("numbers", "CANVAS_SET", _listed, [],
         "METHOD.FIELD=VALUE each: numbers instead of the method table's and the overrides file's, e.g. dpo.beta=0.1"),
        ("options", "CANVAS_OPTIONS", _pairs, {}, "NAME=VALUE each: settings that only the track knows, see its page in docs"),
    )
}  # fmt: skip
"""Field of the Dagster resource → its setting. A variable's list is text with semicolons between the items."""


def given(environ: Mapping[str, str]) -> dict[str, Any]:
    """Return field → value of the settings that an environment gives; an empty variable gives none. Raises ``BadConfig``."""
    return {
        setting.field: setting.read(setting.variable, text)
        for setting in SETTINGS.values()
        if (text := environ.get(setting.variable, "").strip())
    }


def default(field: str) -> Any:
    """Return the default of a setting; the data folder's is ``data`` of the working directory."""
    return str(Path("data").absolute()) if field == "root" else SETTINGS[field].default


def data_folder(named: Path | None = None) -> Path:
    """Return the data folder: the one that is named, else the environment's, else the default."""
    return named or Path(given(os.environ).get("root", default("root")))


def open_workspace(track: Track, fields: Mapping[str, Any], log: Log | None = None) -> Workspace:
    """Open the workspace of some settings; those not named have their defaults. ``allow_shrinkage`` is a list as on the launch pad.

    Raises ``BadConfig`` or ``MissingInput``."""
    values = {name: fields.get(name, default(name)) for name in SETTINGS}
    profile = str(values["profile"])
    changed = overrides.resolve(track, profile, str(values.pop("overrides") or ""), values.pop("numbers"))
    return workspace(
        Path(values.pop("root")),
        values.pop("profile"),
        track,
        **{**values, "deploy": Path(values["deploy"])},
        overrides=changed,
        allowances=tuple(map(allowance_of, fields.get("allow_shrinkage") or ())),
        **({"log": log} if log else {}),
    )


def from_environment(track: Track, log: Log | None = None, **fields: Any) -> tuple[Workspace, dict[str, Any]]:
    """Open a command's workspace: ``fields`` are its options, the environment gives the rest. Return the resource's configuration
    too, with which a run of the Dagster instance has the same settings."""
    pairs, numbers = fields.pop("options", None) or [], fields.pop("numbers", None) or []
    found = {**given(os.environ), **{name: value for name, value in fields.items() if value is not None}}
    found["options"] = {**found.get("options", {}), **_pairs("--option", ";".join(pairs))}
    found["numbers"] = [*found.get("numbers", []), *numbers]
    ws = open_workspace(track, found, log)
    config = {
        **found,
        **{name: str(Path(found[name]).resolve()) for name in ("deploy", "overrides") if found.get(name)},
        "root": str(ws.root),
    }
    return ws, config
