from __future__ import annotations

from collections import Counter

import msgspec
import pytest

from canvas_pipeline.models.gemma4.wire import ToolCall, parse_turn
from canvas_pipeline.tracks.canvas.bench.cases import SHARES, cases
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import BenchCase
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, embedded_students
from canvas_pipeline_tests.tracks.canvas.examples.test_phrasings import every_wording

STUDENTS = embedded_students()[:5]


@pytest.fixture(scope="module")
def made() -> list[BenchCase]:
    return cases(STUDENTS, EMBEDDED, 7, MockCanvas.of)


def test_there_are_as_many_cases_as_the_profile_asks_for_and_no_prompt_twice(made: list[BenchCase]) -> None:
    assert len(made) >= EMBEDDED.bench_cases
    assert len({case.messages for case in made}) == len({case.id for case in made}) == len(made)


def test_every_tool_has_at_least_20_single_cases(made: list[BenchCase]) -> None:
    single = Counter(case.expected_tools[0] for case in made if case.kind == "single")
    assert set(single) == set(TOOLS) and min(single.values()) >= 20


def test_every_kind_has_its_share(made: list[BenchCase]) -> None:
    kinds = Counter(case.kind for case in made)
    assert set(kinds) == set(SHARES)
    for kind, share in SHARES.items():
        assert kinds[kind] >= share * EMBEDDED.bench_cases


def test_only_bench_wordings_are_used(made: list[BenchCase]) -> None:
    role = {wording.id: wording.role for wording in every_wording()}
    assert {role[name] for case in made for name in case.phrasing.split("+")} == {"bench"}


def test_expected_calls_are_valid_and_a_right_act_of_stopping_expects_none(made: list[BenchCase]) -> None:
    for case in made:
        assert len(case.expected_tools) == len(case.expected_args)
        for name, arguments in zip(case.expected_tools, case.expected_args, strict=True):
            assert validate(ToolCall(name, arguments)) == ()
        few = {"none": (0, 0), "follow_up": (0, 0), "failed": (0, 0), "several": (1, 2)}.get(case.kind, (1, 1))
        assert few[0] <= len(case.expected_tools) <= few[1], case.kind


def test_a_prompt_ends_where_the_model_must_act(made: list[BenchCase]) -> None:
    endings = Counter((case.kind, case.messages[-1].role) for case in made)
    assert set(endings) == {
        ("single", "user"), ("several", "user"), ("none", "user"), ("dialogue", "user"), ("follow_up", "user"),
        ("follow_up", "tool"), ("failed", "tool"), ("sequence", "user"), ("sequence", "tool"),
    }  # fmt: skip
    assert abs(endings["follow_up", "user"] - endings["follow_up", "tool"]) <= 1
    assert abs(endings["sequence", "user"] - endings["sequence", "tool"]) <= endings["sequence", "tool"] / 2
    for case in made:
        asked = [m for m in case.messages if m.role == "assistant" and parse_turn(m.content).calls]
        later = case.kind in ("follow_up", "dialogue", "failed") or case.messages[-1].role == "tool"
        assert bool(asked) == later


def test_cases_draw_only_on_the_students_given(made: list[BenchCase]) -> None:
    owner = {item_id: account.id for account in STUDENTS for item_id in account.item_ids}
    assert all(case.item_ids and len({owner[i] for i in case.item_ids}) == 1 for case in made)


def test_cases_survive_json_and_are_the_same_again(made: list[BenchCase]) -> None:
    assert cases(STUDENTS, EMBEDDED, 7, MockCanvas.of) == made
    assert msgspec.json.decode(msgspec.json.encode(made), type=list[BenchCase]) == made


def test_a_smaller_selection_set_can_be_asked_for() -> None:
    some = cases(STUDENTS, EMBEDDED, 7, MockCanvas.of, count=60)
    assert 60 <= len(some) < 90
    assert {case.expected_tools[0] for case in some if case.kind == "single"} == set(TOOLS)
    assert cases([], EMBEDDED, 7, MockCanvas.of) == []
