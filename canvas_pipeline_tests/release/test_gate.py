from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import BadInput, GateClosed, MissingInput
from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.methods import CHOICES, METHODS, ancestry
from canvas_pipeline.records import dumps
from canvas_pipeline.release.gate import (
    ITEMS,
    CardEvidence,
    Figure,
    ReleaseEvidence,
    read_evidence,
    reasons_against,
    reasons_by_item,
    require,
)
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.release.release_log import release_log
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.release.evidence import METHOD, open_evidence, sha, verdicts_for

replace = msgspec.structs.replace
Broken = Callable[[ReleaseEvidence], ReleaseEvidence]


def quant(e: ReleaseEvidence, name: str, **changes: object) -> ReleaseEvidence:
    own = {key: changes.pop(key) for key in ("cases", "exact_unquantised", "exact_retained") if key in changes}
    evidence = replace(e.quants[name], report=replace(e.quants[name].report, **changes), **own)
    return replace(e, quants={**e.quants, name: evidence})


def item(e: ReleaseEvidence, at: int, **changes: object) -> ReleaseEvidence:
    items = list(e.items or ())
    items[at] = replace(items[at], **changes)
    return replace(e, items=tuple(items))


def against(e: ReleaseEvidence, **changes: object) -> ReleaseEvidence:
    assert e.against_base is not None
    return replace(e, against_base=replace(e.against_base, **changes))


def without(mapping: dict[str, object], key: str) -> dict[str, object]:
    return {k: v for k, v in mapping.items() if k != key}


BREAK: dict[str, tuple[str, Broken]] = {
    "no verdicts": ("guardrails", lambda e: replace(e, verdicts=())),
    "one failed verdict": ("guardrails", lambda e: replace(e, verdicts=(
        *(v for v in e.verdicts if v.guard != "g7"), *(replace(v, passed=False) for v in e.verdicts if v.guard == "g7")))),
    "other inputs": ("guardrails", lambda e: replace(e, inputs={**e.inputs, "preference_train": sha("changed")})),
    "allowance not listed": ("allowances", lambda e: replace(e, verdicts=tuple(
        replace(v, allowance="splits>=0.6: bridges between students") if v.guard == "g6" else v for v in e.verdicts))),
    "allowance with another number": ("allowances", lambda e: replace(e, verdicts=tuple(
        replace(v, allowance="labelled_pairs>=0.1: only unanimous votes are kept") if v.guard == "g6" else v
        for v in e.verdicts))),
    "audit did not run": ("audit", lambda e: replace(e, leaks=None)),
    "audit found leaks": ("audit", lambda e: replace(e, leaks=2)),
    "audit read an older card": ("audit", lambda e: replace(e, audited={**e.audited, "README.md": sha("older")})),
    "no figures": ("bench", lambda e: replace(e, figures={})),
    "a figure without a case": ("bench", lambda e: replace(e, figures={**e.figures, "exact_call": None})),
    "a figure outside its interval": ("bench", lambda e: replace(
        e, figures={**e.figures, "exact_call": Figure(value=0.95, low=0.87, high=0.92, n=600)})),
    "a figure over no case": ("bench", lambda e: replace(
        e, figures={**e.figures, "exact_call": Figure(value=0.9, low=0.87, high=0.92, n=0)})),
    "a figure that is no number": ("bench", lambda e: replace(
        e, figures={**e.figures, "exact_call": Figure(value=float("nan"), low=0.87, high=0.92, n=9)})),
    "bench of another checkpoint": ("bench", lambda e: replace(e, bench_checkpoint=sha("other"))),
    "the base was not measured": ("base", lambda e: replace(e, against_base=None)),
    "it gained too little to be better than the base": ("base", lambda e: against(e, gained=10, lost=8, net=(1,) * 10 + (-1,) * 8)),
    "it is worse than the base": ("base", lambda e: against(e, gained=8, lost=30, net=(1,) * 8 + (-1,) * 30)),
    "it loses somewhere": ("base", lambda e: against(e, losses={"tool selection of x": 0.101})),
    "a loss that is no number": ("base", lambda e: against(e, losses={"tool selection of x": float("nan")})),
    "no production checkpoint": ("production", lambda e: replace(e, production=None)),
    "another production checkpoint": ("production", lambda e: replace(e, production=("sft", sha("checkpoint")))),
    "a quant is missing": ("quants", lambda e: replace(e, quants=without(e.quants, "Q3_K_M"))),  # type: ignore[arg-type]
    "a silent fallback": ("quants", lambda e: quant(e, "Q2_K", type_problems=("x is IQ4_NL in a Q2_K file",))),
    "a leak in the metadata": ("quants", lambda e: quant(e, "Q6_K", leaks=("metadata key general.name holds a path",))),
    "a quant does not load": ("quants", lambda e: quant(e, "Q5_K_M", loaded=False, answers=(), load_problem="aborts")),
    "a quant gives no answer": ("quants", lambda e: quant(e, "Q5_K_M", answers=())),
    "another file was checked": ("quants", lambda e: quant(e, "Q5_K_M", sha256=sha("other"))),
    "Q8_0 loses more than 2 %": ("retention", lambda e: quant(e, "Q8_0", exact_retained=391)),
    "Q4_K_M loses more than 2 %": ("retention", lambda e: quant(e, "Q4_K_M", exact_retained=391)),
    "nothing was exact": ("retention", lambda e: quant(e, "Q4_K_M", exact_unquantised=0, exact_retained=0)),
    "more retained than there were": ("retention", lambda e: quant(e, "Q8_0", exact_retained=401)),
    "no data card": ("cards", lambda e: replace(e, cards=without(e.cards, "DATA_CARD.md"))),  # type: ignore[arg-type]
    "a card with a number of its own": ("cards", lambda e: replace(
        e, cards={**e.cards, "README.md": CardEvidence(sha256=sha("README.md"), reasons=("states 97.1",))})),
    "no Modelfile": ("cards", lambda e: replace(e, files=without(e.files, "Modelfile"))),  # type: ignore[arg-type]
    "the track was not asked": ("track", lambda e: replace(e, items=None)),
    "too few scenarios passed": ("track", lambda e: item(e, 0, value=0.49)),
    "too many answers with something invented": ("track", lambda e: item(e, 1, value=0.11)),
    "an item that was not measured": ("track", lambda e: item(e, 0, value=None)),
    "an item that is no number": ("track", lambda e: item(e, 1, value=float("nan"))),
    "files that the audit could not read": ("audit", lambda e: replace(e, unreadable=1)),
    "a checkpoint without a hash": ("hashes", lambda e: replace(
        e, checkpoint="latest", bench_checkpoint="latest", production=(METHOD, "latest"))),
    "no data hashes": ("hashes", lambda e: replace(e, data={})),
    "no code version": ("hashes", lambda e: replace(e, code_version="")),
}  # fmt: skip


