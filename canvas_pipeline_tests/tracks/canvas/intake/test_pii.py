"""Personal data: found offline, replaced by stable typed placeholders, and nothing else touched."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import ServiceUnavailable
from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.wire import ToolCall
from canvas_pipeline.privacy.courses.masker import CourseMasker, learn
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.privacy.identities import patterns
from canvas_pipeline.privacy.identities.pii import Finding, Model, Scrubber
from canvas_pipeline.tracks.canvas.intake.markup import scrub_rows
from canvas_pipeline.tracks.canvas.intake.synthetic import curriculum
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

KEY = b"a key for tests only"


def scrubber(model: Model | None = None, people: frozenset[str] = frozenset()) -> Scrubber:
    return Scrubber(KEY, "zed-001", model, people)


def one(text: str, kind: str = "text") -> str:
    return scrubber().scrub([text], kind)[0].text  # type: ignore[arg-type]


def typed(text: str) -> str:
    """A masked text with the digits of its placeholders left out."""
    return re.sub(r"@([A-Z_]+)\d{6}(?!\d)", r"@\1", text)


FOUND = {
    "Email Jo.Smith@Mail.Example.EDU your draft": "Email @EMAIL your draft",
    "to a_b+c@x.co.uk, now": "to @EMAIL, now",
    "write jo [at] example [dot] edu": "write @EMAIL",
    "Call (540) 555-0143 now": "Call @PHONE now",
    "Call 5405550143 to book": "Call @PHONE to book",
    "Text phone 540–555–0143": "Text phone @PHONE",
    "+1 907 555 0143": "@PHONE",
    "1-212-555-0143": "@PHONE",
    "+44 20 7946 0958": "@PHONE",
    "Form 987-65-4321": "Form @SSN",
    "Waiver, student ID 905123456": "Waiver, student ID @STUDENT_ID",
    "Meet Dr. Kowalczyk": "Meet Dr. @PERSON",
    "Peer review: Kenji Wolverton": "Peer review: @PERSON",
    "Ask Jan-Erik O’Hallorhan Dale": "Ask @PERSON",
    "Slides by john smith": "Slides by @PERSON",
    "Smith, John": "@PERSON",
    "Kowalczyk’s office hours": "@PERSON’s office hours",
    "Quiz in Penrose Tower 347": "Quiz in @ROOM",
    "Exam at 7:00 PM, Larkspur Hall 273": "Exam at @TIME, @ROOM",
    "Lab tour, Room 344": "Lab tour, @ROOM",
    "Final in Torgersen 1060": "Final in @ROOM",
    "MWF 10:10-11:00": "@TIME",
    "see https://x.example.edu/a.b, ok": "see @URL, ok",
    "at 12 Maple Oak Street, Apt 4": "at @ADDRESS",
    "ping @jdoe_22": "ping @USERNAME",
}


@pytest.mark.parametrize("text", FOUND)
def test_an_identity_becomes_a_typed_placeholder(text: str) -> None:
    assert typed(one(text)) == FOUND[text]


UNTOUCHED = (
    "id 5405550143 points", "order 123456789 widgets", "Watch video guide 905123456", "2026-03-01T04:59:59Z",
    "due 11:59 PM",
    "Lecture Hall rules", "Today’s class", "Chapter 10-12 notes", "Python 3.12", "1,000,000,000 rows",
    "Review with Python",
    "canvas.get_assignments", "calendar.find_free_blocks", "Email your draft", "By Friday Noon",
    "Professor Office Hours",
    "3d6f0a9b12ce", "version 1.2.3.4", "Group Project with Peers", "Questions for Review",
)  # fmt: skip


@pytest.mark.parametrize("text", (*UNTOUCHED, *curriculum.DECOYS))
def test_what_is_no_identity_stays(text: str) -> None:
    assert one(text) == text


def test_ordinary_titles_and_course_names_are_not_masked() -> None:
    titles = [form[0].format(t=t, n=4) for s in curriculum.SUBJECTS for t in s.topics for form in curriculum.FORMS]
    assert [r.text for r in scrubber().scrub(titles)] == titles
    names = [title for s in curriculum.SUBJECTS for _, title in s.courses] + [
        "Organic Chemistry (Honors)",
        "Biology - Lab",
    ]
    assert [r.text for r in scrubber().scrub(names, "course_name")] == names


def test_nothing_that_canvas_writes_itself_is_masked() -> None:
    codes = "ASGN QUIZ DISC TODO LTI SIS online_upload online_text_entry online_url on_paper external_tool discussion_topic".split()
    codes += (
        "not_graded unsubmitted pending_review course_snapshot todo_snapshot late excused active TBA N/A PDF".split()
    )
    texts = [*codes, *TOOLS]
    assert [found.text for found in scrubber().scrub(texts)] == texts


def test_an_instructor_is_found_where_course_names_carry_one() -> None:
    names = [
        "Music - Grzybowski",
        "Fiction (Wolverton)",
        "Prof. Umarov – Theory",
        "Calculus\u00a0📚 Featherstone’s section",
    ]
    assert [typed(one(n, "course_name")) for n in names] == [
        "Music - @PERSON", "Fiction (@PERSON)", "Prof. @PERSON – Theory", "Calculus\u00a0📚 @PERSON’s section",
    ]  # fmt: skip


def test_a_value_keeps_its_placeholder_and_two_values_never_share_one() -> None:
    results = scrubber().scrub(["to a@x.edu and b@x.edu", "A@X.EDU again", "c@x.edu"])
    first, again, other = (re.findall(r"@EMAIL\d{6}", r.text) for r in results)
    assert first[0] == again[0] and len({*first, *other}) == 3


def test_a_placeholder_depends_on_key_record_set_type_and_value_alone() -> None:
    texts = [f"to {name}@x.edu" for name in "abcdefgh"]
    forwards = [r.text for r in scrubber().scrub(texts)]
    backwards = [r.text for r in scrubber().scrub(texts[::-1])][::-1]
    assert forwards == backwards == [one(text) for text in texts]
    assert not set(forwards) & {r.text for r in Scrubber(KEY, "ada-001").scrub(texts)}
    assert not set(forwards) & {r.text for r in Scrubber(KEY[::-1], "zed-001").scrub(texts)}


def test_the_way_a_number_is_written_does_not_change_its_placeholder() -> None:
    ways = ("(540) 555-0143", "540.555.0143", "+1 540 555 0143", "５４０–５５５–０１４３")
    assert len({scrubber().placeholder("PHONE", way) for way in ways}) == 1


def test_placeholders_that_stand_in_the_input_stay() -> None:
    assert (
        typed(one("@EMAIL3 or a@x.edu, Dr. @PERSON1, @COURSE12345678"))
        == "@EMAIL3 or @EMAIL, Dr. @PERSON1, @COURSE12345678"
    )


def test_spans_are_offsets_into_the_text_as_it_came_in() -> None:
    text = "Dr. Okonjo, a@x.edu, (540) 555-0143, Room 12"
    result = scrubber().scrub([text])[0]
    assert [(text[s.start : s.end], s.type) for s in result.spans] == [
        ("Okonjo", "PERSON"), ("a@x.edu", "EMAIL"), ("(540) 555-0143", "PHONE"), ("Room 12", "ROOM"),
    ]  # fmt: skip


_PIECES = st.sampled_from(
    [
        *FOUND,
        *UNTOUCHED,
        "Dr. ",
        " with ",
        "Adam Smith",
        "John",
        "@PERSON4",
        "@COURSE12345678",
        " ",
        ", ",
        "555-0143",
        "call ",
    ]
)


@settings(max_examples=120, deadline=None)
@given(st.lists(_PIECES, max_size=5).map("".join))
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = one(text)
    assert one(once) == once


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=80))
def test_any_text_is_answered_with_spans_inside_it(text: str) -> None:
    result = scrubber().scrub([text])[0]
    assert all(0 <= s.start < s.end <= len(text) for s in result.spans)
    assert result.spans or result.text == text


def test_an_unusually_long_text_takes_linear_time() -> None:
    for text in ("a" * 60000 + "@", "1-" * 30000, "Aa " * 20000, "x.y@" * 10000):
        one(text)  # the suite's time limit is the assertion: quadratic work would take minutes


class OnlyBob:
    """A model that knows one name and calls it by BIO labels."""

    def __call__(self, texts: Sequence[str]) -> list[list[Finding]]:
        return [[Finding(t.find("bob"), t.find("bob") + 3, "I-GIVENNAME")] if "bob" in t else [] for t in texts]


def test_the_pattern_pass_also_runs_where_a_model_answered() -> None:
    assert typed(scrubber(OnlyBob()).scrub(["ask bob at bob2@x.edu"])[0].text) == "ask @PERSON at @EMAIL"


class Unruly:
    def __init__(self, answer: object) -> None:
        self.answer = answer

    def __call__(self, texts: Sequence[str]) -> Sequence[Sequence[Finding]]:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize("answer", (RuntimeError("secret text"), [], [[Finding(0, 1, "LABEL_7")]]))
def test_a_model_that_fails_or_speaks_another_language_is_refused_aloud(answer: object) -> None:
    with pytest.raises(ServiceUnavailable) as error:
        scrubber(Unruly(answer)).scrub(["some text"])
    assert "secret" not in str(error.value) and error.value.exit_code == 2


def test_every_model_label_maps_to_a_type_we_have() -> None:
    assert (
        set(patterns.MODEL_LABELS.values()) <= set(patterns.TYPES) == {p.type for p in patterns.PATTERNS} | {"PERSON"}
    )


def test_a_scrubber_counts_what_it_masked_by_type() -> None:
    masker = scrubber()
    masker.scrub(list(FOUND))
    assert masker.counts["EMAIL"] == 3 and masker.counts["PHONE"] == 6


def test_messages_keep_their_markup_and_lose_their_identities() -> None:
    call = ToolCall("calendar.create_event", {"title": "Meet Dr. Okonjo", "start_iso": "2026-03-01T09:00:00",
    "n": 5405550143,
                                              "who": ["jo@x.edu",
                                              {"say <turn|>": "in Room 12 <tool_call|>"}]})  # fmt: skip
    result = [{"id": 5405550143, "title": 'CS_3704_21936_202601 "quoted" jo@x.edu', "m": "<|tool_call>"}]
    rows = [
        {"contributor_id": "Jo Smith-1", "messages": [
            {"role": "user", "content": "Call (540) 555-0143 about CS 3704"},
            {"role": "assistant", "content": "Sure, jo@x.edu. " + wire.serialise(call)},
            {"role": "tool", "name": "canvas.get_todo", "content": wire.response_text(result)},
            {"role": "tool", "content": wire.serialise_response("canvas.get_syllabus", "Ask Dr. Okonjo")},
        ]},
    ]  # fmt: skip
    courses = CourseMasker(Registry(b"a key for tests only"), "zed-001", learn("CS_3704_21936_202601"))
    handle = courses.handle_of_code("CS 3704")
    (row,) = scrub_rows(rows, scrubber(), courses)
    user, assistant, tool, syllabus = json.loads(typed(json.dumps(row)))["messages"]
    assert row["contributor_id"] == "Jo Smith-1"
    assert user["content"] == f"Call @PHONE about {handle}"
    turn = wire.parse_turn(assistant["content"])
    assert turn.text == "Sure, @EMAIL." and turn.calls == (
        ToolCall("calendar.create_event", {"title": "Meet Dr. @PERSON", "start_iso": "2026-03-01T09:00:00",
        "n": 5405550143,
                                           "who": ["@EMAIL", {"say <turn|>": "in @ROOM <tool_call|>"}]}),
    )  # fmt: skip
    assert tool["content"] == wire.response_text(
        [{"id": 5405550143, "title": f'{handle} "quoted" @EMAIL', "m": "<|tool_call>"}]
    )
    assert syllabus["content"] == wire.serialise_response("canvas.get_syllabus", "Ask Dr. @PERSON")
    assert scrub_rows([row], scrubber(), courses) == [row]


_TEXTS = st.text(max_size=12) | st.sampled_from(
    [
        '<|"|>',
        "jo@x.edu",
        '{"a":1}',
        '{"a": "jo@x.edu"}',
        "<tool_call|>",
        "00Ô",
        "<|",
        '\\"',
        "\\u0040",
        "Dr. Okonjo",
        "[",
        '["b\\u00e9"]',
    ]
)
_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=8,
)


def _shape(value: object) -> object:
    if isinstance(value, dict):
        return {key: _shape(child) for key, child in value.items()}
    if isinstance(value, list):
        return [_shape(child) for child in value]
    return str if isinstance(value, str) else value


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(st.text(max_size=6), _VALUES, max_size=4))
def test_a_call_keeps_its_shape_and_without_an_identity_its_bytes(arguments: dict[str, object]) -> None:
    call, result = wire.serialise(ToolCall("a.b", arguments)), wire.response_text(arguments)
    nested = wire.serialise_response("a.b", json.dumps(arguments))
    for before in (call, result, nested):
        masker = scrubber()
        (after,) = scrub_rows([before], masker)
        assert "jo@x.edu" not in json.dumps(_strings(arguments)) or "@EMAIL" in after
        if not masker.counts:
            assert after == before
        if before is call:
            (parsed,) = wire.parse_turn(after).calls
            assert isinstance(parsed, ToolCall) and _shape(parsed.arguments) == _shape(arguments)
        elif before is result:
            assert _shape(json.loads(wire.unescape(after))) == _shape(arguments)
        assert scrub_rows([after], scrubber()) == [after]


def _strings(value: object) -> list[str]:
    if isinstance(value, dict):
        return [text for child in value.values() for text in _strings(child)]
    if isinstance(value, list):
        return [text for child in value for text in _strings(child)]
    return [value] if isinstance(value, str) else []


def test_a_broken_call_hides_nothing() -> None:
    broken = '<|tool_call>call:a.b{to=jo@x.edu}<tool_call|> <|tool_call>call:c{x:<|"|>jo@x.edu'
    (after,) = scrub_rows([broken], scrubber())
    assert "jo@x" not in after and after.count("<|tool_call>") == 2


def test_without_presidio_the_module_imports_and_names_the_extra() -> None:
    code = (
        "import sys; sys.modules['presidio_analyzer'] = None\n"
        "import canvas_pipeline.tracks.canvas.intake.stream.ingest, canvas_pipeline.privacy.identities.pii as pii\n"
        "from canvas_pipeline.errors import MissingTool\n"
        "try: pii.Scrubber(bytes(16), 'x')\n"
        "except MissingTool as error: print(error, error.exit_code)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=600)
    assert "--extra pii" in done.stdout and done.stdout.strip().endswith("2")
