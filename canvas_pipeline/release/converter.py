"""Fetch llama.cpp's converter from checkpoints to GGUF, in exactly the version that will load the file.

The result is a folder with ``convert_hf_to_gguf.py``, its ``conversion`` package and its ``gguf-py``, from the source package of
the installed ``llama-cpp-python``. The archive must have the sha256 in ``uv.lock``. Only the needed members are extracted, none
outside the folder, and the folder appears complete or not at all.

Only the source package contains the converter (the wheel built from it does not, and the ``gguf`` on PyPI is too old for
it). It is downloaded once, with pip, which uses the configured mirror, proxy and certificates.
Run ``python -m canvas_pipeline.release.converter --help`` for the set-up's command.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated

import typer

from canvas_pipeline.errors import CanvasPipelineError, MissingTool
from canvas_pipeline.storage.digests import sha256_file

PACKAGE = "llama-cpp-python"
SCRIPT = "convert_hf_to_gguf.py"
NEEDED = (SCRIPT, "LICENSE", "conversion/", "gguf-py/gguf/", "gguf-py/LICENSE")
"""Members below ``vendor/llama.cpp/`` to extract: files by name, folders by prefix."""
MAX_MEMBER_BYTES = 8 << 20
LOCK = Path(__file__).resolve().parents[2] / "uv.lock"
CACHE = Path(sys.prefix) / "share"


def ensure_converter(cache: Path = CACHE, *, lock: Path = LOCK, pip: Sequence[str] | None = None) -> Path:
    """Return the converter's folder, ``<cache>/llama.cpp-<version>``, and download it first if needed.

    ``pip`` is the command that starts pip (default: the first that works here). Raises ``MissingTool`` where
    there is no ``release`` extra, no pip, no network, or the archive's hash is not the locked one.
    """
    installed = installed_version()
    home = Path(cache) / f"llama.cpp-{installed}"
    if (home / SCRIPT).is_file():
        return home
    expected = locked_sha256(lock, installed)
    with tempfile.TemporaryDirectory(prefix="gguf-converter-") as scratch:
        archive = _download(installed, Path(scratch), tuple(pip) if pip else _pip())
        found = sha256_file(archive)
        if found != expected:
            raise MissingTool(
                f"the source package of {PACKAGE} {installed} has sha256 {found[:16]}…, uv.lock says {expected[:16]}…; "
                "it was not unpacked: check the package index this machine uses"
            )
        unpack(archive, home)
    return home


def installed_version() -> str:
    """Return the version of llama-cpp-python in this environment."""
    try:
        return version(PACKAGE)
    except PackageNotFoundError:
        raise MissingTool(f"{PACKAGE} is not installed; run: uv sync --locked --extra release") from None


def locked_sha256(lock: Path, wanted: str) -> str:
    """Return the sha256 of the package's source archive in ``uv.lock``."""
    try:
        packages = tomllib.loads(lock.read_text(encoding="utf-8"))["package"]
    except (OSError, KeyError, tomllib.TOMLDecodeError):
        raise MissingTool(
            f"{lock} cannot be read, so the converter cannot be verified; run from a clone of the project, or pass --lock"
        ) from None
    for package in packages:
        if package.get("name") == PACKAGE and package.get("version") == wanted:
            algorithm, _, value = str(package.get("sdist", {}).get("hash", "")).partition(":")
            if algorithm == "sha256" and value:
                return value
    raise MissingTool(f"{lock} does not lock {PACKAGE} {wanted} (the installed version); run: uv sync --locked")


