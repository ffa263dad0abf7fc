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
        """The log of the daemon that was started last."""
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

    def logged(self, text: str) -> bool:
        """Return whether its log contains ``text``; raises ``AssertionError`` with the log's end if the daemon has ended."""
        output = self.log.read_text(errors="replace")
        assert self.process is not None and self.process.poll() is None, output[-3000:]
        return text in output

    def family(self) -> list[psutil.Process]:
        """Return all processes below the daemon: code server, run workers, steps and their children."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def kill(self) -> list[psutil.Process]:
        """SIGKILL the daemon alone; returns the processes that it leaves behind."""
        assert self.process is not None
        left = self.family()
        self.process.kill()
        self.process.wait()
        return left

    def stop(self) -> None:
        """End it as a service manager does, and its code server too; does nothing if it does not run."""
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
