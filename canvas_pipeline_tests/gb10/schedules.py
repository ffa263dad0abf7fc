"""Run random schedules against the real ledger and admission: ``python -m canvas_pipeline_tests.gb10.schedules --count 1000``.

Two runs with a connection each share a ledger file; steps of random sizes arrive, run, end, are killed, and so are whole runs.
Time is simulated, so minutes pass in milliseconds; the file, its transactions and the arithmetic are those of a real run.
Checked after every move: the sum of reservations is within the budget, no step is overtaken by a later one once it has waited for
its patience, and a starved step starts as soon as every step that ran or was older then has ended. At the end nothing may be left.
"""

from __future__ import annotations

import argparse
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from canvas_pipeline.gb10.admission import Admitted, Claim, Headroom, Refused
from canvas_pipeline.gb10.ledger import Ledger
from canvas_pipeline.gb10.owner import Owner, boot_id, namespace

MIB = 1 << 20
TICK_S = 1.0
PATIENCE_S = 20.0
RETURN_S = 4.0


@dataclass
class Step:
    """One step of a schedule and what became of it."""

    token: str
    run: int
    size: int
    arrival: float
    duration: float
    touches: float
    killed_after: float | None
    admitted: float | None = None
    ended: float | None = None
    starved_since: float | None = None
    ahead: set[str] = field(default_factory=set)


