"""Start a module once per device as the ranks of one run: ``python -m canvas_pipeline.training.launcher RANKS MODULE ARGUMENTS…``.

This is ``torchrun`` on one host, with the failing rank's own exit code, so that the pipeline sees the same error as with one
process. The first rank that fails ends the others. Nothing is started again here: the next run continues from the last step
checkpoint.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.training.ranks import LOST_PEER

GRACE_S = 10
"""Seconds that ranks have to end before they are killed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all ranks to their end and return the exit code: 0, or that of the rank that failed first (128 + its signal)."""
    count, *module = sys.argv[1:] if arguments is None else arguments
    from torch.distributed.elastic.multiprocessing import SignalException
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, launch_agent

    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)  # the failing rank says what happened
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # ranks set their own number of threads, if any
    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=int(count),
        run_id=str(uuid.uuid4()),
        rdzv_backend="c10d",
        rdzv_endpoint="127.0.0.1:0",
        local_addr="127.0.0.1",
        max_restarts=0,
        shutdown_timeout=GRACE_S,
    )
    try:
        launch_agent(config, sys.executable, ["-u", "-m", *module])
    except ChildFailedError as error:
        number, code = first_failure({rank: failure.exitcode for rank, failure in error.failures.items()})
        print(f"rank {number} of {count} {ended(code)}; the others were ended", file=sys.stderr)
        return code if code > 0 else 128 - code
    except SignalException as error:
        return 128 + int(error.sigval)
    return 0


def first_failure(codes: Mapping[int, int]) -> tuple[int, int]:
    """Return the rank whose failure ended the run, and its exit code, given the exit codes of all ranks.

    A rank that was ended for another's sake, or that lost its peer, comes last."""
    own = {rank: code for rank, code in codes.items() if code not in (0, LOST_PEER, -signal.SIGTERM)}
    return min((own or dict(codes)).items())


def ended(code: int) -> str:
    """Say how a process with this exit code ended; a negative one is a signal's number."""
    return f"ended with exit code {code}" if code >= 0 else f"was killed by {_signal_name(-code)}"


def _signal_name(number: int) -> Any:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


if __name__ == "__main__":
    sys.exit(main())
