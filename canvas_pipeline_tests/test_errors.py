"""The exception tree: what is drawn is what there is, and every error has an exit code."""

from __future__ import annotations

import re

from canvas_pipeline import errors
from canvas_pipeline.errors import CanvasPipelineError

TREE = {cls.__name__: cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, Exception)}


def test_the_drawing_holds_every_error_and_no_other() -> None:
    drawn = re.findall(r"^ *[│├└─ ]*([A-Z]\w+)(?=  )", errors.__doc__ or "", re.MULTILINE)
    assert sorted(drawn) == sorted(TREE)


def test_the_drawing_shows_who_descends_from_whom() -> None:
    parents: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"^( *[│├└─ ]*)([A-Z]\w+)  ", line)
        if found is None:
            continue
        depth = len(found[1])
        parents = [(d, n) for d, n in parents if d < depth]
        if parents:
            assert TREE[found[2]].__base__ is TREE[parents[-1][1]], found[2]
        parents.append((depth, found[2]))


def test_exit_codes_are_the_documented_ones() -> None:
    codes = {name: cls.exit_code for name, cls in TREE.items() if issubclass(cls, CanvasPipelineError)}
    assert {name for name, code in codes.items() if code == 3} == {"GateClosed"}
    assert {name for name, code in codes.items() if code == 2} == {"ServiceUnavailable", "MissingTool", "AnotherRun"}
    assert set(codes.values()) == {1, 2, 3}
