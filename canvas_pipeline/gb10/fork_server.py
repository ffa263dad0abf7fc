"""Start the fork server that step processes are forked from, and load a job's definitions in it once per run.

The environment variable ``CANVAS_PRELOAD_JOB`` holds the job; only the fork server has it. Loading may start no thread (a forked
process would lack it) and leave no file open. A code location that cannot be loaded does not end the server: each step then reports
the error itself.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from multiprocessing import forkserver

from dagster import deserialize_value, serialize_value

from canvas_pipeline.gb10 import watchdog  # noqa: F401  (every step process needs it)
from canvas_pipeline.gb10.dagster_compat import ReconstructableJob

JOB = "CANVAS_PRELOAD_JOB"
MODULES = ["__main__", __name__, "canvas_pipeline.pipeline.preload"]
"""Modules that the fork server imports. Named, not imported: this package does not depend on the pipeline."""


def start_fork_server(job: ReconstructableJob, modules: Sequence[str] = MODULES) -> None:
    """Start the fork server, which loads the job's definitions once for all steps while this process plans the run."""
    forkserver.set_forkserver_preload(list(modules))
    os.environ[JOB] = serialize_value(job)
    try:
        forkserver.ensure_running()
    finally:
        del os.environ[JOB]


def load() -> None:
    """Load the definitions and resolve the job, as a step does first."""
    try:
        deserialize_value(os.environ.pop(JOB), ReconstructableJob).get_definition()
    except Exception as error:
        print(
            f"canvas_pipeline: steps will load the code location themselves ({type(error).__name__})", file=sys.stderr
        )
    # Frozen objects are skipped by the steps' garbage collection, so their pages stay shared.
    gc.collect()
    gc.freeze()


if JOB in os.environ:
    load()
