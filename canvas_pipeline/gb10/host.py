"""How much memory this machine has, how much is available now, and how much a process takes of it.

In: ``/proc`` and ``/sys/fs/cgroup`` (another root in tests). Out: bytes. What must hold: a container's limit counts where it is
smaller than the machine, for what there is as for what is available; page cache that the kernel would give up is available.
On a GB10 the GPU's allocations come out of the same MemAvailable, though no cgroup sees them.
Only the standard library is imported, and not psutil, which knows no cgroups: ``cli.preflight`` asks before set-up too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from canvas_pipeline.errors import MissingTool

GIB = 1 << 30
UNLIMITED = 1 << 60
"""A version 1 cgroup says "no limit" with a number of this size."""


@dataclass(frozen=True, kw_only=True)
class Memory:
    """Bytes: all there is, and what a new process could get without swapping. ``limit`` names what bounds it."""

    total: int
    available: int
    limit: str = "MemTotal"


def memory(root: Path = Path("/")) -> Memory:
    """The machine's memory now; raises ``MissingTool`` where there is no ``/proc/meminfo``."""
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
    available = fields.get("MemAvailable", fields.get("MemFree"))  # kernels before 3.14 have the second only
    if "MemTotal" not in fields or available is None:
        lacking = "MemTotal" if "MemTotal" not in fields else "MemAvailable"
        raise MissingTool(f"{root}proc/meminfo has no line {lacking}: admission by memory needs Linux's own /proc")
    found = Memory(total=fields["MemTotal"], available=available)
    for folder, limit, used in _cgroups(root):
        room = max(0, limit - used)
        if limit < found.total:
            found = Memory(total=limit, available=min(found.available, room), limit=folder)
        elif room < found.available:
            found = replace(found, available=room)
    return found


def _cgroups(root: Path) -> Iterator[tuple[str, int, int]]:
    """Every memory cgroup this process is in that has a limit: folder, limit, what is used less the page cache that can go.

    Where the kernel holds back (``memory.high``) before it ends (``memory.max``), the lower one counts: past it steps crawl."""
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
        # Inside a container the path may be the host's: the mount's own root is asked in any case.
        folders = {base, *(base.joinpath(*Path(path).parts[1:n]) for n in range(2, len(Path(path).parts) + 1))}
        for folder in sorted(folders):
            limits = [found for name in names[0] if (found := _number(folder / name)) is not None]
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


def gib(size: int) -> str:
    """Bytes as people read them: GiB with three digits, MiB below one."""
    if abs(size) < GIB:
        return f"{size / (1 << 20):.0f} MiB"
    return f"{size / GIB:.2f} GiB" if abs(size) < 10 * GIB else f"{size / GIB:.1f} GiB"
