"""Ten thousand hostile files: no crash, no hang, no lost row. A million:
``python -m canvas_pipeline_tests.tracks.canvas.intake.fuzz_reader``."""

from __future__ import annotations

import io
from functools import partial
from typing import Any

import pytest

from canvas_pipeline.privacy.quarantine import MAX_LINE, REASONS
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import numbered, parse
from canvas_pipeline_tests.steps import steps
from canvas_pipeline_tests.tracks.canvas.intake.fuzz_reader import Findings, fuzz, main
from canvas_pipeline_tests.tracks.canvas.intake.hostile_files import BOMBS, CONTRIBUTOR, hostile


def test_ten_thousand_hostile_files_crash_nothing_hang_nothing_and_lose_nothing() -> None:
    found = fuzz(seed=3, first=0, inputs=10_000)
    assert (found.crashes, found.hangs, found.lost) == ([], [], [])
    assert found.inputs == 10_000 and found.rows_in == found.kept + found.reasons.total()
    # The mutator is worth something: nearly every reason comes up, and much is still readable.
    of_files = {
        "duplicate_contributor", "empty_file", "no_record", "other_suffix", "other_format", "is_folder", "not_a_file",
        "no_such_file", "cut_off", "damaged_gzip", "gzip_bomb",
    }  # fmt: skip
    assert set(REASONS) - set(found.reasons) <= {"too_many_rows"} | of_files
    assert found.kept > 5_000 and found.repaired == 400


def test_an_input_can_be_played_again() -> None:
    assert hostile(5, 77) == hostile(5, 77) != hostile(5, 78)
    assert fuzz(5, 77, 1).lines == fuzz(5, 77, 1).lines


def test_the_command_says_what_it_found_and_ends_accordingly(capsys: object) -> None:
    assert main(["--inputs", "30", "--seed", "2"]) == 0
    assert not Findings(lost=[(3, "a line is missing")]).clean


@pytest.mark.parametrize("bomb", BOMBS)
def test_reading_takes_steps_in_proportion_to_the_input(bomb: Any) -> None:
    def read(data: bytes) -> None:
        for number, line in numbered(io.BytesIO(data), MAX_LINE):
            parse(f"{CONTRIBUTOR}.jsonl", CONTRIBUTOR, number, line)

    small, large = (steps(partial(read, bomb(size))) for size in (1 << 12, 1 << 14))
    assert large <= 4.5 * small + 100
