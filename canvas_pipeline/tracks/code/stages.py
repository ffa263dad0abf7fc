"""Build the stages of the code track: rows of files, drawn rows, cases, joined rows, the split, baselines and sampled programs."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.datasets.spec import PARTS
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline import audits, evaluation
from canvas_pipeline.pipeline import verdicts as judging
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.flow import divided, filtered
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Refusal, Row, funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.code import data
from canvas_pipeline.tracks.code.execution import journalled
from canvas_pipeline.tracks.code.formats import Placed, read_tasks
from canvas_pipeline.tracks.code.guards import PARTS as GUARDED
from canvas_pipeline.tracks.code.guards import ReferenceEvidence
from canvas_pipeline.tracks.code.references import check_rows, run_once
from canvas_pipeline.tracks.code.rows import CodeCase, CodeRow, Reference
from canvas_pipeline.tracks.contamination import ContaminationReport
from canvas_pipeline.tracks.reading import data_files
from canvas_pipeline.verifiers.sandbox.session import barrier_line

REFERENCES, CONTAMINATION, SANDBOX = "references.json", "contamination.json", "sandbox.json"


class SandboxRecord(Row, frozen=True, kw_only=True):
    """The barriers that confined the programs of a stage: how many mechanisms, and all in one line."""

    barriers: int
    line: str


def sources(ws: Workspace) -> list[Path]:
    """Return the files to train on: those of ``code/`` in the data folder."""
    return data_files(ws.root / "code")


def suites(ws: Workspace) -> list[Path]:
    """Return the files of benchmark suites: those of ``code/bench/``. A suite has its file's name."""
    return data_files(ws.root / "code" / "bench")


def _hashes(paths: Iterable[Path]) -> dict[str, str]:
    return {f"file/{path.name}": sha256_file(path) for path in paths}


def source_rows(context: BuildContext) -> StageResult:
    """Read the tasks of files, and run each reference twice against its own tests."""
    paths = sources(context.workspace)

    def build(writer: Writer) -> None:
        with journalled(unfinished := context.unfinished(writer), context.workspace.seal) as runner:
            found = [item for path in paths for item in read_tasks(path)]
            checked = check_rows(found, runner, "source_rows")
            _referenced(
                writer, {r.id: ref for r, ref in zip(checked.rows, checked.references, strict=True)}, runner.barriers
            )
        writer.rows(checked.rows)
        writer.rows(checked.refusals, "refusals.jsonl")
        writer.funnel = checked.funnel
        shutil.rmtree(unfinished)

    return _filtered(context, *context.make(build, _hashes(paths)))


def drawn_rows(context: BuildContext) -> StageResult:
    """Draw tasks that training sees, and run each program against its tests."""
    cases = context.input("bench_cases")
    profile = context.profile

    def build(writer: Writer) -> None:
        asked = [case.code for case in all_cases(context.workspace)]
        rows = data.drawn_rows(profile.programs, profile.wordings, context.seed, asked)
        with journalled(unfinished := context.unfinished(writer), context.workspace.seal) as runner:
            _referenced(writer, run_once({row.id: row.program for row in rows}, runner), runner.barriers)
        writer.rows(rows)
        writer.funnel = funnel("drawn_rows", len(rows), len(rows))
        shutil.rmtree(unfinished)

    stage, reused = context.make(build, {"bench_cases": cases.sha256})
    states = Counter(reference.state for reference in _references(stage).values())
    figures = {"rows": stage.manifest.files["rows.jsonl"].rows or 0, "references that pass": states["passed"]}
    return StageResult(stage, reused, (audits.of_stage(context.workspace, stage),), figures=figures)


def bench_cases(context: BuildContext) -> StageResult:
    """Draw the cases of the test and of model selection, and read those of suites; only such whose reference passes are asked."""
    paths, profile = suites(context.workspace), context.profile

    def build(writer: Writer) -> None:
        read = {path: list(read_tasks(path)) for path in paths}
        selection = data.drawn_cases("selection", profile.selection_cases, context.seed)
        test = data.drawn_cases("test", profile.test_cases, context.seed, [case.code for case in selection])
        test += [
            data.suite_case(item, path.stem)
            for path, found in read.items()
            for item in found
            if isinstance(item, Placed)
        ]
        refusals = [item for found in read.values() for item in found if isinstance(item, Refusal)]
        with journalled(unfinished := context.unfinished(writer), context.workspace.seal) as runner:
            running, references = data.running(test, runner)
            chosen, more = data.running(selection, runner)
            _referenced(writer, {**references, **more}, runner.barriers)
        failed = [case for case in (*test, *selection) if {**references, **more}[case.id].state != "passed"]
        refusals += [
            Refusal(source=case.group, line=0, reason="tests_fail", detail=f"case {case.id}") for case in failed
        ]
        writer.rows(running, "rows.jsonl")
        writer.rows(chosen, "selection.jsonl")
        writer.rows(refusals, "refusals.jsonl")
        shutil.rmtree(unfinished)

    stage, reused = context.make(build, _hashes(paths))
    groups = Counter(case.group for case in read_jsonl(stage.path(), CodeCase))
    figures = {"test cases": groups.total(), "refused": stage.manifest.files["refusals.jsonl"].rows or 0}
    return StageResult(stage, reused, (audits.of_stage(context.workspace, stage),), dict(groups), figures=figures)


