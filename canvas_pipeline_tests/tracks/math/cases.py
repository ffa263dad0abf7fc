"""Cases of the math track for tests, and a process that answers them and may die on the way."""

from __future__ import annotations

import io
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from canvas_pipeline.evaluation import generate as generation
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.tracks.math import data
from canvas_pipeline.tracks.math.rows import MathRow
from canvas_pipeline.training.progress import Reporter


def case(name: str, answer: str | None, kind: str = "int", suite: str = "s", **more: object) -> MathRow:
    """A case with a gold answer of a kind, or without one."""
    return MathRow(
        id=name, problem=f"How many is {name}?", solution="", answer=answer, answer_kind=kind, source="test", suite=suite, **more
    )  # type: ignore[arg-type]  # fmt: skip


class Calculator:
    """A generator that knows the answers, is cut off at every seventh, and kills its process after some cases."""

    workers = 1

    def __init__(self, rows: Sequence[MathRow], dies_after: int) -> None:
        self.answers, self.left, self.asked = {row.prompt: row.answer for row in rows}, dies_after, 0

    def length(self, prompt: str) -> int:
        return 10

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        time.sleep(0.005)  # so that what was answered is written before the process dies
        self.left -= len(prompts)
        if self.left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self.asked += len(prompts)
        return [(f"\n#### {self.answers[prompt]}", len(prompt) % 7 != 0) for prompt in prompts]


def thousand() -> list[MathRow]:
    """1,000 cases."""
    return list(data.drawn(1000, "test", data.NEW_WORDINGS))


def answered(out: Path, dies_after: int = 10**9) -> int:
    """Answer the thousand cases into a file; return how many were asked for it now."""
    rows = thousand()
    generator = Calculator(rows, dies_after)
    prompts = [row.prompt for row in rows]
    seal = Seal(out.parent / "private" / "store.key")
    generation.generate(generator, rows, prompts, out, "key", Reporter(io.StringIO()), seal)
    return generator.asked


if __name__ == "__main__":
    generation.TOKENS_A_BATCH = 80
    answered(Path(sys.argv[1]), int(sys.argv[2]))
