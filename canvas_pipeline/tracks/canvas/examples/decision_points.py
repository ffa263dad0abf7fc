"""A moment: one point of a trajectory at which the model decides, with what is right there.

In: a ``Trajectory`` (its assistant turns are right by construction). Out: one ``Moment`` for each assistant turn: the
prompt before it, the right continuation, and the calls still to come, turn by turn. What must hold: ``steps`` is read
from the trajectory's own wire text, so truth and text cannot drift apart; a turn of ``()`` means "stop and answer"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Message, Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

Step = tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """``trajectory.messages[at]`` is the right next turn; ``steps[0]`` are its calls, ``steps[1:]`` those of later
    turns."""

    trajectory: Trajectory
    at: int
    steps: tuple[Step, ...]
    done: Step

    @property
    def prompt(self) -> tuple[Message, ...]:
        return self.trajectory.messages[: self.at]

    @property
    def right(self) -> Message:
        return self.trajectory.messages[self.at]

    @property
    def rest(self) -> tuple[Message, ...]:
        """The right continuation to the end: calls, results, answer."""
        return self.trajectory.messages[self.at :]

    @property
    def needed(self) -> Step:
        """The calls to make now; empty where the right act is to answer."""
        return self.steps[0]

    @property
    def later(self) -> Step:
        """The calls of later turns, which need what this turn's calls return."""
        return tuple(call for step in self.steps[1:] for call in step)

    @property
    def subject(self) -> str:
        """The tool the moment is about (next, or else last called), or ``none``: what sampling is balanced over."""
        if self.needed:
            return self.needed[0].name
        return self.done[-1].name if self.done else "none"


def decision_points(trajectory: Trajectory) -> Iterator[DecisionPoint]:
    """Every assistant turn as a moment. Raises ``BadInput`` naming the row where a turn holds a call that cannot be
    read: such a trajectory is not right by construction and must not be learnt from (G8 says so too)."""
    turns: list[tuple[int, Step]] = []
    for index, message in enumerate(trajectory.messages):
        if message.role != "assistant":
            continue
        turn = CALLS.parse(message.content)
        if turn.malformed:
            raise BadInput(f"trajectory {trajectory.id}, message {index}: {turn.malformed[0].reason}; make it again")
        turns.append((index, turn.well_formed))
    for place, (index, _) in enumerate(turns):
        # What was called before the last user turn answered another question.
        asked = max((i for i, m in enumerate(trajectory.messages[:index]) if m.role == "user"), default=0)
        done = tuple(call for at, step in turns[:place] if at > asked for call in step)
        following = next((i for i, m in enumerate(trajectory.messages) if i > index and m.role == "user"), None)
        steps = tuple(step for at, step in turns[place:] if following is None or at < following)
        yield DecisionPoint(trajectory, index, steps, done)
