"""Locks between real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.storage.locks import alone, flocked

HOLDER = (
    "import sys, time\nfrom pathlib import Path\nfrom canvas_pipeline.storage.locks import alone\n"
    "with alone(Path(sys.argv[1])):\n    print('held', flush=True)\n    time.sleep(60)\n"
)


def test_a_lock_is_refused_while_another_process_holds_it_and_free_once_that_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "work.lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLDER, str(path)], stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(BadConfig, match="somebody works here"), alone(path, "somebody works here"):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with alone(path, "somebody works here"):
            assert path.stat().st_mode & 0o777 == 0o600
    finally:
        holder.kill()
        holder.wait()


def test_an_open_file_may_be_locked_by_several_and_then_not_exclusively(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.touch()
    first, second, other = (os.open(path, os.O_RDWR) for _ in range(3))
    assert flocked(first, shared=True) and flocked(second, shared=True)
    os.close(first)
    assert not flocked(other, wait=False)
    os.close(second)
    assert flocked(other, wait=False)
    os.close(other)
