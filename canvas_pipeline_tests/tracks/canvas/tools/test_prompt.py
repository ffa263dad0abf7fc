"""The opening of a conversation: rendered from the tool table, short with the catalogue, the reference instant in it."""

from __future__ import annotations

import re
from datetime import datetime
from typing import get_args

import pytest

from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.tools.prompt import (
    ALL_TOOLS,
    POLICY,
    Declaration,
    catalogue,
    reference_instant,
    said,
    system_message,
    user_message,
)
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

NOW = "2026-03-02T09:00:00+00:00"
DAYS = (
    "This week: Tue 03-03 Wed 03-04 Thu 03-05 Fri 03-06 Sat 03-07 Sun 03-08. "
    "Next week: Mon 03-09 Tue 03-10 Wed 03-11 Thu 03-12 Fri 03-13 Sat 03-14 Sun 03-15."
)


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
    assert message.role == "system" and message.content.endswith(f"Now: 2026-03-02T09:00:00Z Mon. {DAYS}")
    assert system_message(NOW, "catalogue") == message


def test_the_native_declaration_leaves_the_tools_to_the_template_and_the_instant_to_the_user_s_turn() -> None:
    assert system_message(NOW, "native").content == POLICY and not any(name in POLICY for name in TOOLS)
    assert system_message("2027-01-01T00:00Z", "native") == system_message(NOW, "native")
    assert user_message("Hello", NOW, "native").content == f"Now: 2026-03-02T09:00:00Z Mon. {DAYS}\nHello"
    assert user_message("Hello", NOW, "catalogue").content == "Hello"


def test_the_instant_of_a_conversation_is_read_from_where_its_form_states_it() -> None:
    later = "2026-03-09T09:00:00+00:00"
    for declaration in get_args(Declaration):
        asked = (system_message(NOW, declaration), user_message("Now: 1999-01-01T00:00:00Z Fri.\nHi", NOW, declaration))
        assert reference_instant(asked) == datetime.fromisoformat(NOW)
    assert reference_instant((*asked, user_message("And now?", later, "native"))) == datetime.fromisoformat(later)
    assert reference_instant((system_message(NOW, "native"), Message(role="user", content="Hi"))) is None


def test_what_a_student_wrote_is_the_turn_without_its_instant() -> None:
    for text in ("Hello", "Now: 1999-01-01T00:00:00Z Fri.\nHi", ""):
        assert said(user_message(text, NOW, "native")) == text
    system = system_message(NOW, "catalogue")
    assert said(system) == system.content


def test_the_policy_states_the_agent_s_rules() -> None:
    for rule in ("23:00", "07:00", "60 to 90 minutes", "15 minutes", "nothing is deleted", "nothing is invented"):
        assert rule in POLICY


def test_the_prompt_holds_no_live_marker() -> None:
    for declaration in get_args(Declaration):
        text = system_message(NOW, declaration).content
        assert "<|" not in text and "|>" not in text


def test_an_instant_with_another_offset_is_not_shown_as_if_it_were_utc() -> None:
    """A collection instant carries its offset; 09:00 at -05:00 is 14:00Z."""
    assert "Now: 2026-03-02T14:00:00Z Mon." in system_message("2026-03-02T09:00:00-05:00", "catalogue").content


def test_what_is_no_instant_is_refused() -> None:
    for declaration in get_args(Declaration):
        with pytest.raises(ValueError):
            system_message("yesterday", declaration)
        with pytest.raises(ValueError):
            user_message("Hello", "yesterday", declaration)
