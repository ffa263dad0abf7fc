from __future__ import annotations

from collections import Counter

import pytest

from canvas_pipeline.models.gemma4.wire import ToolCall, parse_turn
from canvas_pipeline.tracks.canvas.bench.faithfulness import honest, invented
from canvas_pipeline.tracks.canvas.examples.answers import answer
from canvas_pipeline.tracks.canvas.examples.failures import OUTAGES
from canvas_pipeline.tracks.canvas.examples.follow_ups import CHANGED, REFERRED
from canvas_pipeline.tracks.canvas.examples.phrasings.continued import CONTINUED
from canvas_pipeline.tracks.canvas.examples.phrasings.corrected import CORRECTED
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import REMARKS
from canvas_pipeline.tracks.canvas.examples.phrasings.plain import PLAIN
from canvas_pipeline.tracks.canvas.examples.phrasings.steps import STEPS
from canvas_pipeline.tracks.canvas.examples.policy import PLAIN_ANSWERS, REMARK_ANSWERS, SINGLES, situations
from canvas_pipeline.tracks.canvas.examples.requests import REFERRING
from canvas_pipeline.tracks.canvas.examples.sequences import SEQUENCES
from canvas_pipeline.tracks.canvas.examples.situation import KINDS, Situation, decisions, messages, used_items
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS, validate
from canvas_pipeline_tests.tracks.canvas.examples.accounts import EMBEDDED, embedded_students
from canvas_pipeline_tests.tracks.canvas.examples.test_phrasings import every_wording

COUNTS = {
    "single": 42, "several": 30, "sequence": 3 * len(SEQUENCES), "follow_up": 20, "dialogue": 46, "failed": 20, "none": 30,
}  # fmt: skip


@pytest.fixture(scope="module", params=["train", "bench"])
def made(request: pytest.FixtureRequest) -> list[Situation]:
    return list(situations(embedded_students(), EMBEDDED, 7, KINDS, MockCanvas.of, request.param, COUNTS))  # type: ignore[arg-type]


def test_every_kind_is_made_as_often_as_asked(made: list[Situation]) -> None:
    assert Counter(situation.kind for situation in made) == COUNTS
    assert len({situation.id for situation in made}) == len(made)


def test_single_requests_go_round_all_tools(made: list[Situation]) -> None:
    assert Counter(s.calls[0].name for s in made if s.kind == "single") == {
        name: 2 * SINGLES.count(name) for name in TOOLS
    }


def test_every_call_is_valid_and_its_result_is_what_the_canvas_really_returns(made: list[Situation]) -> None:
    for situation in made:
        canvas = MockCanvas.of(situation.snapshot)
        for call, result in zip(situation.calls, situation.results, strict=True):
            assert validate(call) == ()
            if (
                situation.kind == "failed"
                and isinstance(result, dict)
                and result.get("error", {}).get("code") in OUTAGES
            ):
                continue  # a fault that is not the account's
            assert canvas.dispatch(call.name, call.arguments) == result
            assert situation.kind == "failed" or not (isinstance(result, dict) and "error" in result)


def test_after_a_failure_the_answer_says_so_or_asks_and_invents_nothing(made: list[Situation]) -> None:
    failed = [situation for situation in made if situation.kind == "failed"]
    for situation in failed:
        last = decisions(situation)[-1]
        assert honest(last.prompt, last.completion[0].content), situation.answer
    codes = {r["error"]["code"] for s in failed for r in s.results if isinstance(r, dict) and "error" in r}
    assert {"not_found", "conflict", "sleep_time", "in_the_past"} <= codes and codes & set(OUTAGES)
    assert any(s.results[-1] == [] for s in failed)


def test_every_answer_after_a_result_is_found_faithful(made: list[Situation]) -> None:
    for situation in made:
        for point in decisions(situation):
            if point.answer is not None and point.prompt[-1].role == "tool":
                assert invented(point.prompt, point.completion[0].content) == (), point.answer


def test_a_second_request_changes_or_continues_the_first_exchange(made: list[Situation]) -> None:
    dialogues = [situation for situation in made if situation.kind == "dialogue"]
    subjects = {s.exchanges[1].phrasing.split("/")[0] for s in dialogues}
    assert subjects == set(CONTINUED) | set(CORRECTED) == set(REFERRED) | set(CHANGED)
    for situation in dialogues:
        first, second = situation.exchanges
        (call,) = second.steps[0].calls
        assert call not in first.steps[-1].calls
        if second.phrasing.split("/")[0] in CHANGED and call.name != "calendar.modify_event":
            assert call.name == first.steps[-1].calls[0].name


