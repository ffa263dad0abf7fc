"""Admit one run's steps by memory, run each below a watchdog, and explain and learn from its end.

Invariants: a reservation is made before the step's process starts and released after it has ended; a waiting step logs what it
waits for; a step stopped at its cap is retried once with a larger reservation, if that fits; a run that ends leaves nothing in the
ledger.
"""

from __future__ import annotations

import logging
import os
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from dagster import DagsterEvent

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.gb10 import dagster_compat, process_group
from canvas_pipeline.gb10.admission import Admitted, Claim, Queued, Refused
from canvas_pipeline.gb10.dagster_compat import ChildProcessCrashException, EngineEventData, ExecutionStep
from canvas_pipeline.gb10.demand import Demand, demand, retry_demand
from canvas_pipeline.gb10.host import GIB, gib, in_gib
from canvas_pipeline.gb10.ledger import Ledger, since_boot
from canvas_pipeline.gb10.owner import owner
from canvas_pipeline.gb10.peaks import Key, Peaks
from canvas_pipeline.gb10.step_process import WatchedContext
from canvas_pipeline.gb10.uma import UmaCap
from canvas_pipeline.gb10.watchdog import Report, Stop, WatchSpec
from canvas_pipeline.training import allocator

log = logging.getLogger("canvas_pipeline.gb10")
REQUEST_INTERVAL_S = 0.2
FIRST_REPORT_S = 1.0
SHUTDOWN_S = 2.0
"""Seconds to wait for watchdogs to stop their steps at shutdown."""
SMALL = 256 << 20
"""A step that used less than this is released at once, without waiting until its memory is back."""


class StepStopped(ChildProcessCrashException):
    """A step was ended, or not started, because of memory. ``text`` is the message of the failure."""

    def __init__(self, text: str, facts: Mapping[str, Any], pid: int, *, started: bool) -> None:
        super().__init__(pid=pid, exit_code=None)
        self.text, self.facts, self.started = text, dict(facts), started

    def __str__(self) -> str:
        return self.text


class QueuedStep(msgspec.Struct):
    """A step that has requested memory. ``requested`` is the time of its last request, ``reported`` the wait it last logged."""

    token: str
    demand: Demand
    since: float
    requested: float = -1e9
    reported: float = 0.0
    refused: str = ""
    admitted: float | None = None


