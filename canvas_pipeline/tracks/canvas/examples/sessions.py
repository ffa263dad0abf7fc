"""Read recorded agent sessions as training conversations, and record sessions from the scripted policy.

A session is one JSON object: ``user_query``; ``context`` with ``now_iso`` and optional ``items`` (see ``students.imprint``);
``trajectory``, a list of ``{"call": {"name", "arguments"}}``, ``{"result": {"name", "value"}}`` and, last, ``{"answer": text}``
(adjacent calls are one turn); ``contributor_id``. Items are named by imprint, because ids depend on the private registry of the
machine that built the corpus.

Rows = trajectories + refusals. Accepted sessions have only valid calls (G7), no tool more than three times (G13) and a final
answer. A session whose items belong to no student is refused: it could not be excluded from the benchmark."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Message, Refusal, Row, digest, dumps
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.situation import (
    Situation,
    SituationKind,
    answer_message,
    calls_message,
    result_messages,
    used_items,
)
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot, imprint
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, said, system_message, user_message
from canvas_pipeline.tracks.canvas.tools.subset import tools_for
from canvas_pipeline.tracks.canvas.tools.tool_table import is_iso, validate

MAX_USES_OF_A_TOOL = 3


class SessionCall(Row, frozen=True, kw_only=True):
    name: str
    arguments: dict[str, Any]


class SessionResult(Row, frozen=True, kw_only=True):
    name: str
    value: Any


class SessionStep(Row, frozen=True, kw_only=True, omit_defaults=True):
    """Exactly one of a call, a result and the answer."""

    call: SessionCall | None = None
    result: SessionResult | None = None
    answer: str | None = None


class SessionContext(msgspec.Struct, frozen=True, kw_only=True):
    """What was known when the session began. Other keys are allowed and ignored."""

    now_iso: str
    items: tuple[str, ...] = ()


class SessionRow(Row, frozen=True, kw_only=True):
    """One recorded agent session."""

    user_query: str
    context: SessionContext
    trajectory: tuple[SessionStep, ...]
    contributor_id: str


Imprints = Mapping[str, str]


def from_sessions(
    rows: Iterable[Any], students: Sequence[Snapshot], declaration: Declaration, source: str = "sessions"
) -> Iterator[Trajectory | Refusal]:
    """Convert each session to a training row, or to a refusal.

    Where the context names no items, the session belongs to the student whose titles it mentions most. Reasons: ``not_json``,
    ``bad_row``, ``bad_now``, ``bad_call``, ``unknown_tool``, ``orphan_result``, ``missing_result``, ``no_answer``,
    ``overused_tool``, ``unknown_items``."""
    known = {imprint(item): item.id for account in students for item in account.items}
    for line, row in enumerate(rows, 1):
        made = _session(row, known, students, declaration, f"{source}:{line}")
        yield Refusal(source=source, line=line, reason=made) if isinstance(made, str) else made


def _session(
    row: Any, known: Imprints, students: Sequence[Snapshot], declaration: Declaration, parent: str
) -> Trajectory | str:
    """Convert a row to a trajectory, or return the reason why not."""
    if not isinstance(row, dict):
        return "not_json"
    try:
        session = msgspec.convert(row, SessionRow)
    except msgspec.ValidationError:
        return "bad_row"
    if not is_iso(session.context.now_iso):
        return "bad_now"
    turns = _turns(session.trajectory)
    if isinstance(turns, str):
        return turns
    conversation = (
        system_message(session.context.now_iso, declaration),
        user_message(CALLS.escape(session.user_query), session.context.now_iso, declaration),
        *turns,
    )
    if any(name not in known for name in session.context.items):
        return "unknown_items"
    ids = tuple(known[name] for name in session.context.items) or _mentioned(students, conversation)
    if not ids:
        return "unknown_items"
    row_id = digest("session", *(message.content for message in conversation))[:12]
    return Trajectory(
        id=row_id, kind="session", messages=conversation, tools=tools_for(row_id, conversation, declaration),
        phrasing="session", item_ids=ids, parents=(parent, session.contributor_id),
    )  # fmt: skip


def _turns(entries: Sequence[SessionStep]) -> tuple[Message, ...] | str:
    """Convert a session's steps to assistant and tool messages: calls, their results in the same order, …, an answer."""
    conversation: list[Message] = []
    calls: list[ToolCall] = []
    results: list[SessionResult] = []
    uses: Counter[str] = Counter()
    for index, entry in enumerate(entries):
        if [entry.call, entry.result, entry.answer].count(None) != 2:
            return "bad_row"
        if entry.result is not None:
            if len(results) >= len(calls) or calls[len(results)].name != entry.result.name:
                return "orphan_result"
            results.append(entry.result)
            continue
        if results or entry.answer is not None:
            # A new model turn begins: the one before must be complete.
            if len(results) != len(calls):
                return "missing_result"
            if calls:
                conversation += (calls_message(calls), *result_messages(calls, [result.value for result in results]))
            calls, results = [], []
        if entry.call is not None:
            problem = _problem(entry.call, uses)
            if problem:
                return problem
            calls.append(ToolCall(entry.call.name, entry.call.arguments))
        elif entry.answer is not None and entry.answer.strip():
            return (*conversation, answer_message(entry.answer)) if index == len(entries) - 1 else "bad_row"
    return "missing_result" if len(results) != len(calls) else "no_answer"


