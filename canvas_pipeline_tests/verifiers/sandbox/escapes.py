"""Attempts to get out of the sandbox, and what runs them. An attempt got out if it raises nothing.

Run as a program, it prints which attempts got out for each choice of mechanisms, as JSON: so they can be tried as another user.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from canvas_pipeline.verifiers.sandbox.session import MECHANISMS, Limits, barriers, open_sandbox

CHOICES = (MECHANISMS, *itertools.combinations(MECHANISMS, 2))
"""All mechanisms, and each pair: what no pair lets out is stopped by at least two of the three."""

NETWORK = {
    "TCP over IPv4": "socket.create_connection(('127.0.0.1', PORT), 2)",
    "TCP over IPv6": "s = socket.socket(socket.AF_INET6); s.settimeout(2); s.connect(('::1', PORT6))",
    "UDP": "socket.socket(type=socket.SOCK_DGRAM).sendto(b'out', ('127.0.0.1', PORT))",
    "HTTP": "import urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{PORT}', timeout=2)",
    "Unix socket": "socket.socket(socket.AF_UNIX).connect(OUTSIDE + '/socket')",
    "Unix datagram": "socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'out', OUTSIDE + '/datagram')",
    "Unix datagram of a pair": "a, b = socket.socketpair(type=socket.SOCK_DGRAM); a.sendto(b'out', OUTSIDE + '/datagram')",
    "abstract Unix socket": "socket.socket(socket.AF_UNIX).connect(ABSTRACT)",
    "raw socket": "socket.socket(type=socket.SOCK_RAW, proto=1)",
    "packet socket": "socket.socket(socket.AF_PACKET, socket.SOCK_RAW)",
    "listening to the network": "s = socket.socket(); s.bind(('0.0.0.0', 0)); s.listen()",
    "socket by ctypes": "s = call(41, 2, 1, 0); call(42, s, struct.pack('>HHI8x', 0x200, PORT, 0x7f000001), 16)",
}
FILES = {
    "reading /etc/passwd": "open('/etc/passwd').read()",
    "reading /etc/shadow": "open('/etc/shadow').read()",
    "listing the root": "assert 'etc' in os.listdir('/')",
    "listing the home folder": "assert not all(os.__file__.startswith(f'{HOME}/{name}') for name in os.listdir(HOME))",
    "reading a file outside": "open(OUTSIDE + '/canary').read()",
    "reading by ctypes": "call(257, -100, (OUTSIDE + '/canary').encode(), 0, 0)",
    "reading by openat2": "call(437, -100, (OUTSIDE + '/canary').encode(), struct.pack('QQQ', 0, 0, 0), 24)",
    "reading upwards": "open('../' * 20 + OUTSIDE[1:] + '/canary').read()",
    "reading beside a folder's descriptor": "d = os.open('/', os.O_PATH); os.open(OUTSIDE[1:] + '/canary', 0, dir_fd=d)",
    "reading after chdir": "os.chdir(OUTSIDE); open('canary').read()",
    "overwriting a file": "open(OUTSIDE + '/canary', 'w').write('out')",
    "appending to a file": "open(OUTSIDE + '/canary', 'a').write('out')",
    "truncating a file": "os.truncate(OUTSIDE + '/canary', 0)",
    "making a file": "open(OUTSIDE + '/new', 'w')",
    "making a folder": "os.mkdir(OUTSIDE + '/folder')",
    "making a file in /tmp": "open('/tmp/canvas-escape', 'w')",
    "making a file in /dev/shm": "open('/dev/shm/canvas-escape', 'w')",
    "deleting a file": "os.unlink(OUTSIDE + '/victim')",
    "moving a file": "os.rename(OUTSIDE + '/victim', OUTSIDE + '/moved')",
    "changing permissions": "os.chmod(OUTSIDE + '/canary', 0o600)",
    "symbolic link out": "os.symlink(OUTSIDE + '/canary', 'link'); open('link').read()",
    "hard link out": "os.link(OUTSIDE + '/canary', 'hard'); open('hard').read()",
    "making a device": "os.mknod('device', 0o600 | stat.S_IFCHR, os.makedev(1, 3)); open('device')",
    "reading memory of the machine": "open('/dev/mem')",
    "reading the kernel's log": "open('/dev/kmsg')",
    "reading a disk": "[open('/dev/' + name) for name in ('sda', 'vda', 'nvme0n1')]",
    "opening the terminal": "open('/dev/tty')",
    "own environment in /proc": "open('/proc/self/environ').read()",
    "environment of the caller": "open(f'/proc/{PARENT}/environ').read()",
    "memory of the caller": "open(f'/proc/{PARENT}/mem', 'r+b')",
    "root of the caller": "os.listdir(f'/proc/{PARENT}/root')",
    "descriptors of the caller": "os.listdir(f'/proc/{PARENT}/fd')",
    "own root in /proc": "os.listdir('/proc/self/root')",
    "settings of the kernel": "open('/proc/sys/kernel/hostname').read()",
    "cgroups": "os.listdir('/sys/fs/cgroup')",
    "writing the standard library": "open(os.__file__, 'a')",
    "importing the caller's packages": "import canvas_pipeline",
    "secret in the environment": "assert 'CANARY_SECRET' in os.environ",
    "secret in C's environment": "assert ctypes.CDLL(None).getenv(b'CANARY_SECRET')",
    "inherited files and sockets": "assert foreign_descriptors()",
}
PROCESSES = {
    "fork": "os.fork() or os._exit(0)",
    "fork by ctypes": "call(57) or os._exit(0)",
    "vfork by ctypes": "call(58) or os._exit(0)",
    "clone by ctypes": "call(56, 17, 0, 0, 0, 0) or os._exit(0)",
    "clone3 by ctypes": "call(435, struct.pack('8Q', 0, 0, 0, 0, 17, 0, 0, 0), 64) or os._exit(0)",
    "subprocess": "import subprocess; subprocess.run([sys.executable, '-c', ''])",
    "shell": "assert os.system('true') == 0",
    "multiprocessing": "import multiprocessing; multiprocessing.get_context('fork').Process(target=print).start()",
    "thread": "import threading; threading.Thread(target=int).start()",
    "exec": "os.execv('/bin/true', ['true'])",
    "signal 0 to the caller": "os.kill(PARENT, 0)",
    "signal to the caller": "os.kill(PARENT, signal.SIGUSR1)",
    "signal to everyone": "os.kill(-1, signal.SIGUSR1)",
    "signal to the caller's group": "os.killpg(PARENT, 0)",
    "signal to a thread": "call(234, PARENT, PARENT, 10)",
    "queued signal": "call(129, PARENT, 10, bytes(128))",
    "descriptor of a process": "call(434, PARENT, 0)",
    "signal through a pipe's owner": "r, w = os.pipe(); fcntl.fcntl(r, fcntl.F_SETOWN, PARENT)",
    "ptrace": "call(101, 16, PARENT, 0, 0)",
    "reading another process": "call(310, PARENT, vector(), 1, vector(), 1, 0)",
    "limits of the caller": "call(302, PARENT, 7, struct.pack('QQ', 9, 9), 0)",
    "priority of the caller": "os.setpriority(os.PRIO_PROCESS, PARENT, 19)",
    "processors of the caller": "os.sched_setaffinity(PARENT, {0})",
    "higher limits": "resource.setrlimit(resource.RLIMIT_AS, (-1, -1)); resource.setrlimit(resource.RLIMIT_NPROC, (9, 9))",
    "becoming root": "os.setresuid(0, 0, 0); assert os.getuid() != UID",
    "groups of root": "os.setgroups([0])",
    "capabilities": "call(126, struct.pack('II', 0x20080522, 0), struct.pack('6I', *[2 ** 21] * 6))",
    "entering the caller's namespaces": "call(308, os.open(f'/proc/{PARENT}/ns/net', 0), 0)",
    "mounting": "call(165, b'none', b'.', b'tmpfs', 0, 0)",
    "unmounting": "call(166, b'/', 2)",
    "chroot": "os.chroot('.')",
    "host name": "socket.sethostname('out')",
    "clock": "time.clock_settime(time.CLOCK_REALTIME, 0)",
    "kernel module": "call(175, bytes(8), 8, b'')",
    "other kernel": "call(246, 0, 0, 0, 0)",
    "swap": "call(167, b'/dev/null', 0)",
    "I/O ports": "call(172, 3)",
    "file by handle": "call(304, -100, bytes(16), 0)",
}
KERNEL = {
    "io_uring": "call(425, 8, bytes(120))",
    "bpf": "call(321, 0, struct.pack('IIII', 2, 4, 4, 1) + bytes(100), 116)",
    "keyctl": "call(250, 0, -3, 1)",
    "adding a key": "call(248, b'user', b'out', b'out', 3, -2)",
    "perf": "call(298, struct.pack('II', 1, 112) + bytes(104), 0, -1, -1, 0)",
    "userfaultfd": "call(323, 1)",
    "file in memory": "os.memfd_create('out')",
    "shared memory": "call(29, 4242, 4096, 0o1666)",
    "message queue": "call(68, 4242, 0o1666)",
    "user namespace": "call(272, 0x10000000)",
    "being traced": "call(101, 0, 0, 0, 0)",
    "netlink": "socket.socket(socket.AF_NETLINK, socket.SOCK_RAW)",
    "cryptography sockets": "socket.socket(socket.AF_ALG, socket.SOCK_SEQPACKET)",
    "sockets of a virtual machine": "socket.socket(socket.AF_VSOCK)",
    "further filters": "call(157, 22, 2, 0, 0, 0)",
    "process name": "call(157, 15, b'out')",
}
"""What reaches nobody else but widens the surface of the kernel: the filter alone stops it."""
ATTEMPTS = NETWORK | FILES | PROCESSES | KERNEL
HARMLESS = (
    "TCP over IPv4", "Unix socket", "abstract Unix socket", "reading /etc/passwd", "listing the root", "reading by ctypes",
    "appending to a file", "making a folder", "hard link out", "symbolic link out", "own environment in /proc",
    "secret in the environment", "inherited files and sockets", "subprocess", "thread", "signal 0 to the caller", "shared memory",
    "file in memory", "netlink",
)  # fmt: skip
"""Attempts that can be made unconfined, to show that they do get out there."""

TRY = """
import ctypes, fcntl, os, resource, signal, socket, stat, struct, sys, time
LIBC = ctypes.CDLL(None, use_errno=True)
UID = os.getuid()
def call(number, *arguments):
    if os.uname().machine != "x86_64":
        raise OSError("numbers of another machine")
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    if LIBC.syscall(ctypes.c_long(number), *wide) < 0:
        raise OSError(ctypes.get_errno(), "denied")
    return 1
