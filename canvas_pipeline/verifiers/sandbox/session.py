"""Start confined processes, exchange requests and replies with them, and tell how they ended. Linux only.

Three mechanisms of the kernel confine a program: namespaces, Landlock and a seccomp filter. Each is tested on its own before it
counts, and at least two must stand: any two keep a program from files, network and other processes. None needs root; as root, a
program also gets a user of its own. Beside them stand limits of time, memory, processes, files and output. Without namespaces a
program can still see whether a path outside exists, and its size.
"""

from __future__ import annotations

import dataclasses
import functools
import json
import os
import selectors
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from canvas_pipeline.errors import BadConfig, MissingTool
from canvas_pipeline.verifiers.sandbox.syscalls import seccomp_filter

MECHANISMS = ("namespaces", "landlock", "seccomp")
REQUIRED = 2
"""How many of the mechanisms must stand."""
START_SECONDS = 60.0
"""Wall time that a process may take beyond its own limit before it is given up: starting an interpreter on a busy machine."""
BUFFERED_BYTES = 256 * 1024
"""Replies that may wait to be read; more is a flood."""
LIBRARIES = ("/usr/lib/{}", "/lib/{}", "/usr/lib64", "/usr/share/zoneinfo")
"""What Python's standard library reads besides itself. ``{}``: the multiarch name, such as x86_64-linux-gnu."""
PROBE = """
import os, socket
try:
    socket.socket()
    print("socket")
except OSError:
    print("-")
try:
    print(*os.listdir("/"))
except OSError:
    print("-")
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one process may use. Times in seconds, sizes in bytes; it is one process with one thread, always."""

    wall_seconds: float = 10.0
    cpu_seconds: int = 5
    memory_bytes: int = 512 << 20
    file_bytes: int = 1 << 20
    scratch_bytes: int = 16 << 20
    open_files: int = 32
    output_bytes: int = 1 << 20


@dataclasses.dataclass(frozen=True, slots=True)
class Barrier:
    """One barrier of this machine. ``detail``: what it consists of, or why it does not stand."""

    name: str
    stands: bool
    detail: str


@dataclasses.dataclass(frozen=True, slots=True)
class Ending:
    """How a process ended: by itself with ``code``, by ``signal``, or because a limit was reached."""

    state: Literal["exited", "signal", "timeout", "output_limit"]
    code: int = 0
    signal: int = 0


class SandboxRefused(Exception):
    """The confined process could not be set up; no foreign code ran."""


class SessionEnded(Exception):
    """The process ended instead of replying."""


class Session:
    """One confined process. Use it as a context manager: at the end the process is dead and its folder gone.

    ``barriers`` says what the process reported to stand before it ran anything foreign. Raises SandboxRefused."""

    def __init__(self, limits: Limits, mechanisms: Sequence[str], hash_seed: int = 0) -> None:
        self._limits = limits
        self._folder = tempfile.TemporaryDirectory(prefix="canvas-sandbox-")
        self._buffer, self.output, self._over = bytearray(), bytearray(), False
        requests, self._requests = os.pipe()
        self._replies, replies = os.pipe()
        self._report, report = os.pipe()
        theirs = (requests, replies, report)
        self._process = subprocess.Popen(
            [os.path.realpath(sys.executable), "-sSPB", "-c", _source("confinement.py"), *map(str, theirs)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pass_fds=theirs,
            env={"PYTHONHASHSEED": str(hash_seed), "LC_ALL": "C.UTF-8"},
            cwd="/",
            start_new_session=True,
        )
        for descriptor in theirs:
            os.close(descriptor)
        self._open = [self._requests, self._replies, self._report]
        self._deadline = time.monotonic() + limits.wall_seconds + START_SECONDS
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._replies, selectors.EVENT_READ, self._buffer)
        assert self._process.stdout is not None
        self._selector.register(self._process.stdout.fileno(), selectors.EVENT_READ, self.output)
        config = {
            "barriers": list(mechanisms),
            "folder": self._folder.name,
            "read_only": _read_only(),
            "limits": dataclasses.asdict(limits),
            "serve": _source("serving.py"),
            "filter": seccomp_filter().hex() if "seccomp" in mechanisms else "",
        }
        self.send(config)
        try:
            first = self.receive()
        except SessionEnded:
            first = {"refused": "the interpreter did not start"}
        if "ready" not in first:
            self.end()
            raise SandboxRefused(first["refused"])
        self.barriers: dict[str, str] = first["ready"]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def send(self, message: dict[str, Any]) -> None:
        """Send one request. If the process has ended, ``receive`` says so, after what it still replied."""
        data = json.dumps(message).encode() + b"\n"
        try:
            while data:
                data = data[os.write(self._requests, data) :]
        except BrokenPipeError:
            return

    def receive(self) -> dict[str, Any]:
        """Return the next reply; ``{"error": "Malformed"}`` stands for one that is none. Raises SessionEnded."""
        while b"\n" not in self._buffer:
            if not self._read():
                raise SessionEnded
        line, _, self._buffer[:] = self._buffer.partition(b"\n")
        try:
            reply = json.loads(line)
        except (ValueError, RecursionError):
            reply = None
        return reply if isinstance(reply, dict) else {"error": "Malformed"}

    def request(self, message: dict[str, Any]) -> dict[str, Any]:
        """Send a request and return its reply. Raises SessionEnded."""
        self.send(message)
        return self.receive()

    def finish(self) -> Ending:
        """Send no more requests, wait for the process to end or to reach a limit, and return how it ended."""
        os.close(self._open.pop(self._open.index(self._requests)))
        while self._read():
            pass
        if not self._selector.get_map():
            self._process.wait()
        self._kill()
        report = os.read(self._report, 256)
        if self._over:
            return Ending("output_limit")
        found = json.loads(report) if report else {"late": True}
        if found["late"]:
            return Ending("timeout")
        if os.WIFSIGNALED(found["status"]):
            return Ending("signal", signal=os.WTERMSIG(found["status"]))
        return Ending("exited", code=os.WEXITSTATUS(found["status"]))

    def end(self) -> None:
        """Kill the process if it lives, and remove its folder."""
        self._kill()
        self._selector.close()
        assert self._process.stdout is not None
        self._process.stdout.close()
        while self._open:
            os.close(self._open.pop())
        self._folder.cleanup()

    def _read(self) -> bool:
        """Wait a moment for bytes of the process. Returns False when none will come, or no more are wanted."""
        if self._over or not self._selector.get_map() or time.monotonic() > self._deadline:
            return False
        for key, _ in self._selector.select(0.05):
            chunk = os.read(key.fd, 1 << 16)
            if chunk:
                key.data.extend(chunk)
            else:
                self._selector.unregister(key.fd)
        flood = len(self.output) > self._limits.output_bytes or len(self._buffer) > BUFFERED_BYTES
        self._over = flood or _folder_bytes(self._folder.name) > self._limits.scratch_bytes
        return not self._over

    def _kill(self) -> None:
        self._process.terminate()  # the supervisor kills the confined process and ends
        try:
            self._process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


