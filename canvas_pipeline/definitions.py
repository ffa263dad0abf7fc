"""The code location: everything under ``defs/``, and nothing else."""

from dagster import Definitions, definitions, load_from_defs_folder


@definitions
def defs() -> Definitions:
    return load_from_defs_folder()
