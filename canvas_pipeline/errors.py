"""Define the exception tree: every error that the package raises for users.

    CanvasPipelineError            exit code 1; message: what is wrong, where, and what to do next
    ├── BadInput                   a file or row somebody gave us cannot be used (file and line, never the row's text)
    │   ├── MissingInput           a file, folder or upstream stage is not there
    │   ├── InputChanged           a file changed while it was read
    │   └── SchemaMismatch         a data set does not have the columns a method needs
    ├── BadConfig                  an option, profile or method name that does not exist or contradicts another
    ├── GateClosed                 a guardrail's verdict is missing, failed, or was made for other inputs   (exit code 3)
    ├── RowsUnaccounted            a stage's funnel does not add up: in != kept + merged + refused
    ├── ArtifactCorrupt            a stage's files do not match their manifest
    ├── DiskFull                   no free space where something is to be written
    ├── NotWritable                a folder or file that may not be written to
    ├── ServiceUnavailable         a teacher, model server or detector does not answer                       (exit code 2)
    ├── MissingTool                a compiler, extra or external program is not installed                    (exit code 2)
    ├── AnotherRun                 another run that makes models is in progress                              (exit code 2)
    └── RunFailed                  a run that a command started has failed        (exit code of the step's own error)

To add one, derive it from the closest parent and add it to this tree. A message never contains personal data: name the file, the
line, the row id and the field.
"""

from __future__ import annotations

from collections.abc import Sequence

EXIT_CODES = (
    "Exit codes: 0 done; 1 bad input, rows or options; 2 something needed does not answer or is not installed "
    "(also: unusable command line); 3 a guardrail or the release gate is closed."
)


class CanvasPipelineError(Exception):
    """Base of every error this package raises on purpose. The CLIs return its ``exit_code``."""

    exit_code = 1


class BadInput(CanvasPipelineError):
    """A file or row that somebody gave us cannot be used."""


class MissingInput(BadInput):
    """A file, folder or upstream stage is not there."""


class InputChanged(BadInput):
    """A file changed while it was read, so the data that was read is inconsistent."""


class SchemaMismatch(BadInput):
    """A data set does not have the columns that a method needs."""


class BadConfig(CanvasPipelineError):
    """An option, profile or method name that does not exist, or contradicts another."""


class GateClosed(CanvasPipelineError):
    """A guardrail's verdict is missing, failed, or was made for other inputs."""

    exit_code = 3


class RowsUnaccounted(CanvasPipelineError):
    """A stage's funnel does not add up."""


class ArtifactCorrupt(CanvasPipelineError):
    """A stage's files do not match their manifest."""


class DiskFull(CanvasPipelineError):
    """No free space where something is to be written."""


class NotWritable(CanvasPipelineError):
    """A folder or file that may not be written to: read-only, or somebody else's."""


class ServiceUnavailable(CanvasPipelineError):
    """A teacher, model server or detector does not answer."""

    exit_code = 2


class MissingTool(CanvasPipelineError):
    """A compiler, an extra of this package, or an external program is not installed."""

    exit_code = 2


class AnotherRun(CanvasPipelineError):
    """Another run that makes models is in progress; only one may be."""

    exit_code = 2


class RunFailed(CanvasPipelineError):
    """A run that a command started has failed; the exit code is that of the error in its step's process.

    ``reasons`` are the failed checks and steps, each in one entry."""

    def __init__(self, message: str, exit_code: int, reasons: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.exit_code = exit_code
        self.reasons = tuple(reasons)
