"""Imported by the fork server, once a run: everything that a step would load is loaded here, and every step is born with it.

In: the job, in an environment variable. Out: definitions in memory. What must hold: nothing here starts a thread (a fork would lose
it) or opens a file that a step goes on to use; a code location that cannot be loaded does not end the server, each step then says
itself what is wrong with it.
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
    # What was made so far is never looked at by a collection in a step: its pages stay shared.
    gc.collect()
    gc.freeze()


if JOB in os.environ:  # only the fork server is started with it
    load()
