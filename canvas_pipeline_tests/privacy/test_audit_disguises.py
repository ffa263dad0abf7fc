"""The auditor undoes what hides an identity, reads every kind of file, and stays silent over what looks alike."""

from __future__ import annotations

import gzip
import json
import sqlite3
import zlib
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from canvas_pipeline.cli.data import app
from canvas_pipeline.models.gemma4.wire import ToolCall, serialise
from canvas_pipeline.privacy.audit.auditor import Auditor, report
from canvas_pipeline.privacy.audit.keys import RegistryKeys
from canvas_pipeline.privacy.audit.texts import normalised, readings, strings_of
from canvas_pipeline_tests.steps import steps

MAIL, PHONE = "quill@x.example.edu", "540-555-0143"
DISGUISES = {
    "plain": MAIL,
    "json escape": "quill\\u0040x.example.edu",
    "escape of an escape": "quill\\\\u0040x.example.edu",
    "percent": "mailto:quill%40x.example.edu",
    "entity": "quill&#64;x.example.edu",
    "hex entity": "quill&#x40;x&#46;example.edu",
    "full width": "ｑｕｉｌｌ＠ｘ．ｅｘａｍｐｌｅ．ｅｄｕ",
    "zero width": "qui\u200bll@x.exa\u200dmple.edu",
    "soft hyphen": "quill@x.ex\u00adample.edu",
    "tag": "quill<b>@</b>x.example.edu",
    "look-alike": "quill@x.ехаmple.edu",
    "spelled": "quill [at] example [dot] edu",
    "nested json": json.dumps({"value": json.dumps([{"to": MAIL}])}),
    "tool call": serialise(ToolCall("canvas.get_course", {"note": MAIL})),
}
TYPES = {
    "PHONE": ("call 5405550143 now", "+44 20 7946 0958", "(540)555-0143", "phone: 15405550143",
    "5 \u0665\u0664\u0660-555-0143"[2:]),
    "SSN": ("987-65-4321", "987 65 4321", "SSN 987654321"),
    "STUDENT_ID": ("ID 905123456 here", "student id: 1234567"),
    "COURSE_CRN": ("202601_CS_3704_21936", "cs_3704_202601", "CRN 21936", "CS-3704-21936"),
    "COURSE_CODE": ("math1226", "cs 3704", "Biol_1105", "CMDA 3654"),
    "URL": ("https://people.example.edu/~quill", "github.com/quill42", "https://quill:pw@example.org/x"),
    "ROOM": ("Thorne Hall 214", "Thorne Building, Room 3B12"[:24], "Thorne Hall, room 12"),
    "PERSON": ("ask Dr. Thorne", "Prof. A. Thorne said", "professor Thorne", "Ms Thorne"),
    "ADDRESS": ("12 Thorne Street", "400 N Thorne Avenue"),
}  # fmt: skip
HARMLESS = (
    "2026-03-01T04:59:59Z", "2026-02-16T14:05:33.482913-05:00", "sha256 9f2b905123456789ab", "id 67109",
    "0.9051234567", "906123456.5 ms",
    '{"size":905123456,"n":5405550143}', "size 905123456 bytes", "| 905123456 |", "canvas.get_assignments",
    "st-3704217936", "@ROOM123456",
    "@PERSON402915 and @COURSE12345678", "Dr. @PERSON402915", "Prof. Office", "professor of record", "FALL 2023",
    "HTTP 404", "RFC 9110",
    "IEEE 754", "ISO 8601", "EXAM 100",
    "100-200-3000", "1,234,567,890", "v1.2.3-4567", "3f2a-5551-0143",
    "10.0.0.1:3000", "page 1024",
    "4.9e-05", "12345 rows", "https://huggingface.co/google/gemma", "https://docs.example.org/guide",
    "call:study.exam_bracket{minutes:90}",
)  # fmt: skip


def types(text: str, tmp_path: Path, name: str = "a.jsonl") -> set[str]:
    (tmp_path / name).write_text(json.dumps({"x": text}, ensure_ascii=False) if name.endswith("jsonl") else text)
    return {leak.type for leak in report([tmp_path / name]).leaks}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_disguised_address_is_found(disguise: str, tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.md"):
        assert "EMAIL" in types(f"see {DISGUISES[disguise]} now", tmp_path, name), name


@pytest.mark.parametrize(("type_", "text"), [(type_, text) for type_, texts in TYPES.items() for text in texts])
def test_each_type_is_found_in_each_of_its_shapes(type_: str, text: str, tmp_path: Path) -> None:
    assert type_ in types(f"see {text}", tmp_path)
    assert type_ in types(json.dumps({"inner": [text]}), tmp_path)


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_alike_is_no_leak(text: str, tmp_path: Path) -> None:
    assert types(text, tmp_path) == set()
    assert types(text, tmp_path, "a.log") == set()


def test_a_number_under_a_telling_key_is_text(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"phone":5405550143,"n":1}\n{"student_id":1234567}\n{"rows":5405550143}\n')
    assert [(leak.line, leak.type) for leak in report([tmp_path]).leaks] == [(1, "PHONE"), (2, "STUDENT_ID")]


def test_databases_pictures_archives_headers_and_file_names_are_looked_into(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "runs.db") as connection:
        connection.execute("CREATE TABLE event_logs (id INTEGER, event TEXT, raw BLOB)")
        connection.execute("INSERT INTO event_logs VALUES (1, ?, ?)", (json.dumps({"message": MAIL}), PHONE.encode()))
    body = b"Comment\x00" + MAIL.encode()
    chunk = len(body).to_bytes(4, "big") + b"tEXt" + body + zlib.crc32(b"tEXt" + body).to_bytes(4, "big")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunk)
    (tmp_path / "log.gz").write_bytes(gzip.compress(f"x\n{MAIL}\n".encode()))
    header = json.dumps({"__metadata__": {"by": MAIL}}).encode()
    (tmp_path / "model.safetensors").write_bytes(len(header).to_bytes(8, "little") + header + b"\x00" * 64)
    (tmp_path / f"{MAIL}.bin").write_bytes(b"\x00\x01")
    found = report([tmp_path])
    assert {(Path(leak.file).name, leak.field, leak.type) for leak in found.leaks} == {
        ("runs.db", "event_logs.event.message", "EMAIL"), ("runs.db", "event_logs.raw", "PHONE"), ("picture.png", "tEXt", "EMAIL"),
        ("log.gz", "", "EMAIL"), ("model.safetensors", "__metadata__.by", "EMAIL"), ("(a .bin)", "(name)", "EMAIL"),
    }  # fmt: skip
    assert MAIL not in repr(found) and found.opaque == 1


