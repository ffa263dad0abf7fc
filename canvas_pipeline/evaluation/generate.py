"""Generate a model's predictions for the cases of a benchmark, greedily or sampled; resumable and deterministic.

Predictions include special tokens; without them every model would score 0 %. A checkpoint and a GGUF file get the same prompt
tokens. The list of cases determines the batches, and an incomplete batch is generated again, so a prediction does not depend on
where a run was interrupted. The output file is written atomically.

torch is imported inside the functions. A damaged GGUF aborts the process: run this in a child
(``pipeline.generation_process``).
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.benchmark import Case, Prediction
from canvas_pipeline.evaluation.llama import MAX_NEW_TOKENS, Gguf, workers_of
from canvas_pipeline.evaluation.prefix import LEAST, SharedStates, cache_of, common_prefix
from canvas_pipeline.models.family import ModelFamily, Schemas
from canvas_pipeline.models.gbnf import Grammars
from canvas_pipeline.records import Message, Row, digest, dumps, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.training import launched, ranks
from canvas_pipeline.training.encoding import batches, padded_length
from canvas_pipeline.training.progress import Reporter

ROUND = 48
"""Tokens to generate before unfinished rows are put into a smaller batch."""
TOKENS_A_BATCH = 8192


@dataclass(frozen=True, slots=True)
class Sampling:
    """Sample tokens at a temperature above 0. Random numbers depend on the seed and the case's id only."""

    temperature: float
    seed: int = 0

    def generator(self, name: str) -> Any:
        """Return the random number generator of one case."""
        import torch

        return torch.Generator().manual_seed(int(digest("sample", str(self.seed), name)[:15], 16))


class Generator(Protocol):
    """A loaded model. ``workers`` threads may call it at once.

    ``generate`` returns ``(text, stopped)`` for each rendered prompt; ``names`` are the ids of the cases, used in sampling.
    ``length`` counts a prompt's tokens."""

    workers: int

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]: ...

    def length(self, prompt: str) -> int: ...


@runtime_checkable
class SharesPrefix(Protocol):
    """A ``Generator`` that can compute once what the prompts to come begin with."""

    def share(self, prompts: Sequence[str]) -> None: ...


