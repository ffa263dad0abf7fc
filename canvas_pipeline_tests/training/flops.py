"""Count the floating-point operations of training steps, of the real 5-billion-parameter shape too: ``python -m`` prints a table.

A step is forward and backward without recomputation; the backward costs twice the forward. Attention is counted over all pairs of
query and key, as masked kernels compute it. The formula is compared with PyTorch's counter in ``test_flops``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.training.encoding import padded_length

REAL_TEXT: dict[str, Any] = {
    "hidden_size": 1536, "intermediate_size": 6144, "num_hidden_layers": 35, "num_attention_heads": 8,
    "num_key_value_heads": 1, "head_dim": 256, "global_head_dim": 512, "sliding_window": 512, "vocab_size": 262144,
    "vocab_size_per_layer_input": 262144, "hidden_size_per_layer_input": 256, "num_kv_shared_layers": 20,
    "use_double_wide_mlp": True, "final_logit_softcapping": 30.0,
    "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 7, "tie_word_embeddings": True,
}  # fmt: skip
"""The text configuration of google/gemma-4-E2B-it, as published."""

CONVERSATIONS: tuple[tuple[int, int, int], ...] = (
    (1935, 9, 8), (1973, 41, 25), (1996, 70, 36), (2001, 71, 40), (2010, 80, 36), (2017, 84, 45), (2025, 86, 57),
    (2036, 102, 53), (2044, 110, 57), (2063, 134, 45), (2079, 140, 52), (2104, 163, 75), (2118, 166, 85),
    (2133, 176, 95), (2151, 191, 91), (2163, 199, 100), (2174, 215, 100), (2197, 248, 89), (2237, 272, 122),
    (2259, 326, 57), (2274, 333, 64), (2317, 382, 75), (2361, 406, 99), (2444, 520, 39),
)  # fmt: skip
"""Tokens of a row, from its first learnt token on, and learnt: even quantiles of 670 native conversations, Gemma's vocabulary."""
PAIRS: tuple[tuple[int, int, int], ...] = (
    (1925, 11, 13), (1932, 20, 11), (1926, 13, 22), (1929, 8, 33), (2274, 31, 11), (2190, 10, 38), (1943, 26, 28),
    (1931, 11, 48), (1928, 13, 51), (1924, 13, 57), (1925, 17, 58), (1944, 40, 40), (1935, 38, 46), (1941, 45, 45),
    (1959, 64, 37), (1951, 37, 75), (1943, 26, 98), (2239, 72, 64), (1941, 45, 107), (1943, 52, 124),
    (1965, 89, 109), (1924, 127, 111), (1950, 63, 207), (1952, 215, 258),
)  # fmt: skip
"""Tokens of the prompt, the chosen and the rejected completion: even quantiles of 360 native pairs."""


@dataclass(frozen=True, slots=True)
class Batch:
    """One forward: ``rows`` rows of ``columns`` tokens, of which the K/V-shared layers compute the last ``kept``; ``scored`` tokens
    go through the head."""

    rows: int
    columns: int
    kept: int
    scored: int


@dataclass(frozen=True, slots=True)
class Costs:
    """Operations of a model's parts: per token in the layers before the K/V-shared ones, in those, and in the head; and per pair
    of query and key in both kinds of layers."""

    lower: int
    upper: int
    head: int
    lower_pair: int
    upper_pair: int

    @classmethod
    def of(cls, model: Any) -> Costs:
        """Read them from a text model (of the meta device, for the real shape)."""
        text, config = model.model, model.config
        first = config.num_hidden_layers - config.num_kv_shared_layers
        matrices = [sum(p.numel() for p in layer.parameters() if p.ndim == 2) for layer in text.layers]
        widths = [layer.self_attn.head_dim * config.num_attention_heads for layer in text.layers]
        embeddings = text.per_layer_model_projection.weight.numel()
        return cls(
            lower=2 * (sum(matrices[:first]) + embeddings),
            upper=2 * sum(matrices[first:]),
            head=2 * config.hidden_size * config.vocab_size,
            lower_pair=4 * sum(widths[:first]),
            upper_pair=4 * sum(widths[first:]),
        )

    def forward(self, batch: Batch) -> int:
        """Return the operations of one forward."""
        linear = self.lower * batch.columns + self.upper * batch.kept
        attention = batch.columns * (self.lower_pair * batch.columns + self.upper_pair * batch.kept)
        return batch.rows * (linear + attention) + self.head * batch.scored

    def step(self, batches: Iterable[Batch]) -> int:
        """Return the operations of forward and backward of all batches."""
        return 3 * sum(self.forward(batch) for batch in batches)


