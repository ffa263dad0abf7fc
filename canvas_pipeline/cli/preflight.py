"""Report everything that would stop a command, before it starts.

``make`` runs this before set-up too, with the system's Python: at import it may use only the standard library."""

from __future__ import annotations

import argparse
import errno
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.errors import BadConfig, MissingTool
from canvas_pipeline.gb10.host import GIB, Memory, gib, memory

HOST = "127.0.0.1"
SETUP_DISK = 7 * GIB
"""The size of .venv (5.7 GiB; 6.6 with a GPU) and the build of llama.cpp. uv's cache shares these files."""
DEMO_DISK = GIB
"""What a demo needs while it works."""
KEPT_DISK = GIB // 4
"""What the demo of each further track leaves; the largest one leaves 0.18 GiB."""
TEST_DISK = GIB
RUN_MEMORY = 4 * GIB
"""The largest reservation of the embedded profile, 3.5 GiB, and the floor of 12 % that admission leaves free."""
EXIT_CODE = 2


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A folder to write to. ``error`` is the reason why that fails, or empty."""

    path: Path
    remedy: str
    error: str = ""


@dataclass(frozen=True, kw_only=True)
class Disk:
    """Bytes that a purpose needs on a folder's file system, and how many are free there."""

    path: Path
    purpose: str
    needed: int
    free: int
    device: int


@dataclass(frozen=True, kw_only=True)
class Port:
    """A port to listen on. ``error`` is the reason why that fails, ``listener`` the process that listens there, if known, and
    ``instead`` a free port."""

    number: int
    error: str = ""
    listener: str = ""
    instead: int = 0


@dataclass(frozen=True, kw_only=True)
class Readings:
    """The state of this machine. ``needed_memory`` is in bytes; 0 where the command needs no particular amount."""

    folders: Sequence[Folder] = ()
    disks: Sequence[Disk] = ()
    memory: Memory | None = None
    needed_memory: int = 0
    port: Port | None = None
    others: Sequence[str] = ()
    """Problems found while reading, in full sentences."""
    notes: Sequence[str] = ()
    """What stops a part of the command only."""


def problems(readings: Readings) -> list[str]:
    """Return one line per problem: what is wrong, where, and what to do. Empty where the command may start."""
    lines = [*readings.others]
    lines += [
        f"{folder.path}: cannot be written ({folder.error}); {folder.remedy}"
        for folder in readings.folders
        if folder.error
    ]
    for device in dict.fromkeys(disk.device for disk in readings.disks):
        shared = [disk for disk in readings.disks if disk.device == device]
        needed, free = sum(disk.needed for disk in shared), min(disk.free for disk in shared)
        if free < needed:
            purposes = " and ".join(f"{disk.purpose} {gib(disk.needed)}" for disk in shared if disk.needed)
            lines.append(
                f"{shared[0].path}: {gib(free)} of disk free, needed: {purposes}; free {gib(needed - free)} there"
            )
    if readings.memory and readings.memory.total < readings.needed_memory:
        limit = "" if readings.memory.limit == Memory.limit else f", limited by {readings.memory.limit}"
        remedy = "use a machine with more" if not limit else "raise the limit (of the container, or in systemd)"
        lines.append(
            f"memory: {gib(readings.memory.total)} in all{limit}, needed: {gib(readings.needed_memory)}; {remedy}"
        )
    if readings.port and readings.port.error:
        who = f" by {readings.port.listener}" if readings.port.listener else ""
        remedy = (
            f"make dev PORT={readings.port.instead}" if readings.port.instead else "make dev PORT=… with a free one"
        )
        lines.append(f"port {readings.port.number}: {readings.port.error}{who}; take another: {remedy}")
    return lines


def warnings(readings: Readings) -> list[str]:
    """Return what would slow the command down or stop a part of it: memory that others hold now, the lacks of single tracks."""
    if readings.memory is None or not readings.memory.available < readings.needed_memory <= readings.memory.total:
        return [*readings.notes]
    return [
        *readings.notes,
        f"memory: {gib(readings.memory.available)} available now, needed at times: {gib(readings.needed_memory)}; "
        "close other programs, or steps wait and may be stopped",
    ]


def read(
    command: str, root: Path, environ: Mapping[str, str], *, set_up: bool = False, port: int = 0, tracks: str = ""
) -> Readings:
    """Inspect this machine for ``demo``, ``test``, ``dev`` or ``setup``. ``set_up``: the environment must be built first.

    ``tracks`` are those of a demo, with commas, or ``all``. Each is asked for what it needs, once there is an environment."""
    data = Path(environ.get("CANVAS_DATA") or root / "data")
    home = Path(environ.get("DAGSTER_HOME") or root / ".dagster")
    own = "make it yours (sudo chown -R $USER), or clone to a folder of your own"
    folders: list[tuple[Path, str]] = []
    disks: list[tuple[Path, str, int]] = []
    others: list[str] = []
    count, lacks = 1, list[str]()
    if command == "demo" and tracks and not set_up:
        count, lacks = asked(tracks)
    if set_up:
        environment, cache = root / ".venv", uv_cache(environ)
        folders += [(root, own), (environment, own), (root / ".tools", own)]
        folders.append((cache, "make it yours (sudo chown -R $USER), or set UV_CACHE_DIR"))
        missing = max(0, SETUP_DISK - size(environment))
        disks.append((root, "set-up", missing))
        if device(cache) != device(root):
            disks.append((cache, "uv's cache (UV_CACHE_DIR)", missing))
    if command in ("demo", "dev"):
        folders.append((home, own))
        if data.is_dir():
            other = "make it yours (sudo chown -R $USER), or set CANVAS_DATA to another folder"
            folders += [(folder, other) for folder in (data, data / "artifacts", data / "releases", data / "work")]
        else:
            others.append(f"{data}: no such data folder; set CANVAS_DATA to one that holds collab/ (contributor files)")
    if command in ("demo", "test"):
        try:
            scratch = Path(tempfile.gettempdir())
            demo = data, "the demo", DEMO_DISK + (count - 1) * KEPT_DISK
            disks.append(demo if command == "demo" else (scratch, "the tests", TEST_DISK))
        except FileNotFoundError:
            others.append("no folder for temporary files can be written; set TMPDIR to one with 1 GiB free")
    works = command in ("demo", "test")
    try:
        machine = memory() if works else None
    except MissingTool as error:
        machine = None
        others.append(str(error))
    return Readings(
        folders=[Folder(path=p, remedy=remedy, error=write_error(p)) for p, remedy in unique(folders)],
        disks=[Disk(path=p, purpose=why, needed=n, free=free(p), device=device(p)) for p, why, n in disks],
        memory=machine,
        needed_memory=RUN_MEMORY if works else 0,
        port=read_port(port) if command == "dev" else None,
        others=[*others, *(lacks if count <= 1 else ())],
        notes=lacks if count > 1 else (),
    )


