"""Keep the training libraries silent, and out of a process that does without them."""

from __future__ import annotations

import sys


def leave_out(library: str) -> None:
    """Let nothing in this process import ``library``: PEFT imports bitsandbytes wherever it is installed, which takes seconds."""
    sys.modules.setdefault(library, None)  # type: ignore[arg-type]


def quiet() -> None:
    """Progress goes through the reporter: the libraries' own bars and advice stay silent."""
    import logging
    import warnings

    import datasets
    import transformers

    # Without a kernel of its own it takes PyTorch's: no reason to alarm every reader of a run.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    datasets.disable_progress_bars()
    transformers.utils.logging.disable_progress_bar()
    transformers.utils.logging.set_verbosity_error()
    warnings.filterwarnings("ignore")
