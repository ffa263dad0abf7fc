"""Make the shipped recorded sessions: ``<contributor>.jsonl`` files of the scripted policy on the mock Canvas.

The same contributor files, profile and seed give the same bytes. Sessions contain anonymised text only. Their course handles come
from a public key that is used for nothing else.

    python -m canvas_pipeline.tracks.canvas.bench.sessions --collab data/collab --out data/sessions
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import write_jsonl
from canvas_pipeline.tracks.canvas.examples.sessions import record
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, students
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES, CanvasProfile

SESSION_KEY = b"the key of the shipped sessions"
SESSIONS = 40
SEED = 7  # of the students: the pipeline's default, so that a session's items belong to one student there, too


def remake(collab: Path, out: Path, profile: CanvasProfile, count: int = SESSIONS, seed: int = SEED) -> dict[str, int]:
    """Write the files and return the number of sessions of each contributor. Raises what intake raises."""
    by_contributor: dict[str, list[dict[str, Any]]] = defaultdict(list)
    accounts = students_of(collab, profile, seed, SESSION_KEY)
    # Not the pipeline's seed, so that sessions do not repeat synthesised conversations.
    for row in record(accounts, profile, seed + 1000, MockCanvas.of, count):
        by_contributor[row["contributor_id"]].append(row)
    out.mkdir(parents=True, exist_ok=True)
    return {name: write_jsonl(out / f"{name}.jsonl", rows) for name, rows in sorted(by_contributor.items())}


def students_of(collab: Path, profile: CanvasProfile, seed: int, key: bytes) -> list[Snapshot]:
    """Build the students of a folder of contributor files. The registry under ``key`` is not stored."""
    from canvas_pipeline.privacy.contributor_id import in_folder
    from canvas_pipeline.tracks.canvas.intake.stream.contributors import items_of  # loads the detector

    return students(items_of(list(in_folder(collab)[0].values()), key), profile, seed)


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the shipped sessions again."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--collab", type=Path, default=Path("data/collab"))
    parser.add_argument("--out", type=Path, default=Path("data/sessions"))
    parser.add_argument("--profile", default="embedded")
    given = parser.parse_args(arguments)
    for name, count in remake(given.collab, given.out, profile_named(PROFILES, given.profile)).items():
        print(f"{name}: {count} sessions")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
