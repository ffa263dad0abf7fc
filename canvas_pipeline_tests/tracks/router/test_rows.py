"""Router rows become prompts and completions, are refused with the true reason, and are split by their ids alone."""

from __future__ import annotations

import json
import random
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.records import dumps, read_jsonl
from canvas_pipeline.tracks.router import intake, splits, synthetic
from canvas_pipeline.tracks.router.rows import RouterRow, example_of, prompt_of, query_hash, row_of
from canvas_pipeline.tracks.router.samples import BROKEN, FILE, TRUTH, Truth, write_samples
from canvas_pipeline.verifiers.plan_fields import LEVELS, check_route
from canvas_pipeline.verifiers.plans import KEYS, Completion, read_completion

DATA = Path(__file__).parents[3] / "data/router"
DRAWN = synthetic.rows(400, 3)


def row(**changed: Any) -> dict[str, Any]:
    return DRAWN[0] | changed


def rows(found: list[dict[str, Any]]) -> list[RouterRow]:
    return [row_of(one, one["id"], "drawn") for one in found]


def written(folder: Path, *found: object) -> Path:
    path = folder / "rows.jsonl"
    path.write_bytes(b"\n".join(dumps(one) for one in found))
    return path


def test_every_drawn_row_is_good_and_one_route_holds_seventy_percent() -> None:
    assert not [fault for one in DRAWN for fault in check_route(one)]
    routes = Counter(tuple(step.tool for step in one.completion.steps) for one in rows(DRAWN))
    assert 0.63 <= routes[synthetic.CANONICAL] / len(DRAWN) <= 0.77
    assert {*routes} == {synthetic.CANONICAL, *synthetic.OTHERS} and {one["difficulty"] for one in DRAWN} == {*LEVELS}
    assert synthetic.rows(50, 3) == DRAWN[:50] and len({one["user_query"] for one in DRAWN}) == len(DRAWN)


@pytest.mark.parametrize("think", (False, True))
def test_a_completion_is_the_ten_keys_in_order_and_reads_back(think: bool) -> None:
    for one in rows(DRAWN[:60]):
        text = one.completion_text(think=think)
        assert text.startswith("<think>\n1. ") == think
        assert tuple(json.loads(text.rpartition("</think>\n")[2])) == KEYS
        found = read_completion(text)
        assert isinstance(found, Completion) and found.steps == one.completion.steps


def test_the_prompt_names_the_ten_keys_and_ends_before_the_completion() -> None:
    example = example_of(rows(DRAWN)[0], think=False)
    assert all(key in example.prompt for key in KEYS) and f"User query: {DRAWN[0]['user_query']}\n" in example.prompt
    assert example.prompt == prompt_of(DRAWN[0]["user_query"]) and example.messages[1].content.startswith("{")


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"user_query": "x" * 20}, "query_short"),
        ({"task_summary": "x"}, "summary_short"),
        ({"route_plan": []}, "plan_empty"),
        ({"route_plan": ["/math(a)", "/code(Write f(x)=x**2 (see [1]), using Python"]}, "plan_unparsable:1"),
        ({"route_plan": ["/router(a)"]}, "plan_unparsable:0"),
        ({"route_plan": ["/math(a)"] * 2}, "plan_repeats"),
        ({"route_plan": [f"/math({n})" for n in range(9)]}, "plan_size"),
        ({"route_rationale": ""}, "field_missing"),
        ({"expected_artifacts": ["a", "b"]}, "list_size"),
        ({"thinking_outline": ["a"] * 7}, "list_size"),
        ({"acceptance_criteria": []}, "list_size"),
        ({"handoff_plan": "math and then code and then the end of it all"}, "handoff"),
        ({"todo_list": ["- [ ] a", "b", "- [ ] c", "- [ ] router QA"]}, "todo_form"),
        ({"todo_list": ["- [ ] router QA"]}, "todo_size"),
        ({"difficulty": "hard"}, "difficulty"),
        ({"metrics": {"primary": ["a"], "secondary": []}}, "metrics"),
        ({"quality_score": "12 min"}, "field_type"),
        ({"id": 7}, "field_type"),
    ],
)
def test_a_row_is_refused_with_the_true_reason(changed: dict[str, Any], reason: str, tmp_path: Path) -> None:
    found = intake.read_rows([written(tmp_path, row(**changed), DRAWN[1])])
    assert [(one.line, one.reason) for one in found.refusals] == [(1, reason)]
    assert [one.id for one in found.rows] == [DRAWN[1]["id"]]


