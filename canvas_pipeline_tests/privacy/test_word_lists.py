"""The lists of words and templates that are shipped as files."""

from __future__ import annotations

from pathlib import Path

import pytest

import canvas_pipeline.privacy
from canvas_pipeline.privacy.name_model.templates import texts
from canvas_pipeline.privacy.word_lists import word_list

FOLDER = Path(canvas_pipeline.privacy.__file__).parent
FILES = sorted((FOLDER / "words").glob("*.txt")) + sorted((FOLDER / "name_model" / "words").rglob("*.txt"))


def test_a_list_has_the_lines_of_its_file_without_its_comments_in_their_order() -> None:
    assert word_list("town_endings")[0] == "bay" and "# Compiled for this project." not in word_list("town_endings")
    assert texts("fillers/works")[:2] == ("Homework {n}", "HW{n}")
    assert "#{n} {t}" in texts("wordings/plain")


@pytest.mark.parametrize("path", FILES, ids=[path.relative_to(FOLDER).as_posix() for path in FILES])
def test_a_file_of_words_begins_with_what_it_holds_and_its_source(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0].startswith("# ") and lines[1].startswith("# ") and not lines[2].startswith("# ")
    assert "" not in lines


@pytest.mark.parametrize("path", [path for path in FILES if path.parent.name == "words"], ids=lambda path: path.stem)
def test_no_list_that_decides_what_is_masked_has_a_word_twice(path: Path) -> None:
    words = word_list(path.stem)
    assert len(set(words)) == len(words) and [word for word in words if word != word.strip()] == []
