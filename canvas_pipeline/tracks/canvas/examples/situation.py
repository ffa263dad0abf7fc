"""Situations: whole right conversations, and the decisions in them.

A situation's messages and decisions agree. Text from outside is escaped before it enters a message."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, get_args

from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Message, Row
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import WordingRole
from canvas_pipeline.tracks.canvas.examples.students import Snapshot
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration, said, system_message, user_message

SituationKind = Literal["single", "several", "sequence", "follow_up", "dialogue", "failed", "none"]
KINDS: tuple[SituationKind, ...] = get_args(SituationKind)


class Step(Row, frozen=True, kw_only=True):
    """One model turn with calls, and what the tools returned, in the same order."""

    calls: tuple[ToolCall, ...]
    results: tuple[Any, ...]


class Exchange(Row, frozen=True, kw_only=True):
    """One user turn and everything up to its answer. ``phrasing`` is the wording's id (``+`` joins several)."""

    text: str
    phrasing: str
    steps: tuple[Step, ...]
    answer: str


class Situation(Row, frozen=True, kw_only=True):
    """A whole right conversation. ``exchanges`` are in order; the last is what the situation is about."""

    id: str
    kind: SituationKind
    role: WordingRole
    snapshot: Snapshot
    declaration: Declaration
    exchanges: tuple[Exchange, ...]

    @property
    def text(self) -> str:
        return self.exchanges[-1].text

    @property
    def phrasing(self) -> str:
        return "+".join(exchange.phrasing for exchange in self.exchanges)

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """All calls, in order."""
        return tuple(call for exchange in self.exchanges for step in exchange.steps for call in step.calls)

    @property
    def results(self) -> tuple[Any, ...]:
        """What each of ``calls`` returned."""
        return tuple(result for exchange in self.exchanges for step in exchange.steps for result in step.results)

    @property
    def answer(self) -> str:
        return self.exchanges[-1].answer

    @property
    def item_ids(self) -> tuple[str, ...]:
        """The student's items that the conversation names, or all of them where it names none."""
        return used_items(self.snapshot, " ".join(said(message) for message in messages(self)[1:]))


class Decision(Row, frozen=True, kw_only=True):
    """A point at which the model acts, with the ``prompt`` so far and the right act: ``calls`` or ``answer``, never both.

    ``results`` are what the calls return."""

    situation: Situation
    prompt: tuple[Message, ...]
    calls: tuple[ToolCall, ...]
    results: tuple[Any, ...]
    answer: str | None

    @property
    def completion(self) -> tuple[Message, ...]:
        """The right act as one assistant turn."""
        return (calls_message(self.calls) if self.answer is None else answer_message(self.answer),)


def calls_message(calls: Sequence[ToolCall]) -> Message:
    """Build an assistant turn of calls."""
    return Message(role="assistant", content="".join(CALLS.serialise(call) for call in calls))


def answer_message(text: str) -> Message:
    """Build an assistant turn of plain words, with markers from titles escaped."""
    return Message(role="assistant", content=CALLS.escape(text))


def result_messages(calls: Sequence[ToolCall], results: Sequence[Any]) -> tuple[Message, ...]:
    """Build the tool turns that follow calls, one each, in order."""
    return tuple(
        Message(role="tool", name=call.name, content=CALLS.response_text(result))
        for call, result in zip(calls, results, strict=True)
    )


def decisions(situation: Situation) -> tuple[Decision, ...]:
    """Return every decision of the conversation, in order. The last one is the final answer."""
    prompt: tuple[Message, ...] = (system_message(situation.snapshot.now, situation.declaration),)
    found: list[Decision] = []
    for exchange in situation.exchanges:
        prompt += (user_message(exchange.text, situation.snapshot.now, situation.declaration),)
        for step in exchange.steps:
            found.append(
                Decision(situation=situation, prompt=prompt, calls=step.calls, results=step.results, answer=None)
            )
            prompt += (calls_message(step.calls), *result_messages(step.calls, step.results))
        found.append(Decision(situation=situation, prompt=prompt, calls=(), results=(), answer=exchange.answer))
        prompt += (answer_message(exchange.answer),)
    return tuple(found)


def messages(situation: Situation) -> tuple[Message, ...]:
    """Return the whole conversation, system message first."""
    last = decisions(situation)[-1]
    return last.prompt + last.completion


def used_items(account: Snapshot, text: str) -> tuple[str, ...]:
    """Return the ids of the account's items whose title is in the text, or of all its items where none is."""
    used = tuple(a.item_id for a in account.assignments if a.title and CALLS.escape(a.title) in text)
    return used or account.item_ids
