"""Reviewed exceptions to the audit: honoured for the exact words, private, and refused where they do not hold."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.privacy.audit.auditor import AuditReport, report, reviewed_at
from canvas_pipeline.privacy.audit.exceptions import FILE, exceptions, review

KEY = b"key of the exceptions"
DAY = date(2031, 2, 1)


def allowed(tmp_path: Path, rows: str, key: bytes = KEY, now: date = DAY) -> AuditReport:
    path = tmp_path / "rows.md"
    path.write_text("Prof Writing for Engineers\n")
    listed = tmp_path / FILE
    found = reviewed_at([path], [f"{path}:1:-: PERSON"])
    review(listed, KEY, found, by="R. Ito", reason="short for professional", now=DAY, days=30)
    path.write_text(rows)
    return report([path], exceptions=exceptions(listed, key, now))


def test_what_was_reviewed_is_no_leak_wherever_it_stands(tmp_path: Path) -> None:
    found = allowed(tmp_path, "Notes on Prof Writing, week 2\n")
    assert (found.total, found.allowed) == (0, 1)


def test_other_words_beside_it_are_a_leak_still(tmp_path: Path) -> None:
    assert allowed(tmp_path, "Prof Writing and Prof Wrobel\n").by_type == {"PERSON": 1}


def test_the_list_is_private_and_shows_nothing_of_what_was_found(tmp_path: Path) -> None:
    allowed(tmp_path, "x\n")
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600
    assert "Writing" not in (tmp_path / FILE).read_text()


@pytest.mark.parametrize(("key", "days"), ((b"another registry's key", 0), (KEY, 31)))
def test_an_entry_of_another_key_or_one_that_expired_is_refused(tmp_path: Path, key: bytes, days: int) -> None:
    with pytest.raises(BadInput, match="canvas-data audit"):
        allowed(tmp_path, "x\n", key, DAY + timedelta(days=days))


def test_an_entry_changed_by_hand_is_refused_by_its_line(tmp_path: Path) -> None:
    allowed(tmp_path, "x\n")
    listed = tmp_path / FILE
    listed.write_text(listed.read_text().replace("R. Ito", "S. Lem"))
    with pytest.raises(BadInput, match=f"{FILE}:1: this exception was changed by hand"):
        exceptions(listed, KEY, DAY)


def test_what_the_audit_did_not_find_cannot_be_reviewed(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("nothing\n")
    with pytest.raises(BadInput, match="FILE:LINE:FIELD: TYPE"):
        reviewed_at([tmp_path / "a.md"], [f"{tmp_path / 'a.md'}:1:-: PERSON"])


@pytest.mark.parametrize(("by", "reason"), (("", "short for professional"), ("R. Ito", "fine")))
def test_an_exception_needs_who_and_why(tmp_path: Path, by: str, reason: str) -> None:
    with pytest.raises(BadInput, match="--by"):
        review(tmp_path / FILE, KEY, [("PERSON", "Prof Writing")], by=by, reason=reason, now=DAY)
