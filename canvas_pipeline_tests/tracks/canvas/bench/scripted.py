"""A backend for the agent loop whose turns are written beforehand."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.errors import ServiceUnavailable
from canvas_pipeline.records import Message


class ScriptedBackend:
    """Returns the given turns one after the other, then is unavailable. ``seen`` holds the messages of each request."""

    def __init__(self, turns: Sequence[str]) -> None:
        self.turns = tuple(turns)
        self.seen: list[tuple[Message, ...]] = []

    def complete(self, messages: Sequence[Message]) -> str:
        self.seen.append(tuple(messages))
        if len(self.seen) > len(self.turns):
            raise ServiceUnavailable("the script has no further turn")
        return self.turns[len(self.seen) - 1]