class Schedule:
    """One random schedule of steps on one machine."""

    def __init__(self, seed: int, path: Path) -> None:
        self.chance = random.Random(seed)
        self.now = 1000.0
        self.dead: set[int] = set()
        self.boot, self.namespace = boot_id(), namespace()
        self.budget = self.chance.randint(20, 200) * MIB
        self.total = self.budget + self.chance.randint(10, 50) * MIB
        self.standing = self.chance.choice([0, 0, self.budget // 2])
        self.runs = [Ledger(path, alive=lambda who: who.pid not in self.dead, clock=lambda: self.now) for _ in range(2)]
        self.killed_run = self.chance.choice([None, None, 0, 1])
        self.steps = [self._step(number) for number in range(self.chance.randint(8, 24))]
        self.moves = 0

    def _step(self, number: int) -> Step:
        largest = self.budget - self.standing
        size = self.chance.choice([largest, largest // 2, largest // 8, largest // 10, self.chance.randint(1, largest)])
        killed = self.chance.uniform(0, 20) if self.chance.random() < 0.15 else None
        return Step(
            token=f"step-{number}", run=self.chance.randrange(2), size=max(size, 1), arrival=1000 + self.chance.uniform(0, 60),
            duration=self.chance.choice([0.0, 2.0, 5.0, 30.0]), touches=self.chance.random(), killed_after=killed,
        )  # fmt: skip

    def owner(self, number: int) -> Owner:
        return Owner(number, 1, self.boot, self.namespace)

    def running(self) -> list[Step]:
        return [step for step in self.steps if step.admitted is not None and step.ended is None]

    def waiting(self) -> list[Step]:
        return [
            step for step in self.steps if step.admitted is None and step.ended is None and step.arrival <= self.now
        ]

    def headroom(self) -> Headroom:
        used = sum(round(step.size * step.touches) for step in self.running())
        floor = (self.total - self.budget) // 2
        return Headroom(
            budget=self.budget, available=self.total - used - self.standing, floor=floor, standing=self.standing
        )

    def play(self) -> None:
        """Play the schedule to its end; raises ``AssertionError`` if a rule is broken."""
        deadline = self.now + 24 * 3600
        while any(step.ended is None for step in self.steps):
            assert self.now < deadline, "a step never started"
            self._ends()
            for run in self.chance.sample([0, 1], 2):
                self._asks(run)
            self._mark_starved()
            self._kills_a_run()
            self.now += TICK_S
        self.now += RETURN_S + 1
        assert self.runs[0].entries(self.headroom()) == [], "a reservation was left behind"
        for ledger in self.runs:
            ledger.close()

    def _ends(self) -> None:
        for step in self.running():
            assert step.admitted is not None
            age, ledger, watchdog = self.now - step.admitted, self.runs[step.run], 100 + self.steps.index(step)
            if step.killed_after is not None and age >= step.killed_after:
                self.dead.add(watchdog)  # nobody releases anything: the entry dies with its owner
            elif age >= step.duration:
                if self.chance.random() < 0.3:
                    expected = self.headroom().available + step.size // 2
                    ledger.mark_returning(step.token, self.owner(step.run + 1), step.size // 2, expected, RETURN_S)
                else:
                    ledger.release(step.token)
            else:
                ledger.measure(step.token, round(step.size * step.touches))
                continue
            step.ended = self.now
            self._holds()

    def _asks(self, run: int) -> None:
        if run + 1 in self.dead:
            return
        for step in sorted(self.waiting(), key=lambda found: found.arrival):
            if step.run != run:
                continue
            claim = Claim(token=step.token, size=step.size, since=step.arrival)
            decision = self.runs[run].request(claim, f"run-{run}", self.owner(run + 1), self.headroom(), PATIENCE_S)
            assert not isinstance(decision, Refused)
            if isinstance(decision, Admitted):
                self._overtakes_nobody(step)
                step.admitted = self.now
                self.runs[run].transfer(step.token, self.owner(100 + self.steps.index(step)), 0)
            self._holds()

    def _overtakes_nobody(self, step: Step) -> None:
        late = [
            o.token
            for o in self.waiting()
            if o.starved_since is not None and o.arrival < step.arrival and o is not step
        ]
        assert not late, f"{step.token} overtook {late}"

    def _mark_starved(self) -> None:
        for step in self.waiting():
            if step.starved_since is None and self.now - step.arrival >= PATIENCE_S:
                step.starved_since = self.now
                step.ahead = {o.token for o in self.steps if o.ended is None and o is not step
                              and (o.admitted is not None or o.arrival < step.arrival)}  # fmt: skip
            elif step.starved_since is not None:
                ends = [o.ended for o in self.steps if o.token in step.ahead]
                if all(end is not None for end in ends):
                    last = max((end for end in ends if end is not None), default=step.starved_since)
                    assert self.now - last <= RETURN_S + 3 * TICK_S, f"{step.token} starves"

    def _kills_a_run(self) -> None:
        if self.killed_run is not None and self.now > 1030 and self.killed_run + 1 not in self.dead:
            self.dead.add(self.killed_run + 1)
            for step in self.steps:
                if step.run == self.killed_run and step.ended is None:
                    self.dead.add(100 + self.steps.index(step))  # a watchdog ends with its run
                    step.ended = self.now

    def _holds(self) -> None:
        self.moves += 1
        held = [entry for entry in self.runs[0].entries(self.headroom()) if entry.state != "waiting"]
        assert sum(entry.size for entry in held) + self.standing <= self.budget, (
            "more is reserved than the budget holds"
        )


def play(seeds: Iterator[int]) -> tuple[int, int]:
    """Play schedules; returns their number and the number of their moves."""
    count = moves = 0
    with tempfile.TemporaryDirectory() as folder:
        for seed in seeds:
            schedule = Schedule(seed, Path(folder) / f"{seed}.sqlite")
            try:
                schedule.play()
            except AssertionError as error:
                raise AssertionError(f"schedule {seed}: {error}") from error
            count, moves = count + 1, moves + schedule.moves
    return count, moves


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    began = time.monotonic()
    count, moves = play(iter(range(options.seed, options.seed + options.count)))
    seconds = time.monotonic() - began
    print(
        f"{count} schedules, {moves} moves in {seconds:.0f} s: never over budget, nobody starved, nothing left behind"
    )


if __name__ == "__main__":
    main()
