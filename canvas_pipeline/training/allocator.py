"""What CUDA's allocator holds, told by the process that has it: a host's tools do not see it on a GB10.

In (in the process that computes): the cap from the environment. Out: a file with one number a process, read by the guard. What must
hold: torch is imported by ``bound`` only, in a process that has it anyway; the allocator gets its fraction before the first
allocation; without a CUDA device, or outside of a guarded step, nothing happens.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CAP = "CANVAS_UMA_CAP"
REPORTS = "CANVAS_UMA_REPORTS"
EVERY_S = 0.2


def environment(cap: int, reports: Path) -> dict[str, str]:
    """What a step's processes are told: their cap in bytes, where to report."""
    return {CAP: str(cap), REPORTS: str(reports)}


def bound(environ: Mapping[str, str] = os.environ) -> float | None:
    """Give the allocator its share of the device and report what it holds from now on; returns the share, None where there is
    no cap or no device. What the process takes besides the allocator (context, kernels) is the guard's to measure."""
    cap = environ.get(CAP, "")
    if not cap.isdigit():
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    total = torch.cuda.get_device_properties(0).total_memory
    share = min(1.0, int(cap) / total)
    torch.cuda.set_per_process_memory_fraction(share, 0)
    folder = environ.get(REPORTS, "")
    if folder:
        threading.Thread(target=_report, args=(torch, Path(folder)), name="allocator-report", daemon=True).start()
    return float(share)


def _report(torch: Any, folder: Path) -> None:
    path = folder / str(os.getpid())
    idle = threading.Event()
    while folder.is_dir():
        write(path, int(torch.cuda.memory_reserved(0)))
        idle.wait(EVERY_S)


def write(path: Path, size: int) -> None:
    """Say how much this process's allocator holds; a reader sees the old number or the new one."""
    with contextlib.suppress(OSError):
        new = path.with_suffix(".new")
        new.write_text(str(size), encoding="ascii")
        new.replace(path)


def reported(folder: Path, pids: Iterable[int]) -> int:
    """Bytes that the allocators of these processes last reported."""
    try:
        names = set(os.listdir(folder))
    except OSError:
        return 0
    total = 0
    for pid in pids:
        if str(pid) in names:
            with contextlib.suppress(OSError, ValueError):
                total += int((folder / str(pid)).read_text(encoding="ascii"))
    return total


def remove_reports(folder: Path) -> None:
    """Remove the reports of a step that has ended."""
    shutil.rmtree(folder, ignore_errors=True)
