"""Check a quantised file: its tensor types, its metadata, and whether it loads and answers.

The report's ``problems`` include matrices that llama.cpp silently gave another type; personal data, machine paths and secrets in
the metadata (naming the key, never the value); and files that hang the reader or abort llama.cpp.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadConfig, MissingInput
from canvas_pipeline.models.family import ModelFamily
from canvas_pipeline.records import Message, Row
from canvas_pipeline.release.gguf import GIB, ModelFileUnusable, run_child
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.training.threads import cores

PROBE = Message(role="user", content="What is due this week?")
"""The default question, where the caller gives no prompts."""
MAX_PROBLEMS = 20


class Expectation(Row, frozen=True, kw_only=True):
    """The types that a quant's matrices may have; ``main`` must occur. ``_M`` and Q2_K are mixtures by design: llama.cpp gives
    the embeddings, those of each layer (PLE) included, Q6_K, and values and down projections more bits than the rest."""

    main: str
    allowed: tuple[str, ...]


# The fallback types of llama.cpp, where a row is no multiple of 256 (IQ4_NL, Q5_0, Q5_1, Q8_0, F16), are allowed for no K-quant.
EXPECTED: Mapping[str, Expectation] = {
    "Q2_K": Expectation(main="Q2_K", allowed=("Q2_K", "Q3_K", "Q4_K", "Q6_K")),
    "Q3_K_M": Expectation(main="Q3_K", allowed=("Q3_K", "Q4_K", "Q5_K", "Q6_K")),
    "Q4_K_M": Expectation(main="Q4_K", allowed=("Q4_K", "Q5_K", "Q6_K")),
    "Q5_K_M": Expectation(main="Q5_K", allowed=("Q5_K", "Q6_K")),
    "Q6_K": Expectation(main="Q6_K", allowed=("Q6_K",)),
    "Q8_0": Expectation(main="Q8_0", allowed=("Q8_0",)),
}

LEAKS: Mapping[str, re.Pattern[str]] = {
    "a machine path": re.compile(
        r"(?:^|[\s\"'=:(])(?:/(?:home|root|Users|tmp|var|mnt|srv|opt|data|work)/[\w.-]|[A-Za-z]:\\\w)"
    ),
    "an e-mail address": re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"),
    "a course registration number": re.compile(r"(?<![A-Za-z0-9])[A-Za-z]{2,5}_\d{4}[A-Za-z]?_\d+_\d{6}(?!\d)"),
    "an access token": re.compile(
        r"(?<![A-Za-z0-9])(?:hf_[A-Za-z0-9]{20,}|sk-[A-Za-z0-9_-]{20,}|gh[pousr]_[A-Za-z0-9]{30,})"
    ),
}


class Answer(Row, frozen=True, kw_only=True):
    """A greedy answer: token ids without the stop, its text with markers, the stop's text or None at the limit."""

    tokens: tuple[int, ...]
    text: str
    stop: str | None


class QuantReport(Row, frozen=True, kw_only=True):
    """The result of checking one file. ``types`` counts matrices by tensor type; ``size`` is in bytes; ``problems`` is empty if
    nothing is wrong."""

    quant: str
    file: str
    sha256: str
    size: int
    types: dict[str, int]
    type_problems: tuple[str, ...]
    leaks: tuple[str, ...]
    loaded: bool
    answers: tuple[Answer, ...]
    load_problem: str | None = None

    @property
    def answered(self) -> bool:
        """Tell whether it loaded and every question got at least one token."""
        return self.loaded and bool(self.answers) and all(answer.tokens for answer in self.answers)

    @property
    def problems(self) -> tuple[str, ...]:
        load = (
            (self.load_problem,) if self.load_problem else () if self.answered else ("a question got an empty answer",)
        )
        return (*self.type_problems, *self.leaks, *load)


class QuantEvidence(Row, frozen=True, kw_only=True):
    """The report on a quantised file, and its benchmark over ``cases`` cases: the unquantised checkpoint is right in
    ``exact_unquantised`` of them, and this file in ``exact_retained`` of those."""

    report: QuantReport
    cases: int
    exact_unquantised: int
    exact_retained: int


