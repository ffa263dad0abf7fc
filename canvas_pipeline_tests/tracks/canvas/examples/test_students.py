from __future__ import annotations

import random
import re
from collections import Counter
from datetime import datetime

import msgspec
import pytest

from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.canvas.examples import campus
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, course_label, imprint, reschedule, short, students
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, corpus, embedded_students


def test_every_item_with_a_course_belongs_to_exactly_one_student() -> None:
    items = corpus()
    used = Counter(item_id for account in embedded_students() for item_id in account.item_ids)
    assert set(used) == {item.id for item in items}
    assert max(used.values()) == 1


def test_an_item_without_a_course_belongs_to_no_student() -> None:
    items = corpus(20)
    items[0] = msgspec.structs.replace(items[0], course=None)
    assert items[0].id not in {i for account in students(items, EMBEDDED, 7) for i in account.item_ids}


@pytest.mark.parametrize("name", list(PROFILES))
def test_a_student_stays_within_the_profile(name: str) -> None:
    profile = PROFILES[name]
    for account in students(corpus(), profile, 7):
        assert 1 <= len(account.courses) <= profile.mock_courses
        assert len(account.items) <= profile.mock_courses * profile.mock_assignments
        assert 1 <= account.page_size <= 20


def test_students_do_not_depend_on_the_order_of_the_items() -> None:
    shuffled = random.Random(3).sample(corpus(), len(corpus()))
    assert students(shuffled, EMBEDDED, 7) == list(embedded_students())


def test_another_seed_makes_other_students() -> None:
    assert students(corpus(), EMBEDDED, 8) != list(embedded_students())


def test_students_are_the_same_on_a_machine_with_other_course_handles() -> None:
    here, there = embedded_students(), students(corpus(handles=50_000_000), EMBEDDED, 7)

    def seen(account: Snapshot) -> tuple[object, ...]:
        return (
            account.id,
            account.now,
            account.events,
            [a.id for a in account.assignments],
            [imprint(item) for item in account.items],
        )

    assert [seen(account) for account in here] == [seen(account) for account in there]


def test_titles_points_and_due_dates_are_the_corpus_own_and_a_null_due_date_stays_null() -> None:
    for account in embedded_students():
        for assignment, item in zip(account.assignments, account.items, strict=True):
            assert assignment.item_id == item.id
            assert item.title.startswith(assignment.title)
            assert assignment.points_possible == item.points_possible
            if item.due_at is None:
                assert assignment.due_iso is None
            else:
                assert assignment.due_iso is not None
                assert datetime.fromisoformat(assignment.due_iso) == datetime.fromisoformat(item.due_at).replace(
                    second=0
                )


def test_no_identity_is_invented() -> None:
    for account in embedded_students():
        assert all(re.fullmatch(r"@PERSON\d+", name) for course in account.courses for name in course.instructors)
        titles = {e.title for e in account.events}
        assert titles <= {*campus.PERSONAL_EVENTS, *campus.ALL_DAY_EVENTS, *campus.EXAMS}


def test_events_do_not_overlap_and_are_never_at_night() -> None:
    for account in embedded_students():
        spans = sorted(
            (datetime.fromisoformat(e.start_iso), datetime.fromisoformat(e.end_iso))
            for e in account.events
            if not e.all_day
        )
        assert all(first[1] <= second[0] for first, second in zip(spans, spans[1:], strict=False))
        assert all(start.hour >= 7 and end.hour < 23 for start, end in spans)
        assert sum(e.title in campus.EXAMS for e in account.events) == 1


def test_ids_are_integers_of_three_to_five_digits_and_differ_within_a_student() -> None:
    for account in embedded_students():
        courses, assignments = [c.id for c in account.courses], [a.id for a in account.assignments]
        assert len(set(courses)) == len(courses) and all(100 <= n <= 99_999 for n in courses)
        assert len(set(assignments)) == len(assignments) and all(1000 <= n <= 99_999 for n in assignments)
        assert len({e.id for e in account.events}) == len(account.events)
        assert all(re.fullmatch(r"ev\d{2,3}", e.id) for e in account.events)


def test_graded_work_whose_due_date_has_passed_is_handed_in() -> None:
    for account in embedded_students():
        for a, item in zip(account.assignments, account.items, strict=True):
            past = a.due_iso is not None and datetime.fromisoformat(a.due_iso) < account.instant
            if past and item.submission_status in ("GRADED", "SUBMITTED"):
                assert a.submitted


def test_a_rescheduled_student_has_the_same_items_and_other_ids_and_times() -> None:
    account = embedded_students()[0]
    first, again, other = reschedule(account, "a"), reschedule(account, "a"), reschedule(account, "b")
    assert first == again
    assert first.items == other.items == account.items and first.id == account.id
    assert {c.id for c in first.courses}.isdisjoint(c.id for c in other.courses)
    assert [a.title for a in first.assignments] == [a.title for a in other.assignments]


def test_a_snapshot_survives_json() -> None:
    account = embedded_students()[0]
    assert msgspec.json.decode(dumps(account), type=Snapshot) == account


@pytest.mark.parametrize(
    ("title", "shown"),
    [
        ("Lab 3", "Lab 3"),
        ("  Lab\u00a0 3 ", "Lab 3"),
        ("An essay on the history of the history of history", "An essay on the history of the"),
        ("x" * 50, "x" * 36),
    ],
)
def test_a_title_is_cut_at_a_word(title: str, shown: str) -> None:
    assert short(title) == shown


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("@COURSE12345678: Introduction to Programming", "Introduction to Programming"),
        ("World Music @TIME1 @ROOM3", "World Music"),
        ("Prof. @PERSON4 – Statistical Methods", "Statistical Methods"),
        ("@COURSE12345678", "@COURSE9"),
        (None, "@COURSE9"),
    ],
)
def test_a_course_is_called_by_its_name_without_placeholders(name: str | None, shown: str) -> None:
    item = msgspec.structs.replace(corpus(1)[0], course="@COURSE9", course_name=name)
    assert course_label(item) == shown
