"""The sixth entry point, ``python -m canvas_pipeline.pipeline.training_process train SPEC``: a spec that is bad, bare
or forged ends with exit code 3 and nothing written. Each guard's part in the gate itself is ``guardrails/test_gate``'s subject.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.training_process import main
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.storage.seal import process_seal
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.training.admission import admit
from canvas_pipeline.training.spec import SPEC, InputFile, RunSpec, read_spec, write_spec
from canvas_pipeline_tests.pipeline.breaks import BREAKS
from canvas_pipeline_tests.pipeline.entries import nothing_was_trained, untrained
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, line_at
from canvas_pipeline_tests.training.rows import run_of

replace = msgspec.structs.replace


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return untrained(good_line, tmp_path / "line")


def made(ws: Workspace) -> RunSpec:
    """Return the run spec as the pipeline builds it now."""
    return read_spec(build_stage(ws, "dpo_run_spec", Workshop(ws.root / BASE)).stage.path("spec.json"))


@pytest.fixture
def honest(good_line: Path) -> RunSpec:
    """Return the run spec of the good pipeline."""
    return read_spec(line_at(good_line).store.get("dpo_run_spec").path("spec.json"))


def train(spec: RunSpec, folder: Path) -> tuple[int, Path]:
    """Run the process's ``main`` on a spec; return the exit code and the output folder."""
    write_spec(spec, folder / "spec.json")
    process_seal(folder).put(folder / "spec.json", SPEC)
    return main(["train", str(folder / "spec.json"), "--out", str(folder / "out")]), folder / "out"


def refused(spec: RunSpec, folder: Path) -> bool:
    before = sorted(folder.iterdir())
    code, out = train(spec, folder)
    left = {path.name for path in set(folder.iterdir()) - set(before)}
    return code == 3 and not out.exists() and left <= {"spec.json", "spec.json.seal", ".seal.key"}


def changed(spec: RunSpec, guard: str, **changes: Any) -> RunSpec:
    """Return the spec with a change in one guard's verdict."""
    return replace(spec, verdicts=tuple(replace(v, **changes) if v.guard == guard else v for v in spec.verdicts))


def verdict_of(spec: RunSpec, guard: str) -> Verdict:
    return next(verdict for verdict in spec.verdicts if verdict.guard == guard)


def test_a_failed_verdict_is_refused_and_so_is_one_flipped_to_passed_or_with_numbers_from_before_the_break(
    ws: Workspace, honest: RunSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    BREAKS["g12"](ws)
    spec = made(ws)
    good = verdict_of(honest, "g12").numbers
    for changes in ({}, {"passed": True, "reason": ""}, {"passed": True, "reason": "", "numbers": good}):
        assert refused(changed(spec, "g12", **changes), tmp_path)
        assert TABLE.guards["g12"].name in capsys.readouterr().err


@pytest.mark.parametrize(
    "guard, thresholds",
    [("g1", {"min_share": 0.0}), ("g3", {"minimum": -1.0}), ("g4", {"min_occurrences": 0}), ("g5", {"max_norm_share": 1e9}),
     ("g11", {"max_length": 100_000}), ("g12", {"min_rows": 1}), ("g13", {"max_repeats": 99})],
)  # fmt: skip
def test_raised_thresholds_are_noticed(
    guard: str, thresholds: dict[str, Any], honest: RunSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    raised = {**verdict_of(honest, guard).thresholds, **thresholds}
    assert refused(changed(honest, guard, thresholds=raised), tmp_path)
    assert TABLE.guards[guard].name in capsys.readouterr().err


def test_a_longer_length_in_the_spec_does_not_raise_the_bound_of_its_rows(honest: RunSpec, tmp_path: Path) -> None:
    longer = replace(honest, hyperparameters=replace(honest.hyperparameters, max_length=100_000))
    raised = {**verdict_of(honest, "g11").thresholds, "max_length": 100_000}
    assert refused(changed(longer, "g11", thresholds=raised), tmp_path)


def test_a_spec_without_verdicts_is_refused(
    honest: RunSpec, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refused(replace(honest, verdicts=()), tmp_path)
    told = capsys.readouterr().err
    assert all(guard.name in told for guard in TABLE.guards.values())


def test_hashes_of_other_files_are_noticed(honest: RunSpec, tmp_path: Path) -> None:
    other = "0" * 64
    path = honest.inputs["preference_train"].path
    inputs = {**honest.inputs, "preference_train": InputFile(path=path, sha256=other)}
    verdicts = tuple(
        replace(v, inputs={**v.inputs, **({"preference_train": other} if "preference_train" in v.inputs else {})})
        for v in honest.verdicts
    )
    assert refused(replace(honest, inputs=inputs, verdicts=verdicts), tmp_path)


def test_verdicts_of_another_pipeline_are_refused(ws: Workspace, honest: RunSpec, tmp_path: Path) -> None:
    BREAKS["g12"](ws)
    assert refused(replace(made(ws), verdicts=honest.verdicts), tmp_path)


def test_a_spec_left_in_the_store_with_good_numbers_over_bad_ones_does_not_train(
    ws: Workspace, honest: RunSpec
) -> None:
    """The process cannot measure again before it trains; the pipeline compares with the stored measurement."""
    for guard in ("g3", "g5", "g9", "g11"):
        BREAKS[guard](ws)
    spec = made(ws)
    for guard in ("g3", "g5", "g9", "g11"):
        spec = changed(spec, guard, passed=True, reason="", numbers=verdict_of(honest, guard).numbers)
    with ws.store.write(ws.store.get("dpo_run_spec").manifest.recipe) as writer:
        write_spec(spec, writer.path("spec.json"))
    with pytest.raises(GateClosed, match="g5_dry_run"):
        build_stage(ws, "dpo_checkpoint", Workshop(ws.root / BASE))
    assert nothing_was_trained(ws)


def test_the_module_itself_ends_with_exit_code_3(honest: RunSpec, tmp_path: Path) -> None:
    write_spec(replace(honest, verdicts=()), tmp_path / "spec.json")
    process_seal(tmp_path).put(tmp_path / "spec.json", SPEC)
    command = [
        sys.executable,
        "-m",
        "canvas_pipeline.pipeline.training_process",
        "train",
        str(tmp_path / "spec.json"),
        "--out",
        str(tmp_path / "out"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 3 and done.stderr.startswith("GateClosed: dpo may not go on")
    assert "Traceback" not in done.stderr and not (tmp_path / "out").exists()


def test_the_good_spec_is_admitted(ws: Workspace, honest: RunSpec) -> None:
    admit(TABLE, run_of(honest))
    admit(TABLE, run_of(made(ws)))
