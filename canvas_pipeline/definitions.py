"""The code location: everything under ``defs/``, and nothing else."""

import functools
import os

from dagster import Definitions, definitions, load_from_defs_folder

from canvas_pipeline.pipeline.settings import given
from canvas_pipeline.pipeline.workspace import SHIPPED


@definitions
def defs() -> Definitions:
    """Loaded once a process for one set of settings. Dagster asks several times in every step, whose process is born with what the
    fork server has loaded."""
    return _loaded(repr(sorted(given(os.environ).items())))


@functools.cache
def _loaded(_settings: str) -> Definitions:
    return load_from_defs_folder(path_within_project=SHIPPED)