def test_a_models_metadata_template_and_vocabulary_are_looked_into(tmp_path: Path) -> None:
    gguf = pytest.importorskip("gguf")
    path = tmp_path / "m.gguf"
    writer = gguf.GGUFWriter(path, "gemma3")
    writer.add_description(f"made by {MAIL}")
    writer.add_chat_template(f"{{{{ '{PHONE}' }}}}")
    writer.add_token_list(["a", "\u2581Dr.\u2581Thorne", "33333"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.close()
    found = Auditor(RegistryKeys(["course/ZZ/9911/33333/202601"])).audit([path])
    assert {(leak.field, leak.type) for leak in found.leaks} == {
        ("general.description", "EMAIL"), ("tokenizer.chat_template", "PHONE"), ("tokenizer.ggml.tokens[1]", "PERSON"),
    }  # fmt: skip


def test_what_cannot_be_read_is_said_and_is_not_clean(tmp_path: Path) -> None:
    (tmp_path / "cut.gguf").write_bytes(b"GGUF\x03\x00\x00\x00" + b"\xff" * 9)
    (tmp_path / "odd.dat").write_bytes(b"\x00\x01\x02")
    (tmp_path / "cut.gz").write_bytes(gzip.compress(b"x" * 999)[:20])
    found = report([tmp_path])
    assert {Path(path).name for path in found.unreadable} == {"cut.gguf", "odd.dat", "cut.gz"} and not found.clean


def test_the_command_says_what_it_looked_at_and_never_a_value(tmp_path: Path) -> None:
    good, bad, empty = tmp_path / "good.jsonl", tmp_path / "bad.jsonl", tmp_path / "empty"
    good.write_text('{"title":"Essay"}\n')
    bad.write_text(json.dumps({"title": f"to {MAIL}"}) + "\n")
    empty.mkdir()
    run = CliRunner().invoke
    clean = run(app, ["audit", str(good)])
    assert clean.exit_code == 0 and "no leaks; looked at 1 files" in clean.stdout and "1 lines, 1 texts" in clean.stdout
    leak = run(app, ["audit", str(bad), "--json"])
    told = json.loads(leak.stdout)
    assert leak.exit_code == 1 and told["leaks"] == [{"field": "title", "file": str(bad), "line": 1, "type": "EMAIL"}]
    assert MAIL not in leak.output
    assert run(app, ["audit", str(empty)]).exit_code == 2 == run(app, ["audit", str(tmp_path / "nothing")]).exit_code
    assert run(app, ["audit", str(good), "--registry", str(tmp_path / "none")]).exit_code == 2


def registry_keys(count: int) -> RegistryKeys:
    return RegistryKeys(
        f"course/S{chr(65 + n % 26)}{chr(65 + n // 26 % 26)}/{1000 + n % 9000}/{10000 + n}/202601" for n in range(count)
    )


def scan(known: RegistryKeys) -> None:
    """Look for what is known in texts that hold nothing of it."""
    for n in range(1000):
        text = f"Homework {n} for the seminar, read pages {n} to {n + 9} and call:study.block{{minutes:{n}}}"
        assert list(known.types_in(text)) == []


def test_a_large_registry_costs_no_more_than_a_small_one() -> None:
    """Linear in the text: looked up, not scanned for."""
    small, large = registry_keys(10), registry_keys(60_000)
    assert steps(partial(scan, large)) < 1.1 * steps(partial(scan, small))
    assert list(large.types_in("see saa 1000 there")) == ["COURSE_CODE"] and "1000" not in repr(large)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=300))
def test_any_text_is_read_without_an_error_and_undoing_twice_is_undoing_once_for_plain_text(text: str) -> None:
    for line in (text, json.dumps({"k": text}), "{" + text):
        for _, value in strings_of(line):
            assert list(readings(value))[0] == value
    Auditor().types_in(text)
    plain = "".join(char for char in text if char.isalnum() and char.isascii())
    assert normalised(plain) == plain


REPEATS = ("%", "\\u00", "&#", "<", "a@", "1-", "540 ", "CS ", '{"a":', "Dr. ", "/", "_1")


@pytest.mark.parametrize("part", REPEATS)
def test_hostile_repeats_take_steps_in_proportion_to_their_length(part: str) -> None:
    auditor = Auditor(RegistryKeys(["course/CS/3704/21936/202601", "of/a/b c d"]))
    small, large = (steps(partial(auditor.types_in, part * times)) for times in (500, 2000))
    assert large <= 4.5 * small + 100