def test_a_refusal_holds_no_text_of_the_row(tmp_path: Path) -> None:
    secret = row(handoff_plan="Ask Xanthippe Quill first", expected_artifacts=["Xanthippe"])
    (refusal,) = intake.read_rows([written(tmp_path, secret)]).refusals
    assert "Xanthippe" not in dumps(refusal).decode() and "handoff_plan handoff" in refusal.detail


def test_relaxed_rules_take_short_queries_and_nothing_else(tmp_path: Path) -> None:
    path = written(tmp_path, row(user_query="Bread in Paris?"), DRAWN[1] | {"handoff_plan": "x"})
    assert [one.reason for one in intake.read_rows([path]).refusals] == ["query_short", "handoff"]
    assert [one.reason for one in intake.read_rows([path], relaxed=True).refusals] == ["handoff"]


def test_equal_rows_merge_and_others_with_the_same_id_or_query_are_refused(tmp_path: Path) -> None:
    other = DRAWN[1] | {"id": DRAWN[0]["id"]}
    same_query = row(id="another", route_rationale="Another one.")
    found = intake.read_rows([written(tmp_path, DRAWN[0], DRAWN[0], other, same_query, row(id="renamed"))])
    assert (len(found.rows), found.funnel.merged) == (1, 2)
    assert [one.reason for one in found.refusals] == ["duplicate_id", "duplicate_query"]


def test_optional_and_unknown_fields_are_kept_and_counted(tmp_path: Path) -> None:
    given = row(quality_score=0.9, flavour="sweet", difficulty=str(DRAWN[0]["difficulty"]).upper())
    given["metrics"] = {**given["metrics"], "primary_guidance": "State it."}
    del given["id"]
    given["route_plan"] = ["/general-search(bread, mode=fast)", "/code(a)"]
    found = intake.read_rows([written(tmp_path, given)])
    (kept,) = found.rows
    assert kept.extra == {"quality_score": 0.9, "flavour": "sweet"} and found.unknown == {"flavour": 1}
    assert kept.difficulty == DRAWN[0]["difficulty"] and kept.metrics["primary_guidance"] and found.modeless == 1
    assert kept.id == f"router_{query_hash(given['user_query'])}"


def test_the_shipped_file_is_drawn_anew_byte_for_byte_and_refused_where_its_truth_says(tmp_path: Path) -> None:
    for made, shipped in zip(write_samples(tmp_path), (DATA / FILE, DATA / TRUTH / FILE), strict=True):
        assert made.read_bytes() == shipped.read_bytes()
    found = intake.read_rows([DATA / FILE])
    truth = list(read_jsonl(DATA / TRUTH / FILE, Truth))
    assert [(one.line, one.reason) for one in found.refusals] == [(one.line, one.reason) for one in truth]
    assert (len(found.rows), len(truth)) == (300, len(BROKEN))


def numbered(count: int) -> list[RouterRow]:
    """Make many rows of one, which differ in their ids and difficulties."""
    one = rows(DRAWN[:1])[0]
    return [
        msgspec.structs.replace(one, id=f"r{number}", difficulty=LEVELS[number * 3 // count]) for number in range(count)
    ]


def test_8189_rows_give_6962_818_and_409_in_any_order_of_the_file() -> None:
    every = numbered(8189)
    found = splits.split(every, 7)
    assert {part: len(members) for part, members in found.items()} == {"train": 6962, "eval": 818, "test": 409}
    again = splits.split(random.Random(1).sample(every, len(every)), 7)
    assert again == found and splits.split(every, 8) != found


@settings(max_examples=30, deadline=None)
@given(count=st.integers(0, 300), seed=st.integers(0, 9), stratify=st.booleans())
def test_a_split_loses_and_repeats_no_row(count: int, seed: int, stratify: bool) -> None:
    every = numbered(count)
    found = splits.split(every, seed, stratify)
    ids = [one.id for members in found.values() for one in members]
    assert sorted(ids) == sorted(one.id for one in every)
    if not stratify:
        assert {part: len(members) for part, members in found.items()} == splits.sizes(count)


def test_a_limit_of_a_sorted_file_holds_all_difficulties_and_the_same_rows_each_time() -> None:
    every = numbered(3000)
    taken = splits.ordered(every, 7)[:200]
    assert {one.difficulty for one in taken} == {*LEVELS}
    assert splits.ordered(every[::-1], 7)[:200] == taken
