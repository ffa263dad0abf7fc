"""The sandbox ends what reaches a limit, leaves nothing behind, and runs nothing behind fewer than two barriers."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import psutil
import pytest

from canvas_pipeline.errors import BadConfig, MissingTool
from canvas_pipeline.verifiers.sandbox import session as sandbox_session
from canvas_pipeline.verifiers.sandbox.serving import NotPlain, decode, encode
from canvas_pipeline.verifiers.sandbox.session import Barrier, Ending, Limits, Sandbox, barrier_line, open_sandbox
from canvas_pipeline_tests.verifiers.sandbox.escapes import CHOICES
from canvas_pipeline_tests.verifiers.sandbox.test_escapes import needs

SMALL = Limits(wall_seconds=2, cpu_seconds=1, memory_bytes=256 << 20)
TIMEOUT, FLOOD = Ending("timeout"), Ending("output_limit")
EXITED = Ending("exited")


def run(source: str, sandbox: Sandbox) -> tuple[Ending, str]:
    with sandbox.start() as session:
        session.send({"mode": "script", "input": "", "sources": [source]})
        return session.finish(), session.output.decode(errors="replace")


FORKS = """
import os
def bomb():
    for _ in range(500):
        try:
            if os.fork() == 0:
                bomb()
        except OSError as error:
            return print(error.errno)
bomb()
"""
DAEMON = """
import os, time
try:
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            time.sleep(60)
        os._exit(0)
except OSError:
    print("denied")
"""
FILES = """
held = []
try:
    for number in range(5000):
        with open(f"f{number}", "wb") as file:
            file.write(bytes(1 << 20))
except OSError:
    print("full")
"""
BIG_FILE = """
try:
    open("f", "wb").write(bytes(1 << 21))
except OSError:
    print("denied")
"""
OPEN_FILES = """
try:
    held = [open(f"f{number}", "w") for number in range(100)]
except OSError:
    print("denied")
"""
MEMORY = """
held = []
try:
    while True:
        held.append(bytes(1 << 20))
except MemoryError:
    held.clear()
    print("denied")
"""
STUBBORN = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""
REPLIES = """
import fcntl, os
def writable(number):
    try:
        return fcntl.fcntl(number, fcntl.F_GETFL) & os.O_WRONLY
    except OSError:
        return False
(replies,) = filter(writable, range(3, 256))
while True:
    os.write(replies, b"x" * 9999)
"""
BOMBS = {
    "fork bomb": (FORKS, {EXITED}, {"1", "11"}),
    "daemon": (DAEMON, {EXITED}, {"denied"}),
    "many files": (FILES, {EXITED, FLOOD}, {"full", ""}),
    "large file": (BIG_FILE, {EXITED}, {"denied"}),
    "open files": (OPEN_FILES, {EXITED}, {"denied"}),
    "memory": (MEMORY, {EXITED}, {"denied"}),
    "busy loop": ("while True: pass", {TIMEOUT}, {""}),
    "busy loop deaf to signals": (STUBBORN, {TIMEOUT}, {""}),
    "sleep": ("import time; time.sleep(60)", {TIMEOUT}, {""}),
    "endless errors": ("import os\nwhile True: os.write(2, b'x' * 9999)", {TIMEOUT}, {""}),
    "endless replies": (REPLIES, {FLOOD}, {""}),
}


@pytest.fixture
def scratch(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Where this test's sandboxes have their folders: no other test's, and open to the sandbox's own user."""
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.mark.parametrize("choice", CHOICES, ids=" + ".join)
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_meets_its_limit_and_leaves_no_process_and_no_file(
    name: str, choice: Sequence[str], scratch: Path
) -> None:
    needs(choice)
    source, endings, outputs = BOMBS[name]
    ending, output = run(source, open_sandbox(SMALL, choice))
    assert ending in endings and output.strip() in outputs
    assert [child.cmdline() for child in psutil.Process().children(recursive=True) if "-sSPB" in child.cmdline()] == []
    # Tests beside this one have processes of that user too, which end by themselves; one that was left behind does not.
    of_the_sandbox = [
        found for found in psutil.process_iter(["uids"]) if found.info["uids"].real == 65534 and os.geteuid() == 0
    ]
    assert psutil.wait_procs(of_the_sandbox, timeout=30)[1] == []
    assert list(scratch.iterdir()) == []


