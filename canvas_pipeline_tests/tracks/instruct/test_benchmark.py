"""The benchmark scores every item once, and a model is published only by the rule."""

from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.evaluation.generate import Checkpoint, Sampling
from canvas_pipeline.evaluation.selection import Candidate
from canvas_pipeline.models.families import family
from canvas_pipeline.tracks.instruct.benchmark import BENCHMARK, END, InstructReport, choose, report, trivial
from canvas_pipeline.tracks.instruct.rows import prompt_of
from canvas_pipeline.tracks.instruct.scorer import items, split_of
from canvas_pipeline.tracks.text_base import shipped_text_base

ITEMS = items("test", 20, seed=7)
GOLD = [Prediction(id=item.id, text=f" {item.gold}{END}") for item in ITEMS]


def _right(count: int) -> InstructReport:
    """A report in which the first items are right."""
    wrong = [Prediction(id=item.id, text=f" no idea{END}") for item in ITEMS]
    return report(ITEMS, [*GOLD[:count], *wrong[count:]])


def _candidate(method: str, epoch: float = 1.0) -> Candidate:
    return Candidate(method=method, epoch=epoch, checkpoint_sha256=f"{method}-{epoch:g}")


def test_right_answers_of_all_twelve_types_are_right() -> None:
    found = report(ITEMS, GOLD)
    assert found.cases == 240 and len(found.by_type) == 12
    assert BENCHMARK.groups is not None and BENCHMARK.groups.of(found) == {"accuracy": found.by_type}
    assert found.accuracy.share == 1.0 and all(rate.cases == 20 for rate in found.by_type.values())
    assert msgspec.json.decode(msgspec.json.encode(found), type=InstructReport) == found


def test_a_right_text_that_ran_into_the_limit_is_cut_off_and_not_right() -> None:
    found = report(ITEMS, [msgspec.structs.replace(one, stopped=False) for one in GOLD])
    assert found.accuracy.hits == 0 and found.truncated.share == 1.0


@pytest.mark.parametrize("predictions", [GOLD[1:], [*GOLD, GOLD[0]], [*GOLD[1:], Prediction(id="other", text="")]])
def test_an_item_without_exactly_one_prediction_is_an_error(predictions: list[Prediction]) -> None:
    with pytest.raises(BadInput, match="generate the predictions"):
        report(ITEMS, predictions)


def test_baselines_that_read_nothing_stay_low() -> None:
    for predictions in trivial(ITEMS).values():
        assert (report(ITEMS, predictions).accuracy.share or 0.0) <= 0.15


def test_dpo_is_chosen_only_where_it_is_better() -> None:
    for before, after, chosen in ((150, 190, "dpo"), (190, 190, "sft"), (190, 150, "sft"), (200, 206, "dpo")):
        record = choose([(_candidate("sft"), _right(before)), (_candidate("dpo"), _right(after))])
        assert record.chosen is not None and record.chosen.method == chosen, (before, after)
        assert record == choose([(_candidate("dpo"), _right(after)), (_candidate("sft"), _right(before))])


def test_of_several_candidates_of_a_method_the_most_accurate_is_compared() -> None:
    sft = [(_candidate("sft", epoch), _right(count)) for epoch, count in ((0.5, 170), (1.0, 160))]
    for counts, chosen in (((200, 190), ("dpo", 0.5)), ((150, 171), ("sft", 0.5)), ((200, 200), ("dpo", 0.5))):
        dpo = [(_candidate("dpo", epoch), _right(count)) for epoch, count in zip((0.5, 1.0), counts, strict=True)]
        record = choose([*dpo, *sft])
        assert record.chosen is not None and (record.chosen.method, record.chosen.epoch) == chosen
        assert record == choose([*sft[::-1], *dpo[::-1]])
        assert choose(dpo if chosen[0] == "dpo" else sft).chosen == record.chosen
        worse = next(row for row in record.candidates if row.candidate == _candidate("sft"))
        assert worse.reason == "the candidate at epoch 0.5 of sft is better or as good and earlier"


def test_a_model_that_fails_most_items_is_not_published() -> None:
    record = choose([(_candidate("sft"), _right(90))])
    assert record.chosen is None and "below 40%" in record.candidates[0].reason
    assert choose([]).chosen is None


def test_no_entity_is_asked_about_in_two_of_training_selection_and_test() -> None:
    for split in ("train", "selection", "test"):
        asked = [item for item in items(split, 10, seed=3) if item.type == "explicit_translation"]  # type: ignore[arg-type]
        assert {split_of(item.topic.partition(":")[2]) for item in asked} == {split}


def test_samples_depend_on_the_seed_and_the_case_alone() -> None:
    generator = Checkpoint(shipped_text_base(), family("plain-qwen3"), 12, Sampling(1.0, seed=3))
    prompts, names = [prompt_of(item.instruction) for item in ITEMS[:6]], [item.id for item in ITEMS[:6]]
    together = generator.generate(prompts, names)
    assert together[::-1] == generator.generate(prompts[::-1], names[::-1])
    assert together != generator.generate(prompts, [f"{name}.1" for name in names])
    generator.sampling = Sampling(1.0, seed=4)
    assert together != generator.generate(prompts, names)
    generator.sampling = Sampling(0.001, seed=4)
    greedy = Checkpoint(shipped_text_base(), family("plain-qwen3"), 12)
    assert generator.generate(prompts, names) == greedy.generate(prompts)


def test_the_headline_is_compared_and_whole() -> None:
    assert BENCHMARK.headline is BENCHMARK.whole and BENCHMARK.headline.compared
