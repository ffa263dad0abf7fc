"""The cards of a released line: every figure computed again by a script of its own, every funnel shown."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline.guardrails.verdict import Allowance
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.datasets import ROUNDS
from canvas_pipeline_tests.pipeline.good_line import BASE, SHARES, Workshop, copy_of, line_at
from canvas_pipeline_tests.release import recompute as recompute_package
from canvas_pipeline_tests.release.recompute.cards import cells, recompute
from canvas_pipeline_tests.release.recompute.scores import METRICS

PROGRAM = Path(recompute_package.__file__).parent
ROOT = Path(__file__).parents[2]
NOT_COMPUTED = {
    "Model / profile / value", "Base and licences / name / value", "Base and licences / licence / value",
    "Training / objective / value", "Benchmark / confidence / value", "Data / name / value", "Data / licence / value",
    "Recorded allowances / labelled pairs / value", "Recorded allowances / preference split / value",
    "Recorded allowances / onpolicy pairs / value", "Recorded allowances / bon rows / value",
    *(f"Recorded allowances / {name} pairs / value" for name in ROUNDS),
    "Data / teacher / value", "Benchmark / sft by tool / value", "Benchmark / dpo by tool / value",
    *(f"Benchmark / effective cases of {model} / value" for model in ("base", "sft", "dpo")),
    *(f"Benchmark / {metric} / {model}" for metric in ("honest after error", "invented") for model in ("base", "sft", "dpo")),
    "With a grammar / file / value",
    *(f"With a grammar / {metric} / free run" for metric in ("malformed", "tool selection", "exact call", "over calling")),
    "Funnel / onpolicy pairs / in", "Funnel / onpolicy pairs / merged",
}  # fmt: skip
FUNNELS = (
    "contributors", "corpus", "trajectories", "labelled pairs", "mutation pairs", "trajectory split", "onpolicy pairs",
    "preference split", "feedback split",
)  # fmt: skip


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    ws = copy_of(good_line, tmp_path / "line")
    build_stage(ws, "release", Workshop(ws.root / BASE, SHARES["dpo"]))
    return ws


def test_every_figure_of_both_cards_is_equal_to_what_the_script_computes(ws: Workspace) -> None:
    found = recompute(ws.root)
    assert found.different == [] and set(found.uncovered) == NOT_COMPUTED
    assert len(found.equal) > 100
    for model in ("base", "sft", "dpo"):
        assert {f"Benchmark / {metric} / {model}" for metric in METRICS} <= set(found.equal)


def imported(package: Path) -> set[str]:
    """The top-level modules that the files of the script import from outside of it."""
    nodes = [node for path in package.glob("*.py") for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module or "" for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    own = recompute_package.__name__
    return {name.partition(".")[0] for name in names if not name.startswith(f"{own}.")}


def test_the_script_needs_nothing_of_the_project_and_its_exit_code_says_whether_all_is_equal(ws: Workspace) -> None:
    assert imported(PROGRAM) <= sys.stdlib_module_names
    command = [sys.executable, "-E", "-s", "-S", "-m", recompute_package.__name__, str(ws.root)]
    good = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert good.returncode == 0 and "different: 0" in good.stdout
    card = ws.root / "releases" / "current" / "DATA_CARD.md"
    text = card.read_text(encoding="utf-8")
    card.write_text(text.replace("| contributors | 4 |", "| contributors | 5 |"), encoding="utf-8")
    bad = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert bad.returncode == 1 and "Data / contributors / value: the card says '5', computed '4'" in bad.stdout


@pytest.mark.parametrize(
    "file, old, new",
    [
        ("README.md", " %", ".1 %"), ("README.md", "[", "[1"), ("README.md", "n = 4", "n = 5"), ("README.md", "MiB", "KiB"),
        ("DATA_CARD.md", "| trajectory train | ", "| trajectory train | 0"), ("DATA_CARD.md", "| corpus | ", "| corpus | 1"),
    ],
)  # fmt: skip
def test_one_changed_figure_is_found(file: str, old: str, new: str, ws: Workspace) -> None:
    card = ws.root / "releases" / "current" / file
    before, found, after = card.read_text(encoding="utf-8").partition(
        "\n| "
    )  # the text of a header and a section is left
    assert old in after
    card.write_text(before + found + after.replace(old, new, 1), encoding="utf-8")
    assert len(recompute(ws.root).different) == 1


def test_the_data_card_shows_every_funnel_and_the_splits(ws: Workspace) -> None:
    said = cells(ws.root / "releases" / "current" / "DATA_CARD.md")
    shown = tuple(dict.fromkeys(row for section, row, _ in said if section == "Funnel"))
    assert shown == FUNNELS
    assert all(
        said["Funnel", name, column].replace(",", "").isdigit() for name in FUNNELS for column in ("in", "refused")
    )


def test_an_allowance_that_nothing_needed_and_one_below_the_floor_are_named_on_the_card(
    good_line: Path, tmp_path: Path
) -> None:
    root = copy_of(good_line, tmp_path / "line").root
    ws = line_at(root, allowances=(Allowance(stage="corpus", minimum_retained=0.2, reason="one export was empty"),))
    build_stage(ws, "cards", Workshop(ws.root / BASE))
    text = ws.store.get("cards").path("DATA_CARD.md").read_text(encoding="utf-8")
    assert "| corpus | at least 20%: one export was empty; below the floor of 25%; nothing needed it |" in text
    log = build_stage(ws, "release_log", Workshop(ws.root / BASE)).facts["release log"]
    assert "| corpus | 20% | one export was empty | below the floor of 25%; nothing needed it |" in log
