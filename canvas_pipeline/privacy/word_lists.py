"""Read the lists of words and templates that are shipped as text files.

A list in ``words`` decides what is masked; one in ``name_model/words`` is what the name recogniser is trained and measured on. A
file has one entry a line. A line that begins with ``# `` is a comment; the first ones give content and source of the list.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
_FOLDER = "words"


@cache
def word_list(name: str, package: str = "") -> tuple[str, ...]:
    """Return the entries of ``words/NAME.txt`` in ``privacy``, or in one of its packages, in the file's order."""
    with (_HERE / package / _FOLDER / f"{name}.txt").open(encoding="utf-8") as file:
        lines = file.read().split("\n")
    return tuple(line for line in lines if line and not line.startswith("# "))
