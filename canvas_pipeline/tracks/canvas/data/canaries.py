"""Measure masking with canaries: plant them in a copy of the inputs, run the data stages, search for them after each.

The workspace and its registry are not touched. The copy is deleted at the end. Decoys have due times of their own, by which they
are found again. No log, report or error contains what was planted."""

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
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Launch, StageResult, Workspace, make
from canvas_pipeline.privacy.audit.texts import walk
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.code_version import root_of
from canvas_pipeline.storage.store import Recipe, Stage, Writer
from canvas_pipeline.tracks.canvas.data import examples, intake, samples
from canvas_pipeline.tracks.canvas.data.canary_planting import LATER, copy_inputs, plant, plant_sessions, taken_words
from canvas_pipeline.tracks.canvas.data.canary_report import (
    CanaryReport,
    StageRates,
    SurvivorCount,
    picture,
    survivors_table,
    table,
)
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import Canary, Decoy, Rate, canaries, decoys, rate
from canvas_pipeline.tracks.canvas.intake.synthetic.canary_search import Search
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline.training.progress import child_environment

DEMO_COUNT = 600
PAIRS = ("item_pairs", "labelled_pairs", "mutation_pairs")
SAMPLED = ("onpolicy_pairs", "feedback_examples", "preference_split", "feedback_split")
Ask = Callable[[Workspace], list[str]]
"""Returns a model's answers to the bench cases of a workspace."""
_POSITION = re.compile(r"\[\d+\]")
_ID_FIELD = re.compile(r"(?:id|parents\[\d+\]|item_ids\[\d+\])>?")
_DIGEST = re.compile(r"[0-9a-f]{12,64}")
"""Our own ids are digests. One in a few hundred has digits only and may contain a telephone number's digits by chance."""


def run(
    ws: Workspace,
    count: int = 10_000,
    seed: int = 7,
    decoy_count: int | None = None,
    ask: Ask | None = None,
    keep: Path | None = None,
) -> CanaryReport:
    """Plant ``count`` canaries and as many decoys (or ``decoy_count``) in a copy of ``ws``'s inputs and run intake → splits.

    With ``ask``, search the model's answers to the copy's bench cases too. ``keep`` is a folder for the copy, by default a
    temporary one. Raises ``MissingInput`` where there are no inputs."""
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
        counter = _SurvivorCounter(copy, planted)
        for contributor in sorted(contributors):
            counter.after("intake", [intake.collab(copy, contributor)])
        changed = _changed(copy, sorted(contributors), harmless, due)
        counter.after("corpus", [build_stage(copy, "corpus")])
        plant_sessions(copy, sorted(contributors)[0], planted)
        counter.after("trajectories", [build_stage(copy, "trajectories")])
        counter.after("pairs", [build_stage(copy, name) for name in PAIRS])
        counter.after("splits", [build_stage(copy, "trajectory_split")])
        no_samples(copy)
        counter.after("splits", [build_stage(copy, name) for name in SAMPLED])
        if ask is not None:
            counter.generated(ask(copy))
        families = Counter(decoy.family for decoy in harmless)
        return CanaryReport(
            seed=seed, canaries=len(planted), decoys=len(harmless), seconds=round(time.monotonic() - started, 1),
            recall=counter.recall(), stages=tuple(counter.stages), refused=counter.refused, survivors=counter.survivors(),
            false_masks=rate(sum(changed.values()), len(harmless)),
            by_family={family: rate(changed[family], of) for family, of in sorted(families.items())},
        )  # fmt: skip


