"""Ask a track's hand-worded prompts, and say how few they are. Tracks without such prompts have nothing here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import msgspec

from canvas_pipeline.evaluation.benchmark import Benchmark, HumanSplit, Prediction
from canvas_pipeline.evaluation.statistics import percent
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.records import digest, dumps
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Stage, Writer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from canvas_pipeline.evaluation.benchmark import Case

PROMPTS, PREDICTIONS, REPORT = "human.jsonl", "predictions-human.jsonl", "report-human.json"
"""Files of each bench."""


@dataclass(frozen=True, slots=True, eq=False)
class Asked:
    """The prompts of one bench: ``rows`` as they were read, ``cases`` as a model is asked them."""

    split: HumanSplit | None
    rows: Sequence[Any] = ()
    cases: Sequence[Case] = ()

    @property
    def config(self) -> dict[str, str]:
        """What they are, for ``make``."""
        return {"human": digest(*(dumps(row).decode() for row in self.rows))} if self.split is not None else {}

    @property
    def code(self) -> tuple[str, ...]:
        """The track's code that asks and scores them, for ``make``."""
        return (root_of(self.split.case), root_of(self.split.score)) if self.split is not None else ()

    def write(self, writer: Writer, found: Mapping[str, Prediction]) -> None:
        """Write prompts, predictions and report. The predictions are among those found."""
        if self.split is not None:
            given = [found[case.id] for case in self.cases]
            writer.rows(self.rows, PROMPTS)
            writer.rows(given, PREDICTIONS)
            writer.json(self.split.score(self.rows, given), REPORT)


def asked(context: BuildContext) -> Asked:
    """Read the workspace's prompts. Raises ``BadInput`` for one that cannot be used."""
    split = context.track.benchmark.human
    if split is None:
        return Asked(None)
    rows = split.read(context.workspace)
    return Asked(split, rows, [split.case(row, context.profile) for row in rows])


def read(benchmark: Benchmark, stage: Stage) -> Any:
    """A bench's report on the prompts, or None where the track has none."""
    split = benchmark.human
    return msgspec.json.decode(stage.path(REPORT).read_bytes(), type=split.report_type) if split is not None else None


def shown(benchmark: Benchmark, stage: Stage) -> dict[str, str]:
    """A bench's report on the prompts as metadata."""
    found = read(benchmark, stage)
    if found is None:
        return {}
    told = f"{found.right.hits} of {found.right.cases} right, {percent(found.right)}, {found.selected.hits} with the right tool"
    return {"prompts worded by hand": f"{told}; so few prompts show no small difference"}
