"""Wordings in which names and titles of real exports leak identities, by kind, in halves whose shapes differ. Data only.

``[[…]]`` marks what must not survive; ``{…}`` are slots that ``leak_cases`` fills. After ``<=`` stands the contributor's own course
code. All may be read while rules are written: ``SEEN``, ``SEEN_TOO`` and ``SEEN_THIRD`` were held until they had been counted. The
next measure needs a new half, written by somebody who knows these wordings (to repeat none) and not the code that masks.
"""

from __future__ import annotations

from canvas_pipeline_tests.intake.leak_shapes.seen import SEEN, SEEN_TOO
from canvas_pipeline_tests.intake.leak_shapes.seen_third import SEEN_THIRD
from canvas_pipeline_tests.intake.leak_shapes.training import TRAINING

__all__ = ["IN_NAMES", "SEEN", "SEEN_THIRD", "SEEN_TOO", "TRAINING"]

IN_NAMES = frozenset({"directory id", "school surname", "code in a name"})
"""Kinds whose texts are names of courses; all others are titles."""
