"""Canaries through the line: plant them in a copy of the inputs, run the data half, look for them after every stage.

In: a workspace whose inputs are copied, counts, a seed; optionally a checkpoint whose generated text is looked through too. Out:
a ``CanaryReport``. What must hold: the workspace itself is not touched (its registry neither); the copy is removed at the end, as
it holds what must not survive; decoys stand in titles and to-do items under a due time of their own, by which they are found
again; nothing that was planted is in a log, a report or an error."""

from __future__ import annotations

import dataclasses
import os
import re
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from canvas_pipeline.errors import MissingInput
from canvas_pipeline.pipeline import audits, evaluation
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace, make
from canvas_pipeline.privacy.audit.texts import walk
from canvas_pipeline.records import Item, read_jsonl
from canvas_pipeline.storage.store import Stage, Writer
from canvas_pipeline.tracks.canvas.data import examples, intake
from canvas_pipeline.tracks.canvas.data.canary_planting import LATER, copy_inputs, plant, plant_sessions, taken_words
from canvas_pipeline.tracks.canvas.data.canary_report import (
    CanaryReport,
    StageRates,
    Trace,
    picture,
    table,
    traces_table,
)
from canvas_pipeline.tracks.canvas.datasets import DATASETS
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import Canary, Decoy, Rate, canaries, decoys, rate
from canvas_pipeline.tracks.canvas.intake.synthetic.canary_search import Search
from canvas_pipeline.training.progress import child_environment

DEMO_COUNT = 600
Ask = Callable[[Workspace], list[str]]
"""What a model answers to the bench cases of a workspace, as texts."""
_POSITION = re.compile(r"\[\d+\]")
_ID_FIELD = re.compile(r"(?:id|parents\[\d+\]|item_ids\[\d+\])>?")
_DIGEST = re.compile(r"[0-9a-f]{12,64}")
"""Our own ids are digests: one in a few hundred has digits only, and may hold the digits of a telephone number by chance."""


def run(
    ws: Workspace,
    count: int = 10_000,
    seed: int = 7,
    decoy_count: int | None = None,
    ask: Ask | None = None,
    keep: Path | None = None,
) -> CanaryReport:
    """Plant ``count`` canaries and as many decoys (or ``decoy_count``) into a copy of ``ws``'s inputs and run intake → splits.

    With ``ask``, what a model answers to the copy's bench cases is looked through too. ``keep`` is a folder to leave the
    copy in; by default it is in a temporary folder and removed. Raises ``MissingInput`` where there are no inputs."""
    started = time.monotonic()
    contributors = intake.contributor_files(ws)
    if not contributors:
        raise MissingInput(f"{ws.collab} holds no contributor file to plant canaries into; see canvas-data synthesize")
    planted = canaries(count, seed, taken_words(ws))
    harmless = decoys(count if decoy_count is None else decoy_count, seed)
    with tempfile.TemporaryDirectory(prefix="canaries-") as temporary:
        root = keep or Path(temporary)
        copy = dataclasses.replace(ws, root=root, planted=True)
        copy_inputs(ws, root)
        due = plant(copy, sorted(contributors), planted, harmless)
        watch = _Watch(copy, planted)
        for contributor in sorted(contributors):
            watch.after("intake", [intake.collab(copy, contributor)])
        changed = _changed(copy, sorted(contributors), harmless, due)
        watch.after("corpus", [intake.corpus(copy)])
        plant_sessions(copy, sorted(contributors)[0], planted)
        watch.after("trajectories", [examples.trajectories(copy)])
        pairs = (examples.item_pairs, examples.labelled_pairs, examples.mutation_pairs, examples.feedback_examples)
        watch.after("pairs", [step(copy) for step in pairs])
        watch.after("splits", [examples.split(copy, dataset) for dataset in DATASETS])
        if ask is not None:
            watch.generated(ask(copy))
        families = Counter(decoy.family for decoy in harmless)
        return CanaryReport(
            seed=seed, canaries=len(planted), decoys=len(harmless), seconds=round(time.monotonic() - started, 1),
            recall=watch.recall(), stages=tuple(watch.stages), refused=watch.refused, traces=watch.traces(),
            false_masks=rate(sum(changed.values()), len(harmless)),
            by_family={family: rate(changed[family], of) for family, of in sorted(families.items())},
        )  # fmt: skip


def canaries_asset(ws: Workspace, count: int = DEMO_COUNT) -> StageResult:
    """The report as a stage, for the web UI: ``count`` canaries and decoys, made again when code or inputs change."""
    inputs = {
        f"collab/{name}": stage.sha256
        for name in intake.contributor_files(ws)
        if (stage := ws.store.find(f"collab/{name}"))
    }

    def build(writer: Writer) -> None:
        writer.json(run(ws, count, ws.seed), "report.json")

    stage, reused = make(ws, "canaries", build, inputs=inputs, config={"count": count})
    found = msgspec.json.decode(stage.path("report.json").read_bytes(), type=CanaryReport)
    facts = {
        "survivors": table(found),
        "where": traces_table(found.traces),
        "short of": "\n".join(found.shortfalls()) or "nothing",
    }
    figures = {f"masked {type_} (%)": round(100 * rate.share, 2) for type_, rate in found.recall.items()}
    figures["decoys masked by mistake (%)"] = round(100 * found.false_masks.share, 2)
    return StageResult(stage, reused, facts=facts, pictures={"share masked": picture(found)}, figures=figures)


