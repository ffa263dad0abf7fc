"""The agent loop: a model's raw text in, tool calls out, until it answers in plain words.

In: a backend that completes messages, a canvas, a student's text. Out: a ``Trace``: every turn, every call with its
outcome, and the final answer. What must hold: ``run`` does not raise for anything a model, a tool or a backend's
transport does; a malformed call goes back to the model as a tool message and is never shown as the answer; text from
Canvas and from the student is escaped, so markers in it are inert, and what the model repeats of it is an answer, whatever
it looks like; at most ``max_turns`` model turns, ``max_calls_per_turn`` calls in a turn, and no call twice; the answer holds
no markup, is never empty, and says so where the last calls failed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, Protocol

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.models.family import Malformed, ToolCall, Turn
from canvas_pipeline.records import Message, Row, dumps
from canvas_pipeline.tracks.canvas.examples.students import Canvas
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, system_message

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
_SAYS_SO = re.compile(
    r"did(?: not|n['’]t) work|could(?: not|n['’]t)|can(?:not| not|['’]t)|does(?: not|n['’]t) (?:work|answer|exist)"
    r"|did(?: not|n['’]t) find|not find|not found|no such|unknown|unable|failed|went wrong|an error",
    re.IGNORECASE,
)


class Backend(Protocol):
    """What speaks for the model: the raw text of its next turn, markers and all. Raises ``ServiceUnavailable`` when
    it cannot."""

    def complete(self, messages: Sequence[Message]) -> str: ...


class ScriptedBackend:
    """A backend that says given turns, one after the other; once they are used up it is unavailable. ``seen`` keeps the
    messages of each request."""

    def __init__(self, turns: Sequence[str]) -> None:
        self.turns = tuple(turns)
        self.seen: list[tuple[Message, ...]] = []

    def complete(self, messages: Sequence[Message]) -> str:
        self.seen.append(tuple(messages))
        if len(self.seen) > len(self.turns):
            raise ServiceUnavailable("the script has no further turn")
        return self.turns[len(self.seen) - 1]


class TracedCall(Row, frozen=True, kw_only=True):
    """One call of a turn and what became of it. ``name`` and ``arguments`` are None where it could not be read;
    ``result`` is what the model was told."""

    name: str | None
    arguments: dict[str, Any] | None
    outcome: Outcome
    result: Any


class TracedTurn(Row, frozen=True, kw_only=True):
    """One model turn as it was written, and its calls in order (none: it was an answer)."""

    raw: str
    calls: tuple[TracedCall, ...]


class Trace(Row, frozen=True, kw_only=True):
    """One run. ``answer`` is what the student reads; ``failure`` names the error's type where the backend failed."""

    text: str
    turns: tuple[TracedTurn, ...]
    answer: str
    ending: Ending
    failure: str | None = None

    @property
    def calls(self) -> tuple[TracedCall, ...]:
        """All calls, in order."""
        return tuple(call for turn in self.turns for call in turn.calls)

    @property
    def done(self) -> tuple[TracedCall, ...]:
        """The calls that a tool carried out."""
        return tuple(call for call in self.calls if call.outcome == "ok")


