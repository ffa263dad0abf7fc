"""A small line that satisfies all 13 guards, as frozen rows and numbers, so that a test can spoil exactly one thing.

``Line`` holds the rows of three data sets and what a run would have measured; ``verdicts(line)`` asks every guard what
the pipeline asks, for one method of each family.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.guardrails import data, run
from canvas_pipeline.guardrails.run import AxisMargin, ImageEvidence
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.models.gemma4.wire import ToolCall, response_text, serialise
from canvas_pipeline.profiles import PROFILES
from canvas_pipeline.records import FeedbackExample, Funnel, Message, PreferencePair, Trajectory, dumps, write_jsonl
from canvas_pipeline.tools.registry import TOOLS

PROFILE = msgspec.structs.replace(
    PROFILES["embedded"], min_tool_occurrences=3, min_trajectories=50, min_preference_rows=10, min_feedback_rows=10
)
AXES = (
    "tool_selection", "argument_keys", "argument_values", "parsimony", "ordering", "format", "domain_fit",
    "termination",
)  # fmt: skip
ALL = tuple(TOOLS)
SYSTEM = Message(role="system", content="Canvas assistant. Now: 2026-03-02T09:00:00Z Mon.")
ARGUMENTS: dict[str, Any] = {
    "course_id": 4264, "event_id": "evt_7", "rationale": "you asked", "title": "Lab 2 ✓ <\\|turn>",
    "query": "which first",
    "start_iso": "2026-03-03T09:00:00Z", "end_iso": "2026-03-03T10:00:00Z", "exam_iso": "2026-03-20T09:00:00Z",
    "exam_start_iso": "2026-03-20T09:00:00Z", "exam_end_iso": "2026-03-20T11:00:00Z",
    "semester_end_iso": "2026-05-08T00:00:00Z",
    "deadlines": [{"title": "Essay", "due_iso": "2026-04-01T23:59:00Z", "estimated_hours": 6.5}],
    "task_type": "writing", "item_a": "Essay", "item_b": "Quiz 3", "course_ids": [4264, 4301],
}  # fmt: skip


def call(tool: str) -> ToolCall:
    """A valid call with all required arguments."""
    return ToolCall(tool, {p.name: ARGUMENTS[p.name] for p in TOOLS[tool].parameters if p.required})


def user(text: str) -> Message:
    return Message(role="user", content=text)


def said(text: str) -> Message:
    return Message(role="assistant", content=text)


def answered(tool: str) -> Message:
    return Message(role="tool", name=tool, content=response_text({"status": "ok"}))


def trajectory(number: int, tool: str, item: str, *calls: ToolCall) -> Trajectory:
    made = calls or (call(tool),)
    turns = [m for c in made for m in (said(serialise(c)), answered(c.name))]
    return Trajectory(
        id=f"t{number}", kind="single", messages=(SYSTEM, user(f"request {number}"), *turns, said("Done.")), tools=ALL,
        phrasing=f"{tool}/1", item_ids=(item,), parents=("c:1",),
    )  # fmt: skip


def pair(number: int, axis: str, item: str) -> PreferencePair:
    right, wrong = said(serialise(call("canvas.get_todo"))), said(serialise(call("canvas.list_courses")))
    if axis == "tool_selection":
        wrong = said(serialise(ToolCall("canvas.list_assignments", {})))
    if axis == "format":
        wrong = said("<|tool_call>call:canvas.get_todo{")
    return PreferencePair(
        id=f"p{number}", source="mutation", axes=(axis,), prompt=(SYSTEM, user(f"request {number}")), chosen=(right,),
        rejected=(wrong,), tools=ALL, phrasing="get_todo/1", item_ids=(item,), parents=(f"t{number}",),
    )  # fmt: skip


def feedback(number: int, axis: str, item: str, label: bool) -> FeedbackExample:
    row = pair(number, axis, item)
    return FeedbackExample(
        id=f"k{number}", prompt=row.prompt, completion=row.chosen if label else row.rejected, label=label,
        axes=() if label else (axis,), tools=ALL, phrasing=row.phrasing, item_ids=(item,), parents=(row.id,),
    )  # fmt: skip


def _rows(build: Any, groups: int, names: tuple[str, ...], side: str) -> tuple[Any, ...]:
    """``groups`` rows of each name; train and eval draw on different items and row numbers."""
    offset = 0 if side == "train" else 1000
    return tuple(
        build(offset + g * len(names) + i, name, f"{side}-item-{(g + i) % 5}")
        for g in range(groups)
        for i, name in enumerate(names)
    )


def _feedback(number: int, axis: str, item: str) -> FeedbackExample:
    return feedback(number, axis, item, label=number % 2 == 0)


@dataclass
class Line:
    """Everything the guards look at. Tests replace one field, or one row of one."""

    rows: dict[str, tuple[Any, ...]] = field(
        default_factory=lambda: {
            "trajectory_train": _rows(trajectory, 3, ALL, "train"),
            "trajectory_eval": _rows(trajectory, 1, ALL[:4], "eval"),
            "preference_train": _rows(pair, 2, AXES, "train"),
            "preference_eval": _rows(pair, 1, AXES, "eval"),
            "feedback_train": _rows(_feedback, 2, AXES, "train"),
            "feedback_eval": _rows(_feedback, 1, AXES, "eval"),
        }
    )
    stages: dict[str, str] = field(
        default_factory=lambda: {
            name: _sha(name.encode())
            for name in (
                "base_model",
                "checkpoint/sft",
                "bench_cases",
                "deploy/Dockerfile.training",
                "deploy/compose.yaml",
            )
        }
    )
    funnels: list[Funnel] = field(
        default_factory=lambda: [
            Funnel(stage="corpus", rows_in=100, kept=70, merged=5, refused={"no_title": 25}),
            Funnel(stage="labelled_pairs", rows_in=100, kept=50, refused={"not_unanimous": 50}),
        ]
    )
    allowances: list[Allowance] = field(
        default_factory=lambda: [
            Allowance(
                stage="labelled_pairs",
                minimum_retained=0.45,
                reason="votes must be unanimous over three presentations",
            )
        ]
    )
    base_selection: float = 0.41
    grad_norm: float = 0.7
    margins: list[AxisMargin] = field(
        default_factory=lambda: [AxisMargin(axis=a, before=0.0, after=0.2, rows=4) for a in AXES]
    )
    image: ImageEvidence = field(
        default_factory=lambda: ImageEvidence(
            how="parsed", engine=None, build_exit_code=0, help_exit_code=0, collisions=()
        )
    )
    lengths: list[int] = field(default_factory=lambda: [100] * 199 + [1025])

    def hashes(self) -> dict[str, str]:
        """name → sha256 of every input, as it would be on disk."""
        return {
            **self.stages,
            **{name: _sha(b"".join(dumps(r) + b"\n" for r in rows)) for name, rows in self.rows.items()},
        }

    def write(self, folder: Path) -> dict[str, Path]:
        """The data sets as files."""
        paths = {name: folder / f"{name}.jsonl" for name in self.rows}
        for name, path in paths.items():
            write_jsonl(path, self.rows[name])
        return paths


def _sha(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()


def verdicts(line: Line, method: str) -> list[Verdict]:
    """All 13 verdicts, as the pipeline asks for them, for one method."""
    dataset, start = METHODS[method].dataset, METHODS[method].start
    every = line.hashes()
    train, held_out = line.rows[f"{dataset}_train"], line.rows[f"{dataset}_eval"]

    def bind(*names: str) -> dict[str, str]:
        return {name: every[name] for name in names}

    both = bind(f"{dataset}_train", f"{dataset}_eval")
    trajectories = line.rows["trajectory_train"]
    pairs = line.rows["preference_train"] + line.rows["preference_eval"]
    mini = bind(f"{dataset}_train", start)
    return [
        data.g1(pairs, bind("preference_train", "preference_eval")),
        run.g2(train, held_out, both, dataset),
        run.g3(line.base_selection, 200, bind("base_model", "bench_cases"), maximum=0.7),
        data.g4(trajectories, PROFILE.min_tool_occurrences, PROFILE.max_tool_cv, bind("trajectory_train")),
        run.g5(method, line.grad_norm, 1.0, 0, 0, mini, largest_logit=12.0),
        data.g6(line.funnels, line.allowances, both, dataset),
        data.g7(train + held_out, both, dataset),
        data.g8(train + held_out, both, dataset),
        run.g9(method, line.margins, AXES, mini),
        run.g10(line.image, bind("deploy/Dockerfile.training", "deploy/compose.yaml")),
        data.g11(line.lengths, 1024, method, {**both, **bind("base_model")}),
        run.g12(len(train), dataset, PROFILE, bind(f"{dataset}_train")),
        data.g13(trajectories, bind("trajectory_train")),
    ]
