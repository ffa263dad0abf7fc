"""The verdict of a guard, and the allowance to lose rows.

A verdict names the sha256 of every file it is about, its numbers and its thresholds, so that ``gate`` can check that it belongs
to the files at hand and that ``passed`` follows from the numbers. No field contains text of a row, which may be personal data.
"""

from __future__ import annotations

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.records import Row

Number = float | int | str | bool | None


class Verdict(Row, frozen=True, kw_only=True):
    """One guard's verdict. ``guard`` is its id (``g6``), ``name`` its check name (``g6_shrinkage``).

    ``subject`` is what it is about where a guard has several: a data set (``trajectory``, ``preference``, ``feedback``)
    or a method (``dpo``); None where there is one for the whole pipeline. ``inputs`` maps the names in the guard's ``binds``
    to the sha256 of the file or stage. ``reason``, where it failed, is why and what to do. ``allowance`` is the recorded
    exception under which it passed, if any.
    """

    guard: str
    name: str
    passed: bool
    numbers: dict[str, Number]
    thresholds: dict[str, Number]
    reason: str = ""
    inputs: dict[str, str]
    allowance: str | None = None
    subject: str | None = None


class Allowance(Row, frozen=True, kw_only=True):
    """A recorded permission for one stage to keep fewer rows than G6 requires: at least ``minimum_retained`` of its rows (0..1,
    above 0: never open-ended), because of ``reason``. Raises ``BadConfig`` where a part is missing."""

    stage: str
    minimum_retained: float
    reason: str

    def __post_init__(self) -> None:
        if not 0.0 < self.minimum_retained < 1.0:
            raise BadConfig(
                f"the shrinkage allowance for {self.stage or 'a stage'} needs a share above 0 and below 1 that is "
                f"still retained, not {self.minimum_retained!r}; an open-ended allowance is none"
            )
        if not self.stage.strip() or len(self.reason.strip()) < 10:
            raise BadConfig(
                f"the shrinkage allowance for {self.stage or 'a stage'} needs the stage's name and a reason of at "
                "least ten characters: it goes into the metadata and the release log"
            )
