"""What people see in the web UI when a shrinkage check fails, and how they let it through on purpose: in a real browser.

``CANVAS_SCREENSHOTS=docs`` keeps the pictures that docs/ shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline_tests.dagster_instance.homes import instance_at
from canvas_pipeline_tests.pipeline.good_line import BASE, copy_of
from canvas_pipeline_tests.web.site import CHROMIUM, Site, browser, picture, served

pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium here: apt install chromium")

WHO = "ada-001"
NIGHTLY = ("canvas/trajectory_split", "canvas/sft_run_spec")
REASON = "half of this export is a broken test file"
ALLOW = """text => { const editor = [...document.querySelectorAll('.CodeMirror')].at(-1).CodeMirror;
    editor.setValue(editor.getValue().replace('allow_shrinkage: []', text)); }"""


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    """A line whose one contributor has sent mostly lines that nobody can read."""
    ws = copy_of(good_line, tmp_path / "line")
    path = ws.collab / f"{WHO}.jsonl"
    text = path.read_text()
    path.unlink()  # the copy shares its files with the good line
    path.write_text(text + "this is no JSON\n" * 2000)
    return ws


@pytest.fixture
def site(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    home = tmp_path / "home"
    with instance_at(home, monkeypatch) as instance:
        instance.add_dynamic_partitions("contributors", [WHO])
    settings = {
        "CANVAS_DATA": str(ws.root),
        "CANVAS_DEPLOY": str(ws.deploy),
        "CANVAS_BASE_MODEL": str(ws.root / BASE),
    }
    with served(home, tmp_path / "dev.log", settings) as found:
        yield found


def open_launch_pad(page: Page, address: str) -> None:
    """From some assets in a job's graph to its launch pad, as one does who wants to set something first."""
    page.goto(address)
    page.locator("button", has_text="Materialize all").locator("xpath=following::button[1]").click()
    page.get_by_text("Open launchpad").click()
    # The good line was made without this instance, which therefore warns that nothing upstream has been materialised.
    page.get_by_role("button", name="Confirm").click()
    page.get_by_text("allow_shrinkage").first.wait_for()


def launched(page: Page, site: Site) -> str:
    """Press the launch pad's button and follow the run to its end; returns how it ended."""
    page.locator("button").filter(has_text=re.compile("^(Launch Run|Materialize)$")).last.click()
    page.wait_for_url(re.compile("/runs/[0-9a-f-]{36}"))
    return site.ended(page.url.split("/runs/")[1][:36])


def check_page(page: Page, site: Site, key: str) -> None:
    page.goto(site.asset(key, view="checks", checkDetail="g6_shrinkage"))
    page.get_by_text("g6_shrinkage").first.wait_for()


def test_a_shrinkage_failure_is_understood_and_let_through_in_the_browser(ws: Workspace, site: Site) -> None:
    with browser() as page:
        # The contributor's own check: which stage, rows in and out, the reasons as a picture.
        page.goto(site.launch_pad("intake", {"dagster/partition": WHO}))
        assert launched(page, site) == "FAILURE"
        check_page(page, site, "canvas/collab")
        expect(page.get_by_text("Failed").first).to_be_visible()
        expect(page.get_by_text(f"look first at collab/{WHO}").first).to_be_visible()
        expect(page.get_by_text("rows by stage").first).to_be_visible()
        picture(page, "ui-check.png")
        page.get_by_text("[Show Markdown]").first.click()
        drawn = page.locator("img[src^='data:image/png']").last
        expect(drawn).to_be_visible()
        assert drawn.evaluate("image => image.naturalWidth") > 300
        picture(page, "ui-shrinkage-picture.png")

        # The nightly stops at the split, and what comes after it is not made.
        open_launch_pad(page, site.graph("nightly", NIGHTLY))
        assert launched(page, site) == "FAILURE"
        page.goto(site.asset("canvas/trajectory_split", view="lineage", lineageScope="downstream"))
        page.get_by_text("apo-zero").first.wait_for()
        picture(page, "ui-shrinkage-lineage.png")
        assert site.made("canvas/sft_run_spec") == 0

        # With a number and a reason in the launch pad it goes through, and the reason is kept.
        open_launch_pad(page, site.graph("nightly", NIGHTLY))
        page.evaluate(ALLOW, f"allow_shrinkage: ['collab/{WHO}=0.01:{REASON}']")
        page.get_by_text(REASON).first.wait_for()
        picture(page, "ui-shrinkage-launchpad.png")
        assert launched(page, site) == "SUCCESS"
        assert site.made("canvas/sft_run_spec") == 1
        check_page(page, site, "canvas/sft_run_spec")
        expect(page.get_by_text(REASON).first).to_be_visible()
        picture(page, "ui-shrinkage-allowed.png")
    spec = ws.store.get("sft_run_spec").path("spec.json").read_text()
    assert REASON in spec
