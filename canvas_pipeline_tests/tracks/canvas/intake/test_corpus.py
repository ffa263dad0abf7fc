"""From contributors' files to one corpus: everything masked, nothing invented, nothing lost, any order the same."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import SchemaMismatch
from canvas_pipeline.privacy.audit.auditor import report
from canvas_pipeline.records import dumps, write_jsonl
from canvas_pipeline.tracks.canvas.intake.reading.normalise import is_overdue, normalise
from canvas_pipeline.tracks.canvas.intake.stream.table import checked
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.rows import Item, item_id
from canvas_pipeline_tests.tracks.canvas.intake.contributions import Intake, merge
from canvas_pipeline_tests.tracks.canvas.intake.contributions import intake as intake_file

KEY = b"a key for tests only"
AT = "2026-02-16T14:05:33.482913-05:00"


def intake(tmp_path: Path, *records: dict[str, Any], name: str = "zed-001", registry: Path | None = None) -> Intake:
    path = tmp_path / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"contributor_id": name, "collected_at": AT, **r}) + "\n" for r in records))
    return intake_file(path, KEY, registry)


def course(
    *works: dict[str, Any], code: str = "MATH_1226_11111_202601", name: str = "Calculus", term: str = "2026 Spring"
) -> dict[str, Any]:
    base = {
        "name": "Quiz 1",
        "type": "QUIZ",
        "due_at": None,
        "points_possible": 5.0,
        "submission_types": ["none"],
        "submission_status": "GRADED",
    }
    return {
        "type": "course_snapshot",
        "course_name": name,
        "course_code": code,
        "term": term,
        "assignments": [{**base, **w} for w in works],
    }


def todo(*items: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "todo_snapshot",
        "items": [{"type": "ASGN", "assignment_name": "Essay", "due_at": None, "course_id": 7, **i} for i in items],
    }


def test_a_null_due_date_stays_null_and_a_known_one_keeps_its_instant(tmp_path: Path) -> None:
    items = intake(tmp_path, course({}, {"name": "B", "due_at": "2026-03-01T00:59:59-04:00"})).items
    assert {i.title: i.due_at for i in items} == {"Quiz 1": None, "B": "2026-03-01T04:59:59Z"}


def test_the_reference_instant_is_the_collection_and_never_the_clock(tmp_path: Path) -> None:
    assert {i.collected_at for i in intake(tmp_path, course({}), todo({})).items} == {AT}


def test_submitted_or_graded_work_is_never_overdue(tmp_path: Path) -> None:
    past = {"due_at": "2026-01-01T00:00:00Z"}
    works = [{**past, "name": s, "submission_status": s} for s in ("GRADED", "SUBMITTED", "NOT_SUBMITTED")]
    result = intake(tmp_path, course(*works, {"name": "undated", "submission_status": "NOT_SUBMITTED"}))
    assert [i.title for i in result.items if is_overdue(i)] == ["NOT_SUBMITTED"] and result.counts["overdue"] == 1


def test_unknown_types_become_asgn_and_are_counted_and_never_quoted(tmp_path: Path) -> None:
    result = intake(
        tmp_path,
        course({"type": "jo@x.edu", "submission_types": ["jo@x.edu", "none"], "submission_status": "jo@x.edu"}),
    )
    (item,) = result.items
    assert (item.type, item.submission_types, item.submission_status) == ("ASGN", ("other", "none"), None)
    assert {k: v for k, v in result.counts.items() if k.startswith("unknown")} == {
        "unknown_type": 1, "unknown_submission_type": 1, "unknown_submission_status": 1,
    }  # fmt: skip
    assert "jo@x" not in str(result)


def test_codes_names_titles_and_terms_are_masked(tmp_path: Path) -> None:
    titles = [{"name": n} for n in ("CS 3704 exam", "mail jo@x.edu", "Meet Dr. Okonjo in Room 12")]
    result = intake(
        tmp_path,
        course(
            *titles,
            code="CS_3704_21936_202601",
            name="CS_3704_21936_202601: Design (Okonjo)",
            term="Spring 2026 (21936)",
        ),
    )
    handle = result.items[0].course
    expected = (rf"{handle} exam", r"mail @EMAIL\d{6}", r"Meet Dr\. @PERSON\d{6} in @ROOM\d{6}")
    assert all(any(re.fullmatch(form, item.title) for item in result.items) for form in expected)
    assert re.fullmatch(rf"{handle}: Design \(@PERSON\d{{6}}\)", result.items[0].course_name or "")
    assert result.items[0].term == f"Spring 2026 ({handle})"


def test_a_todo_item_finds_its_course_and_else_gets_one_of_its_own(tmp_path: Path) -> None:
    due = {"due_at": "2026-03-01T04:59:59Z"}
    sibling, stranger, homeless = (
        {"assignment_name": "S"},
        {"assignment_name": "X", "course_id": 8},
        {"assignment_name": "Y", "course_id": None},
    )
    result = intake(tmp_path, course({"name": "Essay", **due}), todo(due, sibling, stranger, homeless))
    of = {item.title: item.course for item in result.items}
    essays = [item for item in result.items if item.title == "Essay"]
    assert len(essays) == 2 and {(i.course, i.points_possible) for i in essays} == {(of["Essay"], 5.0)}
    assert of["S"] == of["Essay"] and of["X"] not in (None, of["Essay"]) and of["Y"] is None


def test_a_todo_item_that_fits_two_courses_is_given_to_neither(tmp_path: Path) -> None:
    twice = [course({"name": "Essay"}, code=code) for code in ("MATH_1226_11111_202601", "CS_1064_22222_202601")]
    items = intake(tmp_path, *twice, todo({})).items
    assert len({item.course for item in items}) == 3


def test_the_funnel_adds_up_and_names_reasons(tmp_path: Path) -> None:
    result = intake(tmp_path, course({}, {"points_possible": -1}, {"name": "  "}), {"type": "other"}, todo({}))
    assert (result.funnel.rows_in, result.funnel.kept) == (5, 2)
    assert result.funnel.refused == {"negative_points": 1, "empty_title": 1, "unknown_kind": 1}


@pytest.mark.parametrize(
    "variant", ("Lab\u00a01 – “Café”’s", 'LAB  1 - "cafe\u0301"\'s ', "Lab 1 — ”Café“ʼs 🎉", 'lab 1 ‑ "Café"‘s\ufe0f')
)
def test_spaces_quotes_dashes_emoji_and_case_do_not_matter_for_the_key(variant: str) -> None:
    assert normalise(variant) == 'lab 1 - "café"\'s'


def test_titles_are_kept_as_their_author_wrote_them(tmp_path: Path) -> None:
    title = "Lab\u00a01 – What’s  next? 🎉 "
    assert intake(tmp_path, course({"name": title})).items[0].title == title


def test_a_title_repeated_across_courses_survives_and_a_duplicate_in_one_is_merged(tmp_path: Path) -> None:
    result = intake(tmp_path, course({}, {"name": "quiz\u00a01 "}), course({}, code="CS_1064_22222_202601"))
    items, funnel = merge([result.items])
    assert len(items) == 2 and (funnel.rows_in, funnel.merged) == (3, 1)


def test_the_same_course_of_two_contributors_is_one_and_their_rows_are_united(tmp_path: Path) -> None:
    a, b = (intake(tmp_path, course({}), name=n).items for n in ("a-001", "b-002"))
    (item,), funnel = merge([a, b])
    assert item.contributors == ("a-001", "b-002") and funnel.merged == 1
    assert item.parents == (*a[0].parents, *b[0].parents) and re.fullmatch(r"a-001:[0-9a-f]{12}", item.parents[0])


def test_two_contributors_partial_codes_and_own_handles_never_become_one_course(tmp_path: Path) -> None:
    for code in ("@COURSE1", "MATH 1226", "Math fun"):
        a, b = (intake(tmp_path, course({}, code=code, term="Default Term"), name=n).items for n in ("a-001", "b-002"))
        assert len(merge([a, b])[0]) == 2, code


@pytest.fixture(scope="module")
def contributed(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Path], list[Intake], Path]:
    folder = tmp_path_factory.mktemp("collab")
    paths = synthesize(3, 12, 40, 11, folder)
    registry = folder / "private" / "registry.jsonl"
    return paths, [intake_file(path, KEY, registry) for path in paths], registry


def test_any_order_of_files_gives_the_same_bytes(contributed: tuple[list[Path], list[Intake], Path]) -> None:
    paths, intakes, _ = contributed
    expected = dumps(merge([i.items for i in intakes])[0])
    again = [intake_file(path, KEY).items for path in reversed(paths)]
    random.Random(1).shuffle(again[0])
    assert dumps(merge(again)[0]) == expected


def test_every_source_row_is_accounted_for(contributed: tuple[list[Path], list[Intake], Path]) -> None:
    paths, intakes, _ = contributed
    rows = 0
    for path in paths:
        for line in path.read_text().splitlines():
            record = json.loads(line)
            rows += len(record.get("assignments", record.get("items")))
    items, funnel = merge([i.items for i in intakes])
    assert sum(i.funnel.rows_in for i in intakes) == rows == funnel.rows_in and funnel.kept == len(items)


def test_the_corpus_is_clean_to_the_auditor_and_holds_nothing_of_the_registry(
    contributed: tuple[list[Path], list[Intake], Path], tmp_path: Path
) -> None:
    paths, intakes, registry = contributed
    write_jsonl(tmp_path / "corpus.jsonl", merge([i.items for i in intakes])[0])
    write_jsonl(tmp_path / "refusals.jsonl", [r for i in intakes for r in i.refusals])
    assert report([tmp_path], registry).total == 0
    assert report(paths).total > 0


def test_masking_the_corpus_again_changes_nothing(
    contributed: tuple[list[Path], list[Intake], Path], tmp_path: Path
) -> None:
    for result in contributed[1][:2]:
        first = result.items[:200]
        works = [{"name": i.title, "type": i.type} for i in first]
        again = intake(
            tmp_path,
            *(course(w, code=i.course or "", name=i.course_name or "") for w, i in zip(works, first, strict=True)),
        )
        assert sorted((i.title, i.course, i.course_name or "") for i in again.items) == sorted(
            (i.title, i.course, i.course_name or "") for i in first
        )


def test_ids_are_the_hash_of_type_title_and_course_and_are_unique(
    contributed: tuple[list[Path], list[Intake], Path],
) -> None:
    items, _ = merge([i.items for i in contributed[1]])
    assert all(i.id == item_id(i.type, normalise(i.title), i.course) for i in items) and len(
        {i.id for i in items}
    ) == len(items)
    assert [i.id for i in items] == sorted(i.id for i in items)


def test_the_table_check_names_the_column_and_not_the_value(
    contributed: tuple[list[Path], list[Intake], Path],
) -> None:
    items: list[Item] = merge([i.items for i in contributed[1]])[0]
    rows = [msgspec.Raw(dumps(item)) for item in items]
    assert [bytes(row) for row in checked(rows)] == [bytes(row) for row in rows] and list(checked([])) == []
    undated = [
        msgspec.structs.replace(item, due_at=None, course=None, submission_status=None, points_possible=None)
        for item in items
    ]
    assert len(list(checked([msgspec.Raw(dumps(item)) for item in undated]))) == len(items)
    for column, value in (("course", "CS 3704"), ("due_at", "soonish"), ("id", "not-an-id"), ("points_possible", -3.5)):
        with pytest.raises(SchemaMismatch, match=column) as error:
            list(checked([msgspec.Raw(dumps(msgspec.structs.replace(items[0], **{column: value}))), *rows[1:]]))
        assert str(value) not in str(error.value)
