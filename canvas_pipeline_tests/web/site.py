"""The web UI as ``make dev`` starts it, over a pipeline of its own, in a real browser."""

from __future__ import annotations

import io
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import httpx
from PIL import Image
from playwright.sync_api import Page, sync_playwright

from canvas_pipeline_tests.dagster_instance.homes import ROOT

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
PATIENCE_S = 600
"""On a busy machine with two cores; on an idle one everything is there within seconds."""
MADE = "query($keys: [AssetKeyInput!]) { assetNodes(assetKeys: $keys) { assetMaterializations { runId } } }"


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@dataclass(frozen=True)
class Site:
    """A running web UI with its daemon."""

    url: str

    def launch_pad(self, job: str, tags: Mapping[str, str]) -> str:
        """The address that opens a job's launch pad with tags filled in."""
        query = {"config": "{}"}
        for at, (key, value) in enumerate(tags.items()):
            query |= {f"tags[{at}][key]": key, f"tags[{at}][value]": value}
        return f"{self.url}/locations/canvas_pipeline/jobs/{job}/playground/setup?{urlencode(query)}"

    def graph(self, job: str, assets: Sequence[str]) -> str:
        """The address of some assets in a job's graph."""
        selection = " or ".join(f'key:"{asset}"' for asset in assets)
        return f"{self.url}/locations/canvas_pipeline/jobs/{job}~{quote(selection, safe='')}"

    def track_graph(self, track: str) -> str:
        """The address of the graph of one track's assets, its groups folded."""
        selection = f'tag:"track"="{track}"'
        return f"{self.url}/asset-groups~{quote(selection, safe='')}"

    def asset(self, key: str, **query: str) -> str:
        return f"{self.url}/assets/{key}?{urlencode(query)}"

    def query(self, graphql: str, **variables: Any) -> Any:
        answer = httpx.post(f"{self.url}/graphql", json={"query": graphql, "variables": variables}, timeout=60).json()
        assert "errors" not in answer, answer
        return answer["data"]

    def made(self, key: str) -> int:
        """How often an asset has been materialised."""
        found = self.query(MADE, keys=[{"path": key.split("/")}])["assetNodes"]
        return sum(len(node["assetMaterializations"]) for node in found)

    def ended(self, run_id: str) -> str:
        """The status a run ends with."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            status = str(
                self.query("query($id: ID!) { runOrError(runId: $id) { ... on Run { status } } }", id=run_id)[
                    "runOrError"
                ]["status"]
            )
            if status in ("SUCCESS", "FAILURE", "CANCELED"):
                return status
            time.sleep(1)
        raise AssertionError(f"run {run_id} did not end in {PATIENCE_S} s")


@contextmanager
def served(home: Path, log: Path, environment: Mapping[str, str]) -> Iterator[Site]:
    """``dagster dev`` over ``home``; its whole process group ends with the block."""
    home.mkdir(exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home / "dagster.yaml")
    port = free_port()
    command = [
        str(Path(sys.executable).with_name("dagster")),
        "dev",
        "--workspace",
        "workspace.yaml",
        "--host",
        "127.0.0.1",
    ]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--port", str(port)],
            cwd=ROOT,
            env={**os.environ, **environment, "DAGSTER_HOME": str(home)},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        _wait(f"http://127.0.0.1:{port}/server_info", process, log)
        yield Site(f"http://127.0.0.1:{port}")
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.5)
    raise AssertionError(f"no web UI after {PATIENCE_S} s: {log.read_text()[-3000:]}")


def picture(page: Page, name: str) -> None:
    """Save a screenshot of a page, where ``CANVAS_SCREENSHOTS`` names a folder; in 256 colours, a third of the size."""
    folder = os.environ.get("CANVAS_SCREENSHOTS")
    if folder:
        page.wait_for_timeout(1000)  # dialogs fade in
        drawn = Image.open(io.BytesIO(page.screenshot())).convert("RGB")
        drawn.quantize(256, dither=Image.Dither.NONE).save(Path(folder) / name, optimize=True)


@contextmanager
def browser() -> Iterator[Page]:
    """A page of a headless Chromium; where something fails, what it showed last is kept in the temporary folder."""
    with sync_playwright() as playwright:
        # Its own sandbox needs rights that containers and root do not have; only our own pages are opened.
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-dev-shm-usage"])
        page = started.new_page(viewport={"width": 1440, "height": 900})
        page.set_default_timeout(PATIENCE_S * 1000)
        try:
            yield page
        except BaseException:
            page.screenshot(path=Path(tempfile.gettempdir()) / "canvas-pipeline-last-page.png")
            raise
        started.close()
