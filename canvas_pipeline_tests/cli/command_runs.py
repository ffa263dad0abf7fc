"""A command's run in a process of its own: ``python -m canvas_pipeline_tests.cli.command_runs HOME DATA [SIGNAL EVENT]``.

Ingests contributor ``ok-1``, as ``make demo`` does, then merges the corpus. With a signal it sends that to itself as soon as the
corpus's run has stored an event of that type.
"""

from __future__ import annotations

import os
import sys
import threading
import time
from pathlib import Path

import dagster as dg

from canvas_pipeline.cli.session import Session, session
from canvas_pipeline.dagster_instance.dead_runs import UNDER_WAY
from canvas_pipeline.orchestration.assets import asset_key

CONTRIBUTOR = "ok-1"
SNAPSHOT = (
    '{"type":"course_snapshot","course_name":"Widget Workshop","course_code":"QX 3120","term":"2031 Spring","assignments":'
    '[{"name":"Homework 1","type":"ASGN","due_at":"2031-02-10T04:59:59Z","points_possible":10.0,"submission_types":'
    '["online_upload"],"submission_status":"NOT_SUBMITTED"}],"contributor_id":"ok-1",'
    '"collected_at":"2031-02-01T12:00:00+00:00"}\n'
)


def end_at(number: int, kind: str) -> None:
    """Send this process a signal when its run of the job ``demo`` has stored an event."""
    with dg.DagsterInstance.get() as instance:
        while True:
            for run in instance.get_runs(dg.RunsFilter(job_name="canvas_demo", statuses=UNDER_WAY)):
                if instance.all_logs(run.run_id, of_type=dg.DagsterEventType(kind)):
                    os.kill(os.getpid(), number)
                    return
            time.sleep(0.01)


def main(home: str, data: str, *ending: str) -> int:
    config = {"resources": {"pipeline": {"config": {"root": data}}}}
    if ending:
        threading.Thread(target=end_at, args=(int(ending[0]), ending[1]), daemon=True).start()
    with session("demo", "canvas_demo", Path(home)) as opened:
        return run_jobs(opened, config)


def run_jobs(opened: Session, config: dict[str, object]) -> int:
    opened.instance.add_dynamic_partitions("contributors", [CONTRIBUTOR])
    ingested = opened.run("intake", config=config, partition=CONTRIBUTOR)
    merged = opened.run("canvas_demo", assets=[asset_key("corpus", "canvas")], config=config)
    return ingested.exit_code or merged.exit_code


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
