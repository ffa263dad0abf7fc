"""Evaluate every guard of some methods for one report: nothing is trained, and no failure hides another."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import method, rounds
from canvas_pipeline.pipeline import training
from canvas_pipeline.pipeline.context import build_stage, context_of
from canvas_pipeline.pipeline.workspace import Launch, Workspace
from canvas_pipeline.records import Row

PASSED, FAILED, NOT_EVALUATED = "passed", "FAILED", "NOT EVALUATED"


class Answer(Row, frozen=True, kw_only=True):
    """One line of the report. ``guard`` is a check's name, or a method whose guards could not be evaluated."""

    guard: str
    about: str
    verdict: str
    why: str


def every_answer(ws: Workspace, names: Sequence[str], launch: Launch) -> list[Answer]:
    """Return each guard's verdict on each of its subjects, in the order of the guard table, for some methods and their rounds.

    Builds ``base_model``, ``training_image``, ``base_bench``, the references and the run specs as needed. A method for which
    something is missing becomes one more line, with the error."""
    rows = [step for name in names for step in rounds(method(name))]
    for stage in ("base_model", "training_image", "base_bench"):
        build_stage(ws, stage, launch)
    found: dict[tuple[str, str | None], Verdict] = {}
    problems = []
    for row in rows:
        try:
            if row.reference:
                build_stage(ws, row.reference, launch)
            context = context_of(ws, f"{row.name}_run_spec", launch)
            for verdict in training.run_spec(context, measure_anyway=True).verdicts:
                found[verdict.guard, verdict.subject] = verdict
        except CanvasPipelineError as error:
            problems.append(Answer(guard=row.name, about=row.name, verdict=NOT_EVALUATED, why=str(error)))
    answers = []
    for guard in ws.track.guards.guards.values():
        own = [verdict for (guard_id, _), verdict in sorted(found.items(), key=str) if guard_id == guard.id]
        for v in own:
            state = PASSED if v.passed else FAILED
            answers.append(Answer(guard=guard.name, about=v.subject or "", verdict=state, why=v.reason))
        if not own and any(guard in ws.track.guards.of_method(row) for row in rows):
            answers.append(Answer(guard=guard.name, about="", verdict=NOT_EVALUATED, why=guard.what))
    return answers + problems
