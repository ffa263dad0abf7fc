"""Write a conversation that is in one model family's notation in another's.

Rows hold assistant turns in the notation of the profile's family. Exported as they are, another base would be taught foreign
markers as plain text."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.records import Message


def translated(messages: Sequence[Message], source: ModelFamily, target: ModelFamily) -> tuple[Message, ...]:
    """Return the conversation for ``target``. Raises ``BadInput`` where a turn cannot be read, or has no form in ``target``."""
    if target.name == source.name:
        return tuple(messages)
    return tuple(_message(message, source, target) for message in messages)


def _message(message: Message, source: ModelFamily, target: ModelFamily) -> Message:
    if source.chat_template is None and target.chat_template is not None:
        # A bare prompt ends where its answer begins: the blanks between them are the turn's markers now.
        return Message(role=message.role, content=target.calls.escape(message.content.strip()), name=message.name)
    if message.role != "assistant":
        text = target.calls.escape(source.calls.unescape(message.content))
        return Message(role=message.role, content=text, name=message.name)
    turn = source.calls.parse(message.content)
    if turn.malformed:
        raise BadInput("an assistant turn holds a call that cannot be read")
    words = target.calls.escape(source.calls.unescape(turn.text))
    content = "\n".join(filter(None, (words, *(target.calls.serialise(call) for call in turn.well_formed))))
    read = target.calls.parse(content)
    if (
        read.calls != turn.well_formed
        or any(call.lenient for call in read.well_formed)
        or bool(read.text) != bool(words)
    ):
        raise BadInput(f"an assistant turn has no form in the family {target.name}")
    return Message(role="assistant", content=content, name=message.name)
