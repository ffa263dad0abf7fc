"""Whether the training image starts: evidence of guardrail G10, from a container engine or from an installation of the wheel."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails import image
from canvas_pipeline.guardrails import installed as installation
from canvas_pipeline.pipeline import verdicts as evaluated
from canvas_pipeline.pipeline.context import BuildContext
from canvas_pipeline.pipeline.workspace import CHECKOUT, StageResult, Workspace, make
from canvas_pipeline.storage.code_version import library_versions, module_version
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.storage.store import Writer

ENTRY_POINTS = ("cli.train", "cli.check_install")
TRAINED_WITH = ("training.supervised", "training.preference", "training.measure")
IMAGE_FILES = ("deploy/Dockerfile.training", "deploy/compose.yaml")
INSTALLATION = "installation"
"""The stage that records that the check of an installation passed; one that failed is not kept."""


def training_image(context: BuildContext) -> StageResult:
    """Whether the training image starts, by building it where an engine answers, by its files and the wheel where none does."""
    ws = context.workspace
    dockerfile, compose = (ws.deploy / Path(name).name for name in IMAGE_FILES)
    hashes = {name: sha256_path(ws.deploy / Path(name).name) for name in IMAGE_FILES}
    engine = image.engine() if CHECKOUT else None  # without the sources an image cannot be built
    code = None if engine else installed_code(ws)

    def examine(writer: Writer) -> None:
        writer.json(image.examine(dockerfile, compose, ws.deploy.parent, engine, code or 0), "evidence.json")

    # Only asked whether it is whole: of all that it can start, its own options are what fits the files or does not.
    config = {"entry point": entry_point(), "engine": engine, "exit code": code}
    stage, reused = context.make(examine, inputs=hashes, config=config)
    return StageResult(stage, reused, (evaluated.of_image(ws),))


def installed_code(ws: Workspace) -> int:
    """The exit code of ``canvas-train --check-install`` as a wheel installs it. It is not run again where it passed with the same
    code, build settings and libraries."""
    codes: list[int] = []

    def check(writer: Writer) -> None:
        with installation.installed(CHECKOUT) as home:
            done = installation.check(home)
        codes.append(done.returncode)
        if done.returncode:
            raise BadInput((done.stderr or done.stdout).strip()[-600:] or f"exit code {done.returncode}")
        writer.json({"says": done.stdout.strip()}, "check.json")

    config = {
        "entry point": entry_point(),
        "build": installation.versions(CHECKOUT),
        "with": library_versions(*TRAINED_WITH),
    }
    try:
        make(ws, INSTALLATION, check, config=config)
    except BadInput as error:
        ws.log(f"{' '.join((installation.PROGRAM, installation.CHECK))} failed as installed from a wheel: {error}")
        return codes[0] if codes else 1
    return 0


def entry_point() -> str:
    """The code of the entry point and of its check."""
    return " ".join(map(module_version, ENTRY_POINTS))
