"""Build the data stages of the router track: rows, parts, benchmark cases, training rows."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

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
from canvas_pipeline.records import Refusal, funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.contamination import ContaminationReport, apart
from canvas_pipeline.tracks.reading import data_files
from canvas_pipeline.tracks.router import intake, splits, synthetic
from canvas_pipeline.tracks.router.baselines import cases_of, tools_of
from canvas_pipeline.tracks.router.rows import RouterCase, RouterRow, example_of

CONTAMINATION, REFUSALS = "contamination.json", "refusals.jsonl"
SWITCHES = {"yes": True, "no": False}
TRAINED = ("trajectory_train",)
"""What R8 compares with the cases. The eval part is for the loss, and the selection cases are drawn from it."""


def folder_of(ws: Workspace) -> Path:
    """Return the folder of the track's files."""
    return ws.root / "router"


def switch(ws: Workspace, name: str) -> bool:
    """Read an option that is ``yes`` or ``no`` (default). Raises ``BadConfig`` for another value."""
    said = ws.options.get(name, "no")
    if said not in SWITCHES:
        raise BadConfig(f"the option {name} is {said!r}; it must be yes or no")
    return SWITCHES[said]


def limit_of(ws: Workspace) -> int:
    """Read the option ``limit``: the number of rows that are split; 0 (default) is all. Raises ``BadConfig`` for another value."""
    said = ws.options.get("limit", "0")
    if not said.isdecimal():
        raise BadConfig(f"the option limit is {said!r}; it must be a whole number of rows")
    return int(said)


def source_rows(context: BuildContext) -> StageResult:
    """Read the files of ``router/`` in the data folder and draw synthetic rows; a row with a fault is refused with the reason.

    Option ``relaxed=yes`` asks for queries of ten characters only."""
    ws = context.workspace
    files, relaxed = data_files(folder_of(ws)), switch(ws, "relaxed")

    def build(writer: Writer) -> None:
        drawn = synthetic.rows(context.profile.synthetic_rows, context.seed)
        found = intake.read_rows(files, drawn, relaxed=relaxed)
        writer.rows(found.rows)
        writer.rows(found.refusals, REFUSALS)
        writer.funnel = found.funnel
        levels = Counter(row.difficulty for row in found.rows)
        writer.notes = {
            **dict(sorted(levels.items())), "searches without a mode": found.modeless,
            "unknown fields": ", ".join(f"{name} {count}" for name, count in found.unknown.items()) or "none",
        }  # fmt: skip

    stage, reused = context.make(build, {path.name: sha256_file(path) for path in files}, {"relaxed": relaxed})
    return filtered(context, stage, reused)


def parts(context: BuildContext) -> StageResult:
    """Split the rows by the hash of seed and id into train, eval and test; 8,189 rows give 6,962, 818 and 409.

    Option ``limit=L`` takes the first L rows of that order, so all difficulties occur whatever the file's order;
    ``stratify=yes`` splits each difficulty apart."""
    ws, source = context.workspace, context.input("source_rows")
    limit, stratify = limit_of(ws), switch(ws, "stratify")

    def build(writer: Writer) -> None:
        rows = splits.ordered(list(read_jsonl(source.path(), RouterRow)), context.seed)
        taken = rows[: limit or None]
        refused = [Refusal(source="parts", line=at, reason="over_limit") for at in range(len(taken), len(rows))]
        for part, members in splits.split(taken, context.seed, stratify).items():
            writer.rows(members, f"{part}.jsonl")
        writer.rows(refused, REFUSALS)
        writer.funnel = funnel("parts", len(rows), len(taken), refused)
        routes = Counter(" → ".join(tools_of(row)) for row in taken)
        (name, count), *_ = routes.most_common(1) or [("none", 0)]
        writer.notes = {
            "majority route": name,
            "its share": round(count / max(1, len(taken)), 3),
            "routes": len(routes),
        }

    config = {"limit": limit, "stratify": stratify}
    return filtered(context, *context.make(build, {"source_rows": source.sha256}, config))


def bench_cases(context: BuildContext) -> StageResult:
    """Make the cases: the test part, and the first rows of the eval part to choose by, each with the baselines' predictions."""
    source, think = context.input("parts"), switch(context.workspace, "think")

    def build(writer: Writer) -> None:
        rows = {name: list(read_jsonl(source.path(f"{name}.jsonl"), RouterRow)) for name in ("train", "eval", "test")}
        asked = {"test": rows["test"], "selection": rows["eval"][: context.profile.selection_cases]}
        for name, members in asked.items():
            writer.rows(cases_of(members, rows["train"], think=think), CASES[name])

    stage, reused = context.make(build, {"parts": source.sha256}, {"think": think})
    cases = list(read_jsonl(stage.path(), RouterCase))
    off = sum(tools_of(case.row) != case.majority for case in cases)
    figures = {"test cases": len(cases), "of them off the majority route": off}
    levels = Counter(case.row.difficulty for case in cases)
    return StageResult(
        stage, reused, (audits.of_stage(context.workspace, stage),), dict(sorted(levels.items())), figures=figures
    )


def trajectory_split(context: BuildContext) -> StageResult:
    """Make the training rows. A row whose query is a case's, or nearly one, is refused (R8).

    Option ``think=yes`` writes the outline before the JSON."""
    ws, source, cases = context.workspace, context.input("parts"), context.input("bench_cases")
    think = switch(ws, "think")

    def build(writer: Writer) -> None:
        rows = {part: list(read_jsonl(source.path(f"{part}.jsonl"), RouterRow)) for part in (*PARTS, "test")}
        asked = {
            case.id: case.row.user_query for name in CASES.values() for case in read_jsonl(cases.path(name), RouterCase)
        }
        kept, signals, found = apart(rows["train"], lambda row: row.user_query, asked)
        refusals = [
            Refusal(source="parts", line=at, reason=f"contaminated_{signals[row.id]}")
            for at, row in enumerate(rows["train"])
            if row.id in signals
        ]
        writer.rows((example_of(row, think=think) for row in kept), "train.jsonl")
        for part in ("eval", "test"):
            writer.rows((example_of(row, think=think) for row in rows[part]), f"{part}.jsonl")
        writer.rows(refusals, REFUSALS)
        writer.json(found, CONTAMINATION)
        count = sum(map(len, rows.values()))
        writer.funnel = funnel("trajectory_split", count, count - len(refusals), refusals)
        writer.notes = {"cases compared with": found.items, "boilerplate 8-grams": found.boilerplate}

    inputs = {"parts": source.sha256, "bench_cases": cases.sha256}
    stage, reused = context.make(build, inputs, {"think": think})
    return divided(context, "trajectory", stage, reused, parts=(*PARTS, "test"), own=own_verdicts(ws))


def own_verdicts(ws: Workspace) -> tuple[Verdict, ...]:
    """Return R8's verdict on the current split; none if there is no split yet."""
    split, cases = ws.store.find("trajectory_split"), ws.store.find("bench_cases")
    if split is None or cases is None:
        return ()
    judging.lineage(ws, "trajectory_split")
    hashes = {"trajectory_train": sha256_file(judging.file_of(split, "train")), "bench_cases": cases.sha256}
    found = msgspec.json.decode(split.verify().path(CONTAMINATION).read_bytes(), type=ContaminationReport)
    return (ws.track.guards.guards["r8"].verdict(found, hashes),)
