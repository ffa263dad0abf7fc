"""Give the shipped base of plain text, which the tracks without a chat template train. The instruct track makes it."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.training.pretrain import verified

SHIPPED = Path(__file__).parent / "instruct" / "embedded_text"
COMMAND = "python -m canvas_pipeline.tracks.instruct.text_base --out FOLDER"


def shipped_text_base(folder: Path = SHIPPED) -> Path:
    """Return the folder of the shipped base. Raises ``MissingInput`` or ``ArtifactCorrupt`` if its files are not as recorded."""
    return verified(folder, COMMAND)