def test_endless_output_is_ended_long_before_the_time_limit() -> None:
    started = time.monotonic()
    ending, output = run("while True: print('x' * 9999)", open_sandbox(Limits(wall_seconds=60, cpu_seconds=60)))
    assert ending == FLOOD and len(output) < (1 << 20) + (1 << 17)
    assert time.monotonic() - started < 30


def test_the_folder_of_a_program_takes_files_and_nothing_of_the_last_program() -> None:
    source = (
        "import os, tempfile\nprint(os.listdir('.'))\nopen('a', 'w').write('x')\n"
        "print(open('a').read(), tempfile.gettempdir() == os.getcwd())"
    )
    sandbox = open_sandbox()
    assert [run(source, sandbox)[1] for _ in range(2)] == ["[]\nx True\n"] * 2


def test_every_run_hashes_alike() -> None:
    sandbox = open_sandbox()
    outputs = {run("print(hash('a'), list({'x', 'y', 'z', 'w'}), 'é')", sandbox)[1] for _ in range(3)}
    assert len(outputs) == 1


def test_one_mechanism_alone_is_refused_and_runs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sandbox_session.Session, "__init__", lambda *_: pytest.fail("a process was started"))
    monkeypatch.setattr(
        sandbox_session,
        "barriers",
        lambda: (
            Barrier("namespaces", False, "EPERM"),
            Barrier("landlock", False, "ENOSYS"),
            Barrier("seccomp", True, ""),
        ),
    )
    with pytest.raises(
        MissingTool, match="of which 1 stand here.*Missing: namespaces .EPERM., landlock .ENOSYS."
    ) as refused:
        open_sandbox()
    assert refused.value.exit_code == 2


def test_a_mechanism_that_confines_nothing_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    allow_all = (6).to_bytes(2, "little") + bytes(2) + (0x7FFF0000).to_bytes(4, "little")  # BPF_RET, SECCOMP_RET_ALLOW
    monkeypatch.setattr(sandbox_session, "seccomp_filter", lambda: allow_all)
    found = {barrier.name: barrier for barrier in sandbox_session.barriers.__wrapped__()}
    assert not found["seccomp"].stands and found["seccomp"].detail == "it confines nothing here"


def test_a_missing_library_is_a_barrier_that_does_not_stand(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing() -> bytes:
        raise MissingTool("The seccomp filter needs libseccomp")

    monkeypatch.setattr(sandbox_session, "seccomp_filter", missing)
    found = {barrier.name: barrier for barrier in sandbox_session.barriers.__wrapped__()}
    assert not found["seccomp"].stands and "libseccomp" in found["seccomp"].detail


def test_an_unknown_mechanism_is_named() -> None:
    with pytest.raises(BadConfig, match="chroot"):
        open_sandbox(mechanisms=("chroot", "seccomp"))


def test_the_line_for_a_card_names_every_barrier() -> None:
    assert all(barrier.name in barrier_line() for barrier in sandbox_session.barriers() if barrier.stands)


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        1,
        -1.5,
        "é\n",
        b"\x00",
        [1, (2, [3])],
        {1, 2},
        frozenset("a"),
        {(1, 2): {"a": [None]}},
        2j,
        2**13_000,
    ],
)
def test_plain_data_crosses_unchanged(value: object) -> None:
    assert decode(encode(value)) == value and type(decode(encode(value))) is type(value)


class Number(int):
    """Equal to everything."""

    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = int.__hash__


@pytest.mark.parametrize(
    "value",
    [
        Number(3),
        object(),
        len,
        iter(()),
        pytest.param(2**20_000, id="large integer"),
        [[[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]]],
    ],
)
def test_other_values_do_not_cross(value: object) -> None:
    with pytest.raises(NotPlain):
        encode(value)


@pytest.mark.parametrize(
    "sent", [["list"], ["eval", "1"], ["dict", [[["list", []], 1]]], ["bytes", "xy"], ["set", 3], [[], []]]
)
def test_malformed_values_are_refused(sent: object) -> None:
    with pytest.raises(NotPlain):
        decode(sent)