def canaries_asset(ws: Workspace, count: int = DEMO_COUNT) -> StageResult:
    """Build the report as a stage: ``count`` canaries and decoys, rebuilt when code or inputs change."""
    inputs = {
        f"collab/{name}": stage.sha256
        for name in intake.contributor_files(ws)
        if (stage := ws.store.find(f"collab/{name}"))
    }

    def build(writer: Writer) -> None:
        writer.json(run(ws, count, ws.seed), "report.json")

    # ``run`` builds these by name. Listing them makes an edit of one rebuild the report.
    steps = (intake.corpus, examples.trajectories, examples.item_pairs, examples.labelled_pairs, examples.mutation_pairs,
             samples.onpolicy_pairs, examples.feedback_examples, examples.split)  # fmt: skip
    runs = [root_of(step) for step in steps]
    stage, reused = make(ws, "canaries", build, inputs=inputs, config={"count": count}, runs=runs)
    found = msgspec.json.decode(stage.path("report.json").read_bytes(), type=CanaryReport)
    facts = {
        "survivors": table(found),
        "where": survivors_table(found.survivors),
        "short of": "\n".join(found.shortfalls()) or "nothing",
    }
    figures = {f"masked {type_} (%)": round(100 * rate.share, 2) for type_, rate in found.recall.items()}
    figures["decoys masked by mistake (%)"] = round(100 * found.false_masks.share, 2)
    return StageResult(stage, reused, facts=facts, pictures={"share masked": picture(found)}, figures=figures)


def no_samples(copy: Workspace) -> None:
    """Write an empty ``sft_samples``: no model may be trained on canaries, so none can say anything."""
    split = copy.store.get("trajectory_split").sha256
    with copy.store.write(Recipe(stage="sft_samples", code_version="", inputs={"trajectory_split": split})) as writer:
        writer.rows([])


class _SurvivorCounter:
    """Search for planted canaries after each stage and count them."""

    def __init__(self, ws: Workspace, planted: Sequence[Canary]) -> None:
        self._ws, self._planted, self._search = ws, planted, Search(planted)
        self._seen: set[int] = set()
        self._survived: set[int] = set()
        self._counts: Counter[tuple[str, str, str, str, str, str, str]] = Counter()
        self._by_stage: dict[str, set[int]] = {}
        self._audit: dict[str, Counter[str]] = {}
        self.refused: dict[str, int] = {}

    def after(self, name: str, results: Sequence[StageResult]) -> None:
        """Search the files of some stages, under one name."""
        for stage in (result.stage for result in results):
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
        """Search texts that a model generated."""
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
                self._counts[name, file, place, canary.type, canary.spot, canary.template, canary.shape] += 1
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
        """Return type → share of canaries that appear in no stage."""
        of = Counter(canary.type for canary in self._planted)
        survived = Counter(self._planted[number].type for number in self._survived)
        return {type_: rate(count - survived[type_], count) for type_, count in of.items()}

    def survivors(self) -> tuple[SurvivorCount, ...]:
        fields = ("stage", "file", "field", "type", "spot", "template", "shape")
        return tuple(
            SurvivorCount(**dict(zip(fields, key, strict=True)), count=count)
            for key, count in sorted(self._counts.items())
        )


def _texts(stage: Stage, file: str) -> Iterator[tuple[str, str]]:
    with stage.path(file).open("rb") as lines:
        for line in lines:
            yield from texts_of_row(msgspec.json.decode(line))


def texts_of_row(row: object) -> Iterator[tuple[str, str]]:
    """Yield (field, text) of a decoded row, except its own ids and those of its parents and items if they are digests."""
    for field, text in walk(row, ""):
        if not (_ID_FIELD.fullmatch(field) and _DIGEST.fullmatch(text)):
            yield field, text


def _changed(
    copy: Workspace, contributors: Sequence[str], harmless: Sequence[Decoy], due: dict[str, Decoy]
) -> Counter[str]:
    """Count by family the decoys that intake changed or dropped."""
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
    """Return a function that generates a checkpoint's answers to the bench cases of a copy."""

    def ask(copy: Workspace) -> list[str]:
        cases = build_stage(copy, "bench_cases").stage.path()
        out = copy.root / "generated.jsonl"
        launch(evaluation.generation(copy, "hf", checkpoint, cases, out), child_environment(os.environ))
        return [msgspec.json.decode(line)["text"] for line in out.read_bytes().splitlines()]

    return ask
