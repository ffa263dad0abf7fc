"""The deployment as far as it can be known without an engine: schema, lint, entry points, units, no image without a digest."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from canvas_pipeline.automation.nightly import AT, AUTOMATION, ZONE, nightly_settings
from canvas_pipeline.automation.notification import NOTIFY, notifiers_of
from canvas_pipeline.definitions import defs
from canvas_pipeline.guardrails.image import entry_and_command
from canvas_pipeline_tests.dagster_instance.homes import instance_at

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
TEXT = (DEPLOY / "compose.yaml").read_text()
SERVICES: dict[str, dict[str, Any]] = yaml.safe_load(TEXT)["services"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
BIN = Path(sys.executable).parent


def ran(*command: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_compose_file_follows_the_compose_specification() -> None:
    done = ran(BIN / "check-jsonschema", "--builtin-schema", "vendor.compose-spec", DEPLOY / "compose.yaml")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_dockerfile_passes_its_lint() -> None:
    done = ran(BIN / "hadolint", DEPLOY / "Dockerfile.training")
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_services_of_a_gb10_are_all_there() -> None:
    assert set(SERVICES) == {"postgres", "code", "webserver", "daemon", "teacher", "train"}


@pytest.mark.parametrize("name", SERVICES)
def test_an_image_from_elsewhere_cannot_be_named_without_a_digest(name: str) -> None:
    service = SERVICES[name]
    if "build" in service:
        assert re.search(r"@\$\{PYTHON_DIGEST:\?", service["build"]["args"]["PYTHON_IMAGE"])
        assert set(service["build"]["platforms"]) == {"linux/arm64", "linux/amd64"}
    else:
        assert re.fullmatch(r"[^@:]*(?:\$\{\w+:-[^@}]+\})?[^@:]*@\$\{[A-Z]+_DIGEST:\?[^}]+\}", service["image"])


def test_the_example_settings_name_every_digest_and_make_up_none() -> None:
    given = dict(
        line.split("=", 1)
        for line in (DEPLOY / "env.example").read_text().splitlines()
        if "=" in line and line[0] != "#"
    )
    needed = set(re.findall(r"\$\{([A-Z]+_DIGEST)", TEXT))
    assert needed == {name for name in given if name.endswith("_DIGEST")} and all(given[name] == "" for name in needed)
    assert "sha256:" not in TEXT
    assert nightly_settings({name: given[name] for name in (AT, ZONE, AUTOMATION)}).running
    assert notifiers_of(given[NOTIFY])
    unknown = {name for name in given if name not in TEXT}
    assert unknown == set(), "settings that no service reads"


@pytest.mark.parametrize("name", SERVICES)
def test_no_service_is_root_or_can_become_it(name: str) -> None:
    service = SERVICES[name]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"])
    assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"]
    assert "privileged" not in service


def test_only_the_web_ui_is_published_and_only_on_this_machine() -> None:
    published = {name: service["ports"] for name, service in SERVICES.items() if service.get("ports")}
    assert list(published) == ["webserver"]
    assert all(port.startswith("127.0.0.1:") for port in published["webserver"])
    assert yaml.safe_load(TEXT)["networks"]["inside"] == {"internal": True}


def test_secrets_stand_in_files_that_are_never_committed_or_built_in() -> None:
    assert not re.search(r"PASSWORD: |://\w+:[^@/]+@", TEXT)
    assert all("file" in secret for secret in yaml.safe_load(TEXT)["secrets"].values())
    for name in (".gitignore", ".dockerignore"):
        ignored = (ROOT / name).read_text().split()
        assert any(line.startswith("deploy/secrets") for line in ignored) and "deploy/.env" in ignored


def test_the_teacher_has_its_slot_and_steps_go_before_what_looks_after_them() -> None:
    command = SERVICES["teacher"]["command"]
    assert command[command.index("--gpu-memory-utilization") + 1] == "0.60"
    scores = {name: service["oom_score_adj"] for name, service in SERVICES.items()}
    assert (
        max(scores["postgres"], scores["webserver"], scores["daemon"])
        < 0
        < scores["teacher"]
        < scores["code"]
        == scores["train"]
    )


def test_the_executor_knows_of_the_teacher_beside_it_and_keeps_what_it_learned() -> None:
    given = SERVICES["code"]["environment"]
    assert given["CANVAS_UMA_TEACHER"] == "${CANVAS_UMA_TEACHER-${CANVAS_TEACHER_ENDPOINT:-}}"
    kept = [volume.split(":")[1] for volume in SERVICES["code"]["volumes"]]
    assert any(given["CANVAS_UMA_LEDGER"].startswith(f"{folder}/") for folder in kept)


def test_who_looks_after_runs_sees_the_locks_of_their_workers(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    with instance_at(tmp_path, monkeypatch) as instance:
        locks = Path(instance.storage_directory()).relative_to(tmp_path)
    home = Path("/pipeline/.dagster")
    assert f"DAGSTER_HOME={home}" in (DEPLOY / "Dockerfile.training").read_text()
    for name in ("code", "daemon"):
        assert f"home:{home / locks}" in SERVICES[name]["volumes"]


def options(words: list[str]) -> list[str]:
    return [word for word in words if word.startswith("--")]


@pytest.mark.parametrize("name", ["code", "webserver", "daemon", "train"])
def test_each_entry_point_starts_and_knows_its_options(name: str) -> None:
    service = SERVICES[name]
    entry = service.get("entrypoint") or entry_and_command((DEPLOY / "Dockerfile.training").read_text())[0]
    done = ran(BIN / entry[0], *entry[1:], "--help")
    assert done.returncode == 0, done.stderr[-2000:]
    assert [word for word in options(service["command"]) if word not in done.stdout] == []


def test_every_setting_a_service_gets_is_one_that_is_read() -> None:
    source = (
        "".join(path.read_text() for path in (ROOT / "canvas_pipeline").rglob("*.py"))
        + (DEPLOY / "workspace.yaml").read_text()
        + (DEPLOY / "dagster.yaml").read_text()
    )
    named = {
        name for service in SERVICES.values() for name in service.get("environment", {}) if name.startswith("CANVAS_")
    }
    page = set(re.findall(r"`(CANVAS_[A-Z_]+)`", (DEPLOY / "README.md").read_text()))
    mounted = {"CANVAS_MODELS"}  # read by compose itself
    assert {name for name in named | page - mounted if name not in source} == set()


def test_the_workspace_of_both_deployments_names_the_code_server() -> None:
    (entry,) = yaml.safe_load((DEPLOY / "workspace.yaml").read_text())["load_from"]
    port = str(entry["grpc_server"]["port"])
    assert port in SERVICES["code"]["command"]
    assert f"--port {port}" in (DEPLOY / "systemd" / "canvas-code.service").read_text()
    assert defs() is not None


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_a_units_program_exists_with_its_options(unit: Path) -> None:
    (line,) = re.findall(r"^ExecStart=/opt/canvas/\.venv/bin/(.*)$", unit.read_text(), re.MULTILINE)
    words = line.split()
    first = next(n for n, word in enumerate(words) if word.startswith("--"))
    done = ran(BIN / words[0], *words[1:first], "--help")
    assert done.returncode == 0 and [word for word in options(words) if word not in done.stdout] == []


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here: apt install systemd")
def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    for unit in UNITS:
        (tmp_path / unit.name).write_text(unit.read_text().replace("/opt/canvas/.venv/bin/", f"{BIN}/"))
    done = ran("systemd-analyze", "verify", *sorted(tmp_path.glob("*.service")))
    assert (done.returncode, done.stderr) == (0, "")


def test_ssh_and_what_looks_after_runs_outlive_a_step() -> None:
    def score(path: Path) -> int:
        return int(re.findall(r"^OOMScoreAdjust=(-?\d+)$", path.read_text(), re.MULTILINE)[0])

    units = {unit.stem: score(unit) for unit in UNITS}
    assert score(DEPLOY / "systemd" / "ssh.service.d" / "oom.conf") == -1000
    assert units["canvas-webserver"] == units["canvas-daemon"] == -500 and units["canvas-code"] == 500


def test_the_image_that_trains_has_the_compiler_that_triton_calls() -> None:
    """Triton is locked for Linux with torch; without a C compiler and libc's headers no kernel starts."""
    locked = [package["name"] for package in tomllib.loads((ROOT / "uv.lock").read_text())["package"]]
    final = (DEPLOY / "Dockerfile.training").read_text().rpartition("\nFROM ")[2]
    installed = re.search(r"apt-get install [^\n]*--no-install-recommends ([^\\]+)\\", final)
    assert "triton" in locked
    assert installed is not None and {"gcc", "libc6-dev"} <= set(installed[1].split())
