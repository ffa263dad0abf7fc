"""Generates a model's predictions for the cases of a benchmark: greedy or sampled, resumable, the same bytes on every run.

Special tokens are kept: stripping them would score every model 0 %. A checkpoint and a GGUF file get the very same prompt tokens.
A case's text does not depend on the run it was made in: batches are fixed by the list of cases, and a half-written batch is made
again. The file appears whole.

torch and llama_cpp are imported inside the functions. A damaged GGUF aborts the process: run this in a child
(``pipeline.generation_process``).
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Protocol

from canvas_pipeline.errors import BadInput, MissingInput, MissingTool
from canvas_pipeline.evaluation.benchmark import Case, Prediction
from canvas_pipeline.models.family import ModelFamily, Schemas
from canvas_pipeline.records import Message, Row, digest, dumps, write_jsonl
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.training.encoding import padded_length
from canvas_pipeline.training.progress import Reporter

MAX_NEW_TOKENS = 160
ROUND = 48
TOKENS_A_BATCH = 8192
SMALL = 256 << 20
"""Bytes of weights below which a model gains nothing from threads that wait for each other after every layer."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """Draw tokens at a temperature above 0 instead of taking the likeliest. Chance depends on the seed and the case's id."""

    temperature: float
    seed: int = 0

    def generator(self, name: str) -> Any:
        """The chance of one case."""
        import torch

        return torch.Generator().manual_seed(int(digest("sample", str(self.seed), name)[:15], 16))


class Generator(Protocol):
    """A loaded model: rendered prompts in, ``(text, stopped)`` out, in order. As many threads as ``workers`` may ask it at once.

    ``names`` are the ids of the cases, for one that samples."""

    workers: int

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]: ...

    def length(self, prompt: str) -> int: ...


def workers_of(weights: int) -> int:
    """How many batches are computed at once on this processor, each by one thread: one a core for a small model, else one batch by
    all threads."""
    return len(os.sched_getaffinity(0)) if weights < SMALL else 1


class Checkpoint:
    """A safetensors folder through transformers, float32, greedy unless it samples; batches are padded on the left."""

    def __init__(
        self,
        folder: Path,
        family: ModelFamily,
        max_new_tokens: int = MAX_NEW_TOKENS,
        sampling: Sampling | None = None,
    ) -> None:
        import torch

        from canvas_pipeline.training.allocator import bound
        from canvas_pipeline.training.checkpoint import load_model, load_tokenizer

        bound()
        self.tokenizer = load_tokenizer(folder, family)
        self.model = load_model(folder, "bfloat16" if torch.cuda.is_available() else "float32").eval()
        self.workers = workers_of(sum(path.stat().st_size for path in folder.glob("*.safetensors")))
        if torch.cuda.is_available():
            self.model.to("cuda")
            self.workers = 1
        self.stops = [self.tokenizer.convert_tokens_to_ids(stop) for stop in family.stops]
        self.max_new_tokens = max_new_tokens
        self.sampling = sampling

    def length(self, prompt: str) -> int:
        return len(self.tokenizer(prompt, add_special_tokens=False)["input_ids"])

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        """In rounds: what has not stopped after a few tokens goes on in a smaller batch, so that one rambling answer does
        not keep the whole batch waiting."""
        import torch

        if self.workers > 1:
            torch.set_num_threads(1)  # those of the calling thread
        asked: list[list[int]] = [self.tokenizer(prompt, add_special_tokens=False)["input_ids"] for prompt in prompts]
        written: list[list[int]] = [[] for _ in prompts]
        unfinished = list(range(len(prompts)))
        chances = [self.sampling.generator(name) for name in names or prompts] if self.sampling else []
        while unfinished:
            room = min(ROUND, self.max_new_tokens - len(written[unfinished[0]]))
            drawn = [chances[i] for i in unfinished] if chances else []
            for row, new in zip(
                unfinished, self._continue([asked[i] + written[i] for i in unfinished], room, drawn), strict=True
            ):
                written[row] += new
            unfinished = [
                i for i in unfinished if written[i][-1] not in self.stops and len(written[i]) < self.max_new_tokens
            ]
        return [(self.tokenizer.decode(row, skip_special_tokens=False), row[-1] in self.stops) for row in written]

    def _continue(self, rows: Sequence[list[int]], room: int, chances: Sequence[Any]) -> list[list[int]]:
        """The next tokens of each row, at most ``room``, up to and with its stop; drawn by the row's chance where it has one."""
        import torch

        longest = padded_length(max(map(len, rows)))
        ids = torch.tensor([[self.tokenizer.pad_token_id] * (longest - len(row)) + row for row in rows])
        attention = torch.tensor([[0] * (longest - len(row)) + [1] * len(row) for row in rows])
        with torch.no_grad():
            output = self.model.generate(
                input_ids=ids.to(self.model.device),
                attention_mask=attention.to(self.model.device),
                max_new_tokens=room,
                do_sample=False,
                logits_processor=[self._noise(chances)] if chances else None,
                eos_token_id=self.stops,
                pad_token_id=self.tokenizer.pad_token_id,
            )
        return [self._cut(row) for row in output[:, longest:].tolist()]

    def _noise(self, chances: Sequence[Any]) -> Any:
        """Gumbel noise on the logits: the likeliest token with it is a sample without it (Gumbel 1954)."""
        import torch

        assert self.sampling is not None
        temperature = self.sampling.temperature

        def noisy(_: Any, scores: Any) -> Any:
            drawn = torch.stack([torch.rand(scores.shape[-1], generator=chance) for chance in chances])
            gumbel = -torch.log(-torch.log(drawn.clamp(1e-9, 1 - 1e-7)))
            return scores / temperature + gumbel.to(scores.device)

        return noisy

    def _cut(self, ids: list[int]) -> list[int]:
        return ids[: next((at + 1 for at, token in enumerate(ids) if token in self.stops), len(ids))]


