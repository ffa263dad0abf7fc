"""Build the data stages of the math track: files, drawn problems, merged rows, benchmark cases, splits without contamination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import audits
from canvas_pipeline.pipeline import verdicts as judging
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.evaluation import CASES
from canvas_pipeline.pipeline.flow import divided, filtered
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.contamination import ContaminationReport, apart, contamination
from canvas_pipeline.tracks.math import data
from canvas_pipeline.tracks.math.guard_table import PARTS as SPLIT_PARTS
from canvas_pipeline.tracks.math.guard_table import GoldEvidence
from canvas_pipeline.tracks.math.reader import FileRead, read_file
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.tracks.reading import data_files
from canvas_pipeline.verifiers.answers import judge_answer
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

CONTAMINATION, GOLD, FILES, REFUSALS = "contamination.json", "gold.json", "files.json", "refusals.jsonl"
DROP = "contaminated"
"""Option: ``drop`` (default) refuses training rows that repeat a case; with ``fail`` they stay and r8 closes the gate."""


def folder_of(ws: Workspace) -> Path:
    """Return the folder of the track's files; its folder ``bench`` holds the benchmark suites, a file each."""
    return ws.root / "math"


def sources(context: BuildContext) -> StageResult:
    """Read the files of ``math/`` in the data folder; what cannot be used is refused with its reason."""
    paths = data_files(folder_of(context.workspace))

    def build(writer: Writer) -> None:
        with SymbolicComparer() as comparer:
            found = [read_file(path, comparer) for path in paths]
        writer.rows((row for one in found for row in one.rows), "rows.jsonl")
        refusals = [refusal for one in found for refusal in one.refusals]
        writer.rows(refusals, REFUSALS)
        writer.json([_summary(one) for one in found], FILES)
        rows_in = sum(one.objects for one in found)
        writer.funnel = funnel("sources", rows_in, rows_in - len(refusals), refusals)

    stage, reused = context.make(build, {path.name: sha256_file(path) for path in paths})
    found = msgspec.json.decode(stage.path(FILES).read_bytes())
    lines = ["| file | format | objects | rows | without gold | refused |", "|---|---|---:|---:|---:|---|"]
    lines += [
        f"| {one['file']} | {', '.join(one['formats'])} | {one['objects']} | {one['rows']} | {one['unlabelled']} | "
        f"{', '.join(f'{reason} {count}' for reason, count in one['refused'].items()) or '-'} |"
        for one in found
    ]
    return filtered(context, stage, reused, facts={"files": "\n".join(lines) if found else "none"})


def _summary(one: FileRead) -> dict[str, Any]:
    refused = dict(sorted(Counter(refusal.reason for refusal in one.refusals).items()))
    return {
        "file": one.name, "formats": one.formats, "objects": one.objects, "rows": len(one.rows),
        "unlabelled": one.unlabelled, "refused": refused,
    }  # fmt: skip


def drawn_rows(context: BuildContext) -> StageResult:
    """Draw word problems with worked solutions, and rows of sums without words, each once."""

    def build(writer: Writer) -> None:
        rows = list(data.drawn(context.profile.drawn_rows, str(context.seed)))
        rows += data.drawn_sums(context.profile.drawn_sums, str(context.seed))
        writer.rows(rows)
        writer.funnel = funnel("drawn_rows", len(rows), len(rows))
        writer.notes = dict(sorted(Counter(row.subject for row in rows).items()))

    return filtered(context, *context.make(build))


def bench_cases(context: BuildContext) -> StageResult:
    """Draw the cases to test and to choose by, and read the suites of ``math/bench/`` for the test (R8 compares with both)."""
    paths, sizes = data_files(folder_of(context.workspace) / "bench"), context.profile

    def build(writer: Writer) -> None:
        test: list[MathRow] = []
        selection: list[MathRow] = []
        for suite in (data.TRAINED_WORDINGS, data.NEW_WORDINGS):
            rows = list(data.drawn(sizes.test_cases + sizes.selection_cases, str(context.seed), suite))
            test += rows[: sizes.test_cases]
            selection += rows[sizes.test_cases :]
        with SymbolicComparer() as comparer:
            found = [read_file(path, comparer, measured=True, suite=path.name.partition(".")[0]) for path in paths]
            merged = data.merge((row for one in found for row in one.rows), comparer)
        refusals = [*(refusal for one in found for refusal in one.refusals), *merged.refusals]
        writer.rows([*test, *merged.rows], CASES["test"])
        writer.rows(selection, CASES["selection"])
        writer.rows(refusals, REFUSALS)
        drawn = len(test) + len(selection)
        rows_in = drawn + sum(one.objects for one in found)
        writer.funnel = funnel("bench_cases", rows_in, drawn + len(merged.rows), refusals, merged.merged)

    stage, reused = context.make(build, {path.name: sha256_file(path) for path in paths})
    suites = Counter(row.suite for row in read_jsonl(stage.path(), MathRow))
    refused = stage.manifest.funnel.refused if stage.manifest.funnel else {}
    return StageResult(
        stage, reused, (audits.of_stage(context.workspace, stage),), {**suites, "refused": refused or "none"},
        figures={"test cases": suites.total(), "suites": len(suites)},
    )  # fmt: skip


