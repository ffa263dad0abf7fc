"""A plan's figures count every case, and each reacts to its own part of the completion only."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from canvas_pipeline.verifiers.plan_scores import FIGURES, plan_tags, score_plan
from canvas_pipeline.verifiers.plans import KEYS, Completion, read_completion, serialise_completion

FIELDS: dict[str, Any] = {
    "route_plan": ["/math(model)", '/general-search(query="data", mode=web)', "/code(run)", "/math(check)"],
    "route_rationale": "why",
    "expected_artifacts": ["a", "b", "c"],
    "thinking_outline": ["1", "2", "3", "4"],
    "handoff_plan": "/math -> /general-search -> /code, then verify",
    "difficulty": "advanced",
    "tags": ["t"],
    "acceptance_criteria": ["ok"],
    "todo_list": ["- [ ] math: model", "- [ ] search: data", "- [ ] code: run", "- [ ] math: check", "- [ ] router QA"],
    "metrics": {"primary": ["p"], "secondary": ["s"], "primary_guidance": "g", "primary_computation": "c"},
}


def text(**fields: Any) -> str:
    return json.dumps({key: {**FIELDS, **fields}[key] for key in KEYS})


def read(said: str) -> Completion:
    found = read_completion(said)
    assert isinstance(found, Completion)
    return found


GOLD = read(text())


def test_the_gold_completion_has_full_figures() -> None:
    score = score_plan(GOLD, serialise_completion(GOLD))
    assert (score.state, score.length_ratio) == ("right", 1.0)
    assert score.figures == dict.fromkeys(FIGURES, 1.0)


PLAN = FIELDS["route_plan"]


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"route_plan": ["/math(other)", *PLAN[1:]]}, {"route_plan_exact": 0}),
        (
            {"route_plan": [PLAN[0], '/general-search(query="data", mode=rag)', *PLAN[2:]]},
            {"route_plan_exact": 0, "mode_match": 0},
        ),
        (
            {"route_plan": PLAN[:3]},
            {"route_plan_exact": 0, "route_tools_exact": 0, "last_tool": 0, "edit_similarity": 0.75},
        ),
        (
            {"route_plan": ["/code(a)", "/math(b)", "/math(c)"]},
            {
                "route_plan_exact": 0,
                "route_tools_exact": 0,
                "first_tool": 0,
                "tool_recall": 2 / 3,
                "edit_similarity": 0.25,
                "mode_match": 0,
            },
        ),
        (
            {
                "route_plan": [*PLAN, "/code(x)"],
            },
            {"route_plan_exact": 0, "route_tools_exact": 0, "last_tool": 0, "edit_similarity": 0.8},
        ),
        (
            {"metrics": {"primary": ["p"], "secondary": []}},
            {"metrics_keys": 0, "metrics_lists": 0, "guidance_kept": 0, "computation_kept": 0},
        ),
        ({"metrics": None}, {"metrics_keys": 0, "metrics_lists": 0, "guidance_kept": 0, "computation_kept": 0}),
        ({"todo_list": list(reversed(FIELDS["todo_list"]))}, {"todo_alignment": 0}),
        ({"todo_list": ["- [ ] math", "- [ ] code"]}, {"todo_alignment": 0, "todo_covers": 0}),
        ({"handoff_plan": "math -> code"}, {"handoff_covers": 0}),
        ({"expected_artifacts": []}, {"artifacts": 0}),
        ({"acceptance_criteria": [""]}, {"acceptance": 0}),
    ],
    ids=lambda value: ",".join(value),
)
def test_a_fault_costs_its_own_figures(fields: dict[str, Any], lost: dict[str, float]) -> None:
    score = score_plan(GOLD, text(**fields))
    expected = dict.fromkeys(FIGURES, 1.0) | lost
    assert score.figures == pytest.approx(expected)
    assert score.state == ("wrong" if "route_plan_exact" in lost else "right")


@pytest.mark.parametrize(
    ("said", "stopped", "state"),
    [
        ("", True, "no_answer"),
        ("{", True, "malformed"),
        ("I do not know", True, "malformed"),
        (text(), False, "truncated"),
        ("<think>" + text(), True, "truncated"),
    ],
    ids=["empty", "broken", "prose", "limit", "thinking"],
)
def test_a_completion_that_cannot_be_read_misses_every_figure(said: str, stopped: bool, state: str) -> None:
    score = score_plan(GOLD, said, stopped=stopped)
    assert score.state == state and score.figures == dict.fromkeys(FIGURES, 0.0)


def test_an_unreadable_plan_misses_the_figures_of_the_plan_only() -> None:
    score = score_plan(GOLD, text(route_plan=["/router(x)"]))
    assert (score.state, score.reason) == ("malformed", "plan_unparsable")
    assert score.figures["json_valid"] == score.figures["ten_keys"] == score.figures["todo_covers"] == 1
    assert score.figures["tool_precision"] == score.figures["tool_recall"] == score.figures["route_plan_exact"] == 0


def test_other_keys_cost_ten_keys_and_are_never_right() -> None:
    score = score_plan(GOLD, json.dumps({**json.loads(text()), "extra": 1}))
    assert (score.state, score.reason, score.figures["ten_keys"]) == ("malformed", "keys", 0)
    assert score.figures["route_plan_exact"] == 1


def test_a_plan_is_compared_in_its_canonical_form() -> None:
    assert score_plan(GOLD, text(route_plan=[f"  {step}\n" for step in PLAN])).state == "right"


def test_length_is_measured_against_the_gold_completion() -> None:
    assert score_plan(GOLD, serialise_completion(GOLD) * 2).length_ratio == 2


def test_cases_belong_to_groups() -> None:
    everything = {"math_first", "four_step", "has_guidance", "has_computation", "advanced"}
    assert plan_tags(GOLD) == everything
    assert plan_tags(GOLD, majority=("math", "general-search", "code", "math")) == everything
    assert plan_tags(GOLD, majority=("math", "code")) == everything | {"non_canonical_route"}
    plain = read(
        text(route_plan=["/code(x)"], difficulty="introductory", metrics={"primary": ["p"], "secondary": ["s"]})
    )
    assert plan_tags(plain) == frozenset()


ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | st.dictionaries(st.sampled_from(KEYS), ANY).map(lambda fields: text(**fields)))
def test_any_completion_has_every_figure_between_0_and_1(said: str) -> None:
    score = score_plan(GOLD, said)
    assert tuple(score.figures) == FIGURES
    assert all(0 <= figure <= 1 for figure in score.figures.values())
    assert (score.state == "right") <= (score.figures["route_plan_exact"] == 1)
