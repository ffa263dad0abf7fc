"""Item-disjoint splits: nothing spans, everything is accounted for, places are stable (T5, T13, T14)."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.records import dumps, read_jsonl
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.tracks.canvas.examples.feedback import feedback
from canvas_pipeline.tracks.canvas.examples.labelling import label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.mutation import mutate
from canvas_pipeline.tracks.canvas.examples.pairs import sample_pairs
from canvas_pipeline.tracks.canvas.examples.splits import (
    FRACTIONS,
    LEAST,
    SPLITS,
    Assignment,
    Drawn,
    assign,
    components,
    groups_of,
    overlap,
    release_split,
    row_groups,
    split,
)
from canvas_pipeline.tracks.canvas.examples.teacher import UrgencyTeacher
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.rows import BenchCase, PreferencePair, Trajectory
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations, item

ROWS = conversations(1200)
GROUPS = st.dictionaries(
    st.text("abcdef", min_size=1, max_size=4),
    st.lists(st.integers(0, 40).map(str), min_size=1, max_size=4),
    min_size=1,
    max_size=40,
)


def case(name: str, items: tuple[str, ...], phrasing: str) -> BenchCase:
    return BenchCase(
        id=name,
        kind="none",
        messages=(),
        expected_tools=(),
        expected_args=(),
        tools=(),
        phrasing=phrasing,
        item_ids=items,
    )


@given(GROUPS, st.integers(0, 2**32))
def test_no_group_spans_two_splits_and_every_item_has_one(groups: dict[str, list[str]], seed: int) -> None:
    if len(components(groups)) < 3:
        with pytest.raises(BadInput, match="cannot fill"):
            assign(groups, seed)
        return
    made = assign(groups, seed)
    for name, items in groups.items():
        assert {made.items[item] for item in items} == {made.groups[name]}
    assert set(made.items) == {item for items in groups.values() for item in items}
    assert all(made.counts()[place] > 0 for place in SPLITS)


@given(GROUPS, st.integers(0, 99), st.lists(st.lists(st.integers(0, 44).map(str), max_size=5), max_size=30))
@settings(deadline=None)
def test_rows_in_are_rows_out_and_refusals_and_nothing_is_shared(
    groups: dict[str, list[str]], seed: int, rows: list[list[str]]
) -> None:
    made = assign(groups, seed, {"train": 1.0})
    if len(components(groups)) >= 3:
        made = assign(groups, seed)
    cases = [case(f"c{n}", tuple(items), "p") for n, items in enumerate(rows)]
    result = split(cases, made)
    assert sum(len(part) for part in result.parts.values()) + len(result.refusals) == len(cases)
    assert overlap(result.parts["train"], result.parts["test"]).clean
    assert overlap(result.parts["train"], result.parts["eval"]).clean
    assert overlap(result.parts["eval"], result.parts["test"]).clean
    by_id = {row.id: row for row in cases}
    for refusal in result.refusals:
        items = by_id[refusal.source].item_ids
        places = {made.items.get(x) for x in items}
        expected = "no_items" if not items else "unassigned_item" if None in places else "spans_splits"
        assert refusal.reason == expected
        assert cases[refusal.line - 1].id == refusal.source


def test_components_are_those_of_a_union_find_by_hand() -> None:
    groups = {"a": ["1", "2"], "b": ["2", "3"], "c": ["4"], "d": ["5", "4"], "e": ["6"]}
    assert [sorted(part) for part in components(groups)] == [["1", "2", "3"], ["4", "5"], ["6"]]


def test_many_components_come_close_to_the_fractions() -> None:
    made = assign({f"g{n}": [f"i{n}", f"j{n}"] for n in range(4000)}, 3)
    counts = made.counts()
    for place, share in FRACTIONS.items():
        assert abs(counts[place] / 8000 - share) < 0.02


@pytest.mark.parametrize("count", [3, 5, 8, 20, 60])
def test_eval_and_test_are_never_empty_however_few_students_there_are(count: int) -> None:
    for seed in range(50):
        made = assign({f"g{n}": [f"i{n}"] for n in range(count)}, seed)
        counts = made.counts()
        for place, share in FRACTIONS.items():
            assert counts[place] >= max(1, int(share * count * LEAST))


def test_new_contributors_leave_nearly_all_old_items_where_they_were() -> None:
    old = {f"g{n}": [f"i{n}"] for n in range(300)}
    before = assign(old, 1).items
    after = assign(old | {f"h{n}": [f"k{n}"] for n in range(300)}, 1).items
    moved = [item for item, place in before.items() if after[item] != place]
    assert len(moved) <= 0.02 * len(before)


def test_the_order_of_the_groups_changes_nothing_and_the_seed_does() -> None:
    groups = {f"g{n}": [f"i{n}", f"i{n + 1}"] if n % 7 else [f"i{n}"] for n in range(100)}
    turned = dict(reversed(groups.items()))
    assert assign(groups, 1).items == assign(turned, 1).items
    assert assign(groups, 1).items != assign(groups, 2).items


def test_fractions_that_do_not_add_up_are_refused() -> None:
    for bad in ({"train": 0.8}, {"train": 1.2, "eval": -0.2}):
        with pytest.raises(BadConfig, match="add up to 1"):
            assign({"a": ["1"]}, 0, bad)  # type: ignore[arg-type]


def test_loose_items_find_a_place_and_move_nobody_else() -> None:
    groups = {f"g{n}": [f"i{n}"] for n in range(9)}
    loose = [f"k{n}" for n in range(200)]
    made = assign(groups, 1, loose=[*loose, "i0"])
    assert {k: v for k, v in made.items.items() if k[0] == "i"} == assign(groups, 1).items
    assert set(loose) < set(made.items)
    assert len({made.items[item] for item in loose}) == 3


def test_labelled_pairs_alone_can_be_split_too(tmp_path: Path) -> None:
    labelled = release_data()["preference"][-60:]
    manifest = release_split({"preference": labelled}, tmp_path / "out", 1)
    assert 0 < manifest["funnels"]["preference"].kept < 60


def test_overlap_names_shared_items_and_wordings() -> None:
    found = overlap([case("a", ("1", "2"), "x/01")], [case("b", ("2",), "x/01")], wordings=True)
    assert (found.items, found.phrasings, found.clean) == (("2",), ("x/01",), False)
    assert overlap([case("a", ("1",), "x/01")], [case("b", ("2",), "x/01")]).clean
    assert not overlap([case("a", ("1",), "x/01")], [case("b", ("2",), "x/01")], wordings=True).clean


def test_an_assignment_survives_being_written() -> None:
    made = assign(groups_of(ROWS[:200]), 4)
    assert msgspec.json.decode(dumps(made), type=Assignment) == made


def release_data() -> dict[str, Sequence[Drawn]]:
    items = [item(int(id_, 16)) for id_ in sorted({x for row in ROWS for x in row.item_ids})]
    decided = label(sample_pairs(items, 120, 1), UrgencyTeacher()).pairs
    labelled = preference_pairs(decided, "catalogue", MockCanvas).pairs
    mutated = mutate(ROWS, {"parsimony": 90, "format": 30}, 1).pairs
    pairs: list[Drawn] = [*mutated, *labelled]
    return {"sft": ROWS, "preference": pairs, "feedback": feedback(mutated, ROWS, 150, 1)}


def test_a_release_split_has_every_row_once_no_shared_item_and_true_hashes(tmp_path: Path) -> None:
    data = release_data()
    out = tmp_path / "release"
    manifest = release_split(data, out, 5)
    assert manifest["shared_items"] == {"train/eval": 0, "train/test": 0, "eval/test": 0}
    on_disk = json.loads((out / "manifest.json").read_bytes())
    assert set(on_disk["files"]) == {f"{name}.{place}.jsonl" for name in data for place in SPLITS}
    for name, entry in on_disk["files"].items():
        assert sha256_file(out / name) == entry["sha256"]
        assert (out / name).read_bytes().count(b"\n") == entry["rows"]
    kinds: dict[str, type[Trajectory] | type[PreferencePair]] = {"sft": Trajectory, "preference": PreferencePair}
    for name, kind in kinds.items():
        rows = [row for place in SPLITS for row in read_jsonl(out / f"{name}.{place}.jsonl", kind)]
        counted = on_disk["funnels"][name]
        assert counted["rows_in"] == len(data[name]) == len(rows) + sum(counted["refused"].values())
    assert set(on_disk["funnels"]["preference"]["refused"]) == {"spans_splits"}
    assert on_disk["funnels"]["sft"]["refused"] == on_disk["funnels"]["feedback"]["refused"] == {}


def test_labelled_pairs_do_not_tie_everything_together() -> None:
    data = release_data()
    groups, loose = row_groups(row for rows in data.values() for row in rows)
    assert len(components(groups)) > 30
    assert loose
    linked = groups_of(row for rows in data.values() for row in rows)
    assert max(Counter(len(part) for part in components(linked))) > max(len(part) for part in components(groups))


def test_a_release_split_is_byte_identical_again_and_replaces_only_its_own_folder(tmp_path: Path) -> None:
    data = {"sft": ROWS[:300]}
    first = release_split(data, tmp_path / "a", 5)
    assert release_split(data, tmp_path / "b", 5) == first
    (tmp_path / "a" / "stale.txt").write_text("x")
    assert release_split(data, tmp_path / "a", 5) == first
    assert not (tmp_path / "a" / "stale.txt").exists()
    other = tmp_path / "precious"
    other.mkdir()
    (other / "thesis.txt").write_text("x")
    with pytest.raises(BadInput, match="was not written by this command"):
        release_split(data, other, 5)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "precious"]