def math_rows(context: BuildContext) -> StageResult:
    """Merge what was read and drawn: each problem once, and none with two different gold answers."""
    inputs = {name: context.input(name) for name in ("sources", "drawn_rows")}

    def build(writer: Writer) -> None:
        rows = [row for stage in inputs.values() for row in read_jsonl(stage.path(), MathRow)]
        with SymbolicComparer() as comparer:
            found = data.merge(rows, comparer)
        writer.rows(found.rows)
        writer.rows(found.refusals, REFUSALS)
        writer.funnel = funnel("math_rows", len(rows), len(found.rows), found.refusals, found.merged)
        writer.notes = dict(sorted(Counter(row.suite for row in found.rows).items()))

    return filtered(context, *context.make(build, {name: stage.sha256 for name, stage in inputs.items()}))


def trajectory_split(context: BuildContext) -> StageResult:
    """Split the rows into train and eval. Rows that repeat a case of the benchmark are refused, and the rest is compared again."""
    ws, source, cases = context.workspace, context.input("math_rows"), context.input("bench_cases")
    drop = contaminated(ws)

    def build(writer: Writer) -> None:
        rows = list(read_jsonl(source.path(), MathRow))
        asked = {row.id: data.text_of(row) for name in CASES.values() for row in read_jsonl(cases.path(name), MathRow)}
        if drop:
            _, signals, found = apart(rows, data.text_of, asked)
        else:
            signals, found = {}, contamination([(row.id, data.text_of(row)) for row in rows], asked)
        kept, refusals = data.without(rows, {name: f"contaminated_{signal}" for name, signal in signals.items()})
        writer.json(found, CONTAMINATION)
        writer.json(_gold(kept, cases), GOLD)
        writer.rows(refusals, REFUSALS)
        for part, members in data.parts(kept, context.seed).items():
            writer.rows(members, f"{part}.jsonl")
        writer.funnel = funnel("trajectory_split", len(rows), len(kept), refusals)
        writer.notes = {"cases compared with": found.items, "rows with other numbers than a case": found.template}

    inputs = {"math_rows": source.sha256, "bench_cases": cases.sha256}
    stage, reused = context.make(build, inputs, {DROP: "drop" if drop else "fail"})
    return divided(context, "trajectory", stage, reused, own=own_verdicts(ws))


def contaminated(ws: Workspace) -> bool:
    """Return whether rows that repeat a case are dropped. Raises ``BadConfig`` for another value of the option."""
    said = ws.options.get(DROP, "drop")
    if said not in ("drop", "fail"):
        raise BadConfig(f"the option {DROP} is {said!r}; it must be drop or fail")
    return said == "drop"


def _gold(rows: Iterable[MathRow], cases: Stage) -> GoldEvidence:
    """Judge the trained text of each labelled row by its own gold answer."""
    labelled = [row for row in rows if row.answer is not None]
    with SymbolicComparer() as comparer:
        failed = tuple(
            row.id for row in labelled if not judge_answer(row.messages[1].content, row.gold, comparer).right
        )
    refused = cases.manifest.funnel.refused if cases.manifest.funnel else {}
    asked = sum(cases.manifest.files[name].rows or 0 for name in CASES.values())
    return GoldEvidence(
        cases=asked, unlabelled=refused.get("gold_missing", 0), rows=len(labelled), checked=len(labelled), failed=failed
    )  # fmt: skip


def own_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return the verdicts of R8 and R10 on the current split; empty if there is none yet."""
    split, cases = ws.store.find("trajectory_split"), ws.store.find("bench_cases")
    if split is None or cases is None:
        return ()
    judging.lineage(ws, "trajectory_split")
    hashes = {name: sha256_file(judging.file_of(split, part)) for name, part in zip(SPLIT_PARTS, PARTS, strict=True)}
    about, guards = {**hashes, "bench_cases": cases.sha256}, ws.track.guards.guards
    held = split.verify()
    evidence: Mapping[str, Any] = {
        "r8": msgspec.json.decode(held.path(CONTAMINATION).read_bytes(), type=ContaminationReport),
        "r10": msgspec.json.decode(held.path(GOLD).read_bytes(), type=GoldEvidence),
    }
    return tuple(guards[name].verdict(found, about) for name, found in evidence.items())