class Gguf:
    """A GGUF through llama.cpp, greedy, one prompt at a time for each worker, which has a model of its own: all threads of one that
    is large, one thread of one that is small. What is said does not depend on it."""

    def __init__(
        self,
        path: Path,
        family: ModelFamily,
        max_new_tokens: int = MAX_NEW_TOKENS,
        context: int = 4096,
        workers: int | None = None,
    ) -> None:
        try:
            from llama_cpp import Llama
        except ImportError:
            raise MissingTool("llama_cpp is not installed; install the extra canvas-pipeline[release]") from None
        if not path.is_file():
            raise MissingInput(f"{path}: no such GGUF; materialise gguf first")
        self.workers = workers or workers_of(path.stat().st_size)
        threads = max(1, len(os.sched_getaffinity(0)) // self.workers)
        try:
            models = [
                Llama(str(path), n_ctx=context, n_threads=threads, verbose=False, seed=0) for _ in range(self.workers)
            ]
        except ValueError as error:
            raise BadInput(f"{path}: llama.cpp cannot load it ({error})") from None
        self.vocabulary = models[0]
        self.stops = {models[0].tokenize(stop.encode(), add_bos=False, special=True)[0] for stop in family.stops}
        self.context = context
        self.max_new_tokens = max_new_tokens
        self._free: SimpleQueue[Any] = SimpleQueue()
        for model in models:
            self._free.put(model)

    def length(self, prompt: str) -> int:
        return len(self.tokens(prompt))

    def tokens(self, prompt: str) -> list[int]:
        """The prompt's token ids (it carries its own BOS)."""
        return list(self.vocabulary.tokenize(prompt.encode(), add_bos=False, special=True))

    def generate(self, prompts: Sequence[str], names: Sequence[str] = ()) -> list[tuple[str, bool]]:
        model = self._free.get()
        try:
            return [self._one(model, prompt) for prompt in prompts]
        finally:
            self._free.put(model)

    def _one(self, model: Any, prompt: str) -> tuple[str, bool]:
        ids = self.tokens(prompt)
        if len(ids) + self.max_new_tokens > self.context:
            raise BadInput(
                f"a prompt of {len(ids)} tokens does not fit a context of {self.context}; give a larger --context"
            )
        # No prompt's cache is used for another: the answer must not depend on what was asked before.
        model.reset()
        written: list[int] = []
        for token in model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
            written.append(int(token))
            if token in self.stops or len(written) >= self.max_new_tokens:
                break
        text = model.detokenize(written, prev_tokens=ids, special=True).decode("utf-8", "replace")
        return text, bool(written) and written[-1] in self.stops


def load(
    backend: str,
    model: Path,
    family: ModelFamily,
    max_new_tokens: int = MAX_NEW_TOKENS,
    context: int = 4096,
    sampling: Sampling | None = None,
) -> Generator:
    """A loaded ``Checkpoint`` or ``Gguf``. A stage's folder is taken as its ``model`` folder.

    Raises ``BadInput`` where a GGUF is to be sampled from."""
    if backend == "gguf":
        if sampling is not None:
            raise BadInput("a GGUF answers greedily here; sample from the checkpoint it was made of")
        return Gguf(model, family, max_new_tokens, context)
    from canvas_pipeline.training.weights import model_folder

    return Checkpoint(model_folder(model), family, max_new_tokens, sampling)


class Backend:
    """Answers as an agent's model: messages in, the model's next turn out, its stop token kept."""

    def __init__(self, generator: Generator, family: ModelFamily, tools: Schemas | None = None) -> None:
        self.generator = generator
        self.family = family
        self.tools = tools

    def complete(self, messages: Sequence[Message]) -> str:
        """The next assistant turn as raw text."""
        return self.generator.generate([prompt_text(messages, self.family, self.tools)])[0][0]


def prompt_text(messages: Sequence[Message], family: ModelFamily, tools: Schemas | None = None) -> str:
    """Render a conversation up to where the model's next turn begins."""
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
    """Answer the prompt of every case and write ``out``. What an earlier run with the same ``key`` finished is reused."""
    partial = out.with_name(f".partial-{out.name}")
    out.parent.mkdir(parents=True, exist_ok=True)
    known = _known(partial, key, seal)
    if known:
        report.say("resumed", rows=len(known))
    with partial.open("ab" if known else "wb") as file:
        if not known:
            file.write(dumps({"key": key}) + b"\n")
        batches = list(_batches(generator, prompts))
        missing = [batch for batch in batches if not all(cases[i].id in known for i in batch)]
        done = len(cases) - sum(map(len, missing))
        # Both libraries compute outside of the interpreter's lock.
        with ThreadPoolExecutor(generator.workers) as pool:
            asked = {
                pool.submit(generator.generate, [prompts[i] for i in batch], [cases[i].id for i in batch]): batch
                for batch in missing
            }
            try:
                for answer in as_completed(asked):
                    batch = asked[answer]
                    for index, (text, stopped) in zip(batch, answer.result(), strict=True):
                        row = known[cases[index].id] = Prediction(id=cases[index].id, text=text, stopped=stopped)
                        file.write(dumps(_Finished(row=row, seal=seal.sign(key, digest(dumps(row).decode())))) + b"\n")
                    file.flush()
                    done += len(batch)
                    report.step("generate", done, len(cases))
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise
    predictions = [known[case.id] for case in cases]
    with whole_file(out) as temporary:
        write_jsonl(temporary, predictions)
    partial.unlink()
    return predictions


def _batches(generator: Generator, prompts: Sequence[str]) -> Iterator[list[int]]:
    lengths = [generator.length(prompt) for prompt in prompts]
    order = sorted(range(len(prompts)), key=lambda index: (lengths[index], index))
    batch: list[int] = []
    for index in order:
        # Sorted by length: the next one is the longest, and what the whole batch is padded to.
        if batch and lengths[index] * (len(batch) + 1) > TOKENS_A_BATCH:
            yield batch
            batch = []
        batch.append(index)
    if batch:
        yield batch


class _Finished(Row, frozen=True, kw_only=True):
    row: Prediction
    seal: str


def _known(partial: Path, key: str, seal: Seal) -> dict[str, Prediction]:
    """What an interrupted run left, if it was this run; a torn last line and edited ones are left out."""
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
