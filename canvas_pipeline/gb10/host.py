"""Read how much memory this machine has and how much is available now, from ``/proc`` and ``/sys/fs/cgroup``.

A container's limit applies if it is smaller than the machine's memory. Page cache that the kernel can drop counts as available.
On a GB10 the GPU allocates from the same MemAvailable, though no cgroup counts it. Only the
standard library is imported: ``cli.preflight`` runs before set-up, and psutil does not read cgroups.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from canvas_pipeline.errors import MissingTool

GIB = 1 << 30
UNLIMITED = 1 << 60
"""A version 1 cgroup without a limit reports a number above this one."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes in total, and bytes that a new process could get without swapping. ``limit`` names what bounds the total."""

    total: int
    available: int
    limit: str = "MemTotal"


def memory(root: Path = Path("/")) -> Memory:
    """Read the machine's memory now; raises ``MissingTool`` if ``/proc/meminfo`` is missing or lacks a line."""
    try:
        lines = (root / "proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError as error:
        raise MissingTool(
            f"{root}proc/meminfo cannot be read ({error.strerror}): admission by memory needs Linux"
        ) from None
    fields = {
        name: int(words[0]) * 1024
        for name, words in ((name, rest.split()) for name, _, rest in (line.partition(":") for line in lines))
        if words and words[0].isdigit()
    }
    for name in ("MemTotal", "MemAvailable"):
        if name not in fields:
            raise MissingTool(f"{root}proc/meminfo has no line {name}: admission by memory needs Linux's own /proc")
    measured = Memory(total=fields["MemTotal"], available=fields["MemAvailable"])
    for folder, limit, used in _cgroups(root):
        headroom = max(0, limit - used)
        if limit < measured.total:
            measured = Memory(total=limit, available=min(measured.available, headroom), limit=folder)
        elif headroom < measured.available:
            measured = replace(measured, available=headroom)
    return measured


def _cgroups(root: Path) -> Iterator[tuple[str, int, int]]:
    """Yield every memory cgroup of this process that has a limit: folder, limit, use without droppable page cache.

    The lower of ``memory.high`` and ``memory.max`` counts: above ``memory.high`` the kernel slows a process down."""
    try:
        entries = (root / "proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    except OSError:
        return
    for entry in entries:
        _, controllers, path = entry.split(":", 2)
        if controllers == "":
            base = root / "sys/fs/cgroup"
            names: tuple[tuple[str, ...], str, str] = (("memory.max", "memory.high"), "memory.current", "inactive_file")
        elif "memory" in controllers.split(","):
            base = root / "sys/fs/cgroup/memory"
            names = (("memory.limit_in_bytes",), "memory.usage_in_bytes", "total_inactive_file")
        else:
            continue
        # Inside a container the path may be the host's, so the root of the mount is read too.
        folders = {base, *(base.joinpath(*Path(path).parts[1:n]) for n in range(2, len(Path(path).parts) + 1))}
        for folder in sorted(folders):
            limits = [value for name in names[0] if (value := _number(folder / name)) is not None]
            limit, used = min(limits, default=UNLIMITED), _number(folder / names[1])
            if used is not None and limit < UNLIMITED:
                yield str(folder), limit, max(0, used - _stat(folder / "memory.stat", names[2]))


def _number(path: Path) -> int | None:
    try:
        text = path.read_text(encoding="ascii").strip()
    except OSError:
        return None
    return int(text) if text.isdigit() else None


def _stat(path: Path, name: str) -> int:
    try:
        lines = path.read_text(encoding="ascii").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.split()[:1] == [name]), 0)


def in_gib(size: int) -> float:
    """Return bytes in GiB, rounded to a MiB."""
    return round(size / GIB, 3)


def gib(size: int) -> str:
    """Format bytes for people: GiB with three digits, MiB below one GiB."""
    if abs(size) < GIB:
        return f"{size / (1 << 20):.0f} MiB"
    return f"{size / GIB:.2f} GiB" if abs(size) < 10 * GIB else f"{size / GIB:.1f} GiB"
