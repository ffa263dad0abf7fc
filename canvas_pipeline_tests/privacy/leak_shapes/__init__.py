"""Wordings in which names and titles of real exports leak identities, by kind, in halves whose shapes differ. Data only.

``[[…]]`` marks what must not survive; ``{…}`` are slots that ``leak_cases`` fills. After ``<=`` stands the contributor's own course
code. ``SEEN…`` were held until they had been counted, and may be read while rules are written; ``FIFTH`` is held: it is measured
once, by counts, after the last rule. A half is written by somebody who knows the wordings before it (to repeat none) and not the
code that masks.
"""

from __future__ import annotations

from canvas_pipeline_tests.privacy.leak_shapes.held_fifth import FIFTH
from canvas_pipeline_tests.privacy.leak_shapes.seen import SEEN, SEEN_TOO
from canvas_pipeline_tests.privacy.leak_shapes.seen_fourth import SEEN_FOURTH
from canvas_pipeline_tests.privacy.leak_shapes.seen_third import SEEN_THIRD
from canvas_pipeline_tests.privacy.leak_shapes.training import TRAINING

__all__ = ["FIFTH", "IN_NAMES", "SEEN", "SEEN_FOURTH", "SEEN_THIRD", "SEEN_TOO", "TRAINING"]

IN_NAMES = frozenset({"directory id", "school surname", "code in a name"})
"""Kinds whose texts are names of courses; all others are titles."""
