"""Jobs for the tests of the executor: sizes in MiB, real processes.

``CANVAS_TEST_FOLDER`` is the folder where steps leave files for a test.
"""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import dagster as dg

from canvas_pipeline.gb10 import process_group
from canvas_pipeline.gb10.executor import gb10_executor
from canvas_pipeline.gb10.ledger import Ledger, LedgerEntry

MIB = 1 << 20


def folder() -> Path:
    return Path(os.environ["CANVAS_TEST_FOLDER"])


def graph_of_forty(executor: dg.ExecutorDefinition) -> dg.JobDefinition:
    """Define ten chains of four steps that do nothing, to measure what starting and ending a step costs."""

    @dg.op
    def first() -> int:
        return 1

    @dg.op
    def more(number: int) -> int:
        return number + 1

    @dg.job(executor_def=executor, name=f"forty_{executor.name}")
    def forty() -> None:
        for chain in range(10):
            number = first.alias(f"first_{chain}")()
            for step in range(3):
                number = more.alias(f"more_{chain}_{step}")(number)

    return forty


def forty_gb10() -> dg.JobDefinition:
    return graph_of_forty(gb10_executor)


def forty_stock() -> dg.JobDefinition:
    return graph_of_forty(dg.multiprocess_executor)


def fill(size_mib: int, chunk_mib: int = 8, pause_s: float = 0.01) -> list[bytearray]:
    """Take that much memory, in small chunks."""
    held = []
    for _ in range(size_mib // chunk_mib):
        held.append(bytearray(os.urandom(1) * (chunk_mib * MIB)))
        time.sleep(pause_s)
    return held


def until(holds: Callable[[], object]) -> None:
    """Wait until ``holds`` returns true; the test ends a step that waits in vain."""
    while not holds():
        time.sleep(0.02)


def entries() -> list[LedgerEntry]:
    ledger = Ledger(Path(os.environ["CANVAS_UMA_LEDGER"]))
    found = ledger.entries()
    ledger.close()
    return found


def measured_mib(reserved_mib: int = 0) -> float:
    """MiB of this step by its last report to the ledger; 0 if less than ``reserved_mib`` is reserved for it."""
    token = os.environ[process_group.MARK]
    used = [e.used for e in entries() if e.token == token and e.size >= reserved_mib * MIB]
    return max(used, default=0) / MIB


def leave_a_child(name: str, code: str = "import time; time.sleep(600)") -> int:
    """Start a program that leaves the step's session, and write its process id to a file."""
    child = subprocess.Popen([sys.executable, "-c", code], start_new_session=True)
    (folder() / f"{name}.pid").write_text(str(child.pid))
    return child.pid


@dg.op(tags={"canvas/uma_gib": "0.2"})
def greedy() -> int:
    """Take three times the reservation, no faster than it is measured, with a child that sleeps."""
    leave_a_child("greedy")
    (folder() / "greedy.started").touch()
    held = []
    for mib in range(0, 600, 8):
        until(lambda least=mib - 64: measured_mib() >= least)
        held += fill(8)
    time.sleep(600)
    return len(held)


@dg.op(tags={"canvas/uma_gib": "0.2"})
def neighbour() -> int:
    """Work until the greedy step is gone."""
    held = fill(64)
    until((folder() / "greedy.started").exists)
    until(lambda: not any(entry.step == "greedy" for entry in entries()))
    return len(held)


@dg.op(tags={"canvas/uma_gib": "0.25"})
def underestimated() -> int:
    """Take between one and two times what is declared; end once that was measured, if that much is reserved."""
    held = fill(350)
    until(lambda: measured_mib(reserved_mib=350) >= 320)
    return len(held)


@dg.op(tags={"canvas/uma_gib": "100000"})
def impossible() -> int:
    return 1


@dg.op(tags={"canvas/uma_gib": "0.6"})
def large(number: int) -> int:
    time.sleep(1.5)
    return number


@dg.op
def leaves_a_child() -> int:
    return leave_a_child("left")


@dg.op(retry_policy=dg.RetryPolicy(max_retries=2))
def third_time(context: dg.OpExecutionContext) -> int:
    if context.retry_number < 2:
        raise RuntimeError("not yet")
    return context.retry_number


@dg.op
def fails_unless_released() -> int:
    if not (folder() / "go").exists():
        raise RuntimeError("not released")
    return 2


@dg.op
def number() -> int:
    return 1


@dg.op
def add(left: int, right: int) -> int:
    return left + right


@dg.op(out=dg.DynamicOut(int))
def several():  # type: ignore[no-untyped-def]
    for index in range(3):
        yield dg.DynamicOutput(index, mapping_key=str(index))


@dg.op
def number_of(index: int) -> int:
    return index * 10


@dg.op
def total(numbers: list[int]) -> int:
    (folder() / "total").write_text(str(sum(numbers)))
    return sum(numbers)


@dg.job(executor_def=gb10_executor)
def greedy_beside_a_neighbour() -> None:
    greedy()
    neighbour()


@dg.job(executor_def=gb10_executor)
def underestimates() -> None:
    underestimated()


@dg.job(executor_def=gb10_executor)
def one_impossible() -> None:
    impossible()
    number()


@dg.job(executor_def=gb10_executor)
def two_large() -> None:
    large.alias("large_a")(number.alias("a")())
    large.alias("large_b")(number.alias("b")())


@dg.job(executor_def=gb10_executor)
def leaving_a_child() -> None:
    leaves_a_child()


@dg.job(executor_def=gb10_executor)
def retrying() -> None:
    third_time()


@dg.job(executor_def=gb10_executor)
def failing() -> None:
    add(number(), fails_unless_released())


@dg.job(executor_def=gb10_executor)
def mapped() -> None:
    total(several().map(number_of).collect())


@dg.op(tags={"canvas/uma_gib": "0.3"})
def prepare() -> str:
    return "prepared"


UNTIL_RELEASED = """
import pathlib, sys, time
x = bytearray(30 << 20)
for _ in range(6000):
    if pathlib.Path(sys.argv[1]).exists():
        sys.exit(0)
    time.sleep(0.1)
sys.exit("was never released")
"""


@dg.op(tags={"canvas/uma_gib": "0.4"})
def work(text: str) -> str:
    """Start a program that leaves the session, take memory, and write the result atomically."""
    child = subprocess.Popen([sys.executable, "-c", UNTIL_RELEASED, str(folder() / "go")], start_new_session=True)
    (folder() / "work.pid").write_text(f"{os.getpid()} {os.getppid()} {child.pid}")
    held = fill(48)
    if child.wait() != 0:
        raise RuntimeError("the child ended badly")
    new = folder() / ".artefact.new"
    new.write_text(f"{text}, {len(held)} pieces\n")
    new.replace(folder() / "artefact")
    return text


@dg.op(tags={"canvas/uma_gib": "0.3"})
def finish(text: str) -> str:
    (folder() / "finished").write_text(text)
    return text


@dg.job(executor_def=gb10_executor)
def killable() -> None:
    finish(work(prepare()))


@dg.op(tags={"canvas/uma_gib": "0.125"})
def keeps_a_diary() -> int:
    """Take three times the reservation in small chunks, and keep writing the time and the memory held."""
    held = []
    with (folder() / "diary.jsonl").open("a") as diary:
        for turn in range(2000):
            if turn < 48:
                held.append(bytearray(b"\1" * (8 * MIB)))
            mib = process_group.proportional([os.getpid()])[os.getpid()] / MIB
            diary.write(f'{{"at": {time.time()}, "mib": {mib:.0f}}}\n')
            diary.flush()
            time.sleep(0.02)
    return len(held)


@dg.job(executor_def=gb10_executor)
def diary() -> None:
    keeps_a_diary()


@dg.op
def kill_worker() -> None:
    """Kill the run worker whose process id ``CANVAS_TEST_WORKER`` holds, if it is set."""
    if pid := os.environ.get("CANVAS_TEST_WORKER"):
        os.kill(int(pid), signal.SIGKILL)


@dg.job(executor_def=gb10_executor, tags={"canvas/lane": "line"})
def deadly() -> None:
    kill_worker()


@dg.op
def spoils_what_was_learned() -> None:
    """Break the ledger so that reservations can be written and peaks cannot."""
    with sqlite3.connect(os.environ["CANVAS_UMA_LEDGER"]) as db:
        db.executescript("DROP TABLE peaks; CREATE VIEW peaks AS SELECT 1")


@dg.op
def finds_its_work_done(context: dg.OpExecutionContext) -> None:
    context.log_event(dg.AssetMaterialization("made_before", metadata={"reused": True}))


@dg.job(executor_def=gb10_executor)
def spoiling() -> None:
    spoils_what_was_learned()


@dg.job(executor_def=gb10_executor)
def reusing() -> None:
    finds_its_work_done()
    number()