def test_with_all_evidence_the_gate_is_open() -> None:
    assert reasons_against(TABLE, open_evidence()) == []
    require(TABLE, open_evidence())


def test_without_any_evidence_every_item_but_allowances_is_a_reason() -> None:
    empty = ReleaseEvidence(
        name="x", track="canvas", method=METHOD, profile="embedded", checkpoint="", files={}, inputs={}, data={}
    )
    assert {item for item, reasons in reasons_by_item(TABLE, empty).items() if not reasons} == {"allowances"}


@pytest.mark.parametrize("case", BREAK)
def test_one_broken_thing_closes_the_gate_at_its_item_and_no_other(case: str) -> None:
    item, change = BREAK[case]
    found = {name for name, reasons in reasons_by_item(TABLE, change(open_evidence())).items() if reasons}
    assert found == {item}
    with pytest.raises(GateClosed, match=item):
        require(TABLE, change(open_evidence()))


def test_every_item_is_broken_by_some_case() -> None:
    assert {item for item, _ in BREAK.values()} == set(ITEMS)


@pytest.mark.parametrize("guard", TABLE.guards)
def test_each_missing_guard_is_named(guard: str) -> None:
    e = open_evidence()
    reasons = reasons_against(TABLE, replace(e, verdicts=tuple(v for v in e.verdicts if v.guard != guard)))
    assert reasons and all(reason.startswith(f"guardrails: {TABLE.guards[guard].name}") for reason in reasons)


def of(method: str) -> ReleaseEvidence:
    e = open_evidence()
    inputs = {name: sha(name) for step in ancestry(METHODS[method]) for name in TABLE.inputs_of(step)}
    return replace(
        e,
        method=method,
        production=(method, sha("checkpoint")),
        inputs=inputs,
        verdicts=verdicts_for(METHODS[method], inputs),
    )


