"""What every step of the line would work out again, worked out once: imported by the fork server, before the first step.

In: nothing. Out: warm caches. What must hold: as ``gb10.preload``, no thread and no open file stays behind, and code that cannot be
read (a file in the middle of an edit) does not end the server: each step then says itself what is wrong. A step names the code that
this run began with, also where a file was edited since.
"""

import sys


def warm() -> None:
    """Load what draws and what every stage asks for; say what kept it from that."""
    try:
        import matplotlib.backends.backend_agg
        import matplotlib.figure  # noqa: F401

        from canvas_pipeline.storage.code_version import package_version

        package_version()
    except Exception as error:
        print(f"canvas_pipeline: steps will read the code themselves ({type(error).__name__})", file=sys.stderr)


warm()
