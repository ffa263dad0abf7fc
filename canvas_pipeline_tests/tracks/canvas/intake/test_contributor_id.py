"""Ids that somebody else chose: none of them is a path, a device, a disguise or a twin."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.privacy.contributor_id import WHOLE_FILE, contributors, is_safe, printable

TRICKS = (
    "", ".", "..", "../x", "a/b", "a\\b", "/etc/passwd", ".hidden", "a\0b", "a..b", "trailing.", "trailing ", " leading", "-rf",
    "CON", "con", "nul.backup", "COM1", "lpt9.x", "x" * 65, "a\nb", "a\x1b[2Jb", "a\u202eb", "a\u200bb", "a\u0301", "e\uff0fe",
    "a:b", "a*", "~root", "$(id)", "a%2fb", "\ud800", "é",
)  # fmt: skip


@pytest.mark.parametrize("trick", TRICKS, ids=ascii)
def test_a_path_trick_is_no_id(trick: str) -> None:
    assert not is_safe(trick)


@pytest.mark.parametrize("good", ["zed-001", "a", "A_b.c-9", "x" * 64, "console", "nullify", "com10"])
def test_an_ordinary_name_is_an_id(good: str) -> None:
    assert is_safe(good)


@given(st.text(max_size=70))
def test_an_accepted_id_is_one_plain_path_component(text: str) -> None:
    if is_safe(text):
        assert (
            Path(text).name == text
            and text.isascii()
            and text.isprintable()
            and text[0] not in ".-"
            and len(text) <= 64
        )


@given(st.text(max_size=300))
def test_a_shown_name_cannot_command_a_terminal(text: str) -> None:
    assert printable(text).isascii() and printable(text).isprintable() and len(printable(text)) <= 120


def test_twins_by_case_and_tricks_are_refused_as_files_in_any_order(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    paths = [tmp_path / f"{stem}.jsonl" for stem in ("bo", "Ada", "ada", ".x", "NUL", "cy", "elsewhere/bo")]
    for path in paths:
        path.touch()
    accepted, refused = contributors(paths)
    assert list(accepted) == ["cy"]
    assert [(r.source, r.line, r.reason) for r in refused] == [
        (".x.jsonl", WHOLE_FILE, "unsafe_id"), ("Ada.jsonl", WHOLE_FILE, "duplicate_contributor"),
        ("NUL.jsonl", WHOLE_FILE, "unsafe_id"), ("ada.jsonl", WHOLE_FILE, "duplicate_contributor"),
        ("bo.jsonl", WHOLE_FILE, "duplicate_contributor"), ("bo.jsonl", WHOLE_FILE, "duplicate_contributor"),
    ]  # fmt: skip
    assert contributors(reversed(paths)) == (accepted, refused)
