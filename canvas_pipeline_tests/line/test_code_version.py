"""What an edit makes again: code and data that decide rows do, code that only looks at rows does not."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import canvas_pipeline
from canvas_pipeline.line import audits, examples, intake, training, workspace

PACKAGE = Path(canvas_pipeline.__file__).parent
DATA = {"intake": intake.ROOMS, "examples": examples.ROOMS}


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the package that the versions are taken of."""
    copy = tmp_path / "canvas_pipeline"
    shutil.copytree(PACKAGE, copy, ignore=shutil.ignore_patterns("__pycache__", "embedded_base"))

    class Copy:
        __file__ = str(copy / "__init__.py")

    monkeypatch.setattr(workspace, "canvas_pipeline", Copy)
    return copy


def version(rooms: Any) -> str:
    """As a process says that starts now."""
    workspace._meaning.cache_clear()
    return workspace.code_version.__wrapped__(*rooms)


def edit(path: Path) -> None:
    path.write_text(path.read_text(encoding="utf-8") + "\nEDITED = 1\n", encoding="utf-8")


LOOKERS = (
    "audit/auditor",
    "audit/patterns",
    "checking/repair",
    "synthetic/canaries",
    "name_model/templates",
    "name_model/training",
)


@pytest.mark.parametrize("module", LOOKERS)
def test_an_edit_to_who_looks_at_rows_makes_no_row_again(module: str, package: Path) -> None:
    before = {name: version(rooms) for name, rooms in DATA.items()}
    edit(package / "intake" / f"{module}.py")
    assert {name: version(rooms) for name, rooms in DATA.items()} == before


def test_an_edit_to_the_auditor_or_what_it_reads_with_makes_every_audit_again(package: Path) -> None:
    seen = {version(audits.ROOMS)}
    for module in (
        "intake/audit/auditor",
        "intake/audit/patterns",
        "intake/courses/registry_file",
        "guardrails/audit",
        "guardrails/table",
    ):
        edit(package / f"{module}.py")
        seen.add(version(audits.ROOMS))
    assert len(seen) == 6


@pytest.mark.parametrize(
    "module", ["identities/pii", "identities/recognisers", "courses/crn", "stream/merge", "stream/takein"]
)
def test_an_edit_to_who_makes_rows_makes_them_again(module: str, package: Path) -> None:
    before = {name: version(rooms) for name, rooms in DATA.items()}
    edit(package / "intake" / f"{module}.py")
    assert all(version(rooms) != before[name] for name, rooms in DATA.items())


def test_a_retrained_recogniser_makes_the_rows_again_and_an_edit_to_its_card_does_not(package: Path) -> None:
    before = version(intake.ROOMS)
    card = package / "intake/identities/person_model/MODEL_CARD.md"
    card.write_text(card.read_text(encoding="utf-8") + "One more sentence.\n", encoding="utf-8")
    assert version(intake.ROOMS) == before
    weights = package / "intake/identities/person_model/ner/model"
    weights.write_bytes(weights.read_bytes() + b"\0")
    assert version(intake.ROOMS) != before


def test_a_comment_or_a_docstring_makes_nothing_again(package: Path) -> None:
    before = version(intake.ROOMS)
    path = package / "intake/identities/pii.py"
    path.write_text(path.read_text(encoding="utf-8") + "\n# A remark.\n", encoding="utf-8")
    assert version(intake.ROOMS) == before


def test_a_process_names_the_code_that_it_began_with_also_for_rooms_that_it_is_asked_about_later(package: Path) -> None:
    before = {name: version(rooms) for name, rooms in DATA.items()}
    version(["."])  # what the fork server asks, before any step is born
    edit(package / "intake/identities/pii.py")
    edit(package / "examples/pairs.py")
    assert {name: workspace.code_version.__wrapped__(*rooms) for name, rooms in DATA.items()} == before
    assert all(version(rooms) != before[name] for name, rooms in DATA.items())


@pytest.mark.parametrize("module", ["bench/mock_canvas", "line/workspace"])
def test_a_file_in_the_middle_of_an_edit_does_not_end_the_fork_server(module: str, package: Path) -> None:
    (package / f"{module}.py").write_text("def half(\n", encoding="utf-8")
    import_it = [sys.executable, "-c", "import canvas_pipeline.line.warm"]
    done = subprocess.run(
        import_it,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        cwd=package.parent,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stderr) == (0, "canvas_pipeline: steps will read the code themselves (SyntaxError)\n")


@pytest.mark.parametrize("name", DATA)
def test_what_does_not_count_is_used_by_nothing_that_counts(name: str) -> None:
    counted = dict(workspace.counted(*DATA[name]))
    whole = dict(workspace.counted(*(room for room in DATA[name] if not room.startswith("-"))))
    left_out = {_module(file) for file in whole.keys() - counted.keys()}
    assert (
        "canvas_pipeline.intake.audit.auditor" in left_out and "canvas_pipeline.intake.synthetic.canaries" in left_out
    )
    used = {
        (file, imported)
        for file, path in counted.items()
        if path.suffix == ".py"
        for imported in _imported(path)
        if imported in left_out
    }
    assert used == set()


def test_the_shipped_weights_are_an_input_of_a_training_and_not_its_code() -> None:
    files = [name for name, _ in workspace.counted(*training.ROOMS)]
    assert "training/trainers.py" in files and not [
        name for name in files if name.startswith("training/embedded_base/")
    ]


def _module(file: str) -> str:
    return "canvas_pipeline." + file.removesuffix(".py").replace("/", ".")


def _imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found
