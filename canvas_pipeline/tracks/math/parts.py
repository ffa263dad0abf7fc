"""Build the parts of the math track: each file to train on and each suite of the benchmark is a stage of its own."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.evaluation.charts import funnel_png
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.evaluation import CASES
from canvas_pipeline.pipeline.shares import share
from canvas_pipeline.pipeline.stage import StageSpec
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Refusal, funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.math import data
from canvas_pipeline.tracks.math.reader import FileRead, read_file
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.reading import data_files
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

FILE, REFUSALS = "file.json", "refusals.jsonl"
DRAWN = (data.TRAINED_WORDINGS, data.NEW_WORDINGS)
"""The suites that a program draws; every other one is a file of ``math/bench/``."""


def folder_of(ws: Workspace) -> Path:
    """Return the folder of the track's files; its folder ``bench`` holds the benchmark suites, a file each."""
    return ws.root / "math"


def source_files(ws: Workspace) -> dict[str, Path]:
    """Return the files to train on by name."""
    return {path.name: path for path in data_files(folder_of(ws))}


def suites(ws: Workspace) -> dict[str, Path | None]:
    """Return the suites: the drawn ones, then the files of ``math/bench/`` by name."""
    return {**dict.fromkeys(DRAWN), **{path.name: path for path in data_files(folder_of(ws) / "bench")}}


def source(context: BuildContext) -> StageResult:
    """Read one file of ``math/``; what cannot be used is refused with its reason."""
    return _read(context, source_files(context.workspace)[context.part])


def suite(context: BuildContext) -> StageResult:
    """Draw or read the cases of one suite. A drawn one has cases to choose by, too."""
    path, sizes = suites(context.workspace)[context.part], context.profile
    if path is not None:
        return _read(context, path, measured=True, suite=path.name.partition(".")[0])

    def build(writer: Writer) -> None:
        rows = list(data.drawn(sizes.test_cases + sizes.selection_cases, str(context.seed), context.part))
        writer.rows(rows[: sizes.test_cases], CASES["test"])
        writer.rows(rows[sizes.test_cases :], CASES["selection"])
        writer.rows((), REFUSALS)
        writer.funnel = funnel(context.spec.name, len(rows), len(rows))

    return _shown(*context.make(build))


def _read(context: BuildContext, path: Path, *, measured: bool = False, suite: str = "") -> StageResult:
    def build(writer: Writer) -> None:
        with SymbolicComparer() as comparer:
            found = read_file(path, comparer, measured=measured, suite=suite)
        writer.rows(found.rows, CASES["test"])
        writer.rows(found.refusals, REFUSALS)
        writer.json(_summary(found), FILE)
        writer.funnel = funnel(context.spec.name, found.objects, len(found.rows), found.refusals)

    stage, reused = context.make(build, {path.name: sha256_file(path)}, {"suite": suite} if measured else None)
    return _shown(stage, reused, msgspec.json.decode(stage.path(FILE).read_bytes())["formats"])


def _summary(one: FileRead) -> dict[str, Any]:
    refused = dict(sorted(Counter(refusal.reason for refusal in one.refusals).items()))
    return {
        "file": one.name, "formats": one.formats, "objects": one.objects, "rows": len(one.rows),
        "unlabelled": one.unlabelled, "refused": refused,
    }  # fmt: skip


def _shown(stage: Stage, reused: bool, facts: Mapping[str, Any] = {}) -> StageResult:
    found = stage.manifest.funnel
    assert found is not None, "a part writes its funnel"
    kept = share("rows kept", wilson(found.kept, found.rows_in))
    return StageResult(
        stage, reused, facts=facts, pictures={"rows in and out": funnel_png([found])}, funnels=(found,),
        figures={"rows": found.kept, **kept},
    )  # fmt: skip


def rows_of(parts: Iterable[StageResult], name: str = CASES["test"]) -> Iterator[MathRow]:
    """Read the rows of some parts, one part after another."""
    return (row for one in parts for row in read_jsonl(one.stage.path(name), MathRow))


def refusals_of(parts: Iterable[StageResult]) -> Iterator[Refusal]:
    """Read what was refused in some parts."""
    return (refusal for one in parts for refusal in read_jsonl(one.stage.path(REFUSALS), Refusal))


def objects_of(parts: Iterable[StageResult]) -> int:
    """Count the objects and broken places of some parts."""
    return sum(one.funnels[0].rows_in for one in parts)


def summaries(parts: Iterable[StageResult]) -> list[dict[str, Any]]:
    """Return what each file held: its formats, and counts of objects, rows and refusals."""
    return [msgspec.json.decode(one.stage.path(FILE).read_bytes()) for one in parts]


def specs() -> Iterator[StageSpec]:
    """Declare the parts: ``source/<file>`` and ``suite/<suite>``."""
    yield StageSpec(
        name="source", inputs=(), build=source, kind="rows", group="rows", tools=("jsonl",), scheduled=False, parts=source_files,
        description="The problems of one file of math/. Pick the file; look at the share of rows kept.",
        next_act="materialise math/sources, which joins the files",
    )  # fmt: skip
    yield StageSpec(
        name="suite", inputs=(), build=suite, kind="rows", group="rows", tools=("jsonl",), scheduled=False, parts=suites,
        description="The cases of one suite: a drawn one, or a file of math/bench/. Pick the suite; look at the rows kept.",
        next_act="materialise math/suite_bench of this suite for its figure alone, or math/bench_cases to have it in every figure",
    )  # fmt: skip
