"""The ledger's file under many hands: never over budget, no entry outlives its owner, schedules that end."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from canvas_pipeline.errors import BadInput, DiskFull
from canvas_pipeline.gb10 import owner as owners
from canvas_pipeline.gb10.admission import Admitted, Claim, Headroom, Queued, Refused
from canvas_pipeline.gb10.ledger import Ledger, LedgerEntry
from canvas_pipeline.gb10.owner import Owner, alive, owner
from canvas_pipeline.gb10.peaks import Key, Peaks
from canvas_pipeline_tests.gb10.schedules import play

BUDGET = 100
HEADROOM = Headroom(budget=BUDGET, available=1000, floor=0)


def somebody(pid: int) -> Owner:
    return Owner(pid, 1, owners.boot_id(), owners.namespace())


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "state" / "uma.sqlite")
    yield ledger
    ledger.close()


def child_owner(pid: int) -> Owner:
    start = owners.started(pid)
    assert start is not None
    return Owner(pid, start, owners.boot_id(), owners.namespace())


def request(ledger: Ledger, token: str, size: int, who: Owner | None = None) -> object:
    return ledger.request(Claim(token=token, size=size, since=0.0), "run", who or owner(), HEADROOM, 60.0)


class TwoRuns(RuleBasedStateMachine):
    """Two connections to one file; owners die at any time, and what they held is free again."""

    def __init__(self) -> None:
        super().__init__()
        import tempfile

        self.folder = tempfile.TemporaryDirectory()
        self.dead: set[int] = set()
        self.clock = 0.0
        path = Path(self.folder.name) / "uma.sqlite"
        self.hands = [
            Ledger(path, alive=lambda who: who.pid not in self.dead, clock=lambda: self.clock) for _ in range(2)
        ]
        self.held: dict[str, tuple[int, int]] = {}
        self.count = 0

    @rule(hand=st.integers(0, 1), size=st.integers(1, BUDGET))
    def asks(self, hand: int, size: int) -> None:
        self.count += 1
        token, pid = f"t{self.count}", 1000 + self.count
        decision = self.hands[hand].request(
            Claim(token=token, size=size, since=self.clock), "r", somebody(pid), HEADROOM, 60.0
        )
        reserved = sum(found for found, pid in self.held.values())
        assert isinstance(decision, Admitted) == (reserved + size <= BUDGET)
        if isinstance(decision, Admitted):
            self.held[token] = (size, pid)
        else:
            self.hands[hand].release(token)

    @precondition(lambda self: self.held)
    @rule(hand=st.integers(0, 1), data=st.data())
    def releases(self, hand: int, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.held)))
        self.hands[hand].release(token)
        del self.held[token]

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def dies(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.held)))
        self.dead.add(self.held.pop(token)[1])

    @invariant()
    def both_see_exactly_what_is_held(self) -> None:
        for hand in self.hands:
            assert {e.token: e.size for e in hand.entries()} == {token: size for token, (size, _) in self.held.items()}

    def teardown(self) -> None:
        for hand in self.hands:
            hand.close()
        self.folder.cleanup()


TwoRuns.TestCase.settings = settings(max_examples=25, stateful_step_count=25)
TestTwoRuns = TwoRuns.TestCase


def test_random_schedules_stay_within_the_budget_starve_nobody_and_leave_nothing() -> None:
    count, moves = play(iter(range(1, 31)))
    assert count == 30 and moves > 1000


def test_an_entry_dies_with_its_owner(ledger: Ledger) -> None:
    child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
    assert isinstance(request(ledger, "theirs", 80, child_owner(child.pid)), Admitted)
    assert isinstance(request(ledger, "mine", 80), Queued)
    child.kill()
    child.wait()
    assert isinstance(request(ledger, "mine", 80), Admitted)
    assert [e.token for e in ledger.entries()] == ["mine"]


def test_a_reused_process_id_and_another_boot_are_dead() -> None:
    me = owner()
    assert alive(me)
    assert not alive(Owner(me.pid, me.start - 1, me.boot, me.namespace))
    assert not alive(Owner(me.pid, me.start, "another-boot", me.namespace))


def test_a_zombie_is_dead() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    who = child_owner(child.pid)
    assert child.stdin is not None
    child.stdin.close()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet collected
    assert not alive(who)
    child.wait()


def test_an_entry_of_another_container_lives_by_its_heartbeat(tmp_path: Path) -> None:
    now = [0.0]
    ledger = Ledger(tmp_path / "uma.sqlite", clock=lambda: now[0])
    request(ledger, "theirs", 80, Owner(1, 1, owners.boot_id(), "pid:[another]"))
    now[0] = 20.0
    ledger.measure("theirs", 5)
    now[0] = 45.0
    assert [e.used for e in ledger.entries()] == [5]
    now[0] = 60.0
    assert ledger.entries() == []


def test_what_is_left_of_a_dead_step_is_reaped_before_its_memory_is_given_away(tmp_path: Path) -> None:
    left, asked = [2], []

    def reaper(entry: LedgerEntry) -> bool:
        asked.append(entry.token)
        left[0] -= 1
        return left[0] <= 0

    ledger = Ledger(tmp_path / "uma.sqlite", alive=lambda who: who.pid != 7, reaper=reaper)
    request(ledger, "dead", 80, somebody(7))
    assert isinstance(request(ledger, "next", 80, somebody(8)), Queued)
    assert isinstance(request(ledger, "next", 80, somebody(8)), Admitted)
    assert asked == ["dead", "dead"]


def test_memory_that_is_not_back_is_waited_for_and_not_for_ever(tmp_path: Path) -> None:
    now = [0.0]
    ledger = Ledger(tmp_path / "uma.sqlite", clock=lambda: now[0])
    request(ledger, "first", 80)
    ledger.mark_returning("first", owner(), 70, expected=2000, bound_s=60.0)
    assert isinstance(request(ledger, "next", 80), Queued)
    now[0] = 61.0
    assert isinstance(request(ledger, "next", 80), Admitted)
    ledger.mark_returning("next", owner(), 70, expected=900, bound_s=60.0)
    assert isinstance(request(ledger, "last", 80), Admitted)


def test_a_claim_that_stopped_asking_keeps_nobody_waiting(tmp_path: Path) -> None:
    now = [0.0]
    ledger = Ledger(tmp_path / "uma.sqlite", clock=lambda: now[0])
    request(ledger, "running", 50)
    request(ledger, "older", 90)
    now[0] = 100.0
    young = Claim(token="young", size=10, since=99.0)
    assert isinstance(ledger.request(young, "run", owner(), HEADROOM, 60.0), Admitted)


def test_one_victim_is_chosen_for_all_watchdogs(ledger: Ledger) -> None:
    for token in ("a", "b"):
        request(ledger, token, 40)
        ledger.measure(token, 30)
    assert ledger.choose_victim(10, "the floor") == "b"
    assert ledger.choose_victim(10, "the floor") == ""
    assert (ledger.measure("a", 30), ledger.measure("b", 30)) == ("", "the floor")


def test_many_processes_never_reserve_more_than_there_is(tmp_path: Path) -> None:
    """Eight real processes request, hold and release at once; each checks the sum while it holds."""
    code = """
