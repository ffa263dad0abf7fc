"""The auditor: independent, loud, and silent about values."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.privacy.audit.auditor import report
from canvas_pipeline.privacy.courses.registry import Registry

PLANTED = {
    "COURSE_CRN": ("CS_3704_21936_202601", "site_cs_3704_21936_202601_x", "202601_CS_3704"),
    "COURSE_CODE": ("CS 3704 exam", "MATH1226", "see BIOL-1105"),
    "EMAIL": ("jo@x.edu", "Jo.Smith+a@Mail.Example.EDU"),
    "SSN": ("987-65-4321",),
    "PHONE": ("(540) 555-0143", "540-555-0143", "540.555.0143", "+1 540 555 0143", "540–555–0143"),
}
CASES = [(type_, text) for type_, texts in PLANTED.items() for text in texts]
CLEAN = ("@EMAIL1 @COURSE12345678 @PHONE2", "FALL 2023", "ISO 8601", "HTTP 404", "2026-03-01T04:59:59Z", "3d6f0a9b12ce5405550143ab",
         "0.540 555 0143", "canvas.get_assignments", "100-200-3000", "1,234,567,890", "EXAM 100", "@PERSON1")  # fmt: skip


@pytest.mark.parametrize(("type_", "text"), CASES)
def test_a_leak_anywhere_is_named_by_file_line_field_and_type(tmp_path: Path, type_: str, text: str) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_text(
        '{"ok": 1}\n'
        + json.dumps({"messages": [{"content": "hello"}, {"content": f"see {text} now"}]}, ensure_ascii=False)
    )
    leaks = report([path]).leaks
    assert type_ in {leak.type for leak in leaks}
    assert {(leak.file, leak.line, leak.field) for leak in leaks} == {(str(path), 2, "messages[1].content")}
    assert text not in "".join(map(str, leaks)) + repr(leaks)


@pytest.mark.parametrize("text", CLEAN)
def test_what_is_masked_or_harmless_is_no_leak(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps({"x": [text]}))
    (tmp_path / "a.md").write_text(text)
    assert report([tmp_path]).leaks == ()


def test_plain_text_and_unreadable_json_and_keys_are_looked_at_too(tmp_path: Path) -> None:
    (tmp_path / "card.md").write_text("fine\nwrite to jo@x.edu\n")
    (tmp_path / "torn.jsonl").write_text('{"a": "jo@x.edu')
    (tmp_path / "keys.json").write_text('{"jo@x.edu": 1}')
    leaks = report([tmp_path]).leaks
    assert [(Path(leak.file).name, leak.line) for leak in leaks] == [
        ("card.md", 2),
        ("keys.json", 1),
        ("torn.jsonl", 1),
    ]
    assert "jo@" not in "".join(map(str, leaks))


def test_what_the_private_registry_knows_is_looked_for(tmp_path: Path) -> None:
    registry = tmp_path / "private" / "registry.jsonl"
    Registry(b"a key for tests only", registry).handle("course/ZZ/9911/33333/202601")
    out = tmp_path / "out.jsonl"
    for text in ("zz 9911", "ZZ_9911", "bring 33333 along", "course/ZZ/9911/33333/202601"):
        out.write_text(json.dumps({"title": text}))
        assert report([out], registry).total and (not report([out]).total or text.startswith("course/")), text
    for text in ('{"course_id":33333}', "1.33333", "abc33333", "zz 99112"):
        out.write_text(json.dumps({"title": text}))
        assert report([out], registry).total == 0, text


def test_an_audit_that_can_look_at_nothing_fails(tmp_path: Path) -> None:
    with pytest.raises(MissingInput):
        report([tmp_path / "nothing.jsonl"])
    with pytest.raises(BadInput):
        report([tmp_path], tmp_path / "no-registry.jsonl")
