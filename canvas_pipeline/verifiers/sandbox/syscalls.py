"""Build the seccomp filter of the sandbox: an allowlist, so that what a later kernel adds is denied too.

No process, thread, socket, signal to another process, mount, namespace or change of identity. Denied calls fail with EPERM. The
filter is compiled by libseccomp (system library, LGPL-2.1) through pyseccomp (MIT).
"""

from __future__ import annotations

import errno
import functools
import tempfile

from canvas_pipeline.errors import MissingTool

ALLOWED = (
    "read write readv writev pread64 pwrite64 lseek close close_range dup dup2 dup3 pipe pipe2 poll ppoll select pselect6 "
    "open openat access faccessat faccessat2 stat lstat fstat newfstatat statx readlink readlinkat getcwd getdents getdents64 "
    "truncate ftruncate unlink unlinkat fadvise64 mmap munmap mremap mprotect madvise brk futex sched_yield sched_getaffinity "
    "rt_sigaction rt_sigprocmask rt_sigreturn sigaltstack restart_syscall alarm getitimer setitimer nanosleep clock_nanosleep "
    "clock_gettime clock_getres gettimeofday time times getrusage getrandom getcpu uname getpid getppid gettid getuid geteuid "
    "getgid getegid getgroups exit exit_group"
).split()
FCNTL = (0, 1, 2, 3, 1030)
"""Allowed commands: F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_DUPFD_CLOEXEC. F_SETOWN and F_SETSIG would send signals to others."""


@functools.cache
def seccomp_filter() -> bytes:
    """Return the filter as BPF instructions of this machine's architecture, 8 bytes each.

    Raises MissingTool without pyseccomp or libseccomp."""
    try:
        import pyseccomp
    except (ImportError, RuntimeError) as error:  # RuntimeError: the package is there, the system library is not
        raise MissingTool("The seccomp filter needs libseccomp: sudo apt install libseccomp2") from error
    rules = pyseccomp.SyscallFilter(pyseccomp.ERRNO(errno.EPERM))
    for name in ALLOWED:
        rules.add_rule(pyseccomp.ALLOW, name)
    for command in FCNTL:
        rules.add_rule(pyseccomp.ALLOW, "fcntl", pyseccomp.Arg(1, pyseccomp.EQ, command))
    rules.add_rule(pyseccomp.ERRNO(errno.ENOTTY), "ioctl")  # what isatty() expects of anything but a terminal
    with tempfile.TemporaryFile() as file:
        rules.export_bpf(file)
        file.seek(0)
        return file.read()