class RunAdmissionController:
    """The ``dagster_compat.AdmissionController`` of one run.

    ``declares`` returns a step's declared bytes and their source, ``key_of`` the key of its learned peaks."""

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
        self._owner = owner()
        self._waiting: dict[str, QueuedStep] = {}
        self._messages: list[tuple[str, str, Mapping[str, Any]]] = []
        self._retry: dict[str, Demand] = {}
        self._keys: dict[str, Key] = {}
        self.stops: dict[str, StepStopped] = {}
        self._retried: set[str] = set()

    # --- before a step starts

    def may_start(self, step: ExecutionStep) -> bool:
        """Return whether the step's memory is reserved. A step that can never get it may start too, and fails with the reason."""
        state = self._state(step)
        now = since_boot()
        if state.refused or state.admitted is not None:
            return True
        if now - state.requested < REQUEST_INTERVAL_S:
            return False
        state.requested = now
        claim = Claim(token=state.token, size=state.demand.size, since=state.since, name=step.key)
        headroom = self.cap.headroom(self.ledger)
        decision = self.ledger.request(
            claim, self.run_id, self._owner, headroom, self.cap.patience_s, state.demand.declared
        )
        if isinstance(decision, Admitted):
            state.admitted = decision.waited
            return True
        if isinstance(decision, Refused):
            state.refused = decision.reason
            return True
        self._report_waiting(step.key, state, decision)
        return False

    def release(self, step: ExecutionStep) -> None:
        """Release the reservation but keep the queue position: the step is blocked for another reason."""
        state = self._waiting[step.key]
        if state.admitted is not None:
            self.ledger.release(state.token)
            state.admitted = None
            state.requested = since_boot() + 1.0 - REQUEST_INTERVAL_S

    def waiting_since(self, step_key: str) -> float | None:
        state = self._waiting.get(step_key)
        return None if state is None else state.since

    def starved(self, step_key: str) -> bool:
        since = self.waiting_since(step_key)
        return since is not None and since_boot() - since >= self.cap.patience_s

    def messages(self) -> Sequence[tuple[str, str, Mapping[str, Any]]]:
        messages, self._messages = self._messages, []
        return messages

    def _state(self, step: ExecutionStep) -> QueuedStep:
        if step.key not in self._waiting:
            token = f"{self.run_id[:8]}-{uuid.uuid4().hex[:12]}"
            self._waiting[step.key] = QueuedStep(token=token, demand=self._demand_of(step), since=since_boot())
        return self._waiting[step.key]

    def _demand_of(self, step: ExecutionStep) -> Demand:
        if step.key in self._retry:
            return self._retry.pop(step.key)
        minimum, source = self._declares(step)
        key = self._keys.setdefault(step.key, self._key_of(step))
        return demand(minimum, source, self.peaks.learned(key), self.cap.margin, self.cap.cap().for_steps)

    def _report_waiting(self, step_key: str, state: QueuedStep, decision: Queued) -> None:
        """Log the wait after a second, then at doubling intervals of at most five minutes."""
        if decision.waited < max(FIRST_REPORT_S, min(2 * state.reported, state.reported + 300.0)):
            return
        state.reported = decision.waited
        facts = {
            "waited_s": round(decision.waited, 1),
            "uma_gib": in_gib(state.demand.size),
            "waits_for": decision.rule,
        }
        self._messages.append((step_key, f"Waiting for memory for {decision.waited:.0f} s: {decision.reason}.", facts))

    # --- the step

    def execute_step(
        self, multiproc_ctx: Any, recon_job: Any, step_context: Any, step: ExecutionStep, *rest: Any
    ) -> Iterator[Any]:
        """Run a step as Dagster's ``execute_step_out_of_process`` does, below a watchdog."""
        state = self._waiting.pop(step.key)
        if state.refused:
            raise self._refusal(step, state)
        yield DagsterEvent.engine_event(
            step_context, _admission_text(state), EngineEventData(metadata=_admission_facts(state))
        )
        context = WatchedContext(multiproc_ctx, self._watch_spec(step, state))
        report: Report | None = None
        results: list[DagsterEvent] = []
        try:
            try:
                for event in dagster_compat.stock_step(context, recon_job, step_context, step, *rest):
                    if event is not None and (event.is_step_success or event.is_step_materialization):
                        results.append(event)
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
            trouble = self._clean_up(step, state, context, report, complete=_did_all_work(results))
        if trouble:
            yield DagsterEvent.engine_event(step_context, trouble, EngineEventData({}))

    def _watch_spec(self, step: ExecutionStep, state: QueuedStep) -> WatchSpec:
        cap = self.cap.cap()
        return WatchSpec(
            token=state.token, step=step.key, cap=state.demand.size, floor=cap.floor, ledger=str(self.cap.path),
            reports=str(self.cap.reports(state.token)), environ=dict(os.environ),
            data_limit=_data_limit(state.demand.size, cap.total),
        )  # fmt: skip

    def _clean_up(
        self, step: ExecutionStep, state: QueuedStep, context: WatchedContext, report: Report | None, *, complete: bool
    ) -> str:
        """Kill what is left of an ended step, release its reservation and record its peak.

        Returns what went wrong, for the run's log: a step that did its work must not fail because the ledger does."""
        watchdog = context.process
        if watchdog is not None and watchdog.pid is not None and (watchdog.is_alive() or report is None):
            # Killed from outside, or the run shuts down. A living watchdog ends its step by itself; what a killed one left
            # is found by session and mark.
            deadline = time.monotonic() + SHUTDOWN_S
            watchdog.join(SHUTDOWN_S)
            if watchdog.is_alive():
                return ""  # it owns the reservation, which ends with it
            while not process_group.reap(state.token, watchdog.pid, self._owner.start) and time.monotonic() < deadline:
                time.sleep(0.02)
            allocator.remove_reports(self.cap.reports(state.token))  # a killed watchdog could not
        try:
            self._record_end(step, state, report, complete=complete)
        except CanvasPipelineError as error:
            # The entry's owner, the watchdog, has ended: the next request of any process removes the entry.
            log.warning("%s: %s", step.key, error)
            return f"This step's release and peak memory could not be recorded: {error}."
        return ""

    def _record_end(self, step: ExecutionStep, state: QueuedStep, report: Report | None, *, complete: bool) -> None:
        if report is not None and report.used > SMALL:
            self.ledger.mark_returning(
                state.token, self._owner, min(report.used, state.demand.size), report.expected, self.cap.return_s
            )
        else:
            self.ledger.release(state.token)
        if report is not None and report.samples:
            capped = report.stop is not None and report.stop.kind == "cap"
            key = self._keys.setdefault(step.key, self._key_of(step))
            self.peaks.record(key, report.peak, stopped=capped, complete=complete)

    def close(self) -> None:
        """Remove the run's entries from the ledger, except memory of ended steps that is not back yet."""
        try:
            self.ledger.release_all(self._owner)
        except CanvasPipelineError as error:
            log.warning("reservations of run %s end with this process: %s", self.run_id, error)
        self.ledger.close()

    # --- why it failed

    def _refusal(self, step: ExecutionStep, state: QueuedStep) -> StepStopped:
        text = (
            f"{step.key} was not started: {state.refused} ({state.demand}). Give it less (tag canvas/uma_gib, or uma_gib in "
            "the run's execution configuration), a smaller profile or batch, or a machine with more memory."
        )
        stop = StepStopped(text, {"reserved_gib": in_gib(state.demand.size)}, os.getpid(), started=False)
        self.stops[step.key] = stop
        return stop

    def _stopped(self, step: ExecutionStep, state: QueuedStep, report: Report, stop: Stop, pid: int) -> StepStopped:
        change = (
            f"Raise its reservation (tag canvas/uma_gib, now {gib(state.demand.declared)}; or uma_gib in the run's execution "
            "configuration), or make its batch or input smaller."
            if stop.kind == "cap"
            else "Free memory outside of these runs, lower the budget (CANVAS_UMA_BUDGET), or start it again later."
        )
        when = time.strftime("%H:%M:%S", time.localtime(stop.at))
        text = (
            f"{step.key} was stopped at {when}, {report.seconds:.1f} s after its start: {stop.reason}. Reserved "
            f"{gib(state.demand.size)} ({state.demand}), peak {gib(report.peak)}, largest process {stop.largest}. {change}"
        )
        facts = {
            "reserved_gib": in_gib(state.demand.size), "declared_gib": in_gib(state.demand.declared),
            "peak_gib": in_gib(report.peak),
            "stopped_at": when, "stopped_after_s": round(report.seconds, 2), "largest_process": stop.largest, "rule": stop.kind,
            "change": change,
        }  # fmt: skip
        stopped = StepStopped(text, facts, pid, started=True)
        self.stops[step.key] = stopped
        if stop.kind == "cap" and step.key not in self._retried:
            wanted = retry_demand(state.demand, report.peak, self.cap.margin, self.cap.cap().for_steps)
            if wanted is not None:
                self._retried.add(step.key)
                self._retry[step.key] = wanted
                facts["next_gib"] = in_gib(wanted.size)
        stopped.facts.update(facts)
        return stopped

    def stop_of(self, step_key: str) -> tuple[StepStopped | None, Demand | None]:
        """Return why a step was just ended, and the demand of its retry if there is one."""
        return self.stops.pop(step_key, None), self._retry.get(step_key)