class Checkpoint:
    """A ``Generator`` for a safetensors folder, with transformers: float32 on a CPU, bfloat16 on a GPU. Pads on the left."""

    def __init__(
        self,
        folder: Path,
        family: ModelFamily,
        max_new_tokens: int = MAX_NEW_TOKENS,
        sampling: Sampling | None = None,
    ) -> None:
        from canvas_pipeline.training.allocator import bound
        from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
        from canvas_pipeline.training.device import on_cpu

        bound()
        self.tokenizer = load_tokenizer(folder, family)
        self.model = load_model(folder, "float32" if on_cpu() else "bfloat16").eval()
        weights = sum(path.stat().st_size for path in folder.glob("*.safetensors"))
        self.workers = workers_of(weights) if on_cpu() else 1
        self.stops = [self.tokenizer.convert_tokens_to_ids(stop) for stop in family.stops]
        self.max_new_tokens = max_new_tokens
        self.sampling = sampling
        self._shared: SharedStates | None = None

    def share(self, prompts: Sequence[str]) -> None:
        """Compute the common prefix of prompts once; batches of them continue from it."""
        ids = common_prefix([self._ids(prompt) for prompt in prompts])
        self._shared = SharedStates.of(self.model, ids) if len(ids) >= LEAST else None

    def _ids(self, prompt: str) -> list[int]:
        return list(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])

    def length(self, prompt: str) -> int:
        return len(self._ids(prompt))

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        """Generate in rounds: after each, the rows that have stopped leave the batch, so that one long answer does not delay it."""
        import torch

        if self.workers > 1:
            torch.set_num_threads(1)  # of the calling thread
        inputs = [self._ids(prompt) for prompt in prompts]
        outputs: list[list[int]] = [[] for _ in prompts]
        unfinished = list(range(len(prompts)))
        generators = [self.sampling.generator(name) for name in names or prompts] if self.sampling else []
        while unfinished:
            limit = min(ROUND, self.max_new_tokens - len(outputs[unfinished[0]]))
            rows = [inputs[i] + outputs[i] for i in unfinished]
            new = self._continue(rows, limit, [generators[i] for i in unfinished] if generators else [])
            for i, tokens in zip(unfinished, new, strict=True):
                outputs[i] += tokens
            unfinished = [
                i for i in unfinished if outputs[i][-1] not in self.stops and len(outputs[i]) < self.max_new_tokens
            ]
        return [(self.tokenizer.decode(row, skip_special_tokens=False), row[-1] in self.stops) for row in outputs]

    def _continue(self, rows: Sequence[list[int]], limit: int, generators: Sequence[Any]) -> list[list[int]]:
        """Return the next tokens of each row, at most ``limit``, up to and including its stop; sampled if there are generators."""
        import torch

        longest = padded_length(max(map(len, rows)))
        device = self.model.device
        ids = torch.tensor([[self.tokenizer.pad_token_id] * (longest - len(row)) + row for row in rows], device=device)
        attention = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows], device=device)
        with torch.no_grad():
            output = self.model.generate(
                input_ids=ids,
                attention_mask=attention,
                past_key_values=cache_of(self.model, self._shared, rows, ids, attention),
                max_new_tokens=limit,
                do_sample=False,
                logits_processor=[self._noise(generators)] if generators else None,
                eos_token_id=self.stops,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        return [self._cut(row) for row in output[:, longest:].tolist()]

    def _noise(self, generators: Sequence[Any]) -> Any:
        """Return a logits processor that adds Gumbel noise: greedy decoding with it is sampling (Gumbel 1954)."""
        import torch

        assert self.sampling is not None
        temperature = self.sampling.temperature

        def noisy(_: Any, scores: Any) -> Any:
            uniform = torch.stack([torch.rand(scores.shape[-1], generator=generator) for generator in generators])
            gumbel = -torch.log(-torch.log(uniform.clamp(1e-9, 1 - 1e-7)))
            return scores / temperature + gumbel.to(scores.device)

        return noisy

    def _cut(self, ids: list[int]) -> list[int]:
        return ids[: next((at + 1 for at, token in enumerate(ids) if token in self.stops), len(ids))]


def load(
    model_format: str,
    model: Path,
    family: ModelFamily,
    max_new_tokens: int = MAX_NEW_TOKENS,
    context: int = 4096,
    sampling: Sampling | None = None,
    grammars: Grammars | None = None,
) -> Generator:
    """Load a ``Gguf`` (``model_format`` is ``gguf``) or a ``Checkpoint`` from its folder or a stage's folder.

    Raises ``BadInput`` for a GGUF with sampling, which is not supported. ``grammars`` are for a GGUF."""
    if model_format == "gguf":
        if sampling is not None:
            raise BadInput("a GGUF answers greedily here; sample from the checkpoint it was made of")
        return Gguf(model, family, max_new_tokens, context, grammars=grammars)
    from canvas_pipeline.training.weights import model_folder

    return Checkpoint(model_folder(model), family, max_new_tokens, sampling)


class ChatModel:
    """Complete conversations with a generator, as an agent needs."""

    def __init__(self, generator: Generator, family: ModelFamily, tools: Schemas | None = None) -> None:
        self.generator = generator
        self.family = family
        self.tools = tools

    def complete(self, messages: Sequence[Message]) -> str:
        """Return the next assistant turn as raw text, including its stop token."""
        return self.generator.generate([prompt_text(messages, self.family, self.tools)])[0][0]


def prompt_text(messages: Sequence[Message], family: ModelFamily, tools: Schemas | None = None) -> str:
    """Render a conversation up to the start of the model's next turn."""
    return family.render(messages, tools, generation=True, strict=False).text


def generate(
    generator: Generator,
    cases: Sequence[Case],
    prompts: Sequence[str],
    out: Path,
    key: str,
    report: Reporter,
    seal: Seal,
) -> list[Prediction]:
    """Generate a prediction for every case and write them to ``out``. Ranks divide the batches among them; the first one writes.

    Predictions of an interrupted run with the same ``key`` are reused, whatever its number of ranks."""
    out.parent.mkdir(parents=True, exist_ok=True)
    partial, others = _partials(out)
    own = _known(partial, key, seal)
    known = ranks.union({**own, **{name: row for path in others for name, row in _known(path, key, seal).items()}})
    if known:
        report.emit("resumed", rows=len(known))
    with partial.open("ab" if own else "wb") as file:
        if not own:
            file.write(dumps({"key": key}) + b"\n")
        lengths = [generator.length(prompt) for prompt in prompts]
        order = sorted(range(len(prompts)), key=lambda index: (lengths[index], index))
        missing = [
            batch for batch in batches(order, lengths, TOKENS_A_BATCH) if not all(cases[i].id in known for i in batch)
        ]
        done, missing = len(cases) - sum(map(len, missing)), ranks.mine(missing)
        if missing and isinstance(generator, SharesPrefix):
            generator.share(prompts)
        # Both libraries release the interpreter lock while they compute.
        with ThreadPoolExecutor(generator.workers) as pool:
            futures = {
                pool.submit(generator.generate, [prompts[i] for i in batch], [cases[i].id for i in batch]): batch
                for batch in missing
            }
            try:
                for future in as_completed(futures):
                    batch = futures[future]
                    for index, (text, stopped) in zip(batch, future.result(), strict=True):
                        row = known[cases[index].id] = Prediction(id=cases[index].id, text=text, stopped=stopped)
                        file.write(dumps(_Finished(row=row, seal=seal.sign(key, digest(dumps(row).decode())))) + b"\n")
                    file.flush()
                    done = min(done + len(batch) * launched.world(), len(cases))
                    report.step("generate", done, len(cases))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    known = ranks.union(known)
    predictions = [known[case.id] for case in cases]
    if launched.first():
        with whole_file(out) as temporary:
            write_jsonl(temporary, predictions)
    ranks.wait()
    for path in (partial, *others):
        path.unlink()
    return predictions


def _partials(out: Path) -> tuple[Path, list[Path]]:
    """Return the file for this rank's predictions until all are there, and those of earlier ranks that are no longer, for this one
    to read."""
    name = f".partial-{out.name}"
    found = (path for path in out.parent.iterdir() if path.name.startswith(f"{name}."))
    numbers = sorted(int(path.suffix[1:]) for path in found if path.suffix[1:].isdigit())
    left = [number for number in numbers if number >= launched.world() and number % launched.world() == launched.rank()]
    own = f"{name}.{launched.rank()}" if launched.rank() else name
    return out.with_name(own), [out.with_name(f"{name}.{number}") for number in left]


class _Finished(Row, frozen=True, kw_only=True):
    row: Prediction
    seal: str


def _known(partial: Path, key: str, seal: Seal) -> dict[str, Prediction]:
    """Read the predictions of an interrupted run with the same key, without an incomplete last line and edited ones."""
    import msgspec

    try:
        lines = partial.read_bytes().splitlines(keepends=True)
    except FileNotFoundError:
        return {}
    if not lines or lines[0] != dumps({"key": key}) + b"\n":
        return {}
    whole = [line for line in lines[1:] if line.endswith(b"\n")]
    if len(whole) + 1 < len(lines):
        partial.write_bytes(b"".join([lines[0], *whole]))
    rows = [msgspec.json.decode(line, type=_Finished) for line in whole]
    return {f.row.id: f.row for f in rows if seal.signed(key, digest(dumps(f.row).decode()), f.seal)}
