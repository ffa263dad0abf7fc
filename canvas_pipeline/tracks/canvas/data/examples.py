"""Build the stages from ``trajectories`` to ``bench_cases``: trajectories, labelled and mutated pairs, feedback, splits, cases.

One assignment of students to train, eval and test holds for all data sets, so no row spans two parts. Bench cases share neither
items nor wordings with training rows."""

from __future__ import annotations

import functools
import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import BadInput, InputChanged
from canvas_pipeline.evaluation.charts import funnel_png
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.models import endpoint
from canvas_pipeline.pipeline import audits
from canvas_pipeline.pipeline import verdicts as guard_verdicts
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.privacy.contributor_id import printable, sessions_in
from canvas_pipeline.privacy.courses.masker import CourseMasker
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.records import Funnel, Refusal, funnel, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.bench.cases import cases
from canvas_pipeline.tracks.canvas.data.accounts import Accounts, accounts
from canvas_pipeline.tracks.canvas.data.held_out import SELECTION, held_out, is_synthesised, spread
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.examples import (
    choices,
    feedback,
    labelling,
    mutation,
    pairs,
    policy,
    sessions,
    splits,
    students,
    teacher,
    trajectory,
)
from canvas_pipeline.tracks.canvas.intake.markup import scrub_rows
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import lines
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import BenchCase, Item, ItemPair, PreferencePair, Student, Trajectory

_accounts = functools.lru_cache(maxsize=2)(accounts)
"""A stage's file never changes: its folder is named by its content."""


def mock_accounts(ws: Workspace) -> Accounts:
    """Return all mock accounts of the current corpus, and the split of each item and student."""
    return _accounts(ws.store.get("corpus").path(), ws.profile.name, ws.seed)


def session_files(ws: Workspace) -> dict[str, str]:
    """Return name → sha256 of the recorded sessions. A missing folder means that none were recorded; that is logged."""
    if not ws.sessions.is_dir():
        ws.log(f"{ws.sessions}: no such folder; trajectories come from the scripted policy alone")
        return {}
    read, others = sessions_in(ws.sessions)
    for path, reason in others:  # a skipped file must be visible
        ws.log(f"sessions/{printable(path.name)} is not read: {reason}")
    return {path.name: sha256_file(path) for path in read}


def recorded_sessions(
    ws: Workspace, path: Path, sha256: str | None = None, of: Sequence[students.Snapshot] | None = None
) -> Iterator[Trajectory | Refusal]:
    """Anonymise the sessions of one file and yield each as a training row or a refusal.

    They belong to the accounts ``of``, by default those of the current corpus. Raises ``InputChanged`` where the content does not
    have the given hash (any more)."""
    rows: list[Any] = []
    digest = hashlib.sha256()
    for number, line in (entry for batch in lines(path, digest=digest, arrays=False) for entry in batch):
        try:
            rows.append(msgspec.json.decode(line))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason = line if isinstance(line, str) else "malformed_json"
            yield Refusal(source=f"sessions/{path.stem}", line=number, reason=reason)
    if sha256 is not None and digest.hexdigest() != sha256:
        raise InputChanged(f"{path}: the file was changed while it was read; run again when nobody writes to it")
    key, registry = ws.registry()
    clean = scrub_rows(rows, Scrubber(key, path.stem), CourseMasker(Registry(key, registry), path.stem))
    yield from sessions.from_sessions(
        clean, of or mock_accounts(ws)[0], ws.profile.declaration, f"sessions/{path.stem}"
    )


def trajectories(context: BuildContext) -> StageResult:
    """Build the conversations: recorded sessions, and the scripted policy's with real results of the mock accounts."""
    ws = context.workspace
    corpus = context.input("corpus")
    recorded = session_files(ws)

    def build(writer: Writer) -> None:
        # Counted apart from what is made of them, so that a conversation that gets lost is noticed.
        everyone = mock_accounts(ws)[0]
        planned = sum(policy.quotas(context.profile).values()) if everyone else 0
        planned += choices.quota(everyone, context.profile)
        sessions_given = sum(len(batch) for name in recorded for batch in lines(ws.sessions / name, arrays=False))
        made = list(trajectory.synthesise(everyone, context.profile, context.seed, MockCanvas))
        kept: list[Trajectory] = []
        refused: list[Refusal] = []
        for name, sha256 in recorded.items():
            for row in recorded_sessions(ws, ws.sessions / name, sha256):
                if isinstance(row, Trajectory):
                    kept.append(row)
                else:
                    refused.append(row)
        writer.rows([*made, *kept])
        writer.rows(refused, "refusals.jsonl")
        links = (Student(id=student.id, parents=student.item_ids) for student in everyone)
        writer.rows(links, "students.jsonl", report=True)
        writer.funnel = funnel("trajectories", planned + sessions_given, len(made) + len(kept), refused)
        writer.notes = {"synthesised": len(made), "from sessions": len(kept)}

    return _result(context, *context.make(build, inputs={"corpus": corpus.sha256, **recorded}))


