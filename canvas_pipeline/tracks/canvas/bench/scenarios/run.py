"""Run scenarios with a model. A model that fails one gives a result with a reason, not an error."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from canvas_pipeline.models.families import family
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import Message, Row, write_jsonl
from canvas_pipeline.tracks.canvas.bench.agent import AgentRun, Backend, CanvasAgent
from canvas_pipeline.tracks.canvas.bench.scenarios.checks import answered, clean
from canvas_pipeline.tracks.canvas.bench.scenarios.policy import POLICY
from canvas_pipeline.tracks.canvas.bench.scenarios.table import SCENARIOS, Scenario
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, Declaration, declared


class ScenarioResult(Row, frozen=True, kw_only=True):
    """The result of one scenario, with one run for each of the student's turns.

    ``reason`` is the first thing that was wrong, empty if nothing was; ``violations`` names the broken rules of the policy."""

    scenario: str
    title: str
    passed: bool
    reason: str
    violations: tuple[str, ...]
    traces: tuple[AgentRun, ...]


def run_scenario(scenario: Scenario, backend: Backend, declaration: Declaration = "catalogue") -> ScenarioResult:
    """Run one scenario on a new mock account. What awaits approval when the student writes again was not wanted: it is declined."""
    canvas = MockCanvas(scenario.account())
    agent = CanvasAgent(backend, canvas, declaration=declaration)
    traces: list[AgentRun] = []
    wrong: list[str] = []
    violations: dict[str, None] = {}
    history: tuple[Message, ...] = ()
    for turn in scenario.turns:
        for event_id in tuple(canvas.pending):
            canvas.decline(event_id)
        trace = agent.run(turn.text, history)
        history = trace.messages[1:]
        traces.append(trace)
        wrong += [found for check in (answered, clean, *turn.checks) if (found := check(trace, canvas))]
        for name, rule in POLICY.items():
            if found := rule(trace, canvas, turn.asked):
                wrong.append(found)
                violations[name] = None
    return ScenarioResult(
        scenario=scenario.id, title=scenario.title, passed=not wrong, reason=next(iter(wrong), ""),
        violations=tuple(violations), traces=tuple(traces),
    )  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all scenarios with a model and write their results as JSONL. The exit code is 0 whatever the results are."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--backend", choices=("hf", "gguf", "served"), default="hf")
    parser.add_argument("--address", default="", help="served: as of the generation process")
    parser.add_argument("--serve", default="", help="served: as of the generation process")
    parser.add_argument(
        "--answers", type=Path, help="served: folder of the answers, kept for later runs (default: beside --out)"
    )
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    from canvas_pipeline.evaluation import generate, served  # imports torch or llama.cpp

    sizes = profile_named(PROFILES, given.profile)
    of = family(sizes.family_name)
    with ExitStack() as stack:
        if given.backend == "served":
            answers = given.answers or given.out.parent / "answers"
            opened = served.opened(given.model, of, "canvas", answers, address=given.address, serve=given.serve)
            generator: generate.Generator = stack.enter_context(opened)
        else:
            generator = generate.load(given.backend, given.model, of)
        backend = generate.ChatModel(generator, of, declared(ALL_TOOLS, sizes.declaration))
        write_jsonl(given.out, [run_scenario(one, backend, sizes.declaration) for one in SCENARIOS])
    return 0
