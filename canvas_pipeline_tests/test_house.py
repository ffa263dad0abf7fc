"""The rules of the house, each as a test: import direction, what loading costs, names, sizes, set-up, deployment."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from canvas_pipeline.guardrails.image import collisions, entry_and_command

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = sorted((ROOT / "canvas_pipeline").rglob("*.py"))
TESTS = sorted((ROOT / "canvas_pipeline_tests").rglob("*.py"))
HEAVY = (
    "torch",
    "transformers",
    "trl",
    "peft",
    "datasets",
    "presidio_analyzer",
    "spacy",
    "llama_cpp",
    "gguf",
    "vllm",
    "duckdb",
)
"""What is loaded where it is used. (duckdb also prints forty lines about itself when a process ends that has it loaded.)"""
DRAWERS = {"util", "utils", "common", "helper", "helpers", "misc", "constants", "stuff"}
MAX_LINES = 350
TEXTS = [
    path
    for folder in ("canvas_pipeline", "canvas_pipeline_tests", "deploy", "docs", ".ci", "")
    for path in sorted((ROOT / folder).rglob("*") if folder else ROOT.glob("*"))
    if path.is_file() and path.suffix in {".py", ".md", ".yaml", ".yml", ".toml", ".training", ".cfg", ".txt", ""}
]


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def loaded_by(*modules: str) -> set[str]:
    """Top-level packages in memory after importing, in a fresh process."""
    code = f"import json, sys, importlib\nfor m in {modules!r}: importlib.import_module(m)\n"
    if "canvas_pipeline.definitions" in modules:
        code += "importlib.import_module('canvas_pipeline.definitions').defs()\n"
    code += "print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


def test_the_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([program, "--no-cache"], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout[-4000:]


def test_every_room_stands_in_the_import_contract() -> None:
    text = (ROOT / ".importlinter").read_text()
    direction = text.split("layers =", 1)[1].split("[importlinter", 1)[0]
    rooms = {p.stem for p in (ROOT / "canvas_pipeline").glob("*.py")} | {
        p.parent.name for p in (ROOT / "canvas_pipeline").glob("*/__init__.py")
    }
    assert rooms - {"__init__"} - set(re.findall(r"canvas_pipeline\.(\w+)", direction)) == set()


def test_loading_the_code_location_imports_nothing_heavy() -> None:
    assert loaded_by("canvas_pipeline.definitions") & set(HEAVY) == set()


def test_starting_a_command_imports_nothing_heavy() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert loaded_by(*(target.partition(":")[0] for target in scripts.values())) & set(HEAVY) == set()


def test_no_module_is_a_drawer() -> None:
    named = [name_of(p) for p in [*PACKAGE, *TESTS] if DRAWERS & {p.stem, *p.relative_to(ROOT).parts[:-1]}]
    assert named == []


def test_no_file_has_more_lines_than_the_house_allows() -> None:
    sizes = {name_of(p): len(p.read_text(encoding="utf-8").splitlines()) for p in [*PACKAGE, *TESTS]}
    assert {name: lines for name, lines in sizes.items() if lines > MAX_LINES} == {}


def test_every_module_says_what_it_is_and_every_init_is_empty() -> None:
    silent = []
    for path in PACKAGE:
        text = path.read_text(encoding="utf-8")
        if path.name == "__init__.py":
            assert not text.strip(), f"{name_of(path)} is not empty"
        elif len(ast.get_docstring(ast.parse(text)) or "") < 20:
            silent.append(name_of(path))
    assert silent == []


def test_imports_are_absolute() -> None:
    relative = [
        f"{name_of(path)}:{node.lineno}"
        for path in [*PACKAGE, *TESTS]
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_nothing_names_the_place_where_it_was_written() -> None:
    # Put together here, so that this file does not hold them.
    places = ["/".join(("", "work", "main")), "/".join(("", "work", "shared")), "/".join(("", "tmp", "contract"))]
    if len(ROOT.parts) > 3:
        places.append(str(ROOT))
    found = [
        f"{name_of(path)}: {place}"
        for path in TEXTS
        if path.name != "uv.lock"
        for place in places
        if place in path.read_text(encoding="utf-8", errors="replace")
    ]
    assert found == []


def make(*arguments: str, path: str | None = None) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program is not None, "make is a prerequisite"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS"))}
    if path is not None:
        environment["PATH"] = path
    return subprocess.run([program, *arguments], capture_output=True, text=True, cwd=ROOT, env=environment, check=False)


def test_make_alone_lists_the_targets_with_what_they_do() -> None:
    done = make()
    assert done.returncode == 0
    for target in ("demo", "test", "dev", "lint", "bench", "help", "clean"):
        assert re.search(rf"^  make {target} +\S", done.stdout, re.MULTILINE), target


def test_a_missing_compiler_is_named_in_one_line_with_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    done = make("prerequisites", f"VENV={tmp_path / 'none'}", path=str(tmp_path))
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("missing:")]
    assert done.returncode != 0 and "C++ compiler" in line and "apt install g++" in line


def test_a_missing_python_is_named_in_one_line_with_what_to_install(tmp_path: Path) -> None:
    done = make("prerequisites", "PYTHON=no-such-python", f"VENV={tmp_path / 'none'}")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("missing:")]
    assert done.returncode != 0 and "Python 3.11 or later" in line and "apt install python3" in line


def test_an_old_python_and_a_missing_venv_module_are_named(tmp_path: Path) -> None:
    old = tmp_path / "python3"
    old.write_text("#!/bin/sh\nexit 1\n")  # what an old interpreter without venv answers to both questions
    old.chmod(0o755)
    done = make("prerequisites", f"PYTHON={old}", f"VENV={tmp_path / 'none'}")
    missing = [line for line in done.stderr.splitlines() if line.startswith("missing:")]
    assert done.returncode != 0 and len(missing) == 2
    assert "is older" in missing[0] and "venv" in missing[1]


def test_with_everything_installed_the_prerequisites_say_nothing() -> None:
    done = make("prerequisites", f"PYTHON={sys.executable}")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_makefile_and_the_image_use_the_same_uv() -> None:
    pinned = re.search(r"UV_VERSION := (\S+)", (ROOT / "Makefile").read_text())
    assert pinned and f"uv=={pinned[1]}" in (ROOT / "deploy/Dockerfile.training").read_text()


def test_every_service_fits_the_image_and_no_port_leaves_the_machine() -> None:
    dockerfile, compose = (ROOT / "deploy" / name for name in ("Dockerfile.training", "compose.yaml"))
    assert collisions(dockerfile.read_text(), compose.read_text(), dockerfile.name) == []
    assert entry_and_command(dockerfile.read_text())[0] == ["canvas-train"]
    services = yaml.safe_load(compose.read_text())["services"]
    ports = [str(port) for service in services.values() for port in service.get("ports", ())]
    assert all(port.startswith("127.0.0.1:") for port in ports)
    users = re.findall(r"^USER (\S+)", dockerfile.read_text(), re.MULTILINE)
    assert users and users[-1] != "root"


@pytest.mark.parametrize(
    "name", ["LICENSE", "NOTICE", "CONTRIBUTING.md", "CHANGELOG.md", "workspace.yaml", "dagster.yaml"]
)
def test_the_files_of_a_public_project_are_there_and_not_empty(name: str) -> None:
    assert len((ROOT / name).read_text()) > 50


def test_the_licence_is_the_whole_apache_licence() -> None:
    text = (ROOT / "LICENSE").read_text()
    assert "Version 2.0, January 2004" in text and "END OF TERMS AND CONDITIONS" in text and len(text) > 10_000


def test_the_dagster_instance_is_local_and_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import dagster as dg

    shutil.copy(ROOT / "dagster.yaml", tmp_path / "dagster.yaml")
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        assert instance.telemetry_enabled is False
        assert Path(instance.root_directory) == tmp_path
