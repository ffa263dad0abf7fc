"""One form for what contributors write in many: titles as keys, kinds of work, instants.

In: texts as contributed (titles already masked). Out: keys, our own types, ISO-8601 instants in UTC. What must hold: the key of
a title does not depend on blanks, quotes, dashes, emoji or case; a due date that is not known stays None; work that was handed
in is never overdue.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from canvas_pipeline.tracks.canvas.rows import Item, ItemType

Status = Literal["GRADED", "SUBMITTED", "NOT_SUBMITTED"]

# What platforms call a kind of work → ours; anything else is ASGN and counted.
TYPES: Mapping[str, ItemType] = {
    "ASGN": "ASGN", "ASSIGNMENT": "ASGN", "QUIZ": "QUIZ", "DISC": "DISC", "DISCUSSION": "DISC", "DISCUSSION_TOPIC": "DISC",
}  # fmt: skip
STATUSES: Mapping[str, Status] = {"GRADED": "GRADED", "SUBMITTED": "SUBMITTED", "NOT_SUBMITTED": "NOT_SUBMITTED"}
SUBMISSION_TYPES = frozenset({
    "external_tool", "online_quiz", "online_upload", "none", "online_text_entry", "on_paper", "discussion_topic",
    "media_recording", "online_url", "not_graded", "student_annotation", "wiki_page", "basic_lti_launch", "attendance",
})  # fmt: skip
OTHER_SUBMISSION = "other"
_PUNCTUATION = str.maketrans({
    **dict.fromkeys("\u2018\u2019\u201a\u201b\u02bc", "'"), **dict.fromkeys("\u201c\u201d\u201e", '"'),
    **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2015\u2212", "-"), "\u2026": "...",
})  # fmt: skip
_DROPPED = frozenset(("So", "Sk", "Cf", "Cs", "Co", "Cn"))
_ASCII_DROPPED = str.maketrans("", "", "^`")  # the only ASCII characters of those categories
_YEAR_ONE = datetime.min.replace(tzinfo=UTC)


def normalise(title: str) -> str:
    """A title's key: compatibility forms, one kind of quote and dash, no emoji, single spaces, folded case. The title itself
    keeps what its author wrote."""
    if title.isascii():
        return " ".join(title.translate(_ASCII_DROPPED).lower().split())
    text = unicodedata.normalize("NFKC", title).translate(_PUNCTUATION)
    text = "".join(c for c in text if unicodedata.category(c) not in _DROPPED and c != "\ufe0f")
    return " ".join(text.casefold().split())


def key_of(*parts: str) -> int:
    """63 bits over some texts, unambiguous in their borders: equal for equal texts, in practice for no others."""
    raw = "\0".join(part.replace("\0", "\0\0") for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big") >> 1


def is_overdue(item: Item) -> bool:
    """Due before it was collected and neither graded nor submitted; never for an unknown due date."""
    if item.due_at is None or item.submission_status in ("GRADED", "SUBMITTED"):
        return False
    return moment(item.due_at) < moment(item.collected_at)


@lru_cache(maxsize=1 << 14)
def moment(text: str) -> datetime:
    """An instant of a row that was read (it is valid)."""
    return datetime.fromisoformat(text)


@lru_cache(maxsize=1 << 14)
def utc(text: str) -> str:
    """The same instant in UTC, with a Z."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=1 << 14)
def microseconds(text: str) -> int:
    """Microseconds since the day before year 1 (no offset makes it negative): instants as numbers, in their order."""
    return (datetime.fromisoformat(text) - _YEAR_ONE + timedelta(days=2)) // timedelta(microseconds=1)
