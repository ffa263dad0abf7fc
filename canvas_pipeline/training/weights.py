"""Where a model's weights lie: in a folder, in the ``model`` folder of a stage, or on the hub.

Apart from ``checkpoint``, which loads them: a run spec only names a folder. No torch here.
"""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.errors import MissingInput, MissingTool, ServiceUnavailable


def resolve(model: str) -> Path:
    """The local folder of a model: the path itself, or the hub's snapshot, fetched when it is not in the cache.

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
        patterns = ["*.json", "*.safetensors", "*.jinja", "*.model"]
        return Path(snapshot_download(model, allow_patterns=patterns))
    except Exception as error:
        raise ServiceUnavailable(
            f"{model} could not be fetched from the hub ({type(error).__name__}); accept its licence, log in, or give a "
            "local folder"
        ) from None


def model_folder(path: Path) -> Path:
    """Where the weights lie: the folder itself, or its ``model`` folder. Raises ``MissingInput`` where neither has any."""
    for folder in (path, path / "model"):
        if (folder / "config.json").is_file():
            return folder
    raise MissingInput(f"{path}: no model there (no config.json); materialise the stage that makes it first")
