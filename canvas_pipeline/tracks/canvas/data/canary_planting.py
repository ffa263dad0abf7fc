"""Plant canaries and decoys in a copy of the inputs: titles, to-do items, course names and codes, sessions, tool results.

Only the copy is written to. A decoy has a due time of its own, by which it is found again. What is added beside the planted texts
names nobody."""

from __future__ import annotations

import gzip
import re
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import canvas_pipeline
from canvas_pipeline.pipeline.workspace import PLANTED, Workspace
from canvas_pipeline.privacy.contributor_id import in_folder, sessions_in
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.data import examples
from canvas_pipeline.tracks.canvas.examples.students import imprint
from canvas_pipeline.tracks.canvas.intake.synthetic import canary_templates
from canvas_pipeline.tracks.canvas.intake.synthetic.canaries import Canary, Decoy, fold

START = datetime(2026, 3, 1, 5, 0, tzinfo=UTC)
TITLES_A_COURSE = 25
LATER = ("session", "tool_result")
"""Spots that enter the pipeline after the corpus."""
WORDING_FOLDERS = ("evaluation", "tracks/canvas/bench", "tracks/canvas/examples", "tracks/canvas/tools")
_WORDS = re.compile(r"[^\W\d_]{3,}|\d{4,7}")


def taken_words(ws: Workspace) -> set[str]:
    """Return words and numbers in the inputs and in our own wordings, which no canary may use."""
    package = Path(canvas_pipeline.__file__).parent
    sources = [*in_folder(ws.collab)[0].values(), *sessions_in(ws.sessions)[0]]
    sources += [path for folder in WORDING_FOLDERS for path in (package / folder).rglob("*.py")]
    sources.append(Path(canary_templates.__file__))
    return {
        fold(word) for path in sources for word in _WORDS.findall(path.read_text(encoding="utf-8", errors="replace"))
    }


def copy_inputs(ws: Workspace, root: Path) -> None:
    """Copy the inputs to a folder that is marked as planted (see ``Workspace.holds_canaries``)."""
    root.mkdir(parents=True, exist_ok=True)
    (root / PLANTED).touch()
    shutil.copytree(ws.collab, root / "collab", dirs_exist_ok=True)
    for path in in_folder(root / "collab")[0].values():
        if path.suffix == ".gz":  # records are appended to the copies
            with gzip.open(path) as packed, path.with_suffix("").open("wb") as plain:
                shutil.copyfileobj(packed, plain)
            path.unlink()
    if ws.sessions.is_dir():
        shutil.copytree(ws.sessions, root / "sessions", dirs_exist_ok=True)
    (root / "sessions").mkdir(exist_ok=True)


def plant(
    copy: Workspace, contributors: Sequence[str], planted: Sequence[Canary], harmless: Sequence[Decoy]
) -> dict[str, Decoy]:
    """Append records with the canaries and decoys to the copies. Returns due time → decoy."""
    clock = (START + timedelta(minutes=minute) for minute in range(len(planted) + len(harmless) + len(contributors)))
    due: dict[str, Decoy] = {}
    rows: list[tuple[str, dict[str, Any]]] = []
    todo: list[dict[str, Any]] = []
    for canary in planted:
        if canary.spot == "title":
            rows.append((canary.text, {}))
        elif canary.spot == "todo":
            todo.append(_item(canary.text, next(clock)))
        elif canary.spot == "course_name":
            rows.append(("", {"course_name": canary.text}))
        elif canary.spot == "course_code":
            rows.append(("", {"course_code": canary.text}))
    for position, decoy in enumerate(harmless):
        at = next(clock)
        due[at.strftime("%Y-%m-%dT%H:%M:%SZ")] = decoy
        if position % 8 == 0:
            todo.append(_item(decoy.text, at))
        else:
            rows.append((decoy.text, {"due": at}))
    for number, contributor in enumerate(contributors):
        stamp = {"contributor_id": contributor, "collected_at": "2026-02-16T14:05:33.482913-05:00"}
        mine, step = rows[number :: len(contributors)], TITLES_A_COURSE
        with (copy.collab / f"{contributor}.jsonl").open("ab") as file:
            for start in range(0, len(mine), step):
                for record in _courses(f"{number}{start // step:03d}", mine[start : start + step], clock):
                    file.write(dumps({"type": "course_snapshot", "term": "2026 Spring", **record, **stamp}) + b"\n")
            for start in range(0, len(todo[number :: len(contributors)]), step):
                items = todo[number :: len(contributors)][start : start + step]
                file.write(dumps({"type": "todo_snapshot", "items": items, **stamp}) + b"\n")
    return due


def _courses(
    name: str, rows: Sequence[tuple[str, dict[str, Any]]], clock: Iterator[datetime]
) -> Iterator[dict[str, Any]]:
    """Yield one course with the titles, and one for each planted name or code. Their own codes are handles, masked already."""
    titles = [_assignment(text, more.get("due") or next(clock, START)) for text, more in rows if text]
    if titles:
        yield {"course_name": f"Seminar on Method {name}", "course_code": f"@COURSE1{name}", "assignments": titles}
    for position, (text, more) in enumerate(rows):
        if not text:
            work = [_assignment(f"Reading journal entry {name}-{position}", next(clock, START))]
            yield {
                "course_name": "Seminar on Method",
                "course_code": f"@COURSE2{name}{position:02d}",
                "assignments": work,
                **more,
            }


def _assignment(text: str, due: datetime) -> dict[str, Any]:
    return {"name": text, "type": "ASGN", "due_at": due.strftime("%Y-%m-%dT%H:%M:%SZ"), "points_possible": 10.0,
            "submission_types": ["online_upload"], "submission_status": "NOT_SUBMITTED"}  # fmt: skip


def _item(text: str, due: datetime) -> dict[str, Any]:
    return {"type": "ASGN", "assignment_name": text, "due_at": due.strftime("%Y-%m-%dT%H:%M:%SZ"), "course_id": 4077}


def plant_sessions(copy: Workspace, contributor: str, planted: Sequence[Canary]) -> None:
    """Append sessions with canaries in the student's text and in tool results."""
    accounts = examples.mock_accounts(copy)[0]
    with (copy.sessions / f"{contributor}.jsonl").open("ab") as file:
        for canary in planted:
            if canary.spot not in LATER:
                continue
            account = accounts[canary.number % len(accounts)]
            entries: list[dict[str, Any]] = [{"answer": "Noted."}]
            if canary.spot == "tool_result":
                course = {
                    "id": 4077,
                    "name": canary.text,
                    "course_code": "@COURSE1",
                    "credits": 3,
                    "term": "2026 Spring",
                }
                entries = [
                    {"call": {"name": "canvas.list_courses", "arguments": {"active_only": True}}},
                    {"result": {"name": "canvas.list_courses", "value": [course]}},
                    {"answer": "You have one course."},
                ]
            row = {
                "user_query": canary.text if canary.spot == "session" else f"What do I study? ({canary.number})",
                "context": {"now_iso": account.now, "items": [imprint(item) for item in account.items[:3]]},
                "trajectory": entries,
                "contributor_id": contributor,
            }
            file.write(dumps(row) + b"\n")
