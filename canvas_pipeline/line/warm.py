"""What every step of the line would work out again, worked out once: imported by the fork server, before the first step.

In: nothing. Out: warm caches. What must hold: as ``gb10.preload``, no thread and no open file stays behind. A step names the code
that this run began with, also where a file was edited since.
"""

import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401

from canvas_pipeline.line.workspace import code_version

code_version(".")
