"""Load a job's definitions in the fork server, once per run, so that every step process inherits them.

The environment variable ``CANVAS_PRELOAD_JOB`` holds the job. Nothing here may start a thread (a forked process would lack it) or
leave a file open. A code location that cannot be loaded does not end the server: each step then reports the error itself.
"""

from __future__ import annotations

import gc
import os
import sys

JOB = "CANVAS_PRELOAD_JOB"


def load() -> None:
    """Load the definitions and resolve the job, as a step does first."""

    import canvas_pipeline.gb10.watchdog  # noqa: F401

    text = os.environ.pop(JOB)
    from dagster import deserialize_value

    from canvas_pipeline.gb10.dagster_compat import ReconstructableJob

    try:
        deserialize_value(text, ReconstructableJob).get_definition()
    except Exception as error:
        print(
            f"canvas_pipeline: steps will load the code location themselves ({type(error).__name__})", file=sys.stderr
        )
    # Frozen objects are skipped by the steps' garbage collection, so their pages stay shared.
    gc.collect()
    gc.freeze()


if JOB in os.environ:  # only the fork server has it
    load()
