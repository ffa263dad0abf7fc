"""No attempt gets out of the sandbox, under all mechanisms and under each pair: at least two of the three stop it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

import canvas_pipeline
from canvas_pipeline.verifiers.sandbox.session import MECHANISMS, barriers
from canvas_pipeline_tests.verifiers.sandbox.escapes import (
    ATTEMPTS,
    CHOICES,
    HARMLESS,
    attempts_for,
    got_out,
    script,
    surroundings,
)

STANDING = {barrier.name for barrier in barriers() if barrier.stands}
ROOT = Path(canvas_pipeline.__file__).parents[1]


def needs(choice: Sequence[str]) -> None:
    if missing := set(choice) - STANDING:
        pytest.skip(
            f"{', '.join(sorted(missing))} not available: {[b.detail for b in barriers() if b.name in missing]}"
        )


def test_two_mechanisms_stand_here() -> None:
    assert len(STANDING & set(MECHANISMS)) >= 2, barriers()


@pytest.mark.parametrize("choice", CHOICES, ids=" + ".join)
def test_no_attempt_gets_out(choice: Sequence[str]) -> None:
    needs(choice)
    with surroundings() as around:
        assert got_out(choice, attempts_for(choice), around) == []
        folder = Path(str(around["OUTSIDE"]))
        assert sorted(path.name for path in folder.iterdir()) == ["canary", "datagram", "socket", "victim"]
        assert {(folder / name).read_text() for name in ("canary", "victim")} == {"canary"}


def test_the_attempts_do_get_out_of_a_process_that_nothing_confines() -> None:
    with surroundings() as around:
        source = script({name: ATTEMPTS[name] for name in HARMLESS}, around)
        command, folder = [sys.executable, "-c", source], str(around["OUTSIDE"])
        done = subprocess.run(command, capture_output=True, text=True, close_fds=False, cwd=folder, check=True)
    known = (
        HARMLESS
        if os.uname().machine == "x86_64"
        else tuple(name for name in HARMLESS if "call(" not in ATTEMPTS[name])
    )
    assert done.stdout.splitlines() == [*known, "done"]


def test_no_attempt_of_another_user_gets_out() -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can become another user; the other tests already run as a plain one")
    interpreter = next((p for p in (os.path.realpath(sys.executable), "/usr/bin/python3") if runs_as_nobody(p)), None)
    if interpreter is None:
        pytest.skip("no interpreter with the packages of this environment can be run by another user")
    module = "canvas_pipeline_tests.verifiers.sandbox.escapes"
    done = as_nobody(interpreter, "-m", module)
    found = json.loads(done.stdout)
    assert found["user"] == 65534 and len(set(found["barriers"]) & set(MECHANISMS)) >= 2
    assert found["out"] and set(map(tuple, found["out"].values())) == {()}


def as_nobody(interpreter: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    packages = [path for path in sys.path if path.endswith("site-packages")]
    environment = {
        "PYTHONPATH": ":".join([str(ROOT), *packages]),
        "PYTHONDONTWRITEBYTECODE": "1",
        "HOME": "/nonexistent",
    }
    return subprocess.run(
        [interpreter, *arguments],
        capture_output=True,
        text=True,
        cwd="/",
        env=environment,
        user=65534,
        group=65534,
        extra_groups=[],
        check=False,
    )


def runs_as_nobody(interpreter: str) -> bool:
    try:
        return as_nobody(interpreter, "-c", "import msgspec, pyseccomp, canvas_pipeline.records").returncode == 0
    except PermissionError:
        return False
