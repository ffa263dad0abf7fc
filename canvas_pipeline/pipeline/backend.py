"""Choose what generates a checkpoint's predictions: this machine's transformers, or a server that has the model."""

from __future__ import annotations

from canvas_pipeline.pipeline.workspace import Workspace


def served(ws: Workspace) -> tuple[str, ...]:
    """Where a server answers for a checkpoint, as options of a command: the workspace's options ``bench_endpoint`` or
    ``bench_server``, and the folder of the answers, which later runs reuse."""
    named = {"--address": ws.options.get("bench_endpoint", ""), "--serve": ws.options.get("bench_server", "")}
    return (*(word for pair in named.items() if pair[1] for word in pair), "--answers", str(ws.private / "served"))


def backend_of(ws: Workspace) -> str:
    """What answers for a checkpoint: this machine's transformers (``hf``), unless an option names a server."""
    return "served" if ws.options.get("bench_endpoint") or ws.options.get("bench_server") else "hf"