def explanation(stops: Mapping[str, StepStopped], prefix: str, exit_code: int | None) -> str:
    """Explain why a step ended: by the memory rule that stopped it, else in Dagster's words."""
    step_key = prefix.rpartition(" ")[2]
    if step_key in stops:
        return stops[step_key].text
    return dagster_compat.stock_explanation(prefix, -1 if exit_code is None else exit_code)


def _did_all_work(events: Sequence[DagsterEvent]) -> bool:
    """Return whether the step succeeded and did its work instead of reusing results; only then does its peak measure its work.

    Otherwise five nightly runs without changes would record that training needs no memory."""
    materialized = [
        event.step_materialization_data.materialization.metadata for event in events if event.is_step_materialization
    ]
    reused = [facts["reused"].value is True if "reused" in facts else False for facts in materialized]
    return any(event.is_step_success for event in events) and not (reused and all(reused))


def _admission_text(state: QueuedStep) -> str:
    waited = f" after waiting {state.admitted:.1f} s" if state.admitted and state.admitted >= FIRST_REPORT_S else ""
    return f"Admitted{waited} with {gib(state.demand.size)} ({state.demand})."


def _admission_facts(state: QueuedStep) -> dict[str, Any]:
    facts: dict[str, Any] = {"uma_gib": in_gib(state.demand.size), "declared_gib": in_gib(state.demand.declared)}
    if state.demand.learned is not None:
        facts["learned_gib"] = in_gib(state.demand.learned.peak)
    return {**facts, "waited_s": round(state.admitted or 0.0, 2)}


def _peak_text(report: Report, state: QueuedStep) -> str:
    left = f"; {report.left_behind} process(es) it left behind were ended" if report.left_behind else ""
    return f"Peak {gib(report.peak)} of {gib(state.demand.size)} reserved{left}."


def _peak_facts(report: Report, state: QueuedStep) -> dict[str, Any]:
    return {"peak_gib": in_gib(report.peak), "reserved_gib": in_gib(state.demand.size), "samples": report.samples}


def _data_limit(size: int, total: int) -> int:
    """Return RLIMIT_DATA for each process of a step, a bound for growth that is faster than the watchdog.

    0 (none) with a GPU, whose driver maps far more than it uses."""
    return 0 if os.path.exists("/dev/nvidiactl") else min(total, max(4 * size, size + 8 * GIB))
