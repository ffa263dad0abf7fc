"""Run one command on a model file, as a child process of ``release.gguf``.

Reads a JSON request from stdin and prints one JSON reply as the last line of stdout. A model file may make llama.cpp or the GGUF
reader abort, hang or exhaust memory; that ends only this process. Within the
package ``release`` only this module imports llama_cpp, gguf and the converter.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Request = Mapping[str, Any]


def convert(request: Request) -> dict[str, Any]:
    """Run llama.cpp's converter: {converter, model, out, outtype, name, chat_template, …} → {}. ``chat_template`` goes into
    the file instead of the folder's own, unless it is None; the rest are the fields of ``models.family.GgufFacts``."""
    home = request["converter"]
    # The converter's own gguf-py must be found before the older package from the index.
    sys.path[:0] = [home, f"{home}/gguf-py"]
    from conversion.base import ModelBase

    if request["same_head_dim"]:
        _complete_head_dim(ModelBase)
    import convert_hf_to_gguf
    import gguf

    _vocabulary(request)
    if request["chat_template"] is not None:
        add = gguf.GGUFWriter.add_chat_template
        gguf.GGUFWriter.add_chat_template = lambda writer, _: add(writer, request["chat_template"])

    # Without a name the converter would derive one from the folder's and write it into the file.
    sys.argv = [
        "convert_hf_to_gguf.py", request["model"], "--outfile", request["out"], "--outtype", request["outtype"],
        "--model-name", request["name"],
    ]  # fmt: skip
    convert_hf_to_gguf.main()
    return {}


def _complete_head_dim(base: Any) -> None:
    """Fill in ``global_head_dim``: transformers 5 omits it where it equals ``head_dim``, and the converter then fails."""
    original = base.load_hparams

    def load_hparams(*args: Any, **kwargs: Any) -> Any:
        hparams = original(*args, **kwargs)
        text = hparams.get("text_config", hparams)
        if "head_dim" in text and text.get("global_head_dim") is None:
            layers = text.get("per_layer_config") or {}
            if not any("head_dim" in layer for layer in layers.values()):
                text["global_head_dim"] = text["head_dim"]
        return hparams

    base.load_hparams = staticmethod(load_hparams)


def _vocabulary(request: Request) -> None:
    """Set the pre-tokenizer of a tokenizer that the converter does not recognise, and write the vocabulary as for another
    architecture where there is no ``tokenizer.model``."""
    from conversion import get_model_class
    from conversion.base import TextModel

    recognise = TextModel.get_vocab_base_pre

    def named(model: Any, tokenizer: Any) -> Any:
        try:
            return recognise(model, tokenizer)
        except NotImplementedError:
            if request["pre_tokenizer"] is None:
                raise
            return request["pre_tokenizer"]

    TextModel.get_vocab_base_pre = named
    folder = Path(request["model"])
    if (folder / "tokenizer.model").is_file():
        return

    def no_such_file(_: Any) -> None:
        raise FileNotFoundError  # before sentencepiece is imported, which need not be installed

    TextModel._set_vocab_sentencepiece = no_such_file
    if request["vocabulary_as"] is not None:
        architecture = json.loads((folder / "config.json").read_bytes())["architectures"][0]
        get_model_class(architecture).set_vocab = get_model_class(request["vocabulary_as"]).set_vocab


def quantise(request: Request) -> dict[str, Any]:
    """Quantise one file: {source, out, quant, threads} → {seconds}."""
    import ctypes

    import llama_cpp

    parameters = llama_cpp.llama_model_quantize_default_params()
    parameters.ftype = getattr(llama_cpp, f"LLAMA_FTYPE_MOSTLY_{request['quant']}")
    parameters.nthread = request["threads"]
    start = time.monotonic()
    code = llama_cpp.llama_model_quantize(request["source"].encode(), request["out"].encode(), ctypes.byref(parameters))
    if code:
        raise RuntimeError(f"llama_model_quantize returned {code}")
    return {"seconds": time.monotonic() - start}


