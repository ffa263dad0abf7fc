"""The sixth entry point, ``python -m canvas_pipeline.training train SPEC``: it believes nobody, and a spec that is bad, bare or
forged ends with exit code 3 and nothing written."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.guardrails.gate import RECOMPUTED
from canvas_pipeline.guardrails.table import GUARDS
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.line import training
from canvas_pipeline.line.workspace import Workspace
from canvas_pipeline.training.__main__ import main
from canvas_pipeline.training.spec import InputFile, RunSpec, read_spec, write_spec
from canvas_pipeline_tests.line.breaks import BREAKS
from canvas_pipeline_tests.line.entries import nothing_was_trained, untrained
from canvas_pipeline_tests.line.good_line import BASE, Workshop, copy_of

replace = msgspec.structs.replace
Change = Callable[[Verdict], Verdict]


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return untrained(good_line, tmp_path / "line")


def made(ws: Workspace) -> RunSpec:
    """The run spec as the line makes it now."""
    return read_spec(training.run_spec(ws, "dpo", Workshop(ws.root / BASE)).stage.path("spec.json"))


def train(spec: RunSpec, folder: Path) -> tuple[int, Path]:
    """Run the process's main on a spec; returns the exit code and the folder it would have made."""
    write_spec(spec, folder / "spec.json")
    return main(["train", str(folder / "spec.json"), "--out", str(folder / "out")]), folder / "out"


def refused(spec: RunSpec, folder: Path) -> bool:
    before = sorted(folder.iterdir())
    code, out = train(spec, folder)
    left = {path.name for path in set(folder.iterdir()) - set(before)}
    return code == 3 and not out.exists() and left <= {"spec.json"}


def changed(spec: RunSpec, guard: str, change: Change) -> RunSpec:
    return replace(spec, verdicts=tuple(change(v) if v.guard == guard else v for v in spec.verdicts))


def numbers_of(good: RunSpec, guard: str) -> dict[str, Any]:
    return next(dict(v.numbers) for v in good.verdicts if v.guard == guard)


@pytest.mark.parametrize("guard", BREAKS)
def test_a_spec_with_a_failed_verdict_is_refused_and_so_is_one_flipped_to_passed(
    guard: str, ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BREAKS[guard](ws)
    spec = made(ws)
    assert refused(spec, tmp_path) and GUARDS[guard].name in capsys.readouterr().err
    assert refused(changed(spec, guard, lambda v: replace(v, passed=True, reason="")), tmp_path)
    assert GUARDS[guard].name in capsys.readouterr().err


@pytest.mark.parametrize("guard", RECOMPUTED)
def test_edited_numbers_contradict_the_rows(
    guard: str, good_line: Path, ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The numbers of the time when all was well, written over the bad ones: consistent in itself, and still refused."""
    good = made(copy_of(good_line, tmp_path / "good"))
    BREAKS[guard](ws)
    forged = changed(made(ws), guard, lambda v: replace(v, passed=True, reason="", numbers=numbers_of(good, guard)))
    assert refused(forged, tmp_path) and GUARDS[guard].name in capsys.readouterr().err


@pytest.mark.parametrize(
    "guard, thresholds",
    [("g1", {"min_share": 0.0}), ("g3", {"minimum": -1.0}), ("g4", {"min_occurrences": 0}), ("g5", {"max_grad_norm": 1e9}),
     ("g11", {"max_length": 100_000}), ("g12", {"min_rows": 1}), ("g13", {"max_repeats": 99})],
)  # fmt: skip
def test_raised_thresholds_are_noticed(
    guard: str, thresholds: dict[str, Any], ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = changed(made(ws), guard, lambda v: replace(v, thresholds={**v.thresholds, **thresholds}))
    assert refused(spec, tmp_path) and GUARDS[guard].name in capsys.readouterr().err


def test_a_longer_length_in_the_spec_does_not_raise_the_bound_of_its_rows(ws: Workspace, tmp_path: Path) -> None:
    spec = made(ws)
    longer = replace(spec, hyperparameters=replace(spec.hyperparameters, max_length=100_000))
    assert refused(
        changed(longer, "g11", lambda v: replace(v, thresholds={**v.thresholds, "max_length": 100_000})), tmp_path
    )


def test_a_spec_without_verdicts_is_refused(ws: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert refused(replace(made(ws), verdicts=()), tmp_path)
    told = capsys.readouterr().err
    assert all(guard.name in told for guard in GUARDS.values())


def test_hashes_of_other_files_are_noticed(ws: Workspace, tmp_path: Path) -> None:
    spec = made(ws)
    other = "0" * 64
    inputs = {**spec.inputs, "preference_train": InputFile(path=spec.inputs["preference_train"].path, sha256=other)}
    verdicts = tuple(
        replace(v, inputs={**v.inputs, **({"preference_train": other} if "preference_train" in v.inputs else {})})
        for v in spec.verdicts
    )
    assert refused(replace(spec, inputs=inputs, verdicts=verdicts), tmp_path)


def test_verdicts_of_another_line_do_not_speak_for_this_one(good_line: Path, ws: Workspace, tmp_path: Path) -> None:
    good = made(copy_of(good_line, tmp_path / "good"))
    BREAKS["g12"](ws)
    assert refused(replace(made(ws), verdicts=good.verdicts), tmp_path)


def test_a_spec_left_in_the_store_with_good_numbers_over_bad_ones_does_not_train(
    good_line: Path, ws: Workspace, tmp_path: Path
) -> None:
    """The process cannot measure again before it trains; the line compares with what was measured."""
    good = made(copy_of(good_line, tmp_path / "good"))
    for guard in ("g3", "g5", "g9", "g11"):
        BREAKS[guard](ws)
    spec = made(ws)
    for guard in ("g3", "g5", "g9", "g11"):
        spec = changed(spec, guard, lambda v: replace(v, passed=True, reason="", numbers=numbers_of(good, v.guard)))
    with ws.store.write(ws.store.get("run_spec/dpo").manifest.recipe) as writer:
        write_spec(spec, writer.path("spec.json"))
    with pytest.raises(GateClosed, match="g5_dry_run"):
        training.checkpoint(ws, "dpo", Workshop(ws.root / BASE))
    assert nothing_was_trained(ws)


def test_the_module_itself_ends_with_exit_code_3(ws: Workspace, tmp_path: Path) -> None:
    write_spec(replace(made(ws), verdicts=()), tmp_path / "spec.json")
    command = [
        sys.executable,
        "-m",
        "canvas_pipeline.training",
        "train",
        str(tmp_path / "spec.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr.startswith("GateClosed: dpo may not go on")
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def test_the_good_spec_is_admitted(ws: Workspace) -> None:
    from canvas_pipeline.training.admission import admit

    admit(made(ws))