@pytest.mark.parametrize("method", CHOICES)
def test_guards_that_do_not_concern_the_method_or_what_it_descends_from_are_not_asked_for(method: str) -> None:
    e = of(method)
    assert reasons_against(TABLE, e) == []
    g1 = [v for v in e.verdicts if v.guard == "g1"]
    assert bool(g1) == (METHODS[method].objective == "pairwise")


@pytest.mark.parametrize("method", CHOICES)
def test_each_guard_of_the_method_and_of_what_it_descends_from_is_asked_for(method: str) -> None:
    e = of(method)
    for one in e.verdicts:
        left = tuple(v for v in e.verdicts if v is not one)
        assert reasons_against(TABLE, replace(e, verdicts=left)), (one.guard, one.subject)


def test_a_listed_allowance_is_accepted_and_stands_in_the_log_with_number_and_reason() -> None:
    e = open_evidence()
    used = "labelled_pairs>=0.5: only unanimous votes are kept; splits>=0.6: bridges; between students"
    verdicts = tuple(replace(v, allowance=used) if v.guard == "g6" else v for v in e.verdicts)
    listed = Allowance(stage="splits", minimum_retained=0.6, reason="bridges; between students")
    e = replace(e, verdicts=verdicts, allowances=(*e.allowances, listed))
    assert reasons_against(TABLE, e) == []
    assert "| splits | 60% | bridges; between students |  |" in release_log(TABLE, e)


def test_an_allowance_that_nothing_needed_or_below_the_floor_is_named_in_the_log() -> None:
    low = Allowance(stage="pairs", minimum_retained=0.15, reason="prompts without a difference give none")
    log = release_log(TABLE, replace(open_evidence(), allowances=(*open_evidence().allowances, low)))
    assert "| labelled_pairs | 50% | only unanimous votes are kept | nothing needed it |" in log
    assert "| pairs | 15% | prompts without a difference give none | below the floor of 25%; nothing needed it |" in log
    used = tuple(
        replace(v, allowance="pairs>=0.15: prompts without a difference give none") if v.guard == "g6" else v
        for v in open_evidence().verdicts
    )
    log = release_log(TABLE, replace(open_evidence(), allowances=(low,), verdicts=used))
    assert "| pairs | 15% | prompts without a difference give none | below the floor of 25% |" in log


def test_the_log_shows_what_the_track_asks_with_measure_interval_and_bound() -> None:
    log = release_log(TABLE, item(open_evidence(), 1, value=None))
    assert "| scenarios passed | 0.5 [0.2, 0.8], n = 6 | >= 0.5 |" in log
    assert "| answers with something invented | not measured | <= 0.1 |" in log


def test_the_log_ticks_what_holds_and_lists_the_reasons_under_what_does_not() -> None:
    log = release_log(TABLE, replace(open_evidence(), leaks=3))
    assert log.count("- [x]") == len(ITEMS) - 1 and log.count("- [ ]") == 1
    assert "10 of 11 items hold. The release is blocked." in log and "  - the audit found 3 leaks" in log
    assert "11 of 11 items hold. The release is open." in release_log(TABLE, open_evidence())


def test_the_log_counts_the_reviewed_exceptions_of_the_audit_and_what_they_cover() -> None:
    line = "The audit honoured {} reviewed exceptions; they cover {} findings in what it read."
    assert line.format(3, 41) in release_log(TABLE, replace(open_evidence(), exceptions=3, excepted=41)).splitlines()
    assert line.format(0, 0) in release_log(TABLE, open_evidence()).splitlines()


def test_exactly_98_percent_is_enough() -> None:
    assert reasons_against(TABLE, quant(open_evidence(), "Q8_0", exact_retained=392)) == []


def test_the_smaller_quants_may_lose_more() -> None:
    assert reasons_against(TABLE, quant(open_evidence(), "Q2_K", exact_retained=100)) == []
    assert set(QUANTS) > {"Q2_K"}


def test_evidence_survives_its_file(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    path.write_bytes(dumps(open_evidence()))
    assert read_evidence(path) == open_evidence()


def test_evidence_that_cannot_be_read_names_file_and_field(tmp_path: Path) -> None:
    path = tmp_path / "evidence.json"
    with pytest.raises(MissingInput, match="release_log"):
        read_evidence(path)
    path.write_text("{")
    with pytest.raises(BadInput, match="malformed JSON"):
        read_evidence(path)
    path.write_bytes(dumps(open_evidence()))
    path.write_text(path.read_text().replace('"leaks":0', '"leaks":"none"'))
    with pytest.raises(BadInput, match=r"\$\.leaks"):
        read_evidence(path)
