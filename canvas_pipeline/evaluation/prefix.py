"""Compute once what all prompts of a run begin with: keys and values of the common tokens, for a checkpoint and for a GGUF.
A prompt that a batch holds several times (to sample from it) is computed once, too.

Every prompt continues from exactly the common prefix, so an answer does not depend on the prompts before it. It is the answer
that the whole prompt gives: the same tokens at the same positions, attended to through the same masks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

LEAST = 32
"""Tokens below which a prefix is not worth keeping."""


def common_prefix(rows: Sequence[Sequence[int]]) -> list[int]:
    """Return the tokens that all rows begin with. At least one token of each row is left for the model to continue from."""
    if len(rows) < 2:
        return []
    ordered = sorted(map(list, rows))
    first, last = ordered[0], ordered[-1]  # of sorted rows, the ends have the least in common
    most = min(map(len, rows)) - 1
    at = next((at for at in range(most) if first[at] != last[at]), most)
    return first[:at]


@dataclass(frozen=True, slots=True)
class SharedStates:
    """The prefix of a checkpoint's prompts, with the keys and values of each layer that has some of its own."""

    ids: list[int]
    layers: tuple[tuple[Any, Any] | None, ...]
    """None for a layer that reads those of a lower one."""

    @classmethod
    def of(cls, model: Any, ids: list[int]) -> SharedStates | None:
        """Compute them; None for a model with layers that cannot be cut at a token (recurrent ones, say)."""
        import torch

        cache = _empty(model)
        if cache is None:
            return None
        for layer in cache.layers:
            if getattr(layer, "is_sliding", False):
                layer.activate_past_recording()  # a padded row needs states that have left the others' window
        inputs = torch.tensor([ids], device=model.device)
        with torch.no_grad():
            model(input_ids=inputs, past_key_values=cache, use_cache=True, logits_to_keep=1)
        kept = (None if layer.keys is None else (layer.keys, layer.values) for layer in cache.layers)
        return cls(ids, tuple(kept))

    def cache(self, model: Any, rows: Sequence[Sequence[int]], length: int) -> Any:
        """Return the cache that the prefix leaves in a batch padded on the left to ``length``, or None if a row does not begin
        with it.

        A cache is a rectangle: it reaches as far as in the longest row. A shorter row begins later, and so much less of its
        prefix is in it; the model computes the rest again beside the other rows' own tokens."""
        import torch
        from transformers import DynamicCache

        if any(len(row) <= len(self.ids) or list(row[: len(self.ids)]) != self.ids for row in rows):
            return None
        padding = torch.tensor([length - len(row) for row in rows], device=model.device)
        cached = len(self.ids) + int(padding.min())
        # Which token of the prefix stands at each place of each row. Padding is masked: any token will do.
        places = (torch.arange(cached, device=model.device)[None] - padding[:, None]).clamp(min=0)
        cache = DynamicCache(config=model.config)
        for layer, states in zip(cache.layers, self.layers, strict=True):
            if states is not None:
                layer.update(*(state[0][:, places].transpose(0, 1).contiguous() for state in states))
        return cache


def cache_of(model: Any, shared: SharedStates | None, rows: Sequence[Sequence[int]], ids: Any, attention: Any) -> Any:
    """Return what a batch continues from, or None to read it from the beginning: the states of all tokens but the last where rows
    are repeated, each different row read once; else those of the prefix.

    ``ids`` and ``attention`` are the rows padded on the left: (rows, padded length)."""
    import torch

    length = ids.shape[1]
    different = list(dict.fromkeys(map(tuple, rows)))
    if len(different) == len(rows):
        return shared.cache(model, rows, length) if shared else None
    cache = shared.cache(model, different, length) if shared else None
    cache = cache or _empty(model)
    if cache is None:
        return None
    places = [different.index(tuple(row)) for row in rows]
    first = [places.index(place) for place in range(len(different))]
    begun = cache.get_seq_length()
    with torch.no_grad():
        model(
            input_ids=ids[first, begun:-1], attention_mask=attention[first, :-1], past_key_values=cache, use_cache=True,
            position_ids=(attention[first].cumsum(dim=1) - 1).clamp(min=0)[:, begun:-1], logits_to_keep=1,
        )  # fmt: skip
    cache.batch_select_indices(torch.tensor(places, device=ids.device))
    return cache


def _empty(model: Any) -> Any:
    """Return an empty cache, or None for a model with layers that cannot be cut at a token (recurrent ones, say)."""
    from transformers import DynamicCache
    from transformers.cache_utils import DummyLayer, DynamicLayer, DynamicSlidingWindowLayer

    cache = DynamicCache(config=model.config)
    return (
        cache if all(type(x) in (DynamicLayer, DummyLayer, DynamicSlidingWindowLayer) for x in cache.layers) else None
    )
