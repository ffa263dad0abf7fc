"""A small line that satisfies all 13 guards, as frozen rows and numbers, so that a test can spoil exactly one thing.

``Line`` holds the rows of the data sets and what a run would have measured; ``verdicts(line)`` asks every guard what
the pipeline asks, for one method of each family.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.guardrails.guard import (
    AxisMargin,
    BaseEvidence,
    FunnelEvidence,
    ImageEvidence,
    RowsEvidence,
    TrainingEvidence,
)
from canvas_pipeline.guardrails.rows import row_verdict
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.wire import response_text, serialise
from canvas_pipeline.records import Funnel, Message, dumps, write_jsonl
from canvas_pipeline.tracks.canvas.datasets import DATASETS, ROUNDS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.profiles import PROFILES, CanvasProfile
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

PROFILE = msgspec.structs.replace(
    PROFILES["embedded"],
    min_tool_occurrences=3,
    min_trajectories=50,
    min_preference_rows=10,
    min_feedback_rows=10,
    min_bon_rows=10,
    min_round_rows=10,
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


def assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def answered(tool: str) -> Message:
    return Message(role="tool", name=tool, content=response_text({"status": "ok"}))


def trajectory(number: int, tool: str, item: str, *calls: ToolCall) -> Trajectory:
    made = calls or (call(tool),)
    turns = [m for c in made for m in (assistant(serialise(c)), answered(c.name))]
    return Trajectory(
        id=f"t{number}", kind="single", messages=(SYSTEM, user(f"request {number}"), *turns, assistant("Done.")), tools=ALL,
        phrasing=f"{tool}/1", item_ids=(item,), parents=("c:1",),
    )  # fmt: skip


def pair(number: int, axis: str, item: str) -> PreferencePair:
    right, wrong = assistant(serialise(call("canvas.get_todo"))), assistant(serialise(call("canvas.list_courses")))
    if axis == "tool_selection":
        wrong = assistant(serialise(ToolCall("canvas.list_assignments", {})))
    if axis == "format":
        wrong = assistant("<|tool_call>call:canvas.get_todo{")
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


def _said(number: int, axis: str, item: str) -> FeedbackExample:
    return feedback(number, axis, item, label=True)


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
            "bon_train": _rows(_said, 2, AXES, "train"),
            "bon_eval": _rows(_said, 1, AXES, "eval"),
            **{f"{name}_train": _rows(pair, 2, AXES, "train") for name in ROUNDS},
            **{f"{name}_eval": _rows(pair, 1, AXES, "eval") for name in ROUNDS},
        }
    )
    stages: dict[str, str] = field(
        default_factory=lambda: {
            name: _sha(name.encode())
            for name in (
                *{row.start for row in METHODS.values()},
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


def training(**fields: Any) -> TrainingEvidence:
    """What a good run measures, but for some fields."""
    good = {
        "grad_norm": 0.7, "row_norm": 1.0, "max_norm_share": 1.0, "nonfinite_activations": 0, "nonfinite_logits": 0,
        "largest_logit": 12.0, "masks_wrong": 0, "lengths": [100], "max_length": 1024, "margins": [], "axes": AXES,
    }  # fmt: skip
    return TrainingEvidence(**{**good, **fields})


def verdict_on_rows(guard: str, *parts: Any, dataset: str = "preference", profile: CanvasProfile = PROFILE) -> Verdict:
    """The verdict of a guard on rows, bound to nothing."""
    subject = dataset if TABLE.guards[guard].per == "dataset" else None
    return TABLE.guards[guard].verdict(RowsEvidence(parts, DATASETS[dataset], profile), {}, subject)


def verdict_on(guard: str, evidence: Any, subject: str | None = None) -> Verdict:
    """The verdict of a guard on other evidence, bound to nothing."""
    return TABLE.guards[guard].verdict(evidence, {}, subject)


def verdicts(line: Line, method: str) -> list[Verdict]:
    """The verdicts that the pipeline asks for, for one method."""
    row, every = METHODS[method], line.hashes()
    measured = training(grad_norm=line.grad_norm, lengths=line.lengths, margins=line.margins)
    evidence: dict[type, Any] = {
        BaseEvidence: BaseEvidence(right=line.base_selection, cases=200, maximum=0.7),
        FunnelEvidence: FunnelEvidence(line.funnels, line.allowances),
        ImageEvidence: line.image,
        TrainingEvidence: measured,
    }
    return [
        row_verdict(TABLE, guard, row.dataset, line.rows.__getitem__, every, PROFILE)
        if guard.recomputable
        else guard.verdict(evidence[guard.reads], {name: every[name] for name in guard.inputs(row)}, guard.subject(row))
        for guard in TABLE.of_method(row)
    ]
