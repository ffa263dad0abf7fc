"""Check files of rows against one another: items that are trained on and tested, and labels that contradict each other.

Labels contradict each other where they form a cycle (A before B, B before C, C before A) at one reference instant: no order of the
items agrees with them, so a model that learns from them learns noise. Rows are reported by id, items by their hash."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import Row, read_jsonl
from canvas_pipeline.tracks.canvas.rows import PreferencePair
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import reference_instant

SHOWN = 5
"""Ids in a line of ``StaticChecks``."""


class StaticChecks(Row, frozen=True, kw_only=True):
    """The items that training and test rows share, and the labelled pairs whose labels are in a cycle. Both sorted."""

    trained_items: int
    tested_items: int
    labels: int
    shared_items: tuple[str, ...]
    contradictory_pairs: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not self.shared_items and not self.contradictory_pairs

    def lines(self) -> Iterator[str]:
        """Yield what was found, for people."""
        if self.trained_items or self.tested_items:
            found = f"{len(self.shared_items)} shared items of {self.trained_items} trained on and {self.tested_items} tested"
            yield found + _first(self.shared_items)
        if self.labels:
            found = f"{len(self.contradictory_pairs)} of {self.labels} labels contradict others"
            yield found + _first(self.contradictory_pairs)


class NamedItems(msgspec.Struct):
    """What any row of a split or bench has."""

    item_ids: tuple[str, ...]
    expected_tools: tuple[str, ...] | None = None
    parents: tuple[str, ...] = ()


class _Winner(msgspec.Struct):
    winner: str


def static_checks(train: Sequence[Path], test: Sequence[Path], pref: Sequence[Path]) -> StaticChecks:
    """Check files of training rows, of test rows (or bench cases) and of preference pairs, which are trained on too.

    Raises ``BadInput`` (file and line) for a row that does not name its items, ``MissingInput`` for a missing file."""
    trained = {item for path in (*train, *pref) for item in _items(path)}
    tested = {item for path in test for item in _items(path)}
    labels = [pair for path in pref for pair in read_jsonl(path, PreferencePair) if pair.source == "labelled"]
    return StaticChecks(
        trained_items=len(trained), tested_items=len(tested), labels=len(labels),
        shared_items=tuple(sorted(trained & tested)), contradictory_pairs=tuple(sorted(contradictions(labels))),
    )  # fmt: skip


def _items(path: Path) -> Iterator[str]:
    """Yield the items of a file's rows; of a bench case those of its whole student."""
    for row in read_jsonl(path, NamedItems):
        yield from row.item_ids
        if row.expected_tools is not None:
            yield from row.parents


def contradictions(labels: Iterable[PreferencePair]) -> set[str]:
    """Return the ids of labelled pairs that are in a cycle with others of the same reference instant."""
    import networkx as nx  # here: a slow import that most commands do not need

    graphs: dict[datetime | None, nx.MultiDiGraph] = {}
    for pair in labels:
        first, second = pair.item_ids
        before, after = (first, second) if _winner(pair) == "A" else (second, first)
        graphs.setdefault(reference_instant(pair.prompt), nx.MultiDiGraph()).add_edge(before, after, pair=pair.id)
    return {
        edge["pair"]
        for graph in graphs.values()
        for part in nx.strongly_connected_components(graph)
        for _, _, edge in graph.subgraph(part).edges(data=True)
    }


def _winner(pair: PreferencePair) -> str:
    try:
        result = next(message.content for message in pair.chosen if message.role == "tool")
        winner = msgspec.json.decode(CALLS.unescape(result), type=_Winner).winner
    except (StopIteration, msgspec.DecodeError):
        winner = ""
    if winner not in ("A", "B") or len(pair.item_ids) != 2:
        raise BadInput(f"labelled pair {pair.id} names no winner of two items; label it again")
    return winner


def _first(ids: Sequence[str]) -> str:
    more = f" and {len(ids) - SHOWN} more" if len(ids) > SHOWN else ""
    return f": {', '.join(ids[:SHOWN])}{more}" if ids else ""
