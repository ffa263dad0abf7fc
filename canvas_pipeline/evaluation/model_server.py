"""Start an OpenAI-compatible server for one model, and stop it with everything it started.

The command is a setting, since vLLM lives in an environment of its own: ``{model}``, ``{name}`` and ``{port}`` stand for the folder
of the weights, the name to serve them under, and a free port of this machine. ``{share}`` is the part of the memory that vLLM's
``--gpu-memory-utilization`` gets (``share_of``)."""

from __future__ import annotations

import math
import os
import shlex
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from canvas_pipeline.errors import BadConfig, MissingTool, ServiceUnavailable
from canvas_pipeline.models.endpoint import answers

PLACES = ("{model}", "{name}", "{port}")
SHARE = "{share}"
CACHE_BYTES = 8 << 30
"""For the cache of keys and values, activations and graphs, beside the weights: a bench asks at most 64 prompts at once."""
MOST = 0.60
"""The teacher's slot: the largest share that a server beside the pipeline gets."""
START_S = 1800.0
"""vLLM compiles graphs for minutes when it starts."""
STOP_S = 60.0


def share_of(weights: int, total: int) -> float:
    """Return the share of a machine's memory that a server of ``weights`` bytes takes, in hundredths, rounded up.

    On a GB10 the memory of the GPU is the machine's, so the share is of all of it. Raises ``BadConfig`` above ``MOST``."""
    share = math.ceil(100 * (weights + CACHE_BYTES) / total) / 100
    if share > MOST:
        raise BadConfig(
            f"a server of these weights would take {share:.0%} of the memory, more than {MOST:.0%}; give the number instead of "
            f"{SHARE}, or the address of a server on another machine"
        )
    return share


def command_of(text: str, model: Path, name: str, port: int) -> list[str]:
    """Return the words of a server's command. Raises ``BadConfig`` where it does not name model, name and port."""
    lacking = [place for place in PLACES if place not in text]
    if lacking:
        raise BadConfig(
            f"the command of the bench's server lacks {', '.join(lacking)}; write such as: "
            "vllm serve {model} --served-model-name {name} --port {port}"
        )
    values = dict(zip(PLACES, (str(model), name, str(port)), strict=True))
    if SHARE in text:
        files = model.rglob("*.safetensors") if model.is_dir() else (model,)
        values[SHARE] = str(share_of(sum(path.stat().st_size for path in files), psutil.virtual_memory().total))
    words = shlex.split(text)
    for place, value in values.items():
        words = [word.replace(place, value) for word in words]
    return words


@contextmanager
def serving(text: str, model: Path, name: str, *, seconds: float = START_S) -> Iterator[str]:
    """Run a server of the model until the block ends; yields its base URL.

    Raises ``MissingTool`` for a program that is not there, ``ServiceUnavailable`` with the server's last line where it ends or does
    not answer in time."""
    port = _free_port()
    words = command_of(text, model, name, port)
    url = f"http://127.0.0.1:{port}/v1"
    with tempfile.TemporaryFile() as log:
        try:
            # A session of its own: a server's workers end with it.
            process = subprocess.Popen(words, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)
        except OSError as error:
            raise MissingTool(f"the bench's server cannot be started ({error.strerror}): {words[0]}") from None
        try:
            _wait(process, url, seconds, log)
            yield url
        finally:
            _stop(process)


def _wait(process: subprocess.Popen[bytes], url: str, seconds: float, log: IO[bytes]) -> None:
    end = time.monotonic() + seconds
    while not answers(url):
        if process.poll() is not None or time.monotonic() > end:
            ended = "did not answer in time" if process.returncode is None else f"ended with {process.returncode}"
            log.seek(0)
            last = next(
                (line for line in reversed(log.read().decode("utf-8", "replace").splitlines()) if line.strip()), ""
            )
            raise ServiceUnavailable(f"the bench's server {ended}: {last[-300:] or 'it printed nothing'}")
        time.sleep(0.2)


def _stop(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            continue


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
