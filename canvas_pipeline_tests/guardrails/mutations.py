"""For each guard one small thing that goes wrong, and nothing else: what its test spoils on an otherwise good line."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.models.gemma4.wire import serialise
from canvas_pipeline.records import Funnel, Message
from canvas_pipeline_tests.guardrails.good_data import AXES, Line, answered, assistant, call, pair

replace = msgspec.structs.replace


def change(line: Line, name: str, index: int, **fields: Any) -> None:
    """Replace fields of one row."""
    rows = list(line.rows[name])
    rows[index] = replace(rows[index], **fields)
    line.rows[name] = tuple(rows)


def chosen_in_prose(line: Line) -> None:
    for index in range(5):
        change(line, "preference_train", index, chosen=(assistant("I will look at your list."),))


def eval_item_in_train(line: Line) -> None:
    change(line, "preference_eval", 0, item_ids=line.rows["preference_train"][0].item_ids)


def base_without_system_prompt(line: Line) -> None:
    line.base_selection = 0.0


def one_rare_tool(line: Line) -> None:
    """One of three occurrences of one tool becomes a plain answer: 2 < 3, and the CV stays small."""
    rows = line.rows["trajectory_train"]
    index = next(i for i, r in enumerate(rows) if r.phrasing.startswith("canvas.get_syllabus"))
    change(line, "trajectory_train", index, messages=(*rows[index].messages[:2], assistant("Which course?")))


def exploding_gradient(line: Line) -> None:
    line.grad_norm = 290.0


def unexplained_loss(line: Line) -> None:
    line.funnels[0] = Funnel(stage="corpus", rows_in=100, kept=69, refused={"no_title": 31})


def hallucinated_chosen(line: Line) -> None:
    change(line, "preference_train", 1, chosen=(assistant(serialise(ToolCall("canvas.list_assignments", {}))),))


def python_literal(line: Line) -> None:
    """What a serialiser with ``str(v)`` writes."""
    text = "<|tool_call>call:canvas.list_courses{active_only:True}<tool_call|>"
    change(line, "preference_train", 1, chosen=(assistant(text),))


def wrong_way(line: Line) -> None:
    line.margins[2] = replace(line.margins[2], after=-0.01)


def colliding_entry_point(line: Line) -> None:
    line.image = replace(line.image, collisions=("service trainer: the command starts with 'sh'",))


def long_rows(line: Line) -> None:
    line.lengths = [*line.lengths[:-2], 1025, 1025]


def too_few_rows(line: Line) -> None:
    line.rows["preference_train"] = tuple(pair(i, AXES[i % 5], f"train-item-{i}") for i in range(9))


def looping_trajectory(line: Line) -> None:
    rows = line.rows["trajectory_train"]
    todo = call("canvas.get_todo")
    loop: list[Message] = []
    for _ in range(4):
        loop += [assistant(serialise(todo)), answered(todo.name)]
    change(line, "trajectory_train", 0, messages=(*rows[0].messages[:-1], *loop, assistant("Done.")))


MUTATIONS: Mapping[str, Callable[[Line], None]] = {
    "g1": chosen_in_prose, "g2": eval_item_in_train, "g3": base_without_system_prompt, "g4": one_rare_tool,
    "g5": exploding_gradient, "g6": unexplained_loss, "g7": hallucinated_chosen, "g8": python_literal, "g9": wrong_way,
    "g10": colliding_entry_point, "g11": long_rows, "g12": too_few_rows, "g13": looping_trajectory,
}  # fmt: skip
