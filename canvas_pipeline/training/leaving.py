"""Complete what a training leaves behind for the programs that load it elsewhere (vLLM, mlx, llama.cpp, PEFT).

A model folder gets the processor files of the base it was trained from, and the configuration keys that older readers need. An
adapter is kept as a PEFT folder of two files, whose base has a name and no path. Does not import torch.
"""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.training.weights import MODEL

PROCESSORS = "*processor_config.json"
"""Files that say how pictures, sounds and videos become tokens: of the model, not of its weights."""
ADAPTER_CONFIG, ADAPTER_WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
_SNAPSHOT = re.compile(r"models--(?P<owner>[^/]+?)--(?P<name>[^/]+)/snapshots/(?P<commit>[0-9a-f]{40})$")


def carry_processors(base: Path, folder: Path) -> None:
    """Copy the processor files of a base model's folder. A text-only base has none, and none is made up."""
    for path in sorted(base.glob(PROCESSORS)):
        shutil.copyfile(path, folder / path.name)


def complete_config(folder: Path, family: ModelFamily) -> None:
    """Write ``global_head_dim`` into a saved ``config.json``, beside the per-layer sizes that transformers writes in its place.

    vLLM and mlx read the key; transformers reads both. Only a family whose full-attention layers may have heads of another size has
    it (``GgufFacts.same_head_dim``)."""
    path = folder / "config.json"
    if not family.gguf.same_head_dim or not path.is_file():
        return
    config = json.loads(path.read_bytes())
    text = config.get("text_config", config)
    sizes = {layer["head_dim"] for layer in (text.get("per_layer_config") or {}).values() if "head_dim" in layer}
    if len(sizes) <= 1 and "head_dim" in text:
        text.setdefault("global_head_dim", next(iter(sizes), text["head_dim"]))
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def keep_adapter(trained: Path, out: Path, base: tuple[str, str | None]) -> None:
    """Copy a trained adapter to the folder ``out``: its weights, and its configuration with the name and revision of its base.

    What else PEFT and the trainer wrote (a card, pickled arguments) holds paths of this machine and is left behind. Raises
    ``BadInput`` where the adapter is not whole."""
    if not all((trained / name).is_file() for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)):
        raise BadInput(f"{trained}: no whole adapter there; train again")
    config = json.loads((trained / ADAPTER_CONFIG).read_bytes())
    config["base_model_name_or_path"], config["revision"] = base
    out.mkdir(parents=True)
    (out / ADAPTER_CONFIG).write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    shutil.copyfile(trained / ADAPTER_WEIGHTS, out / ADAPTER_WEIGHTS)


def base_name(track: str, start: str, path: Path) -> tuple[str, str | None]:
    """Return the name and revision of the weights that an adapter belongs on, the stage ``start`` in the folder ``path``:

    a hub id with its commit, the name of a local folder, or ``<track>-<stage>`` of a checkpoint of this pipeline."""
    snapshot = _SNAPSHOT.search(path.as_posix())
    if snapshot:
        return f"{snapshot['owner']}/{snapshot['name']}", snapshot["commit"]
    if start == "base_model" and not (path / MODEL).is_dir() and path.name != MODEL:
        return path.name, None
    return f"{track}-{start.removesuffix('_checkpoint').replace('_', '-')}", None
