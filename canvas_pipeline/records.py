"""Every row type of the line, frozen, and JSONL in and out.

In: bytes of JSONL. Out: frozen rows, or a ``Refusal`` (file, line, reason code) for each line that is no row. What must
hold: a row survives ``dumps`` → ``loads`` unchanged, ``dumps`` is canonical (the same row gives the same bytes), and a
refusal never carries the text of its line.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec

from canvas_pipeline.errors import BadInput, MissingInput, RowsUnaccounted

Role = Literal["system", "user", "assistant", "tool"]
ItemType = Literal["ASGN", "QUIZ", "DISC"]
CaseKind = Literal["single", "several", "none", "follow_up"]

R = TypeVar("R", bound=msgspec.Struct)


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all rows: immutable, keyword-only, closed to unknown fields."""


class Message(Row, frozen=True, kw_only=True, omit_defaults=True):
    """One turn of a conversation. An assistant's ``content`` is written in the notation of its model family; a tool's
    ``content`` is the JSON text of its result and ``name`` is the tool's name."""

    role: Role
    content: str
    name: str | None = None


class Item(Row, frozen=True, kw_only=True):
    """One assignment, quiz or discussion of the corpus, anonymised. ``id`` is ``item_id(type, title, course)``.

    ``course`` is a handle such as ``@COURSE3`` (``None`` where a todo item names no course); ``due_at`` is ISO-8601 or
    ``None`` and never invented; ``collected_at`` is the reference instant of every "due in N days"; ``parents`` are the
    source rows as ``contributor:line``.
    """

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

    ``tools`` are the names declared to the model (the registry holds their schemas); ``phrasing`` is the id of the
    wording the user's text was made from; ``item_ids`` the corpus items it mentions; ``parents`` the rows it came from.
    """

    id: str
    kind: Literal["single", "several", "none", "follow_up", "sequence", "session"]
    messages: tuple[Message, ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...]


class Student(Row, frozen=True, kw_only=True):
    """A mock student as a link in the lineage: whose conversations name it as their parent, and the items it is made of."""

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
    """One teacher's answer to one presentation of a pair; ``winner`` is already un-swapped."""

    pair_id: str
    presentation: Literal["ab", "ba", "ab_paraphrased"]
    winner: Literal["A", "B"] | None
    teacher: str
    prompt_sha256: str


class PreferencePair(Row, frozen=True, kw_only=True):
    """prompt / chosen / rejected, each a tuple of messages. ``axes`` names what the rejected side gets wrong
    (``labelled`` for teacher-labelled urgency pairs)."""

    id: str
    source: Literal["mutation", "labelled"]
    axes: tuple[str, ...]
    prompt: tuple[Message, ...]
    chosen: tuple[Message, ...]
    rejected: tuple[Message, ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...]


class FeedbackExample(Row, frozen=True, kw_only=True):
    """An unpaired KTO row: ``label`` is True where the completion is desirable."""

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
    """A prompt with what the model should do next: the calls in order, or none at all. ``parents`` are the corpus items of the
    student it was asked of, ``item_ids`` those it mentions."""

    id: str
    kind: CaseKind
    messages: tuple[Message, ...]
    expected_tools: tuple[str, ...]
    expected_args: tuple[dict[str, Any], ...]
    tools: tuple[str, ...]
    phrasing: str
    item_ids: tuple[str, ...]
    parents: tuple[str, ...] = ()


class Refusal(Row, frozen=True, kw_only=True):
    """A row that left a stage: where it stood and why, never what it said."""

    source: str
    line: int
    reason: str
    detail: str = ""


