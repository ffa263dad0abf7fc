"""Confine this process for good, then run the code it was sent. Runs inside the sandbox, never in the caller's process.

The source is given to a bare interpreter with ``-c``, so it imports the standard library only. Its arguments are file descriptors:
one brings a line of JSON (the keys read below), then requests; one takes replies: ``{"ready": …}`` before foreign code runs; one
takes the supervisor's report of how the confined process ended, which that process cannot write.

    supervisor ── fork ──> confined process: new root, other user, Landlock, limits, seccomp, then the program
        └─ waits, kills after the wall time, reports how it ended

Sources: landlock(7), user_namespaces(7), pivot_root(2), seccomp(2), capset(2). Constants are from the kernel's headers, equal on
x86-64 and aarch64 except where a table says so.
"""

from __future__ import annotations

import ctypes
import io
import json
import os
import resource
import signal
import sys

TYPE_CHECKING = False  # importing typing would take a fifth of the start
if TYPE_CHECKING:
    from typing import Any, NoReturn

LIBC = ctypes.CDLL(None, use_errno=True)
NOBODY = 65534
SCRATCH = "/scratch"
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
CAPSET = {"x86_64": 126, "aarch64": 91}
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446
NEW_NAMESPACES = 0x00020000 | 0x04000000 | 0x08000000 | 0x20000000 | 0x40000000  # mount, UTS, IPC, PID, network
NEW_USER = 0x10000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = (
    1,
    2,
    4,
    8,
    32,
    4096,
    16384,
    1 << 18,
)
LOCKED = {os.ST_NOEXEC: MS_NOEXEC, os.ST_NOATIME: 1024, os.ST_NODIRATIME: 2048, os.ST_RELATIME: 1 << 21}
"""Flags of a mount that a user namespace may not clear when it mounts again."""
READ_FILE, READ_DIR, WRITE_FILE, REMOVE_FILE, MAKE_REG, TRUNCATE = 1 << 2, 1 << 3, 1 << 1, 1 << 5, 1 << 8, 1 << 14
FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""Landlock ABI: how many file rights it knows. Later ones know 16."""
SIGNALS = (signal.SIGTERM, signal.SIGALRM)
"""What the supervisor acts on: the caller's wish to end, and its own timer."""


def check(result: int, what: str) -> int:
    """Return the result of a system call. Raises OSError where it failed."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def unshare() -> None:
    """Enter new namespaces: by privilege, else through a user namespace in which the caller is ``NOBODY``."""
    uid, gid = os.geteuid(), os.getegid()
    if LIBC.unshare(NEW_NAMESPACES) == 0:
        return
    check(LIBC.unshare(NEW_NAMESPACES | NEW_USER), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"{NOBODY} {uid} 1"), ("gid_map", f"{NOBODY} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def mount(source: str, target: str, kind: str, flags: int, options: str = "") -> None:
    result = LIBC.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode())
    check(result, f"mount {target}")


def new_root(folder: str, read_only: list[str], scratch_bytes: int) -> None:
    """Make an empty file system the root: the ``read_only`` folders and a scratch folder in memory, nothing else."""
    mount("none", "/", "", MS_REC | MS_PRIVATE)
    mount("tmpfs", folder, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,mode=755")
    for path in read_only:
        target = folder + path
        os.makedirs(target)
        mount(path, target, "", MS_BIND | MS_REC)
        held = os.statvfs(target).f_flag
        kept = sum(flag for bit, flag in LOCKED.items() if held & bit)
        mount("none", target, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV | kept)
    scratch = folder + SCRATCH
    os.mkdir(scratch)
    mount("tmpfs", scratch, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC, f"size={scratch_bytes},nr_inodes=1000,mode=700")
    mount("none", folder, "", MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV)
    os.chdir(folder)
    check(LIBC.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    check(LIBC.umount2(b".", 2), "umount")  # MNT_DETACH
    os.chdir("/")


def drop_user(read_only: list[str], scratch: str) -> bool:
    """Give up root and all capabilities. Returns whether the process and its scratch folder now have a user of their own.

    Root stays root, without capabilities, where ``NOBODY`` could not read the standard library."""
    changed = False
    if os.geteuid() == 0:
        os.setegid(NOBODY)
        os.seteuid(NOBODY)
        readable = all(os.access(path, os.R_OK | os.X_OK, effective_ids=True) for path in read_only)
        os.seteuid(0)
        os.setegid(0)
        if readable:
            os.chown(scratch, NOBODY, NOBODY)
            os.setgroups([])
            os.setresgid(NOBODY, NOBODY, NOBODY)
            os.setresuid(NOBODY, NOBODY, NOBODY)
            changed = True
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # _LINUX_CAPABILITY_VERSION_3, this process
    check(LIBC.syscall(CAPSET[os.uname().machine], header, (ctypes.c_uint32 * 6)()), "capset")
    return changed


def restrict_files(read_only: list[str], scratch: str) -> int:
    """Restrict files, TCP, abstract sockets and signals with Landlock. Returns the kernel's Landlock ABI."""
    abi = check(LIBC.syscall(LANDLOCK_CREATE_RULESET, None, ctypes.c_size_t(0), 1), "Landlock")
    handled = (1 << FILE_RIGHTS.get(abi, 16)) - 1
    attributes = (ctypes.c_uint64 * 3)(handled, 3 if abi >= 4 else 0, 3 if abi >= 6 else 0)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = check(LIBC.syscall(LANDLOCK_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0), "Landlock")
    read, write = READ_FILE | READ_DIR, READ_FILE | READ_DIR | WRITE_FILE | REMOVE_FILE | MAKE_REG | TRUNCATE
    for path, rights in [*((path, read) for path in read_only), (scratch, write)]:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)
        rule = (rights & handled).to_bytes(8, sys.byteorder) + folder.to_bytes(4, sys.byteorder)  # struct is packed
        check(LIBC.syscall(LANDLOCK_ADD_RULE, ruleset, 1, rule, 0), "Landlock")
        os.close(folder)
    check(LIBC.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)
    return abi


