"""Options of commands for the pipeline's settings: name, environment variable and help are those of the table in ``settings``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from canvas_pipeline.pipeline.settings import SETTINGS
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline.privacy.courses.registry import KEY_VARIABLE


def option(field: str, *names: str, **more: Any) -> Any:
    """Return the option of a setting. It reads the setting's variable, and ``--help`` shows it. ``more`` is typer's."""
    setting = SETTINGS[field]
    return typer.Option(*names, envvar=setting.variable, show_envvar=True, help=setting.help, **more)


def _optional(field: str, name: str) -> Any:
    shown = "data" if field == "root" else str(SETTINGS[field].default)
    return option(field, name, show_default=shown or False)


def several(field: str, *names: str) -> Any:
    """Return the option of a setting that is a list: it is given once for each item, and added to what its variable gives."""
    setting = SETTINGS[field]
    return typer.Option(*names, help=f"{setting.help} [env var: {setting.variable}, with semicolons]")


TrackName = Annotated[str, typer.Option("--track", envvar="TRACK", help=f"one of: {', '.join(track_names())}")]
# None where neither the option nor the variable gives a value: ``settings.from_environment`` fills in the default.
Root = Annotated[Path | None, _optional("root", "--root")]
ProfileName = Annotated[str | None, _optional("profile", "--profile")]
Seed = Annotated[int | None, _optional("seed", "--seed")]
BaseModel = Annotated[str | None, _optional("base_model", "--base-model")]
Deploy = Annotated[Path | None, _optional("deploy", "--deploy")]
Overrides = Annotated[Path | None, _optional("overrides", "--overrides")]
Numbers = Annotated[list[str] | None, several("numbers", "--set")]
Options = Annotated[list[str] | None, several("options", "--option")]
Private = Annotated[
    Path | None,
    typer.Option(
        "--private",
        help=f"Folder of the course registry and its key (mode 0600); {KEY_VARIABLE} overrides the key.",
        show_default=f"private/ of the data folder, {SETTINGS['root'].variable}",
    ),
]
