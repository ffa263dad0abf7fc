"""Tiny models whose upper half shares keys and values, as the real shape does, and random batches for them."""

from __future__ import annotations

from typing import Any

VOCABULARY = 96
TEXT: dict[str, Any] = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 10,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "head_dim": 16,
    "global_head_dim": 32,
    "sliding_window": 8,
    "vocab_size": VOCABULARY,
    "vocab_size_per_layer_input": VOCABULARY,
    "hidden_size_per_layer_input": 16,
    "num_kv_shared_layers": 5,
    "use_double_wide_mlp": True,
    "final_logit_softcapping": 30.0,
    "layer_types": (["sliding_attention"] * 4 + ["full_attention"]) * 2,
    "tie_word_embeddings": True,
    "max_position_embeddings": 512,
    "pad_token_id": 0,
    "eos_token_id": 1,
    "bos_token_id": 2,
}
_TOWERS: dict[str, Any] = {
    "vision_config": {
        "hidden_size": 32, "intermediate_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2,
        "num_key_value_heads": 2, "head_dim": 16, "position_embedding_size": 16,
    },
    "audio_config": {
        "hidden_size": 32, "num_hidden_layers": 1, "num_attention_heads": 2, "output_proj_dims": 32,
        "subsampling_conv_channels": [8, 4],
    },
    "image_token_id": VOCABULARY - 1, "audio_token_id": VOCABULARY - 2, "video_token_id": VOCABULARY - 3,
}  # fmt: skip


def shared_model(*, towers: bool = False, **changes: Any) -> Any:
    """An untrained text model, or one with vision and audio towers."""
    import torch
    from transformers import Gemma4Config, Gemma4ForCausalLM, Gemma4ForConditionalGeneration, Gemma4TextConfig

    torch.manual_seed(0)
    text = {**TEXT, **changes}
    if towers:
        model: Any = Gemma4ForConditionalGeneration(Gemma4Config(text_config=text, **_TOWERS))
    else:
        model = Gemma4ForCausalLM(Gemma4TextConfig(**text))
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith(("q_norm.weight", "k_norm.weight")):
                parameter.fill_(parameter.numel() ** -0.25)
    return model.train()


def random_batch(rows: int, columns: int, seed: int, side: str = "right") -> dict[str, Any]:
    """Rows of random lengths, each with some labels at random places behind its first token."""
    import torch

    draw = torch.Generator().manual_seed(seed)

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=draw))

    ids = torch.randint(3, VOCABULARY - 3, (rows, columns), generator=draw)
    attention = torch.zeros(rows, columns, dtype=torch.long)
    labels = torch.full((rows, columns), -100)
    for at in range(rows):
        length = number(2, columns)
        begin = 0 if side == "right" else columns - length
        attention[at, begin : begin + length] = 1
        first = begin + number(1, length - 1)
        scored = torch.rand(begin + length - first, generator=draw) < 0.7
        labels[at, first : begin + length] = torch.where(scored, ids[at, first : begin + length], -100)
    return {"input_ids": ids * attention, "attention_mask": attention, "labels": labels}


def random_pairs(pairs: int, prompt: int, completion: int, seed: int) -> dict[str, Any]:
    """Chosen rows, then rejected rows, right-padded; the sides of a pair have a prompt of a random length in common."""
    import torch

    draw = torch.Generator().manual_seed(seed)

    def number(low: int, high: int) -> int:
        return int(torch.randint(low, high + 1, (), generator=draw))

    def tokens(count: int) -> list[int]:
        return torch.randint(3, VOCABULARY - 3, (count,), generator=draw).tolist()

    sides: list[list[tuple[list[int], int]]] = [[], []]
    for _ in range(pairs):
        common = tokens(number(1, prompt))
        start = number(1, len(common))  # a completion may begin inside of what both sides have in common
        for side in sides:
            side.append((common + tokens(number(1, completion)), start))
    rows = [*sides[0], *sides[1]]
    columns = max(len(row) for row, _ in rows)
    batch = {name: torch.zeros(len(rows), columns, dtype=torch.long) for name in ("input_ids", "attention_mask")}
    labels = torch.full((len(rows), columns), -100)
    for at, (row, start) in enumerate(rows):
        batch["input_ids"][at, : len(row)] = torch.tensor(row)
        batch["attention_mask"][at, : len(row)] = 1
        labels[at, start : len(row)] = torch.tensor(row[start:])
    return {**batch, "labels": labels}
