"""Cap CUDA's allocator in a process, and report what it has reserved: a GB10's host tools do not show it.

The process that computes calls ``bound`` before its first allocation. It writes its reserved bytes to a file named by its process
id, which the memory watchdog reads. Without a cap or a CUDA device nothing happens. Only ``bound`` imports torch.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from canvas_pipeline.training.launched import local

CAP = "CANVAS_UMA_CAP"
REPORTS = "CANVAS_UMA_REPORTS"
EVERY_S = 0.2


def environment(cap: int, reports: Path) -> dict[str, str]:
    """Return the environment variables for a step's processes: their cap in bytes, and the folder for reports."""
    return {CAP: str(cap), REPORTS: str(reports)}


def bound(environ: Mapping[str, str] = os.environ) -> float | None:
    """Limit the allocator to its share of this rank's device and start to report. Returns the share, or None without a cap or a
    device.

    The cap does not cover what the process uses beside the allocator (context, kernels); the watchdog measures that."""
    cap = environ.get(CAP, "")
    if not cap.isdigit():
        return None
    import torch

    if not torch.cuda.is_available():
        return None
    device = local()
    total = torch.cuda.get_device_properties(device).total_memory
    share = min(1.0, int(cap) / total)
    torch.cuda.set_per_process_memory_fraction(share, device)
    folder = environ.get(REPORTS, "")
    if folder:
        threading.Thread(
            target=_report, args=(torch, Path(folder), device), name="allocator-report", daemon=True
        ).start()
    return float(share)


def _report(torch: Any, folder: Path, device: int) -> None:
    path = folder / str(os.getpid())
    idle = threading.Event()
    while folder.is_dir():
        write(path, int(torch.cuda.memory_reserved(device)))
        idle.wait(EVERY_S)


def write(path: Path, size: int) -> None:
    """Write the bytes that this process's allocator has reserved. A reader sees the old number or the new one."""
    with contextlib.suppress(OSError):
        new = path.with_suffix(".new")
        new.write_text(str(size), encoding="ascii")
        new.replace(path)


def reported(folder: Path, pids: Iterable[int]) -> int:
    """Return the bytes that the allocators of these processes last reported."""
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