class _Watch:
    """Looks for the planted after each stage and keeps count."""

    def __init__(self, ws: Workspace, planted: Sequence[Canary]) -> None:
        self._ws, self._planted, self._search = ws, planted, Search(planted)
        self._seen: set[int] = set()
        self._survived: set[int] = set()
        self._traces: Counter[tuple[str, str, str, str, str, str, str]] = Counter()
        self._by_stage: dict[str, set[int]] = {}
        self._audit: dict[str, Counter[str]] = {}
        self.refused: dict[str, int] = {}

    def after(self, name: str, made: Sequence[StageResult]) -> None:
        """Look through the files of some stages, under one name."""
        for stage in (m.stage for m in made):
            for file, entry in stage.manifest.files.items():
                if entry.rows is not None:
                    self._look(name, f"{stage.manifest.stage.split('/')[0]}/{file}", _texts(stage, file))
            for reason, count in (stage.manifest.funnel.refused if stage.manifest.funnel else {}).items():
                key = f"{name}: {reason}"
                self.refused[key] = self.refused.get(key, 0) + count
            verdict = audits.of_stage(self._ws, stage)
            counts = self._audit.setdefault(name, Counter())
            counts.update(
                {k.removeprefix("found "): int(v or 0) for k, v in verdict.numbers.items() if k.startswith("found ")}
            )
        self._by_stage.setdefault(name, set())
        self._ws.log(f"after {name}: {len(self._by_stage[name])} canaries seen")

    def generated(self, texts: Sequence[str]) -> None:
        """Look through what a model said."""
        self._audit["generated"] = Counter()
        self._by_stage.setdefault("generated", set())
        self._look("generated", "generated", (("text", text) for text in texts))

    def _look(self, name: str, file: str, texts: Iterator[tuple[str, str]]) -> None:
        known: dict[int, frozenset[int]] = {}
        stage = self._by_stage.setdefault(name, set())
        for field, text in texts:
            mark = hash(text)
            if mark not in known:
                known[mark] = frozenset(self._search.found(text))
            for number in known[mark] - stage:
                canary = self._planted[number]
                place = _POSITION.sub("[]", field)
                self._traces[name, file, place, canary.type, canary.spot, canary.template, canary.shape] += 1
            stage |= known[mark]
        self._survived |= stage

    @property
    def stages(self) -> list[StageRates]:
        return [
            StageRates(
                stage=name,
                survivors=self._rates(seen, name in ("intake", "corpus")),
                audit=dict(sorted(self._audit[name].items())),
            )
            for name, seen in self._by_stage.items()
        ]

    def _rates(self, seen: set[int], early: bool) -> dict[str, Rate]:
        there = [canary for canary in self._planted if not early or canary.spot not in LATER]
        of = Counter(canary.type for canary in there)
        survived = Counter(self._planted[number].type for number in seen)
        return {type_: rate(survived[type_], count) for type_, count in of.items()}

    def recall(self) -> dict[str, Rate]:
        """Type → share of canaries that no stage shows."""
        of = Counter(canary.type for canary in self._planted)
        survived = Counter(self._planted[number].type for number in self._survived)
        return {type_: rate(count - survived[type_], count) for type_, count in of.items()}

    def traces(self) -> tuple[Trace, ...]:
        fields = ("stage", "file", "field", "type", "spot", "template", "shape")
        return tuple(
            Trace(**dict(zip(fields, key, strict=True)), count=count) for key, count in sorted(self._traces.items())
        )


def _texts(stage: Stage, file: str) -> Iterator[tuple[str, str]]:
    with stage.path(file).open("rb") as lines:
        for line in lines:
            yield from texts_of_row(msgspec.json.decode(line))


def texts_of_row(row: object) -> Iterator[tuple[str, str]]:
    """(field, text) of all in a decoded row but its own ids and those of its parents and items, as far as they are digests."""
    for field, text in walk(row, ""):
        if not (_ID_FIELD.fullmatch(field) and _DIGEST.fullmatch(text)):
            yield field, text


def _changed(
    copy: Workspace, contributors: Sequence[str], harmless: Sequence[Decoy], due: dict[str, Decoy]
) -> Counter[str]:
    """Family → decoys that came out of intake otherwise than they went in; one that is missing was changed too."""
    left = {decoy.number for decoy in harmless}
    for contributor in contributors:
        for item in read_jsonl(copy.store.get(f"collab/{contributor}").path(), Item):
            decoy = due.get(_instant(item.due_at))
            if decoy is not None and item.title == decoy.text:
                left.discard(decoy.number)
    return Counter(decoy.family for decoy in harmless if decoy.number in left)


def _instant(text: str | None) -> str:
    return datetime.fromisoformat(text).astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if text else ""


def answers_of(checkpoint: Path, launch: Launch) -> Ask:
    """Ask a checkpoint the bench cases of a copy."""

    def ask(copy: Workspace) -> list[str]:
        cases = examples.bench_cases(copy).stage.path()
        out = copy.root / "generated.jsonl"
        launch(evaluation.generation(copy, "hf", checkpoint, cases, out), child_environment(os.environ))
        return [msgspec.json.decode(line)["text"] for line in out.read_bytes().splitlines()]

    return ask
