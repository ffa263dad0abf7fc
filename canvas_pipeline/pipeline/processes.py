"""Commands in their own process: torch and llama.cpp never run inside the code location.

In: a command and its environment. Out: nothing, or a ``CanvasPipelineError`` of the kind that the child's exit code says.
What must hold: a child's progress reaches the reader while it runs; its last words are in the error.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from canvas_pipeline.errors import CanvasPipelineError, GateClosed, ServiceUnavailable
from canvas_pipeline.pipeline.workspace import Launch, Log

_KINDS: Mapping[int, type[CanvasPipelineError]] = {2: ServiceUnavailable, 3: GateClosed}


def subprocess_launch(log: Log) -> Launch:
    """A ``Launch`` that runs the command as a plain child and passes its progress lines on to ``log``."""

    def launch(command: Sequence[str], env: Mapping[str, str]) -> None:
        last: deque[str] = deque(maxlen=12)
        with subprocess.Popen(
            list(command), env=dict(env), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
        ) as child:
            assert child.stdout is not None
            for line in child.stdout:
                text = progress_text(line.rstrip())
                last.append(text)
                if text:
                    log(text)
        if child.returncode:
            raise ended_badly(command, child.returncode, " | ".join(last))

    return launch


def ended_badly(command: Sequence[str], code: int, last_words: str = "see the log") -> CanvasPipelineError:
    """The error of a command that ended with an exit code, or was ended by a signal (negative)."""
    kind = _KINDS.get(code, CanvasPipelineError)
    return kind(f"{' '.join(command[1:4])} ended with exit code {code}: {last_words}")


def module(name: str, *arguments: str) -> list[str]:
    """The command that runs one of our modules with this interpreter."""
    return [sys.executable, "-m", name, *arguments]


def progress_text(line: str) -> str:
    """A progress event (one JSON object a line) in words; any other line as it is."""
    if not line.startswith("{"):
        return line
    try:
        event = json.loads(line)
    except ValueError:
        return line
    return "  ".join(f"{key} {_short(value)}" for key, value in event.items() if value is not None)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
