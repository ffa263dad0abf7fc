"""Generate with llama.cpp: the greedy generator of GGUF files.

llama_cpp is imported inside the functions. A damaged GGUF aborts the process."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from canvas_pipeline.errors import BadInput, MissingInput, MissingTool
from canvas_pipeline.evaluation.constrained import Compiled
from canvas_pipeline.evaluation.prefix import LEAST, common_prefix
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.models.gbnf import Grammars
from canvas_pipeline.training.threads import cores

MAX_NEW_TOKENS = 160
SMALL = 256 << 20
"""Bytes of weights below which several threads do not speed up a model: they wait for each other after every layer."""


def workers_of(weights: int) -> int:
    """Return how many batches to compute at once on a CPU: for a small model one per core with one thread each, else one with all
    threads."""
    return cores() if weights < SMALL else 1


@dataclass(frozen=True, slots=True)
class SharedSequence:
    """The prefix of a GGUF's prompts, with llama.cpp's own copy of the state that it leaves in a context."""

    ids: list[int]
    state: bytes

    @classmethod
    def of(cls, model: Any, ids: list[int]) -> SharedSequence | None:
        """Evaluate the prefix; None where llama.cpp gives no state."""
        import llama_cpp

        model.reset()
        model.eval(ids)
        buffer = (ctypes.c_uint8 * llama_cpp.llama_state_seq_get_size(model.ctx, 0))()
        written = llama_cpp.llama_state_seq_get_data(model.ctx, buffer, len(buffer), 0)
        return cls(ids, bytes(buffer[:written])) if written else None

    def restore(self, model: Any, ids: Sequence[int]) -> bool:
        """Put a model to where it has read the prefix and nothing else. False if the prompt does not begin with it."""
        import llama_cpp

        if len(ids) <= len(self.ids) or list(ids[: len(self.ids)]) != self.ids:
            return False
        model.reset()
        llama_cpp.llama_memory_clear(llama_cpp.llama_get_memory(model.ctx), False)
        buffer = (ctypes.c_uint8 * len(self.state)).from_buffer_copy(self.state)
        if not llama_cpp.llama_state_seq_set_data(model.ctx, buffer, len(self.state), 0):
            return False
        model.input_ids[: len(self.ids)] = self.ids
        model.n_tokens = len(self.ids)
        return True


class Gguf:
    """A greedy ``Generator`` for a GGUF file, with llama.cpp. Each worker has a model of its own and takes one prompt at a time.

    The output does not depend on the number of workers. Where llama.cpp was built for a GPU, all layers lie on it and there is one
    worker. With ``grammars`` a named case is answered under its own one."""

    def __init__(
        self,
        path: Path,
        family: ModelFamily,
        max_new_tokens: int = MAX_NEW_TOKENS,
        context: int = 4096,
        workers: int | None = None,
        grammars: Grammars | None = None,
    ) -> None:
        try:
            from llama_cpp import Llama, llama_supports_gpu_offload
        except ImportError:
            raise MissingTool("llama_cpp is not installed; install the extra canvas-pipeline[release]") from None
        if not path.is_file():
            raise MissingInput(f"{path}: no such GGUF; materialise gguf first")
        offload = bool(llama_supports_gpu_offload())
        self.workers = 1 if offload else workers or workers_of(path.stat().st_size)
        threads = max(1, cores() // self.workers)
        try:
            models = [
                Llama(
                    str(path), n_ctx=context, n_threads=threads, n_threads_batch=threads, n_gpu_layers=-1 if offload else 0,
                    verbose=False, seed=0,
                )
                for _ in range(self.workers)
            ]  # fmt: skip
        except ValueError as error:
            raise BadInput(f"{path}: llama.cpp cannot load it ({error})") from None
        self.vocabulary = models[0]
        self.stops = {models[0].tokenize(stop.encode(), add_bos=False, special=True)[0] for stop in family.stops}
        self.context = context
        self.max_new_tokens = max_new_tokens
        compiled = [Compiled(models[0], grammar) for grammar in grammars.grammars] if grammars else []
        self._grammars = {name: compiled[index] for name, index in grammars.of.items()} if grammars else {}
        self._shared: SharedSequence | None = None
        self._free: SimpleQueue[Any] = SimpleQueue()
        for model in models:
            self._free.put(model)

    def share(self, prompts: Sequence[str]) -> None:
        """Evaluate the common prefix of prompts once; each of them continues from it, in every worker's model."""
        ids = common_prefix([self.tokens(prompt) for prompt in prompts])
        # The workers' models have the same weights: the state of one serves all.
        self._shared = SharedSequence.of(self.vocabulary, ids) if LEAST <= len(ids) < self.context else None

    def length(self, prompt: str) -> int:
        return len(self.tokens(prompt))

    def tokens(self, prompt: str) -> list[int]:
        """Return the token ids of a prompt, which includes its BOS."""
        return list(self.vocabulary.tokenize(prompt.encode(), add_bos=False, special=True))

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        model = self._free.get()
        try:
            grammars = [self._grammars[name] for name in names] if self._grammars else [None] * len(prompts)
            return [self._one(model, prompt, grammar) for prompt, grammar in zip(prompts, grammars, strict=True)]
        finally:
            self._free.put(model)

    def _one(self, model: Any, prompt: str, grammar: Compiled | None) -> tuple[str, bool]:
        ids = self.tokens(prompt)
        if len(ids) + self.max_new_tokens > self.context:
            raise BadInput(
                f"a prompt of {len(ids)} tokens does not fit a context of {self.context}; give a larger --context"
            )
        # The output must not depend on earlier prompts: begin after exactly the common prefix, or with nothing.
        if self._shared is not None and self._shared.restore(model, ids):
            rest = ids[len(self._shared.ids) :]
        else:
            model.reset()
            rest = ids
        written: list[int] = []
        for token in _constrained(model, rest, grammar) if grammar else _free(model, rest):
            written.append(int(token))
            if token in self.stops or len(written) >= self.max_new_tokens:
                break
        text = model.detokenize(written, prev_tokens=ids, special=True).decode("utf-8", "replace")
        return text, bool(written) and written[-1] in self.stops


def _free(model: Any, tokens: Sequence[int]) -> Iterator[int]:
    """Yield the most likely token, over and over."""
    return iter(model.generate(tokens, temp=0.0, top_k=1, repeat_penalty=1.0, reset=False))


def _constrained(model: Any, tokens: Sequence[int], grammar: Compiled) -> Iterator[int]:
    """Yield the most likely token that a grammar allows, over and over."""
    import llama_cpp
    import numpy as np

    turn = grammar.start()
    while True:
        model.eval(tokens)
        logits = llama_cpp.llama_get_logits_ith(model.ctx, -1)
        tokens = [turn.choose(np.ctypeslib.as_array(logits, shape=(model.n_vocab(),)))]
        yield tokens[0]
