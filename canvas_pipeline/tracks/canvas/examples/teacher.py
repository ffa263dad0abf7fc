"""Teachers that choose which of two items comes first: a rule that needs no network, and a model behind a server.

A teacher returns ``"first"``, ``"second"`` or None (undecided). Its vote depends on the arguments alone, never on the wall clock.
``identity`` names model and revision and is part of every label. A teacher that is down raises ``ServiceUnavailable``."""

from __future__ import annotations

import math
import re
from datetime import datetime
from typing import Literal, Protocol

from canvas_pipeline.models.endpoint import Endpoint
from canvas_pipeline.tracks.canvas.rows import Item

Choice = Literal["first", "second"]

RUBRIC = (
    "Decide which item the student should work on first. Unfinished work that is overdue or due soonest comes first; "
    "graded work is never urgent; if both are due at the same time, the one worth more points comes first."
)
PARAPHRASE = (
    "Pick the more pressing item. Finished, graded work can wait for ever. Otherwise take the one whose deadline is "
    "nearest or has just passed, and between equal deadlines the one that counts for more."
)


class Teacher(Protocol):
    """Anything that chooses between two items. ``identity`` contains the revision, so that a new one is a new teacher.

    ``confirm`` raises ``BadConfig`` where the identity is another one by now."""

    @property
    def identity(self) -> str: ...

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None: ...

    def confirm(self) -> None: ...


def prompt_text(query: str, first: Item, second: Item, rubric: str, reference_instant: str) -> str:
    """Return the teacher's prompt. Its sha256 keys the journal: another wording is another vote."""
    return (
        f"{rubric}\nNow: {reference_instant}. The student asks: {query}?\n"
        f"First item: {_shown(first)}\nSecond item: {_shown(second)}\n"
        "Answer with one word: first, second, or tie."
    )


def _shown(item: Item) -> str:
    points = "not stated" if item.points_possible is None else f"{item.points_possible:g}"
    status = (item.submission_status or "unknown").lower().replace("_", " ")
    return f"{item.title!r}; due {item.due_at or 'never stated'}; points {points}; {status}"


class UrgencyTeacher:
    """The embedded teacher: a rule over status, due date relative to the reference instant, and points."""

    identity = "urgency-rule@1"  # a changed rule is another teacher: raise the number

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None:
        """Choose the item with the smaller ``urgency``; None on a tie or where both are graded."""
        first, second = urgency(item_first, reference_instant), urgency(item_second, reference_instant)
        if first == second or first[0] == second[0] == _GRADED:
            return None
        return "first" if first < second else "second"

    def confirm(self) -> None:
        """Do nothing: a rule does not change under way."""


_OVERDUE, _UPCOMING, _UNDATED, _SUBMITTED, _GRADED = range(5)


def urgency(item: Item, reference_instant: str) -> tuple[int, float, float]:
    """Return a sort key, most urgent first: (class, hours from the reference instant, minus points).

    Classes: overdue and not handed in (the newest first, since late credit runs out), upcoming, without a date, submitted,
    graded. A missing date is a class of its own and never a number of days."""
    points = -(item.points_possible or 0.0)
    if item.submission_status == "GRADED":
        return (_GRADED, 0.0, 0.0)
    hours = math.inf
    if item.due_at is not None:
        hours = (datetime.fromisoformat(item.due_at) - datetime.fromisoformat(reference_instant)).total_seconds() / 3600
    if item.submission_status == "SUBMITTED":
        return (_SUBMITTED, abs(hours), points)
    if item.due_at is None:
        return (_UNDATED, hours, points)
    return (_OVERDUE if hours < 0 else _UPCOMING, abs(hours), points)


class HttpTeacher(Endpoint):
    """A model behind an OpenAI-compatible server, asked at temperature 0. Safe to share between threads."""

    role = "teacher"
    stated_with = "--teacher-identity or CANVAS_TEACHER_IDENTITY"

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None:
        """Ask for one vote, with retries. Raises ``ServiceUnavailable`` when all fail, ``BadConfig`` when another model answers."""
        text = prompt_text(query, item_first, item_second, rubric, reference_instant)
        return read_choice(self.chat([{"role": "user", "content": text}]))


def read_choice(text: str) -> Choice | None:
    """Return the choice if the text outside of thoughts names exactly one, else None (an abstention)."""
    answer = re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.S)
    words = set(re.findall(r"\b(first|second)\b", answer.lower()))
    if words == {"first"}:
        return "first"
    return "second" if words == {"second"} else None
