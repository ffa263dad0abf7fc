"""The data stages of the toy track: rows split by name, and benchmark cases."""

from __future__ import annotations

import random

from canvas_pipeline.pipeline import audits, verdicts
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.workspace import StageResult
from canvas_pipeline.records import Message, funnel
from canvas_pipeline.storage.store import Writer
from canvas_pipeline.tracks.toy.rows import Greeting, GreetingCase

ANSWER = " Welcome to the harbour."
SYLLABLES = "ba de fi go lu ma ne pi ro su ta ve".split()


def names(count: int, seed: int) -> list[str]:
    """Draw invented names, each once."""
    found = [(one + two + three).title() for one in SYLLABLES for two in SYLLABLES for three in SYLLABLES]
    return random.Random(seed).sample(found, count)


def greeting(name: str) -> str:
    return f"{name} comes ashore.\n"


def split(context: BuildContext) -> StageResult:
    """Greetings in train, eval and test parts."""

    def build(writer: Writer) -> None:
        drawn = names(context.profile.rows, context.seed)
        rows = [
            Greeting(
                id=f"r{at}", item_ids=(name,),
                messages=(Message(role="user", content=greeting(name)), Message(role="assistant", content=ANSWER)),
            )
            for at, name in enumerate(drawn)
        ]  # fmt: skip
        held = len(rows) // 10
        for part, members in (("train", rows[2 * held :]), ("eval", rows[:held]), ("test", rows[held : 2 * held])):
            writer.rows(members, f"{part}.jsonl")
        writer.funnel = funnel("trajectory_split", len(rows), len(rows))

    stage, reused = context.make(build)
    found = (*verdicts.of_split(context.workspace, "trajectory"), audits.of_stage(context.workspace, stage))
    return StageResult(stage, reused, found, figures={"rows": context.profile.rows})


def bench_cases(context: BuildContext) -> StageResult:
    """Greetings of names that training never saw."""

    def build(writer: Writer) -> None:
        drawn = names(context.profile.rows + 80, context.seed)[-80:]
        cases = [GreetingCase(id=f"c{at}", greeting=greeting(name), item_ids=(name,)) for at, name in enumerate(drawn)]
        writer.rows(cases[:40])
        writer.rows(cases[40:], "selection.jsonl")

    return StageResult(*context.make(build))
