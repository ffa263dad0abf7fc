from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.guardrails.gate import decide, decide_ancestry, forged, require, reverify
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.methods import METHODS
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.guardrails.good_data import PROFILE, Line, verdicts
from canvas_pipeline_tests.guardrails.mutations import MUTATIONS, change, replace


def names(reasons: list[str]) -> set[str]:
    return {reason.split(":")[0] for reason in reasons}


def without(found: list[Verdict], guard: str) -> list[Verdict]:
    return [v for v in found if v.guard != guard]


def swap(found: list[Verdict], guard: str, **fields: object) -> list[Verdict]:
    return [replace(v, **fields) if v.guard == guard else v for v in found]


@pytest.mark.parametrize("method", METHODS)
def test_the_gate_opens_for_every_method_on_the_good_line(method: str) -> None:
    line = Line()
    require(TABLE, verdicts(line, method), METHODS[method], line.hashes())


@pytest.mark.parametrize("guard", TABLE.guards)
def test_each_failing_guard_closes_the_gate(guard: str) -> None:
    line = Line()
    MUTATIONS[guard](line)
    with pytest.raises(GateClosed, match=rf"{TABLE.guards[guard].name}: failed"):
        require(TABLE, verdicts(line, "dpo"), METHODS["dpo"], line.hashes())
    assert names(decide(TABLE, verdicts(line, "dpo"), METHODS["dpo"], line.hashes())) == {TABLE.guards[guard].name}


@pytest.mark.parametrize("guard", TABLE.guards)
def test_each_missing_verdict_closes_the_gate(guard: str) -> None:
    line = Line()
    reasons = decide(TABLE, without(verdicts(line, "dpo"), guard), METHODS["dpo"], line.hashes())
    assert names(reasons) == {TABLE.guards[guard].name} and "there is no verdict" in reasons[0]


@pytest.mark.parametrize("name", TABLE.inputs_of(METHODS["dpo"]))
def test_a_verdict_made_for_other_inputs_does_not_count(name: str) -> None:
    line = Line()
    reasons = decide(TABLE, verdicts(line, "dpo"), METHODS["dpo"], {**line.hashes(), name: "0" * 64})
    concerned = {g.name for g in TABLE.of_method(METHODS["dpo"]) if name in g.inputs(METHODS["dpo"])}
    assert names(reasons) == concerned
    assert all(f"made for other inputs ({name} differ)" in reason for reason in reasons)


@pytest.mark.parametrize("sha", [None, ""])
def test_an_input_without_a_hash_matches_nothing(sha: str | None) -> None:
    line = Line()
    hashes = line.hashes()
    found = swap(verdicts(line, "dpo"), "g3", inputs={"base_model": "", "bench_cases": hashes["bench_cases"]})
    hashes.pop("base_model")
    if sha is not None:
        hashes["base_model"] = sha
    assert any("base_model" in r and "not given" in r for r in decide(TABLE, found, METHODS["dpo"], hashes))


def test_verdicts_of_one_method_do_not_speak_for_another() -> None:
    line = Line()
    reasons = decide(TABLE, verdicts(line, "ipo"), METHODS["dpo"], line.hashes())
    assert names(reasons) == {TABLE.guards[g].name for g in ("g5", "g9", "g11")}


def test_the_gate_lists_every_reason_at_once() -> None:
    line = Line()
    for guard in ("g3", "g5", "g6"):
        MUTATIONS[guard](line)
    with pytest.raises(GateClosed) as closed:
        require(TABLE, without(verdicts(line, "dpo"), "g10"), METHODS["dpo"], line.hashes())
    assert "4 reasons against" in str(closed.value)
    assert all(TABLE.guards[g].name in str(closed.value) for g in ("g3", "g5", "g6", "g10"))
    assert closed.value.exit_code == 3


def test_of_two_verdicts_on_the_same_inputs_the_failed_one_counts() -> None:
    line, bad = Line(), Line()
    MUTATIONS["g5"](bad)
    assert names(decide(TABLE, verdicts(line, "dpo") + verdicts(bad, "dpo"), METHODS["dpo"], line.hashes())) == {
        "g5_dry_run"
    }


def test_an_old_verdict_beside_a_good_one_does_no_harm() -> None:
    line, old = Line(), Line()
    change(old, "preference_train", 0, phrasing="older")
    assert decide(TABLE, verdicts(old, "dpo") + verdicts(line, "dpo"), METHODS["dpo"], line.hashes()) == []


def test_a_further_input_must_agree_where_both_sides_name_it() -> None:
    line = Line()
    g6 = next(v for v in verdicts(line, "dpo") if v.guard == "g6")
    found = swap(verdicts(line, "dpo"), "g6", inputs={**g6.inputs, "corpus": "a" * 64})
    assert decide(TABLE, found, METHODS["dpo"], line.hashes()) == []
    assert names(decide(TABLE, found, METHODS["dpo"], {**line.hashes(), "corpus": "b" * 64})) == {"g6_shrinkage"}


@pytest.mark.parametrize("guard", TABLE.guards)
def test_a_failed_verdict_edited_to_passed_contradicts_its_own_numbers(guard: str) -> None:
    line = Line()
    MUTATIONS[guard](line)
    found = swap(verdicts(line, "dpo"), guard, passed=True, reason="")
    assert any("contradicts" in r for r in decide(TABLE, found, METHODS["dpo"], line.hashes()))


def test_a_shipped_threshold_cannot_be_lowered_in_a_verdict() -> None:
    line = Line()
    line.base_selection = 0.0
    g3 = next(v for v in verdicts(line, "dpo") if v.guard == "g3")
    assert (
        "another minimum" in forged(TABLE, replace(g3, passed=True, thresholds={**g3.thresholds, "minimum": -1.0}))[0]
    )


