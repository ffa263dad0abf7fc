"""Load and save model folders, and merge adapters.

A checkpoint with missing, unexpected or mismatched keys is refused; transformers would only warn and continue with random weights.
A saved folder includes the published chat template, the stop tokens and the base's processor files, and appears only when it is
complete. Loading for training puts the marked template on.

torch, transformers and peft are imported inside the functions.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.families import family_of
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.models.own_template import difference
from canvas_pipeline.storage.atomic import whole_folder
from canvas_pipeline.training.device import device
from canvas_pipeline.training.leaving import carry_processors, complete_config
from canvas_pipeline.training.rounding import rounded

Dtype = Literal["float32", "bfloat16"]
_PACKS = "support_avx512bf16_for_cpu"
"""The attribute of bitsandbytes' linear layers that lets them pack their weights; a contract test checks it."""


def load_tokenizer(folder: Path, family: ModelFamily) -> Any:
    """Load the folder's tokenizer with the family's template, whose assistant spans are marked.

    Raises ``BadInput`` where it lacks a token that the family needs, or where its own chat template writes another text than the
    family's: the mask of what the model generates would be right for another format."""
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
    own = tokenizer.chat_template
    own = own.get("default") if isinstance(own, dict) else own
    unlike = difference(own, family) if own else None
    if unlike is not None:
        raise BadInput(
            f"{folder}: its chat template writes {unlike} otherwise than that of the {family.name} family, so what the model "
            "generates cannot be marked; use a checkpoint with the published template, or remove the template from a copy of the "
            "folder to train with the family's"
        )
    tokenizer.chat_template = family.chat_template
    tokenizer.pad_token = family.pad
    tokenizer.padding_side = "right"
    return tokenizer


def load_model(folder: Path, dtype: Dtype = "float32", *, quantise: bool = False) -> Any:
    """Load the folder's model, text tower or whole, through the Auto class onto this process's device, without a second copy in the
    host's memory. Vision and audio towers are frozen.

    ``quantise`` loads 4-bit NF4 for QLoRA, except what the family keeps (``unquantised``). Raises ``BadInput`` naming keys that
    are missing, unexpected or of another shape: such weights would be random."""
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, BitsAndBytesConfig

    if not (folder / "config.json").is_file():
        raise MissingInput(f"{folder}: no model there (no config.json); materialise the stage that makes it first")
    family = family_of(folder)
    options: dict[str, Any] = {"device_map": {"": device()}}
    if quantise:
        options["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=getattr(torch, dtype),
            llm_int8_skip_modules=list(family.unquantised),
        )
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
    if (
        model.base_model is model
    ):  # Llama 4's text class names its backbone after the multimodal one, and TRL's head looks for it
        model.base_model_prefix = "model"
    for name, parameter in model.named_parameters():
        if any(f"{module}." in name for module in family.frozen):
            parameter.requires_grad_(False)
    for module in model.modules():
        # Outside of training, bitsandbytes packs 4-bit weights on a CPU with bf16 units in a form that has no gradient, for good.
        if hasattr(module, _PACKS):
            setattr(module, _PACKS, False)
    return model


def save_model(
    model: Any,
    tokenizer: Any,
    folder: Path,
    family: ModelFamily,
    dtype: Dtype | None = None,
    *,
    base: Path | None = None,
) -> None:
    """Save model, tokenizer, template and stops as one folder, all or nothing.

    The template is the published one: older runtimes refuse the marks for training. ``base`` is the folder of the model that this
    one was trained from; its processor files are carried along."""
    import torch

    if dtype is not None:
        model = model.to(getattr(torch, dtype))
    set_stops(model, tokenizer, family)
    marked = tokenizer.chat_template
    tokenizer.padding_side = "left"
    try:
        if isinstance(marked, str):
            tokenizer.chat_template = jinja.published(marked)
        with whole_folder(folder) as temporary:
            model.save_pretrained(str(temporary))
            tokenizer.save_pretrained(str(temporary))
            complete_config(temporary, family)
            if base is not None:
                carry_processors(base, temporary)
    finally:
        tokenizer.chat_template, tokenizer.padding_side = marked, "right"


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
    """Merge an adapter into the unquantised weights of the start model, as GGUF conversion needs.

    Each sum is made in float32, and rounded one by one to what the weights are in. QLoRA's adapter was trained on 4-bit weights;
    merging it into the unquantised ones is the usual practice."""
    from peft import PeftModel
    from peft.tuners.lora import LoraLayer

    adapted = PeftModel.from_pretrained(load_model(start, dtype), str(adapter))
    for name, module in adapted.named_modules():
        if isinstance(module, LoraLayer):
            weight = module.get_base_layer().weight
            whole = weight.data.float() + module.get_delta_weight(module.active_adapters[0]).float()
            weight.data = rounded(whole, name) if dtype == "bfloat16" else whole
    return adapted.unload()
