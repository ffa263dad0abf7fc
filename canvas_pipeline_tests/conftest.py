"""What all tests share: no network, no state of this machine, hypothesis profiles, and who runs beside whom.

Set before anything is imported: the libraries read these variables at import.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

for name in [found for found in os.environ if found == "DAGSTER_HOME" or found.startswith("CANVAS_")]:
    if not name.startswith("CANVAS_BENCH_") and name != "CANVAS_SCREENSHOTS":
        os.environ.pop(name)
os.environ.update(
    HF_HUB_OFFLINE="1",
    TRANSFORMERS_OFFLINE="1",
    HF_DATASETS_OFFLINE="1",
    DAGSTER_DISABLE_TELEMETRY="1",
    TOKENIZERS_PARALLELISM="false",
    NO_COLOR="1",
    COLUMNS="200",  # rich and click wrap at the terminal's width
    # A worker of the test run is one process among several: two threads that spin for each other take ten times as long as one
    # on a busy core, and models of 0.1 M parameters gain nothing from a second one.
    OMP_NUM_THREADS="1",
    CANVAS_THREADS="1",
    OPENBLAS_NUM_THREADS="1",
    OMP_WAIT_POLICY="passive",
    # All workers of a test run share one, as all runs of a machine do; the user's own is left alone.
    CANVAS_UMA_LEDGER=f"{tempfile.gettempdir()}/canvas-pipeline-tests-{os.getuid()}/uma.sqlite",
)

# Two shared cores make any deadline a coin toss. The same examples every time: a red build is due to its change; new examples are
# looked for on purpose, with HYPOTHESIS_PROFILE=thorough, where a failing one is printed as a blob and can be replayed.
settings.register_profile("ci", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("thorough", settings.get_profile("ci"), derandomize=False, print_blob=True, max_examples=2000)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))

SHARED = ("release",)
"""Folders whose tests share models made once a session: each stays on one worker of ``--dist loadgroup``; elsewhere a file does."""
FIRST = ("line/test_release.py", "training", "release", "line", "gb10", "web")
"""Where the time goes, so that what is left at the end is short and both workers end together. One file of the line comes before
all: it makes the good line, for which the other worker would wait."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(here).as_posix()
        return next((number for number, start in enumerate(FIRST) if path.startswith(start)), len(FIRST))

    items.sort(key=place)
    for item in items:
        path = item.path.relative_to(here)
        group = path.parts[0] if path.parts[0] in SHARED else path.as_posix()
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(group))
