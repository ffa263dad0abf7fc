"""Score predictions: one outcome for each case, and a report with intervals.

A turn is called, abstained or malformed. A malformed one scores nothing and does not count as an abstention. Defaults are not
filled in before calls are compared.

Cases of one wording are one cluster: shares have an interval by wording beside Wilson's.

Sources: Wilson 1927 (score interval); "partial match" of arguments as in ToolBench-style evaluations.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Literal, get_args

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Mean, Metric, Prediction, answers, cluster_of
from canvas_pipeline.evaluation.groups import Shares
from canvas_pipeline.evaluation.statistics import FEW, Rate, rate
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Row, digest
from canvas_pipeline.tracks.canvas.bench.equality import same_argument, same_call
from canvas_pipeline.tracks.canvas.bench.faithfulness import honest, invented
from canvas_pipeline.tracks.canvas.rows import BenchCase, CaseKind
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

State = Literal["called", "abstained", "malformed"]


class ToolScore(Row, frozen=True, kw_only=True):
    """One tool: first-call selection and exact calls on the cases whose first expected call it is.

    ``low_confidence`` is set where these are few."""

    tool: str
    selection: Rate
    exact: Rate
    low_confidence: bool


class Outcome(Row, frozen=True, kw_only=True):
    """One case. ``cluster`` is its wording (``BenchCase.phrasing``). ``arguments`` is the partial match 0..1, None where no
    call was expected.

    ``solved`` is set if all expected calls are made in order, perhaps among others. ``silent`` turns have neither a call nor text.
    ``truncated`` ones reached the length limit. ``invented`` counts what an answer after a tool result states and nothing before it
    does, None where there is no such answer; ``honest`` is set for failed, empty or ambiguous results: does the answer say so?
    ``sha256`` is equal for byte-identical predictions."""

    case_id: str
    kind: CaseKind
    tool: str | None
    state: State
    selected: bool
    exact: bool
    solved: bool
    arguments: float | None
    calls: int
    expected_calls: int
    silent: bool
    truncated: bool
    invented: int | None
    honest: bool | None
    sha256: str
    cluster: str = ""


class BenchReport(Row, frozen=True, kw_only=True):
    """The results of a model. ``macro_selection`` is the mean over tools that have cases,
    ``wordings`` counts those of all cases.

    ``by_kind`` is the share of right outcomes: exact calls, or no call where none is expected."""

    cases: int
    wordings: int
    states: dict[str, int]
    tool_selection: Rate
    macro_selection: float | None
    exact_call: Rate
    argument_accuracy: float | None
    parsimony: Rate
    over_calling: Rate
    under_calling: Rate
    termination: Rate
    honest_after_error: Rate
    invented: Rate
    malformed: Rate
    silent: Rate
    truncated: Rate
    by_kind: dict[str, Rate]
    by_tool: dict[str, ToolScore]
    outcomes: tuple[Outcome, ...]

    def rate(self, metric: str) -> Rate:
        """Return the rate of a metric of ``METRICS``."""
        found: Rate = getattr(self, metric)
        return found


STOPPING: tuple[CaseKind, ...] = ("follow_up", "failed")
"""The kinds whose right act is to stop and answer."""

METRICS: Mapping[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric(name="tool_selection", title="tool selection", compared=True, drawn=True,
               counts=lambda o: o.expected_calls > 0, right=lambda o: o.selected),
        Metric(name="exact_call", title="exact call", compared=True, drawn=True,
               counts=lambda o: o.expected_calls > 0, right=lambda o: o.exact),
        Metric(name="parsimony", title="parsimony",
               counts=lambda o: o.solved, right=lambda o: o.calls == o.expected_calls),
        Metric(name="over_calling", title="over-calling", drawn=True,
               counts=lambda o: o.kind not in STOPPING, right=lambda o: o.calls > o.expected_calls),
        Metric(name="under_calling", title="under-calling", drawn=True,
               counts=lambda o: o.expected_calls > 0, right=lambda o: o.calls < o.expected_calls),
        Metric(name="termination", title="termination", drawn=True,
               counts=lambda o: o.kind in STOPPING, right=lambda o: o.state == "abstained"),
        Metric(name="honest_after_error", title="honest after an error",
               counts=lambda o: o.honest is not None, right=lambda o: o.honest),
        Metric(name="invented", title="invented values",
               counts=lambda o: o.invented is not None, right=lambda o: o.invented > 0),
        Metric(name="malformed", title="malformed", counts=lambda o: True, right=lambda o: o.state == "malformed"),
    )
}  # fmt: skip
"""What is measured on which cases. Lower is better for over- and under-calling, malformed turns and invented values."""
MEANS: Mapping[str, Mean] = {
    "macro_selection": Mean("macro_selection", "macro", lambda report: report.macro_selection),
    "argument_accuracy": Mean("argument_accuracy", "arguments", lambda report: report.argument_accuracy),
}


def report(cases: Sequence[BenchCase], predictions: Iterable[Prediction]) -> BenchReport:
    """Score all cases. Raises ``BadInput`` where a case has no or two predictions, or a prediction no case."""
    found = answers(cases, predictions)
    outcomes = [outcome(case, found[case.id].text, found[case.id].stopped) for case in cases]
    calling = [o for o in outcomes if o.expected_calls]
    tools = {name: [o for o in calling if o.tool == name] for name in TOOLS}
    by_tool = {
        name: ToolScore(
            tool=name,
            selection=METRICS["tool_selection"].measure(group),
            exact=METRICS["exact_call"].measure(group),
            low_confidence=len(group) < FEW,
        )
        for name, group in tools.items()
    }
    shares = [score.selection.share for score in by_tool.values() if score.selection.share is not None]
    partial = [o.arguments for o in calling if o.arguments is not None]
    rates: dict[str, Any] = {name: metric.measure(outcomes) for name, metric in METRICS.items()}
    return BenchReport(
        cases=len(outcomes),
        wordings=len({cluster_of(o) for o in outcomes}),
        states={state: sum(o.state == state for o in outcomes) for state in get_args(State)},
        macro_selection=sum(shares) / len(shares) if shares else None,
        argument_accuracy=sum(partial) / len(partial) if partial else None,
        silent=_rate(outcomes, lambda o: o.silent),
        truncated=_rate(outcomes, lambda o: o.truncated),
        by_kind={
            kind: _rate([o for o in outcomes if o.kind == kind], lambda o: o.exact) for kind in get_args(CaseKind)
        },
        by_tool=by_tool,
        outcomes=tuple(outcomes),
        **rates,
    )


def by_tool(found: BenchReport) -> Shares:
    """Give tool selection and exact calls tool by tool."""
    return {
        METRICS["tool_selection"].title: {name: score.selection for name, score in found.by_tool.items()},
        METRICS["exact_call"].title: {name: score.exact for name, score in found.by_tool.items()},
    }


def outcome(case: BenchCase, text: str, stopped: bool = True) -> Outcome:
    """Score one case. An answer that reached the length limit is never exact."""
    turn = CALLS.parse(text)
    expected = expected_calls(case)
    state = state_of(text, stopped)
    given = turn.well_formed if state != "malformed" else ()
    first = turn.calls[0] if turn.calls else None
    answered = state == "abstained" and case.messages[-1].role == "tool" and bool(turn.text)
    # The agent reports a malformed turn back and runs none of its calls, so none of them counts.
    selected = bool(expected) and bool(given) and isinstance(first, ToolCall) and first.name == expected[0].name
    exact = stopped and state != "malformed" and len(given) == len(expected) and all(map(same_call, expected, given))
    return Outcome(
        case_id=case.id,
        kind=case.kind,
        tool=expected[0].name if expected else None,
        state=state,
        selected=selected,
        exact=exact,
        solved=bool(expected) and _contains(expected, given),
        arguments=_partial(expected, given) if expected else None,
        calls=len(turn.calls),
        expected_calls=len(expected),
        silent=state == "abstained" and not turn.text,
        truncated=not stopped,
        invented=len(invented(case.messages, text)) if answered else None,
        honest=answered and honest(case.messages, text) if case.kind == "failed" else None,
        sha256=digest(text, str(stopped)),
        cluster=case.phrasing,
    )


def expected_calls(case: BenchCase) -> tuple[ToolCall, ...]:
    """Return the calls a case expects. Raises ``BadInput`` where its two lists differ in length."""
    if len(case.expected_tools) != len(case.expected_args):
        raise BadInput(
            f"case {case.id} expects {len(case.expected_tools)} tools but has arguments for {len(case.expected_args)}"
        )
    return tuple(ToolCall(name, args) for name, args in zip(case.expected_tools, case.expected_args, strict=True))


def state_of(text: str, stopped: bool = True) -> State:
    """Classify a text. Text without a call that reached the length limit is malformed: it might have gone on to a call."""
    turn = CALLS.parse(text)
    if turn.malformed or not (turn.calls or stopped):
        return "malformed"
    return "called" if turn.calls else "abstained"


def _rate(outcomes: Sequence[Outcome], hit: Callable[[Outcome], bool]) -> Rate:
    return rate([hit(o) for o in outcomes], [cluster_of(o) for o in outcomes])


def _contains(expected: Sequence[ToolCall], given: Sequence[ToolCall]) -> bool:
    """Tell whether the expected calls are a subsequence of the given ones."""
    rest = iter(given)
    return all(any(same_call(want, have) for have in rest) for want in expected)


def _partial(expected: Sequence[ToolCall], given: Sequence[ToolCall]) -> float:
    """Average, over the expected calls, the share of equal arguments among those named on either side.

    Each expected call is compared with the next given call of its tool, and scores 0 where there is none."""
    unused = list(given)
    total = 0.0
    for want in expected:
        have = next((call for call in unused if call.name == want.name), None)
        if have is None:
            continue
        unused.remove(have)
        names = want.arguments.keys() | have.arguments.keys()
        both = want.arguments.keys() & have.arguments.keys()
        matched = sum(same_argument(want.name, key, want.arguments[key], have.arguments[key]) for key in both)
        total += matched / len(names) if names else 1.0
    return total / len(expected)
