"""Define the rows of the router track, and the one prompt and completion that training, benchmark and export share."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Message, Row, digest
from canvas_pipeline.verifiers.plan_fields import REQUIRED
from canvas_pipeline.verifiers.plans import KEYS, Completion, Malformed, Tool, parse_plan, serialise_completion
from canvas_pipeline.verifiers.thinking import CLOSING, OPENING
from canvas_pipeline.verifiers.words import plain

INSTRUCTION = f"Plan the route. Answer with JSON: {', '.join(KEYS)}.\nUser query: "
ANSWER = "\nPlan:\n"


def prompt_of(query: str) -> str:
    """Return the prompt of a query, byte for byte the same in training, benchmark and export."""
    return f"{INSTRUCTION}{query}{ANSWER}"


def query_hash(query: str) -> str:
    """Return the group of rows with the same query. A group never spans the parts of a split."""
    return digest("query", plain(query))[:12]


class RouterRow(Row, frozen=True, kw_only=True):
    """A row of a router data set whose fields were checked. ``difficulty`` is in lower case.

    ``extra`` holds optional and unknown fields as they were given; ``source`` names the file."""

    id: str
    source: str
    user_query: str
    task_summary: str
    route_plan: tuple[str, ...]
    route_rationale: str
    expected_artifacts: tuple[str, ...]
    thinking_outline: tuple[str, ...]
    handoff_plan: str
    todo_list: tuple[str, ...]
    difficulty: str
    tags: tuple[str, ...]
    acceptance_criteria: tuple[str, ...]
    metrics: dict[str, Any]
    extra: dict[str, Any] = {}

    @property
    def completion(self) -> Completion:
        """Return the gold completion. Raises ``BadInput`` where the plan does not parse, which reading has refused."""
        steps = parse_plan(self.route_plan)
        if isinstance(steps, Malformed):
            raise BadInput(f"row {self.id}: its route_plan does not parse ({steps.label})")
        return Completion(fields={key: getattr(self, key) for key in KEYS}, steps=steps)

    def completion_text(self, *, think: bool = False) -> str:
        """Return the JSON of the ten keys in their order. ``think`` puts the numbered outline before it (R5)."""
        outline = "\n".join(f"{number}. {line}" for number, line in enumerate(self.thinking_outline, 1))
        block = f"{OPENING}\n{outline}\n{CLOSING}\n" if think else ""
        return block + serialise_completion(self.completion)


class RouterExample(Row, frozen=True, kw_only=True):
    """A training row: a prompt and its completion. ``item_ids`` is the query's group."""

    id: str
    prompt: str
    completion: str
    difficulty: str
    item_ids: tuple[str, ...]

    @property
    def messages(self) -> tuple[Message, Message]:
        """Return the training messages."""
        return Message(role="user", content=self.prompt), Message(role="assistant", content=self.completion)


class RouterCase(Row, frozen=True, kw_only=True):
    """A query of the benchmark with its gold row, and what trivial baselines say to it (``majority``, ``majority per difficulty``,
    ``nearest``: texts of completions from the training part)."""

    id: str
    row: RouterRow
    majority: tuple[Tool, ...]
    baselines: dict[str, str]

    @property
    def item_ids(self) -> tuple[str, ...]:
        """Return the query's group."""
        return (query_hash(self.row.user_query),)


def example_of(row: RouterRow, *, think: bool) -> RouterExample:
    """Make the training row of a router row."""
    return RouterExample(
        id=row.id, prompt=prompt_of(row.user_query), completion=row.completion_text(think=think), difficulty=row.difficulty,
        item_ids=(query_hash(row.user_query),),
    )  # fmt: skip


def row_of(fields: Mapping[str, Any], id_: str, source: str) -> RouterRow:
    """Make a row of fields that ``check_route`` found no fault with."""
    known = {name: fields[name] for name in REQUIRED}
    texts = {name: tuple(value) if isinstance(value, list) else value for name, value in known.items()}
    extra = {name: value for name, value in fields.items() if name not in REQUIRED and name != "id"}
    return RouterRow(id=id_, source=source, **{**texts, "difficulty": known["difficulty"].casefold()}, extra=extra)
