"""SIGKILL each process that takes part in a step, once; ``kills`` does it twenty times."""

from __future__ import annotations

from pathlib import Path

import pytest

from canvas_pipeline_tests.gb10.kills import VICTIMS, Kill
from canvas_pipeline_tests.gb10.runs import open_sandbox


@pytest.mark.parametrize("victim", VICTIMS)
def test_after_a_kill_nobody_is_left_and_the_run_can_be_taken_up(victim: str, tmp_path: Path) -> None:
    with open_sandbox(tmp_path) as sandbox:
        Kill(sandbox, victim).play()
