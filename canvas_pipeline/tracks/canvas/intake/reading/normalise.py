"""Normalise what contributors write: titles to keys, types and statuses to the corpus's own, times to UTC."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Literal

from canvas_pipeline.tracks.canvas.rows import Item, ItemType

Status = Literal["GRADED", "SUBMITTED", "NOT_SUBMITTED"]

# A platform's type of work → the corpus's; any other type becomes ASGN and is counted.
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
    """Return a title's key: NFKC, one kind of quote and dash, no emoji, single spaces, case folded."""
    if title.isascii():
        return " ".join(title.translate(_ASCII_DROPPED).lower().split())
    text = unicodedata.normalize("NFKC", title).translate(_PUNCTUATION)
    text = "".join(c for c in text if unicodedata.category(c) not in _DROPPED and c != "\ufe0f")
    return " ".join(text.casefold().split())


def key_of(*parts: str) -> int:
    """Return a 63-bit hash of some texts. The separator is escaped, so that ("a", "bc") and ("ab", "c") differ."""
    raw = "\0".join(part.replace("\0", "\0\0") for part in parts).encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(raw, digest_size=8).digest(), "big") >> 1


def is_overdue(item: Item) -> bool:
    """Return whether an item was due before its collection and is neither graded nor submitted. Without a due date: False."""
    if item.due_at is None or item.submission_status in ("GRADED", "SUBMITTED"):
        return False
    return datetime.fromisoformat(item.due_at) < datetime.fromisoformat(item.collected_at)


@lru_cache(maxsize=1 << 14)
def utc(text: str) -> str:
    """Convert an ISO-8601 time to UTC, written with a Z."""
    return datetime.fromisoformat(text).astimezone(UTC).isoformat().replace("+00:00", "Z")


@lru_cache(maxsize=1 << 14)
def microseconds(text: str) -> int:
    """Return the microseconds since two days before year 1, which no UTC offset makes negative."""
    return (datetime.fromisoformat(text) - _YEAR_ONE + timedelta(days=2)) // timedelta(microseconds=1)
