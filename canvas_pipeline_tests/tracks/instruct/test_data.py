"""Training rows and pairs of the instruct track: nothing wrong is trained on, and every row is accounted for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import pytest

from canvas_pipeline.datasets.text_model import Generated
from canvas_pipeline.errors import BadInput
from canvas_pipeline.records import dumps
from canvas_pipeline.tracks.instruct.data import (
    BuiltRows,
    asks_the_same,
    build_pairs,
    build_rows,
    leaking_rows,
    model_drafts,
    pass_at,
    sample_answers,
    sampling_plan,
    training_items,
    world_drafts,
)
from canvas_pipeline.tracks.instruct.rows import Draft, TestItem
from canvas_pipeline.tracks.instruct.scorer import draw_item, items

DRAFTS = world_drafts(training_items(600, seed=0), seed=0)
EVALUATION = items("test", 20, seed=0) + items("selection", 10, seed=0)


@pytest.fixture(scope="module")
def built() -> BuiltRows:
    return build_rows(DRAFTS, EVALUATION, "verdicts")


def test_all_drafts_are_kept_merged_or_refused_and_the_gate_passes(built: BuiltRows) -> None:
    assert built.funnel.rows_in == 600
    assert built.funnel.kept == len(built.rows) > 400
    assert built.quality.passed
    assert leaking_rows(built.rows, EVALUATION) == ()
    assert all(
        row.provenance.base_verdicts == "verdicts" and row.formatted_text.endswith("\nEND") for row in built.rows
    )


def test_the_same_drafts_give_the_same_bytes(built: BuiltRows) -> None:
    again = build_rows(world_drafts(training_items(600, seed=0), seed=0), EVALUATION, "verdicts")

    assert [dumps(row) for row in again.rows] == [dumps(row) for row in built.rows]


def _with(**changed: object) -> Draft:
    return msgspec.structs.replace(DRAFTS[0], **changed)


@pytest.mark.parametrize(
    ("draft", "reason"),
    [
        (_with(response="I'm not sure."), "placeholder"),
        (_with(response=" "), "empty"),
        (_with(response="it was a long day"), "check_failed"),
        (_with(stopped=False), "token_limit"),
        (_with(response=DRAFTS[0].response + "\nInstruction: again"), "delimiter_in_text"),
        (
            _with(
                instruction="  " + EVALUATION[0].instruction.upper() + " !",
                item=EVALUATION[0],
                response=EVALUATION[0].gold,
            ),
            "in_tests",
        ),
    ],
)
def test_a_bad_draft_leaves_with_its_reason_and_is_never_trained_on(draft: Draft, reason: str) -> None:
    found = build_rows([draft, *DRAFTS[1:20]], EVALUATION, "")

    assert [refusal.reason for refusal in found.refusals if refusal.line == 0] == [reason]
    assert found.funnel.refused[reason] >= 1


def test_a_topic_keeps_at_most_twenty_of_few_rows() -> None:
    one = training_items(1, seed=0)[0]
    many = [
        msgspec.structs.replace(DRAFTS[0], item=one, instruction=f"List {n} {one.terms[1]} for {hash_word(n)}.")
        for n in range(400)
    ]

    found = build_rows([*many, *DRAFTS[1:]], EVALUATION, "")

    assert sum(row.topic == one.topic for row in found.rows) <= 20
    assert found.funnel.refused["topic_cap"] + found.funnel.merged >= 380


def hash_word(n: int) -> str:
    return "".join(chr(97 + (n * 7 + k * 11 + n // 26) % 26) for k in range(9)) + str(n)


def test_an_escaped_newline_in_a_prompt_is_refused_at_build() -> None:
    with pytest.raises(BadInput, match="real newline"):
        build_rows([_with(instruction="List three fruits.\\nResponse:")], EVALUATION, "")


class Fixed:
    """A model that answers by a function of the prompt and the seed."""

    name = "fixed"

    def __init__(self, answer: Mapping[str, Sequence[str]], other: str = "nothing") -> None:
        self.answer, self.other, self.prompts = answer, other, list[str]()

    def generate(
        self, prompts: Sequence[str], *, temperature: float, seed: int, max_new_tokens: int
    ) -> list[Generated]:
        self.prompts += prompts
        texts = [self.answer[p][seed % len(self.answer[p])] if p in self.answer else self.other for p in prompts]
        return [Generated(f" {text}", True, len(text.split())) for text in texts]


def test_a_new_wording_counts_only_where_it_asks_the_same() -> None:
    item = next(i for i in training_items(12, seed=0) if i.type == "explicit_list")
    count, category = item.terms

    assert asks_the_same(item, f"I would like {count} {category}, please.")
    assert not asks_the_same(item, "I would like some things, please.")
    [draft] = model_drafts([item], Fixed({}, other=f"Which are {count} {category}?"), seed=0, max_new_tokens=20)
    assert draft.instruction == f"Which are {count} {category}?"
    [draft] = model_drafts([item], Fixed({}, other="Something else"), seed=0, max_new_tokens=20)
    assert (draft.instruction, draft.generator, draft.parameters["temperature"]) == (item.instruction, "fixed", 0.4)


def test_a_generator_reads_examples_and_no_evaluation_item() -> None:
    model = Fixed({})
    model_drafts(training_items(24, seed=1), model, seed=0, max_new_tokens=20)

    assert all(prompt.count("Response:") == 5 or prompt.count("Another way:") == 5 for prompt in model.prompts)
    assert not any(item.instruction in prompt for item in EVALUATION for prompt in model.prompts)


class Critic:
    """Likes the right answer of each item where it is asked to, else is sure of nothing."""

    def __init__(self, liked: set[str]) -> None:
        self.liked = liked

    def first_token_logprobs(self, prompts: Sequence[str], tokens: Sequence[str]) -> list[Mapping[str, float]]:
        sides = [[p.split(f"Answer {name}: ")[1].split("\n\n")[0] in self.liked for name in "AB"] for p in prompts]
        return [{" A": 3.0 * a - 9, " B": 3.0 * b - 9} for a, b in sides]


def test_a_critic_that_is_not_sure_refuses_the_row_and_its_share_is_bounded() -> None:
    first, second = DRAFTS[0], DRAFTS[3]

    found = build_rows([first, second], EVALUATION, "", critic=Critic({first.response}))

    assert found.funnel.kept == 1
    assert found.funnel.refused == {"critic_rejected": 1}
    assert {m.name: m.value for m in found.quality.measures}["critic_accept"] == 1.0


def test_pairs_come_from_samples_with_a_margin_and_prompts_without_one_are_counted(built: BuiltRows) -> None:
    plan = sampling_plan(built.rows, 60, seed=0)
    answers = {
        row.prompt: [row.response, "it was a long day"]
        if at % 3 == 0
        else ["it was a long day"]
        if at % 3 == 1
        else [row.response]
        for at, row in enumerate(plan)
    }
    sampled = sample_answers(plan, Fixed(answers), k=4, temperature=0.8, seed=0, max_new_tokens=20)

    found = build_pairs(plan, sampled)
    strict = build_pairs(plan, sampled, construct=False)

    assert (len(plan), len(sampled), len({row.instruction_type for row in plan})) == (60, 240, 12)
    assert strict.funnel.kept == sum(pair.sampled for pair in strict.pairs) == len(strict.pairs)
    assert strict.funnel.refused["identical"] == 40
    assert found.report.sampled_share is not None and 0 < found.report.sampled_share < 1
    rights = {row.id: row.response for row in plan}
    assert all(pair.chosen == f" {rights[pair.row_id]}" and pair.margin >= 0.5 for pair in found.pairs)
    assert sum(found.report.negative_mix.values()) == pytest.approx(1)
    assert pass_at(plan, sampled) == (pytest.approx(0.5), pytest.approx(2 / 3))


def test_four_equal_samples_give_no_pair_from_samples(built: BuiltRows) -> None:
    plan = sampling_plan(built.rows, 4, seed=0)
    sampled = sample_answers(plan, Fixed({}, other="the same"), k=4, temperature=0.8, seed=0, max_new_tokens=20)

    assert build_pairs(plan, sampled).funnel.refused == {"identical": 4}


@pytest.mark.parametrize("k", [1, 5])
def test_best_of_n_takes_two_to_four_samples(k: int, built: BuiltRows) -> None:
    with pytest.raises(BadInput, match="2 to 4"):
        sample_answers(built.rows[:1], Fixed({}), k=k, temperature=0.8, seed=0, max_new_tokens=20)


def test_an_item_is_a_frozen_row_that_survives_json() -> None:
    import random

    item = draw_item("multi_step", "train", random.Random(0))

    assert msgspec.json.decode(dumps(item), type=TestItem) == item
