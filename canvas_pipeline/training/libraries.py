"""Silence the training libraries, and block imports that a process does not need."""

from __future__ import annotations

import sys


def leave_out(library: str) -> None:
    """Block the import of ``library`` in this process: PEFT imports bitsandbytes wherever it is installed, which takes seconds."""
    sys.modules.setdefault(library, None)  # type: ignore[arg-type]


def quiet() -> None:
    """Turn off the libraries' progress bars and advice: the reporter logs progress."""
    import logging
    import warnings

    import datasets
    import transformers

    # It warns where it falls back to PyTorch's kernel, which is harmless.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore")
