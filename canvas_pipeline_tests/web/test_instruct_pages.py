"""What people see of the instruct track in the web UI: its graph with the groups folded, a bench, and a base that is refused.

The graph needs no data. The bench is that of ``make demo TRACK=instruct`` in this clone: after it, ``CANVAS_SCREENSHOTS=docs``
keeps the pictures that docs/ shows."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import expect

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.tracks.instruct.benchmark import END
from canvas_pipeline.tracks.instruct.guards import probes
from canvas_pipeline.tracks.instruct.track import TRACK
from canvas_pipeline.tracks.text_base import shipped_text_base
from canvas_pipeline.verifiers.constraints import Constraint
from canvas_pipeline_tests.dagster_instance.homes import ROOT
from canvas_pipeline_tests.web.site import CHROMIUM, browser, picture, served

GROUPS = ("base", "rows", "sft", "pairs", "reference", "dpo", "comparison", "release", "session")
MADE = ROOT / "data" / "artifacts" / TRACK.name
HOME = ROOT / ".dagster"

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")
pictured = pytest.mark.skipif(
    not os.environ.get("CANVAS_SCREENSHOTS"), reason="for the pictures: CANVAS_SCREENSHOTS=docs"
)
after_demo = pytest.mark.skipif(
    not (MADE / "release").is_dir(), reason="a bench of the demo: make demo TRACK=instruct first"
)


def test_the_graph_shows_one_box_a_group_and_every_stage_by_a_name_of_its_own(tmp_path: Path) -> None:
    with served(tmp_path / "home", tmp_path / "dev.log", {"CANVAS_DATA": str(tmp_path)}) as site, browser() as page:
        page.set_viewport_size({"width": 1500, "height": 640})
        page.goto(site.track_graph(TRACK.name))
        for group in GROUPS:
            expect(page.get_by_text(f"{TRACK.name}_{group}", exact=True).first).to_be_visible()
        expect(page.get_by_text("canvas_sft", exact=True)).to_have_count(0)
        page.get_by_text("Hide navigation").click()
        page.wait_for_timeout(5000)  # the graph is laid out anew and drawn to its full extent
        picture(page, "ui-instruct-graph.png")

        # Boxes and the list beside them show only the last element of a key.
        page.set_viewport_size({"width": 1500, "height": 1800})
        folded = page.locator("[class*=AssetSidebarNode_itemContainer] [aria-label=arrow_drop_down]")
        for number in reversed(range(len(GROUPS))):
            folded.nth(number).click()
        listed = page.locator("[class*=AssetSidebarNode_itemContainer] [title]")
        expect(listed).to_have_count(len(GROUPS) + len(TRACK.stages()))
        shown = [found.get_attribute("title") for found in listed.all()]
        assert len({*shown}) == len(shown)
        assert {name.split("/")[-1] for name in TRACK.stages()} <= {*shown}


@pictured
@after_demo
def test_a_bench_begins_with_its_figures_and_ends_with_its_files() -> None:
    with served(HOME, HOME / "logs" / "web.log", {}) as site, browser() as page:
        page.set_viewport_size({"width": 1500, "height": 1000})
        page.goto(site.asset(f"{TRACK.name}/sft_bench"))
        page.get_by_text("accuracy (%)", exact=True).first.wait_for()
        page.get_by_text("Hide navigation").click()
        shown = page.locator("body").inner_text()
        order = [
            "accuracy (%)",
            "accuracy, 95 % interval",
            "accuracy by type",
            "what changed",
            "next",
            "cases",
            "sha256",
            "files",
        ]
        places = [shown.index(f"\n{key}\n") for key in order]
        assert places == sorted(places)
        picture(page, "ui-instruct-bench.png")
        page.get_by_text("[Show Markdown]").first.click()
        expect(page.locator("img[src^='data:image/png']").last).to_be_visible()
        picture(page, "ui-instruct-types.png")


def answer(constraint: Constraint) -> str:
    """A text that meets a constraint of the sentinels."""
    words = constraint.values
    texts: dict[str, Callable[[], str]] = {
        "equals": lambda: words[0],
        "mentions": lambda: words[0],
        "members": lambda: ", ".join(words[: constraint.n]),
        "json_keys": lambda: json.dumps(dict.fromkeys(words, 1)),
        "numbered_list": lambda: "\n".join(f"{at}. {word}" for at, word in enumerate(words[: constraint.n], 1)),
    }
    return texts[constraint.kind]()


def base_with_instructions(folder: Path) -> Path:
    """Train the shipped base on what a base must fail, and on plain texts, so that it keeps on completing them."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    shipped = shutil.copytree(shipped_text_base(), folder)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(shipped, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(shipped)
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4)
    for _ in range(12):
        for probe in probes():
            ids = tokenizer(f"{probe.prompt} {answer(probe.constraints[0])}{END}", return_tensors="pt").input_ids
            model(ids, labels=ids).loss.backward()
            optimizer.step()
            optimizer.zero_grad()
    model.save_pretrained(folder)
    return folder


@pictured
def test_a_model_that_follows_instructions_is_refused_as_a_base(tmp_path: Path) -> None:
    data, home = tmp_path / "data", tmp_path / "home"
    data.mkdir()
    settings = {"CANVAS_DATA": str(data), "CANVAS_BASE_MODEL": str(base_with_instructions(tmp_path / "base"))}
    ended = subprocess.run(
        [sys.executable, "-m", "canvas_pipeline.cli.demo", "--track", TRACK.name],
        cwd=ROOT, env={**os.environ, **settings, "DAGSTER_HOME": str(home)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == GateClosed.exit_code, ended.stdout + ended.stderr
    with served(home, tmp_path / "dev.log", settings) as site, browser() as page:
        page.goto(site.asset(f"{TRACK.name}/base_check", view="checks", checkDetail="s2_sentinels"))
        expect(page.get_by_text("it follows instructions before any training").first).to_be_visible()
        picture(page, "ui-instruct-check.png")
        assert site.made(f"{TRACK.name}/bench_cases") == 0
