"""What a guard said, about which files, with which numbers: the only thing that training and release believe.

In: nothing. Out: two row types. What must hold: a verdict names the sha256 of every file it judged, its numbers and its
thresholds, so that ``gate`` can tell whether it belongs to the files at hand and whether ``passed`` follows from them;
a failed verdict says why and what to do; no field carries text of a row (it may hold personal data).
"""

from __future__ import annotations

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.records import Row

Number = float | int | str | bool | None


class Verdict(Row, frozen=True, kw_only=True):
    """One guard's answer. ``guard`` is ``g1`` … ``g13``, ``name`` its check name (``g6_shrinkage``).

    ``subject`` is what was judged where a guard speaks more than once: a data set (``trajectory``, ``preference``,
    ``feedback``) or a method (``dpo``); ``None`` where there is one verdict for the whole line. ``inputs`` maps a name
    to the sha256 of the exact file or stage judged (the names are in a guard's ``binds``). ``reason`` is empty when
    ``passed``. ``allowance`` is the recorded exception under which it passed, where there is one.
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
    """A recorded permission for one stage to keep less than G6 asks: at least ``minimum_retained`` of its rows (0..1,
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
