"""A real ``dagster-daemon`` over an instance configured as shipped, which may be killed and started again."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import dagster as dg
import psutil

from canvas_pipeline_tests.dagster_instance.homes import ROOT

PATIENCE_S = 600


def program(name: str) -> str:
    """A console script of this environment."""
    return str(Path(sys.executable).with_name(name))


def settle(home: Path) -> dg.DagsterInstance:
    """The instance of a folder with the shipped dagster.yaml; ``DAGSTER_HOME`` names the folder from then on."""
    home.mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "dagster.yaml", home / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(home)
    return dg.DagsterInstance.from_config(str(home))


class Daemon:
    """One daemon at a time over ``home``, for the code location that ``target`` (options of Dagster's commands) names."""

    def __init__(self, home: Path, target: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        self.home, self.target = home, tuple(target)
        self.environment = {**os.environ, **(environment or {}), "DAGSTER_HOME": str(home)}
        self.starts = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def log(self) -> Path:
        """What the daemon that was started last says."""
        return self.home / f"daemon-{self.starts}.log"

    def start(self) -> None:
        self.starts += 1
        with self.log.open("wb") as out:
            self.process = subprocess.Popen(
                [program("dagster-daemon"), "run", *self.target],
                cwd=ROOT,
                env=self.environment,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def said(self, text: str) -> bool:
        """Whether it has said so; raises ``AssertionError`` with its last words where it has ended by itself."""
        words = self.log.read_text(errors="replace")
        assert self.process is not None and self.process.poll() is None, words[-3000:]
        return text in words

    def family(self) -> list[psutil.Process]:
        """Everybody below the daemon: code server, run workers, steps and theirs."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> list[psutil.Process]:
        """SIGKILL of the daemon alone; returns whom it leaves behind."""
        assert self.process is not None
        left = self.family()
        self.process.kill()
        self.process.wait()
        return left

    def stop(self) -> None:
        """End it as a service manager does, and its code server with it; nothing happens where it does not run."""
        if self.process is None or self.process.poll() is not None:
            return
        left = self.family()
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for process in psutil.wait_procs(left, timeout=PATIENCE_S)[1]:
            process.kill()
