"""Kill -9 at the boundaries of the intake.

``python -m canvas_pipeline_tests.tracks.canvas.intake.kills [--count 200 | --all] [--seed 7]``.

A server imports and warms up everything once, then forks a child for each kill: a real process that takes the contributors in and
kills itself at its boundary. After each kill nothing torn may be visible, the registry must open, and the same intake run again
must give what a run gives that was never killed, byte for byte. Prints figures as JSON; exit 1 where a kill left something wrong.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import secrets
import shutil
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.storage.digests import MANIFEST
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.tracks.canvas.intake.boundaries import Boundaries

KEY = "5e" * 32
DEADLINE_S = 900


def ingest(root: Path) -> None:
    """What is killed: every contributor, then the merge. The key is made on first use, always the same one here."""
    secrets.token_hex = lambda nbytes=None: KEY
    vars(intake)["funnel_png"] = lambda funnels: (
        b""
    )  # a picture is drawn after all is written, and takes longer than all of it
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root)
    for contributor in intake.contributor_files(ws):
        intake.collab(ws, contributor)
    build_stage(ws, "corpus")


def first_time(root: Path) -> None:
    """Nothing is there yet: no store, no registry, no key. A line that is refused is among the lines."""
    for path in synthesize(2, 2, 3, 7, root / "collab"):
        with path.open("ab") as file:
            file.write(b"this is no JSON\n")
    shutil.rmtree(
        root / "collab" / "truth"
    )  # so that they count as real, with a secret key and a registry of their own


def once_more(root: Path) -> None:
    """Three older versions of everything are there, so that the next one supersedes and prunes; a course is new."""
    first_time(root)
    path = sorted((root / "collab").glob("*.jsonl"))[0]
    whole = path.read_bytes()
    lines = whole.splitlines(keepends=True)
    for count in range(len(lines) - 3, len(lines)):
        path.write_bytes(b"".join(lines[:count]))
        ingest(root)
    path.write_bytes(whole)


STATES: dict[str, Callable[[Path], None]] = {"first time": first_time, "once more": once_more}


def seen(root: Path) -> dict[str, Any]:
    """All that a reader of the store and of the registry can see; times of writing apart. Raises where anything is torn."""
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root)
    found: dict[str, Any] = {}
    for name in ("corpus", *(f"collab/{path.stem}" for path in sorted(ws.collab.glob("*.jsonl")))):
        stage = ws.store.find(name)
        if stage is None:
            continue
        stage.verify()
        manifest = json.loads((stage.folder / MANIFEST).read_bytes())
        del manifest["seal"]  # over the times too
        for entry in manifest["files"].values():
            del entry["mtime_ns"]
        found[name] = (manifest, {file: (stage.folder / file).read_bytes() for file in stage.manifest.files})
    registry = ws.private / "registry.jsonl"
    if registry.exists():
        found["registry"] = dict(_entries(registry))
        found["mode"] = registry.stat().st_mode & 0o777
    return found


def _entries(registry: Path) -> Iterator[tuple[str, str]]:
    Registry(KEY.encode(), registry, writable=False)
    lines = [line for line in registry.read_bytes().split(b"\n") if line.startswith(b"{") and line.endswith(b"}")]
    for line in lines:
        entry = msgspec.json.decode(line)
        if "identity" in entry:
            yield entry["identity"], entry["handle"]


def in_child(work: Callable[[], None], deadline_s: float = DEADLINE_S) -> int:
    """Run in a forked process; returns its exit code, or minus the signal that ended it."""
    pid = os.fork()
    if pid == 0:
        try:
            signal.alarm(int(deadline_s))
            work()
        except BaseException:
            traceback.print_exc()
            sys.stderr.flush()
            os._exit(1)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def counted(root: Path, report: Path, deadly: int | None) -> None:
    """In a child: take in under ``Boundaries``; without a deadly one, write down how many there were."""
    boundaries = Boundaries(deadly)
    boundaries.install()
    ingest(root)
    if deadly is None:
        report.write_text(json.dumps({"passed": boundaries.passed, "kinds": boundaries.kinds}))


def kills(folder: Path, count: int | None, seed: int) -> dict[str, Any]:
    """Kill at ``count`` seeded boundaries over all states (None: at every one); figures and what was wrong."""
    started = time.monotonic()
    places: list[tuple[str, int]] = []
    golden: dict[str, dict[str, Any]] = {}
    kinds: Counter[str] = Counter()
    first_time(folder / "warm up")
    ingest(folder / "warm up")  # in the server: recognisers are loaded and compiled once, not in every child
    for name, prepare in STATES.items():
        prepare(folder / name)
        shutil.copytree(folder / name, folder / "whole", symlinks=True)
        if in_child(lambda: counted(folder / "whole", folder / "count.json", None)):
            raise RuntimeError(f"{name}: the intake fails without being killed")
        found = json.loads((folder / "count.json").read_text())
        kinds.update(found["kinds"])
        places += [(name, number) for number in range(1, found["passed"] + 1)]
        golden[name] = seen(folder / "whole")
        shutil.rmtree(folder / "whole")
    chosen = places if count is None else sorted(random.Random(seed).sample(places, min(count, len(places))))
    wrong = [text for place in chosen if (text := _one(folder, *place, golden[place[0]]))]
    return {
        "boundaries": len(places), "kinds": dict(sorted(kinds.items())), "kills": len(chosen), "wrong": wrong,
        "seconds": round(time.monotonic() - started, 1),
    }  # fmt: skip


def _one(folder: Path, name: str, deadly: int, golden: dict[str, Any]) -> str:
    root = folder / "killed"
    shutil.copytree(folder / name, root, symlinks=True)
    before = seen(root)
    try:
        ended = in_child(lambda: counted(root, folder / "count.json", deadly))
        if ended != -signal.SIGKILL:
            return f"{name} {deadly}: was not killed but ended with {ended}"
        left = seen(root)
        for stage, there in left.items():
            if stage not in ("registry", "mode") and there not in (before.get(stage), golden[stage]):
                return f"{name} {deadly}: {stage} is neither the old nor the new version"
        for identity, handle in before.get("registry", {}).items():
            if left["registry"].get(identity) != handle:
                return f"{name} {deadly}: a handle changed or went"
        if in_child(lambda: ingest(root)):
            return f"{name} {deadly}: the intake does not run again"
        return "" if seen(root) == golden else f"{name} {deadly}: run again, it is not what it would have been"
    except Exception as error:
        return f"{name} {deadly}: {type(error).__name__}: {error}"
    finally:
        shutil.rmtree(root)


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--count", type=int, default=200)
    options.add_argument("--all", action="store_true", help="every boundary")
    options.add_argument("--seed", type=int, default=7)
    chosen = options.parse_args()
    os.environ.pop("CANVAS_REGISTRY_KEY", None)
    with tempfile.TemporaryDirectory() as folder:
        figures = kills(Path(folder), None if chosen.all else chosen.count, chosen.seed)
    print(json.dumps(figures))
    sys.exit(1 if figures["wrong"] or figures["kills"] == 0 else 0)


if __name__ == "__main__":
    main()
