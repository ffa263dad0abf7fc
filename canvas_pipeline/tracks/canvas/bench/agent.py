"""Run a model as an agent: parse its turns, dispatch the tool calls, and repeat until it answers in plain words.

``run`` does not raise for anything that a model, a tool or a backend does. A malformed call is returned to the model as a tool
message and never shown as the answer. Text from Canvas and from the student is escaped, so that markers in it are inert; where the
model repeats such text, it is an answer even if it resembles a call. There are at most ``max_turns`` turns and
``max_calls_per_turn`` calls in a turn, and no call is made twice, whether its defaults are stated or not. The answer is never
empty, has no markup, and states where the last calls failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.family import Malformed, ToolCall, Turn
from canvas_pipeline.records import Message, Row, dumps
from canvas_pipeline.tracks.canvas.examples.students import Canvas
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, states_instant, system_message, user_message
from canvas_pipeline.tracks.canvas.tools.tool_table import filled

Outcome = Literal["ok", "tool_error", "invalid", "unknown_tool", "malformed", "duplicate", "over_limit"]
Ending = Literal["answered", "turn_cap", "backend_failed", "empty"]

FALLBACKS: Mapping[Ending, str] = {
    "turn_cap": "I could not finish this in the steps I have. Please ask for one thing at a time.",
    "backend_failed": "I cannot answer right now. Please try again in a moment.",
    "empty": "I have no answer to that. Please say it in other words.",
}
_MARKUP = re.compile(r"<\||\|>|<(?:eos|bos|pad|unk|mask)>")
RAW_CHARACTERS = 400
MALFORMED_TOOL = "unreadable_call"
ERROR_OUTCOMES: Mapping[str, Outcome] = {"unknown_tool": "unknown_tool", "invalid_arguments": "invalid"}

FAILED: tuple[Outcome, ...] = ("tool_error", "invalid", "unknown_tool", "malformed")
_STATES_FAILURE = re.compile(
    r"did(?: not|n['’]t) work|could(?: not|n['’]t)|can(?:not| not|['’]t)|does(?: not|n['’]t) (?:work|answer|exist)"
    r"|did(?: not|n['’]t) find|not find|not found|no such|unknown|unable|failed|went wrong|an error",
    re.IGNORECASE,
)


class Backend(Protocol):
    """Generates the raw text of the model's next turn, markers included. Raises ``ServiceUnavailable`` when it cannot."""

    def complete(self, messages: Sequence[Message]) -> str: ...


class TracedCall(Row, frozen=True, kw_only=True):
    """One call of a turn with its outcome, and the ``result`` that the model received.

    ``name`` and ``arguments`` are None for a call that could not be parsed."""

    name: str | None
    arguments: dict[str, Any] | None
    outcome: Outcome
    result: Any


class TracedTurn(Row, frozen=True, kw_only=True):
    """One model turn as generated, and its calls in order. A turn without calls is an answer."""

    raw: str
    calls: tuple[TracedCall, ...]


class AgentRun(Row, frozen=True, kw_only=True):
    """One run. ``answer`` is shown to the student; ``failure`` is the type of the error if the backend failed.

    ``messages`` is the conversation from the system message to the answer as shown; all but the first are the history of the
    student's next turn."""

    text: str
    turns: tuple[TracedTurn, ...]
    answer: str
    ending: Ending
    failure: str | None = None
    messages: tuple[Message, ...] = ()

    @property
    def calls(self) -> tuple[TracedCall, ...]:
        """Return all calls, in order."""
        return tuple(call for turn in self.turns for call in turn.calls)

    @property
    def done(self) -> tuple[TracedCall, ...]:
        """Return the calls that succeeded."""
        return tuple(call for call in self.calls if call.outcome == "ok")


