"""One run's dealings with the ledger: which steps may start, under which guard, what their end means.

In: steps that are ready, the cap, the ledger. Out: admissions, guarded processes, failures that explain themselves, learned peaks.
What must hold: a reservation is made before the process exists and given back after it is gone; what a step waits for is said; a
step stopped at its cap starts once more with more, if that fits; nothing of the run stays in the ledger when the run ends.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import dagster as dg
import msgspec
from dagster import DagsterEvent

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.gb10 import dagster_compat, process_group
from canvas_pipeline.gb10.admission import Admitted, Claim, Refused, Waits
from canvas_pipeline.gb10.dagster_compat import ChildProcessCrashException, EngineEventData, ExecutionStep
from canvas_pipeline.gb10.demand import Demand, demand, larger
from canvas_pipeline.gb10.host import GIB, gib
from canvas_pipeline.gb10.ledger import Ledger, since_boot
from canvas_pipeline.gb10.owner import owner
from canvas_pipeline.gb10.peaks import Key, Peaks
from canvas_pipeline.gb10.step_process import GuardedContext
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline.gb10.watchdog import Order, Report, Stop
from canvas_pipeline.training import allocator

log = logging.getLogger("canvas_pipeline.gb10")
ASK_S = 0.2
FIRST_WORD_S = 1.0
FAREWELL_S = 2.0
"""How long a guard is waited for that ends its step because the run ends."""
SMALL = 256 << 20
"""Memory of an ended step below this is not waited for."""


class StepStopped(ChildProcessCrashException):
    """A step that was ended, or not started, because of memory. Its text is what the failure says."""

    def __init__(self, text: str, facts: Mapping[str, Any], pid: int, *, started: bool) -> None:
        super().__init__(pid=pid, exit_code=None)
        self.text, self.facts, self.started = text, dict(facts), started

    def __str__(self) -> str:
        return self.text


class Waiting(msgspec.Struct):
    """A step that has asked: its token, what it wants, since when, and what was said about it last."""

    token: str
    wants: Demand
    since: float
    asked: float = -1e9
    said: float = 0.0
    refused: str = ""
    admitted: float | None = None


class RunKeeper:
    """The keeper of one run; see ``dagster_compat.Keeper``.

    ``declares`` gives bytes and their source, ``key_of`` what a step's peaks are
    kept under."""

    def __init__(
        self,
        run_id: str,
        cap: UmaCap,
        declares: Callable[[ExecutionStep], tuple[int, str]],
        key_of: Callable[[ExecutionStep], Key],
    ) -> None:
        self.run_id, self.cap = run_id, cap
        self.ledger: Ledger = cap.open()
        self.peaks: Peaks = cap.peaks()
        self._declares, self._key_of = declares, key_of
        self._me = owner()
        self._waiting: dict[str, Waiting] = {}
        self._notes: list[tuple[str, str, Mapping[str, Any]]] = []
        self._retry: dict[str, Demand] = {}
        self._keys: dict[str, Key] = {}
        self.stops: dict[str, StepStopped] = {}
        self._retried: set[str] = set()

    # --- before a step starts

    def may_start(self, step: ExecutionStep) -> bool:
        """Whether its memory is reserved now; a step that can never have it starts too, and fails with the reason."""
        state = self._state(step)
        now = since_boot()
        if state.refused or state.admitted is not None:
            return True
        if now - state.asked < ASK_S:
            return False
        state.asked = now
        claim = Claim(token=state.token, size=state.wants.size, since=state.since, name=step.key)
        room = self.cap.room(self.ledger)
        decision = self.ledger.ask(claim, self.run_id, self._me, room, self.cap.patience_s, state.wants.declared)
        if isinstance(decision, Admitted):
            state.admitted = decision.waited
            return True
        if isinstance(decision, Refused):
            state.refused = decision.reason
            return True
        self._say_waiting(step.key, state, decision)
        return False

    def withdraw(self, step: ExecutionStep) -> None:
        """Something else keeps the step back: its memory is for others meanwhile, its place in the queue stays its own."""
        state = self._waiting[step.key]
        if state.admitted is not None:
            self.ledger.forget(state.token)
            state.admitted = None
            state.asked = since_boot() + 1.0 - ASK_S

    def waiting_since(self, step_key: str) -> float | None:
        state = self._waiting.get(step_key)
        return None if state is None else state.since

    def ripe(self, step_key: str) -> bool:
        since = self.waiting_since(step_key)
        return since is not None and since_boot() - since >= self.cap.patience_s

    def notes(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        said, self._notes = self._notes, []
        return said

    def _state(self, step: ExecutionStep) -> Waiting:
        if step.key not in self._waiting:
            token = f"{self.run_id[:8]}-{uuid.uuid4().hex[:12]}"
            self._waiting[step.key] = Waiting(token=token, wants=self._wants(step), since=since_boot())
        return self._waiting[step.key]

    def _wants(self, step: ExecutionStep) -> Demand:
        if step.key in self._retry:
            return self._retry.pop(step.key)
        minimum, source = self._declares(step)
        key = self._keys.setdefault(step.key, self._key_of(step))
        return demand(minimum, source, self.peaks.learned(key), self.cap.margin, self.cap.cap().for_steps)

    def _say_waiting(self, step_key: str, state: Waiting, decision: Waits) -> None:
        """The first word after a second, then ever more rarely: twice as long each time, at most every five minutes."""
        if decision.waited < max(FIRST_WORD_S, min(2 * state.said, state.said + 300.0)):
            return
        state.said = decision.waited
        facts = {"waited_s": round(decision.waited, 1), "uma_gib": _gib(state.wants.size), "waits_for": decision.why}
        self._notes.append((step_key, f"Waiting for memory for {decision.waited:.0f} s: {decision.reason}.", facts))

    # --- the step

    def execute_step(
        self, multiproc_ctx: Any, recon_job: Any, step_context: Any, step: ExecutionStep, *rest: Any
    ) -> Iterator[Any]:
        """In place of Dagster's ``execute_step_out_of_process``: the same, under guard."""
        state = self._waiting.pop(step.key)
        if state.refused:
            raise self._refusal(step, state)
        yield DagsterEvent.engine_event(
            step_context, _admission_text(state), EngineEventData(metadata=_admission_facts(state))
        )
        context = GuardedContext(multiproc_ctx, self._order(step, state))
        report: Report | None = None
        told: list[DagsterEvent] = []
        try:
            try:
                for event in dagster_compat.stock_step(context, recon_job, step_context, step, *rest):
                    if event is not None and (event.is_step_success or event.is_step_materialization):
                        told.append(event)
                    yield event
            except ChildProcessCrashException as crash:
                report = context.report()
                if report is None or report.stop is None or report.stop.kind == "abandoned":
                    raise
                raise self._stopped(step, state, report, report.stop, crash.pid) from None
            report = context.report()
            if report is not None:
                yield DagsterEvent.engine_event(
                    step_context, _peak_text(report, state), EngineEventData(metadata=_peak_facts(report, state))
                )
        finally:
            context.close()
            trouble = self._settle(step, state, context, report, whole=_whole(told))
        if trouble:
            yield DagsterEvent.engine_event(step_context, trouble, EngineEventData({}))

    def _order(self, step: ExecutionStep, state: Waiting) -> Order:
        cap = self.cap.cap()
        return Order(
            token=state.token, step=step.key, cap=state.wants.size, floor=cap.floor, ledger=str(self.cap.path),
            reports=str(self.cap.reports(state.token)), environ=dict(os.environ),
            data_limit=_data_limit(state.wants.size, cap.total),
        )  # fmt: skip

    def _settle(
        self, step: ExecutionStep, state: Waiting, context: GuardedContext, report: Report | None, *, whole: bool
    ) -> str:
        """The process is gone: nobody of it may be left, its reservation goes when its memory is back, its peak is remembered.
        Returns what went wrong with that, for the run's log: a step that has done its work must not fail for it."""
        guard = context.process
        if guard is not None and guard.pid is not None and (guard.is_alive() or report is None):
            # Killed from outside, or the run is being torn down: a guard that lives ends its step by itself now; what one that
            # was killed left behind is found by session and mark.
            deadline = time.monotonic() + FAREWELL_S
            guard.join(FAREWELL_S)
            if guard.is_alive():
                return ""  # the reservation is the guard's, and ends with it
            while not process_group.reap(state.token, guard.pid, self._me.start) and time.monotonic() < deadline:
                time.sleep(0.02)
            allocator.forget(self.cap.reports(state.token))  # a guard that was killed could not
        try:
            self._give_back(step, state, report, whole=whole)
        except CanvasPipelineError as error:
            # Its owner, the guard, is dead: the entry goes with the next question anybody asks.
            log.warning("%s: %s", step.key, error)
            return f"What this step gave back and took is not written down: {error}."
        return ""

    def _give_back(self, step: ExecutionStep, state: Waiting, report: Report | None, *, whole: bool) -> None:
        if report is not None and report.used > SMALL:
            self.ledger.returning(
                state.token, self._me, min(report.used, state.wants.size), report.expected, self.cap.return_s
            )
        else:
            self.ledger.release(state.token)
        if report is not None and report.samples:
            capped = report.stop is not None and report.stop.kind == "cap"
            key = self._keys.setdefault(step.key, self._key_of(step))
            self.peaks.record(key, report.peak, stopped=capped, whole=whole)

    def close(self) -> None:
        """The run is over, however: nothing that belongs to it stays, but what is still on its way back."""
        try:
            self.ledger.leave(self._me)
        except CanvasPipelineError as error:
            log.warning("reservations of run %s end with this process: %s", self.run_id, error)
        self.ledger.close()

    # --- why it failed

    def _refusal(self, step: ExecutionStep, state: Waiting) -> StepStopped:
        text = (
            f"{step.key} was not started: {state.refused} ({state.wants}). Give it less (tag canvas/uma_gib, or uma_gib in "
            "the run's execution configuration), a smaller profile or batch, or a machine with more memory."
        )
        stop = StepStopped(text, {"reserved_gib": _gib(state.wants.size)}, os.getpid(), started=False)
        self.stops[step.key] = stop
        return stop

    def _stopped(self, step: ExecutionStep, state: Waiting, report: Report, stop: Stop, pid: int) -> StepStopped:
        change = (
            f"Raise its reservation (tag canvas/uma_gib, now {gib(state.wants.declared)}; or uma_gib in the run's execution "
            "configuration), or make its batch or input smaller."
            if stop.kind == "cap"
            else "Free memory outside of these runs, lower the budget (CANVAS_UMA_BUDGET), or start it again later."
        )
        when = time.strftime("%H:%M:%S", time.localtime(stop.at))
        text = (
            f"{step.key} was stopped at {when}, {report.seconds:.1f} s after its start: {stop.reason}. Reserved "
            f"{gib(state.wants.size)} ({state.wants}), peak {gib(report.peak)}, largest process {stop.largest}. {change}"
        )
        facts = {
            "reserved_gib": _gib(state.wants.size), "declared_gib": _gib(state.wants.declared), "peak_gib": _gib(report.peak),
            "stopped_at": when, "stopped_after_s": round(report.seconds, 2), "largest_process": stop.largest, "rule": stop.kind,
            "change": change,
        }  # fmt: skip
        found = StepStopped(text, facts, pid, started=True)
        self.stops[step.key] = found
        if stop.kind == "cap" and step.key not in self._retried:
            wanted = larger(state.wants, report.peak, self.cap.margin, self.cap.cap().for_steps)
            if wanted is not None:
                self._retried.add(step.key)
                self._retry[step.key] = wanted
                facts["next_gib"] = _gib(wanted.size)
        found.facts.update(facts)
        return found

    def stop_of(self, step_key: str) -> tuple[StepStopped | None, Demand | None]:
        """Why a step was ended just now, and with what it will start once more."""
        return self.stops.pop(step_key, None), self._retry.get(step_key)


