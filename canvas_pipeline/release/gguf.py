"""Convert a checkpoint to GGUF and quantise it, each step in a child process with limits.

The same model folder gives the same bytes. Files are written atomically, and their metadata contains neither file name nor path. A
model that makes llama.cpp abort ends the child, not the caller (see ``gguf_worker``). ``quant_check`` reads the result back, since
llama.cpp falls back to other tensor types silently.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from canvas_pipeline.errors import BadConfig, BadInput, CanvasPipelineError, MissingInput, MissingTool
from canvas_pipeline.models import jinja
from canvas_pipeline.models.families import known_family
from canvas_pipeline.models.family import GgufFacts
from canvas_pipeline.release.converter import ensure_converter
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.training.threads import cores

QUANTS: tuple[str, ...] = ("Q2_K", "Q3_K_M", "Q4_K_M", "Q5_K_M", "Q6_K", "Q8_0")
OutType = Literal["f32", "f16", "bf16"]
GIB = 1 << 30


class ModelFileUnusable(BadInput):
    """A child process aborted, exceeded its limits, or reported an error for a model file."""


def convert(
    model: Path,
    out: Path,
    *,
    outtype: OutType = "f16",
    name: str = "model",
    converter: Path | None = None,
    seconds: float = 7200,
) -> Path:
    """Convert a model folder to an unquantised GGUF file and return its path.

    ``name`` goes into the metadata as ``general.name`` (never the folder's). Raises ``MissingInput`` for a folder without a
    config, ``MissingTool`` where the converter is not available, ``ModelFileUnusable`` with the converter's last line.
    """
    if not (model / "config.json").is_file():
        raise MissingInput(f"{model} is no model folder (config.json is missing); materialise its checkpoint first")
    home = converter or ensure_converter()
    family = known_family(model)
    facts = family.gguf if family else GgufFacts()
    return _write_whole(
        out,
        lambda part: run_child(
            "convert",
            {
                "converter": str(home),
                "model": str(model),
                "out": str(part),
                "outtype": outtype,
                "name": name,
                "chat_template": _published_template(model),
                "pre_tokenizer": facts.pre_tokenizer,
                "vocabulary_as": facts.vocabulary_as,
                "same_head_dim": facts.same_head_dim,
            },
            subject=model,
            seconds=seconds,
        ),
    )


def _published_template(model: Path) -> str | None:
    """Return the chat template without the marks for training, or None where the folder's has no marks (as all that are saved
    here: a base of elsewhere may have them)."""
    path = model / "chat_template.jinja"
    if not path.is_file() or jinja.MARKED not in (text := path.read_text(encoding="utf-8")):
        return None
    return jinja.published(text)


def precision_of(model: Path) -> OutType:
    """Return the type to convert a model folder to: the one that most of its bytes have, ``f16`` where that is none of the three.

    Through another type weights would change before they are quantised."""
    counted: Counter[str] = Counter()
    for path in sorted(model.glob("*.safetensors")):
        with path.open("rb") as file:
            header = json.loads(file.read(int.from_bytes(file.read(8), "little")))
        for name, tensor in header.items():
            if name != "__metadata__":
                start, end = tensor["data_offsets"]
                counted[tensor["dtype"]] += end - start
    types: Mapping[str, OutType] = {"F32": "f32", "BF16": "bf16"}
    return types.get(counted.most_common(1)[0][0], "f16") if counted else "f16"


def quantise(source: Path, out: Path, quant: str, *, threads: int | None = None, seconds: float = 3600) -> Path:
    """Quantise ``source`` to one of ``QUANTS`` on all cores (or ``threads``) and return ``out``. Raises ``BadConfig`` for another
    name and ``ModelFileUnusable`` where llama.cpp fails. The bytes do not depend on the number of threads."""
    if quant not in QUANTS:
        raise BadConfig(f"there is no quant {quant!r} here; choose one of: {', '.join(QUANTS)}")
    if not source.is_file():
        raise MissingInput(f"{source}: no such file; convert the checkpoint first")
    return _write_whole(
        out,
        lambda part: run_child(
            "quantise",
            {"source": str(source), "out": str(part), "quant": quant, "threads": threads or cores()},
            subject=source,
            seconds=seconds,
        ),
    )


def export(
    model: Path, folder: Path, *, name: str, quants: tuple[str, ...] = QUANTS, outtype: OutType | None = None
) -> dict[str, Path]:
    """Convert once, to ``outtype`` or what ``precision_of`` says, and quantise to every one of ``quants``. Return quant →
    ``<folder>/<name>-<quant>.gguf``.

    The unquantised file is removed."""
    folder.mkdir(parents=True, exist_ok=True)
    outtype = outtype or precision_of(model)
    source = convert(model, folder / f".{name}-{outtype}.gguf", outtype=outtype, name=name)
    try:
        return {quant: quantise(source, folder / f"{name}-{quant}.gguf", quant) for quant in quants}
    finally:
        source.unlink(missing_ok=True)


def run_child(
    command: str, request: Mapping[str, Any], *, subject: Path, seconds: float, memory: int | None = None
) -> dict[str, Any]:
    """Run one ``gguf_worker`` command and return its reply.

    ``seconds`` bounds wall and CPU time (a spinning reader ends too); ``memory`` bounds the address space in bytes. Raises
    ``ModelFileUnusable`` naming ``subject``, the signal or the last line of stderr, and ``MissingTool`` where the release
    extra is not installed.
    """
    # The child sets its limits: a preexec function can deadlock in a program with threads.
    limits = {"cpu_seconds": int(seconds * (os.cpu_count() or 1)) + 1, "memory": memory}
    # One BLAS thread: each reserves address space, which the limit counts.
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        (sys.executable, "-m", "canvas_pipeline.release.gguf_worker", command),
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace",
        env=environment, start_new_session=True,
    )  # fmt: skip
    try:
        out, err = process.communicate(json.dumps({**request, "limits": limits}), timeout=seconds)
    except subprocess.TimeoutExpired:
        _kill(process)
        raise ModelFileUnusable(
            f"{subject}: {command} did not end within {seconds:g} s; the file may be damaged"
        ) from None
    except BaseException:
        _kill(process)
        raise
    if process.returncode:
        raise _failure(command, subject, process.returncode, err)
    reply: dict[str, Any] = json.loads(out.rstrip().rsplit("\n", 1)[-1])
    return reply


def _kill(process: subprocess.Popen[str]) -> None:
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def _failure(command: str, subject: Path, code: int, err: str) -> CanvasPipelineError:
    lines = [line.strip() for line in err.splitlines() if line.strip()]
    if code < 0:
        reason = f"ended by {signal.Signals(-code).name}"
    else:
        reason = lines[-1] if lines else f"exit code {code}"
    for module in ("llama_cpp", "gguf", "torch", "transformers"):
        if f"No module named '{module}'" in reason:
            extra = "release" if module in ("llama_cpp", "gguf") else "train"
            return MissingTool(f"{module} is not installed; run: uv sync --locked --extra {extra}")
    return ModelFileUnusable(f"{subject}: {command} failed ({reason})")


def _write_whole(out: Path, write: Callable[[Path], object]) -> Path:
    """Call ``write`` with a temporary path and move the file to ``out``, all or nothing."""
    with whole_file(out) as part:
        write(part)
        if not part.is_file():
            raise ModelFileUnusable(f"{out}: no file was written, though no error was reported")
    return out
