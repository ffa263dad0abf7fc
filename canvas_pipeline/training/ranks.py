"""Let several processes (ranks) do the work of one run, and let the first of them write and report.

A launcher (``training.launcher``, ``torchrun``, ``accelerate launch``) starts the same command once per device and gives each
process its number in the environment. A process without these variables is alone: every function here then does nothing, or all
the work. The number of ranks is no part of a run spec: it decides the time a run takes, not its result.

torch is imported inside the functions.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from collections.abc import Callable, Iterable, Mapping, MutableMapping
from datetime import timedelta
from typing import Any, TypeVar

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import Hyperparameters
from canvas_pipeline.training.launched import first, local, rank, world

SETTING = "CANVAS_RANKS"
LIMIT = timedelta(hours=2)
"""The longest that ranks wait for each other, e.g. while the first one hashes its inputs."""
PATIENCE_S = 5
LOST_PEER = 75
"""The exit code of a rank that ends because another one has ended. The launcher reports the other one."""
VISIBLE = "CUDA_VISIBLE_DEVICES"
K = TypeVar("K")
T = TypeVar("T")
_group: Any = None


def asked(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of processes to start for a run: ``CANVAS_RANKS``, or 1. Raises ``BadConfig`` where it is no number."""
    text = environ.get(SETTING, "").strip() or "1"
    if not text.isdigit() or not 1 <= int(text) <= 1024:
        raise BadConfig(f"{SETTING} is {text!r}; give the number of processes that train one run, one a device")
    return int(text)


def accumulation(numbers: Hyperparameters, ranks: int) -> int:
    """Return the micro-batches that each of ``ranks`` processes adds up for one update, so that together they read exactly the rows
    that one process would.

    Raises ``BadConfig`` where they cannot be divided. A micro-batch stays whole: losses are means over it."""
    each, remainder = divmod(numbers.accumulation, ranks)
    if remainder or not each:
        raise BadConfig(
            f"{ranks} processes cannot share an update of {numbers.accumulation} micro-batches of {numbers.batch} rows "
            f"({numbers.batch * numbers.accumulation} rows in all) without changing it; choose a {SETTING} that divides "
            f"{numbers.accumulation}, or another batch and accumulation"
        )
    return each


def one_device(environ: MutableMapping[str, str] = os.environ) -> None:
    """Let a process that is alone see its first GPU only. Call it before CUDA is initialised.

    Trainers would spread a batch over all that they see (``DataParallel``), which changes it."""
    if world(environ) == 1:
        environ[VISIBLE] = environ.get(VISIBLE, "0").split(",")[0]


def start() -> None:
    """Join the other ranks of this run. A process that is alone does nothing."""
    global _group
    if world() == 1 or _group is not None:
        return
    import torch
    import torch.distributed as dist

    end_with_launcher()
    cuda = torch.cuda.is_available()
    if cuda:
        torch.cuda.set_device(local())
    if not dist.is_initialized():
        dist.init_process_group("cpu:gloo,cuda:nccl" if cuda else "gloo", timeout=LIMIT)
    # Of its own, on the CPU: waiting takes no device and does not mix with what a trainer sends.
    _group = dist.new_group(backend="gloo", timeout=LIMIT)


def stop() -> None:
    """Leave the other ranks in good order, at the end of a run."""
    global _group
    if _group is not None:
        import torch.distributed as dist

        wait()
        _group = None
        dist.destroy_process_group()


def end_with_launcher() -> None:
    """Have the kernel end this process when its launcher ends, however that ends: two runs must never write one folder."""
    import ctypes

    if sys.platform == "linux":
        set_parent_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None).prctl(set_parent_death_signal, signal.SIGKILL)


def wait() -> None:
    """Return when every rank has come here."""
    if world() > 1:
        import torch.distributed as dist

        dist.barrier(group=_group)


def agreed(work: Callable[[], T]) -> T:
    """Return to every rank what ``work`` returns in the first one. Where it raises, the launcher ends the others."""
    if world() == 1:
        return work()
    import torch.distributed as dist

    found = [work() if first() else None]
    dist.broadcast_object_list(found, src=0, group=_group)
    result: Any = found[0]
    return result  # type: ignore[no-any-return]


def mine(items: Iterable[T]) -> list[T]:
    """Return this rank's share of the items: every ``world``-th one."""
    return list(items)[rank() :: world()]


def gathered(item: T) -> list[T]:
    """Return the items of all ranks, by their numbers, to every rank."""
    if world() == 1:
        return [item]
    import torch.distributed as dist

    found: list[Any] = [None] * world()
    dist.all_gather_object(found, item, group=_group)
    return found


def union(rows: Mapping[K, T]) -> dict[K, T]:
    """Return the rows of all ranks, by their index or name, to every rank."""
    return {key: row for part in gathered(dict(rows)) for key, row in part.items()}


def total(count: int) -> int:
    """Return the sum of a number over all ranks."""
    if world() == 1:
        return count
    import torch
    import torch.distributed as dist

    value = torch.tensor(count)
    dist.all_reduce(value, group=_group)
    return int(value)


def ended_by(error: Exception) -> int:
    """Return the exit code of a rank that failed because another one ended; any other error is raised again.

    It first waits for the launcher, which ends it and reports the rank that ended first."""
    if world() == 1 or not _lost_peer(error):
        raise error
    time.sleep(PATIENCE_S)
    print(f"rank {rank()} lost another rank: {str(error).splitlines()[0]}", file=sys.stderr)
    return LOST_PEER


def _lost_peer(error: Exception) -> bool:
    import torch.distributed as dist

    text = str(error).lower()
    return isinstance(error, dist.DistError) or (
        isinstance(error, RuntimeError) and any(name in text for name in ("gloo", "nccl", "connection closed by peer"))
    )
