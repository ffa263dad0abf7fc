"""How a version of a stage differs from the one before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.storage.history import what_changed
from canvas_pipeline.storage.store import Recipe, Stage, Store


def make_version(root: Path, text: str = "a", **changes: Any) -> tuple[Stage, bool]:
    """A version of one stage, with a recipe that differs in ``changes``."""
    inputs = {"corpus": "1", "ada-001.jsonl": "1", "bo-002.jsonl": "1"} | changes.pop("inputs", {})
    recipe = Recipe(
        **{
            "stage": "pairs",
            "code_version": "1",
            "config": {"seed": 7},
            "libraries": {"trl": "1"},
            **changes,
            "inputs": inputs,
        }
    )
    return Store(root).make(recipe, lambda writer: writer.text(text, "rows.txt"))


def change(found: tuple[Stage, bool]) -> str:
    return what_changed(*found, named=["corpus"])


def test_the_first_version_has_none_before_it(tmp_path: Path) -> None:
    assert change(make_version(tmp_path)) == "made: there was no version before this one"


def test_a_reused_version_has_not_changed(tmp_path: Path) -> None:
    make_version(tmp_path)
    assert change(make_version(tmp_path)) == "reused: nothing that it is made from has changed"


@pytest.mark.parametrize(
    "changes, differs",
    [
        ({"inputs": {"corpus": "2"}}, "corpus"),
        ({"code_version": "2"}, "the code"),
        ({"config": {"seed": 8}}, "the setting seed"),
        ({"libraries": {"trl": "2"}}, "the library trl"),
        ({"inputs": {"corpus": "2"}, "code_version": "2"}, "corpus, the code"),
    ],
)
def test_a_new_version_names_what_differs_from_the_last(changes: dict[str, Any], differs: str, tmp_path: Path) -> None:
    make_version(tmp_path)
    assert change(make_version(tmp_path, "b", **changes)) == f"made again ({differs} changed); other result"


def test_an_unchanged_result_is_reported(tmp_path: Path) -> None:
    make_version(tmp_path)
    assert change(make_version(tmp_path, code_version="2")).endswith("; same result")


def test_it_is_compared_with_the_newest_version_and_not_with_an_older_one(tmp_path: Path) -> None:
    make_version(tmp_path, code_version="1")
    make_version(tmp_path, code_version="2")
    assert "the setting seed changed" in change(make_version(tmp_path, code_version="2", config={"seed": 8}))
    assert "code" not in change(make_version(tmp_path, code_version="2", config={"seed": 9}))


def test_an_input_that_may_be_named_after_a_person_is_counted(tmp_path: Path) -> None:
    make_version(tmp_path)
    found = change(make_version(tmp_path, "b", inputs={"corpus": "2", "ada-001.jsonl": "2", "bo-002.jsonl": "2"}))
    assert "corpus, 2 other inputs changed" in found and "ada" not in found
    assert "one input changed" in change(
        make_version(tmp_path, "c", inputs={"corpus": "2", "ada-001.jsonl": "2", "bo-002.jsonl": "3"})
    )
