"""Check that an installation is whole: what a training imports, the files that come with the package, the tracks, the settings,
and, where a GPU is visible, the compiler that Triton needs.

Guardrail G10 runs it as a wheel installs it, or in the training image. It reads no data folder and writes nothing."""

from __future__ import annotations

import importlib
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import typer

from canvas_pipeline.errors import CanvasPipelineError, MissingInput, MissingTool
from canvas_pipeline.methods import CHOICES
from canvas_pipeline.models.families import family
from canvas_pipeline.pipeline import overrides
from canvas_pipeline.pipeline.track import track_named, track_names
from canvas_pipeline.pipeline.workspace import SHIPPED
from canvas_pipeline.training.precision import has_gpu

PROCESSES = (
    "canvas_pipeline.pipeline.training_process",
    "canvas_pipeline.training.measure",
    "canvas_pipeline.training.reference",
    "canvas_pipeline.training.supervised",
    "canvas_pipeline.training.preference",
)
LIBRARIES = ("torch", "transformers", "datasets", "trl")
"""What every training process loads."""
ADAPTERS = "peft"
"""Only runs with adapters load it. It is looked for and not imported, since that alone takes as long as all the rest."""
IMAGE = ("Dockerfile.training", "compose.yaml")
INSTANCE = ("dagster.yaml", "pyproject.toml")


def check_install(deploy: Path, settings: dict[str, Any]) -> str:
    """Return one line that says what was found. Raises the error of the first thing that is missing or cannot be loaded."""
    lacking = [
        path
        for path in (*(deploy / name for name in IMAGE), *(SHIPPED / name for name in INSTANCE))
        if not path.is_file()
    ]
    if lacking:
        raise MissingInput(
            f"{lacking[0]}: no such file; name the folder with --deploy or CANVAS_DEPLOY, or install a whole wheel"
        )
    try:
        own = version("canvas-pipeline")
    except PackageNotFoundError:
        raise MissingTool("canvas-pipeline is not installed: its metadata are not there") from None
    for name in track_names():
        _check_track(name, settings)
    for module in (*LIBRARIES, *PROCESSES):
        try:
            importlib.import_module(module)
        except ImportError as error:
            raise MissingTool(f"{module} cannot be imported ({error}); run: uv sync --locked --extra train") from None
    if find_spec(ADAPTERS) is None:
        raise MissingTool(f"{ADAPTERS} is not installed; run: uv sync --locked --extra train")
    gpu = ", Triton compiles" if _triton_compiles() else ""
    from canvas_pipeline.definitions import defs

    jobs = {job.name for job in defs().resolve_all_job_defs()}
    if without := [name for name in track_names() if f"{name}_train" not in jobs]:
        raise MissingInput(f"the code location has no job {without[0]}_train")
    return (
        f"canvas-train {own} is ready: {len(CHOICES)} methods, tracks {', '.join(track_names())}, "
        f"torch {version('torch')}{gpu}, deploy files in {deploy}"
    )


def _triton_compiles() -> bool:
    """Compile a kernel where a GPU is visible, and return whether one is. Raises ``MissingTool`` where Triton cannot: a training
    would fail after its model has been loaded."""
    if not has_gpu():
        return False
    try:
        from canvas_pipeline.training.triton_kernel import doubles

        right = doubles("cuda")
    except Exception as error:  # Triton raises whatever its compiler or its driver gave
        raise MissingTool(
            f"Triton cannot compile a kernel for this GPU ({type(error).__name__}); install a C compiler with the headers of libc "
            "and Python: gcc libc6-dev python3-dev"
        ) from error
    if not right:
        raise MissingTool("Triton's kernel gives a wrong result on this GPU; install the locked versions: make setup")
    return True


def _check_track(name: str, settings: dict[str, Any]) -> None:
    track = track_named(name)
    for profile in track.profiles.values():
        family(profile.family_name)
        for method in track.methods:
            track.numbers(method, profile.name)
    # Settings of one track need not fit another, but a file of overrides names its tracks.
    overrides.resolve(track, next(iter(track.profiles)), str(settings.get("overrides") or ""), [])
    if not (track.shipped_base() / "config.json").is_file():
        raise MissingInput(f"{track.shipped_base()}: the track {name}'s base model is not whole; install a whole wheel")


def report(deploy: Path, settings: dict[str, Any]) -> None:
    """Print the line of ``check_install``, or raise ``MissingTool`` for what is no error of the pipeline's own."""
    try:
        typer.echo(check_install(deploy, settings))
    except CanvasPipelineError:
        raise
    except Exception as error:  # an installation can be broken in any way, and the reason must be one line
        raise MissingTool(f"the installation is broken: {type(error).__name__}: {error}") from None
