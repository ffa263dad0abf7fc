"""What every worker needs, loaded once: a fork server imports this module, and each worker begins as a copy of that process.

In: nothing. Out: the detector in memory. What must hold: only a fork server imports it (see ``pool.processes``); working at import
is all that a fork server offers. Where the detector cannot be loaded nothing is said here: a worker tries again, and says it.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.privacy.identities import folding, recognisers, wordnet  # batch: what it imports
from canvas_pipeline.tracks.canvas.intake.stream import batch  # noqa: F401  # batch: what it imports

with suppress(CanvasPipelineError):
    recognisers.certain("Room 1")  # the patterns
    recognisers.names(["Nobody"])  # the model: it loads with its first text
    recognisers.may_name("Nobody")  # the words
    wordnet.is_noun("nobody")  # the nouns
    wordnet.phrases_in("Nobody", wide=True)  # the terms
    folding.fold("é")  # the table of characters
gc.freeze()  # the collector leaves these objects alone, so that their pages stay shared
gc.set_threshold(
    100_000, 20, 20
)  # rows hold no cycles: looking for some after every 700 of them is an eighth of the time
