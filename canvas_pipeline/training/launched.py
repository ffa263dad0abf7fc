"""Read from the environment which of a run's processes this one is, as its launcher has set it.

A process without these variables is alone: number 0 of 1. Does not import torch."""

from __future__ import annotations

import os
from collections.abc import Mapping


def _number(name: str, otherwise: int, environ: Mapping[str, str]) -> int:
    text = environ.get(name, "")
    return int(text) if text.isdigit() else otherwise


def world(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of processes of this run."""
    return max(1, _number("WORLD_SIZE", 1, environ))


def rank(environ: Mapping[str, str] = os.environ) -> int:
    """Return this process's number among all of the run."""
    return _number("RANK", 0, environ) if world(environ) > 1 else 0


def local(environ: Mapping[str, str] = os.environ) -> int:
    """Return this process's number among those of its host: the index of its device."""
    return _number("LOCAL_RANK", 0, environ) if world(environ) > 1 else 0


def neighbours(environ: Mapping[str, str] = os.environ) -> int:
    """Return the number of the run's processes on this host, which share its processors."""
    return max(1, _number("LOCAL_WORLD_SIZE", 1, environ)) if world(environ) > 1 else 1


def first(environ: Mapping[str, str] = os.environ) -> bool:
    """Tell whether this process writes and reports."""
    return rank(environ) == 0
