"""Break one guard each: functions that leave on disk what a wrong step, a wrong file or an edit by hand would leave.

Each takes the workspace of a copied good pipeline and changes the *inputs* of the gate: rows of a split, the base's bench, a
measurement, a funnel, the training image's files. Verdicts and run specs stay as they were.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from canvas_pipeline.models.gemma4.wire import ToolCall, response_text, serialise
from canvas_pipeline.pipeline import evaluation
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Message, Refusal, Row, funnel, read_jsonl
from canvas_pipeline.tracks.canvas.rows import BenchCase, PreferencePair, Trajectory
from canvas_pipeline_tests.pipeline.good_line import BASE, SAMPLED, Workshop, rewrite

replace = msgspec.structs.replace


def rows(ws: Workspace, stage: str, file: str, type_: type[Row]) -> list[Any]:
    return list(read_jsonl(ws.store.get(stage).path(file), type_))


def pairs(
    ws: Workspace, change: Callable[[list[PreferencePair]], list[PreferencePair]], file: str = "train.jsonl"
) -> None:
    """Write other preference rows, and the reference rows that belong to them."""
    rewrite(ws, "preference_split", {file: change(rows(ws, "preference_split", file, PreferencePair))})
    build_stage(ws, "reference_logprobs", Workshop(ws.root / BASE))


def trajectories(ws: Workspace, change: Callable[[list[Trajectory]], list[Trajectory]]) -> None:
    """Change the conversations, as if SFT had been sampled after the change: else what it said is refused as stale first."""
    rewrite(ws, "trajectory_split", {"train.jsonl": change(rows(ws, "trajectory_split", "train.jsonl", Trajectory))})
    for name in SAMPLED:
        recipe = ws.store.get(name).manifest.recipe
        now = {key: found.sha256 for key in recipe.inputs if (found := ws.store.find(key)) is not None}
        rewrite(ws, name, {}, recipe=replace(recipe, inputs={**recipe.inputs, **now}))


def measurement(ws: Workspace, method: str = "dpo", **numbers: Any) -> None:
    stage = ws.store.get(f"{method}_measurement")
    found = json.loads(stage.path("measurement.json").read_bytes())
    # A NaN arrives as Python's json writes it: as it would from the process that measures.
    with ws.store.write(stage.manifest.recipe) as writer:
        writer.text(json.dumps({**found, **numbers}), "measurement.json")


def said(text: str) -> Message:
    return Message(role="assistant", content=text)


def first_chosen(text: str) -> Callable[[list[PreferencePair]], list[PreferencePair]]:
    return lambda found: [replace(found[0], chosen=(said(text),)), *found[1:]]


def chosen_in_prose(ws: Workspace) -> None:
    pairs(
        ws, lambda found: [replace(r, chosen=(said("I will look."),)) if i % 3 == 0 else r for i, r in enumerate(found)]
    )


def eval_item_in_train(ws: Workspace) -> None:
    shared = rows(ws, "preference_split", "train.jsonl", PreferencePair)[0].item_ids
    pairs(ws, lambda found: [replace(found[0], item_ids=shared), *found[1:]], "eval.jsonl")


def base_that_knows_nothing(ws: Workspace) -> None:
    weak = Workshop(ws.root / BASE, 0.1)
    cases = rows(ws, "bench_cases", "rows.jsonl", BenchCase)
    found = evaluation.scored(ws.track.benchmark, cases, {case.id: weak.said(case) for case in cases})
    rewrite(ws, "base_bench", {"report.json": found})


def one_rare_tool(ws: Workspace) -> None:
    trajectories(
        ws, lambda found: [r for r in found if not any("call:canvas.get_syllabus{" in m.content for m in r.messages)]
    )


def exploding_gradient(ws: Workspace) -> None:
    measurement(ws, grad_norm=290.0)


def unexplained_loss(ws: Workspace) -> None:
    kept = ws.store.get("mutation_pairs").manifest.files["rows.jsonl"].rows or 0
    refused = [Refusal(source="trajectories", line=n, reason="not_confirmed") for n in range(round(kept / 0.6) - kept)]
    flow = funnel("mutation_pairs", kept + len(refused), kept, refused)
    rewrite(ws, "mutation_pairs", {"refusals.jsonl": refused}, funnel=flow)
    build_stage(ws, "preference_split")


def hallucinated_chosen(ws: Workspace) -> None:
    pairs(ws, first_chosen(serialise(ToolCall("canvas.list_assignments", {}))))


def python_literal(ws: Workspace) -> None:
    pairs(ws, first_chosen("<|tool_call>call:canvas.list_courses{active_only:True}<tool_call|>"))


def wrong_way(ws: Workspace) -> None:
    found = json.loads(ws.store.get("dpo_measurement").path("measurement.json").read_bytes())["margins"]
    measurement(ws, margins=[{**found[0], "after": -0.01}, *found[1:]])


def colliding_entry_point(ws: Workspace) -> None:
    compose = ws.deploy / "compose.yaml"
    text = compose.read_text().replace("command: []", 'command: sh -c "canvas-train --method sft"')
    compose.unlink()
    compose.write_text(text)
    build_stage(ws, "training_image", Workshop(ws.root / BASE))


def long_rows(ws: Workspace) -> None:
    measurement(ws, lengths=[200] * 593 + [5000] * 7)


def too_few_rows(ws: Workspace) -> None:
    pairs(ws, lambda found: found[:100])


def looping_trajectory(ws: Workspace) -> None:
    def loop(found: list[Trajectory]) -> list[Trajectory]:
        nothing = Message(role="tool", name="canvas.get_todo", content=response_text([]))
        again = (said(serialise(ToolCall("canvas.get_todo", {}))), nothing) * 4
        return [replace(found[0], messages=(*found[0].messages[:-1], *again, said("Done."))), *found[1:]]

    trajectories(ws, loop)


BREAKS: Mapping[str, Callable[[Workspace], None]] = {
    "g1": chosen_in_prose, "g2": eval_item_in_train, "g3": base_that_knows_nothing, "g4": one_rare_tool,
    "g5": exploding_gradient, "g6": unexplained_loss, "g7": hallucinated_chosen, "g8": python_literal, "g9": wrong_way,
    "g10": colliding_entry_point, "g11": long_rows, "g12": too_few_rows, "g13": looping_trajectory,
}  # fmt: skip
