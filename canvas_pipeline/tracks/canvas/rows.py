"""Define the rows of the Canvas track: items of the corpus, conversations, pairs, feedback, bench cases."""

from __future__ import annotations

from typing import Any, Literal

from canvas_pipeline.records import Message, Row, digest

ItemType = Literal["ASGN", "QUIZ", "DISC"]
CaseKind = Literal["single", "several", "sequence", "follow_up", "dialogue", "failed", "none"]


class Item(Row, frozen=True, kw_only=True):
    """One assignment, quiz or discussion of the corpus, anonymised. ``id`` is ``item_id(type, title, course)``.

    ``course`` is a handle such as ``@COURSE3`` (``None`` if a to-do item names no course). ``due_at`` is ISO-8601 or ``None``,
    never invented. ``collected_at`` is the reference instant of every "due in N days". ``parents`` are the source rows as
    ``contributor:line``."""

    id: str
    type: ItemType
    title: str
    course: str | None
    course_name: str | None
    term: str | None
    due_at: str | None
    points_possible: float | None
    submission_types: tuple[str, ...]
    submission_status: Literal["GRADED", "SUBMITTED", "NOT_SUBMITTED"] | None
    contributors: tuple[str, ...]
    collected_at: str
    parents: tuple[str, ...]


class Trajectory(Row, frozen=True, kw_only=True):
    """A training conversation: system, user, then assistant and tool turns, ending with an assistant turn.

    ``tools`` are the names declared to the model (all, or some: ``tools.subset``), ``phrasing`` is the id of the wording of the
    user's text, ``item_ids`` are the corpus items it mentions, ``parents`` the rows it is made from."""

    id: str
    kind: Literal["single", "several", "sequence", "follow_up", "dialogue", "failed", "none", "session"]
    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...]


class Student(Row, frozen=True, kw_only=True):
    """A mock student in the lineage: the parent of its conversations. ``parents`` are its items."""

    id: str
    parents: tuple[str, ...]


class ItemPair(Row, frozen=True, kw_only=True):
    """Two items and the question which to do first. ``reference_instant`` is ISO-8601."""

    id: str
    query: str
    item_a: Item
    item_b: Item
    reference_instant: str
    parents: tuple[str, ...]


class Vote(Row, frozen=True, kw_only=True):
    """One teacher's answer to one presentation of a pair. ``winner`` refers to the pair's own order."""

    pair_id: str
    presentation: Literal["ab", "ba", "ab_paraphrased"]
    winner: Literal["A", "B"] | None
    teacher: str
    prompt_sha256: str


class Sample(Row, frozen=True, kw_only=True):
    """A completion by a model at a decision point: the turn ``at`` of a trajectory of the training or the eval part.

    ``greedy`` is set for the most likely one, which is no random sample. ``text`` includes special tokens; ``stopped`` is False
    where it reached the length limit. ``parents`` is the trajectory."""

    id: str
    at: int
    greedy: bool
    text: str
    stopped: bool
    parents: tuple[str, ...]


class PreferencePair(Row, frozen=True, kw_only=True):
    """A prompt with a chosen and a rejected completion.

    ``axes`` names what is wrong with the rejected one (``labelled`` for urgency pairs that the teacher labelled). The rejected
    side is made up (``mutation``), or what the policy itself said (``on_policy``)."""

    id: str
    source: Literal["mutation", "labelled", "on_policy"]
    axes: tuple[str, ...]
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...]


class FeedbackExample(Row, frozen=True, kw_only=True):
    """An unpaired KTO row. ``label`` is True if the completion is desirable.

    Rows of ``bon`` are such too, all desirable: a prompt, and what the policy said and is to say."""

    id: str
    prompt: tuple[Message, ...]
    completion: tuple[Message, ...]
    label: bool
    axes: tuple[str, ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...]


class BenchCase(Row, frozen=True, kw_only=True):
    """A prompt with the calls expected next, in order, or none. ``parents`` are the corpus items of its student, ``item_ids`` those
    it mentions."""

    id: str
    kind: CaseKind
    messages: tuple[Message, ...]
    expected_tools: tuple[str, ...]
    expected_args: tuple[dict[str, Any], ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...] = ()


def item_id(type_: str, normalised_title: str, course: str | None) -> str:
    """Return 12 hex digits of a sha256 over type, normalised title and course handle."""
    return digest(type_, normalised_title, course or "")[:12]
