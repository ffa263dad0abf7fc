"""The system prompt: rendered from the tool table, short with the catalogue, the reference instant in it."""

from __future__ import annotations

import re

import pytest

from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, POLICY, catalogue, system_message
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

NOW = "2026-03-02T09:00:00+00:00"


def test_the_catalogue_names_every_tool_once_under_its_family() -> None:
    text = catalogue()
    named = [
        f"{family}.{short}" for family, shorts in re.findall(r"(\w+): ([\w ]+)\.", text) for short in shorts.split()
    ]
    assert named == list(TOOLS) == list(ALL_TOOLS)


def test_fewer_tools_make_a_shorter_catalogue() -> None:
    assert catalogue(("canvas.get_todo", "study.exam_bracket")) == "canvas: get_todo. study: exam_bracket."


def test_the_message_contains_the_reference_instant_with_its_weekday_and_no_other_clock() -> None:
    message = system_message(NOW, "catalogue")
    assert message.role == "system" and message.content.endswith("Now: 2026-03-02T09:00:00Z Mon.")
    assert system_message(NOW, "catalogue") == message


def test_the_native_declaration_leaves_the_tools_to_the_template() -> None:
    text = system_message(NOW, "native").content
    assert POLICY in text and "2026-03-02T09:00:00Z Mon" in text and not any(name in text for name in TOOLS)


def test_the_policy_states_the_agent_s_rules() -> None:
    for rule in ("23:00", "07:00", "60 to 90 minutes", "15 minutes", "nothing is deleted", "nothing is invented"):
        assert rule in POLICY


def test_the_prompt_holds_no_live_marker() -> None:
    for declaration in ("catalogue", "native"):
        text = system_message(NOW, declaration).content
        assert "<|" not in text and "|>" not in text


def test_an_instant_with_another_offset_is_not_shown_as_if_it_were_utc() -> None:
    """A collection instant carries its offset; 09:00 at -05:00 is 14:00Z."""
    assert "Now: 2026-03-02T14:00:00Z Mon." in system_message("2026-03-02T09:00:00-05:00", "catalogue").content


def test_what_is_no_instant_is_refused() -> None:
    with pytest.raises(ValueError):
        system_message("yesterday", "catalogue")