import os, random, sys
from pathlib import Path
from canvas_pipeline.gb10.admission import Admitted, Claim, Headroom
from canvas_pipeline.gb10.ledger import Ledger
from canvas_pipeline.gb10.owner import owner
ledger, headroom, got = Ledger(Path(sys.argv[1])), Headroom(budget=100, available=10**6, floor=0), 0
chance = random.Random(os.getpid())
for turn in range(40):
    token = f"{os.getpid()}-{turn}"
    claim = Claim(token=token, size=chance.randint(10, 60), since=0.0)
    if isinstance(ledger.request(claim, "r", owner(), headroom, 1e9), Admitted):
        got += 1
        assert sum(e.size for e in ledger.entries() if e.state == "held") <= 100
    ledger.release(token)
print(got)
"""
    path = str(tmp_path / "uma.sqlite")
    children = [
        subprocess.Popen([sys.executable, "-c", code, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(8)
    ]
    outputs = [child.communicate() for child in children]
    assert [child.returncode for child in children] == [0] * 8, outputs
    assert sum(int(out) for out, _ in outputs) > 40
    assert Ledger(Path(path)).entries() == []


def test_a_file_that_is_no_ledger_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "uma.sqlite"
    path.write_text("this is no database, and long enough to be taken for none at all" * 20)
    with pytest.raises(BadInput, match="uma.sqlite.*delete it"):
        Ledger(path).entries()


def test_a_full_disk_is_named_and_what_was_reserved_before_stays_reserved(tmp_path: Path) -> None:
    """SQLite's own limit on pages replaces a full disk: the error is the same one."""
    ledger = Ledger(tmp_path / "uma.sqlite")
    assert isinstance(request(ledger, "first", 10), Admitted)
    with ledger._transaction() as db:
        (pages,) = db.execute("PRAGMA page_count").fetchone()
    db.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull, match=r"uma\.sqlite.*CANVAS_UMA_LEDGER"):
        request(ledger, "x" * 100_000, 10)
    assert isinstance(request(ledger, "second", 10), Admitted), "with headroom again it goes on"
    assert [e.token for e in ledger.entries()] == ["first", "second"]


def test_a_ledger_of_another_version_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    path = tmp_path / "uma.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 2")
        db.execute("CREATE TABLE entries (token TEXT)")
    for use in (Ledger(path).entries, lambda: Peaks(path).learned(Key(step="s"))):
        with pytest.raises(BadInput, match="version 2.*version 1.*delete it"):
            use()
    with sqlite3.connect(path) as db:
        assert [name for (name,) in db.execute("SELECT name FROM sqlite_master")] == ["entries"]


def test_a_ledger_whose_columns_differ_is_named_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "uma.sqlite"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE entries (token TEXT)")
        db.execute("CREATE TABLE peaks (step TEXT, version TEXT, size_class TEXT)")
    for use in (Ledger(path).entries, lambda: Peaks(path).record(Key(step="s"), 1)):
        with pytest.raises(BadInput, match="no such column|has 3 columns"):
            use()


def test_a_folder_that_cannot_be_made_is_named_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(BadInput, match=r"file/uma\.sqlite.*CANVAS_UMA_LEDGER"):
        Ledger(tmp_path / "file" / "uma.sqlite").entries()


def test_a_claim_that_can_never_be_met_does_not_stand_in_the_queue(ledger: Ledger) -> None:
    assert isinstance(request(ledger, "too large", BUDGET + 1), Refused)
    assert ledger.entries() == []