def groups(rows: Sequence[tuple[int, int, int]], size: int) -> Iterator[Sequence[tuple[int, int, int]]]:
    """Split rows into micro-batches of neighbours in length, as the order of training does within an update."""
    ordered = sorted(rows, key=sum)
    return (ordered[at : at + size] for at in range(0, len(ordered), size))


def _batch(lengths: Sequence[int], kept: Sequence[int] | None, scored: int) -> Batch:
    columns = padded_length(max(lengths))
    return Batch(len(lengths), columns, min(columns, padded_length(max(kept))) if kept else columns, scored)


def conversations(rows: Sequence[tuple[int, int, int]], *, skip: bool) -> Batch:
    """Return the forward of a micro-batch of conversations, whole or without the shared layers of what nothing reads."""
    return _batch([row[0] for row in rows], [row[2] for row in rows] if skip else None, sum(row[2] for row in rows))


def pairs(rows: Sequence[tuple[int, int, int]], *, skip: bool, once: bool = False) -> Batch:
    """Return the forward of a micro-batch of pairs; ``once`` computes their prompts once."""
    scored = sum(chosen + rejected for _, chosen, rejected in rows)
    if once:
        own = [chosen + rejected for _, chosen, rejected in rows]
        return _batch(
            [prompt + chosen + rejected + 1 for prompt, chosen, rejected in rows], own if skip else None, scored
        )
    sides = [(prompt, side) for prompt, *both in rows for side in both]
    return _batch([prompt + side for prompt, side in sides], [side for _, side in sides] if skip else None, scored)


def real_costs() -> Costs:
    """Return the costs of the real shape, without memory for its weights."""
    import torch
    from transformers import Gemma4ForCausalLM, Gemma4TextConfig

    with torch.device("meta"):
        return Costs.of(Gemma4ForCausalLM(Gemma4TextConfig(**REAL_TEXT)))


def table(costs: Costs, sizes: Sequence[int] = (1, 4)) -> list[tuple[str, int, float, float, float]]:
    """Return what is trained, rows a micro-batch, teraflops a row whole and shortened, and their ratio."""
    lines = []
    for size in sizes:
        kinds = {
            "conversations": (CONVERSATIONS, [conversations(g, skip=False) for g in groups(CONVERSATIONS, size)],
                              [conversations(g, skip=True) for g in groups(CONVERSATIONS, size)]),
            "pairs, two rows": (PAIRS, [pairs(g, skip=False) for g in groups(PAIRS, size)],
                                [pairs(g, skip=True) for g in groups(PAIRS, size)]),
            "pairs, one row": (PAIRS, [pairs(g, skip=False) for g in groups(PAIRS, size)],
                               [pairs(g, skip=True, once=True) for g in groups(PAIRS, size)]),
        }  # fmt: skip
        for name, (rows, whole, short) in kinds.items():
            before, after = (costs.step(batches) / len(rows) / 1e12 for batches in (whole, short))
            lines.append((name, size, before, after, before / after))
    return lines


if __name__ == "__main__":
    print("| rows | rows a micro-batch | TFLOP a row, whole | shortened | ratio |")
    print("|---|---|---|---|---|")
    for kind, size, before, after, ratio in table(real_costs()):
        print(f"| {kind} | {size} | {before:.1f} | {after:.1f} | {ratio:.2f} |")
