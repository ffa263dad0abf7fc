"""Start ``canvas-train`` as a wheel installs it: in a virtual environment of its own, which does not see the checkout.

From a checkout the wheel is built with the project's build backend. Where that is not installed, its files are laid out as
pyproject.toml says. The libraries are those of the running environment. An installation from a wheel is copied as it is.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator, Mapping
from configparser import ConfigParser
from contextlib import contextmanager
from importlib.metadata import files, version
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from canvas_pipeline.errors import BadInput

PROGRAM = "canvas-train"
DISTRIBUTION = "canvas-pipeline"
BACKEND = "hatchling"
CHECK = "--check-install"
LIMIT_S = 300.0
KEPT = ("PATH", "HOME", "TMPDIR", "LD_LIBRARY_PATH", "OMP_NUM_THREADS", "CUDA_VISIBLE_DEVICES", "SYSTEMROOT")
"""Variables that the check inherits: nothing that would point it to the checkout or to another installation."""

_SCRIPT = """#!{python}
from {module} import {function}

if __name__ == "__main__":
    {function}()
"""


@contextmanager
def installed(checkout: Path | None) -> Iterator[Path]:
    """Yield the folder of a virtual environment that holds the package as a wheel installs it; it is removed afterwards."""
    with TemporaryDirectory(prefix="canvas-installed-") as folder:
        home = Path(folder) / "venv"
        venv.create(home, with_pip=False)
        site = Path(sysconfig.get_path("purelib", "venv", {"base": str(home), "platbase": str(home)}))
        if checkout is None:
            _copy_installed(site)
        elif find_spec(BACKEND):
            unpack(build(checkout, Path(folder)), site)
        else:
            lay_out(checkout, site)
        # As lines of a .pth file they are only searched: their own .pth files, such as an editable installation's, do not count.
        libraries = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
        (site / "libraries.pth").write_text("".join(f"{path}\n" for path in sorted(libraries)), encoding="utf-8")
        _scripts(site, home / "bin")
        yield home


def check(home: Path, *arguments: str, program: str = PROGRAM) -> subprocess.CompletedProcess[str]:
    """Run the installed program (by default its check) in an empty folder and an environment without the pipeline's variables."""
    environment = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment |= {"HF_HUB_OFFLINE": "1", "PYTHONNOUSERSITE": "1", "DAGSTER_DISABLE_TELEMETRY": "1"}
    command = [str(home / "bin" / program), *(arguments or (CHECK,))]
    with TemporaryDirectory(prefix="canvas-empty-") as empty:
        try:
            return subprocess.run(
                command, cwd=empty, env=environment, capture_output=True, text=True, timeout=LIMIT_S, check=False
            )
        except subprocess.TimeoutExpired:
            return subprocess.CompletedProcess(command, 124, "", f"{PROGRAM} did not answer within {LIMIT_S:.0f} s")
        except OSError as error:
            return subprocess.CompletedProcess(command, 127, "", f"{PROGRAM} does not start: {error}")


def build(checkout: Path, folder: Path) -> Path:
    """Build the wheel with the project's build backend. Raises ``BadInput`` with the backend's last line."""
    command = [sys.executable, "-m", BACKEND, "build", "-t", "wheel", "-d", str(folder)]
    done = subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or not wheels:
        said = (done.stderr or done.stdout).strip().splitlines()
        raise BadInput(f"the wheel cannot be built: {said[-1] if said else f'exit code {done.returncode}'}")
    return wheels[0]


def unpack(wheel: Path, site: Path) -> None:
    """Install a wheel without dependencies: every file of ours goes into ``site``."""
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)


def lay_out(checkout: Path, site: Path) -> None:
    """Write what the wheel would hold: the packages, and the files that pyproject.toml includes by force, with their metadata."""
    project, wheel = _tables(checkout)
    for package in wheel["packages"]:
        shutil.copytree(checkout / package, site / package, ignore=shutil.ignore_patterns("__pycache__", "*.pyc"))
    for source, target in wheel.get("force-include", {}).items():
        if not (checkout / source).is_file():
            raise BadInput(f"the wheel cannot be built: {source}, which pyproject.toml includes, is not there")
        (site / target).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(checkout / source, site / target)
    info = site / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.4\nName: {project['name']}\nVersion: {project['version']}\n")
    scripts = "".join(f"{name} = {target}\n" for name, target in project["scripts"].items())
    (info / "entry_points.txt").write_text(f"[console_scripts]\n{scripts}")


def versions(checkout: Path | None) -> dict[str, str]:
    """Return what an installation depends on besides the code that the check runs: build settings, or the installed version."""
    if checkout is None:
        return {DISTRIBUTION: version(DISTRIBUTION)}
    project, wheel = _tables(checkout)
    return {"version": project["version"], "scripts": repr(sorted(project["scripts"].items())), "wheel": repr(wheel),
            "built by": version(BACKEND) if find_spec(BACKEND) else "laid out"}  # fmt: skip


def _tables(checkout: Path) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    tree = tomllib.loads((checkout / "pyproject.toml").read_text(encoding="utf-8"))
    return tree["project"], tree["tool"]["hatch"]["build"]["targets"]["wheel"]


def _copy_installed(site: Path) -> None:
    for file in files(DISTRIBUTION) or ():
        if ".." not in file.parts and "__pycache__" not in file.parts:
            (site / file).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), site / file)


def _scripts(site: Path, folder: Path) -> None:
    """Write the console scripts that an installer makes of ``entry_points.txt``."""
    for listed in site.glob("canvas_pipeline-*.dist-info/entry_points.txt"):
        parser = ConfigParser()
        parser.read_string(listed.read_text(encoding="utf-8"))
        for name, target in parser["console_scripts"].items():
            module, _, function = target.partition(":")
            script = folder / name
            script.write_text(
                _SCRIPT.format(python=folder / "python", module=module, function=function), encoding="utf-8"
            )
            script.chmod(0o755)