def asked(tracks: str) -> tuple[int, list[str]]:
    """Return how many tracks are named, and what each of them lacks on this machine. A name that does not exist is a lack too."""
    from canvas_pipeline.pipeline.track import tracks_named

    try:
        found = tracks_named(tracks)
    except BadConfig as error:
        return 0, [str(error)]
    lacks = []
    for track in found:
        try:
            track.needs()
        except MissingTool as error:
            lacks.append(f"the track {track.name}: {error}")
    return len(found), lacks


def unique(folders: Iterable[tuple[Path, str]]) -> list[tuple[Path, str]]:
    """Return each existing folder once. A folder that does not exist is created in its nearest existing parent."""
    remedies: dict[Path, str] = {}
    for path, remedy in folders:
        remedies.setdefault(nearest(path), remedy)
    return list(remedies.items())


def nearest(path: Path) -> Path:
    """Return the path itself if it exists, else its closest existing parent."""
    return next(p for p in (path, *path.absolute().parents) if p.exists())


def write_error(folder: Path) -> str:
    """Return why no file can be created in a folder, or an empty string. Tries with an unnamed file."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return ""
    except OSError as error:
        return error.strerror or "it is refused"


def free(path: Path) -> int:
    """Return the bytes this user may still write on a path's file system."""
    return shutil.disk_usage(nearest(path)).free


def device(path: Path) -> int:
    return nearest(path).stat().st_dev


def size(folder: Path) -> int:
    """Return the bytes of the files below a folder; 0 where it does not exist."""
    total = 0
    for parent, _, names in os.walk(folder):
        total += sum(os.lstat(os.path.join(parent, name)).st_size for name in names)
    return total


def uv_cache(environ: Mapping[str, str]) -> Path:
    """Return the folder of uv's cache."""
    if environ.get("UV_CACHE_DIR"):
        return Path(environ["UV_CACHE_DIR"])
    return Path(environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "uv"


def read_port(number: int) -> Port:
    """Check whether the web UI can listen on a port; if not, find why, which process does, and the next free port."""
    error = listen_error(number)
    if not error:
        return Port(number=number)
    above = range(max(number, 1023) + 1, min(max(number, 1023) + 101, 65536))
    instead = next((other for other in above if not listen_error(other)), 0)
    return Port(number=number, error=error, listener=listener(number), instead=instead)


def listen_error(number: int) -> str:
    """Return why a port of the loopback address cannot be listened on, or an empty string."""
    if not 0 < number < 65536:
        return "ports go from 1 to 65535"
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the server does: old connections do not count
        try:
            tried.bind((HOST, number))
            tried.listen()
        except OSError as error:
            return "taken" if error.errno == errno.EADDRINUSE else error.strerror or "refused"
    return ""


def listener(number: int) -> str:
    """Return name and id of the process that listens on a port; empty where it is another user's."""
    inodes = set()
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        try:
            rows = Path(table).read_text(encoding="ascii").splitlines()[1:]
        except OSError:
            continue
        for row in map(str.split, rows):
            if int(row[1].rpartition(":")[2], 16) == number and row[3] == "0A":  # 0A: it listens
                inodes.add(f"socket:[{row[9]}]")
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if any(os.readlink(handle) in inodes for handle in (process / "fd").iterdir()):
                return f"{(process / 'comm').read_text().strip()} (process {process.name})"
        except OSError:
            continue  # another user's, or ended meanwhile
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    """Print notes and problems to standard error and return the exit code."""
    parser = argparse.ArgumentParser(prog="preflight", description=__doc__)
    parser.add_argument("command", choices=("demo", "test", "dev", "setup"))
    parser.add_argument("--set-up", action="store_true", help="the environment is made first")
    parser.add_argument("--port", type=int, default=3000)
    parser.add_argument("--track", default="", help="of a demo: tracks by name, with commas, or all")
    options = parser.parse_args(arguments)
    readings = read(
        options.command, Path.cwd(), os.environ, set_up=options.set_up, port=options.port, tracks=options.track
    )
    for line in warnings(readings):
        print(f"note: {line}", file=sys.stderr)
    lines = problems(readings)
    for line in lines:
        print(f"{options.command}: {line}", file=sys.stderr)
    return EXIT_CODE if lines else 0


if __name__ == "__main__":
    sys.exit(main())
