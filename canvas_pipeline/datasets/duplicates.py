"""Find exact and near duplicates of texts, and rows of an evaluation among training rows.

Near means a Jaccard similarity of character 5-grams of at least ``NEAR``. MinHash (Broder 1997) with locality-sensitive hashing
finds the candidates, and the similarity itself is computed exactly, so that an estimate never decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from canvas_pipeline.verifiers.words import plain

NEAR = 0.85
SHINGLE = 5
BANDS = (25, 5)
"""Bands and hashes a band: two texts at ``NEAR`` share no band, and are missed, once in a million times."""
PERMUTATIONS = BANDS[0] * BANDS[1]
SEED = 1

T = TypeVar("T")
Kind = Literal["exact", "near"]


@dataclass(frozen=True, slots=True)
class Duplicate(Generic[T]):
    """A row whose text equals or nearly equals that of ``original``."""

    row: T
    original: T
    kind: Kind


@dataclass(frozen=True, slots=True)
class Deduplicated(Generic[T]):
    """Rows without their duplicates, in order; the first of equal rows is kept."""

    kept: tuple[T, ...]
    duplicates: tuple[Duplicate[T], ...]


class TextIndex:
    """An index of texts that finds equal and near ones. Case, punctuation and spacing do not count."""

    def __init__(self, near: float | None = NEAR) -> None:
        self._near = near
        self._exact: dict[str, int] = {}
        self._texts: list[str] = []
        self._lsh: Any = None

    def add(self, text: str) -> int:
        """Add a text and return its position."""
        form = plain(text)
        self._texts.append(form)
        position = len(self._texts) - 1
        if form not in self._exact:
            self._exact[form] = position
            if self._near is not None:
                self._table().insert(position, _signature(form), check_duplication=False)
        return position

    def find(self, text: str) -> tuple[int, Kind] | None:
        """Give the position of the first text that is equal, else of the most similar one that is near enough."""
        form = plain(text)
        if form in self._exact:
            return self._exact[form], "exact"
        if self._near is None or not self._texts:
            return None
        mine = shingles(form)
        similar = [(jaccard(mine, shingles(self._texts[at])), -at) for at in self._table().query(_signature(form))]
        best, at = max(similar, default=(0.0, 0))
        return (-at, "near") if best >= self._near else None

    def _table(self) -> Any:
        if self._lsh is None:
            from datasketch import MinHashLSH

            self._lsh = MinHashLSH(num_perm=PERMUTATIONS, params=BANDS)
        return self._lsh


def shingles(form: str) -> frozenset[str]:
    """Give the character 5-grams of a text; a shorter text is its own only one."""
    return frozenset(form[at : at + SHINGLE] for at in range(max(1, len(form) - SHINGLE + 1)))


def jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    """Return the size of the intersection divided by that of the union, 0..1."""
    return len(one & other) / len(one | other)


def _signature(form: str) -> Any:
    from datasketch import MinHash

    signature = MinHash(num_perm=PERMUTATIONS, seed=SEED)
    signature.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in sorted(shingles(form))])
    return signature


def deduplicate(
    rows: Sequence[T],
    text: Callable[[T], str],
    within: Callable[[T], Hashable] = lambda row: "",
    near: float | None = NEAR,
) -> Deduplicated[T]:
    """Keep the first of equal or near rows. Only rows with the same ``within`` (a topic) are compared.

    ``near`` of None finds exact duplicates only."""
    indexes: dict[Hashable, tuple[TextIndex, list[T]]] = {}
    kept: list[T] = []
    duplicates: list[Duplicate[T]] = []
    for row in rows:
        index, originals = indexes.setdefault(within(row), (TextIndex(near), []))
        found = index.find(text(row))
        if found:
            duplicates.append(Duplicate(row, originals[found[0]], found[1]))
            continue
        index.add(text(row))
        originals.append(row)
        kept.append(row)
    return Deduplicated(tuple(kept), tuple(duplicates))


def capped(rows: Sequence[T], topic: Callable[[T], Hashable], most: int) -> tuple[list[T], list[T]]:
    """Keep the first ``most`` rows of each topic. Returns (kept, over the cap), both in order."""
    seen: Counter[Hashable] = Counter()
    kept: list[T] = []
    over: list[T] = []
    for row in rows:
        seen[topic(row)] += 1
        (kept if seen[topic(row)] <= most else over).append(row)
    return kept, over


@dataclass(frozen=True, slots=True)
class Leak:
    """A training row that holds an evaluation item's text, by their ids."""

    row_id: str
    item_id: str
    kind: Kind


def leaks(training: Iterable[tuple[str, str]], evaluation: Mapping[str, str], near: float | None = NEAR) -> list[Leak]:
    """Find training texts (id, text) that equal an evaluation text (id → text) or are near one."""
    index, ids = TextIndex(near), list(evaluation)
    for text in evaluation.values():
        index.add(text)
    return [Leak(row_id, ids[found[0]], found[1]) for row_id, text in training if (found := index.find(text))]