def test_only_wordings_of_the_asked_role_are_used(made: list[Situation]) -> None:
    role = {wording.id: wording.role for wording in every_wording()}
    for situation in made:
        assert {role[name] for name in situation.phrasing.split("+")} == {situation.role}


def test_decisions_are_the_assistant_turns_of_the_conversation(made: list[Situation]) -> None:
    for situation in made:
        whole = messages(situation)
        decision_points = decisions(situation)
        assert [m.completion[0] for m in decision_points] == [m for m in whole if m.role == "assistant"]
        for point in decision_points:
            assert whole[: len(point.prompt)] == point.prompt
            assert (point.answer is None) == bool(point.calls)
            turn = parse_turn(point.completion[0].content)
            assert turn.well_formed == point.calls and not turn.malformed
        assert decision_points[-1].answer == situation.answer


def test_a_several_situation_makes_its_calls_in_one_turn(made: list[Situation]) -> None:
    for situation in made:
        if situation.kind == "several":
            first, *later = situation.exchanges[0].steps
            assert 1 <= len(first.calls) <= 2 and len(situation.calls) >= 2
            if later:  # a course that was named: it is looked up beside the other call
                assert "canvas.list_courses" in {call.name for call in first.calls}


def test_some_situations_ask_one_tool_twice(made: list[Situation]) -> None:
    calls = [[call.name for call in s.exchanges[0].steps[0].calls] for s in made if s.kind == "several"]
    assert any(len(names) == 2 and names[0] == names[1] for names in calls)


def test_a_sequence_needs_the_first_result_for_its_later_call(made: list[Situation]) -> None:
    sequences = [situation for situation in made if situation.kind == "sequence"]
    assert all(len(decisions(situation)) >= 3 for situation in sequences)
    named = {tool.split(".")[1] for tool in REFERRING}
    assert set(STEPS) == {template.subject for template in SEQUENCES}
    assert {s.phrasing.split("/")[0] for s in sequences} == set(STEPS) | named


def test_a_follow_up_ends_without_a_further_call_and_none_has_no_call_at_all(made: list[Situation]) -> None:
    for situation in made:
        if situation.kind == "follow_up":
            first, second = situation.exchanges
            assert len(first.steps) == 1 and second.steps == ()
        if situation.kind == "none":
            assert situation.calls == () and situation.answer in PLAIN_ANSWERS.values()


def test_every_situation_names_items_of_its_own_student_only(made: list[Situation]) -> None:
    for situation in made:
        assert situation.item_ids and set(situation.item_ids) <= set(situation.snapshot.item_ids)


def test_the_same_seed_gives_the_same_situations_and_another_seed_others() -> None:
    def make(seed: int) -> list[Situation]:
        return list(situations(embedded_students(), EMBEDDED, seed, ("several",), MockCanvas.of, counts={"several": 4}))

    assert make(1) == make(1) != make(2)


def test_without_students_there_are_no_situations() -> None:
    assert list(situations([], EMBEDDED, 7, KINDS, MockCanvas.of)) == []


def test_every_plain_subject_and_remark_has_an_answer() -> None:
    assert set(PLAIN) == set(PLAIN_ANSWERS)
    assert set(REMARKS) - set(REMARK_ANSWERS) == {"repeat"}


def test_an_answer_to_an_error_says_what_is_wrong() -> None:
    account = embedded_students()[0]
    call = ToolCall("canvas.get_grades", {"course_id": 1})
    result = MockCanvas.of(account).dispatch(call.name, call.arguments)
    assert answer(call, result).startswith(f"That did not work: {result['error']['message']}. ")


def test_a_text_that_names_a_title_uses_that_item_and_one_that_names_none_uses_all() -> None:
    account = embedded_students()[0]
    first = account.assignments[0]
    assert used_items(account, f"about {first.title}!") == tuple(
        a.item_id for a in account.assignments if a.title in f"about {first.title}!"
    )
    assert used_items(account, "hello") == account.item_ids
