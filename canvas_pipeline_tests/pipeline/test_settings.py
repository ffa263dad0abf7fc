"""The table of settings: a variable means the same in the code location, in every command, in the containers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from canvas_pipeline.cli import demo, train
from canvas_pipeline.cli.data import app as data_commands
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.gb10.executor import profile_of
from canvas_pipeline.orchestration.resource import PipelineResource
from canvas_pipeline.pipeline.settings import METHOD, SETTINGS, data_folder, from_environment, given
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.pipeline.entries import canvas_train

ROOT = Path(__file__).resolve().parents[2]
VARIABLES = {setting.variable for setting in SETTINGS.values()}


def environment(folder: Path) -> dict[str, str]:
    """Every setting, each with another value than its default."""
    (folder / "mine").mkdir(parents=True)
    (folder / "numbers.yaml").write_text("canvas: {gb10: {dpo: {beta: 0.2, epochs: 3}}}\n")
    return {
        "CANVAS_DATA": str(folder / "mine"), "CANVAS_PROFILE": "gb10", "CANVAS_SEED": "11", "CANVAS_BASE_MODEL": "some/base",
        "CANVAS_TEACHER_ENDPOINT": "http://127.0.0.1:1/v1", "CANVAS_TEACHER_MODEL": "teacher", "CANVAS_DEPLOY": str(folder),
        "CANVAS_TEACHER_IDENTITY": "teacher@1",
        "CANVAS_OVERRIDES": str(folder / "numbers.yaml"), "CANVAS_SET": "dpo.beta=0.1", "CANVAS_OPTIONS": "rate=1; name=a = b",
    }  # fmt: skip


def test_every_setting_is_a_field_of_the_resource_with_the_tables_default_and_variable() -> None:
    fields = PipelineResource.model_fields
    assert fields.keys() - {"allow_shrinkage"} == SETTINGS.keys()
    for name, setting in SETTINGS.items():
        assert setting.variable in str(fields[name].description)
        assert name == "root" or fields[name].default == setting.default


def test_the_same_variables_give_the_same_workspace_in_the_code_location_and_in_a_command(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variables = environment(tmp_path)
    assert variables.keys() == VARIABLES
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    located = PipelineResource(**given(os.environ)).here(TRACK)
    commanded, config = from_environment(TRACK)
    launched = PipelineResource(**config).here(TRACK)
    assert located == commanded == launched
    assert (located.root, located.profile.name, located.seed) == (tmp_path / "mine", "gb10", 11)
    assert (located.base_model, located.teacher_model, located.deploy) == ("some/base", "teacher", tmp_path)
    assert located.options == {"rate": "1", "name": "a = b"}
    assert located.overrides == {"dpo": {"beta": 0.1, "epochs": 3.0}}
    assert profile_of({}) == located.profile.name


def test_an_option_of_a_command_overrides_its_variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    ws, _ = from_environment(TRACK, profile="embedded", seed=3, numbers=["dpo.beta=0.4"], options=["rate=2"])
    assert (ws.profile.name, ws.seed, ws.overrides) == ("embedded", 3, {"dpo": {"beta": 0.4}})
    assert ws.options == {"rate": "2", "name": "a = b"}


def test_an_empty_variable_is_one_that_is_not_set(tmp_path: Path) -> None:
    assert given(dict.fromkeys(VARIABLES, "")) == given({}) == {}


@pytest.mark.parametrize("name, text", [("CANVAS_SEED", "seven"), ("CANVAS_OPTIONS", "rate")])
def test_an_unusable_variable_is_named(name: str, text: str) -> None:
    with pytest.raises(BadConfig, match=name):
        given({name: text})


def test_without_a_setting_the_data_folder_is_that_of_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert data_folder() == tmp_path / "data" and data_folder(Path("named")) == Path("named")
    monkeypatch.setenv("CANVAS_DATA", "elsewhere")
    assert data_folder() == tmp_path / "elsewhere"


def variables_of(command: Any) -> set[str]:
    """Variables that the options of a command read, or name in their help."""
    found: set[str] = set()
    for option in command.params:
        found |= {option.envvar} if isinstance(getattr(option, "envvar", None), str) else set()
        found |= set(re.findall(r"CANVAS_\w+", getattr(option, "help", "") or ""))
    return found


def test_training_and_the_demo_take_every_setting_as_an_option_that_shows_its_variable() -> None:
    asked_elsewhere = {"CANVAS_TEACHER_ENDPOINT", "CANVAS_TEACHER_MODEL", "CANVAS_TEACHER_IDENTITY"}
    trained = variables_of(get_command(train.app))
    assert trained >= VARIABLES - asked_elsewhere and METHOD in trained
    assert variables_of(get_command(demo.app)) >= VARIABLES - asked_elsewhere


@pytest.mark.parametrize(
    "name, variables",
    [
        ("lineage", {"CANVAS_DATA"}),
        ("remove", {"CANVAS_DATA", "CANVAS_PROFILE", "CANVAS_SEED", "CANVAS_BASE_MODEL", "CANVAS_OVERRIDES"}),
        ("audit", {"CANVAS_DATA"}),
        ("canaries", {"CANVAS_DATA", "CANVAS_PROFILE", "CANVAS_SEED"}),
        ("trajectory", {"CANVAS_PROFILE", "CANVAS_SEED"}),
        ("label", {"CANVAS_TEACHER_ENDPOINT", "CANVAS_TEACHER_MODEL", "CANVAS_PROFILE"}),
        ("split-for-release", {"CANVAS_SEED"}),
    ],
)
def test_a_data_command_reads_the_variables_of_its_settings(name: str, variables: set[str]) -> None:
    commands: Any = get_command(data_commands)
    assert variables_of(commands.commands[name]) >= variables


def test_the_help_of_training_shows_the_variables() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "canvas_pipeline.cli.train", "--help"],
        capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"},
    )  # fmt: skip
    assert {"CANVAS_PROFILE", "CANVAS_SEED", "CANVAS_DEPLOY", "CANVAS_SET", METHOD} <= set(
        re.findall(r"CANVAS_\w+", done.stdout)
    )


def test_the_profile_of_the_environment_is_the_one_that_training_takes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("CANVAS_PROFILE", "laptop")
    assert canvas_train("--root", str(tmp_path)) == 1 and "there is no profile 'laptop'" in capsys.readouterr().err


def test_the_method_of_the_environment_is_the_one_that_is_trained(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(METHOD, "ppo")
    assert canvas_train("--root", str(tmp_path)) == 1 and "there is no method 'ppo'" in capsys.readouterr().err


def test_the_containers_hand_on_every_setting_that_is_not_a_place_in_the_image() -> None:
    services = yaml.safe_load((ROOT / "deploy" / "compose.yaml").read_text())["services"]
    example = (ROOT / "deploy" / "env.example").read_text()
    handed = VARIABLES - {"CANVAS_DATA", "CANVAS_DEPLOY"}
    for name in ("code", "train"):
        assert handed <= services[name]["environment"].keys(), name
    assert METHOD in services["train"]["environment"] and services["train"]["command"] == []
    assert [name for name in (*handed, METHOD) if f"\n{name}=" not in example] == []


def test_the_page_of_a_deployment_describes_every_setting() -> None:
    page = (ROOT / "deploy" / "README.md").read_text()
    assert [name for name in (*VARIABLES, METHOD) if f"`{name}`" not in page] == []
