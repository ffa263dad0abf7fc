"""Warm the caches that every step of a run needs; the fork server imports this module before the first step.

As in ``gb10.fork_server``, no thread and no open file may remain. Code that cannot be read (a file in the middle of an edit) does
not end the server: each step then reports the error itself. Steps record the code version of the start of the run, even if a file
was edited since.
"""

import sys


def warm() -> None:
    """Load matplotlib and compute the package's code version; print the error's class if that fails."""
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401

        from canvas_pipeline.storage.code_version import package_version

        package_version()
    except Exception as error:
        print(f"canvas_pipeline: steps will read the code themselves ({type(error).__name__})", file=sys.stderr)


warm()
