"""SPPO's three rounds on the good line: each samples its start, ranks what that said, and is held to all guards."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig, GateClosed
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS, Method, rounds
from canvas_pipeline.pipeline import facts, training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import StageResult, Workspace
from canvas_pipeline.records import Message, read_jsonl
from canvas_pipeline.tracks.canvas.rows import PreferencePair, Sample, Trajectory
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline.training.reference import ReferenceRow
from canvas_pipeline.training.spec import read_spec
from canvas_pipeline_tests.pipeline.breaks import replace
from canvas_pipeline_tests.pipeline.good_line import BASE, OTHERS, Workshop, copy_of, line_at, own_stages, rewrite

ROWS = rounds(METHODS["sppo"])
FIRST, SECOND, LAST = (row.name for row in ROWS)


@pytest.fixture(scope="module")
def made(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """A good line with all rounds, trained and benched."""
    ws = copy_of(good_line, tmp_path_factory.mktemp("rounds") / "line")
    assert not [verdict for stage in build(ws).values() for verdict in stage.verdicts if not verdict.passed]
    return ws


def build(ws: Workspace, *names: str) -> dict[str, StageResult]:
    """Build all stages of sppo, or of some of its rounds."""
    wanted = [stage for stage in own_stages(ws, "sppo") if not names or ws.track.stages()[stage].method in names]
    return {stage: build_stage(ws, stage, launch(ws)) for stage in wanted}


def launch(ws: Workspace) -> Workshop:
    return Workshop(ws.root / BASE, OTHERS)


def pairs_of(ws: Workspace, name: str, part: str) -> list[PreferencePair]:
    return list(read_jsonl(ws.store.get(f"{name}_split").path(f"{part}.jsonl"), PreferencePair))


def failing(verdicts: Iterable[Verdict]) -> set[tuple[str, str | None]]:
    return {(v.guard, v.subject) for v in verdicts if not v.passed}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_a_rounds_samples_pairs_reference_and_weights_come_from_the_checkpoint_it_starts_from(
    row: Method, made: Workspace
) -> None:
    start = made.store.get(row.start).sha256
    sampled, paired = made.store.get(f"{row.name}_samples"), made.store.get(f"{row.name}_pairs")
    assert sampled.manifest.recipe.inputs[row.start] == start
    assert paired.manifest.recipe.inputs[f"{row.name}_samples"] == sampled.sha256
    assert {one.model for one in read_jsonl(made.store.get(f"{row.name}_reference").path(), ReferenceRow)} == {start}
    spec = read_spec(made.store.get(f"{row.name}_checkpoint").path("spec.json"))
    assert spec.inputs[row.start].sha256 == start


def test_no_training_prompt_is_sampled_in_two_rounds_and_each_round_has_pairs_in_both_parts(made: Workspace) -> None:
    source = made.store.get("trajectory_split")
    held_out = {row.id for row in read_jsonl(source.path("eval.jsonl"), Trajectory)}
    asked = []
    for name in (FIRST, SECOND, LAST):
        samples = list(read_jsonl(made.store.get(f"{name}_samples").path(), Sample))
        own = {(one.parents[0], one.at) for one in samples if one.parents[0] not in held_out}
        assert len(own) == made.profile.round_prompts and not any(one.greedy for one in samples)
        assert sum(one.parents[0] not in held_out for one in samples) == made.profile.samples_a_prompt * len(own)
        asked += sorted(own)
        assert {pair.parents[0] for pair in pairs_of(made, name, "eval")} <= held_out
        assert not {pair.parents[0] for pair in pairs_of(made, name, "train")} & held_out
        assert pairs_of(made, name, "eval") and len(pairs_of(made, name, "train")) >= made.profile.min_round_rows
    assert len(set(asked)) == len(asked)


SURPLUS = {"answers_suffice", "enough_without_call", "identity"}


def test_a_prompt_makes_one_pair_at_most_and_the_others_are_counted_with_a_reason(made: Workspace) -> None:
    stage = made.store.get(f"{FIRST}_pairs")
    rows = list(read_jsonl(stage.path(), PreferencePair))
    assert len({(row.parents, len(row.prompt)) for row in rows}) == len(rows)
    funnel = stage.manifest.funnel
    assert funnel is not None and funnel.kept == len(rows) and set(funnel.refused) <= SURPLUS
    prompts = {(one.parents[0], one.at) for one in read_jsonl(made.store.get(f"{FIRST}_samples").path(), Sample)}
    assert funnel.rows_in + stage.manifest.notes["prompts without a wrong sample"] == len(prompts)


def test_the_last_round_alone_is_benched_and_stands_in_the_matrix(made: Workspace, tmp_path: Path) -> None:
    ws = copy_of(made.root, tmp_path / "line")
    build_stage(ws, "method_matrix", launch(ws))
    matrix = json.loads(ws.store.get("method_matrix").path("matrix.json").read_bytes())
    compared = {row["method"] for row in matrix["rows"]}
    assert LAST in compared and not {FIRST, SECOND} & compared
    for name in (FIRST, SECOND):
        assert not {f"{name}_bench", f"{name}_gguf"} & ws.track.stages().keys()
        with pytest.raises(BadConfig, match="does not train sppo"):
            TRACK.method(name)


def test_rounds_that_did_not_change_are_reused(made: Workspace) -> None:
    assert [name for name, stage in build(made).items() if not stage.reused] == []


def test_another_first_round_makes_the_later_ones_be_made_again(made: Workspace, tmp_path: Path) -> None:
    ws = copy_of(made.root, tmp_path / "line")
    rewrite(ws, f"{FIRST}_split", {"train.jsonl": pairs_of(ws, FIRST, "train")[::-1]})
    for stage in ("reference", "run_spec", "checkpoint"):
        assert not build_stage(ws, f"{FIRST}_{stage}", launch(ws)).reused
    for name in (SECOND, LAST):
        with pytest.raises(GateClosed):
            training.admitted_spec(ws, name)
    # The good line's models say the same whatever they were trained on, so that their pairs are the same, too.
    again = {name for name, stage in build(ws, SECOND, LAST).items() if not stage.reused}
    parts = ("samples", "reference", "run_spec", "checkpoint")
    assert {f"{name}_{part}" for name in (SECOND, LAST) for part in parts} <= again
    training.admitted_spec(ws, LAST)


def test_changed_numbers_of_sppo_are_those_of_all_its_rounds(made: Workspace, tmp_path: Path) -> None:
    other = line_at(copy_of(made.root, tmp_path / "line").root, overrides={"sppo": {"beta": 0.1}})
    for name in (FIRST, SECOND, LAST):
        assert other.numbers(name).beta == 0.1
        with pytest.raises(GateClosed, match="other numbers"):
            training.current_spec(other, name)
    assert other.numbers("dpo").beta == 0.3


def test_a_round_with_too_few_pairs_is_not_trained(made: Workspace, tmp_path: Path) -> None:
    ws = copy_of(made.root, tmp_path / "line")
    rewrite(ws, f"{SECOND}_split", {"train.jsonl": pairs_of(ws, SECOND, "train")[: ws.profile.min_round_rows - 1]})
    build_stage(ws, f"{SECOND}_reference", launch(ws))
    assert ("g12", SECOND) in failing(build_stage(ws, f"{SECOND}_run_spec", launch(ws)).verdicts)
    with pytest.raises(GateClosed, match="g12_enough_rows"):
        build_stage(ws, f"{SECOND}_checkpoint", launch(ws))


def test_a_round_whose_pairs_show_prose_in_place_of_calls_is_not_trained_and_other_methods_are(
    made: Workspace, tmp_path: Path
) -> None:
    ws = copy_of(made.root, tmp_path / "line")
    prose = (Message(role="assistant", content="I will look."),)
    rows = [replace(row, chosen=prose) if n % 3 == 0 else row for n, row in enumerate(pairs_of(ws, FIRST, "train"))]
    rewrite(ws, f"{FIRST}_split", {"train.jsonl": rows})
    build_stage(ws, f"{FIRST}_reference", launch(ws))
    assert ("g1", FIRST) in failing(build_stage(ws, f"{FIRST}_run_spec", launch(ws)).verdicts)
    training.admitted_spec(ws, "dpo")


def test_the_cards_name_the_rows_of_every_round_and_those_of_other_methods_none(made: Workspace) -> None:
    known = facts.data_facts(made, LAST, ()).keys()
    assert {
        f"{what}" for name in (FIRST, SECOND, LAST) for what in (f"rows.{name}.train", f"funnel.{name}_pairs.kept")
    } <= known
    about = {key for key in facts.data_facts(made, "dpo", ()) if "sppo" in key}
    assert about == {f"allowance.{name}_pairs" for name in (FIRST, SECOND, LAST)}
