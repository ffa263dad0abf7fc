"""Handles replace courses: whose they are, independent of order, nothing unmasked in output or logs."""

from __future__ import annotations

import itertools
import json
import logging
import pickle
import re
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import workspace
from canvas_pipeline.privacy.courses.masker import CourseMasker, Learned, learn, merge
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.courses.registry_file import raw_identities
from canvas_pipeline.tracks.canvas.data import intake as line_intake
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.steps import steps
from canvas_pipeline_tests.tracks.canvas.intake.course_cases import INSIDE, WHOLE
from canvas_pipeline_tests.tracks.canvas.intake.course_decoys import DECOYS

KEY = b"a key for tests only"
FULL = "CS_3704_21936_202601"


def masker(contributor: str = "zed-001", *codes: str, term: str | None = "2026 Spring") -> CourseMasker:
    return CourseMasker(Registry(KEY), contributor, merge(learn(code, term) for code in codes))


def only_handle(text: str) -> str:
    found = HANDLE.findall(text)
    assert len(found) == 1, "one handle"
    return f"@COURSE{found[0]}"


@pytest.mark.parametrize("shape", WHOLE)
@pytest.mark.parametrize("known", ((), (FULL, "zz_9911_33333_202601", "intro-7b-yard")))
def test_masking_changes_the_mention_and_nothing_else(shape: str, known: tuple[str, ...]) -> None:
    masked, count = masker("zed-001", *known).mask(f"«{shape}» – notes")
    assert count >= 1 and HANDLE.sub("@", masked) == "«@» – notes"


@pytest.mark.parametrize("decoy", DECOYS)
def test_what_only_looks_like_a_course_is_unchanged_whatever_was_learnt(decoy: str) -> None:
    known = masker("zed-001", "CS_3704_54321_202601", "MATH 1226", "intro-7b-yard", "CS 61A", "Week 10", "FALL 2023")
    assert known.mask(decoy) == (decoy, 0)


def test_spellings_of_one_course_share_its_handle_once_its_code_is_known() -> None:
    known = masker("zed-001", FULL)
    handle = known.handle_of_code(FULL)
    texts = (
        "CS 3704", "CS3704", "cs-3704", "CS_3704_202601", "(21936)", "bring 21936 along", "cs3704 hw", "CS3704-001",
        "CS 3704 Spring 2026", "3704 CS", "course 3704", "class #3704", "CRN21936", "C\u200bS 3704", "ＣＳ３７０４", "cs 3704exam",
        "x_CS_3704_21936_202601_y",
    )  # fmt: skip
    assert {text: only_handle(known.mask(text)[0]) for text in texts} == dict.fromkeys(texts, handle)


REVEALED = (
    # code, name, text elsewhere, what must be gone
    ("zz_9911_33333_202601", "", "zz 9911 prep", "9911"), ("zz_9911_33333_202601", "", "room list 33333", "33333"),
    ("ZZ_9911_33333_202601", "", "ZZ 4411 next year", "4411"), ("intro-7b-yard", "", "INTRO-7B-YARD page", "7B"),
    ("intro-7b-yard", "", "intro 7b  yard", "7b"), ("CS 61A", "", "cs61a lab", "61a"), ("CS 61A", "", "CS 61 retake", "61"),
    ("Honors_Seminar_Alpha", "", "the honors_seminar_alpha site", "alpha"), ("6.006", "", "6.006 problem set", "6.006"),
    ("Data Structures 21936", "", "see 21936", "21936"), ("X", "Data Structures - 21936", "see 21936", "21936"),
    ("X", "CS_3704_21936_202601: Software", "21936", "21936"), ("@COURSE3 Econ of …", "Econ [17100]", "17100?", "17100"),
    ("QQ 101", "", "qq101 final", "101"), ("Qqq-4411-x", "", "qqq 4411", "4411"), ("bio-42", "", "BIO 42", "42"),
)  # fmt: skip


@pytest.mark.parametrize(("code", "name", "text", "gone"), REVEALED)
def test_what_a_record_reveals_is_masked_wherever_else_it_stands(code: str, name: str, text: str, gone: str) -> None:
    known = CourseMasker(Registry(KEY), "zed-001", learn(code, "2026 Spring", name))
    masked, count = known.mask(text)
    assert count >= 1 and gone not in HANDLE.sub("@", masked)


def test_a_revealed_code_and_its_own_field_have_one_handle() -> None:
    for code, text in (
        ("intro-7b-yard", "the INTRO 7B YARD"),
        ("CS 61A", "cs61a"),
        ("Data Structures 21936", "CRN 21936"),
    ):
        known = masker("zed-001", code)
        assert only_handle(known.mask(text)[0]) == known.handle_of_code(code, "2026 Spring"), code