@dataclasses.dataclass(frozen=True, slots=True)
class Sandbox:
    """Where programs run: limits, and the mechanisms that confine them. Made by ``open_sandbox``.

    ``hash_seed`` orders sets: a program that depends on it does not give the same under two seeds."""

    limits: Limits
    mechanisms: tuple[str, ...]
    hash_seed: int = 0

    def start(self) -> Session:
        """Start a confined process. Raises SandboxRefused."""
        return Session(self.limits, self.mechanisms, self.hash_seed)


def barrier_line() -> str:
    """Describe the barriers in one line, for a report or a model card."""
    standing = [f"{barrier.name} ({barrier.detail})" for barrier in barriers() if barrier.stands]
    missing = [f"{barrier.name} ({barrier.detail})" for barrier in barriers() if not barrier.stands]
    return f"Programs run behind {', '.join(standing) or 'nothing'}." + (
        f" Missing: {', '.join(missing)}." if missing else ""
    )


def open_sandbox(limits: Limits | None = None, mechanisms: Sequence[str] = MECHANISMS) -> Sandbox:
    """Return a sandbox of those ``mechanisms`` that stand here.

    Raises MissingTool where fewer than two do: no program is ever run less confined. Raises BadConfig for an unknown one."""
    if unknown := set(mechanisms) - set(MECHANISMS):
        raise BadConfig(
            f"No such mechanism of the sandbox: {', '.join(sorted(unknown))}. There are {', '.join(MECHANISMS)}."
        )
    standing = tuple(barrier.name for barrier in barriers() if barrier.stands and barrier.name in mechanisms)
    if len(standing) < REQUIRED:
        raise MissingTool(
            f"Programs are run only behind {REQUIRED} barriers, of which {len(standing)} stand here. {barrier_line()} "
            "Landlock needs Linux 5.13 or later, the seccomp filter libseccomp (sudo apt install libseccomp2), namespaces a "
            "container or kernel that permits them."
        )
    return Sandbox(limits or Limits(), standing)


@functools.cache
def barriers() -> tuple[Barrier, ...]:
    """Return what stands on this machine, and why the rest does not. Each mechanism is tried alone, once a process."""
    found, user = [], ""
    for name in MECHANISMS:
        try:
            with Session(Limits(), (name,)) as session:
                user = user or session.barriers.get("user", "")
                session.send({"mode": "script", "input": "", "sources": [PROBE]})
                session.finish()
                socket, root = (session.output.decode().splitlines() + ["", ""])[:2]
        except (SandboxRefused, MissingTool) as error:
            found.append(Barrier(name, False, str(error)))
            continue
        stands = {
            "namespaces": "scratch" in root and "proc" not in root,
            "landlock": root == "-",
            "seccomp": socket == "-",
        }
        found.append(
            Barrier(name, stands[name], session.barriers[name] if stands[name] else "it confines nothing here")
        )
    found.append(Barrier("user", bool(user), f"uid {user}" if user else "the caller's own user, without capabilities"))
    return tuple(found)


@functools.cache
def _source(name: str) -> str:
    return resources.files("canvas_pipeline.verifiers.sandbox").joinpath(name).read_text(encoding="utf-8")


@functools.cache
def _read_only() -> tuple[str, ...]:
    """Return the folders that a program may read: the standard library and the libraries that it loads."""
    multiarch = sysconfig.get_config_var("MULTIARCH") or ""
    folders = [sysconfig.get_path("stdlib"), *(name.format(multiarch) for name in LIBRARIES)]
    return tuple(dict.fromkeys(os.path.realpath(folder) for folder in folders if Path(folder).is_dir()))


def _folder_bytes(folder: str) -> int:
    """Return the size of a flat folder's files, each at least one block. A file that vanishes meanwhile counts nothing."""
    total = 0
    for entry in os.scandir(folder):
        try:
            total += max(4096, entry.stat(follow_symlinks=False).st_size)
        except FileNotFoundError:
            continue
    return total
