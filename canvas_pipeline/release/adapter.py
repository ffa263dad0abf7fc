"""Read a LoRA adapter in PEFT's form and check that it is whole, without loading it.

Weights are read from safetensors only. A pickle runs code when it is loaded: a folder that holds one is refused."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.training.leaving import ADAPTER_CONFIG, ADAPTER_WEIGHTS

TARGETS = frozenset({"q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"})
"""The linear layers of a decoder, which an adapter changes."""
PICKLES = (".bin", ".pt", ".pth", ".pkl", ".pickle", ".ckpt", ".joblib")
_PICKLE_STARTS = (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05", b"PK\x03\x04")
_PART = re.compile(r"(?P<module>.+)\.lora_(?P<side>[AB])(?:\.default)?\.weight")


@dataclass(frozen=True, slots=True)
class Adapter:
    """A checked adapter: what it was trained on, its rank and alpha, the kinds of layers it changes, and its parameters."""

    folder: Path
    base: str
    rank: int
    alpha: float
    targets: tuple[str, ...]
    parameters: int


def read_adapter(folder: Path) -> Adapter:
    """Check an adapter's folder. Raises ``MissingInput`` where a file is missing, and ``BadInput`` for a pickle, a cut or malformed
    file, weights that do not have the rank of the configuration, and layers that are no linear layers of a decoder."""
    refuse_pickles(folder)
    for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
        if not (folder / name).is_file():
            raise MissingInput(f"{folder / name}: not there; a PEFT adapter is {ADAPTER_CONFIG} and {ADAPTER_WEIGHTS}")
    config = _config(folder / ADAPTER_CONFIG)
    shapes = header(folder / ADAPTER_WEIGHTS)
    sides: dict[str, dict[str, list[int]]] = {}
    for name, shape in shapes.items():
        part = _PART.fullmatch(name)
        if part is None:
            raise BadInput(
                f"{folder / ADAPTER_WEIGHTS}: {name} is no LoRA weight; save the adapter with PEFT, without other modules"
            )
        sides.setdefault(part["module"], {})[part["side"]] = shape
    for module, found in sides.items():
        if found.keys() != {"A", "B"} or found["A"][0] != config["r"] or found["B"][-1] != config["r"]:
            raise BadInput(
                f"{folder / ADAPTER_WEIGHTS}: {module} is not a pair of rank {config['r']}, as {ADAPTER_CONFIG} says"
            )
    targets = {module.rpartition(".")[2] for module in sides}
    if not targets or targets - TARGETS:
        changed = ", ".join(sorted(targets)) or "nothing"
        raise BadInput(f"{folder}: the adapter changes {changed}; layers of a decoder are {', '.join(sorted(TARGETS))}")
    return Adapter(
        folder=folder, base=config["base_model_name_or_path"], rank=config["r"], alpha=config["lora_alpha"],
        targets=tuple(sorted(targets)), parameters=sum(math.prod(shape) for shape in shapes.values()),
    )  # fmt: skip


def refuse_pickles(folder: Path) -> None:
    """Raise ``BadInput`` where a folder holds a pickle, by name or by content."""
    if not folder.is_dir():
        raise MissingInput(f"{folder}: no such folder")
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        with path.open("rb") as file:
            start = file.read(4)
        if path.suffix in PICKLES or start.startswith(_PICKLE_STARTS):
            raise BadInput(
                f"{path}: a pickle, which runs code when it is loaded; leave it out, weights are safetensors"
            )


def _config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
    except ValueError:
        raise BadInput(f"{path}: malformed JSON") from None
    wanted: dict[str, Any] = {"peft_type": str, "base_model_name_or_path": str, "r": int, "lora_alpha": (int, float)}
    wrong = [
        key for key, kind in wanted.items() if not isinstance(config, dict) or not isinstance(config.get(key), kind)
    ]
    if wrong or config["peft_type"] != "LORA" or config["r"] < 1:
        raise BadInput(
            f"{path}: not the configuration of a LoRA adapter (look at {', '.join(wrong) or 'peft_type and r'})"
        )
    return dict(config)


def header(path: Path) -> dict[str, list[int]]:
    """Return name → shape of a safetensors file from its header. Raises ``BadInput`` where header and file do not agree."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_slice(name).get_shape() for name in file.keys()}  # noqa: SIM118 (it is no mapping)
    except SafetensorError as error:
        raise BadInput(f"{path}: not a whole safetensors file ({error}); fetch it again") from None