def test_a_threshold_of_the_method_table_cannot_be_raised_in_a_verdict() -> None:
    line = Line()
    g5 = next(v for v in verdicts(line, "dpo") if v.guard == "g5")
    lenient = replace(
        g5, numbers={**g5.numbers, "norm_share": 290.0}, thresholds={**g5.thresholds, "max_norm_share": 1e9}
    )
    found = [lenient if v.guard == "g5" else v for v in verdicts(line, "dpo")]
    limits = {"g5": {"max_norm_share": 1.0}, "g11": {"max_length": 1024}}
    assert decide(TABLE, verdicts(line, "dpo"), METHODS["dpo"], line.hashes(), limits) == []
    assert names(decide(TABLE, found, METHODS["dpo"], line.hashes(), limits)) == {"g5_dry_run"}
    longer = {"g11": {"max_length": 512}}
    assert names(decide(TABLE, verdicts(line, "dpo"), METHODS["dpo"], line.hashes(), longer)) == {"g11_lengths"}


def test_a_release_asks_for_the_checkpoint_it_descends_from_too() -> None:
    line = Line()
    assert decide_ancestry(TABLE, verdicts(line, "dpo") + verdicts(line, "sft"), METHODS["dpo"], line.hashes()) == []
    assert "g5_dry_run" in names(decide_ancestry(TABLE, verdicts(line, "dpo"), METHODS["dpo"], line.hashes()))


# reverify: the training process works the row guards out again from the files


def test_reverify_agrees_with_honest_verdicts(tmp_path: Path) -> None:
    for method in ("sft", "dpo", "kto"):
        line = Line()
        files = line.write(tmp_path)
        assert reverify(TABLE, METHODS[method], verdicts(line, method), line.hashes(), files, PROFILE) == []


@pytest.mark.parametrize("guard", [guard.id for guard in TABLE.guards.values() if guard.recomputable])
def test_a_forged_spec_contradicts_the_files(guard: str, tmp_path: Path) -> None:
    """Verdicts of a good line, with the hashes of a bad one written into them, pass every look at the verdicts
    alone."""
    bad = Line()
    MUTATIONS[guard](bad)
    hashes = bad.hashes()
    forgery = [replace(v, inputs={name: hashes[name] for name in v.inputs}) for v in verdicts(Line(), "dpo")]
    assert decide(TABLE, forgery, METHODS["dpo"], hashes) == []
    reasons = reverify(TABLE, METHODS["dpo"], forgery, hashes, bad.write(tmp_path), PROFILE)
    assert any(TABLE.guards[guard].name in r and "contradicts" in r for r in reasons)


def test_a_forged_profile_threshold_contradicts(tmp_path: Path) -> None:
    line = Line()
    MUTATIONS["g12"](line)
    g12 = next(v for v in verdicts(line, "dpo") if v.guard == "g12")
    found = swap(verdicts(line, "dpo"), "g12", passed=True, reason="", thresholds={**g12.thresholds, "min_rows": 1})
    assert decide(TABLE, found, METHODS["dpo"], line.hashes()) == []
    reasons = reverify(TABLE, METHODS["dpo"], found, line.hashes(), line.write(tmp_path), PROFILE)
    assert names(reasons) == {"g12_enough_rows"} and "thresholds differ" in reasons[0]


def test_the_guards_over_rows_are_worked_out_again_and_no_others() -> None:
    again = [guard.id for guard in TABLE.guards.values() if guard.recomputable]
    assert again == ["g1", "g2", "g4", "g7", "g8", "g12", "g13"]


def test_a_file_that_changed_after_it_was_judged_is_noticed(tmp_path: Path) -> None:
    line = Line()
    files = line.write(tmp_path)
    with files["preference_train"].open("ab") as file:
        file.write(b"\n")
    reasons = reverify(TABLE, METHODS["dpo"], verdicts(line, "dpo"), line.hashes(), files, PROFILE)
    assert any(r.startswith("preference_train:") and "contradicts its sha256" in r for r in reasons)


def test_a_file_of_another_schema_is_a_reason_and_not_a_crash(tmp_path: Path) -> None:
    line = Line()
    line.rows["preference_train"] = line.rows["trajectory_train"]
    hashes = line.hashes()
    found = [replace(v, inputs={n: hashes[n] for n in v.inputs}) for v in verdicts(Line(), "dpo")]
    assert any(
        "not a PreferencePair row" in r
        for r in reverify(TABLE, METHODS["dpo"], found, hashes, line.write(tmp_path), PROFILE)
    )


def test_files_that_are_not_given_or_not_there_close_the_gate(tmp_path: Path) -> None:
    line = Line()
    files = line.write(tmp_path)
    files["preference_train"].unlink()
    del files["preference_eval"]
    reasons = reverify(TABLE, METHODS["dpo"], verdicts(line, "dpo"), line.hashes(), files, PROFILE)
    assert any("is not there" in r for r in reasons) and any("no file is given" in r for r in reasons)


def test_reverify_refuses_bad_rows_even_without_any_verdict(tmp_path: Path) -> None:
    line = Line()
    MUTATIONS["g8"](line)
    reasons = reverify(TABLE, METHODS["dpo"], [], line.hashes(), line.write(tmp_path), PROFILE)
    assert any("g8_round_trip: fails on the files at hand" in r for r in reasons)


def test_the_gate_needs_neither_dagster_nor_torch() -> None:
    code = (
        "import sys, canvas_pipeline.guardrails.gate, canvas_pipeline.guardrails.image; "
        "bad = {'torch', 'dagster', 'transformers', 'trl', 'pandas', 'statsmodels'} & set(sys.modules); "
        "sys.exit(str(bad) if bad else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
