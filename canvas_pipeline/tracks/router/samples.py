"""Write a sample data set: drawn rows, ten broken lines among them, and in ``truth/`` what a reader must refuse, and why."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from canvas_pipeline.records import Row, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.router.synthetic import rows

ROWS, FILE, TRUTH = 300, "router-001.jsonl", "truth"
Fields = dict[str, Any]


class Truth(Row, frozen=True, kw_only=True):
    """A line that a reader must refuse."""

    line: int
    reason: str


# What is wrong with a broken line → the reason of its refusal, and how it is broken.
BROKEN: Mapping[str, tuple[str, Callable[[Fields], str]]] = {
    "cut": ("malformed_json", lambda row: json.dumps(row)[:-40]),
    "error": ("error_row", lambda row: json.dumps({"index": 7, "error": "timeout"})),
    "query": ("query_short", lambda row: _with(row, user_query="Calculate it.")),
    "summary": ("summary_short", lambda row: _with(row, task_summary="Route it.")),
    "step": ("plan_unparsable:1", lambda row: _with(row, route_plan=["/math(a bound)", "/search(a book)"])),
    "twice": ("plan_repeats", lambda row: _with(row, route_plan=["/code(a script)", "/code(a script)"])),
    "artifacts": ("list_size", lambda row: _with(row, expected_artifacts=["notes"])),
    "handoff": ("handoff", lambda row: _with(row, handoff_plan="Give the result of each step to the next one, in order.")),
    "todo": ("todo_form", lambda row: _with(row, todo_list=["search", "math", "code", "write", "router QA"])),
    "metrics": ("metrics", lambda row: _with(row, metrics={"primary": ["exact"]})),
}  # fmt: skip


def _with(row: Fields, **changed: Any) -> str:
    return json.dumps(row | changed, ensure_ascii=False)


def write_samples(folder: Path, count: int = ROWS, seed: int = 1) -> list[Path]:
    """Write ``router-001.jsonl`` with ``count`` good rows and its truth; return both paths.

    A broken line follows every ``count // 10`` good ones; the first line holds two objects, and the last has no end."""
    drawn = rows(count + len(BROKEN), seed)
    good, spare = drawn[:count], drawn[count:]
    lines: list[str] = []
    truth: list[Truth] = []
    pending = dict(zip(BROKEN.values(), spare, strict=True))
    for at, row in enumerate(good):
        text = json.dumps(row, ensure_ascii=False)
        if at == 1:
            lines[0] += text
            continue
        lines.append(text)
        if pending and at % max(1, count // len(BROKEN)) == 2:
            (reason, broken), other = next(iter(pending.items()))
            del pending[reason, broken]
            lines.append(broken(other))
            truth.append(Truth(line=len(lines), reason=reason))
    out, expected = folder / FILE, folder / TRUTH / FILE
    expected.parent.mkdir(parents=True, exist_ok=True)
    with whole_file(out) as temporary:
        temporary.write_text("\n".join(lines), encoding="utf-8")
    with whole_file(expected) as temporary:
        write_jsonl(temporary, truth)
    return [out, expected]