def item_pairs(context: BuildContext) -> StageResult:
    """Sample pairs uniformly over all pairs with something left to do."""
    corpus = context.input("corpus")

    def build(writer: Writer) -> None:
        writer.rows(pairs.sample_pairs(read_jsonl(corpus.path(), Item), context.profile.item_pairs, context.seed))

    return StageResult(*context.make(build, inputs={"corpus": corpus.sha256}))


def labelled_pairs(context: BuildContext) -> StageResult:
    """Have the teacher label each pair in three presentations; only unanimous ones are kept."""
    ws = context.workspace
    asked = context.input("item_pairs")
    with open_teacher(ws) as labeller:

        def build(writer: Writer) -> None:
            _label(context, list(read_jsonl(asked.path(), ItemPair)), labeller, writer)

        inputs, config = {"item_pairs": asked.sha256}, {"teacher": labeller.identity}
        return _result(context, *context.make(build, inputs=inputs, config=config))


def _label(context: BuildContext, rows: Sequence[ItemPair], labeller: teacher.Teacher, writer: Writer) -> None:
    ws = context.workspace
    step = max(1, len(rows) // 20)

    def progress(done: int) -> None:
        if done % step == 0 or done == len(rows):
            context.log(f"labelled {done} of {len(rows)} pairs")

    # A paid teacher's votes must survive a kill; the embedded rule is cheaper than its journal.
    journal = ws.private / "votes.jsonl" if ws.teacher_endpoint else None
    found = labelling.label(rows, labeller, journal, progress, workers=8 if ws.teacher_endpoint else 1)
    written = labelling.preference_pairs(found.pairs, context.profile.declaration, MockCanvas)
    refused = [*found.refusals, *written.refusals]
    writer.rows(written.pairs)
    writer.rows(found.votes, "votes.jsonl")
    writer.rows(refused, "refusals.jsonl")
    writer.funnel = funnel("labelled_pairs", len(rows), len(written.pairs), refused)
    bias = found.position_bias
    writer.notes = {
        "teacher": labeller.identity,
        "position bias": {"first wins": bias.first_wins, "of": bias.votes, "low": bias.low, "high": bias.high},
    }


@contextmanager
def open_teacher(ws: Workspace) -> Iterator[teacher.Teacher]:
    """Open the embedded urgency rule, or the workspace's OpenAI-compatible teacher, and close its connections after use."""
    if not ws.teacher_endpoint:
        yield teacher.UrgencyTeacher()
        return
    key = endpoint.api_key("CANVAS_TEACHER_API_KEY", os.environ)
    with teacher.HttpTeacher(
        ws.teacher_endpoint, ws.teacher_model, stated=ws.teacher_identity, api_key=key
    ) as labeller:
        yield labeller


def quotas(ws: Workspace) -> dict[str, int]:
    """Return mutation axis → rows, from the profile."""
    return mutation.quotas(ws.profile)


def mutation_pairs(context: BuildContext) -> StageResult:
    """Build pairs over eight axes and mixed ones, each confirmed by an independent verifier."""
    source = context.input("trajectories")

    def build(writer: Writer) -> None:
        wanted = quotas(context.workspace)
        found = mutation.mutate(read_jsonl(source.path(), Trajectory), wanted, context.seed)
        if found.shortfall:
            lacking = ", ".join(f"{axis}: {count}" for axis, count in found.shortfall.items())
            raise BadInput(
                f"the trajectories do not fill the quotas of mutation pairs ({lacking} missing); make more of them"
            )
        writer.rows(found.pairs)
        writer.rows(found.refusals, "refusals.jsonl")
        # Every candidate is a pair that the quotas plan or a refused one.
        planned = sum(wanted.values()) + len(found.refusals)
        writer.funnel = funnel("mutation_pairs", planned, len(found.pairs), found.refusals)
        counts: dict[str, int] = {}
        for pair in found.pairs:
            name = "mixed" if len(pair.axes) > 1 else pair.axes[0]
            counts[name] = counts.get(name, 0) + 1
        writer.notes = {"pairs by axis": counts}

    return _result(context, *context.make(build, inputs={"trajectories": source.sha256}))


def feedback_examples(context: BuildContext) -> StageResult:
    """Build single completions with a label, half of them desirable."""
    sources = {name: context.input(name) for name in ("onpolicy_pairs", "mutation_pairs", "trajectories")}

    def build(writer: Writer) -> None:
        pairs_of = (read_jsonl(sources[name].path(), PreferencePair) for name in ("onpolicy_pairs", "mutation_pairs"))
        rows = feedback.feedback(
            itertools.chain.from_iterable(pairs_of),
            read_jsonl(sources["trajectories"].path(), Trajectory),
            context.profile.feedback_examples,
            context.seed,
        )
        writer.rows(rows)
        found = feedback.balance(rows)
        writer.notes = {
            "desirable": found.desirable,
            "undesirable": found.undesirable,
            "distinct prompts": found.unique_prompts,
        }

    inputs = {name: stage.sha256 for name, stage in sources.items()}
    return _result(context, *context.make(build, inputs=inputs))


def split(context: BuildContext, dataset: str) -> StageResult:
    """Split one data set into train, eval and test, and evaluate its data guards."""
    ws = context.workspace
    spec = DATASETS[dataset]
    sources = {name: context.input(name) for name in spec.sources}
    corpus = context.input("corpus")

    def build(writer: Writer) -> None:
        rows: Sequence[Any] = [row for stage in sources.values() for row in read_jsonl(stage.path(), spec.row_type)]
        found = splits.split(rows, mock_accounts(ws)[1])
        for part, members in found.parts.items():
            writer.rows(members, f"{part}.jsonl")
        writer.rows(found.refusals, "refusals.jsonl")
        kept = sum(len(members) for members in found.parts.values())
        writer.funnel = funnel(spec.split, len(rows), kept, found.refusals)

    inputs = {"corpus": corpus.sha256, **{name: stage.sha256 for name, stage in sources.items()}}
    stage, reused = context.make(build, inputs=inputs)
    funnels = guard_verdicts.funnels(ws, dataset)
    verdicts = (*guard_verdicts.of_split(ws, dataset), audits.of_stage(ws, stage))
    sizes = {f"rows in {part}": stage.manifest.files[f"{part}.jsonl"].rows or 0 for part in splits.SPLITS}
    pictures = {"rows in and out": funnel_png(funnels)}
    return StageResult(stage, reused, verdicts, pictures=pictures, funnels=tuple(funnels), figures=sizes)


def bench_cases(context: BuildContext) -> StageResult:
    """Build cases of test students (``rows.jsonl``) and of eval students, for model selection (``selection.jsonl``).

    The items of synthesised students stand beside them (``synthesised.jsonl``), so that a case can be traced."""
    corpus = context.input("corpus")

    def build(writer: Writer) -> None:
        asked = held_out(mock_accounts(context.workspace), corpus.path(), context.profile, context.seed)
        rows = cases(asked["test"], context.profile, context.seed, MockCanvas)
        writer.rows(rows, "rows.jsonl")
        selection = cases(asked["eval"], context.profile, context.seed, MockCanvas, context.profile.selection_cases)
        writer.rows(selection, "selection.jsonl")
        invented = [s for part in asked.values() for s in part if is_synthesised(s)]
        writer.rows((item for student in invented for item in student.items), "synthesised.jsonl")
        writer.notes = spread(rows, asked["test"]) | spread(selection, asked["eval"], SELECTION)

    stage, reused = context.make(build, inputs={"corpus": corpus.sha256})
    kinds: dict[str, int] = {}
    for case in read_jsonl(stage.path(), BenchCase):
        kinds[f"test cases: {case.kind}"] = kinds.get(f"test cases: {case.kind}", 0) + 1
    figures = {"test cases": sum(kinds.values()), **kinds}
    return StageResult(stage, reused, facts=stage.manifest.notes, figures=figures)


def _result(context: BuildContext, stage: Stage, reused: bool) -> StageResult:
    found: Funnel | None = stage.manifest.funnel
    verdicts: tuple[Verdict, ...] = (audits.of_stage(context.workspace, stage),)
    pictures: dict[str, bytes] = {}
    if found is not None:
        verdicts = (guard_verdicts.of_funnel(context.workspace, stage), *verdicts)
        pictures = {"rows in and out": funnel_png([found])}
    funnels = () if found is None else (found,)
    return StageResult(stage, reused, verdicts, stage.manifest.notes, pictures, funnels)
