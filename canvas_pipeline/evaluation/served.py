"""Generate with a model behind an OpenAI-compatible server (vLLM, llama.cpp) instead of in this process.

The server gets the bytes of the prompt that the local path renders, never a chat template, and gives the text that the local path
gives: special tokens and the stop included. Each answer is in a journal before it is used, so none is asked for twice: not after a
kill of either side, and not in a later run with the same weights, prompt and settings."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from canvas_pipeline.datasets.served_model import WORKERS, Continuation, Request, Served
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.evaluation.generate import TOKENS_A_BATCH, Sampling
from canvas_pipeline.evaluation.llama import MAX_NEW_TOKENS
from canvas_pipeline.evaluation.model_server import serving
from canvas_pipeline.models.endpoint import Completion, Endpoint, api_key
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.records import Message, digest
from canvas_pipeline.storage.digests import sha256_path
from canvas_pipeline.training.weights import model_folder

A_CALL = 8 * WORKERS
"""Prompts in one call of ``generate``: the server is asked for its weights once after each."""
KEY = "CANVAS_BENCH_API_KEY"
EXACTLY: dict[str, Any] = {
    # vLLM: the prompt as it is, and all of the text. llama-cpp-python ignores these four.
    "add_special_tokens": False, "skip_special_tokens": False, "spaces_between_special_tokens": False,
    "include_stop_str_in_output": True,
    # No server's own defaults, nor those of the model's generation_config.json: plain probabilities, as the local path has.
    "top_p": 1.0, "top_k": 0, "min_p": 0.0, "presence_penalty": 0.0, "frequency_penalty": 0.0,
    "repetition_penalty": 1.0, "repeat_penalty": 1.0,
}  # fmt: skip


class BenchEndpoint(Endpoint):
    """The model that answers the benchmark."""

    role = "bench model"


class ServedModel(Served[Continuation]):
    """A ``Generator`` behind a server, several requests at once. Greedy, or sampled with a seed of its own for each case.

    Samples are others than a local checkpoint's, whose random numbers a server does not have. The constructor asks the server how
    it reads the beginning-of-text token: one that adds its own gets the prompts without it."""

    workers = 1  # each call of ``generate`` asks with several threads

    def __init__(
        self,
        endpoint: Endpoint,
        family: ModelFamily,
        journal: Path | None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        sampling: Sampling | None = None,
    ) -> None:
        super().__init__(endpoint, journal, Continuation)
        self.family, self.max_new_tokens, self.sampling = family, max_new_tokens, sampling
        try:
            self._adds_bos = family.bos is not None and _adds_bos(endpoint, family.bos)
        except BaseException:
            self._open.close()
            raise

    def length(self, prompt: str) -> int:
        """Return the same for all: the server makes its own batches, and ``A_CALL`` prompts are given to one call."""
        return TOKENS_A_BATCH // A_CALL

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        """Raises ``ServiceUnavailable`` when the server goes down, ``BadConfig`` when it has other weights than before."""
        requests = [(prompt, self._settings(name)) for prompt, name in zip(prompts, names or prompts, strict=True)]

        def ask(key: str, request: Request) -> Continuation:
            prompt, settings = request
            sent = prompt.removeprefix(self.family.bos or "") if self._adds_bos else prompt
            found = self._endpoint.complete(
                sent, temperature=settings["temperature"], seed=settings["seed"], max_tokens=settings["max_tokens"],
                stop=self.family.stops, more=EXACTLY,
            )  # fmt: skip
            return Continuation(key=key, completion=found)

        return [self._whole(row.completion) for row in self._ask_each(requests, ask)]

    def _settings(self, name: str) -> dict[str, Any]:
        shared = {"max_tokens": self.max_new_tokens, "stop": self.family.stops, **EXACTLY}
        if self.sampling is None:
            return {"temperature": 0.0, "seed": 0, **shared}
        seed = int(digest("sample", str(self.sampling.seed), name)[:7], 16)
        return {"temperature": self.sampling.temperature, "seed": seed, **shared}

    def _whole(self, found: Completion) -> tuple[str, bool]:
        """Return the text with its stop: as the server wrote or named it, else the one the family writes after such a turn."""
        if not found.stopped or found.text.endswith(self.family.stops):
            return found.text, found.stopped
        stop = found.ended_by if found.ended_by in self.family.stops else self._usual_stop(found.text)
        return found.text + stop, True

    def _usual_stop(self, text: str) -> str:
        """Return the stop that the family writes after such a turn, for a server that does not tell (llama-cpp-python)."""
        calls, stops = self.family.calls, self.family.stops
        if text.endswith(calls.call_close) and calls.response_open in stops:
            return calls.response_open
        turn = self.family.written((Message(role="assistant", content=text),))
        return next((stop for stop in stops if turn.endswith(stop)), self.family.end_of_text)


def _adds_bos(endpoint: Endpoint, bos: str) -> bool:
    tokens = endpoint.complete(bos, temperature=0.0, seed=0, max_tokens=1, more=EXACTLY).prompt_tokens
    if tokens not in (1, 2):
        raise BadConfig(
            f"{endpoint.identity} reads the token {bos} as {tokens or 'an unreported number of'} tokens, so the prompts would not "
            "be those that a local model gets; serve it with the checkpoint's own tokenizer"
        )
    return tokens == 2


def served_name(track: str, weights: str) -> str:
    """Return the name under which a server must serve weights with this sha256: a server of others has no such name."""
    return f"{track}-{weights[:12]}"


@contextmanager
def opened(
    model: Path,
    family: ModelFamily,
    track: str,
    journals: Path,
    *,
    address: str = "",
    serve: str = "",
    limit: int = MAX_NEW_TOKENS,
    sampling: Sampling | None = None,
    weights: str = "",
) -> Iterator[ServedModel]:
    """Open a model folder's server: the one at ``address``, or one that the command ``serve`` starts and that ends with the block.

    The journal is in the folder ``journals``, and the key in the variable ``KEY``. ``weights`` is the folder's sha256, if known.
    Raises ``BadConfig`` for neither or both, and where the server has no model of the ``served_name``."""
    if bool(address) == bool(serve):
        raise BadConfig("a served model needs either the address of its server or a command that starts one")
    weights = weights or sha256_path(model)
    name = served_name(track, weights)
    with ExitStack() as stack:
        url = address or stack.enter_context(serving(serve, model_folder(model) if model.is_dir() else model, name))
        endpoint = BenchEndpoint(url, name, stated=weights, api_key=api_key(KEY, os.environ))
        yield stack.enter_context(ServedModel(endpoint, family, journals / f"{name}.jsonl", limit, sampling))