BUFFER = ctypes.create_string_buffer(8)
def vector():
    return struct.pack("QQ", ctypes.addressof(BUFFER), 8)
def foreign_descriptors():
    found = []
    for number in range(3, 512):
        try:
            mode = os.fstat(number).st_mode
        except OSError:
            continue
        if not stat.S_ISFIFO(mode) and (stat.S_ISSOCK(mode) or SECRET in os.pread(number, 99, 0)):
            found.append(number)
    return found
signal.signal(signal.SIGUSR1, signal.SIG_IGN)
for name, attempt in ATTEMPTS.items():
    try:
        exec(attempt)
    except Exception:
        continue
    os.write(1, (name + "\\n").encode())
os.write(1, b"done\\n")
"""


@contextlib.contextmanager
def surroundings() -> Iterator[dict[str, object]]:
    """What an attempt could reach, open to every user: files, listening sockets, inheritable descriptors, a secret."""
    folder = tempfile.mkdtemp(prefix="canvas-outside-", dir="/tmp")
    os.chmod(folder, 0o777)
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder)
        for name in ("canary", "victim"):
            Path(folder, name).write_text("canary")
            os.chmod(Path(folder, name), 0o666)
        listening = []
        for family, address in [
            (socket.AF_INET, ("127.0.0.1", 0)),
            (socket.AF_INET6, ("::1", 0)),
            (socket.AF_UNIX, f"{folder}/socket"),
            (socket.AF_UNIX, f"\0canvas-{os.getpid()}"),
        ]:
            server = stack.enter_context(socket.socket(family))
            with contextlib.suppress(OSError):  # a machine without IPv6
                server.bind(address)
                server.listen()
            listening.append(server)
        datagrams = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
        datagrams.bind(f"{folder}/datagram")
        for name in ("socket", "datagram"):
            os.chmod(f"{folder}/{name}", 0o777)
        inherited = os.open(f"{folder}/canary", os.O_RDWR)
        stack.callback(os.close, inherited)
        os.set_inheritable(inherited, True)
        listening[0].set_inheritable(True)
        os.environ["CANARY_SECRET"] = "canary"
        stack.callback(os.environ.pop, "CANARY_SECRET")
        yield {
            "PORT": listening[0].getsockname()[1],
            "PORT6": listening[1].getsockname()[1],
            "ABSTRACT": f"\0canvas-{os.getpid()}",
            "OUTSIDE": folder,
            "HOME": str(Path.home()),
            "PARENT": os.getpid(),
            "SECRET": b"canary",
        }


def script(attempts: dict[str, str], around: dict[str, object]) -> str:
    """The program that makes the attempts and prints the names of those that got out, then ``done``."""
    return "\n".join(f"{name} = {value!r}" for name, value in {**around, "ATTEMPTS": attempts}.items()) + TRY


def got_out(mechanisms: Sequence[str], attempts: dict[str, str], around: dict[str, object]) -> list[str]:
    """Make the attempts in one confined process. Returns the names of those that got out, and ``unfinished`` if it was ended."""
    sandbox = open_sandbox(Limits(wall_seconds=60, cpu_seconds=30), mechanisms)
    with sandbox.start() as session:
        session.send({"mode": "script", "input": "", "sources": [script(attempts, around)]})
        session.finish()
        *names, last = session.output.decode().splitlines() or [""]
    return names if last == "done" else [*names, last, "unfinished"]


def attempts_for(mechanisms: Sequence[str]) -> dict[str, str]:
    """The attempts that this choice of mechanisms must stop."""
    return (
        ATTEMPTS if "seccomp" in mechanisms else {name: text for name, text in ATTEMPTS.items() if name not in KERNEL}
    )


def main() -> None:
    standing = {barrier.name for barrier in barriers() if barrier.stands}
    with surroundings() as around:
        found = {
            " + ".join(choice): got_out(choice, attempts_for(choice), around)
            for choice in CHOICES
            if standing >= set(choice)
        }
    json.dump({"user": os.getuid(), "barriers": sorted(standing), "out": found}, sys.stdout)


if __name__ == "__main__":
    main()
