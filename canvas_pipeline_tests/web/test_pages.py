"""What a visitor sees first: the graph with its groups folded, and an asset's page with figures, next act and plots.

``CANVAS_SCREENSHOTS=docs`` keeps the pictures that docs/ shows."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from canvas_pipeline.methods import METHODS
from canvas_pipeline_tests.dagster_instance.homes import instance_at
from canvas_pipeline_tests.pipeline.good_line import BASE, copy_of
from canvas_pipeline_tests.web.nightlies import BENCHED, SHARES, run_nightlies
from canvas_pipeline_tests.web.site import CHROMIUM, Site, browser, picture, served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")

PARTS = ("intake", "examples", "base", "reference", "comparison", "release")


@pytest.fixture
def site(good_line: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """The web UI after some nightlies, each of which benched SFT."""
    ws = copy_of(good_line, tmp_path / "line")
    with instance_at(tmp_path / "home", monkeypatch) as instance:
        run_nightlies(ws, instance, [BENCHED])
    settings = {"CANVAS_DATA": str(ws.root), "CANVAS_DEPLOY": str(ws.deploy), "CANVAS_BASE_MODEL": str(ws.root / BASE)}
    with served(tmp_path / "home", tmp_path / "dev.log", settings) as found:
        yield found


def test_graph_and_bench_read_by_themselves(site: Site) -> None:
    with browser() as page:
        # One box a part, a method and a round, in place of all their assets.
        page.set_viewport_size({"width": 1500, "height": 1000})
        page.goto(site.track_graph("canvas"))
        for group in (*PARTS, *(name.replace("-", "_") for name in METHODS)):
            expect(page.get_by_text(f"canvas_{group}", exact=True).first).to_be_visible()
        expect(page.get_by_text("canvas/sft_bench")).to_have_count(0)
        page.get_by_text("Hide navigation").click()
        page.wait_for_timeout(5000)  # the graph is laid out anew and drawn to its full extent
        picture(page, "ui-graph.png")

        # Figures first, with their intervals; what changed and what to do next before any hash.
        page.goto(site.asset(f"canvas/{BENCHED}"))
        page.get_by_text("tool selection (%)", exact=True).first.wait_for()
        shown = page.locator("body").inner_text()
        order = ["tool selection (%)", "tool selection, 95 % interval", "exact call (%)", "tool selection by tool", "what changed",
                 "next", "parsimony (%)", "sha256", "folder", "files"]  # fmt: skip
        places = [shown.index(f"\n{key}\n") for key in order]
        assert places == sorted(places)
        assert "(the setting seed changed); other result" in shown and "materialise canvas/method_matrix" in shown
        picture(page, "ui-bench-figures.png")

        # Every nightly is a point in the plots.
        page.set_viewport_size({"width": 1440, "height": 1680})
        page.get_by_role("button", name="Plots").click()
        page.locator("canvas").nth(6).wait_for()
        page.wait_for_timeout(2000)  # the lines are drawn slowly
        picture(page, "ui-bench.png")
    assert site.made(f"canvas/{BENCHED}") == 1 + len(SHARES)
