"""A new track is a few files in a folder of its own and a YAML file: assets, guards, benchmark and release come by themselves."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import canvas_pipeline

PACKAGE = Path(canvas_pipeline.__file__).parent
TOY = Path(__file__).parent / "toy"
YAML = "type: canvas_pipeline.orchestration.track.TrackComponent\nattributes:\n  track: toy\n"
BASE = """
import sys
from pathlib import Path
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import Shape
from canvas_pipeline.tracks.toy import data
from canvas_pipeline.training.checkpoint import save_model
of = family("plain-qwen3")
texts = [data.greeting(name) + data.ANSWER for name in data.names(700, 7)]
tokenizer = of.build_tokenizer(texts, 512)
shape = Shape(vocabulary=512, hidden=256, layers=2, intermediate=256, heads=4, kv_heads=2, head_dim=64)
save_model(of.build_model(tokenizer, 0, shape), tokenizer, Path(sys.argv[1]), of)
"""
LOOK = """
import json
from canvas_pipeline.definitions import defs
graph = defs().resolve_asset_graph()
keys = [key for key in graph.get_all_asset_keys() if key.path[0] == "toy"]
print(json.dumps({
    "assets": sorted(key.path[-1] for key in keys),
    "checks": sorted({check.name for check in graph.get_check_keys_for_assets(set(keys))}),
    "jobs": sorted(job.name for job in defs().resolve_all_job_defs() if job.name.startswith("toy")),
}))
"""


class Copy:
    """A copy of the package with the toy track in it, and its data."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        package = folder / "canvas_pipeline"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__", "person_model"))
        shutil.copytree(PACKAGE.parent / "deploy", folder / "deploy")
        for name in ("pyproject.toml", "dagster.yaml", "README.md", "LICENSE", "NOTICE"):
            shutil.copy(PACKAGE.parent / name, folder)
        self.before = self.files()
        shutil.copytree(TOY, package / "tracks/toy", ignore=shutil.ignore_patterns("__pycache__"))
        component = package / "defs/toy/track"
        component.mkdir(parents=True)
        (component / "defs.yaml").write_text(YAML)
        self.added = self.files() - self.before
        (folder / "data").mkdir()

    def files(self) -> set[str]:
        return {
            p.relative_to(self.folder).as_posix() for p in (self.folder / "canvas_pipeline").rglob("*") if p.is_file()
        }

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        environment = {
            **os.environ, "PYTHONPATH": str(self.folder), "CANVAS_DATA": str(self.folder / "data"),
            "DAGSTER_HOME": str(self.folder / "home"), "CANVAS_DEPLOY": str(self.folder / "deploy"), "TRACK": "toy",
        }  # fmt: skip
        environment.pop("METHODS", None)
        return subprocess.run(
            [sys.executable, *arguments],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            errors="replace",
        )


def ended(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    found = Copy(tmp_path_factory.mktemp("toolkit"))
    ended(found.run("-c", BASE, str(found.folder / "canvas_pipeline/tracks/toy/base")))
    return found


def test_it_is_at_most_six_files_and_one_yaml_file(copy: Copy) -> None:
    code = [name for name in copy.added if name.endswith(".py")]
    assert len(code) <= 6 and copy.added - {*code} == {"canvas_pipeline/defs/toy/track/defs.yaml"}


def test_it_has_assets_guards_and_jobs_of_its_own(copy: Copy) -> None:
    seen = json.loads(ended(copy.run("-c", LOOK)).splitlines()[-1])
    assert {
        "trajectory_split",
        "bench_cases",
        "sft_run_spec",
        "sft_checkpoint",
        "sft_bench",
        "production_gguf",
        "release",
    } <= {*seen["assets"]}
    assert {
        "g2_eval_disjoint",
        "g3_base_not_empty",
        "g5_dry_run",
        "g6_shrinkage",
        "g11_lengths",
        "g12_enough_rows",
    } <= {*seen["checks"]}
    assert seen["jobs"] == ["toy_demo", "toy_guardrails", "toy_sweep", "toy_train"]


@pytest.fixture(scope="module")
def made(copy: Copy) -> Path:
    ended(copy.run("-m", "canvas_pipeline.cli.demo", "--verbose"))
    return copy.folder / "data"


def rates(stage: Path) -> Sequence[float]:
    report = json.loads((stage / "current/report.json").read_bytes())
    return report["answered"]["share"], report["answered"]["cases"]


def test_its_demo_trains_measures_and_releases_a_model_that_has_learnt_it(copy: Copy, made: Path) -> None:
    store = made / "artifacts/toy"
    assert rates(store / "base_bench") == (0.0, 40)
    share, cases = rates(store / "sft_bench")
    assert share > 0.9 and cases == 40
    assert "toy-sft" in (made / "releases/current/README.md").read_text()
    ended(copy.run("-m", "canvas_pipeline.cli.release", "verify", str(made / "releases/current")))


def test_a_second_demo_makes_nothing_anew(copy: Copy, made: Path) -> None:
    assert "0 stages made anew" in ended(copy.run("-m", "canvas_pipeline.cli.demo"))


def test_a_track_that_fails_does_not_stop_the_others_and_the_demo_ends_with_its_exit_code(
    copy: Copy, made: Path
) -> None:
    (made / "collab").mkdir()
    (made / "collab/shrunk.jsonl").write_text("no JSON\n" * 9)
    done = copy.run("-m", "canvas_pipeline.cli.demo", "--track", "canvas,toy")
    assert done.returncode == 3, done.stdout[-3000:] + done.stderr[-3000:]
    rows = [" ".join(line.strip("│ ").split()) for line in done.stdout.splitlines()]
    assert "1 of 2 tracks were not made to their end: canvas" in done.stderr
    assert any(row.startswith("canvas │ no: g6_shrinkage: ") for row in rows)
    assert any(row.startswith("toy │ toy-") for row in rows) and "0 stages made anew" in done.stdout
