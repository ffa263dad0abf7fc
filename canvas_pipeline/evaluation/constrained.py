"""Constrained decoding with llama.cpp's grammar engine: the most likely text among those that a grammar allows, token by token.

llama_cpp is imported inside the functions."""

from __future__ import annotations

import ctypes
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.gbnf import Grammar

_CANDIDATE = [("id", "i4"), ("logit", "f4"), ("p", "f4")]
"""llama.cpp's ``llama_token_data``, as NumPy's dtype."""


class Compiled:
    """A grammar that llama.cpp has parsed for a model's vocabulary. Threads may share it; ``start`` begins a turn.

    Raises ``BadInput`` where llama.cpp cannot parse it, or where a stop is not one token."""

    def __init__(self, model: Any, grammar: Grammar) -> None:
        import llama_cpp

        self.grammar = grammar
        self.model = model
        self.prototype = llama_cpp.llama_sampler_init_grammar(model._model.vocab, grammar.gbnf.encode(), b"root")
        if not self.prototype:
            raise BadInput("llama.cpp cannot parse the grammar; it says why on stderr")
        self.after_calls, self.after_answer = (
            self._token(stop) for stop in (grammar.after_calls, grammar.after_answer)
        )
        count = llama_cpp.llama_vocab_n_tokens(model._model.vocab)
        self.ends = [token for token in range(count) if llama_cpp.llama_vocab_is_eog(model._model.vocab, token)]

    def start(self) -> ConstrainedTurn:
        """Begin a turn at the start of the grammar."""
        return ConstrainedTurn(self)

    def __del__(self) -> None:
        import llama_cpp

        if getattr(self, "prototype", None):
            llama_cpp.llama_sampler_free(self.prototype)

    def _token(self, stop: str) -> int:
        tokens = self.model.tokenize(stop.encode(), add_bos=False, special=True)
        if len(tokens) != 1:
            raise BadInput(f"{stop} is {len(tokens)} tokens of this vocabulary, and a stop is one")
        return int(tokens[0])


class ConstrainedTurn:
    """A turn that is being written under a grammar."""

    def __init__(self, compiled: Compiled) -> None:
        import llama_cpp

        self._compiled = compiled
        self._sampler = llama_cpp.llama_sampler_clone(compiled.prototype)
        self._text = b""

    def choose(self, logits: Any) -> int:
        """Return the allowed token with the largest of the logits (float32, one a token), and go on behind it.

        Raises ``BadInput`` where no token is allowed: a vocabulary that cannot spell what must come next."""
        import llama_cpp
        import numpy as np

        compiled = self._compiled
        opening = compiled.grammar.call_open.encode()
        right = compiled.after_calls if self._text.startswith(opening) else compiled.after_answer
        logits = np.array(logits, np.float32)
        logits[[token for token in compiled.ends if token != right]] = -np.inf
        # Most of the time the grammar allows what the model says; to look at one token is fast, at a whole vocabulary slow.
        best = int(logits.argmax())
        allowed = self._allowed(np.array([best]), logits)
        if not np.isfinite(allowed[0]):
            allowed = self._allowed(np.arange(len(logits)), logits)
            best = int(allowed.argmax())
            if not np.isfinite(allowed[best]):
                raise BadInput("the grammar allows no token of this vocabulary here")
        llama_cpp.llama_sampler_accept(self._sampler, best)
        if best != right:
            self._text += compiled.model.detokenize([best], prev_tokens=[best], special=True)
        return best

    def _allowed(self, tokens: Any, logits: Any) -> Any:
        """Return the logits of some tokens, minus infinity for those that the grammar does not allow next."""
        import llama_cpp
        import numpy as np

        candidates = np.zeros(len(tokens), _CANDIDATE)
        candidates["id"], candidates["logit"] = tokens, logits[tokens]
        data = candidates.ctypes.data_as(ctypes.POINTER(llama_cpp.llama_token_data))
        array = llama_cpp.llama_token_data_array(data=data, size=len(tokens), selected=-1, sorted=False)
        llama_cpp.llama_sampler_apply(self._sampler, ctypes.byref(array))
        return candidates["logit"]

    def __del__(self) -> None:
        import llama_cpp

        if getattr(self, "_sampler", None):
            llama_cpp.llama_sampler_free(self._sampler)
