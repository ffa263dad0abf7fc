"""What validation reports: place, reason, advice, identities by type and place; never a value, and every row counted."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.tracks.canvas.intake.checking.identity_places import OUR_KEYS, strings_of
from canvas_pipeline.tracks.canvas.intake.checking.validation import UNMASKED, validate
from canvas_pipeline_tests.tracks.canvas.intake.contributions import COURSE, contribution, course_line, work_line

_MAIL = re.compile(r"\S+@\S+\.edu")


def mails(texts: Sequence[str], course_names: bool) -> list[list[str]]:
    """A detector that knows one kind of identity, for what the report does with its answers."""
    return [["EMAIL"] if _MAIL.search(text) else [] for text in texts]


def test_validation_names_file_line_and_field_and_never_the_text(tmp_path: Path) -> None:
    path = contribution(
        tmp_path,
        b"",
        work_line(name=["secret text"], due_at="secret text"),
        course_line(type="secret text"),
        b'{"secret text',
    )
    report = validate(path)
    assert not report.ok and report.notes == {"blank": 1} and (report.records, report.rows, report.rows_in) == (1, 1, 5)
    assert report.refused == {"malformed_json": 1, "unknown_kind": 1, "wrong_type": 1}
    shown = "\n".join(map(str, report.problems))
    assert f"{path}:2:assignments[1].name: " in shown and f"{path}:3:type: " in shown and "secret" not in shown


def test_all_problems_are_counted_while_only_the_first_are_held(tmp_path: Path) -> None:
    report = validate(contribution(tmp_path, course_line(), *[b"x"] * 50), limit=3)
    assert len(report.problems) == 3 and report.refused == {"malformed_json": 50}


def test_an_identity_is_found_in_every_nested_string_and_named_by_place_only(tmp_path: Path) -> None:
    work = {**COURSE["assignments"][0], "name": "mail jo@x.edu", "extra": {"deep": [{"er": "bo@x.edu"}]}, "al@x.edu": 1}
    path = contribution(
        tmp_path, course_line(assignments=[COURSE["assignments"][0], work]), course_line(term="cy@x.edu")
    )
    report = validate(path, detector=mails)
    assert report.ok and report.identities is not None
    found = {
        entry.field: (entry.type, entry.strings, entry.places) for entry in report.identities if entry.type == "EMAIL"
    }
    assert found == {
        "assignments[].name": ("EMAIL", 1, ("1:assignments[1].name",)),
        "assignments[].other.other[].other": ("EMAIL", 1, ("1:assignments[1].other6.other0[0].other0",)),
        "assignments[].other (key)": ("EMAIL", 1, ("1:assignments[1].other7 (key)",)),
        "term": ("EMAIL", 1, ("2:term",)),
    }
    assert "@x" not in repr(report)


def test_identities_are_notes_in_a_raw_file_and_problems_in_one_that_claims_to_be_masked(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line(course_name="ask jo@x.edu", course_code="@COURSE12345678"))
    assert validate(path, detector=mails).ok
    report = validate(path, detector=mails, masked=True)
    (problem,) = report.problems
    assert not report.ok and (problem.reason, problem.line, problem.field) == (UNMASKED, 1, "course_name")
    assert "EMAIL" in str(problem) and "@x" not in str(problem)


def test_a_course_code_that_is_no_handle_is_an_identity_whatever_its_form(tmp_path: Path) -> None:
    path = contribution(tmp_path, course_line(course_code="unheard of"), course_line(course_code="@COURSE12345678"))
    (found,) = validate(path, detector=mails).identities or ()
    assert (found.type, found.field, found.places) == ("COURSE", "course_code", ("1:course_code",))


def test_a_masked_file_is_looked_at_where_it_is_no_json_too(tmp_path: Path) -> None:
    path = contribution(tmp_path, b'{"name": "jo@x.edu"')
    assert any(problem.reason == UNMASKED for problem in validate(path, detector=mails, masked=True).problems)


def test_each_distinct_text_is_asked_about_once(tmp_path: Path) -> None:
    asked: list[str] = []

    def detector(texts: Sequence[str], course_names: bool) -> list[list[str]]:
        asked.extend(texts)
        return [[] for _ in texts]

    validate(contribution(tmp_path, *[course_line()] * 30), detector=detector)
    assert len(asked) == len(set(asked)) == 9


def test_progress_is_told_all_bytes(tmp_path: Path) -> None:
    path = contribution(tmp_path, *[course_line()] * 9)
    sizes: list[int] = []
    validate(path, progress=sizes.append)
    assert sum(sizes) == path.stat().st_size


_KEYS = st.text(max_size=4) | st.sampled_from(sorted(OUR_KEYS))
_JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_KEYS, inner, max_size=3),
    max_leaves=10,
)


@settings(max_examples=200)
@given(_JSON)
def test_every_string_of_any_json_is_walked_and_no_foreign_key_is_in_a_place(value: object) -> None:
    def count(node: object) -> int:
        if isinstance(node, dict):
            return sum(bool(key and key not in OUR_KEYS) + count(child) for key, child in node.items())
        return sum(map(count, node)) if isinstance(node, list) else int(isinstance(node, str) and node != "")

    found = list(strings_of(3, json.dumps({"x": value}).encode()))
    assert len(found) == 1 + count(value)
    allowed = "|".join(sorted(map(re.escape, OUR_KEYS), key=len, reverse=True))
    assert all(re.fullmatch(rf"3:(?:other\d+|{allowed}|\[\d+\]|\.| \(key\))+", s.place) for s in found)
