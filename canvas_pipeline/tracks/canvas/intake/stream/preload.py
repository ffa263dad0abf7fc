"""Load the detector into the fork server, once for all workers: each worker starts as a copy of that process.

Only the fork server imports this module (see ``pool.processes``), and an import is the only hook it has. If the detector cannot
be loaded, the error is raised by the worker, which tries again.
"""

from __future__ import annotations

import gc
from contextlib import suppress

from canvas_pipeline.errors import CanvasPipelineError
from canvas_pipeline.privacy.identities import folding, recognisers, wordnet
from canvas_pipeline.tracks.canvas.intake.stream import batch  # noqa: F401  # for its imports

with suppress(CanvasPipelineError):
    recognisers.certain("Room 1")  # the patterns
    recognisers.names(["Nobody"])  # the model: it loads with its first text
    recognisers.may_name("Nobody")  # the words
    wordnet.is_noun("nobody")  # the nouns
    wordnet.phrases_in("Nobody", wide=True)  # the terms
    folding.fold("é")  # the table of characters
gc.freeze()  # the collector does not touch these objects, so that their memory pages stay shared
gc.set_threshold(100_000, 20, 20)  # rows hold no cycles: the default of 700 costs an eighth of the time