def all_cases(ws: Workspace) -> list[CodeCase]:
    """Return the cases of test and selection."""
    stage = ws.store.get("bench_cases")
    return [case for name in evaluation.CASES.values() for case in read_jsonl(stage.path(name), CodeCase)]


def rows(context: BuildContext) -> StageResult:
    """Join the rows of files and the drawn ones, without those that the benchmark asks for (R8)."""
    made = {name: context.input(name) for name in ("source_rows", "drawn_rows", "bench_cases")}

    def build(writer: Writer) -> None:
        both = [row for name in ("source_rows", "drawn_rows") for row in read_jsonl(made[name].path(), CodeRow)]
        found = data.join(both, all_cases(context.workspace), "rows")
        writer.rows(found.rows)
        writer.rows(found.refusals, "refusals.jsonl")
        writer.funnel = found.funnel

    return _filtered(context, *context.make(build, {name: stage.sha256 for name, stage in made.items()}))


def trajectory_split(context: BuildContext) -> StageResult:
    """Split the rows into train and eval, no program in both, and compare them once more with the benchmark's cases."""
    source = context.input("rows")

    def build(writer: Writer) -> None:
        found = list(read_jsonl(source.path(), CodeRow))
        writer.json(data.compared(found, all_cases(context.workspace)), CONTAMINATION)
        for part, members in data.split(found, context.seed).items():
            writer.rows(members, f"{part}.jsonl")
        writer.funnel = funnel("trajectory_split", len(found), len(found))

    inputs = {"rows": source.sha256, "bench_cases": context.input("bench_cases").sha256}
    stage, reused = context.make(build, inputs)
    ws = context.workspace
    return divided(context, "trajectory", stage, reused, facts={"sandbox": read_sandbox(ws).line}, own=row_verdicts(ws))


def row_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return the verdicts of R8 and R12 on the current split; empty if there is none yet."""
    split, cases = ws.store.find("trajectory_split"), ws.store.find("bench_cases")
    if split is None or cases is None:
        return ()
    judging.lineage(ws, "trajectory_split")
    paths = {name: judging.file_of(split, part) for name, part in zip(GUARDED, PARTS, strict=True)}
    hashes = {name: sha256_file(path) for name, path in paths.items()}
    guards = ws.track.guards.guards
    found = msgspec.json.decode(split.verify().path(CONTAMINATION).read_bytes(), type=ContaminationReport)
    evidence = _evidence(ws, [row for path in paths.values() for row in read_jsonl(path, CodeRow)])
    return guards["r8"].verdict(found, {**hashes, "bench_cases": cases.sha256}), guards["r12"].verdict(evidence, hashes)


def _evidence(ws: Workspace, found: Iterable[CodeRow]) -> ReferenceEvidence:
    """Look up how the reference of each row did when its stage was made."""
    stages = [ws.store.get(name).verify() for name in ("source_rows", "drawn_rows")]
    known = {name: reference for stage in stages for name, reference in _references(stage).items()}
    states = {row.id: known[row.id].state if row.id in known else "not_run" for row in found}
    return ReferenceEvidence(states, min(_sandbox(stage).barriers for stage in stages))


def read_sandbox(ws: Workspace) -> SandboxRecord:
    """Return the barriers behind which the drawn rows' programs ran."""
    return _sandbox(ws.store.get("drawn_rows"))


def _sandbox(stage: Stage) -> SandboxRecord:
    return msgspec.json.decode(stage.path(SANDBOX).read_bytes(), type=SandboxRecord)


def _references(stage: Stage) -> dict[str, Reference]:
    return msgspec.json.decode(stage.path(REFERENCES).read_bytes(), type=dict[str, Reference])


def _referenced(writer: Writer, references: Mapping[str, Reference], barriers: int) -> None:
    writer.json(references, REFERENCES)
    writer.json(SandboxRecord(barriers=barriers, line=barrier_line()), SANDBOX)


def _filtered(context: BuildContext, stage: Stage, reused: bool) -> StageResult:
    refused = stage.manifest.funnel.refused if stage.manifest.funnel else {}
    return filtered(context, stage, reused, facts=refused)
