"""Prompts worded by hand: read with clear errors, asked at a fixed instant, scored by the first call."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.tracks.canvas.bench.human import SHIPPED, HumanCase, case, human_cases, report
from canvas_pipeline.tracks.canvas.bench.scenarios.students import NOW
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.tools.prompt import reference_instant, said
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

GOOD = {"id": "mine-1", "text": "What is new?", "tools": ["canvas.list_announcements", "canvas.get_todo"]}
ROW = HumanCase(**{**GOOD, "tools": tuple(GOOD["tools"]), "need": ("2026-03",), "now": NOW})  # type: ignore[arg-type]


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "own.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return folder


def score(*calls: ToolCall, stopped: bool = True) -> tuple[bool, bool]:
    given = Prediction(id="human-mine-1", text="".join(map(serialise, calls)) or "Hello.", stopped=stopped)
    (found,) = report([ROW], [given]).outcomes
    return found.selected, found.right


def test_the_shipped_prompts_are_read_and_a_users_own_come_after_them(tmp_path: Path) -> None:
    shipped = human_cases(tmp_path / "none", NOW)
    assert len(shipped) == len(SHIPPED.read_text(encoding="utf-8").splitlines()) and {row.now for row in shipped} == {
        NOW
    }
    assert {tool for row in shipped for tool in row.tools} <= set(TOOLS)
    assert [row.id for row in human_cases(write(tmp_path / "own", GOOD), NOW)] == [*(r.id for r in shipped), "mine-1"]


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"id": "a b"}, "id must have"), ({"id": "dp1"}, "taken by an earlier prompt"), ({"text": " "}, "text must have"),
        ({"text": "x" * 1001}, "text must have"), ({"tools": []}, "tools must name"),
        ({"tools": ["canvas.fly"]}, "number 1 is no tool"),
        ({"need": [""]}, "empty text"), ({"tool": "x"}, "unknown field"), ({"tools": "canvas.get_todo"}, "tools"),
    ],
)  # fmt: skip
def test_a_prompt_that_cannot_be_used_is_named_by_file_row_and_field_and_never_quoted(
    change: dict[str, Any], told: str, tmp_path: Path
) -> None:
    folder = write(tmp_path / "own", {**GOOD, "id": "first"}, {**GOOD, "text": "Ask Ms Smith", **change})
    with pytest.raises(BadInput, match=told) as raised:
        human_cases(folder, NOW)
    assert "own.jsonl" in str(raised.value) and "2" in str(raised.value) and "Smith" not in str(raised.value)


@pytest.mark.parametrize("profile", PROFILES)
def test_a_prompt_is_asked_as_it_stands_at_its_instant(profile: str) -> None:
    made = case(ROW, PROFILES[profile])
    instant = reference_instant(made.messages)
    assert instant is not None and instant.strftime("%Y-%m-%dT%H:%MZ") == NOW
    assert [message.role for message in made.messages] == ["system", "user"] and said(made.messages[1]) == ROW.text
    assert made.id == "human-mine-1" and made.expected_tools == ()


def test_an_answer_is_right_if_its_first_call_is_accepted_and_contains_what_it_needs() -> None:
    good, bare = ToolCall("canvas.list_announcements", {"since_iso": "2026-03-01"}), ToolCall("canvas.get_todo", {})
    assert score(good) == (True, True) == score(good, ToolCall("canvas.list_courses", {}))
    assert score(bare) == (True, False) == score(bare, good)
    assert score(ToolCall("canvas.list_courses", {}), good) == (False, False) == score()
    assert score(good, stopped=False) == (True, False)


def test_every_prompt_needs_exactly_one_answer_and_the_shares_have_wilsons_interval() -> None:
    with pytest.raises(BadInput, match="1 cases but 0 predictions"):
        report([ROW], [])
    rows = human_cases(Path("none"), NOW)
    found = report(rows, [Prediction(id=f"human-{row.id}", text="I do not know.") for row in rows])
    assert (found.right.hits, found.right.cases) == (0, len(rows)) and found.right.clustered is None
    assert found.right.high is not None and found.right.high > 0.25