def _problem(call: SessionCall, uses: Counter[str]) -> str | None:
    errors = validate(ToolCall(call.name, call.arguments))
    if errors:
        return "unknown_tool" if errors[0].code == "unknown_tool" else "bad_call"
    uses[call.name] += 1
    return "overused_tool" if uses[call.name] > MAX_USES_OF_A_TOOL else None


def _mentioned(students: Sequence[Snapshot], conversation: Sequence[Message]) -> tuple[str, ...]:
    """Return the items of the student whose titles are mentioned most, or none."""
    text = " ".join(said(message) for message in conversation[1:])
    best = max(
        students, key=lambda account: sum(CALLS.escape(a.title) in text for a in account.assignments), default=None
    )
    if best is None or not any(CALLS.escape(a.title) in text for a in best.assignments):
        return ()
    return used_items(best, text)


def record(
    students: Sequence[Snapshot], profile: CanvasProfile, seed: int, canvas_factory: CanvasFactory, count: int
) -> list[dict[str, Any]]:
    """Record ``count`` sessions of the scripted policy: half are single requests, the rest several calls, steps, or a question
    back."""
    each = count // 6
    counts: dict[SituationKind, int] = {"single": count - 3 * each, "several": each, "sequence": each, "none": each}
    made = situations(students, profile, seed, tuple(counts), canvas_factory, counts=counts)
    return [session_row(situation) for situation in made]


def session_row(situation: Situation) -> dict[str, Any]:
    """Write a situation of one exchange as a recorded session, the reverse of ``from_sessions``."""
    (exchange,) = situation.exchanges
    entries: list[dict[str, Any]] = []
    for step in exchange.steps:
        entries += [{"call": {"name": call.name, "arguments": call.arguments}} for call in step.calls]
        entries += [
            {"result": {"name": call.name, "value": result}}
            for call, result in zip(step.calls, step.results, strict=True)
        ]
    entries.append({"answer": exchange.answer})
    used = set(situation.item_ids)
    items = [item for item in situation.snapshot.items if item.id in used]
    row = {
        "user_query": exchange.text,
        "context": {"now_iso": situation.snapshot.now, "items": [imprint(item) for item in items]},
        "trajectory": entries,
        "contributor_id": items[0].contributors[0] if items[0].contributors else "",
    }
    return dict(msgspec.json.decode(dumps(row)))
