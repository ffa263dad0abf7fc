"""Run commands in their own process, so that torch and llama.cpp never run inside the code location.

Progress is logged while the child runs. A failure raises the ``CanvasPipelineError`` that the exit code stands for, with the
child's last lines.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import deque
from collections.abc import Mapping, Sequence

from canvas_pipeline.errors import CanvasPipelineError, GateClosed, ServiceUnavailable
from canvas_pipeline.pipeline.workspace import Launch, Log

LAUNCHER = f"{__package__.partition('.')[0]}.training.launcher"
"""Put together, so that the code version does not count it: it decides how many compute, not what."""
_KINDS: Mapping[int, type[CanvasPipelineError]] = {2: ServiceUnavailable, 3: GateClosed}


def subprocess_launch(log: Log) -> Launch:
    """Return a ``Launch`` that runs a command as a plain child process and logs its output line by line."""

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


def ended_badly(command: Sequence[str], code: int, last_lines: str = "see the log") -> CanvasPipelineError:
    """Return the error of a command that failed: 2 ``ServiceUnavailable``, 3 ``GateClosed``, any other code the base class.

    A negative code is the number of the signal that ended it."""
    kind = _KINDS.get(code, CanvasPipelineError)
    return kind(f"{' '.join(command[1:4])} ended with exit code {code}: {last_lines}")


def module(name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module with this interpreter."""
    return [sys.executable, "-m", name, *arguments]


def ranked(ranks: int, name: str, *arguments: str) -> list[str]:
    """Return the command that runs a module as so many ranks of one run, or as a plain process where it is one."""
    return module(LAUNCHER, str(ranks), name, *arguments) if ranks > 1 else module(name, *arguments)


def progress_text(line: str) -> str:
    """Format a progress event (a JSON object) as words; return any other line unchanged."""
    if not line.startswith("{"):
        return line
    try:
        event = json.loads(line)
    except ValueError:
        return line
    return "  ".join(f"{key} {_short(value)}" for key, value in event.items() if value is not None)


def _short(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
