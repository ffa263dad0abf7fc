"""Several settings of one method: each trained under its guards, compared case by case, and the run's own current at the end."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline import training
from canvas_pipeline.pipeline.sweep import OWN, read_sweep, sweep
from canvas_pipeline_tests.pipeline.entries import canvas_train
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, copy_of


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "sweep.yaml"
    path.write_text(text)
    return path


def test_every_setting_is_compared_with_the_runs_own_numbers_which_are_current_afterwards(
    good_line: Path, tmp_path: Path
) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    before = training.current_spec(ws, "dpo").sha256
    text = "{method: dpo, settings: {gentle: {beta: 0.1}, short rows: {max_length: 150}, long: {epochs: 2}}}"
    made = sweep(ws, read_sweep(written(tmp_path, text), ws), Workshop(ws.root / BASE, 0.9))
    found = json.loads(made.stage.path("matrix.json").read_bytes())
    rows = {row["method"]: row for row in found["matrix"]["rows"]}
    assert list(rows) == [OWN, "gentle", "long"] and found["matrix"]["baseline"] == OWN
    rates = [rate for row in rows.values() for rate in row["rates"].values() if rate["cases"]]
    assert rates and all(rate["low"] <= rate["share"] <= rate["high"] for rate in rates)
    assert found["changed"] == {OWN: "the table's", "gentle": "beta 0.3 -> 0.1", "long": "epochs 1 -> 2"}
    assert list(found["left out"]) == ["short rows"]  # G11: its rows are longer
    table = made.stage.path("matrix.md").read_text()
    assert "gentle: beta 0.3 -> 0.1" in table and "short rows: left out, dpo" in table
    assert made.stage.path("settings.png").read_bytes().startswith(b"\x89PNG")
    assert training.current_spec(ws, "dpo").sha256 == before
    assert training.current_checkpoint(ws, "dpo").manifest.recipe.inputs["spec"] == before


@pytest.mark.parametrize(
    "text, why",
    [
        ("{method: ppo, settings: {a: {beta: 1}}}", "no method 'ppo'"),
        ("{method: dpo, settings: {a: {betta: 1}}}", "did you mean beta"),
        ("{method: dpo, settings: {a: {}}}", "'a' is no setting"),
        ("{method: dpo}", "names a method and its settings"),
        ("[", "cannot be read as YAML"),
    ],
)
def test_a_wrong_sweep_ends_the_command_before_anything_starts(
    text: str, why: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    data.mkdir()
    assert canvas_train("--root", str(data), "--sweep", str(written(tmp_path, text))) == 1
    assert why in capsys.readouterr().err and list(data.iterdir()) == []
    assert not (tmp_path / ".dagster").exists()


def test_a_sweep_that_is_not_there_is_named(good_line: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="cannot be read"):
        read_sweep(tmp_path / "no.yaml", copy_of(good_line, tmp_path / "line"))
