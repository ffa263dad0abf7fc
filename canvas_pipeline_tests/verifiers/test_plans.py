"""Plans are read as written, written canonically, and every text that is none has a reason and a place."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.verifiers.plans import (
    KEYS,
    MODES,
    Completion,
    Malformed,
    Step,
    parse_plan,
    parse_step,
    read_completion,
    read_object,
    serialise_completion,
    serialise_step,
)

READ: list[tuple[str, tuple[str, str, str | None]]] = [
    ("/math(Integrate f over [0, 1) and (0, 1])", ("math", "Integrate f over [0, 1) and (0, 1]", None)),
    ("  /code( Write\nf(x) )\n", ("code", "Write\nf(x)", None)),
    ("/code(f(x), mode=web)", ("code", "f(x), mode=web", None)),
    (
        '/general-search(query="who said \\"math, mode=web\\"?", mode=both)',
        ("general-search", 'who said "math, mode=web"?', "both"),
    ),
    ('/general-search(query="a", mode=rag)', ("general-search", "a", "rag")),
    ('/general-search(query = "a" , mode = "web")', ("general-search", "a", "web")),
    ("/general-search(find x, mode=web)", ("general-search", "find x", "web")),
    ("/general-search(find x, y)", ("general-search", "find x, y", None)),
    ('/general-search(query="a")', ("general-search", "a", None)),
    ('/general-search(query="a", mode=fast)', ("general-search", "a", None)),
    ('/general-search(query="mode=web, x")', ("general-search", "mode=web, x", None)),
    ('/general-search(query="a" and "b", mode=web)', ("general-search", 'query="a" and "b"', "web")),
    ('/general-search(query="a\\d")', ("general-search", "a\\d", None)),
]


@pytest.mark.parametrize(("text", "parts"), READ, ids=[row[0] for row in READ])
def test_a_step_is_read(text: str, parts: tuple[str, str, str | None]) -> None:
    step = parse_step(text)
    assert isinstance(step, Step) and (step.tool, step.text, step.mode) == parts


REFUSED: list[tuple[object, str, int, str | None]] = [
    ("/code(Write f(x)=x**2 (see [1]), using Python", "unclosed", 45, None),
    ("  /math(1) then stop", "unclosed", 20, None),
    ("/router(x)", "unknown_tool", 0, None),
    ("/search(x)", "unknown_tool", 0, "general-search"),
    (" general search for x", "unknown_tool", 1, "general-search"),
    ("/Math(x)", "unknown_tool", 0, "math"),
    ("/math", "unopened", 5, None),
    ("/math()", "empty", 6, None),
    ('/general-search(query="", mode=web)', "empty", 16, None),
    ("", "empty", 0, None),
    (None, "not_text", 0, None),
    (5, "not_text", 0, None),
]


@pytest.mark.parametrize(("text", "reason", "at", "nearest"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_a_text_that_is_no_step_has_a_reason_and_a_place(
    text: object, reason: str, at: int, nearest: str | None
) -> None:
    found = parse_step(text)
    assert isinstance(found, Malformed) and (found.reason, found.at, found.nearest) == (reason, at, nearest)


@pytest.mark.parametrize(
    ("plan", "label"),
    [
        ([], "plan_empty"),
        ("/math(x)", "plan_empty"),
        (None, "plan_empty"),
        (["/math(x)", "/code(y"], "plan_unparsable:1"),
        (["/math(x)", "/math( x )"], "plan_repeats"),
        ([f"/math({n})" for n in range(9)], "plan_size"),
        (["/math(x)", 5], "plan_unparsable:1"),
    ],
)
def test_a_list_that_is_no_plan_has_a_reason(plan: object, label: str) -> None:
    found = parse_plan(plan)
    assert isinstance(found, Malformed) and found.label == label


def test_a_plan_may_repeat_a_step_later() -> None:
    steps = parse_plan(["/math(x)", "/code(y)", "/math(x)"])
    assert not isinstance(steps, Malformed) and len(steps) == 3


TEXTS = st.text(min_size=1).map(str.strip).filter(bool)
STEPS = st.builds(Step, tool=st.sampled_from(["math", "code"]), text=TEXTS) | st.builds(
    Step, tool=st.just("general-search"), text=TEXTS, mode=st.none() | st.sampled_from(MODES)
)


@given(STEPS)
def test_a_step_is_the_same_after_writing_and_reading(step: Step) -> None:
    written = serialise_step(step)
    assert parse_step(written) == step
    assert parse_step(f" \n{written}\t") == step


@given(st.text() | st.from_regex(r"/(math|code|general-search)\((query=\")?[^q]*(\", mode=\w+)?\)?", fullmatch=True))
def test_any_text_is_read_or_refused_and_its_canonical_form_is_stable(text: str) -> None:
    found = parse_step(text)
    if isinstance(found, Step):
        assert parse_step(serialise_step(found)) == found
        assert serialise_step(parse_step(serialise_step(found))) == serialise_step(found)  # type: ignore[arg-type]
    else:
        assert 0 <= found.at <= len(text)


@pytest.mark.parametrize(
    "piece", ["/math(", '/general-search(query="', "\\", ",", " ", "mode=web,", '"', "a-", ", mode ="]
)
def test_long_steps_take_linear_time(piece: str) -> None:
    start = time.process_time()
    for text in (
        piece * 20_000,
        f"/general-search({piece * 20_000})",
        f'/general-search(query="{piece * 20_000}", mode=web)',
    ):
        parse_step(text)
    assert time.process_time() - start < 5


def completion(plan: list[str] | None = None, **fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "route_plan": plan or ["/math(solve)", "/code(run)"],
        "route_rationale": "why",
        "expected_artifacts": ["a", "b", "c"],
        "thinking_outline": ["a", "b", "c"],
        "handoff_plan": "math -> code, then verify",
        "todo_list": ["- [ ] math", "- [ ] code"],
        "difficulty": "introductory",
        "tags": ["t"],
        "acceptance_criteria": ["ok"],
        "metrics": {"primary": ["p"], "secondary": ["s"]},
    }
    return {**values, **fields}


def test_a_completion_is_read_and_written_canonically() -> None:
    text = json.dumps(completion(["/general-search(é)", " /math(x)"]))
    read = read_completion(text)
    assert isinstance(read, Completion)
    written = serialise_completion(read)
    assert '"/general-search(query=\\"é\\")", "/math(x)"' in written
    assert serialise_completion(read_completion(written)) == written  # type: ignore[arg-type]


def test_one_leading_thinking_block_is_stripped() -> None:
    text = json.dumps(completion())
    assert read_completion(f"<think>\n1. a\n</think>\n{text}") == read_completion(text)
    found = read_completion(f"<think>\n1. a\n{text}")
    assert isinstance(found, Malformed) and found.reason == "truncated"


GOOD = json.dumps(completion())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "no_answer"),
        ("  \n", "no_answer"),
        ("{", "malformed_json"),
        (GOOD + " done", "malformed_json"),
        ("```json\n" + GOOD + "\n```", "malformed_json"),
        ("[1]", "keys"),
        ("{}", "keys"),
        (json.dumps(completion(extra=1)), "keys"),
        (json.dumps(dict(reversed(completion().items()))), "keys"),
        (GOOD[:-1] + ', "tags": []}', "duplicate_key"),
        (json.dumps(completion(metrics=float("nan"))), "malformed_json"),
        ("[" * 100_000, "malformed_json"),
        (json.dumps(completion(tags=["\ud800"])), "malformed_json"),
        ("9" * 5000, "malformed_json"),
        (json.dumps(completion(["x"])), "plan_unparsable"),
    ],
    ids=lambda value: value[:20],
)
def test_a_text_that_is_no_completion_has_a_reason(text: str, reason: str) -> None:
    found = read_completion(text)
    assert isinstance(found, Malformed) and found.reason == reason


def test_broken_json_has_its_place() -> None:
    text = "<think>a</think>" + GOOD + " done"
    found = read_completion(text)
    assert isinstance(found, Malformed) and text[found.at :] == "done"


def test_a_completion_at_the_length_limit_is_truncated_even_if_it_is_whole() -> None:
    found = read_object(GOOD, stopped=False)
    assert isinstance(found, Malformed) and found.reason == "truncated"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.text() | JSON.map(json.dumps) | st.fixed_dictionaries(dict.fromkeys(KEYS, JSON)).map(json.dumps))
def test_no_completion_raises(text: str) -> None:
    read = read_completion(text)
    if isinstance(read, Completion):
        assert read_completion(serialise_completion(read)) == Completion(
            fields=read.fields | {"route_plan": [serialise_step(step) for step in read.steps]}, steps=read.steps
        )


@given(st.lists(STEPS, min_size=1, max_size=8))
def test_a_plan_is_the_same_after_writing_and_reading(steps: list[Step]) -> None:
    distinct = [step for step, before in zip(steps, [None, *steps]) if step != before]
    assert parse_plan([serialise_step(step) for step in distinct]) == tuple(distinct)
