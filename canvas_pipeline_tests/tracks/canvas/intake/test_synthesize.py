"""Synthetic contributors: reproducible, as messy as real ones, and the truth about them is true. Recall is measured on them."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from statsmodels.stats.proportion import proportion_confint

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.privacy.identities import gazetteer
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.tracks.canvas.intake.checking.validation import validate
from canvas_pipeline.tracks.canvas.intake.synthetic import curriculum
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline_tests.tracks.canvas.intake.contributions import intake

SHIPPED = Path(__file__).parents[4] / "data" / "collab"


def value_at(record: dict[str, Any], field: str) -> str:
    name, _, rest = field.partition("[")
    if not rest:
        return str(record[name])
    index, _, key = rest.partition("].")
    return str(record[name][int(index)][key])


def truths(path: Path) -> list[tuple[str, str, str]]:
    """(field, identity, type) of every truth row."""
    records = [json.loads(line) for line in path.read_text().splitlines()]
    rows = [json.loads(line) for line in (path.parent / "truth" / f"{path.stem}.truth.jsonl").read_text().splitlines()]
    return [(r["field"], value_at(records[r["line"] - 1], r["field"])[r["start"] : r["end"]], r["type"]) for r in rows]


@pytest.fixture(scope="module")
def paths(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return synthesize(4, 12, 60, 5, tmp_path_factory.mktemp("synthetic"))


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    a, b, c = (synthesize(2, 3, 8, seed, tmp_path / name) for seed, name in ((1, "a"), (1, "b"), (2, "c")))
    assert [p.read_bytes() for p in a] == [p.read_bytes() for p in b] != [p.read_bytes() for p in c]
    with pytest.raises(BadConfig):
        synthesize(0, 1, 1, 1, tmp_path)


def test_truth_spans_cover_exactly_the_identities(paths: list[Path]) -> None:
    shapes = {
        "EMAIL": r"[\w.]+@[\w.]+",
        "SSN": r"\d{3}-\d{2}-\d{4}",
        "STUDENT_ID": r"\d{9}",
        "URL": r"https://\S+",
        "COURSE": r"\w*[\w -]*\d[\w]*",
    }
    found = [t for path in paths for t in truths(path)]
    for _, text, type_ in found:
        assert re.fullmatch(shapes.get(type_, r".*\w.*"), text), type_
    assert set(Counter(type_ for _, _, type_ in found)) == {
        "COURSE",
        "EMAIL",
        "PERSON",
        "PHONE",
        "ROOM",
        "SSN",
        "STUDENT_ID",
        "TIME",
        "URL",
    }


def test_files_validate_and_have_the_mess_of_real_ones(paths: list[Path]) -> None:
    assert all(validate(path).ok for path in paths)
    text = "".join(path.read_text() for path in paths)
    works = [w for line in text.splitlines() for w in json.loads(line).get("assignments", [])]
    assert all(mark in text for mark in ("\u00a0", "🎉", "–", "’", "@COURSE3", "MWF 10:10", "todo_snapshot", '  "'))
    assert 0.15 < sum(w["due_at"] is None for w in works) / len(works) < 0.25
    assert {w["due_at"][11:] for w in works if w["due_at"]} == {"03:59:59Z", "04:59:59Z"}
    titles = Counter(w["name"] for w in works)
    assert sum(count > 4 for count in titles.values()) >= 4
    codes = [json.loads(line).get("course_code", "") for line in text.splitlines()]
    crn_form = sum(bool(re.fullmatch(r"[A-Z]+_\w+_\d{5}_\d{6}", c)) for c in codes if c)
    assert 0.5 < crn_form / sum(map(bool, codes)) < 0.85


def test_no_canary_of_a_certain_kind_survives_intake(paths: list[Path]) -> None:
    for path in paths:
        result = intake(path, b"a key for tests only")
        flat = "\n".join(f"{i.title}\n{i.course_name}\n{i.course}\n{i.term}" for i in result.items)
        for field, text, type_ in truths(path):
            if type_ in ("EMAIL", "PHONE", "SSN", "STUDENT_ID", "URL", "COURSE"):
                assert text not in flat, (path.name, field, type_)


def test_recall_of_people_and_places_is_measured_and_high_enough(paths: list[Path]) -> None:
    hits: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for path in paths:
        records = [json.loads(line) for line in path.read_text().splitlines()]
        for row in map(json.loads, (path.parent / "truth" / f"{path.stem}.truth.jsonl").read_text().splitlines()):
            text = value_at(records[row["line"] - 1], row["field"])
            spans = (
                Scrubber(bytes(16), "zed-001")
                .scrub([text], "course_name" if row["field"] == "course_name" else "text")[0]
                .spans
            )
            covered = all(
                any(s.start <= at < s.end for s in spans)
                for at in range(row["start"], row["end"])
                if text[at].isalnum()
            )
            total[row["type"]] += 1
            hits[row["type"]] += covered
    for type_, least in (("PERSON", 0.9), ("ROOM", 0.9)):
        low, high = proportion_confint(hits[type_], total[type_], method="wilson")
        print(f"{type_}: recall {hits[type_]}/{total[type_]}, 95 % interval {low:.3f} to {high:.3f}")
        assert low > least, type_


def test_the_names_recall_is_measured_on_are_mostly_unknown_to_the_gazetteer() -> None:
    known = [n in gazetteer.GIVEN for n in curriculum.GIVEN_NAMES] + [
        n in gazetteer.SURNAMES for n in curriculum.SURNAMES
    ]
    assert sum(known) / len(known) < 0.25


def test_the_shipped_contributors_are_what_the_generator_makes(tmp_path: Path) -> None:
    made = synthesize(4, 6, 24, 7, tmp_path)
    assert sorted(p.name for p in SHIPPED.glob("*.jsonl")) == [p.name for p in made]
    for path in made:
        assert path.read_bytes() == (SHIPPED / path.name).read_bytes()
    assert sum(p.stat().st_size for p in SHIPPED.rglob("*") if p.is_file()) < 400_000


@pytest.mark.parametrize("name", ["ada-001.jsonl", "ada-001.jsonl.gz", "Ada-001.jsonl"])
def test_a_file_of_somebody_real_is_not_written_over_nor_made_an_invented_one(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"real")
    with pytest.raises(BadInput, match="no invented contributor's"):
        synthesize(2, 1, 1, 1, tmp_path)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"real")]


def test_invented_files_are_made_anew_beside_those_of_others(tmp_path: Path) -> None:
    (tmp_path / "zed-001.jsonl").write_bytes(b"real")
    synthesize(1, 1, 1, 1, tmp_path)
    first = (tmp_path / "ada-001.jsonl").read_bytes()
    synthesize(1, 1, 1, 2, tmp_path)
    assert (tmp_path / "ada-001.jsonl").read_bytes() != first and (tmp_path / "zed-001.jsonl").read_bytes() == b"real"