class CanvasAgent:
    """A student's assistant. ``now`` is the reference instant of the system message (ISO-8601), by default that of the canvas.

    Changes to the canvas persist between runs. Raises ``BadConfig`` where neither the caller nor the canvas gives an instant.
    """

    def __init__(
        self,
        backend: Backend,
        canvas: Canvas,
        max_turns: int = 8,
        max_calls_per_turn: int = 4,
        *,
        now: str | None = None,
        declaration: Declaration = "catalogue",
    ) -> None:
        self.backend = backend
        self.canvas = canvas
        self.max_turns = max_turns
        self.max_calls_per_turn = max_calls_per_turn
        instant = now or getattr(canvas, "now", None)
        if instant is None:
            raise BadConfig("an agent needs the reference instant: give now=, or a canvas that has one")
        self.now = instant.isoformat() if isinstance(instant, datetime) else str(instant)
        self.declaration: Declaration = declaration

    def run(self, text: str, history: Sequence[Message] = ()) -> AgentRun:
        """Serve one request. ``history`` holds earlier user, assistant and tool messages of the conversation; a user's turn
        of it that states no instant gets this one where the form wants one."""
        messages: list[Message] = [system_message(self.now, self.declaration), *map(self._dated, history)]
        messages.append(user_message(CALLS.escape(text), self.now, self.declaration))
        sources = [text, *(line for message in history for line in _texts_of(message))]
        turns: list[TracedTurn] = []
        made: set[bytes] = set()
        for _ in range(self.max_turns):
            try:
                raw = self.backend.complete(tuple(messages))
            except Exception as error:
                # Any error is recorded in the trace by its type, and the student still gets an answer.
                return _trace(text, messages, turns, "backend_failed", failure=type(error).__name__)
            turn = CALLS.parse(raw, sources)
            if not turn.calls:
                turns.append(TracedTurn(raw=raw, calls=()))
                answer = _with_failure(plain_words(turn.text), turns[:-1])
                return _trace(text, messages, turns, "answered" if answer else "empty", answer)
            calls = tuple(self._serve(call, place, made) for place, call in enumerate(turn.calls))
            turns.append(TracedTurn(raw=raw, calls=calls))
            messages.append(Message(role="assistant", content=_as_written(turn)))
            for call in calls:
                sources += _texts_in(call.result)
            messages += [
                Message(role="tool", name=call.name or MALFORMED_TOOL, content=CALLS.response_text(call.result))
                for call in calls
            ]
        return _trace(text, messages, turns, "turn_cap")

    def _dated(self, message: Message) -> Message:
        if message.role != "user" or states_instant(message):
            return message
        return user_message(message.content, self.now, self.declaration)

    def _serve(self, call: ToolCall | Malformed, place: int, made: set[bytes]) -> TracedCall:
        """Dispatch one call, or return the reason why not as its result."""
        if isinstance(call, Malformed):
            error = _refusal("malformed_call", f"this call cannot be read: {call.reason}; write it again")
            return TracedCall(name=None, arguments=None, outcome="malformed", result=error)
        if place >= self.max_calls_per_turn:
            error = _refusal(
                "too_many_calls", f"at most {self.max_calls_per_turn} calls in one turn; this one was not made"
            )
            return TracedCall(name=call.name, arguments=call.arguments, outcome="over_limit", result=error)
        key = dumps([call.name, filled(call).arguments])
        if key in made:
            error = _refusal("duplicate_call", "this call was already made; use its result")
            return TracedCall(name=call.name, arguments=call.arguments, outcome="duplicate", result=error)
        made.add(key)
        try:
            result = self.canvas.dispatch(call.name, call.arguments)
        except Exception as error:
            # A canvas behind a network may fail. The model and the trace get the error's type, never its text.
            result = _refusal("tool_failed", f"the tool broke down ({type(error).__name__})")
        return TracedCall(name=call.name, arguments=call.arguments, outcome=outcome_of(result), result=result)


def _with_failure(answer: str, turns: Sequence[TracedTurn]) -> str:
    """Prefix the answer with the failure where all calls of the last turn failed and the answer does not state it.

    Where no call of the whole run succeeded, the answer would be invented and is replaced."""
    last = turns[-1].calls if turns else ()
    if not last or any(call.outcome not in FAILED for call in last) or _STATES_FAILURE.search(answer):
        return answer
    message = next((str(call.result["error"]["message"]) for call in last if call.outcome == "tool_error"), "")
    failure = f"That did not work: {plain_words(message).rstrip('.')}." if message else "That did not work."
    done = any(call.outcome == "ok" for turn in turns for call in turn.calls)
    return f"{failure} {answer}".strip() if done else failure


def outcome_of(result: Any) -> Outcome:
    """Classify a tool's result: ok, no such tool, invalid arguments, or the tool's own error."""
    if not (isinstance(result, Mapping) and isinstance(result.get("error"), Mapping)):
        return "ok"
    return ERROR_OUTCOMES.get(str(result["error"].get("code")), "tool_error")


def plain_words(text: str) -> str:
    """Escape a text that still holds a marker, which nested markers can leave behind when they are removed."""
    return CALLS.escape(text) if _MARKUP.search(text) else text


def _texts_of(message: Message) -> Iterator[str]:
    """Yield every string of a message of the history: its content, a call's arguments, a tool result's values."""
    if message.role == "assistant":
        yield from (text for call in CALLS.parse(message.content).well_formed for text in _texts_in(call.arguments))
    if message.role == "tool":
        try:
            yield from _texts_in(json.loads(CALLS.unescape(message.content)))
            return
        except ValueError:
            pass  # the result is plain text
    yield message.content


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        if isinstance(value, Mapping):  # titles may also be keys
            yield from (key for key in value if isinstance(key, str))
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(inner)


def _as_written(turn: Turn) -> str:
    """Render a turn for the history: its text, well-formed calls in canonical form, the start of malformed ones as inert text."""
    calls = (
        CALLS.serialise(call) if isinstance(call, ToolCall) else CALLS.escape(call.raw[:RAW_CHARACTERS])
        for call in turn.calls
    )
    return plain_words(turn.text) + "".join(calls)


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _trace(
    text: str,
    messages: Sequence[Message],
    turns: Sequence[TracedTurn],
    ending: Ending,
    answer: str = "",
    failure: str | None = None,
) -> AgentRun:
    shown = answer or FALLBACKS[ending]
    said = (*messages, Message(role="assistant", content=shown))
    return AgentRun(text=text, turns=tuple(turns), answer=shown, ending=ending, failure=failure, messages=said)
