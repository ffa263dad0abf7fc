"""Save a miniature of google/gemma-4-E2B-it: the same classes, the same form of every part, 12.8 M untrained parameters.

Ten text layers of which the last five read keys and values of earlier ones and have double-wide MLPs, one full layer after four
sliding ones, one key head, per-layer embeddings of 256, a vision and an audio tower, bfloat16. As in the real files, the shared
layers carry key and value weights that nothing reads, and the config names ``global_head_dim``."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from canvas_pipeline.models.family import Shape
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.tiny import build_config, scale_scores
from canvas_pipeline.tracks.canvas.tiny_base import SHIPPED
from canvas_pipeline.training.checkpoint import load_tokenizer, save_model

SHAPE = Shape(
    layers=10, intermediate=256, kv_heads=1, layout="ssssfssssf", kv_shared=5, double_wide=True, per_layer=256, window=64
)  # fmt: skip
MARKS = {
    "boi_token_id": "<|image>", "eoi_token_id": "<image|>", "image_token_id": "<|image|>", "video_token_id": "<|video|>",
    "boa_token_id": "<|audio>", "eoa_token_index": "<audio|>", "audio_token_id": "<|audio|>",
}  # fmt: skip


def save_faithful(folder: Path, *, seed: int = 0) -> Path:
    """Save the miniature with the embedded base's tokenizer."""
    import torch
    from transformers import Gemma4AudioConfig, Gemma4Config, Gemma4ForConditionalGeneration, Gemma4VisionConfig

    tokenizer = load_tokenizer(SHIPPED, GEMMA4)
    config = Gemma4Config(
        text_config=build_config(replace(SHAPE, vocabulary=len(tokenizer))),
        vision_config=Gemma4VisionConfig(
            hidden_size=64, intermediate_size=128, num_hidden_layers=2, num_attention_heads=2, num_key_value_heads=2,
            head_dim=32, position_embedding_size=64, use_clipped_linears=True,
        ),
        audio_config=Gemma4AudioConfig(
            hidden_size=64, num_hidden_layers=2, num_attention_heads=2, output_proj_dims=64, subsampling_conv_channels=(8, 4)
        ),
        **{name: tokenizer.convert_tokens_to_ids(token) for name, token in MARKS.items()},
    )  # fmt: skip
    torch.manual_seed(seed)
    model = Gemma4ForConditionalGeneration(config)
    scale_scores(model.model.language_model.layers)
    save_model(model, tokenizer, folder, GEMMA4, "bfloat16")
    _carry_unread_weights(folder)
    _name_head_dim(folder)
    return folder


def unread_weights() -> dict[str, tuple[int, ...]]:
    """Return the weights of the shared layers that no layer reads, by name, with their shapes."""
    found: dict[str, tuple[int, ...]] = {}
    for index in range(SHAPE.layers - SHAPE.kv_shared, SHAPE.layers):
        width = SHAPE.global_head_dim if SHAPE.layout[index] == "f" else SHAPE.head_dim
        prefix = f"model.language_model.layers.{index}.self_attn"
        found |= {f"{prefix}.{name}.weight": (SHAPE.kv_heads * width, SHAPE.hidden) for name in ("k_proj", "v_proj")}
        found[f"{prefix}.k_norm.weight"] = (width,)
    return found


def _carry_unread_weights(folder: Path) -> None:
    import torch
    from safetensors.torch import load_file, save_file

    weights = load_file(folder / "model.safetensors")
    unread = {name: torch.randn(shape, dtype=torch.bfloat16) for name, shape in unread_weights().items()}
    save_file({**weights, **unread}, folder / "model.safetensors", {"format": "pt"})


def _name_head_dim(folder: Path) -> None:
    """Write the config's head sizes as the published file has them, and not as transformers 5 does, for each layer."""
    path = folder / "config.json"
    config = json.loads(path.read_text(encoding="utf-8"))
    text = config["text_config"]
    text.pop("per_layer_config", None)
    text["global_head_dim"] = SHAPE.global_head_dim
    path.write_text(json.dumps(config), encoding="utf-8")
