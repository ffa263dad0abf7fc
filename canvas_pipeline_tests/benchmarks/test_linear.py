"""``make bench``: work that must grow with its input and no faster, two sizes side by side. Not part of ``make test``, which counts
steps of Python and cannot see into a regular expression."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import partial

import pytest

from canvas_pipeline.privacy.audit.auditor import Auditor
from canvas_pipeline.privacy.audit.keys import RegistryKeys
from canvas_pipeline.privacy.courses.crn import find
from canvas_pipeline.privacy.quarantine import MAX_LINE
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import numbered, parse
from canvas_pipeline_tests.privacy.test_audit_disguises import REPEATS, registry_keys, scan
from canvas_pipeline_tests.tracks.canvas.intake.hostile_files import BOMBS, CONTRIBUTOR
from canvas_pipeline_tests.tracks.canvas.intake.test_course_masker import mask_thousand, with_codes
from canvas_pipeline_tests.tracks.canvas.intake.test_crn import HOSTILE

FLOOR_S = 0.001
"""Less says nothing: what is refused at its first bytes is timed in microseconds."""


def ratio(large: Callable[[], object], small: Callable[[], object], rounds: int = 3) -> float:
    """How many times the processor's time of ``small`` ``large`` takes: the best of some rounds each."""

    def seconds(work: Callable[[], object]) -> float:
        start = time.process_time()
        work()
        return time.process_time() - start

    return min(seconds(large) for _ in range(rounds)) / max(min(seconds(small) for _ in range(rounds)), FLOOR_S)


def read(data: bytes) -> None:
    for number, line in numbered(io.BytesIO(data), MAX_LINE):
        parse(f"{CONTRIBUTOR}.jsonl", CONTRIBUTOR, number, line)


def audit(text: str) -> None:
    Auditor(registry_keys(2)).types_in(text)


EIGHT_TIMES: dict[str, tuple[Callable[..., object], Callable[[int], list[str | bytes]]]] = {
    "hostile lines": (read, lambda times: [bomb(times * (MAX_LINE // 16)) for bomb in BOMBS]),
    "hostile courses": (find, lambda times: ["CS" + unit * (times * 10_000 // len(unit)) + "9123" for unit in HOSTILE]),
    "hostile disguises": (audit, lambda times: [part * (times * 1000) for part in REPEATS]),
}


@pytest.mark.parametrize("name", EIGHT_TIMES)
def test_eight_times_the_input_takes_about_eight_times_as_long(name: str) -> None:
    work, inputs = EIGHT_TIMES[name]
    found = [
        ratio(partial(work, large), partial(work, small)) for small, large in zip(inputs(1), inputs(8), strict=True)
    ]
    print(f"\n{name}: eight times the input, at most {max(found):.1f} times the time")
    assert max(found) < 24  # what is quadratic takes 64 times as long


def test_a_text_costs_the_same_however_much_is_known() -> None:
    keys: tuple[RegistryKeys, RegistryKeys] = registry_keys(60_000), registry_keys(10)
    audited = ratio(*(partial(scan, known) for known in keys))
    masked = ratio(*(partial(mask_thousand, with_codes(codes)) for codes in (3_000, 10)))
    print(f"\nmany keys beside ten: an audit takes {audited:.1f} times as long, masking {masked:.1f} times")
    assert audited < 4 and masked < 4
