"""Load and save model folders, and merge adapters.

A checkpoint with missing, unexpected or mismatched keys is refused; transformers would only warn and continue with random weights.
A saved folder includes the marked chat template and the stop tokens, and appears only when it is complete.

torch, transformers and peft are imported inside the functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.models.families import family_of
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.storage.atomic import whole_folder

Dtype = Literal["float32", "bfloat16"]


def load_tokenizer(folder: Path, family: ModelFamily) -> Any:
    """Load the folder's tokenizer with the family's template. Raises ``BadInput`` where it lacks a token that the family needs."""
    from transformers import AutoTokenizer

    if not (folder / "tokenizer_config.json").is_file():
        raise MissingInput(f"{folder}: no tokenizer there; the folder of a complete checkpoint is needed")
    tokenizer = AutoTokenizer.from_pretrained(str(folder), local_files_only=True)
    vocabulary = tokenizer.get_vocab()
    lacking = [token for token in family.required_tokens if token not in vocabulary]
    if lacking:
        raise BadInput(
            f"{folder}: not a {family.name} tokenizer, it lacks {', '.join(lacking)}; use a base model of that family"
        )
    tokenizer.chat_template = family.chat_template
    tokenizer.pad_token = family.pad
    tokenizer.padding_side = "right"
    return tokenizer


def load_model(folder: Path, dtype: Dtype = "float32", *, quantise: bool = False) -> Any:
    """Load the folder's model, text tower or whole, through the Auto class. Vision and audio towers are frozen.

    ``quantise`` loads 4-bit NF4 for QLoRA. Raises ``BadInput`` naming keys that are missing, unexpected or of another
    shape: such weights would be random."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    if not (folder / "config.json").is_file():
        raise MissingInput(f"{folder}: no model there (no config.json); materialise the stage that makes it first")
    options: dict[str, Any] = {}
    if quantise:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
        )
        options["device_map"] = {"": "cuda:0" if torch.cuda.is_available() else "cpu"}
    try:
        model, report = AutoModelForCausalLM.from_pretrained(
            str(folder), dtype=getattr(torch, dtype), local_files_only=True, output_loading_info=True, **options
        )
    except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
        raise BadInput(
            f"{folder}: the checkpoint cannot be loaded ({type(error).__name__}); it may be cut or of another kind"
        ) from error
    problems = {
        kind: sorted(map(str, report.get(kind) or ()))
        for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")
    }
    for kind, keys in problems.items():
        if keys:
            raise BadInput(
                f"{folder}: {len(keys)} {kind.replace('_', ' ')}, the first is {keys[0]}; its weights would be random, "
                "so the checkpoint is refused: check that it is complete and made for this transformers version"
            )
    frozen = family_of(folder).frozen
    for name, parameter in model.named_parameters():
        if any(f"{module}." in name for module in frozen):
            parameter.requires_grad_(False)
    return model


def save_model(model: Any, tokenizer: Any, folder: Path, family: ModelFamily, dtype: Dtype | None = None) -> None:
    """Save model, tokenizer, template and stops as one folder, all or nothing."""
    import torch

    if dtype is not None:
        model = model.to(getattr(torch, dtype))
    set_stops(model, tokenizer, family)
    tokenizer.padding_side = "left"
    try:
        with whole_folder(folder) as temporary:
            model.save_pretrained(str(temporary))
            tokenizer.save_pretrained(str(temporary))
    finally:
        tokenizer.padding_side = "right"


def set_stops(model: Any, tokenizer: Any, family: ModelFamily) -> None:
    """Make generation stop at each of the family's stops."""
    model.generation_config.eos_token_id = [tokenizer.convert_tokens_to_ids(token) for token in family.stops]
    model.generation_config.pad_token_id = tokenizer.pad_token_id
    model.generation_config.bos_token_id = tokenizer.bos_token_id


def adapter_config(family: ModelFamily, rank: int, alpha: int) -> Any:
    """Return a LoRA configuration for all linear layers of the text model."""
    from peft import LoraConfig

    return LoraConfig(r=rank, lora_alpha=alpha, lora_dropout=0.0, target_modules=family.adapted, task_type="CAUSAL_LM")


def merged(start: Path, adapter: Path, dtype: Dtype) -> Any:
    """Merge an adapter into the full-precision weights of the start model, as GGUF conversion needs.

    QLoRA's adapter was trained on 4-bit weights; merging it into the unquantised ones is the usual practice."""
    from peft import PeftModel

    return PeftModel.from_pretrained(load_model(start, dtype), str(adapter)).merge_and_unload()
