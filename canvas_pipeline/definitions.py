"""The code location: everything under ``defs/``, and nothing else."""

import functools
import os
from pathlib import Path

from dagster import Definitions, definitions, load_from_defs_folder

from canvas_pipeline.defs.platform import settings_of


@definitions
def defs() -> Definitions:
    """Loaded once a process for one set of settings. Dagster asks several times in every step, whose process is born with what the
    fork server has loaded."""
    return _loaded(repr(sorted(settings_of(os.environ).items())))


@functools.cache
def _loaded(_settings: str) -> Definitions:
    return load_from_defs_folder(path_within_project=Path(__file__).parent)