def test_an_everyday_code_reveals_nothing() -> None:
    codes = ("Week 10", "FALL 2023", "Spring 2026", "Biology", "3704", "Group 2", "EXAM 100", "202601")
    assert merge(learn(code, "2026 Spring") for code in codes) == Learned()


RECORDS = (
    (FULL, "2026 Spring", ""), ("CS 3704", "2026 Spring", ""), ("MATH 2024H", None, "Calculus (12345)"),
    ("intro-7b-yard", None, ""),
    ("Data Structures (21936)", "2026 Spring", ""), ("202601_CS_3704_21940", None, ""), ("ZZ 4411", "Fall 2025", "ZZ (33333)"),
)  # fmt: skip
TEXTS = (
    "CS 3704 exam",
    "math2024h",
    "21936",
    "(21940)",
    "Intro 7B yard",
    "zz4411 and 33333",
    "CS_3704_21940_202601",
    "ZZ 1001",
)


@given(st.permutations(RECORDS), st.integers(0, len(RECORDS)))
def test_neither_the_order_of_learning_nor_how_it_was_split_shows(
    order: list[tuple[str, str | None, str]], at: int
) -> None:
    parts = [learn(*record) for record in order]
    split = merge([merge(parts[:at]), merge(parts[at:])])
    assert split == merge(learn(*record) for record in RECORDS)
    expected = CourseMasker(Registry(KEY), "z", merge(learn(*record) for record in RECORDS))
    assert [CourseMasker(Registry(KEY), "z", split).mask(t) for t in TEXTS] == [expected.mask(t) for t in TEXTS]


def test_what_was_learnt_travels_without_the_registry_and_does_not_show_itself() -> None:
    learned = merge(learn(*record) for record in RECORDS)
    assert pickle.loads(pickle.dumps(learned)) == learned
    shown = f"{learned!r} {CourseMasker(Registry(KEY), 'z', learned)!r} {learned.courses!r}"
    assert not any(raw in shown for raw in ("3704", "21936", "MATH", "7b", "33333"))


def test_a_full_identity_is_shared_between_contributors_and_a_partial_one_is_not() -> None:
    assert masker("a").handle_of_code(FULL) == masker("b").handle_of_code(FULL)
    assert masker("a").handle_of_code("CS 3704", None) != masker("b").handle_of_code("CS 3704", None)
    assert masker("a").handle_of_code("CS 3704", "2026 Spring") == masker("b").handle_of_code("cs3704", "Spring 2026")


@pytest.mark.parametrize(
    ("code", "others"),
    [
        ("GDP: QIN611 & QIN651", ("QIN611", "QIN 651", "GDP: QIN611 & QIN671", "Thesis: QIN611 & QIN651")),
        ("CS 3114/5040", ("CS 3114", "CS 5040", "CS 3114/5044")), ("CS3114/CS5040", ("CS 3114", "CS 5040")),
        ("CS 61A & CS 61B", ("CS 61A", "CS 61B")), ("CS 4414 / MATH 4414", ("CS 4414", "MATH 4414")),
        ("CS_3704_21936_202601 & CS_3704_21937_202601", ("CS_3704_21936_202601", "CS_3704_21937_202601")),
    ],
)  # fmt: skip
def test_a_course_whose_code_is_a_list_is_none_of_those_that_it_lists(code: str, others: tuple[str, ...]) -> None:
    made = masker("zed-001", code, *others)
    handles = [made.handle_of_code(each, "2026 Spring") for each in (code, *others)]
    assert len(set(handles)) == len(handles)
    assert made.handle_of_code(code, "2026 Fall") != handles[0]
    left = HANDLE.sub("", made.mask(f"Meeting of {code}")[0])
    assert not any(part in left for part in ("QIN", "3114", "3704", "61", "4414"))


@pytest.mark.parametrize(
    "code", ["CS_3704_21936_202601 CS 3704", "CS 3704 (21936)", "CS 3704 / 2026", "CS 3704-001, 002"]
)
def test_a_code_that_says_one_course_twice_or_with_its_section_is_no_list(code: str) -> None:
    made = masker("zed-001")
    first = code if "21936" in code else "CS 3704"
    assert made.handle_of_code(code, "2026 Spring") == made.handle_of_code(
        first.removesuffix(" CS 3704"), "2026 Spring"
    )


def test_sections_with_different_reference_numbers_are_different_and_an_unknown_one_joins_neither() -> None:
    handles = {
        masker(n).handle_of_code(c, "2026 Spring")
        for n, c in zip("abc", (FULL, FULL.replace("21936", "21940"), "CS 3704"))
    }
    assert len(handles) == 3


def test_two_contributors_own_short_handles_never_meet() -> None:
    a, b = (masker(name).mask("@COURSE1 notes")[0] for name in ("a", "b"))
    assert a != b and "@COURSE1 " not in a + b
    assert masker("a").handle_of_code("@COURSE1 Econ of …") in a


