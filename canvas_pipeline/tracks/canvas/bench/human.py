"""Ask prompts that were worded by hand, not by the grammar that words all other cases, and score them apart.

``human_prompts.jsonl`` beside this module holds the shipped ones. A user's own are read from ``prompts/*.jsonl`` of the data
folder, one JSON object a line: ``id``; ``text``; ``tools``, any of which is right as the first call; and optionally ``need``, texts
that the arguments of this call must contain. All are asked at one fixed instant, as the first turn of a conversation. They train
nothing and choose no checkpoint.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Prediction, answers
from canvas_pipeline.evaluation.statistics import Rate, wilson
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Row, digest, dumps, read_jsonl
from canvas_pipeline.tracks.canvas.bench.score import State, state_of
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message, user_message
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

if TYPE_CHECKING:
    from canvas_pipeline.tracks.canvas.profiles import CanvasProfile

SHIPPED = Path(__file__).with_name("human_prompts.jsonl")
LONGEST = 1000
"""Characters of a prompt."""
_ID = re.compile(r"[A-Za-z0-9._-]{1,40}")


class HumanPrompt(Row, frozen=True, kw_only=True):
    """One prompt with what is accepted as the first call."""

    id: str
    text: str
    tools: tuple[str, ...]
    need: tuple[str, ...] = ()


class HumanCase(HumanPrompt, frozen=True, kw_only=True):
    """A prompt with the instant at which it is asked (ISO-8601)."""

    now: str


class HumanOutcome(Row, frozen=True, kw_only=True):
    """One prompt's score. ``selected``: the first call is an accepted one; ``right``: it also contains what it needs."""

    case_id: str
    state: State
    selected: bool
    right: bool
    sha256: str


class HumanReport(Row, frozen=True, kw_only=True):
    """A model's results on all prompts. Each has a wording of its own, so Wilson's interval holds."""

    cases: int
    selected: Rate
    right: Rate
    outcomes: tuple[HumanOutcome, ...]


def human_cases(folder: Path, now: str) -> list[HumanCase]:
    """Read the shipped prompts and those of a folder, which need not exist, in the order of the files' names. ``now`` is the
    instant at which they are asked.

    Raises ``BadInput`` with file, row and field for one that cannot be used; no error contains a prompt's text."""
    found: dict[str, HumanCase] = {}
    for path in (SHIPPED, *sorted(folder.glob("*.jsonl"))):
        for number, row in enumerate(read_jsonl(path, HumanPrompt), 1):
            if reason := _fault(row) or ("id is taken by an earlier prompt" if row.id in found else ""):
                raise BadInput(f"{path}: prompt {number}: {reason}")
            found[row.id] = HumanCase(now=now, **msgspec.structs.asdict(row))
    return list(found.values())


def _fault(row: HumanPrompt) -> str:
    if not _ID.fullmatch(row.id):
        return "id must have 1 to 40 letters, digits, dots, dashes or underscores"
    if not row.text.strip() or len(row.text) > LONGEST:
        return f"text must have 1 to {LONGEST} characters"
    if not row.tools:
        return "tools must name at least one tool that is right as the first call"
    if unknown := [index for index, tool in enumerate(row.tools, 1) if tool not in TOOLS]:
        return f"tools: number {unknown[0]} is no tool; the tools are: {', '.join(TOOLS)}"
    return "" if all(text.strip() for text in row.need) else "need must not hold an empty text"


def case(row: HumanCase, profile: CanvasProfile) -> BenchCase:
    """Make the case that a model is asked. What is right about its answer stays in the prompt's row: see ``report``."""
    declaration = profile.declaration
    return BenchCase(
        id=case_id(row), kind="single", expected_tools=(), expected_args=(), tools=ALL_TOOLS, phrasing=case_id(row), item_ids=(),
        messages=(system_message(row.now, declaration), user_message(CALLS.escape(row.text), row.now, declaration)),
    )  # fmt: skip


def case_id(row: HumanPrompt) -> str:
    """Return the id of a prompt among those of all cases."""
    return f"human-{row.id}"


class _Asked(Row, frozen=True, kw_only=True):
    id: str


def report(rows: Sequence[HumanCase], predictions: Iterable[Prediction]) -> HumanReport:
    """Score all prompts. Raises ``BadInput`` where one has no or two predictions, or a prediction no prompt."""
    found = answers([_Asked(id=case_id(row)) for row in rows], predictions)
    outcomes = tuple(_outcome(row, found[case_id(row)]) for row in rows)
    return HumanReport(
        cases=len(outcomes),
        selected=wilson(sum(o.selected for o in outcomes), len(outcomes)),
        right=wilson(sum(o.right for o in outcomes), len(outcomes)),
        outcomes=outcomes,
    )


def _outcome(row: HumanCase, given: Prediction) -> HumanOutcome:
    state = state_of(given.text, given.stopped)
    calls = CALLS.parse(given.text).calls if state == "called" else ()
    first = calls[0] if calls and isinstance(calls[0], ToolCall) else None
    selected = first is not None and first.name in row.tools
    said = dumps(first.arguments).decode() if first is not None else ""
    return HumanOutcome(
        case_id=case_id(row),
        state=state,
        selected=selected,
        right=selected and given.stopped and all(text in said for text in row.need),
        sha256=digest(given.text, str(given.stopped)),
    )
