"""Hand-made benchmark cases and predictions for them."""

from __future__ import annotations

from typing import Any

from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.rows import BenchCase, CaseKind
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

TODO = ToolCall("canvas.get_todo", {})
COURSE = ToolCall("canvas.get_course", {"course_id": 7})
ASSIGNMENTS = ToolCall("canvas.get_assignments", {"course_id": 7, "horizon_days": 3})
MALFORMED = "<|tool_call>call:canvas.get_todo{"


def case(id_: str, kind: CaseKind, *calls: ToolCall, phrasing: str = "") -> BenchCase:
    """Return a case, by default with a wording of its own."""
    args: tuple[dict[str, Any], ...] = tuple(c.arguments for c in calls)
    return BenchCase(
        id=id_, kind=kind, messages=(Message(role="user", content="?"),), expected_tools=tuple(c.name for c in calls),
        expected_args=args, tools=tuple(TOOLS), phrasing=phrasing or id_, item_ids=("i",),
    )  # fmt: skip


def text(*calls: ToolCall) -> str:
    return "".join(serialise(c) for c in calls)


def answers(*texts: str) -> list[Prediction]:
    """Return predictions for cases named c0, c1, …"""
    return [Prediction(id=f"c{i}", text=t) for i, t in enumerate(texts)]
