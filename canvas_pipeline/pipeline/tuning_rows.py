"""The rows that a managed service is to tune on: those of supervised training, as conversations."""

from __future__ import annotations

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.managed.export import Conversation
from canvas_pipeline.methods import method
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl


def tuning_rows(ws: Workspace) -> dict[str, tuple[str, list[Conversation]]]:
    """Return the training and the evaluation part of the current split: the file's sha256 and its rows. Cases of the benchmark and
    the test part are never among them. Raises ``MissingInput`` where there is no split."""
    spec = ws.track.datasets[method("sft").dataset]
    split = ws.store.get(spec.split)
    found = {}
    for part, name in (("train", "train"), ("eval", "validation")):
        file = f"{part}.jsonl"
        rows = read_jsonl(split.path(file), spec.row_type)
        conversations = [
            Conversation(row.id, tuple(row.messages), spec.schemas(row, ws.profile))  # type: ignore[attr-defined]
            for row in rows
        ]
        found[name] = (split.manifest.files[file].sha256, conversations)
    return found


def contamination_of(ws: Workspace) -> Verdict | None:
    """Return R8's verdict on the rows of ``tuning_rows``: that none of them is a case of the benchmark. None where the track has no
    such guard. Raises ``GateClosed`` where it failed: a service must not train on them either."""
    found = next((verdict for verdict in ws.track.verdicts(ws) if verdict.guard == "r8"), None)
    if found is not None and not found.passed:
        raise GateClosed(f"{found.name}: {found.reason}; nothing was exported")
    return found
