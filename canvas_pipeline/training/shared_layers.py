"""Leave out what no loss reads: the upper layers of prompts, where these layers share keys and values, and a pair's second prompt.

Layers that share K/V read the keys and values of lower layers, so what they compute for a token is read only by that token's
prediction. A token whose successor has no label predicts nothing that is scored. ``shorten`` wraps a model's fused forward: it
computes the upper layers for the tokens that predict a label only, and returns the shapes that its caller expects. A pair's prompt
is computed once if the caller says that the batch is pairs (``PAIRS``). Log-probabilities and gradients are equal to those of the
whole forward.

A model that does not slice its K/V-shared layers itself, or does not attend by PyTorch's sdpa, keeps its forward.
"""

from __future__ import annotations

import functools
import types
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.training.layout import IGNORED, common_prefix, kept_columns, next_labels, predicted, rows

PAIRS = "rows_are_pairs"
"""The argument of a shortened forward: the batch is first sides, then second sides."""
BEFORE = "before"
"""The argument of a shortened forward that is the keys and values of what precedes every row (``beginning``)."""
SLICES = "_maybe_slice_kv_shared_inputs"
"""The method of transformers' text models that drops columns where K/V-shared layers begin, given ``logits_to_keep``."""
FULL, SLIDING = "full_attention", "sliding_attention"
_KNOWN = frozenset({"input_ids", "attention_mask", "use_cache", "num_items_in_batch"})
_PER_TOKEN = ("log_probs", "entropy", "log_sum_sq_probs", "mean_logits", "is_top1")
KeysAndValues = tuple[Any, Any]
"""Of one layer: (1, heads, tokens, width) each."""
_whole: ContextVar[bool] = ContextVar("whole", default=False)


@contextmanager
def whole_forward() -> Iterator[None]:
    """Compute everything, as without ``shorten``: for benchmarks and tests."""
    token = _whole.set(True)
    try:
        yield
    finally:
        _whole.reset(token)


def text_model(model: Any) -> Any | None:
    """Return the part that can leave out layers and takes a mask for each layer type; None where there is none."""
    text = next((module for module in model.modules() if hasattr(module, SLICES)), None)
    if text is None:
        return None
    config = text.config
    able = config._attn_implementation == "sdpa" and getattr(config, "use_bidirectional_attention", None) != "all"
    return text if able and set(config.layer_types) <= {FULL, SLIDING} else None


def takes_pairs(model: Any) -> bool:
    """Tell whether the model's forward is shortened, so that it takes ``PAIRS`` and ``BEFORE``, through an adapter too."""
    return not _whole.get() and getattr(_base(model), "takes_pairs", False)


def shorten(model: Any) -> Any:
    """Wrap the fused forward of a model (that of an adapter's base) where this is possible, and return the model."""
    base = _base(model)
    text = text_model(base)
    if text is None:
        return model
    inner = base.forward

    # Libraries look at the signature of a model's forward.
    @functools.wraps(type(base).forward)
    def forward(self: Any, *args: Any, fused_lm_head: bool = False, labels: Any = None, **kwargs: Any) -> Any:
        pairs, before = kwargs.pop(PAIRS, False), kwargs.pop(BEFORE, None)
        given = {name: value for name, value in kwargs.items() if value is not None}  # an adapter passes on every name
        if fused_lm_head and labels is not None and not _whole.get() and not args and given.keys() <= _KNOWN:
            outputs = _shortened(inner, text, labels, pairs=pairs, before=before, **given)
            if outputs is not None:
                return outputs
        if before is not None:
            raise BadInput("rows behind a common beginning must be whole, without holes, and the forward shortened")
        if labels is not None:
            kwargs["labels"] = labels
        return inner(*args, fused_lm_head=fused_lm_head, **kwargs)

    base.forward = types.MethodType(forward, base)
    base.takes_pairs = True
    return model


def beginning(model: Any, ids: Sequence[int]) -> list[KeysAndValues]:
    """Compute the keys and values of tokens that every row of later batches begins with (``BEFORE``); no gradient."""
    import torch
    from transformers import DynamicCache

    base, cache = _base(model), DynamicCache()
    tokens = torch.tensor([list(ids)], device=next(base.parameters()).device)
    with torch.no_grad():
        base.base_model(input_ids=tokens, past_key_values=cache, use_cache=True)
    return [(layer.keys, layer.values) for layer in cache.layers]


def _cache(before: Sequence[KeysAndValues], rows_: int) -> Any:
    from transformers import DynamicCache

    cache = DynamicCache()
    for index, (keys, values) in enumerate(before):
        cache.update(keys.expand(rows_, -1, -1, -1), values.expand(rows_, -1, -1, -1), index)
    return cache


def _base(model: Any) -> Any:
    return model.get_base_model() if hasattr(model, "get_base_model") else model


def _shortened(
    forward: Any, text: Any, labels: Any, *, pairs: bool, before: Sequence[KeysAndValues] | None,
    input_ids: Any, attention_mask: Any = None, num_items_in_batch: Any = None, use_cache: Any = None,
) -> Any | None:  # fmt: skip
    """Return the forward's output, or None where there is nothing to leave out or the batch is not of whole rows."""
    import torch

    config = text.config
    shares = bool(config.num_kv_shared_layers)
    if not (pairs or shares or before):
        return None
    present = torch.ones_like(input_ids, dtype=torch.bool) if attention_mask is None else attention_mask.bool()
    if not predicted(labels, present):
        return None
    predicts = next_labels(labels)
    layout = rows(present, predicts != IGNORED, common_prefix(input_ids, labels, present) if pairs else None)
    scored = layout.take(predicts, IGNORED)
    columns = scored.shape[1]
    kept = kept_columns(scored) if shares else columns
    begun = before[0][0].shape[-2] if before else 0
    outputs = forward(
        input_ids=layout.take(input_ids, 0),
        attention_mask={FULL: layout.seen(None, begun), SLIDING: layout.seen(config.sliding_window, begun)},
        position_ids=layout.position + begun,
        shift_labels=scored[:, columns - kept :],
        fused_lm_head=True,
        **({"logits_to_keep": kept} if kept < columns else {}),
        **({"past_key_values": _cache(before, scored.shape[0])} if before else {}),
    )
    for name in _PER_TOKEN:
        value = getattr(outputs, name)
        if value is not None:
            setattr(outputs, name, layout.put_back(value, labels)[:, :-1])
    outputs.label_mask = labels[:, 1:] != IGNORED
    count = outputs.label_mask.sum().clamp(min=1) if num_items_in_batch is None else num_items_in_batch
    outputs.loss = -outputs.log_probs.sum() / count
    return outputs