def explanation(stops: Mapping[str, StepStopped], prefix: str, exit_code: int | None) -> str:
    """In place of Dagster's words for a crash, where we know better."""
    step_key = prefix.rpartition(" ")[2]
    if step_key in stops:
        return stops[step_key].text
    return dagster_compat.stock_explanation(prefix, -1 if exit_code is None else exit_code)


def _whole(events: Sequence[DagsterEvent]) -> bool:
    """Whether a step's peak is what its work takes: it succeeded, and did not merely find its work done. Five quiet nights would
    otherwise teach that training takes nothing."""
    made = [
        event.step_materialization_data.materialization.metadata for event in events if event.is_step_materialization
    ]
    reused = [facts["reused"].value is True if "reused" in facts else False for facts in made]
    return any(event.is_step_success for event in events) and not (reused and all(reused))


def _admission_text(state: Waiting) -> str:
    waited = f" after waiting {state.admitted:.1f} s" if state.admitted and state.admitted >= FIRST_WORD_S else ""
    return f"Admitted{waited} with {gib(state.wants.size)} ({state.wants})."


def _admission_facts(state: Waiting) -> dict[str, Any]:
    facts: dict[str, Any] = {"uma_gib": _gib(state.wants.size), "declared_gib": _gib(state.wants.declared)}
    if state.wants.learned is not None:
        facts["learned_gib"] = _gib(state.wants.learned.peak)
    return {**facts, "waited_s": round(state.admitted or 0.0, 2)}


def _peak_text(report: Report, state: Waiting) -> str:
    left = f"; {report.left_behind} process(es) it left behind were ended" if report.left_behind else ""
    return f"Peak {gib(report.peak)} of {gib(state.wants.size)} reserved{left}."


def _peak_facts(report: Report, state: Waiting) -> dict[str, Any]:
    return {"peak_gib": _gib(report.peak), "reserved_gib": _gib(state.wants.size), "samples": report.samples}


def _gib(size: int) -> dg.FloatMetadataValue:
    return dg.MetadataValue.float(round(size / GIB, 3))


def _data_limit(size: int, total: int) -> int:
    """RLIMIT_DATA for each process of a step: against leaps only. Not beside a GPU, whose driver maps far more than it uses."""
    return 0 if os.path.exists("/dev/nvidiactl") else min(total, max(4 * size, size + 8 * GIB))
