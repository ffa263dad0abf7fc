"""Every field rule of a router row refuses what breaks it, with the field and the place."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.verifiers.plan_fields import REQUIRED, check_route

TODOS = [f"- [ ] step {number}" for number in range(4)] + ["- [x] Router QA: verify the result"]


def row(**fields: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "user_query": "q" * 100,
        "task_summary": "s" * 50,
        "route_plan": ["/math(x)", "/code(y)"],
        "route_rationale": "because",
        "expected_artifacts": ["a", "- b", "1. c"],
        "thinking_outline": ["1", "2", "3", "4"],
        "todo_list": TODOS,
        "difficulty": "Advanced",
        "handoff_plan": "math -> code -> router, which verifies the result",
        "tags": ["t"],
        "acceptance_criteria": ["ok"],
        "metrics": {"primary": ["p"], "secondary": ["s"], "primary_guidance": "g"},
    }
    return {**values, **fields}


def faults(**fields: Any) -> list[tuple[str, str]]:
    return [(fault.field, fault.label) for fault in check_route(row(**fields))]


def test_a_good_row_has_no_fault() -> None:
    assert faults() == []
    assert (
        faults(
            quality_score=1,
            compute_budget={"gpu_minutes": 1.5},
            repro={"seed": 1, "deterministic": True},
            requires_browse=False,
        )
        == []
    )


@pytest.mark.parametrize(
    ("field", "value", "label"),
    [
        ("user_query", "q" * 99, "query_short"),
        ("user_query", 5, "field_type"),
        ("user_query", None, "field_missing"),
        ("task_summary", "s" * 49, "summary_short"),
        ("route_plan", [], "plan_empty"),
        ("route_plan", None, "plan_empty"),
        ("route_plan", ["/math(x)", "/code(f(x)=1 (see [1]), in Python"], "plan_unparsable:1"),
        ("route_plan", ["/math(x)"] * 2, "plan_repeats"),
        ("route_plan", [f"/math({n})" for n in range(9)], "plan_size"),
        ("route_rationale", " ", "field_missing"),
        ("expected_artifacts", ["a", "b"], "list_size"),
        ("expected_artifacts", ["a"] * 6, "list_size"),
        ("expected_artifacts", ["a", "", "c"], "field_type"),
        ("thinking_outline", ["1", "2", "3"], "list_size"),
        ("tags", [], "list_size"),
        ("acceptance_criteria", "ok", "field_type"),
        ("handoff_plan", "math and code and the router verifies the result", "handoff"),
        ("handoff_plan", "math -> code -> router, which sees the result", "handoff"),
        ("handoff_plan", "a -> verify", "handoff"),
        ("todo_list", TODOS[1:], "todo_size"),
        ("todo_list", TODOS[:4] + ["step"], "todo_form"),
        ("todo_list", TODOS[:4] + ["- [ ] step"], "todo_form"),
        ("todo_list", ["* [ ] a", *TODOS[1:]], "todo_form"),
        ("difficulty", "hard", "difficulty"),
        ("difficulty", 3, "difficulty"),
        ("metrics", {"primary": ["p"], "secondary": []}, "metrics"),
        ("metrics", [], "metrics"),
        ("compute_budget", {"gpu_minutes": "12 min"}, "field_type"),
        ("quality_score", True, "field_type"),
        ("quality_score", float("nan"), "field_type"),
        ("repro", {"deterministic": 1}, "field_type"),
        ("requires_browse", "no", "field_type"),
        ("citation_policy", 1, "field_type"),
        ("io_schema", 1, "field_type"),
    ],
)
def test_a_field_that_breaks_its_rule_is_a_fault(field: str, value: Any, label: str) -> None:
    assert (field, label) in faults(**{field: value})


@pytest.mark.parametrize(
    ("level", "query", "summary", "todos", "outline"),
    [("introductory", 60, 35, 3, 3), ("intermediate", 80, 40, 4, 4), ("ADVANCED", 100, 50, 5, 4)],
)
def test_sizes_follow_the_difficulty(level: str, query: int, summary: int, todos: int, outline: int) -> None:
    def at(less: int) -> set[str]:
        return {
            field
            for field, _ in faults(
                difficulty=level,
                user_query="q" * (query - less),
                task_summary="s" * (summary - less),
                todo_list=TODOS[-(todos - less) :],
                thinking_outline=["1"] * (outline - less),
            )
        }

    assert at(0) == set()
    assert at(1) == {"user_query", "task_summary", "todo_list", "thinking_outline"}


def test_relaxed_rules_ask_for_ten_characters_of_query() -> None:
    assert check_route(row(user_query="q" * 10), relaxed=True) == ()
    assert [fault.reason for fault in check_route(row(user_query="q" * 9), relaxed=True)] == ["query_short"]


def test_a_fault_has_its_place() -> None:
    (fault,) = check_route(row(route_plan=["/math(x)", "/code(y"]))
    assert (fault.index, fault.at) == (1, 7)
    (fault,) = check_route(row(todo_list=[*TODOS[:2], "step", *TODOS[3:]]))
    assert fault.index == 2


def test_all_faults_of_an_empty_row_are_listed() -> None:
    assert {fault.field for fault in check_route({})} == set(REQUIRED)


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=6),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(sorted(row())), ANY))
def test_no_row_raises(fields: dict[str, Any]) -> None:
    check_route(row(**fields))
    check_route(fields, relaxed=True)
