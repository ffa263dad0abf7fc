"""Small rows of all data sets: every tool, single turns, turns with results, completions of several messages.

They satisfy the row guards of the embedded profile (18 tools evenly, enough rows), so a test can close the gate by spoiling
one thing.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from pathlib import Path

from canvas_pipeline.guardrails.guard import Measured
from canvas_pipeline.guardrails.rows import reader, row_verdict
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.records import Message, write_jsonl
from canvas_pipeline.tracks.canvas.datasets import ROUNDS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import BenchCase, FeedbackExample, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message
from canvas_pipeline.training.admission import limits_of
from canvas_pipeline.training.run import Run
from canvas_pipeline.training.spec import RunSpec

SYSTEM = system_message("2026-03-02T09:00:00+00:00", "catalogue")
WISHES = ("Please run {t} for {n}", "{t} with {n}", "I need {t}, number {n} 🎉")


def models_of(base: Path, reference: Path) -> dict[str, Path]:
    """Every start and every reference that a method names, by its name in a run spec: all the same here."""
    starts = {row.start: base for row in METHODS.values()}
    return {**starts, **{row.reference: reference for row in METHODS.values() if row.reference}}


def run_of(spec: RunSpec) -> Run:
    """Return the run of a spec on the Canvas track."""
    return Run(spec, TABLE.datasets[spec.row.dataset], PROFILES[spec.profile])


def user(text: str) -> Message:
    return Message(role="user", content=text)


def assistant(text: str) -> Message:
    return Message(role="assistant", content=text)


def result(name: str, value: object) -> Message:
    return Message(role="tool", name=name, content=wire.response_text(value))


def trajectory(number: int, side: str) -> Trajectory:
    chance = random.Random(f"{side}{number}")
    tool, value = ALL_TOOLS[number % len(ALL_TOOLS)], chance.randint(100, 999)
    call = assistant(serialise(ToolCall(tool, {"number": value})))
    wish = user(chance.choice(WISHES).format(t=tool.split(".")[1].replace("_", " "), n=value))
    return Trajectory(
        id=f"{side}-t{number}", kind="single",
        messages=(SYSTEM, wish, call, result(tool, {"value": value}), assistant(f"It is {value}.")),
        tools=ALL_TOOLS, phrasing="p/1", item_ids=(f"{side}-{number}",), parents=(),
    )  # fmt: skip


def pair(number: int, side: str) -> PreferencePair:
    """Odd ones differ in one call; even ones are labelled pairs: call, result, answer on both sides."""
    row = trajectory(number, side)
    wrong = assistant(serialise(ToolCall("canvas.list_assignments", {"number": 1})))
    labelled = number % 2 == 0
    other = assistant(serialise(ToolCall(ALL_TOOLS[(number + 1) % len(ALL_TOOLS)], {"number": 1})))
    return PreferencePair(
        id=f"{side}-p{number}", source="labelled" if labelled else "mutation",
        axes=("labelled",) if labelled else ("tool_selection",), prompt=row.messages[:2],
        chosen=row.messages[2:] if labelled else row.messages[2:3],
        rejected=(other, row.messages[3], assistant("No.")) if labelled else (wrong,),
        tools=ALL_TOOLS, phrasing=row.phrasing, item_ids=row.item_ids, parents=(row.id,),
    )  # fmt: skip


def feedback(number: int, side: str) -> FeedbackExample:
    row, label = pair(2 * number + 1, side), number % 2 == 0
    return FeedbackExample(
        id=f"{side}-f{number}", prompt=row.prompt, completion=row.chosen if label else row.rejected, label=label,
        axes=() if label else row.axes, tools=ALL_TOOLS, phrasing=row.phrasing, item_ids=row.item_ids, parents=(row.id,),
    )  # fmt: skip


def said(number: int, side: str) -> FeedbackExample:
    """A completion to imitate. Its prompt has an assistant turn, which is not learnt."""
    row = trajectory(number, side)
    return FeedbackExample(
        id=f"{side}-b{number}", prompt=row.messages[:4], completion=row.messages[4:], label=True, axes=(), tools=ALL_TOOLS,
        phrasing=row.phrasing, item_ids=row.item_ids, parents=(row.id,),
    )  # fmt: skip


def case(number: int) -> BenchCase:
    row = trajectory(number, "test")
    return BenchCase(
        id=f"b{number}", kind="single", messages=row.messages[:2], expected_tools=(ALL_TOOLS[number % len(ALL_TOOLS)],),
        expected_args=({},), tools=ALL_TOOLS, phrasing=row.phrasing, item_ids=row.item_ids,
    )  # fmt: skip


def write_data(folder: Path, rows: int = 540) -> dict[str, Path]:
    """The files of all data sets and the bench cases, by their names in a run spec."""
    build = {
        "trajectory": trajectory,
        "preference": pair,
        "feedback": feedback,
        "bon": said,
        **dict.fromkeys(ROUNDS, pair),
    }
    paths = {}
    for name, make in build.items():
        for side, count in (("train", rows), ("eval", 12)):
            paths[f"{name}_{side}"] = folder / f"{name}_{side}.jsonl"
            write_jsonl(paths[f"{name}_{side}"], (make(number, side) for number in range(count)))
    paths["bench_cases"] = folder / "bench_cases.jsonl"
    write_jsonl(paths["bench_cases"], map(case, range(40)))
    for name in ("deploy/Dockerfile.training", "deploy/compose.yaml"):
        paths[name] = folder / Path(name).name
        paths[name].write_text("# an image\n")
    return paths


# The numbers for the guards over measurements.
_NUMBERS: Mapping[str, Mapping[str, Number]] = {
    "g3": {"tool_selection": 0.4, "cases": 40},
    "g5": {"grad_norm": 5.0, "row_norm": 100.0, "norm_share": 0.05,
           "nonfinite_activations": 0, "nonfinite_logits": 0, "masks_wrong": 0},
    "g6": {"stages": 2, "stages_below": 0, "rows_unaccounted": 0},
    "g9": {"axes": 2, "axes_missing": 0, "axes_wrong": 0, "axes_in_noise": 0},
    "g10": {"collisions": 0, "build_exit_code": 0, "help_exit_code": 0},
    "g11": {"rows": 10, "share_over": 0.0},
}  # fmt: skip


def passed(spec: RunSpec) -> tuple[Verdict, ...]:
    """Return the verdict of every guard that applies to the spec's method, bound to its inputs; row guards are really evaluated."""
    hashes = {name: file.sha256 for name, file in spec.inputs.items()}
    files = {name: Path(file.path) for name, file in spec.inputs.items()}
    read = reader(TABLE, files)
    verdicts = []
    for guard in TABLE.of_method(spec.row):
        if guard.recomputable:
            verdicts.append(row_verdict(TABLE, guard, spec.row.dataset, read, hashes, PROFILES[spec.profile]))
        else:
            bound = {name: hashes[name] for name in guard.inputs(spec.row)}
            measured = Measured(_NUMBERS[guard.id], limits_of(spec).get(guard.id, {}))
            verdicts.append(guard.verdict_of(measured, bound, guard.subject(spec.row)))
    return tuple(verdicts)
