"""What would stop a command is reported before its work begins: folders, disk, memory and ports."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from canvas_pipeline.cli import preflight
from canvas_pipeline.cli.preflight import (
    DEMO_DISK,
    KEPT_DISK,
    RUN_MEMORY,
    SETUP_DISK,
    Disk,
    Folder,
    Port,
    Readings,
    problems,
)
from canvas_pipeline.gb10.host import GIB, Memory
from canvas_pipeline.pipeline.track import track_names

ROOT = Path(__file__).resolve().parents[2]
READ_ONLY = Path("/proc/self")
"""A folder where no user can make a file, root included."""


@pytest.fixture
def port_in_use() -> Iterator[int]:
    """A port that this process listens on."""
    with socket.create_server((preflight.HOST, 0)) as server:
        yield server.getsockname()[1]


def make(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("make")
    assert program is not None, "make is a prerequisite"
    outside = {k: v for k, v in os.environ.items() if not k.startswith(("MAKE", "MFLAGS", "CANVAS_"))}
    return subprocess.run(
        [program, *arguments], capture_output=True, text=True, cwd=ROOT, env=outside | environment, check=False
    )


def disk(needed: int, free: int, device: int = 1, path: str = "/clone", purpose: str = "set-up") -> Disk:
    return Disk(path=Path(path), purpose=purpose, needed=needed, free=free, device=device)


def test_where_nothing_is_in_the_way_nothing_is_said() -> None:
    machine = Memory(total=RUN_MEMORY, available=RUN_MEMORY)
    found = Readings(
        folders=[Folder(path=Path("/clone"), remedy="")],
        disks=[disk(SETUP_DISK, SETUP_DISK + DEMO_DISK), disk(DEMO_DISK, SETUP_DISK + DEMO_DISK)],
        memory=machine,
        needed_memory=RUN_MEMORY,
        port=Port(number=3000),
    )
    assert problems(found) == [] and preflight.warnings(found) == []


def test_everything_in_the_way_is_said_at_once_one_line_each() -> None:
    found = Readings(
        folders=[Folder(path=Path("/clone/.dagster"), remedy="make it yours", error="Permission denied")],
        disks=[disk(SETUP_DISK, GIB)],
        memory=Memory(total=2 * GIB, available=GIB),
        needed_memory=RUN_MEMORY,
        port=Port(number=3000, error="taken", listener="python3 (process 7)", instead=3001),
    )
    assert problems(found) == [
        "/clone/.dagster: cannot be written (Permission denied); make it yours",
        "/clone: 1.00 GiB of disk free, needed: set-up 7.00 GiB; free 6.00 GiB there",
        "memory: 2.00 GiB in all, needed: 4.00 GiB; use a machine with more",
        "port 3000: taken by python3 (process 7); take another: make dev PORT=3001",
    ]


def test_what_shares_a_disk_is_added_up_and_what_does_not_is_not() -> None:
    needs = (SETUP_DISK, DEMO_DISK)
    alone = [disk(n, n, device=i, purpose=p) for i, (n, p) in enumerate(zip(needs, ("set-up", "the demo")))]
    assert problems(Readings(disks=alone)) == []
    shared = [disk(n, sum(needs) - 1, purpose=p) for n, p in zip(needs, ("set-up", "the demo"))]
    (line,) = problems(Readings(disks=shared))
    assert "set-up 7.00 GiB and the demo 1.00 GiB" in line


def test_a_containers_limit_is_named_with_what_to_raise() -> None:
    small = Memory(total=RUN_MEMORY - 1, available=GIB, limit="/sys/fs/cgroup")
    (line,) = problems(Readings(memory=small, needed_memory=RUN_MEMORY))
    assert "limited by /sys/fs/cgroup" in line and "raise the limit" in line


@pytest.mark.parametrize("available, notes", [(RUN_MEMORY, 0), (RUN_MEMORY - 1, 1)])
def test_memory_that_others_hold_now_is_a_note_and_stops_nothing(available: int, notes: int) -> None:
    found = Readings(memory=Memory(total=8 * GIB, available=available), needed_memory=RUN_MEMORY)
    assert problems(found) == [] and len(preflight.warnings(found)) == notes


def test_memory_is_read_for_what_trains_and_not_for_the_web_ui(tmp_path: Path) -> None:
    assert preflight.read("demo", ROOT, {}).memory is not None
    assert preflight.read("dev", ROOT, {}, port=3000).memory is None


def test_a_folder_that_cannot_be_written_is_named_also_where_its_parts_do_not_exist_yet() -> None:
    found = preflight.read("demo", ROOT, {"DAGSTER_HOME": str(READ_ONLY / "none/.dagster")})
    (line,) = problems(found)
    assert line.startswith(f"{READ_ONLY}: cannot be written (") and "make it yours" in line


def test_a_data_folder_that_cannot_be_written_names_its_setting(tmp_path: Path) -> None:
    found = problems(
        preflight.read("dev", ROOT, {"CANVAS_DATA": str(READ_ONLY), "DAGSTER_HOME": str(tmp_path)}, port=1 << 16)
    )
    line = found[0]
    assert line.startswith(f"{READ_ONLY}: cannot be written (") and "CANVAS_DATA" in line


def test_a_data_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    (line,) = problems(
        preflight.read("demo", ROOT, {"CANVAS_DATA": str(tmp_path / "none"), "DAGSTER_HOME": str(tmp_path)})
    )
    assert "no such data folder" in line and "CANVAS_DATA" in line


def test_a_demo_of_all_tracks_needs_the_disk_of_each() -> None:
    (one,), (every,) = (preflight.read("demo", ROOT, {}, tracks=name).disks for name in ("math", "all"))
    assert (one.needed, every.needed) == (DEMO_DISK, DEMO_DISK + (len(track_names()) - 1) * KEPT_DISK)


def test_what_one_of_several_tracks_lacks_is_a_note_and_stops_nothing() -> None:
    found = Readings(notes=["the track code: two barriers are needed"])
    assert problems(found) == [] and preflight.warnings(found) == ["the track code: two barriers are needed"]


def test_a_track_that_does_not_exist_is_said_before_the_demo_begins() -> None:
    (line,) = problems(preflight.read("demo", ROOT, {}, tracks="math,algebra"))
    assert line.startswith("there is no track 'algebra'; choose one of: canvas, ")


def test_looking_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    preflight.read("demo", tmp_path, {"UV_CACHE_DIR": str(tmp_path / "cache")}, set_up=True)
    assert [path.name for path in tmp_path.rglob("*")] == ["data"]


def test_set_up_counts_what_is_already_in_the_environment(tmp_path: Path) -> None:
    def needed() -> int:
        return preflight.read("setup", tmp_path, {"UV_CACHE_DIR": str(tmp_path)}, set_up=True).disks[0].needed

    assert needed() == SETUP_DISK
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv/wheel").write_bytes(bytes(1000))
    assert needed() == SETUP_DISK - 1000


def test_without_set_up_only_what_the_command_needs_is_asked(tmp_path: Path) -> None:
    found = preflight.read("setup", tmp_path, {})
    assert (found.disks, found.folders, found.memory, found.port) == ([], [], None, None)


def test_a_port_in_use_names_who_listens_and_the_next_free_one(port_in_use: int) -> None:
    found = preflight.read_port(port_in_use)
    assert found.error == "taken" and f"(process {os.getpid()})" in found.listener
    assert found.instead > port_in_use and preflight.listen_error(found.instead) == ""


def test_a_free_port_is_no_problem_and_stays_free(port_in_use: int) -> None:
    other = preflight.read_port(port_in_use).instead
    assert preflight.read_port(other) == Port(number=other)
    with socket.create_server((preflight.HOST, other)):
        pass


@pytest.mark.parametrize("number", [0, 65536])
def test_a_number_that_is_no_port_is_said(number: int) -> None:
    assert "from 1 to 65535" in preflight.read_port(number).error


def test_it_runs_on_pythons_own_library_alone(tmp_path: Path) -> None:
    """Before set-up there is nothing else: -I -S leaves out every installed package."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); from canvas_pipeline.cli import preflight as it; it.main(['setup'])"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def ready(tmp_path: Path) -> str:
    """An environment that counts as set up: this one's Python, and a stamp as new as can be."""
    (tmp_path / "venv/bin").mkdir(parents=True)
    python = tmp_path / "venv/bin/python"
    python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    python.chmod(0o755)
    for name in (".ready", ".ready-gpu"):
        (tmp_path / "venv" / name).touch()
        os.utime(tmp_path / "venv" / name, times=(time.time() + 60,) * 2)
    return f"VENV={tmp_path / 'venv'}"