def limit(limits: dict[str, int]) -> None:
    """Set the resource limits, which the process cannot raise again."""
    table = {
        resource.RLIMIT_CPU: (limits["cpu_seconds"], limits["cpu_seconds"] + 1),
        resource.RLIMIT_AS: (limits["memory_bytes"],) * 2,
        resource.RLIMIT_FSIZE: (limits["file_bytes"],) * 2,
        resource.RLIMIT_NOFILE: (limits["open_files"],) * 2,
        resource.RLIMIT_NPROC: (0, 0),
        resource.RLIMIT_CORE: (0, 0),
    }
    for name, values in table.items():
        resource.setrlimit(name, values)


def filter_calls(program: bytes) -> None:
    """Install a seccomp filter, given as BPF instructions."""
    code = ctypes.create_string_buffer(program)

    class Filter(ctypes.Structure):  # struct sock_fprog
        _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))

    filters = Filter(len(program) // 8, ctypes.addressof(code))
    check(LIBC.prctl(22, 2, ctypes.byref(filters), 0, 0), "seccomp")  # PR_SET_SECCOMP, SECCOMP_MODE_FILTER


def confine(config: dict[str, Any]) -> dict[str, Any]:
    """Put up the barriers, in the one order in which each can still be set. Returns what stands.

    Raises OSError naming the barrier that cannot."""
    barriers, folder, read_only = config["barriers"], config["folder"], config["read_only"]
    stands: dict[str, Any] = {}
    if "namespaces" in barriers:
        new_root(folder, read_only, config["limits"]["scratch_bytes"])
        folder = SCRATCH
        stands["namespaces"] = "mount, network, PID, IPC, UTS"
    if drop_user(read_only, folder):
        stands["user"] = str(os.geteuid())
    os.chdir(folder)
    check(LIBC.prctl(1, signal.SIGKILL, 0, 0, 0), "prctl")  # PR_SET_PDEATHSIG: dies with the supervisor
    check(LIBC.prctl(38, 1, 0, 0, 0), "prctl")  # PR_SET_NO_NEW_PRIVS
    if "landlock" in barriers:
        stands["landlock"] = f"ABI {restrict_files(read_only, folder)}"
    os.environ["TMPDIR"] = os.environ["HOME"] = folder
    limit(config["limits"])
    if "seccomp" in barriers:
        program = bytes.fromhex(config["filter"])
        filter_calls(program)
        stands["seccomp"] = f"{len(program) // 8} instructions"
    return stands


def supervise(child: int, report: int, wall_seconds: float, cpu_seconds: int) -> NoReturn:
    """Wait for the confined process, kill it after the wall time, report how it ended, and exit."""
    late = False

    def stop(number: int, _frame: object) -> None:
        nonlocal late
        late = late or number == signal.SIGALRM
        os.kill(child, signal.SIGKILL)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGALRM, stop)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
    signal.setitimer(signal.ITIMER_REAL, wall_seconds)
    _, status, usage = os.wait4(child, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # there is nothing left to kill
    killed = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    late = (
        late
        or killed == signal.SIGXCPU
        or (killed == signal.SIGKILL and usage.ru_utime + usage.ru_stime >= cpu_seconds)
    )
    os.write(report, json.dumps({"late": late, "status": status}).encode())
    os._exit(0)


def main() -> None:
    requests = io.BufferedReader(io.FileIO(int(sys.argv[1]), "r"))
    replies = io.FileIO(int(sys.argv[2]), "w")
    report = int(sys.argv[3])
    config = json.loads(requests.readline())
    limits, step = config["limits"], "unshare"
    try:
        if "namespaces" in config["barriers"]:
            unshare()
        step = "confine"
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)  # none is lost before the supervisor can pass it on
        child = os.fork()
        if child:
            requests.close()
            replies.close()
            supervise(child, report, limits["wall_seconds"], limits["cpu_seconds"])
        os.close(report)
        os.setsid()  # kill(0, …) reaches itself only
        signal.pthread_sigmask(signal.SIG_UNBLOCK, SIGNALS)
        stands = confine(config)
    except OSError as error:
        replies.write(json.dumps({"refused": f"{step}: {error}"}).encode() + b"\n")
        os._exit(1)
    sys.argv = [""]
    replies.write(json.dumps({"ready": stands}).encode() + b"\n")
    exec(
        compile(config["serve"], "<serving>", "exec"), {"requests": requests, "replies": replies, "__name__": "serving"}
    )


if __name__ == "__main__":
    main()
