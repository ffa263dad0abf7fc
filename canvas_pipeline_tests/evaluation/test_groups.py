"""Tables of results by group."""

from __future__ import annotations

from canvas_pipeline.evaluation.groups import Groups, Shares, table, tables
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline_tests.evaluation.echo import CASES, Echoes, answered


def by_length(found: Echoes) -> Shares:
    words = {case.id: case.word for case in CASES}
    lengths = sorted({len(word) for word in words.values()})
    of = {n: [o.right for o in found.outcomes if len(words[o.case_id]) == n] for n in lengths}
    return {"right word": {f"{n} letters": wilson(sum(right), len(right)) for n, right in of.items()}}


LENGTHS = Groups("length", by_length)


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


def test_a_report_is_a_table_with_hits_share_and_interval_of_each_group() -> None:
    head, _, *rows = table(LENGTHS, answered(2)).splitlines()
    assert cells(head) == ["length", "right word: hits/cases", "share", "95 % interval"]
    rate = wilson(2, 5)
    assert [cells(row) for row in rows] == [
        ["5 letters", "2/5", "40.0 % (few)", f"{100 * (rate.low or 0):.1f} to {100 * (rate.high or 0):.1f} %"]
    ]
    assert (LENGTHS.file, LENGTHS.title) == ("by-length.md", "by length")


def test_several_reports_are_a_table_for_each_group() -> None:
    title, _, head, _, sft, dpo = tables(LENGTHS, {"sft": answered(1), "dpo": answered(4)}).splitlines()
    assert title == "### 5 letters" and cells(head)[0] == "model"
    assert [cells(row)[:2] for row in (sft, dpo)] == [["sft", "1/5"], ["dpo", "4/5"]]


def test_a_group_without_cases_has_no_share() -> None:
    empty = Groups("tool", lambda report: {"right": {"a": wilson(0, 0)}})
    assert cells(table(empty, None).splitlines()[-1]) == ["a", "0/0", "n/a", "n/a"]
