"""What the web UI shows of a stage, for the tests of the tracks' comparisons."""

from __future__ import annotations

import base64

from canvas_pipeline.orchestration.outcome import outcome
from canvas_pipeline.pipeline.workspace import StageResult


def pictures_of(made: StageResult) -> dict[str, bytes]:
    """Return the PNGs in the metadata of a stage's materialisation, by their names there."""
    prefix = "![picture](data:image/png;base64,"
    found = {name: str(value.value) for name, value in (outcome(made).metadata or {}).items()}
    return {name: base64.b64decode(text[len(prefix) : -1]) for name, text in found.items() if text.startswith(prefix)}