class CanvasAgent:
    """A student's assistant. ``now`` is the reference instant of the system message (ISO-8601), the canvas's own by
    default.

    The canvas keeps its state from run to run. Raises ``BadConfig`` where neither the caller nor the canvas says what
    time it is.
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

    def run(self, text: str, history: Sequence[Message] = ()) -> Trace:
        """Serve one request. ``history`` holds earlier user, assistant and tool messages of the conversation."""
        said: list[Message] = [system_message(self.now, self.declaration), *history]
        said.append(Message(role="user", content=CALLS.escape(text)))
        heard = [text, *(line for message in history for line in _texts_of(message))]
        turns: list[TracedTurn] = []
        made: set[bytes] = set()
        for _ in range(self.max_turns):
            try:
                raw = self.backend.complete(tuple(said))
            except Exception as error:
                # Whatever happened, the student gets an answer and the trace says which error it was.
                return _trace(text, turns, "backend_failed", failure=type(error).__name__)
            turn = CALLS.parse(raw, heard)
            if not turn.calls:
                turns.append(TracedTurn(raw=raw, calls=()))
                answer = _with_failure(plain_words(turn.text), turns[:-1])
                return _trace(text, turns, "answered" if answer else "empty", answer)
            calls = tuple(self._serve(call, place, made) for place, call in enumerate(turn.calls))
            turns.append(TracedTurn(raw=raw, calls=calls))
            said.append(Message(role="assistant", content=_as_written(turn)))
            for call in calls:
                heard += _texts_in(call.result)
            said += [
                Message(role="tool", name=call.name or MALFORMED_TOOL, content=CALLS.response_text(call.result))
                for call in calls
            ]
        return _trace(text, turns, "turn_cap")

    def _serve(self, call: ToolCall | Malformed, place: int, made: set[bytes]) -> TracedCall:
        """Carry out one call, or say why not."""
        if isinstance(call, Malformed):
            told = _refusal("malformed_call", f"this call cannot be read: {call.reason}; write it again")
            return TracedCall(name=None, arguments=None, outcome="malformed", result=told)
        if place >= self.max_calls_per_turn:
            told = _refusal(
                "too_many_calls", f"at most {self.max_calls_per_turn} calls in one turn; this one was not made"
            )
            return TracedCall(name=call.name, arguments=call.arguments, outcome="over_limit", result=told)
        key = dumps([call.name, call.arguments])
        if key in made:
            told = _refusal("duplicate_call", "this call was already made; use its result")
            return TracedCall(name=call.name, arguments=call.arguments, outcome="duplicate", result=told)
        made.add(key)
        try:
            result = self.canvas.dispatch(call.name, call.arguments)
        except Exception as error:
            # A canvas behind a network may fail; the model is told, the trace keeps the error's type, never its text.
            result = _refusal("tool_failed", f"the tool broke down ({type(error).__name__})")
        return TracedCall(name=call.name, arguments=call.arguments, outcome=outcome_of(result), result=result)


def _with_failure(answer: str, turns: Sequence[TracedTurn]) -> str:
    """The answer after a round in which nothing could be done says so, whatever the model made of it; where no call of the
    whole run was carried out, the rest would be invented and is left out."""
    last = turns[-1].calls if turns else ()
    if not last or any(call.outcome not in FAILED for call in last) or _SAYS_SO.search(answer):
        return answer
    told = next((str(call.result["error"]["message"]) for call in last if call.outcome == "tool_error"), "")
    failure = f"That did not work: {plain_words(told).rstrip('.')}." if told else "That did not work."
    done = any(call.outcome == "ok" for turn in turns for call in turn.calls)
    return f"{failure} {answer}".strip() if done else failure


def outcome_of(result: Any) -> Outcome:
    """What a tool's result says about the call: done, no such tool, bad arguments, or the tool's own error."""
    if not (isinstance(result, Mapping) and isinstance(result.get("error"), Mapping)):
        return "ok"
    return ERROR_OUTCOMES.get(str(result["error"].get("code")), "tool_error")


def plain_words(text: str) -> str:
    """A model's text as a student reads it. Markers within markers can leave one behind: it is made inert."""
    return CALLS.escape(text) if _MARKUP.search(text) else text


def _texts_of(message: Message) -> Iterator[str]:
    """Every string that a message of the history holds; a tool's message is JSON, and a call has arguments."""
    if message.role == "assistant":
        yield from (text for call in CALLS.parse(message.content).well_formed for text in _texts_in(call.arguments))
    if message.role == "tool":
        try:
            yield from _texts_in(json.loads(CALLS.unescape(message.content)))
            return
        except ValueError:
            pass  # a tool that answered in words
    yield message.content


def _texts_in(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, (Mapping, list, tuple)):
        if isinstance(value, Mapping):  # titles may be keys, too
            yield from (key for key in value if isinstance(key, str))
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_in(inner)


def _as_written(turn: Turn) -> str:
    """The model's turn as it goes back to it: its words, readable calls in one form, the beginning of unreadable ones as
    inert text."""
    calls = (
        CALLS.serialise(call) if isinstance(call, ToolCall) else CALLS.escape(call.raw[:RAW_CHARACTERS])
        for call in turn.calls
    )
    return plain_words(turn.text) + "".join(calls)


def _refusal(code: str, message: str) -> dict[str, Any]:
    return {"error": {"code": code, "message": message}}


def _trace(
    text: str, turns: Sequence[TracedTurn], ending: Ending, answer: str = "", failure: str | None = None
) -> Trace:
    return Trace(text=text, turns=tuple(turns), answer=answer or FALLBACKS[ending], ending=ending, failure=failure)
