"""Decision points: the assistant turns of a trajectory, each with its prompt, its right continuation and the calls still to come.

``steps`` is parsed from the trajectory's own wire text, so the truth cannot differ from the text. The step ``()`` means "stop and
answer"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.tracks.canvas.tools.calls import CALLS

Step = tuple[ToolCall, ...]


@dataclass(frozen=True, slots=True)
class DecisionPoint:
    """The turn ``trajectory.messages[at]``. ``steps[0]`` are its calls, ``steps[1:]`` those of later turns, ``done`` the earlier
    ones."""

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
        """The calls to make now. Empty where the right act is to answer."""
        return self.steps[0]

    @property
    def later(self) -> Step:
        """The calls of later turns, which need this turn's results."""
        return tuple(call for step in self.steps[1:] for call in step)

    @property
    def subject(self) -> str:
        """The next tool, else the last called one, else ``none``. Sampling is balanced over it."""
        if self.needed:
            return self.needed[0].name
        return self.done[-1].name if self.done else "none"


def decision_points(trajectory: Trajectory) -> Iterator[DecisionPoint]:
    """Yield every assistant turn.

    Raises ``BadInput`` that names the row where a call cannot be read: such a trajectory must not be trained on (see G8)."""
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
