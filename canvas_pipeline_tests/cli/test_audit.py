"""``canvas-data audit --train --test --pref``: shared items and contradictory labels, beside the search for identities."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
import typer
from typer.testing import CliRunner, Result

from canvas_pipeline.cli import audit as audit_commands
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.examples.labelling import Decided, label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.pairs import QUERIES, item_pair, sample_pairs
from canvas_pipeline.tracks.canvas.examples.teacher import UrgencyTeacher
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import PreferencePair
from canvas_pipeline_tests.pipeline.good_line import line_at
from canvas_pipeline_tests.tracks.canvas.examples.conversations import item

A, B, C = item(1), item(2), item(3)


def audit(*arguments: object) -> Result:
    app = typer.Typer()
    audit_commands.register(app)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def labelled(*winners: tuple[int, int]) -> list[PreferencePair]:
    """Pairs that say that the first of two items comes before the second, also where the tool that decides it would not."""
    items = (A, B, C)
    rows = []
    for i, j in winners:
        decided = [Decided(1, item_pair(items[min(i, j)], items[max(i, j)], QUERIES[0]), "A")]
        (row,) = preference_pairs(decided, "catalogue", MockCanvas).pairs
        turned = msgspec.structs.replace(row, id=f"{row.id}-turned", item_ids=row.item_ids[::-1])
        rows.append(row if i < j else turned)
    return rows


@pytest.fixture(scope="module")
def pipeline(good_line: Path) -> Workspace:
    return line_at(good_line)


def test_the_pipeline_s_own_splits_and_bench_are_disjoint_and_its_labels_agree(pipeline: Workspace) -> None:
    split, pairs = pipeline.store.get("trajectory_split"), pipeline.store.get("preference_split")
    bench = pipeline.store.get("bench_cases").path()
    found = audit("--train", split.path("train.jsonl"), "--test", split.path("test.jsonl"), "--test", bench,
                  "--pref", pairs.path("train.jsonl"))  # fmt: skip
    assert found.exit_code == 0, found.output
    assert "0 shared items of" in found.output and "0 of" in found.output and "no leaks" in found.output


def test_an_item_that_is_trained_on_and_tested_is_found(pipeline: Workspace, tmp_path: Path) -> None:
    split = pipeline.store.get("trajectory_split")
    test = tmp_path / "test.jsonl"
    first = split.path("train.jsonl").read_bytes().splitlines(keepends=True)[0]
    test.write_bytes(split.path("test.jsonl").read_bytes() + first)
    found = audit("--train", split.path("train.jsonl"), "--test", test, "--json")
    shared = json.loads(found.stdout)["rows"]["shared_items"]
    assert found.exit_code == 1 and set(shared) <= set(json.loads(first)["item_ids"]) and shared
    found = audit("--train", split.path("test.jsonl"), "--test", split.path("test.jsonl"))
    assert found.exit_code == 1 and " more" in found.output


def test_a_bench_case_is_about_all_items_of_its_student(pipeline: Workspace, tmp_path: Path) -> None:
    case = json.loads(pipeline.store.get("bench_cases").path().read_bytes().splitlines()[0])
    (tmp_path / "bench.jsonl").write_text(json.dumps({**case, "item_ids": []}) + "\n")
    (tmp_path / "train.jsonl").write_text(json.dumps({"item_ids": case["parents"][:1]}) + "\n")
    assert audit("--train", tmp_path / "train.jsonl", "--test", tmp_path / "bench.jsonl").exit_code == 1


def test_labels_in_a_cycle_contradict_each_other_and_others_do_not(tmp_path: Path) -> None:
    path = tmp_path / "pairs.jsonl"
    for winners, count in (([(0, 1), (1, 2), (0, 2)], 0), ([(0, 1), (1, 2), (2, 0)], 3), ([(0, 1), (1, 0), (1, 2)], 2)):
        write_jsonl(path, labelled(*winners))
        found = audit("--pref", path)
        assert f"{count} of 3 labels contradict others" in found.output
        assert found.exit_code == (1 if count else 0)


def test_labels_of_different_days_do_not_contradict_each_other(tmp_path: Path) -> None:
    first, second = labelled((0, 1), (1, 0))
    later = first.prompt[0].content.replace("2026", "2027")
    other = msgspec.structs.replace(
        second, prompt=(msgspec.structs.replace(second.prompt[0], content=later), *second.prompt[1:])
    )
    write_jsonl(tmp_path / "pairs.jsonl", [first, other])
    assert audit("--pref", tmp_path / "pairs.jsonl").exit_code == 0


def test_the_embedded_teacher_never_contradicts_itself(tmp_path: Path) -> None:
    done = label(sample_pairs([item(n) for n in range(30)], 400, 1), UrgencyTeacher())
    write_jsonl(tmp_path / "pairs.jsonl", preference_pairs(done.pairs, "catalogue", MockCanvas).pairs)
    assert f"0 of {len(done.pairs)} labels contradict others" in audit("--pref", tmp_path / "pairs.jsonl").output
    assert len(list(read_jsonl(tmp_path / "pairs.jsonl", PreferencePair))) > 200


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    bare = tmp_path / "rows.jsonl"
    bare.write_text('{"messages": []}\n')
    for arguments, reason in (
        (("--train", bare, "--test", bare), "rows.jsonl:1"),
        (("--train", bare), "give both"),
        (("--test", bare), "give both"),
        ((), "name files"),
    ):
        found = audit(*arguments)
        assert found.exit_code == 2
        assert reason in found.output or not arguments
