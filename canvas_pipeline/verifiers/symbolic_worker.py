"""Compare pairs of expressions: a JSON list ``[gold, answer]`` a line on standard input, a word a line on standard output.

``python -m canvas_pipeline.verifiers.symbolic_worker SECONDS MEMORY_MIB``. The signal of the processor timer keeps its default
action: the kernel ends the process in the middle of any computation.
"""

from __future__ import annotations

import json
import logging
import os
import resource
import signal
import sys
from typing import Any

from canvas_pipeline.verifiers.symbolic import Comparison


def main(seconds: float, memory_mib: int) -> None:
    """Answer requests until standard input ends."""
    replies = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # the parser prints to standard output
    logging.disable(logging.CRITICAL)
    import math_verify  # noqa: F401 - read before memory is limited, reported by the missing "ready"

    resource.setrlimit(resource.RLIMIT_AS, (memory_mib << 20, memory_mib << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    print("ready", file=replies, flush=True)
    for line in sys.stdin:
        gold, answer = json.loads(line)
        signal.setitimer(signal.ITIMER_PROF, seconds)
        reply = compare(gold, answer)
        signal.setitimer(signal.ITIMER_PROF, 0)
        print(reply, file=replies, flush=True)


def compare(gold: str, answer: str) -> Comparison:
    """Compare two expressions in LaTeX. The library is asked with the gold answer first: it is not symmetric."""
    from math_verify import verify
    from sympy.core.random import seed

    seed(0)
    try:
        parsed_gold, parsed_answer = _parse(gold), _parse(answer)
        if not parsed_gold:
            return "gold_unreadable"
        if not parsed_answer:
            return "answer_unreadable"
        return "equal" if verify(parsed_gold, parsed_answer, timeout_seconds=None) else "different"
    except (MemoryError, RecursionError):
        return "undecided"


def _parse(text: str) -> list[Any]:
    from math_verify import parse

    return list(parse(f"${text}$", parsing_timeout=None, fallback_mode="no_fallback"))


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))