def unpack(archive: Path, home: Path) -> None:
    """Extract the needed members into ``home``, all or nothing.

    A link, a device, a path outside the folder, or a member over 8 MiB is refused.
    """
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix=".tmp-converter-") as scratch:
        target = Path(scratch) / "converter"
        target.mkdir()
        try:
            with tarfile.open(archive, "r:gz") as tar:
                for member in tar:
                    name = wanted_name(member.name)
                    if name is None or member.isdir():
                        continue
                    _extract(tar, member, name, target)
        except (tarfile.TarError, EOFError, OSError) as error:
            raise MissingTool(
                f"{archive.name} cannot be unpacked ({error}); remove it and run the set-up again"
            ) from None
        if not (target / SCRIPT).is_file() or not (target / "conversion").is_dir():
            raise MissingTool(f"{archive.name} does not carry the converter; this version of {PACKAGE} cannot be used")
        try:
            os.rename(target, home)
        except OSError:
            if not (home / SCRIPT).is_file():  # unless another process finished first
                raise MissingTool(f"{home} cannot be written; remove it and run the set-up again") from None


def wanted_name(member: str) -> str | None:
    """Return a member's path below ``vendor/llama.cpp/`` if it is one of ``NEEDED``, else None."""
    _, separator, name = member.partition("/vendor/llama.cpp/")
    if not separator:
        return None
    return name if any(name == keep or (keep.endswith("/") and name.startswith(keep)) for keep in NEEDED) else None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, target: Path) -> None:
    path = target / name
    if not member.isreg() or member.size > MAX_MEMBER_BYTES or not path.resolve().is_relative_to(target.resolve()):
        raise MissingTool(f"the archive holds a member that may not be extracted: {name!r}")
    source = tar.extractfile(member)
    if source is None:
        raise MissingTool(f"the archive's member {name!r} cannot be read")
    path.parent.mkdir(parents=True, exist_ok=True)
    with source, path.open("wb") as out:
        shutil.copyfileobj(source, out)


def _pip() -> tuple[str, ...]:
    """Return the first command for pip that works: this interpreter's, uv's, or the system's. uv's environments have none."""
    candidates: list[tuple[str, ...]] = [(sys.executable, "-m", "pip")]
    if uv := shutil.which("uv"):
        candidates.append((uv, "tool", "run", "pip"))
    if python := shutil.which("python3", path=os.defpath):
        candidates.append((python, "-m", "pip"))
    for candidate in candidates:
        if subprocess.run((*candidate, "--version"), capture_output=True, check=False).returncode == 0:
            return candidate
    raise MissingTool("there is no pip to fetch the GGUF converter with; run `make setup`, or install python3-pip")


def _download(wanted: str, folder: Path, pip: tuple[str, ...]) -> Path:
    # --no-binary for this one package: its build backend may come as a wheel. pip asks the backend for the metadata,
    # which compiles nothing.
    command = (
        *pip,
        "download",
        "--quiet",
        "--no-deps",
        "--no-binary",
        PACKAGE,
        "--dest",
        str(folder),
        f"{PACKAGE}=={wanted}",
    )
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    archives = sorted(folder.glob("*.tar.gz"))
    if done.returncode or len(archives) != 1:
        last = (done.stderr.strip().splitlines() or ["pip printed nothing"])[-1]
        raise MissingTool(
            f"the source package of {PACKAGE} {wanted} (it carries the GGUF converter) could not be fetched: {last}; "
            "connect to a package index once and run `make setup` again"
        )
    return archives[0]


def main() -> None:
    """Fetch the converter and print its folder."""
    typer.run(_command)


def _command(
    cache: Annotated[Path, typer.Option(help="Folder that holds llama.cpp-<version>/.")] = CACHE,
    lock: Annotated[Path, typer.Option(help="The uv.lock with the archive's hash.")] = LOCK,
    pip_python: Annotated[Path | None, typer.Option(help="A Python that has pip (default: the first found).")] = None,
) -> None:
    """Fetch llama.cpp's GGUF converter in the version of the installed llama-cpp-python. Exit 0 ready, 2 not available."""
    try:
        typer.echo(ensure_converter(cache, lock=lock, pip=(str(pip_python), "-m", "pip") if pip_python else None))
    except CanvasPipelineError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(error.exit_code) from None


if __name__ == "__main__":
    main()
