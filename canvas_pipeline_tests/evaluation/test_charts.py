from __future__ import annotations

import subprocess
import sys

from canvas_pipeline.evaluation.charts import forest_png, funnel_png, guards_png, methods_png
from canvas_pipeline.evaluation.matrix import matrix
from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.records import Funnel
from canvas_pipeline_tests.evaluation.echo import CASES, ECHO, answered
from canvas_pipeline_tests.guardrails.good_data import Line, verdicts

SFT = answered(3)
RATES = {"one": wilson(1, 2), "many": wilson(50, 60), "none": wilson(0, 0)}
FUNNELS = [
    Funnel(stage="corpus", rows_in=10, kept=6, merged=1, refused={"no_title": 3}),
    Funnel(stage="empty", rows_in=0, kept=0),
]


def size(png: bytes) -> tuple[int, int]:
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    return int.from_bytes(png[16:20], "big"), int.from_bytes(png[20:24], "big")


def test_every_picture_is_a_png_of_some_size_and_the_same_each_time() -> None:
    trivial = {name: ECHO.score(CASES, found) for name, found in ECHO.trivial(CASES).items()}
    pictures = [
        lambda: forest_png(RATES, "groups", 0.5),
        lambda: methods_png(ECHO, matrix(ECHO, {"sft": SFT, "dpo": SFT}, trivial=trivial)),
        lambda: funnel_png(FUNNELS),
        lambda: guards_png(verdicts(Line(), "dpo")),
    ]
    for draw in pictures:
        png = draw()
        assert min(size(png)) > 100
        assert draw() == png


def test_other_numbers_give_another_picture() -> None:
    assert forest_png(RATES, "groups") != forest_png({**RATES, "one": wilson(2, 2)}, "groups")
    assert methods_png(ECHO, matrix(ECHO, {"sft": SFT})) != methods_png(ECHO, matrix(ECHO, {"sft": answered(4)}))
    assert funnel_png(FUNNELS) != funnel_png(FUNNELS[:1])


def test_the_funnel_has_a_bar_for_each_reason() -> None:
    def height(**refused: int) -> int:
        return size(funnel_png([Funnel(stage="s", rows_in=10_000, kept=9_000, refused=refused)]))[1]

    assert height(a=1000) < height(a=500, b=500) < height(a=500, b=499, c=1)


def test_nothing_to_draw_is_still_a_picture() -> None:
    for png in (forest_png({}, "groups"), funnel_png([]), guards_png([])):
        size(png)


def test_pictures_load_matplotlib_on_first_use_and_need_no_global_drawing_state() -> None:
    code = (
        "import sys; from canvas_pipeline.evaluation.charts import funnel_png; loaded = 'matplotlib' in sys.modules; "
        "funnel_png([]); sys.exit(loaded or 'matplotlib.pyplot' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
