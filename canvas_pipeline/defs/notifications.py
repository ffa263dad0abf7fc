"""Define the sensor that sends a notification of every failed run to the places in ``CANVAS_NOTIFY``."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg

from canvas_pipeline.automation.notification import (
    NOTIFY,
    FailedCheck,
    Notification,
    notifiers_of,
    notify,
    plain_numbers,
    release_state,
)
from canvas_pipeline.defs.automation import WATCHING
from canvas_pipeline.orchestration.checks import numbers_of
from canvas_pipeline.orchestration.resource import PipelineResource

NOTIFIERS = notifiers_of(os.environ.get(NOTIFY, ""))


@dg.run_failure_sensor(name="failures", default_status=WATCHING, minimum_interval_seconds=30)
def failures(context: dg.RunFailureSensorContext, pipeline: PipelineResource) -> None:
    """Send which guardrails stopped a run and which release is current; CANVAS_NOTIFY names the places."""
    run = context.dagster_run
    started = context.instance.get_run_record_by_id(run.run_id)
    since = datetime.fromtimestamp((started and started.start_time) or 0, UTC)
    found = notification_of(
        run,
        context.get_step_failure_events(),
        _evaluations(context),
        release_state(Path(pipeline.root) / "releases", since),
    )
    context.log.error(found.text())
    notify(found, NOTIFIERS)


def notification_of(
    run: dg.DagsterRun, failed: Iterable[dg.DagsterEvent], evaluations: Iterable[dg.AssetCheckEvaluation], release: str
) -> Notification:
    """Build the notification of a failed run from names, numbers and exception classes; no text of an exception or row."""
    failed = list(failed)
    errors = [event.step_failure_data.error for event in failed]
    return Notification(
        at=datetime.now(UTC).isoformat(timespec="seconds"),
        job=run.job_name,
        run_id=run.run_id,
        steps=tuple(event.step_key or "" for event in failed),
        checks=tuple(
            FailedCheck(
                check=found.check_name,
                asset=found.asset_key.to_user_string(),
                numbers=plain_numbers(numbers_of(found.metadata)),
            )
            for found in evaluations
            if not found.passed
        ),
        errors=tuple(dict.fromkeys((error.cause or error).cls_name or "unknown" for error in errors if error)),
        release=release,
    )


def _evaluations(context: dg.RunFailureSensorContext) -> list[dg.AssetCheckEvaluation]:
    records = context.instance.get_records_for_run(
        context.dagster_run.run_id, of_type=dg.DagsterEventType.ASSET_CHECK_EVALUATION
    ).records
    events = [record.event_log_entry.dagster_event for record in records]
    return [event.asset_check_evaluation_data for event in events if event]


@dg.definitions
def notifications() -> dg.Definitions:
    return dg.Definitions(sensors=[failures])
