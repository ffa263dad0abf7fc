"""Build the data stages of the math track: files, drawn problems, merged rows, benchmark cases, splits without contamination."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
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
from canvas_pipeline.pipeline.parts import SUITE, build_parts
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.contamination import ContaminationReport, apart, contamination
from canvas_pipeline.tracks.math import data, parts
from canvas_pipeline.tracks.math.guard_table import PARTS as SPLIT_PARTS
from canvas_pipeline.tracks.math.guard_table import GoldEvidence
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.verifiers.answers import judge_answer
from canvas_pipeline.verifiers.symbolic import SymbolicComparer

CONTAMINATION, GOLD, FILES, REFUSALS = "contamination.json", "gold.json", "files.json", "refusals.jsonl"
DROP = "contaminated"
"""Option: ``drop`` (default) refuses training rows that repeat a case; with ``fail`` they stay and r8 closes the gate."""


def sources(context: BuildContext) -> StageResult:
    """Join the files of ``math/`` in the data folder, each read apart; what cannot be used is refused with its reason."""
    found = build_parts(context, "source")

    def build(writer: Writer) -> None:
        writer.rows(parts.rows_of(found.values()))
        refusals = list(parts.refusals_of(found.values()))
        writer.rows(refusals, REFUSALS)
        writer.json(parts.summaries(found.values()), FILES)
        rows_in = parts.objects_of(found.values())
        writer.funnel = funnel("sources", rows_in, rows_in - len(refusals), refusals)

    stage, reused = context.make(build, {name: one.stage.sha256 for name, one in found.items()})
    files = msgspec.json.decode(stage.path(FILES).read_bytes())
    lines = ["| file | format | objects | rows | without gold | refused |", "|---|---|---:|---:|---:|---|"]
    lines += [
        f"| {one['file']} | {', '.join(one['formats'])} | {one['objects']} | {one['rows']} | {one['unlabelled']} | "
        f"{', '.join(f'{reason} {count}' for reason, count in one['refused'].items()) or '-'} |"
        for one in files
    ]
    return replace(
        filtered(context, stage, reused, facts={"files": "\n".join(lines) if files else "none"}), parts=found
    )


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
    """Join the suites: drawn cases to test and to choose by, files of ``math/bench/`` for the test (R8 compares with both)."""
    found = build_parts(context, SUITE)
    drawn = [one for name, one in found.items() if name.partition("/")[2] in parts.DRAWN]
    read = [one for one in found.values() if one not in drawn]

    def build(writer: Writer) -> None:
        with SymbolicComparer() as comparer:
            merged = data.merge(parts.rows_of(read), comparer)
        refusals = [*parts.refusals_of(read), *merged.refusals]
        writer.rows([*parts.rows_of(drawn), *merged.rows], CASES["test"])
        writer.rows(parts.rows_of(drawn, CASES["selection"]), CASES["selection"])
        writer.rows(refusals, REFUSALS)
        rows_in, asked = parts.objects_of(found.values()), parts.objects_of(drawn)
        writer.funnel = funnel("bench_cases", rows_in, asked + len(merged.rows), refusals, merged.merged)

    stage, reused = context.make(build, {name: one.stage.sha256 for name, one in found.items()})
    suites = Counter(row.suite for row in read_jsonl(stage.path(), MathRow))
    refused = stage.manifest.funnel.refused if stage.manifest.funnel else {}
    return StageResult(
        stage, reused, (audits.of_stage(context.workspace, stage),), {**suites, "refused": refused or "none"},
        figures={"test cases": suites.total(), "suites": len(suites)}, parts=found,
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
