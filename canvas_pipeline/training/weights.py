"""Find the folder of a model's weights: a local folder, a stage's ``model`` folder, or a snapshot from the hub.

Separate from ``checkpoint``, which loads them: run specs need only the folder. Does not import torch.
"""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.errors import MissingInput, MissingTool, ServiceUnavailable

MODEL, CANDIDATES = "model", "candidates"
"""The folders of a trained checkpoint: the weights of its last step; and one below ``candidates`` for each earlier step that was
kept."""
ADAPTER = "adapter"
"""The folder of the adapter that was folded into the weights: beside ``model``, or inside a candidate's folder."""


def resolve(model: str) -> Path:
    """Return the local folder of a model: the path itself, or the hub's snapshot, downloaded where it is not in the cache.

    Raises ``MissingInput`` for a path that is not there, ``ServiceUnavailable`` when the hub does not answer."""
    path = Path(model)
    if path.is_dir():
        return path
    if model.count("/") != 1 or model.startswith((".", "/", "~")):
        raise MissingInput(f"{model}: no such folder, and not a hub id of the form owner/model")
    try:
        from huggingface_hub import snapshot_download
    except ImportError:
        raise MissingTool("huggingface_hub is not installed; install the extra canvas-pipeline[train]") from None
    try:
        return Path(snapshot_download(model, allow_patterns=["*.json", "*.safetensors", "*.jinja", "*.model"]))
    except Exception as error:
        raise ServiceUnavailable(
            f"{model} could not be fetched from the hub ({type(error).__name__}); accept its licence, log in, or give a "
            "local folder"
        ) from None


def model_folder(path: Path) -> Path:
    """Return the folder with the weights: ``path`` or its ``model`` folder. Raises ``MissingInput`` where neither has any."""
    for folder in (path, path / MODEL):
        if (folder / "config.json").is_file():
            return folder
    raise MissingInput(f"{path}: no model there (no config.json); materialise the stage that makes it first")
