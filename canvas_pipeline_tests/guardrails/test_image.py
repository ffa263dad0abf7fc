from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.guardrails.image import collisions, engine, entry_and_command, examine, run_program

DOCKERFILE = 'FROM python:3.11\nRUN pip install \\\n  canvas-pipeline\nENTRYPOINT ["canvas-train"]\nCMD ["--help"]\n'
COMPOSE = """
services:
  trainer:
    build: {context: .., dockerfile: deploy/Dockerfile.training}
    command: %s
  web:
    image: postgres:17
    command: sh -c "anything"
"""
NAME = "Dockerfile.training"


class Programs:
    """Answers with the exit code of the first known beginning of a command line, and remembers what was run."""

    def __init__(self, codes: dict[str, int]) -> None:
        self.codes = codes
        self.ran: list[str] = []

    def __call__(self, argv: Sequence[str], timeout_s: float) -> int:
        line = " ".join(argv)
        self.ran.append(line)
        return next((code for start, code in self.codes.items() if line.startswith(start)), 127)


def files(tmp_path: Path, command: str = '["--method", "dpo"]') -> tuple[Path, Path]:
    dockerfile, compose = tmp_path / NAME, tmp_path / "compose.yaml"
    dockerfile.write_text(DOCKERFILE)
    compose.write_text(COMPOSE % command)
    return dockerfile, compose


@pytest.mark.parametrize("command", ['["--method", "dpo"]', "--check --profile gb10", "null"])
def test_options_behind_the_entry_point_fit(command: str) -> None:
    assert collisions(DOCKERFILE, COMPOSE % command, NAME) == []


@pytest.mark.parametrize(
    "command", ['sh -c "canvas-train --method dpo"', '["sh", "-c", "x"]', "canvas-train --help", '["python"]']
)
def test_a_program_behind_the_entry_point_collides(command: str) -> None:
    found = collisions(DOCKERFILE, COMPOSE % command, NAME)
    assert len(found) == 1 and found[0].startswith("service trainer: the command starts with")


def test_an_overridden_entry_point_takes_its_own_command() -> None:
    compose = COMPOSE % '["-c", "canvas-train --method dpo"]\n    entrypoint: ["sh"]'
    assert collisions(DOCKERFILE, compose, NAME) == []


def test_another_program_takes_the_command_it_likes() -> None:
    compose = COMPOSE % 'dev\n    entrypoint: ["dagster"]'
    assert collisions(DOCKERFILE, compose, NAME) == []


def test_an_init_before_the_program_changes_nothing() -> None:
    text = 'FROM x\nENTRYPOINT ["tini", "--", "/usr/bin/canvas-train"]\n'
    assert collisions(text, COMPOSE % '["--check"]', NAME) == []
    assert collisions(text, COMPOSE % '["sh", "-c", "x"]', NAME)


def test_the_shipped_image_and_services_fit() -> None:
    deploy = Path(__file__).parents[2] / "deploy"
    text = [(deploy / name).read_text() for name in (NAME, "compose.yaml")]
    assert collisions(text[0], text[1], NAME) == []
    assert (entry_and_command(text[0])[0] or [""])[-1].endswith("canvas-train")


def test_an_overridden_entry_point_drops_the_images_command() -> None:
    dockerfile = 'FROM x\nENTRYPOINT ["sh"]\nCMD ["sh", "run.sh"]\n'
    assert collisions(dockerfile, COMPOSE % 'null\n    entrypoint: ["canvas-train"]', NAME) == []
    inherited = collisions('FROM x\nENTRYPOINT ["canvas-train"]\nCMD ["sh"]\n', COMPOSE % "null", NAME)
    assert [line.split(":")[0] for line in inherited] == [NAME, "service trainer"]


def test_a_shell_form_entry_point_ignores_its_command() -> None:
    found = collisions("FROM x\nENTRYPOINT canvas-train\n", COMPOSE % '["--check"]', NAME)
    assert found == ["service trainer: a shell-form entry point ignores its command"]


def test_an_image_that_starts_nothing_is_noticed() -> None:
    assert "nothing starts canvas-train" in collisions("FROM x\n", "services: {}", NAME)[0]


def test_the_last_stage_of_a_dockerfile_counts() -> None:
    text = 'FROM a AS build\nENTRYPOINT ["sh"]\nFROM b\nentrypoint ["canvas-train"]\nCMD --check\n'
    assert entry_and_command(text) == (["canvas-train"], ["sh", "-c", "--check"])
    assert collisions(text, "services: {}", NAME)


@pytest.mark.parametrize(
    ("dockerfile", "compose"), [("RUN x", "services: {}"), (DOCKERFILE, "a: [b"), (DOCKERFILE, "x: 1")]
)
def test_unreadable_files_are_bad_input(dockerfile: str, compose: str) -> None:
    with pytest.raises(BadInput):
        collisions(dockerfile, compose, NAME)


@pytest.mark.parametrize("code", [0, 2, -9])
def test_without_an_engine_the_files_are_parsed_and_the_installations_exit_code_counts(
    code: int, tmp_path: Path
) -> None:
    programs = Programs({"docker info": 1})
    assert engine(programs, lambda name: f"/usr/bin/{name}") is None and programs.ran == ["docker info", "podman info"]
    found = examine(*files(tmp_path), tmp_path, None, code, programs)
    assert (found.how, found.engine, found.help_exit_code, found.collisions) == ("parsed", None, code, ())
    assert len(programs.ran) == 2


def test_with_an_engine_the_image_is_built_and_checks_itself(tmp_path: Path) -> None:
    programs = Programs({"podman info": 0, "podman build": 0, "podman run": 0})
    assert engine(programs, lambda name: name if name == "podman" else None) == "podman"
    found = examine(*files(tmp_path), tmp_path, "podman", 1, programs)
    assert (found.how, found.engine, found.build_exit_code, found.help_exit_code) == ("built", "podman", 0, 0)
    assert programs.ran[-1].endswith(":g10 --check-install")


def test_an_image_without_an_entry_point_is_asked_by_the_programs_name(tmp_path: Path) -> None:
    programs = Programs({"docker info": 0, "docker build": 0, "docker run": 0})
    dockerfile, compose = files(tmp_path)
    dockerfile.write_text('FROM x\nCMD ["canvas-train", "--check"]\n')
    found = examine(dockerfile, compose, tmp_path, "docker", runner=programs)
    assert programs.ran[-1].endswith(":g10 canvas-train --check-install") and found.help_exit_code == 0


def test_an_image_that_does_not_build_is_not_run(tmp_path: Path) -> None:
    programs = Programs({"docker info": 0, "docker build": 1})
    found = examine(*files(tmp_path), tmp_path, "docker", runner=programs)
    assert (found.build_exit_code, found.help_exit_code) == (1, 127) and not any("run" in line for line in programs.ran)


def test_a_program_that_is_absent_slow_or_failing_has_an_exit_code(tmp_path: Path) -> None:
    assert run_program(["no-such-program-here"], 1.0) == 127
    assert run_program(["sleep", "5"], 0.05) == 124
    assert run_program(["false"], 5.0) == 1
    with pytest.raises(BadInput, match="Dockerfile"):
        examine(tmp_path / "absent", tmp_path / "absent", tmp_path, None)


def test_a_comment_inside_a_continued_command_is_no_part_of_it() -> None:
    text = "FROM a\nENTRYPOINT old\nFROM b\ncmd run \\\n# why\n  it\n# ENTRYPOINT never\n"
    entry, command = entry_and_command(text)
    assert entry is None and command is not None and command[2].split() == ["run", "it"]