def inspect(request: Request) -> dict[str, Any]:
    """Read a file's header back: {path} → {tensors: [{name, type, shape}], strings: {key: [text]}, numbers: {key: n}}.

    Shapes are in ggml's order, the row length first.
    """
    from gguf import GGUFReader, GGUFValueType

    reader = GGUFReader(request["path"])
    tensors = [{"name": t.name, "type": t.tensor_type.name, "shape": [int(n) for n in t.shape]} for t in reader.tensors]
    strings: dict[str, list[str]] = {}
    numbers: dict[str, float] = {}
    for key, field in reader.fields.items():
        if key.startswith("GGUF.") or not field.types:
            continue
        if field.types[-1] == GGUFValueType.STRING:
            strings[key] = [bytes(field.parts[i]).decode("utf-8", "replace") for i in field.data]
        elif len(field.data) == 1 and field.types[0] != GGUFValueType.ARRAY:
            numbers[key] = float(field.parts[field.data[0]][0])
    return {
        "tensors": tensors,
        "strings": strings,
        "numbers": numbers,
        "types": dict(Counter(t["type"] for t in tensors)),
    }


def answer(request: Request) -> dict[str, Any]:
    """Load a model and generate greedily:

    {path, prompts, stops, max_tokens, context, threads} → {answers: [{tokens, text, stop}], seconds}.

    A prompt is a list of token ids, or text whose markers are special tokens. Generation stops before the first of
    ``stops`` (texts of single tokens) or any end-of-generation token, or after ``max_tokens``. ``stop`` is the stop's text,
    or None at the limit.
    """
    import llama_cpp

    model = llama_cpp.Llama(
        request["path"], n_ctx=request["context"], n_threads=request["threads"], seed=0, verbose=False, logits_all=False,
        n_gpu_layers=-1 if llama_cpp.llama_supports_gpu_offload() else 0,
    )  # fmt: skip
    stops: dict[int, str] = {}
    for text in request["stops"]:
        ids = model.tokenize(text.encode(), add_bos=False, special=True)
        if len(ids) == 1:
            stops[ids[0]] = text
    start, answers = time.monotonic(), []
    for prompt in request["prompts"]:
        ids = model.tokenize(prompt.encode(), add_bos=False, special=True) if isinstance(prompt, str) else list(prompt)
        if len(ids) + request["max_tokens"] > request["context"]:
            raise RuntimeError(f"a prompt of {len(ids)} tokens and {request['max_tokens']} more do not fit the context")
        tokens: list[int] = []
        stop: str | None = None
        model.reset()
        for token in model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
            if token in stops or llama_cpp.llama_vocab_is_eog(model._model.vocab, token):
                stop = stops.get(token, "end of generation")
                break
            tokens.append(token)
            if len(tokens) >= request["max_tokens"]:
                break
        text = model.detokenize(tokens, special=True).decode("utf-8", "replace") if tokens else ""
        answers.append({"tokens": tokens, "text": text, "stop": stop, "prompt_tokens": len(ids)})
    return {"answers": answers, "seconds": time.monotonic() - start}


COMMANDS: Mapping[str, Callable[[Request], dict[str, Any]]] = {
    "convert": convert,
    "quantise": quantise,
    "inspect": inspect,
    "answer": answer,
}


def limit(limits: Mapping[str, int | None]) -> None:
    """Limit this process: CPU seconds, address space in bytes (None: unlimited), no core dump."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for kind, key in ((resource.RLIMIT_CPU, "cpu_seconds"), (resource.RLIMIT_AS, "memory")):
        if (value := limits[key]) is not None:
            resource.setrlimit(kind, (value, value))


def main() -> None:
    """Read the request, run the command, print the reply as the last line."""
    request = json.loads(sys.stdin.read())
    limit(request["limits"])
    reply = COMMANDS[sys.argv[1]](request)
    sys.stdout.flush()
    print("\n" + json.dumps(reply), flush=True)


if __name__ == "__main__":
    # Remove this file's folder from the search path: release/gguf.py would hide the package `gguf`.
    own = Path(__file__).resolve().parent
    sys.path[:] = [entry for entry in sys.path if Path(entry or ".").resolve() != own]
    main()
