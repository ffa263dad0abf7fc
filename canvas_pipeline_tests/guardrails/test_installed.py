"""``canvas-train`` as a wheel installs it: what the wheel holds, and that a training's entry point is whole there."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from canvas_pipeline.cli.check_install import INSTANCE
from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails import installed as installation
from canvas_pipeline.methods import CHOICES
from canvas_pipeline.pipeline import training_image
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline.pipeline.workspace import CHECKOUT, Workspace
from canvas_pipeline.tracks.canvas.track import TRACK

assert CHECKOUT is not None
ROOT: Path = CHECKOUT


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A virtual environment with the package of this checkout, and nothing else of it."""
    with installation.installed(ROOT) as folder:
        yield folder


def site_of(home: Path) -> Path:
    (found,) = home.glob("lib/python*/site-packages")
    return found


def test_an_installation_is_whole_and_answers_with_its_version_and_its_own_files(home: Path) -> None:
    done = installation.check(home)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.startswith(
        f"canvas-train 0.1.0 is ready: {len(CHOICES)} methods, tracks {', '.join(track_names())},"
    )
    assert str(home) in done.stdout and str(ROOT) not in done.stdout


def test_the_package_of_an_installation_is_its_own_and_not_the_checkouts(home: Path) -> None:
    program = "import canvas_pipeline; print(canvas_pipeline.__file__)"
    done = subprocess.run(
        [home / "bin" / "python", "-I", "-c", program], cwd=home, capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith(str(home))


def test_a_command_of_an_installation_runs_the_code_location_and_says_what_is_missing(
    home: Path, tmp_path: Path
) -> None:
    (tmp_path / "data" / "collab").mkdir(parents=True)
    done = installation.check(home, "--check", "--method", "sft", "--root", str(tmp_path / "data"))
    assert done.returncode == 1 and "stage bench_cases has not been made yet" in done.stderr, done.stderr[-2000:]
    assert (tmp_path / ".dagster" / "dagster.yaml").read_text() == (ROOT / "dagster.yaml").read_text()


def test_a_removed_file_of_the_deployment_or_of_a_track_is_noticed(home: Path, tmp_path: Path) -> None:
    package = site_of(home) / "canvas_pipeline"
    for path in (package / "shipped" / "deploy" / "compose.yaml", package / "tracks" / "instruct" / "track.py"):
        aside = tmp_path / path.name
        shutil.move(path, aside)
        done = installation.check(home)
        shutil.move(aside, path)
        if path.name == "compose.yaml":
            assert done.returncode == 1 and "compose.yaml: no such file" in done.stderr
        else:
            assert f"tracks {', '.join(track_names())}," not in done.stdout


def test_the_wheel_ships_no_secret_and_what_the_layout_says(tmp_path: Path) -> None:
    installation.lay_out(ROOT, tmp_path)
    shipped = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert not [name for name in shipped if name.endswith((".env", "pgpass", "_password")) or "/secrets/" in name]
    assert {f"canvas_pipeline/shipped/{name}" for name in INSTANCE} <= shipped


def test_the_built_wheel_holds_what_the_layout_says(tmp_path: Path) -> None:
    pytest.importorskip(installation.BACKEND, reason="the build backend is not installed: make setup")
    wheel = installation.build(ROOT, tmp_path / "wheel")
    installation.lay_out(ROOT, tmp_path / "laid-out")
    laid = {
        path.relative_to(tmp_path / "laid-out").as_posix()
        for path in (tmp_path / "laid-out").rglob("*")
        if path.is_file()
    }
    with zipfile.ZipFile(wheel) as archive:
        built = {
            name for name in archive.namelist() if not name.endswith(("RECORD", "WHEEL")) and "/licenses/" not in name
        }
    assert built == laid


def test_a_file_that_the_wheel_should_include_and_that_is_not_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "canvas_pipeline").mkdir()
    shutil.copyfile(ROOT / "pyproject.toml", tmp_path / "pyproject.toml")
    with pytest.raises(BadInput, match=r"deploy/Dockerfile\.training"):
        installation.lay_out(tmp_path, tmp_path / "site")


def test_a_program_that_is_absent_or_too_slow_has_an_exit_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installation.check(tmp_path).returncode == 127
    (tmp_path / "bin").mkdir()
    slow = tmp_path / "bin" / "canvas-train"
    slow.write_text(f"#!{sys.executable}\nimport time; time.sleep(60)\n")
    slow.chmod(0o755)
    monkeypatch.setattr(installation, "LIMIT_S", 0.2)
    assert installation.check(tmp_path).returncode == 124


def test_a_check_that_failed_closes_g10_and_is_asked_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copytree(ROOT / "deploy", tmp_path / "deploy")
    said: list[str] = []
    ws = Workspace(
        track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path, deploy=tmp_path / "deploy", log=said.append
    )
    codes = [2, 0]

    def answered(home: Path) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], codes.pop(0), "", "torch cannot be imported")

    monkeypatch.setattr(training_image.installation, "check", answered)
    (failed,) = build_stage(ws, "training_image").verdicts
    assert not failed.passed and "as installed from a wheel" in failed.reason
    assert any("torch cannot be imported" in line for line in said)
    (passed,) = build_stage(ws, "training_image").verdicts
    assert passed.passed and codes == []
    assert build_stage(ws, "training_image").reused  # no third answer is asked for
