"""What README.md names must exist: make targets, commands with their options, files; its figures are those of the experiments."""

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
PRODUCED = ("data/artifacts", "data/private", "data/releases", "RELEASE-LOG.md", ".venv", ".dagster", ".tools")
SUFFIXES = {".py", ".md", ".yaml", ".toml", ".json", ".jsonl", ".png", ".svg", ".lock", ".gguf", ".training"}


def code_lines() -> list[str]:
    """Lines of fenced blocks and inline code, without prompts and comments."""
    fenced = re.findall(r"^```[^\n]*\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    inline = re.findall(r"`([^`\n]+)`", re.sub(r"^```.*?^```", "", README, flags=re.MULTILINE | re.DOTALL))
    lines = [line for block in fenced for line in block.replace("\\\n", " ").splitlines()] + inline
    return [line.removeprefix("$ ").split(" #")[0].strip() for line in lines]


def started(program: str) -> list[list[str]]:
    """The words after each mention of a program."""
    found = []
    for line in code_lines():
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


def paths() -> set[str]:
    links = re.findall(r"\]\(([^)#\s]+)", README)
    words = [word for line in code_lines() for word in line.split()]
    named = {word.rstrip("/,.:") for word in (*links, *words)}
    return {
        name
        for name in named
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


@pytest.mark.parametrize("program", ["canvas-data", "canvas-train", "canvas-release", "uma"])
def test_every_command_and_option_in_the_readme_exists(program: str) -> None:
    for words in started(program):
        command = command_of(program)
        rest = list(words)
        # Typer brings its own click, so that isinstance of click.Group would say no.
        commands = getattr(command, "commands", {})
        if commands and rest and not rest[0].startswith("-"):
            assert rest[0] in commands, f"{program} {rest[0]}"
            command = commands[rest.pop(0)]
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        for word in rest:
            if word.startswith("--") and word != "--help":
                assert word.split("=")[0] in known, f"{program} … {word}"


def test_every_file_the_readme_names_exists() -> None:
    assert {name for name in paths() if not (ROOT / name).exists()} == set()
    assert paths(), "the README says where things live"


def test_every_figure_in_the_readmes_table_is_one_of_the_experiments() -> None:
    measured = (ROOT / "docs/experiments.md").read_text(encoding="utf-8")
    table = README.split("<!-- table")[1].split("<!-- /table -->")[0]
    figures = re.findall(r"[\d.]+ % \[[^\]]+\]", table)
    assert len(figures) >= 16 and [figure for figure in figures if figure not in measured] == []
