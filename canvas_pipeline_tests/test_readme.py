"""What README.md and the pages in docs/ name must exist: make targets, commands with their options, files; figures are measured."""

from __future__ import annotations

import importlib
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

ROOT = Path(__file__).resolve().parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PAGES = [ROOT / "README.md", *(page for page in sorted((ROOT / "docs").glob("*.md")) if page.name != "experiments.md")]
PRODUCED = ("data/artifacts", "data/private", "data/releases", "RELEASE-LOG.md", ".venv", ".dagster", ".tools")
SUFFIXES = {".py", ".md", ".yaml", ".toml", ".json", ".jsonl", ".png", ".svg", ".lock", ".gguf", ".training"}


def code_lines(text: str) -> list[str]:
    """Lines of fenced blocks and inline code, without prompts and comments."""
    fenced = re.findall(r"^```(?:sh)?\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL))
    lines = [line for block in fenced for line in block.replace("\\\n", " ").splitlines()] + inline
    return [line.removeprefix("$ ").split(" #")[0].strip() for line in lines]


def started(program: str) -> list[list[str]]:
    """The words after each mention of a program."""
    found = []
    for line in (line for page in PAGES for line in code_lines(page.read_text(encoding="utf-8"))):
        for part in re.split(r"&&|;|\|", line):
            words = (
                shlex.split(part, comments=True)
                if part.count("'") % 2 == 0 and part.count('"') % 2 == 0
                else part.split()
            )
            while words and re.fullmatch(r"[A-Z_]+=.*", words[0]):
                words = words[1:]
            if words and Path(words[0]).name == program:
                found.append(words[1:])
    return found


def command_of(program: str) -> Any:
    target = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"][program]
    return typer.main.get_command(importlib.import_module(target.partition(":")[0]).app)


def links(page: Path) -> set[str]:
    """Files of the repository that a page points to, as they stand there."""
    return {name for name in re.findall(r"\]\(([^)#\s]+)", page.read_text(encoding="utf-8")) if "://" not in name}


def paths(page: Path) -> set[str]:
    """Paths from the root that a page names in code."""
    words = [word for line in code_lines(page.read_text(encoding="utf-8")) for word in line.split()]
    return {
        name
        for name in {word.rstrip("/,.:") for word in words}
        if re.fullmatch(r"[\w.][\w./-]*", name)
        and ("/" in name or Path(name).suffix in SUFFIXES)
        and (Path(name).suffix in SUFFIXES or (ROOT / name.split("/")[0]).is_dir())
        and not name.startswith(PRODUCED)
    }


def test_the_readme_shows_how_to_run_and_test_it() -> None:
    assert ["demo"] in started("make") and ["test"] in started("make")


def test_every_make_target_in_the_readme_exists() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {word for words in started("make") for word in words if re.fullmatch(r"[a-z]+", word)}
    assert named and named <= targets


@pytest.mark.parametrize("program", ["canvas-data", "canvas-train", "canvas-release", "canvas-tune", "uma"])
def test_every_command_and_option_in_the_readme_exists(program: str) -> None:
    for words in started(program):
        command = command_of(program)
        rest = list(words)
        # Typer brings its own click, so that isinstance of click.Group would say no.
        while (commands := getattr(command, "commands", {})) and rest and not rest[0].startswith("-"):
            assert rest[0] in commands, f"{program} {rest[0]}"
            command = commands[rest.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            if word.startswith("--") and word != "--help":
                assert word.split("=")[0] in known, f"{program} … {word}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_file_a_page_names_exists(page: Path) -> None:
    assert {name for name in links(page) if not (page.parent / name).exists()} == set()
    assert {name for name in paths(page) if not (ROOT / name).exists()} == set()


def test_the_readme_is_one_page_and_points_to_all_others() -> None:
    assert len(README.splitlines()) <= 150
    assert {page.relative_to(ROOT).as_posix() for page in PAGES[1:]} <= links(PAGES[0])


def test_every_figure_in_the_readmes_table_is_one_of_the_experiments() -> None:
    measured = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    table = README.split("<!-- table")[1].split("<!-- /table -->")[0]
    figures = re.findall(r"[\d.]+ % \[[^\]]+\]", table)
    assert len(figures) >= 16 and [figure for figure in figures if figure not in measured] == []


def test_the_operations_that_the_readme_says_are_saved_are_those_of_the_page() -> None:
    """``training/test_flops`` compares the page with the count."""
    page = (ROOT / "docs/gb10.md").read_text(encoding="utf-8").split("<!-- flops -->")[1].split("<!-- /flops -->")[0]
    ratios = dict(re.findall(r"^\| ([a-z, ]+) \|.*\| ([\d.]+) \|$", page, re.MULTILINE))
    said = re.search(
        r"([\d.]+) times\s+fewer operations for conversations and ([\d.]+) times fewer for preference pairs", README
    )
    assert said is not None
    assert said.groups() == tuple(f"{float(ratios[rows]):.1f}" for rows in ("conversations", "pairs, one row"))
