"""From contributors' records to one corpus of anonymised items, for what fits into memory; see ``ingest`` and ``merge`` for any
size.

In: a contributor's file (``intake_contributor``), then the items of all contributors (``merge``). Out: ``Item`` rows, refusals
and a funnel that adds up. What must hold: the rows are those that ``ingest`` and ``merge`` write, since these make them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec

from canvas_pipeline.privacy.identities.pii import Model
from canvas_pipeline.records import Funnel, Refusal, dumps
from canvas_pipeline.tracks.canvas.intake.stream.batch import Source
from canvas_pipeline.tracks.canvas.intake.stream.ingest import REFUSALS, ROWS, SOURCES, ingest
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.rows import Item


class ContributorIntake(NamedTuple):
    """One contributor, anonymised. ``sources`` tell where each row stood; for ``counts`` see ``ingest.IngestResult``."""

    items: list[Item]
    refusals: list[Refusal]
    funnel: Funnel
    counts: dict[str, int]
    sources: list[Source]


def intake_contributor(
    path: Path, registry_key: bytes, registry_path: Path | None = None, model: Model | None = None
) -> ContributorIntake:
    """Read, mask and normalise one contributor's file in this process; arguments and errors are ``ingest``'s."""
    given: dict[str, bytes] = {}

    def sink(rows: Iterable[msgspec.Raw], name: str, /, *, report: bool = False) -> None:
        given[name] = b"[" + b",".join(map(bytes, rows)) + b"]"

    taken = ingest(path, registry_key, registry_path, sink, workers=1, model=model)
    return ContributorIntake(
        msgspec.json.decode(given[ROWS], type=list[Item]),
        msgspec.json.decode(given[REFUSALS], type=list[Refusal]),
        *taken,
        msgspec.json.decode(given[SOURCES], type=list[Source]),
    )


def merge(intakes: Iterable[Sequence[Item]]) -> tuple[list[Item], Funnel]:
    """One item for each (normalised title, course) of all contributors, sorted by id, the same in any order of inputs."""
    with Merge() as merging:
        for items in intakes:
            merging.add(map(dumps, items))
        decoder = msgspec.json.Decoder(Item)
        merged = [decoder.decode(row) for row in merging.rows()]
        return merged, merging.funnel()
