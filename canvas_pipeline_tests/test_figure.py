from __future__ import annotations

from canvas_pipeline.figure import Interval, forest, new_axes, png


def size(picture: bytes) -> tuple[int, int]:
    return int.from_bytes(picture[16:20], "big"), int.from_bytes(picture[20:24], "big")


def test_an_exported_figure_has_no_text_metadata() -> None:
    picture = png(new_axes(2.0, 2.0, title="title"))
    assert picture.startswith(b"\x89PNG\r\n\x1a\n") and b"tEXt" not in picture and b"matplotlib" not in picture


def test_a_label_that_is_wider_than_the_figure_is_not_cut_off() -> None:
    def labelled(text: str) -> bytes:
        axes = new_axes(2.0, 2.0)
        axes.plot([0, 1], [0, 1], label=text)
        return png(axes)

    assert size(labelled("word " * 20))[0] > size(labelled("word"))[0]


def test_a_forest_grows_with_its_rows() -> None:
    rows = [Interval(f"row {at}", 0.1, 0.5, 0.9) for at in range(8)]
    drawn = [forest(rows[:count], title="", xlabel="", limits=(0, 1)) for count in (2, 8)]
    assert size(drawn[0])[1] < size(drawn[1])[1]