class Funnel(Row, frozen=True, kw_only=True):
    """Conservation of rows at one stage: ``rows_in = kept + merged + sum(refused)``. Counts are of source rows."""

    stage: str
    rows_in: int
    kept: int
    merged: int = 0
    refused: dict[str, int] = {}

    @property
    def retained(self) -> float:
        """Share of ``rows_in`` that was not refused, 0..1 (merging duplicates is not a loss)."""
        return 1.0 if self.rows_in == 0 else (self.kept + self.merged) / self.rows_in

    def check(self) -> Funnel:
        """Return self, or raise ``RowsUnaccounted`` when rows are missing or counted twice."""
        out = self.kept + self.merged + sum(self.refused.values())
        if out != self.rows_in:
            raise RowsUnaccounted(
                f"stage {self.stage}: {self.rows_in} rows came in but {out} are accounted for "
                f"(kept {self.kept}, merged {self.merged}, refused {dict(self.refused)}); this is a bug, please report it"
            )
        return self


def funnel(stage: str, rows_in: int, kept: int, refusals: Iterable[Refusal] = (), merged: int = 0) -> Funnel:
    """A checked ``Funnel`` from counts and refusals."""
    reasons = Counter(r.reason for r in refusals)
    return Funnel(stage=stage, rows_in=rows_in, kept=kept, merged=merged, refused=dict(sorted(reasons.items()))).check()


def item_id(type_: str, normalised_title: str, course: str | None) -> str:
    """First 12 hex characters of sha256 over type, normalised title and course handle (mission.md)."""
    return digest(type_, normalised_title, course or "")[:12]


def digest(*parts: str) -> str:
    """sha256 hex of the parts, unambiguous in their borders."""
    h = hashlib.sha256()
    for part in parts:
        raw = part.encode("utf-8", "surrogatepass")
        h.update(len(raw).to_bytes(8, "big"))
        h.update(raw)
    return h.hexdigest()


_ENCODER = msgspec.json.Encoder(order="deterministic")


def dumps(value: Any) -> bytes:
    """Canonical JSON (keys sorted, no spaces) of a row or plain value, without the final newline."""
    return _ENCODER.encode(value)


def write_jsonl(path: Path, rows: Iterable[Any]) -> int:
    """Write rows as canonical JSONL and return how many; the caller owns atomicity (see ``artifacts``)."""
    count = 0
    with path.open("wb", buffering=1 << 20) as file:
        for row in rows:
            file.write(dumps(row))
            file.write(b"\n")
            count += 1
    return count


def read_jsonl(path: Path, type_: type[R]) -> Iterator[R]:
    """Rows of our own files, streaming. Raises ``BadInput`` with file and line at the first line that is no row, and
    ``MissingInput`` where the file is not there. (Contributors' files go through ``intake.reading.snapshot`` instead.)"""
    decoder = msgspec.json.Decoder(type_)
    try:
        file = path.open("rb", buffering=1 << 20)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; materialise the stage that writes it first") from None
    except IsADirectoryError:
        raise BadInput(f"{path}: a folder; name a file in it") from None
    with file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                yield decoder.decode(line)
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                # A validation error names the field and the type; a syntax error the byte. Neither quotes the text.
                what = next(
                    (said for mark, said in _OTHER_BYTES if number == 1 and line.startswith(mark)), _safe(error)
                )
                raise BadInput(f"{path}:{number}: not a {type_.__name__} row ({what})") from None


_OTHER_BYTES = (
    (b"\x1f\x8b", "the file is packed with gzip; unpack it"),
    (b"\xff\xfe", "the file is UTF-16; save it as UTF-8"),
    (b"\xfe\xff", "the file is UTF-16; save it as UTF-8"),
    (b"\xef\xbb\xbf", "the file begins with a byte-order mark; save it as UTF-8 without one"),
    (b"[", "the file is a JSON array; put each row on a line of its own"),
)
"""How a file begins that is in another form, so that no line of it is to blame."""


def _safe(error: Exception) -> str:
    """What is wrong and in which of our fields; never a value, nor a field's name that is not ours."""
    if not isinstance(error, msgspec.ValidationError):
        return "malformed JSON"
    what, at, where = str(error).partition(" - at ")
    foreign = next(
        (kind for kind in ("Invalid enum value", "Object contains unknown field") if what.startswith(kind)), None
    )
    return f"{foreign or what}{at}{where}"