def test_a_crn_that_only_the_name_tells_completes_the_code() -> None:
    known = CourseMasker(Registry(KEY), "zed-001", learn("PSYC 3014H", "2026 Spring", "Cognitive Psychology (17100)"))
    assert known.handle_of_code("PSYC 3014H", "2026 Spring") in known.mask("Cognitive Psychology (17100)")[0]


def test_every_case_is_masked_in_one_go_and_stays_as_it_is() -> None:
    known = masker("zed-001", FULL, "intro-7b-yard", "CS 61A")
    for case in itertools.chain(WHOLE, INSIDE, DECOYS):
        once, _ = known.mask(case)
        assert known.mask(once) == (once, 0)


@given(st.text(max_size=60) | st.text("CSMATHcs 0123456789_-()@OURE\u00a0/３\u200b", max_size=60) | st.lists(
    st.sampled_from(["CS", "3704", "21936", "202601", "_", " ", "@COURSE3", "@COURSE12345678", "intro", "7b", "yard",
                     "(", ")", "/", "9", "CRN", ",", "cs", "@", ".edu", "a"]),
    max_size=12,
).map("".join))  # fmt: skip
@settings(max_examples=300, deadline=None)
def test_masking_twice_is_masking_once(text: str) -> None:
    known = masker("zed-001", FULL, "intro-7b-yard")
    once, _ = known.mask(text)
    assert known.mask(once) == (once, 0)


@given(st.text(st.characters(), min_size=5, max_size=20))
@settings(deadline=None)
def test_any_code_at_all_gets_a_handle(code: str) -> None:
    known = CourseMasker(Registry(KEY), "zed-001", learn(code, "2026 Spring", code))
    assert HANDLE.fullmatch(known.handle_of_code(code)) and known.handle_of_code(code) == known.handle_of_code(code)
    known.mask(f"about {code}")


def with_codes(codes: int) -> CourseMasker:
    return masker(
        "z",
        *(f"ZQ_{1000 + n % 7000}_{10000 + n}_202601" for n in range(codes)),
        *(f"seminar-{n}x-a" for n in range(codes)),
    )


def mask_thousand(known: CourseMasker) -> None:
    for n in range(1000):
        known.mask(f"Homework {n}: notes for 9{n} and seminar 5x b 1234")


def test_thousands_of_learnt_codes_cost_a_text_no_more_than_a_few() -> None:
    many, few = (steps(partial(mask_thousand, with_codes(codes))) for codes in (3_000, 10))
    assert many < 2 * few


def test_intake_writes_and_says_no_raw_code_reference_number_or_key(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Mission row C24: over everything that intake writes but the private folder, everything it logs, prints, returns."""
    caplog.set_level(logging.DEBUG)
    synthesize(2, 12, 8, 3, tmp_path / "collab")
    logged: list[str] = []
    ws = workspace(tmp_path, "embedded", TRACK, log=logged.append)
    made = [line_intake.collab(ws, name) for name in line_intake.contributor_files(ws)] + [build_stage(ws, "corpus")]
    key, registry = ws.registry()
    raw: set[str] = {key.decode(), key.hex()}
    for path in sorted((tmp_path / "collab" / "truth").glob("*.jsonl")):
        lines = [
            json.loads(line)
            for line in (tmp_path / "collab" / path.name.replace(".truth", "")).read_text().splitlines()
        ]
        for truth in map(json.loads, path.read_text().splitlines()):
            if truth["type"] == "COURSE" and truth["field"].startswith("course_"):
                raw.add(lines[truth["line"] - 1][truth["field"]][truth["start"] : truth["end"]])
    identities = raw_identities(registry, {})
    raw.update(identities)
    raw.update(part for identity in identities for part in identity.split("/") if part.isdigit() and len(part) == 5)
    assert len(raw) > 40
    out, err = capfd.readouterr()
    shown = [
        out,
        err,
        caplog.text,
        *logged,
        repr(made),
        *(repr(m.facts) for m in made),
        repr([m.stage.manifest for m in made]),
    ]
    shown += [p.read_bytes().decode("utf-8", "replace") for p in (tmp_path / "artifacts").rglob("*") if p.is_file()]
    shown += [str(p) for p in (tmp_path / "artifacts").rglob("*")]
    # Five digits stand by chance within the longer numbers of a manifest: times in nanoseconds, hashes, handles.
    sought = [rf"(?<![0-9A-Za-z]){s}(?![0-9A-Za-z])" if re.fullmatch(r"\d{5}", s) else re.escape(s) for s in raw]
    assert sum(any(re.search(secret, text) for text in shown) for secret in sought) == 0, (
        "raw identities were shown (not printed here)"
    )
