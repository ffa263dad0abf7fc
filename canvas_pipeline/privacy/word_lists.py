"""Read the lists of words and templates that are shipped as text files.

A list in ``words`` decides what is masked; one in ``name_model/words`` is what the name recogniser is trained and measured on. A
file has one entry a line. A line that begins with ``# `` is a comment; the first ones give content and source of the list.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files

_FOLDER = "words"


@cache
def word_list(name: str, package: str = "") -> tuple[str, ...]:
    """Return the entries of ``words/NAME.txt`` in ``privacy``, or in one of its packages, in the file's order."""
    path = files("canvas_pipeline.privacy").joinpath(package, _FOLDER, f"{name}.txt")
    return tuple(line for line in path.read_text(encoding="utf-8").split("\n") if line and not line.startswith("# "))
