"""Ingest many contributor files at once with a real daemon: ``python -m canvas_pipeline_tests.pipeline.flood --count 200``.

A daemon with the shipped dagster.yaml and the sensor ``contributors`` switched on watches an empty folder of contributors. After
its first tick all files are moved in at once. At the end, by the instance's event log, every contributor must have been
materialised exactly once and requested exactly once; two more ticks change nothing.
Prints the duration, the longest queue, and how many runs Dagster restarted because they had died (on a busy machine a code server
may exceed its minute). A run costs seconds: a process of its own loads the code location and the recognisers.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg

from canvas_pipeline.defs.canvas.arrivals import WAITING
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline_tests.dagster_instance.daemon import Daemon, settle

COLLAB = asset_key("collab", "canvas")
TARGET = ("--workspace", "workspace.yaml")
LOOKED = "Sensor contributors skipped"
QUIET_S = 75.0
"""More than twice the sensor's interval."""
STUCK_S = 600.0
PAGE = 1000
AGAIN = "dagster/parent_run_id"


class Flood:
    """A folder of contributors, an instance and its daemon, all below one root."""

    def __init__(self, root: Path) -> None:
        self.data, home = root / "data", root / "home"
        for folder in ("collab", "sessions"):
            (self.data / folder).mkdir(parents=True)
        self.instance = settle(home)
        far_from_now = datetime.now(UTC) + timedelta(hours=12)
        self.daemon = Daemon(
            home,
            TARGET,
            {
                "CANVAS_AUTOMATION": "on",
                "CANVAS_DATA": str(self.data),
                "CANVAS_NIGHTLY_AT": f"{far_from_now:%H:%M}",
                "CANVAS_UMA_LEDGER": str(root / "uma.sqlite"),
            },
        )
        self.most_waiting = 0

    def pour(self, count: int) -> list[str]:
        """Generate ``count`` contributors elsewhere and move their files in together; return their ids."""
        made = self.data / "elsewhere"
        paths = synthesize(count, 1, 2, 7, made)
        (made / "truth").rename(self.data / "collab" / "truth")
        for path in paths:
            path.rename(self.data / "collab" / path.name)
        return sorted(path.stem for path in paths)

    def materialised(self) -> list[tuple[str, float]]:
        """Return contributor and time of each materialisation, from the event log."""
        found: list[tuple[str, float]] = []
        cursor: str | None = None
        while True:
            page = self.instance.fetch_materializations(COLLAB, limit=PAGE, cursor=cursor)
            found += [(str(record.partition_key), record.timestamp) for record in page.records]
            cursor = page.cursor
            if not page.has_more:
                return found

    def waiting(self) -> int:
        return self.instance.get_runs_count(dg.RunsFilter(statuses=WAITING))

    def settled(self, count: int) -> None:
        """Wait until ``count`` are materialised or nothing changes any more, then for late runs; print the progress."""
        began = moved = time.monotonic()
        last = (-1, -1)
        quiet_since: float | None = None
        while quiet_since is None or time.monotonic() - quiet_since < QUIET_S:
            time.sleep(5)
            self.daemon.logged("")
            now = (len(self.materialised()), self.waiting())
            self.most_waiting = max(self.most_waiting, now[1])
            if now != last:
                print(
                    f"  {time.monotonic() - began:6.0f} s: {now[0]} materialised, {now[1]} runs wait or run", flush=True
                )
                last, moved, quiet_since = now, time.monotonic(), None
            if now[1] == 0 and now[0] >= count and quiet_since is None:
                quiet_since = time.monotonic()
            assert time.monotonic() - moved < STUCK_S, f"nothing has moved for {STUCK_S:.0f} s, see {self.daemon.log}"

    def runs(self) -> tuple[list[dg.DagsterRun], list[dg.DagsterRun]]:
        """Return the runs that the sensor requested, and those that Dagster started to replace one that had died."""
        found = self.instance.get_runs(dg.RunsFilter(job_name="intake"))
        again = [run for run in found if AGAIN in run.tags]
        return [run for run in found if AGAIN not in run.tags], again

    def complaints(self, names: list[str]) -> list[str]:
        """List the violated expectations after all runs have ended."""
        made = Counter(name for name, _ in self.materialised())
        asked = Counter(run.tags["dagster/partition"] for run in self.runs()[0])
        everybody = sorted({*names, *made, *asked})
        found = [f"{name} was materialised {made[name]} times" for name in everybody if made[name] != 1]
        return found + [f"{name} was asked for {asked[name]} times" for name in everybody if asked[name] != 1]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="contributor files")
    parser.add_argument(
        "--root", type=Path, help="an empty folder that is kept; else one in the temporary folder, removed"
    )
    options = parser.parse_args()
    root = (options.root or Path(tempfile.mkdtemp(prefix="canvas-flood-"))).resolve()
    flood = Flood(root)
    try:
        flood.daemon.start()
        while not flood.daemon.logged(LOOKED):
            time.sleep(1)
        began = time.time()
        names = flood.pour(options.count)
        print(f"{len(names)} files moved in within {time.time() - began:.1f} s; {os.cpu_count()} cores", flush=True)
        flood.settled(options.count)
        took = max(at for _, at in flood.materialised()) - began
        complaints, again = flood.complaints(names), flood.runs()[1]
    finally:
        flood.daemon.stop()
        flood.instance.dispose()
    print(
        "\n".join(complaints)
        or f"{len(names)} of {len(names)} contributors materialised once, nobody twice, asked for once"
    )
    print(
        f"in {took:.0f} s, {took / len(names):.1f} s each; at most {flood.most_waiting} runs waited or ran at a time, "
        f"{len(again)} started again"
    )
    if options.root is None and not complaints:
        shutil.rmtree(root)
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