def check(
    path: Path,
    quant: str,
    family: ModelFamily,
    *,
    prompts: Sequence[str | Sequence[int]] = (),
    private: Iterable[str] = (),
    max_tokens: int = 48,
    context: int = 2048,
    seconds: float = 300,
) -> QuantReport:
    """Read a file back, load it, and generate answers to ``prompts`` (default: one question).

    ``private`` are texts that may not occur in its metadata (contributor names …)."""
    if quant not in EXPECTED:
        raise BadConfig(f"there is no quant {quant!r} here; choose one of: {', '.join(EXPECTED)}")
    if not path.is_file():
        raise MissingInput(f"{path}: no such file; quantise the checkpoint first")
    types: dict[str, int] = {}
    type_problems: tuple[str, ...]
    leaks: tuple[str, ...] = ()
    try:
        header = read_header(path, seconds=seconds)
    except ModelFileUnusable as error:
        type_problems = (f"its header cannot be read: {error}",)
    else:
        types = dict(Counter(t["type"] for t in header["tensors"] if is_matrix(t, family)))
        type_problems = wrong_types(header["tensors"], quant, family)
        leaks = metadata_leaks(header["strings"], private)
    answers: tuple[Answer, ...] = ()
    problem: str | None = None
    try:
        questions = prompts or (family.render((PROBE,), generation=True).text,)
        answers = ask(path, questions, family, max_tokens=max_tokens, context=context, seconds=seconds)
    except ModelFileUnusable as error:
        problem = f"it does not load and answer: {error}"
    return QuantReport(
        quant=quant, file=path.name, sha256=sha256_file(path), size=path.stat().st_size, types=types,
        type_problems=type_problems, leaks=leaks, loaded=problem is None, answers=answers, load_problem=problem,
    )  # fmt: skip


def read_header(path: Path, *, seconds: float = 120) -> dict[str, Any]:
    """Read tensors (name, type, shape) and metadata of a file in a child process, since the reader can hang on a damaged file.
    Raises ``ModelFileUnusable``."""
    memory = 4 * GIB + 2 * path.stat().st_size
    return run_child("inspect", {"path": str(path)}, subject=path, seconds=seconds, memory=memory)


def ask(
    path: Path,
    prompts: Sequence[str | Sequence[int]],
    family: ModelFamily,
    *,
    max_tokens: int = 48,
    context: int = 2048,
    threads: int | None = None,
    seconds: float = 300,
) -> tuple[Answer, ...]:
    """Generate greedy answers of a GGUF file to prompts (token ids, or text with markers), on all cores or ``threads``, and with
    all layers on a GPU where llama.cpp was built for one. Raises ``ModelFileUnusable``."""
    request = {
        "path": str(path), "prompts": [p if isinstance(p, str) else list(p) for p in prompts], "stops": family.stops,
        "max_tokens": max_tokens, "context": context, "threads": threads or cores(),
    }  # fmt: skip
    reply = run_child("answer", request, subject=path, seconds=seconds)
    return tuple(Answer(tokens=tuple(a["tokens"]), text=a["text"], stop=a["stop"]) for a in reply["answers"])


def is_matrix(tensor: Mapping[str, Any], family: ModelFamily) -> bool:
    """Tell whether a tensor is to be quantised: it has two or more axes longer than one (norms and scales do not)."""
    return sum(1 for n in tensor["shape"] if n > 1) >= 2 and not re.search(family.gguf.kept_in_float, tensor["name"])


def wrong_types(tensors: Sequence[Mapping[str, Any]], quant: str, family: ModelFamily) -> tuple[str, ...]:
    """List every matrix whose type is not one of the quant's, with its row length (K-quants need multiples of 256)."""
    expected = EXPECTED[quant]
    matrices = [t for t in tensors if is_matrix(t, family)]
    if not matrices:
        return ("it holds no matrix at all",)
    wrong = [
        f"{t['name']} is {t['type']} in a {quant} file (row length {t['shape'][0]}; allowed: {', '.join(expected.allowed)})"
        for t in matrices
        if t["type"] not in expected.allowed
    ]
    if not any(t["type"] == expected.main for t in matrices):
        wrong.append(f"no matrix is {expected.main}, the main type of {quant}")
    return _first(wrong)


def metadata_leaks(strings: Mapping[str, Sequence[str]], private: Iterable[str] = ()) -> tuple[str, ...]:
    """List the keys whose texts contain a path, an address, a CRN, a token, or a private text; never the value.

    In a list (the vocabulary) a private text counts if it is a whole entry; elsewhere if it is a whole word.
    """
    forbidden = {text.casefold() for text in private if text.strip()}
    words = re.compile(r"(?<!\w)(?:" + "|".join(map(re.escape, sorted(forbidden))) + r")(?!\w)") if forbidden else None
    found: list[str] = []
    for key, texts in sorted(strings.items()):
        reasons = {reason for text in texts for reason, pattern in LEAKS.items() if pattern.search(text)}
        if words is not None:
            if len(texts) > 1:
                hit = any(text.strip(" ▁Ġ").casefold() in forbidden for text in texts)
            else:
                hit = any(words.search(text.casefold()) for text in texts)
            if hit:
                reasons.add("a private text")
        found.extend(f"metadata key {key} holds {reason}" for reason in sorted(reasons))
    return _first(found)


def _first(problems: Sequence[str]) -> tuple[str, ...]:
    """Return the first ``MAX_PROBLEMS``, and a count of the rest."""
    rest = len(problems) - MAX_PROBLEMS
    return (*problems[:MAX_PROBLEMS], f"and {rest} more") if rest > 0 else tuple(problems)
