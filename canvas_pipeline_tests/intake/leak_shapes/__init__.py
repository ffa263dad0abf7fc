"""Wordings in which names and titles of real exports leak identities, by kind, in halves whose shapes differ. Data only.

``[[…]]`` marks what must not survive; ``{…}`` are slots that ``leak_cases`` fills. After ``<=`` stands the contributor's own course
code. ``TRAINING`` may be read while rules are written, and so may ``SEEN`` and ``SEEN_TOO``, the held halves of before; ``HELD`` is
for the measure alone: its texts are never printed. Its shapes were written by somebody who knew the other wordings, to repeat none,
but had not read the code that masks, and who ran nothing that masks over them.
"""

from __future__ import annotations

from canvas_pipeline_tests.intake.leak_shapes.held import HELD
from canvas_pipeline_tests.intake.leak_shapes.seen import SEEN, SEEN_TOO
from canvas_pipeline_tests.intake.leak_shapes.training import TRAINING

__all__ = ["HELD", "IN_NAMES", "SEEN", "SEEN_TOO", "TRAINING"]

IN_NAMES = frozenset({"directory id", "school surname", "code in a name"})
"""Kinds whose texts are names of courses; all others are titles."""
