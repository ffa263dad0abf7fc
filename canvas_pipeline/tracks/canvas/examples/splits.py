"""Split rows by shared items: each connected component of items goes to train, eval or test as a whole.

No item is in two splits. Rows in = rows out + refusals. A component's split depends on its own items and the seed, so new data do
not move old rows from training into a test (except where a split would be nearly empty). Splitting by rows would leak nearly
everywhere: 98 % of the pairs in older collections share an item with another one."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Literal, Protocol, TypeVar

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.records import Refusal, Row, digest, dumps, funnel, write_jsonl
from canvas_pipeline.storage.atomic import whole_folder
from canvas_pipeline.storage.digests import MANIFEST, sha256_file

Split = Literal["train", "eval", "test"]
SPLITS: tuple[Split, ...] = ("train", "eval", "test")
FRACTIONS: Mapping[Split, float] = {"train": 0.8, "eval": 0.1, "test": 0.1}
LEAST = 0.8  # of its share, in components; by chance one of three small splits is below it now and then


class Drawn(Protocol):
    """A row built from items, or a student."""

    @property
    def id(self) -> str: ...

    @property
    def item_ids(self) -> tuple[str, ...]: ...


class Phrased(Drawn, Protocol):
    """A row that also names its wording."""

    @property
    def phrasing(self) -> str: ...


R = TypeVar("R", bound=Drawn)


class Assignment(Row, frozen=True, kw_only=True):
    """Item → split and group → split, with the seed and fractions used."""

    items: dict[str, Split]
    groups: dict[str, Split]
    seed: int
    fractions: dict[Split, float]

    def counts(self) -> dict[str, int]:
        """Count the items in each split, empty ones too."""
        counted = Counter(self.items.values())
        return {split: counted[split] for split in SPLITS}


@dataclass(frozen=True, slots=True)
class SplitRows(Generic[R]):
    """Rows of each split in order, and refusals (``spans_splits``, ``unassigned_item``, ``no_items``)."""

    parts: dict[Split, list[R]]
    refusals: tuple[Refusal, ...]


@dataclass(frozen=True, slots=True)
class Overlap:
    """What two sets of rows share, sorted. Both are empty where they are disjoint."""

    items: tuple[str, ...]
    phrasings: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.items and not self.phrasings


def groups_of(rows: Iterable[Drawn]) -> dict[str, tuple[str, ...]]:
    """Return rows or students as the groups that ``assign`` takes."""
    return {row.id: row.item_ids for row in rows}


def components(groups: Mapping[str, Iterable[str]]) -> list[frozenset[str]]:
    """Return sets of items linked by a shared group, directly or indirectly, sorted by their first item."""
    import networkx as nx  # here: a slow import that the code location does not need

    graph = nx.Graph()
    for name, items in groups.items():
        graph.add_edges_from((("group", name), ("item", item)) for item in items)
    found = [frozenset(name for kind, name in nodes if kind == "item") for nodes in nx.connected_components(graph)]
    return sorted(found, key=min)


def assign(
    groups: Mapping[str, Sequence[str]],
    seed: int,
    fractions: Mapping[Split, float] = FRACTIONS,
    loose: Iterable[str] = (),
) -> Assignment:
    """Assign every component to a split by a seeded hash.

    ``fractions`` are shares of components and add up to 1. A split that the hash leaves below ``LEAST`` of its share (small data)
    gets the components with the nearest hashes. ``loose`` are items that may belong to no group; each goes where its own hash
    falls and does not count for filling up. Raises ``BadInput`` where there are fewer components than splits to fill,
    ``BadConfig`` for fractions that do not add up."""
    wanted: dict[Split, float] = {split: fractions.get(split, 0.0) for split in SPLITS}
    if not math.isclose(sum(wanted.values()), 1.0) or min(wanted.values()) < 0 or len(fractions) > len(SPLITS):
        raise BadConfig("the fractions of train, eval and test must be at least 0 and add up to 1")
    parts = components(groups)
    used = [split for split in SPLITS if wanted[split] > 0]
    if len(parts) < len(used):
        raise BadInput(
            f"{len(parts)} groups without shared items cannot fill {', '.join(used)}; "
            "add contributors or make students smaller"
        )
    hashes = [_hash(part, seed) for part in parts]
    chosen = [_by_hash(value, wanted) for value in hashes]
    for split in used:
        _fill_up(split, chosen, hashes, wanted)
    of_item = {item: split for part, split in zip(parts, chosen, strict=True) for item in part}
    of_item |= {x: _by_hash(_hash(frozenset((x,)), seed), wanted) for x in loose if x not in of_item}
    of_group = {name: of_item[items[0]] for name, items in groups.items() if items}
    return Assignment(
        items=dict(sorted(of_item.items())), groups=dict(sorted(of_group.items())), seed=seed, fractions=wanted
    )


def _hash(part: frozenset[str], seed: int) -> float:
    """Hash a component to [0, 1) by one member that is itself chosen by hash, so that adding an item rarely moves it."""
    leader = min(part, key=lambda item: digest("leader", str(seed), item))
    return int(digest("split", str(seed), leader)[:13], 16) / 16**13


def _interval(split: Split, wanted: Mapping[Split, float]) -> tuple[float, float]:
    low = sum(wanted[other] for other in SPLITS[: SPLITS.index(split)])
    return low, low + wanted[split]


def _by_hash(value: float, wanted: Mapping[Split, float]) -> Split:
    # The last split that is used takes what rounding leaves above the sum of the fractions.
    used = [split for split in SPLITS if wanted[split] > 0]
    return next((split for split in used if value < _interval(split, wanted)[1]), used[-1])


def _fill_up(split: Split, chosen: list[Split], hashes: Sequence[float], wanted: Mapping[Split, float]) -> None:
    low, high = _interval(split, wanted)

    def distance(index: int) -> float:
        return max(low - hashes[index], hashes[index] - high, 0.0)

    def least(other: Split) -> int:
        return max(1, int(wanted[other] * len(chosen) * LEAST)) if wanted[other] > 0 else 0

    while chosen.count(split) < least(split):
        spare = [i for i, at in enumerate(chosen) if at != split and chosen.count(at) > least(at)]
        chosen[min(spare, key=lambda i: (distance(i), hashes[i]))] = split


def split(rows: Iterable[R], assignment: Assignment) -> SplitRows[R]:
    """Split rows by their items. A row whose items are in different splits is refused as ``spans_splits``."""
    parts: dict[Split, list[R]] = {name: [] for name in SPLITS}
    refusals: list[Refusal] = []
    for number, row in enumerate(rows, 1):
        places = {assignment.items.get(item) for item in row.item_ids}
        reason = (
            "no_items"
            if not places
            else "unassigned_item"
            if None in places
            else "spans_splits"
            if len(places) > 1
            else ""
        )
        if reason:
            refusals.append(Refusal(source=row.id, line=number, reason=reason))
            continue
        for place in places:
            if place is not None:
                parts[place].append(row)
    return SplitRows(parts, tuple(refusals))


def overlap(a: Iterable[Drawn], b: Iterable[Drawn], *, wordings: bool = False) -> Overlap:
    """Return the items that are in both; with ``wordings``, the shared wordings too (bench cases against training rows)."""
    first, second = list(a), list(b)
    items = _gather(first, lambda row: row.item_ids) & _gather(second, lambda row: row.item_ids)
    phrasings: set[str] = set()
    if wordings:
        phrasings = _gather(first, _phrasing) & _gather(second, _phrasing)
    return Overlap(tuple(sorted(items)), tuple(sorted(phrasings)))


def _gather(rows: Iterable[Drawn], of: Callable[[Any], Iterable[str]]) -> set[str]:
    return {name for row in rows for name in of(row)}


def _phrasing(row: Phrased) -> tuple[str, ...]:
    return (row.phrasing,)


def row_groups(rows: Iterable[Drawn]) -> tuple[dict[str, tuple[str, ...]], set[str]]:
    """Return groups and loose items (see ``assign``) from rows alone, where the students are not available.

    Labelled pairs do not link their items: they are sampled over all items and would make one component. They are split like
    other rows, and refused where their items are in different splits."""
    groups: dict[str, tuple[str, ...]] = {}
    loose: set[str] = set()
    for row in rows:
        if "labelled" in getattr(row, "axes", ()):
            loose.update(row.item_ids)
        else:
            groups[f"{type(row).__name__}/{row.id}"] = row.item_ids
    return groups or {item: (item,) for item in loose}, loose


def release_split(
    data: Mapping[str, Sequence[Drawn]],
    out_dir: Path,
    seed: int,
    fractions: Mapping[Split, float] = FRACTIONS,
    assignment: Assignment | None = None,
) -> dict[str, Any]:
    """Write ``<name>.<split>.jsonl`` for every data set under one assignment, and ``manifest.json`` with a sha256 for each file.

    Returns the manifest. The folder appears whole or not at all; a folder that this function did not write raises ``BadInput``.
    Without an ``assignment`` one is computed from the rows (see ``row_groups``)."""
    groups, loose = row_groups(row for rows in data.values() for row in rows)
    used = assignment or assign(groups, seed, fractions, loose)
    with whole_folder(out_dir, MANIFEST) as folder:
        files: dict[str, Any] = {}
        funnels: dict[str, Any] = {}
        by_split: dict[Split, list[Drawn]] = {name: [] for name in SPLITS}
        for name, rows in data.items():
            result = split(rows, used)
            for place, part in result.parts.items():
                path = folder / f"{name}.{place}.jsonl"
                count = write_jsonl(path, part)
                files[path.name] = {"rows": count, "sha256": sha256_file(path), "bytes": path.stat().st_size}
                by_split[place] += part
            kept = sum(len(part) for part in result.parts.values())
            funnels[name] = funnel(f"split/{name}", len(rows), kept, result.refusals)
        manifest = {
            "seed": used.seed,
            "fractions": used.fractions,
            "items": used.counts(),
            "files": files,
            "funnels": funnels,
            "shared_items": {
                f"{a}/{b}": len(overlap(by_split[a], by_split[b]).items) for a, b in itertools.combinations(SPLITS, 2)
            },
        }
        (folder / MANIFEST).write_bytes(dumps(manifest) + b"\n")
    return manifest