def test_make_dev_stops_at_a_port_in_use_before_it_begins(ready: str, port_in_use: int) -> None:
    done = make("dev", ready, f"PORT={port_in_use}")
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("dev: ")]
    assert done.returncode == 2 and re.search(r"make dev PORT=\d+$", line)
    assert "dagster" not in done.stdout


def test_make_demo_names_a_read_only_data_folder_before_it_begins(ready: str) -> None:
    done = make("demo", ready, CANVAS_DATA=str(READ_ONLY))
    assert done.returncode == 2 and f"demo: {READ_ONLY}: cannot be written" in done.stderr
    assert "canvas_pipeline.cli.demo" not in done.stdout


def test_after_set_up_no_compiler_and_no_other_python_is_asked_for(ready: str, tmp_path: Path) -> None:
    done = make("prerequisites", ready, "PYTHON=no-such-python", PATH=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")


def test_a_missing_compiler_and_a_read_only_cache_are_said_together(tmp_path: Path) -> None:
    (tmp_path / "python3").symlink_to(sys.executable)
    environment = {"PATH": str(tmp_path), "UV_CACHE_DIR": str(READ_ONLY)}
    done = make("setup", f"VENV={tmp_path / 'none'}", f"TOOLS={tmp_path / 'tools'}", **environment)
    assert done.returncode == 2 and "C++ compiler" in done.stderr and f"{READ_ONLY}: cannot be written" in done.stderr
    assert not (tmp_path / "tools").exists()


@pytest.mark.parametrize("gpu, left_out", [("", True), ("1", False)])
def test_what_only_a_gpu_uses_is_left_out_where_there_is_none(gpu: str, left_out: bool, tmp_path: Path) -> None:
    done = make("--dry-run", "setup", f"VENV={tmp_path / 'none'}", f"GPU={gpu}")
    assert ("--no-install-package triton" in done.stdout) is left_out and "uv sync --locked" in done.stdout
