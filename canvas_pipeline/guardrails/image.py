"""Collect G10's evidence: does the training image start, and does every command fit its entry point?

With a working container engine the image is built and ``canvas-train --check-install`` is run in it. Without one the Dockerfile and
the compose file are checked, and the same command as a wheel installs it (``installed``). The evidence records which.

The failure to detect: ``ENTRYPOINT ["canvas-train"]`` beside ``command: sh -c "…"``. The engine appends the command
to the entry point, so the program is started as ``canvas-train sh -c …`` and refuses its arguments.
"""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

import yaml
from dockerfile_parse import DockerfileParser

from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails.guard import ImageEvidence
from canvas_pipeline.guardrails.installed import CHECK, PROGRAM

ENGINES = ("docker", "podman")
SHELLS = frozenset({"sh", "bash", "dash", "ash", "zsh"})
TAG = "canvas-pipeline-training:g10"

Runner = Callable[[Sequence[str], float], int]
"""Run a program with a time limit in seconds and return its exit code (124 if it timed out, 127 if it is absent)."""


def run_program(argv: Sequence[str], timeout_s: float) -> int:
    """Run a program as a ``Runner`` and discard its output."""
    try:
        return subprocess.run(list(argv), timeout=timeout_s, capture_output=True, check=False).returncode
    except subprocess.TimeoutExpired:
        return 124
    except OSError:
        return 127


def engine(runner: Runner = run_program, which: Callable[[str], str | None] = shutil.which) -> str | None:
    """Return the container engine that answers here, if any."""
    return next((name for name in ENGINES if which(name) and runner([name, "info"], 30.0) == 0), None)


def examine(
    dockerfile: Path,
    compose: Path,
    context: Path,
    engine: str | None,
    installed_code: int = 0,
    runner: Runner = run_program,
) -> ImageEvidence:
    """Build and run the image with an engine, else parse the files. ``installed_code`` is the exit code of the entry point's check
    outside of an image. Raises ``BadInput`` for a file that is absent or cannot be read."""
    entry, _ = entry_and_command(_read(dockerfile))
    misfits = tuple(collisions(_read(dockerfile), _read(compose), dockerfile.name))
    if engine is None:
        return ImageEvidence(
            how="parsed", engine=None, build_exit_code=0, help_exit_code=installed_code, collisions=misfits
        )
    built = runner([engine, "build", "-f", str(dockerfile), "-t", TAG, str(context)], 3600.0)
    own = entry is not None and Path(entry[0]).name == PROGRAM
    arguments = [CHECK] if own else [PROGRAM, CHECK]
    code = runner([engine, "run", "--rm", TAG, *arguments], 300.0) if built == 0 else 127
    return ImageEvidence(how="built", engine=engine, build_exit_code=built, help_exit_code=code, collisions=misfits)


def collisions(dockerfile: str, compose: str, dockerfile_name: str) -> list[str]:
    """List the services whose command does not fit the entry point, and the Dockerfile itself if its CMD does not."""
    entry, command = entry_and_command(dockerfile)
    found = [] if (why := _misfit(entry, command)) is None else [f"{dockerfile_name}: {why}"]
    for name, service in _services(compose).items():
        build = service.get("build")
        used = build.get("dockerfile", "Dockerfile") if isinstance(build, dict) else None
        if used is None or Path(str(used)).name != dockerfile_name:
            continue
        own = service.get("entrypoint")
        # Overriding the entry point also drops the image's CMD.
        fallback = None if own is not None else command
        words = _words(service["command"]) if service.get("command") is not None else fallback
        why = _misfit(_words(own) if own is not None else entry, words)
        if why is not None:
            found.append(f"service {name}: {why}")
    return found


def entry_and_command(dockerfile: str) -> tuple[list[str] | None, list[str] | None]:
    """Return the last stage's ENTRYPOINT and CMD as words (None where absent). A shell form becomes ``sh -c TEXT``, as the
    engine starts it. Raises ``BadInput`` where there is no FROM."""
    entry: list[str] | None = None
    command: list[str] | None = None
    seen = False
    for step in DockerfileParser(fileobj=BytesIO(dockerfile.encode())).structure:
        if step["instruction"] == "FROM":
            entry, command, seen = None, None, True
        elif step["instruction"] == "ENTRYPOINT":
            entry = _dockerfile_words(step["value"])
        elif step["instruction"] == "CMD":
            command = _dockerfile_words(step["value"])
    if not seen:
        raise BadInput("the training Dockerfile has no FROM line; it is not a Dockerfile")
    return entry, command


def _misfit(entry: list[str] | None, command: list[str] | None) -> str | None:
    """Explain why a command does not fit after an entry point, or return None. Commands of other programs (``dagster dev``) are not
    checked."""
    words = entry or command or []
    if not words:
        return f"nothing starts {PROGRAM}: there is neither an entry point nor a command"
    if not entry:
        return None
    if _is_shell(entry[0]) and "-c" in entry[1:2] and len(entry) > 2:
        return "a shell-form entry point ignores its command" if command else None
    if Path(entry[-1]).name == PROGRAM and command and not command[0].startswith("-"):
        return f"the command starts with {command[0]!r}, which {PROGRAM} would read as its first argument"
    return None


def _is_shell(word: str) -> bool:
    return Path(word).name in SHELLS


def _dockerfile_words(rest: str) -> list[str]:
    if rest.startswith("["):
        try:
            words = json.loads(rest)
        except ValueError:
            words = None
        if isinstance(words, list) and all(isinstance(word, str) for word in words):
            return words
    return ["sh", "-c", rest]


def _words(value: Any) -> list[str]:
    """Return compose's list or string form as words. A string is split as by a shell."""
    return shlex.split(value) if isinstance(value, str) else [str(word) for word in value]


def _services(compose: str) -> dict[str, dict[str, Any]]:
    try:
        tree = yaml.safe_load(compose)
    except yaml.YAMLError:
        raise BadInput("the compose file is not readable YAML; see `docker compose config`") from None
    services = tree.get("services") if isinstance(tree, dict) else None
    if not isinstance(services, dict):
        raise BadInput("the compose file has no services")
    return {str(name): service for name, service in services.items() if isinstance(service, dict)}


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise BadInput(f"{path}: cannot be read; G10 needs the training image's Dockerfile and compose file") from None
