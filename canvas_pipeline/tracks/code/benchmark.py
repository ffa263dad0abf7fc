"""Define the code benchmark: programs that a model writes, judged by running them against tests that they never see."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from canvas_pipeline.evaluation.benchmark import Benchmark, Metric, Prediction, answers
from canvas_pipeline.evaluation.charts import forest_png
from canvas_pipeline.evaluation.groups import Groups, Shares
from canvas_pipeline.evaluation.ranking import choose_by_share
from canvas_pipeline.evaluation.selection import Candidate, SelectionRecord
from canvas_pipeline.evaluation.statistics import Rate
from canvas_pipeline.models.families import family
from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.tracks.code.baselines import constant_answers
from canvas_pipeline.tracks.code.execution import Runner, shared_runner
from canvas_pipeline.tracks.code.rows import CodeCase, CodeOutcome, prompt_of
from canvas_pipeline.verifiers.program_text import extract_program, is_stub
from canvas_pipeline.verifiers.programs import Program

END = family("plain-qwen3").end_of_text
MAX_NEW_TOKENS = 256
LEAST = 0.2
"""The share of right programs below which a model is not published."""


class CodeReport(Row, frozen=True, kw_only=True):
    """The results of a model. ``states`` counts the cases by how their program came out."""

    cases: int
    states: dict[str, int]
    pass_at_1: Rate
    truncated: Rate
    no_code: Rate
    stub: Rate
    by_group: dict[str, Rate]
    outcomes: tuple[CodeOutcome, ...]

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric of ``METRICS``."""
        found: Rate = getattr(self, metric)
        return found


METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="pass_at_1", title="pass@1", compared=True, drawn=True, counts=lambda o: True, right=lambda o: o.right),
        Metric(name="truncated", title="cut off", drawn=True, counts=lambda o: True, right=lambda o: o.state == "truncated"),
        Metric(name="no_code", title="no program", counts=lambda o: True, right=lambda o: o.state == "no_code"),
        Metric(name="stub", title="stubs", counts=lambda o: True, right=lambda o: o.stub),
    )
}  # fmt: skip
"""What is measured, greedily. Lower is better for all but pass@1."""


def answer_text(text: str) -> str:
    """Return a model's output up to its end of text."""
    return text.partition(END)[0].strip()


def prompt(case: CodeCase, profile: Any) -> tuple[Sequence[Message], None]:
    """Return the prompt of a case, byte for byte that of training."""
    return (Message(role="user", content=prompt_of(case.instruction)),), None


def score(cases: Sequence[CodeCase], predictions: Iterable[Prediction]) -> CodeReport:
    """Run the program of each prediction against its case's tests. Raises ``MissingTool`` without a sandbox of two barriers."""
    found = answers(cases, predictions)
    return report_of(outcomes(cases, [found[case.id] for case in cases], shared_runner()))


def outcomes(cases: Sequence[CodeCase], found: Sequence[Prediction], runner: Runner) -> tuple[CodeOutcome, ...]:
    """Return how each prediction, one for each case, came out. An answer that was cut off is not run, whatever it holds."""
    codes = [_program(case, one) for case, one in zip(cases, found, strict=True)]
    programs = [
        Program(code=code, tests=case.tests, setup=case.setup)
        for case, code in zip(cases, codes, strict=True)
        if code is not None
    ]
    results = iter(runner.run(programs))
    return tuple(
        CodeOutcome(
            case_id=case.id, group=case.group, state=(state := _unrun(one) if code is None else next(results).state),
            right=state == "passed", stub=code is not None and is_stub(code, case.entry_point),
            weak=any(test.weak for test in case.tests), cluster=case.cluster, sha256=digest("program", one.text),
        )
        for case, one, code in zip(cases, found, codes, strict=True)
    )  # fmt: skip


def _program(case: CodeCase, one: Prediction) -> str | None:
    return extract_program(answer_text(one.text), case.entry_point) if one.stopped else None


def _unrun(one: Prediction) -> str:
    return "no_code" if one.stopped else "truncated"


def report_of(found: Sequence[CodeOutcome]) -> CodeReport:
    """Count outcomes into a report."""
    groups = dict.fromkeys(outcome.group for outcome in found)
    return CodeReport(
        cases=len(found), states=dict(sorted(Counter(outcome.state for outcome in found).items())),
        **{name: metric.measure(found) for name, metric in METRICS.items()},
        by_group={name: METRICS["pass_at_1"].measure([o for o in found if o.group == name]) for name in groups},
        outcomes=tuple(found),
    )  # fmt: skip


def trivial(cases: Sequence[CodeCase]) -> Mapping[str, Sequence[Prediction]]:
    """Predict the constant program that is right most often."""
    name, texts = constant_answers(cases, shared_runner())
    return {name: [Prediction(id=case.id, text=text) for case, text in zip(cases, texts, strict=True)]}


def choose(candidates: Sequence[tuple[Candidate, CodeReport]], /) -> SelectionRecord:
    """Choose the candidate with most right programs on the selection cases, if they are enough; of equal ones sft."""
    return choose_by_share(candidates, CodeReport.rate, ("pass_at_1",), least=LEAST, simplest="sft")


def details(found: CodeReport) -> Mapping[str, Any]:
    """Count the cases by state, and those with a weak test."""
    states = ", ".join(f"{count} {state}" for state, count in found.states.items())
    return {"cases": f"{found.cases}: {states}", "cases with a weak test": sum(o.weak for o in found.outcomes)}


def by_group(found: CodeReport) -> Shares:
    """Give pass@1 for structures that were trained on, for those held out, and for each suite."""
    return {METRICS["pass_at_1"].title: found.by_group}


BENCHMARK = Benchmark(
    case_type=CodeCase,
    report_type=CodeReport,
    prompt=prompt,
    score=score,
    columns=tuple(METRICS.values()),
    whole=METRICS["pass_at_1"],
    trivial=trivial,
    choose=choose,
    details=details,
    pictures=lambda found: {"pass@1 by group": forest_png(found.by_group, "pass@1")},
    groups=Groups("group", by_group),
    max_new_tokens=MAX_NEW_TOKENS,
    limits={"gb10": 2048},
)
