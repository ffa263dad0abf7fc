"""The bench's students: at least 100 that cases ask about, of many contributors, and none of whom training knows anything."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline.workspace import SYNTHETIC_KEY
from canvas_pipeline.privacy.audit.auditor import report
from canvas_pipeline.privacy.contributor_id import in_folder, is_safe
from canvas_pipeline.records import read_jsonl, write_jsonl
from canvas_pipeline.tracks.canvas.bench.cases import cases
from canvas_pipeline.tracks.canvas.data import held_out as module
from canvas_pipeline.tracks.canvas.data.accounts import accounts
from canvas_pipeline.tracks.canvas.data.held_out import held_out, is_synthesised, spread, synthesised
from canvas_pipeline.tracks.canvas.examples.students import Snapshot
from canvas_pipeline.tracks.canvas.intake.stream.contributors import items_of
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline_tests.tracks.canvas.intake.test_synthesize import truths

SHIPPED = Path(__file__).parents[4] / "data" / "collab"
SEED = 7
Students = dict[str, list[Snapshot]]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The corpus of the shipped contributors."""
    path = tmp_path_factory.mktemp("corpus") / "corpus.jsonl"
    write_jsonl(path, items_of(list(in_folder(SHIPPED)[0].values()), SYNTHETIC_KEY))
    return path


@pytest.fixture(scope="module", params=["embedded", "gb10"])
def asked(request: pytest.FixtureRequest, corpus: Path) -> tuple[str, Students]:
    name = request.param
    return name, dict(held_out(accounts(corpus, name, SEED), corpus, PROFILES[name], SEED))


def items(students: list[Snapshot]) -> list[Item]:
    return [item for student in students for item in student.items]


def content(item: Item) -> tuple[object, ...]:
    return item.type, item.title, item.due_at, item.term, item.points_possible


def test_cases_ask_about_at_least_100_students_of_at_least_20_contributors(asked: tuple[str, Students]) -> None:
    name, found = asked
    counts = spread(cases(found["test"], PROFILES[name], SEED, MockCanvas), found["test"])
    assert counts["test students"] >= 100 and counts["test contributors"] >= 20 and counts["test wordings"] >= 100
    assert counts["test synthesised students"] < counts["test students"], "those of the corpus are asked about too"
    assert counts["test contributors"] - counts["test synthesised contributors"] >= 2


def test_no_student_is_of_both_parts_and_no_item_is_one_of_training(corpus: Path, asked: tuple[str, Students]) -> None:
    name, found = asked
    everyone, assignment = accounts(corpus, name, SEED)
    learnt = items([student for student in everyone if assignment.groups[student.id] == "train"])
    test, selection = items(found["test"]), items(found["eval"])
    for one, other in ((test, learnt), (selection, learnt), (test, selection)):
        assert one and other and not {item.id for item in one} & {item.id for item in other}
    known = list(read_jsonl(corpus, Item))
    invented = items([s for part in found.values() for s in part if is_synthesised(s)])
    assert not {item.id for item in invented} & {item.id for item in known}
    assert not {*map(content, invented)} & {*map(content, known)}
    assert len({item.id for item in invented}) == len(invented)


def test_every_held_out_student_of_the_corpus_stays_in_the_bench(corpus: Path, asked: tuple[str, Students]) -> None:
    name, found = asked
    everyone, assignment = accounts(corpus, name, SEED)
    for part, students in found.items():
        own = [student for student in everyone if assignment.groups[student.id] == part]
        assert own and students[: len(own)] == own and all(map(is_synthesised, students[len(own) :]))


def test_a_corpus_that_holds_out_enough_students_gets_no_synthesised_ones(
    corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = accounts(corpus, "embedded", SEED)
    monkeypatch.delattr(module, "synthesize")
    profile = msgspec.structs.replace(PROFILES["embedded"], bench_students=5, selection_students=5)
    found = held_out(known, corpus, profile, SEED)
    assert all(len(students) > 5 and not any(map(is_synthesised, students)) for students in found.values())


def test_synthesised_students_are_the_same_again_and_others_under_another_seed() -> None:
    profile = PROFILES["embedded"]
    one, again, other = (synthesised([], profile, seed, 6) for seed in (1, 1, 2))
    assert one == again and {s.id for s in one}.isdisjoint(s.id for s in other)


def test_what_the_corpus_has_under_another_handle_is_not_asked_about() -> None:
    """As where a real key gives a synthesised course another handle: its items have other ids and the same content."""
    profile = PROFILES["embedded"]
    first = synthesised([], profile, 1, 6)
    seen = [msgspec.structs.replace(item, id="0" * 12, course="@COURSE99999999") for item in first[0].items]
    left = items(synthesised(seen, profile, 1, 6))
    assert left and not {*map(content, left)} & {*map(content, seen)}


def test_their_contributors_have_names_that_no_contributor_may_have(asked: tuple[str, Students]) -> None:
    invented = items([s for part in asked[1].values() for s in part if is_synthesised(s)])
    names = {name for item in invented for name in (*item.contributors, *(p.split(":")[0] for p in item.parents))}
    assert len(names) >= 20 and not any(map(is_safe, names))


def test_their_items_went_through_the_intake(asked: tuple[str, Students], tmp_path: Path) -> None:
    """No code and no address of theirs is left, by the ground truth and by the audit, which shares nothing with the intake."""
    invented = items([s for part in asked[1].values() for s in part if is_synthesised(s)])
    write_jsonl(tmp_path / "items.jsonl", invented)
    assert report([tmp_path / "items.jsonl"], None, {}).leaks == ()
    text = (tmp_path / "items.jsonl").read_text()
    made = synthesize(40, module.COURSES, module.ASSIGNMENTS, SEED, tmp_path / "collab", (module.STEM,))
    told = [entry for path in made for entry in truths(path)]
    codes = {said for field, said, type_ in told if field == "course_code" and len(said) > 6}
    others = {said for _, said, type_ in told if type_ in ("EMAIL", "PHONE", "SSN", "STUDENT_ID")}
    assert len(codes) > 100 and len(others) > 100 and not [said for said in codes | others if said in text]


def test_students_that_synthesised_contributors_cannot_give_are_an_error() -> None:
    profile = PROFILES["embedded"]
    everything = [item for student in synthesised([], profile, 1, 6) for item in student.items]
    assert everything
    with pytest.MonkeyPatch.context() as patch, pytest.raises(BadConfig, match="give only 0 students"):
        patch.setattr(module, "_items", lambda contributors, seed: iter(()))
        synthesised([], profile, 1, 6)
