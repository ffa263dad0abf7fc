"""Check the base of the instruct track, and decide about it and its models at 40, 60, 70 and 85 %.

A base is contaminated if its tokenizer puts turn markers around prompts, or if it follows instructions before any training.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from canvas_pipeline.errors import GateClosed
from canvas_pipeline.evaluation.decision import Band, Decision, Effect, decide, decide_named
from canvas_pipeline.evaluation.statistics import PairedComparison, Rate, wilson
from canvas_pipeline.records import Row, digest
from canvas_pipeline.tracks.instruct.rows import prompt_of
from canvas_pipeline.verifiers.constraints import Constraint, check_constraints

MUST_FAIL_MOST, MUST_WORK_LEAST, PROBES_LEAST = 0.20, 0.80, 40
TEMPERATURES: tuple[tuple[float, int], ...] = ((0.0, 0), (0.7, 1), (0.7, 2))
"""How each probe is generated: (temperature, seed)."""

BandTable = Mapping[str, tuple[Band, ...]]
BANDS: BandTable = {
    "base": (
        Band(above=0.0, verdict="GO", effect="go"),
        Band(above=0.40, verdict="REVIEW", effect="ask"),
        Band(above=0.70, verdict="STOP", effect="stop"),
    ),
    "sft": (
        Band(above=0.0, verdict="INVESTIGATE", effect="ask"),
        Band(above=0.40, included=True, verdict="CAUTION", effect="go"),
        Band(above=0.60, verdict="GO", effect="go"),
    ),
}
COMPLETE_ABOVE, SIGNIFICANCE = 0.85, 0.05
PAIR_BOUNDS: Mapping[str, float] = {"identical_sides": 0, "margin_below": 0, "length_only_accuracy": 0.65}


class Tokenizer(Protocol):
    """The part of a transformers tokenizer that the loader uses."""

    chat_template: Any

    def encode(self, text: str, *, add_special_tokens: bool) -> list[int]: ...

    def decode(self, token_ids: list[int]) -> str: ...

    def get_vocab(self) -> dict[str, int]: ...


class TextModel(Protocol):
    """A model that continues texts."""

    def generate(self, prompts: Sequence[str], *, temperature: float, seed: int) -> Sequence[str]: ...


@dataclass(frozen=True, slots=True)
class PlainTokenizer:
    """A tokenizer without chat template. A prompt with a marker raises ``GateClosed``.

    ``had_template`` is the sha256 of the template that was removed, empty if there was none."""

    tokenizer: Tokenizer
    markers: Mapping[int, str]
    had_template: str

    def encode(self, text: str) -> list[int]:
        """Tokenise without special tokens."""
        ids = self.tokenizer.encode(text, add_special_tokens=False)
        found = [self.markers[token] for token in ids if token in self.markers]
        decoded = self.tokenizer.decode(ids)
        found += [marker for marker in self.markers.values() if marker in decoded and marker not in text]
        if found:
            raise GateClosed(
                f"a prompt holds the special token {found[0]}; a base reads text alone: remove it from the prompt"
            )
        return ids

    def apply_chat_template(self, *_: Any, **__: Any) -> str:
        """Raise ``GateClosed``: a base has no turns."""
        raise GateClosed("a chat template was to be applied to a base model; give it plain text")


def plain_tokenizer(tokenizer: Tokenizer, markers: Sequence[str], *, refuse_template: bool = False) -> PlainTokenizer:
    """Remove the chat template, and map the ids of turn markers and special tokens to their texts.

    With ``refuse_template``, a template raises ``GateClosed``: for a base that is known to have none."""
    template = getattr(tokenizer, "chat_template", None)
    if template and refuse_template:
        raise GateClosed(
            "the tokenizer has a chat template, so it is not a plain base's; use the base model's own tokenizer"
        )
    text = (
        template if isinstance(template, str) else json.dumps(template, sort_keys=True, default=str) if template else ""
    )
    tokenizer.chat_template = None
    vocabulary = tokenizer.get_vocab()
    special = [*markers, *getattr(tokenizer, "all_special_tokens", ())]
    ids = {vocabulary[marker]: marker for marker in special if marker in vocabulary}
    return PlainTokenizer(tokenizer, ids, digest("template", text) if text else "")


class Probe(Row, frozen=True, kw_only=True):
    """One prompt. ``works`` probes are texts to continue; the others are instructions that a base should fail."""

    kind: str
    prompt: str
    works: bool
    constraints: tuple[Constraint, ...]


_SEASONS = ("spring", "summer", "autumn", "winter")
_PRIMES = tuple("2 3 5 7 11 13 17 19 23 29 31 37 41 43 47".split())
_FAILING: Mapping[str, tuple[Callable[[int], str], Callable[[int], tuple[Constraint, ...]]]] = {
    "pig_latin": (
        lambda n: f"Say in Pig Latin: {('dog', 'cat', 'sun', 'bread', 'milk')[n]}",
        lambda n: (Constraint(kind="equals", values=(("ogday", "atcay", "unsay", "eadbray", "ilkmay")[n],)),),
    ),
    "primes": (
        lambda n: f"{('List', 'Name', 'Give me', 'Write', 'Tell me')[n]} three prime numbers.",
        lambda n: (Constraint(kind="members", n=3, values=_PRIMES),),
    ),
    "json": (
        lambda n: f"Write a JSON object with the keys {('name', 'title', 'city', 'color', 'size')[n]} and count.",
        lambda n: (Constraint(kind="json_keys", values=(("name", "title", "city", "color", "size")[n], "count")),),
    ),
    "seasons": (
        lambda n: f"{('Write', 'Make', 'Give me', 'Show me', 'I need')[n]} a numbered list of the four seasons.",
        lambda n: (Constraint(kind="numbered_list", n=4, values=(*_SEASONS, "fall")),),
    ),
}
_WORKING: Mapping[str, tuple[tuple[str, str], ...]] = {
    kind: tuple((prompt.format(x=x, y=y), y) for x, y in (pair.split("=") for pair in pairs.split()))
    for kind, prompt, pairs in (
        ("capital", "The capital of {x} is", "France=Paris Italy=Rome Japan=Tokyo Egypt=Cairo Spain=Madrid"),
        ("opposite", "The opposite of {x} is", "hot=cold big=small up=down wet=dry hard=soft"),
        ("pattern", "{x} {y} {x} {y} {x} {y} {x}", "red=blue dog=cat sun=moon hot=cold rain=snow"),
    )
} | {"counting": tuple((", ".join(map(str, range(n, n + 4))) + ",", str(n + 4)) for n in range(1, 6))}
"""Texts to continue, with the word that follows."""


def probes() -> tuple[Probe, ...]:
    """Return the 40 sentinels: four kinds of instructions that must fail, and four kinds of texts that must be completed."""
    failing = [
        Probe(kind=kind, prompt=prompt_of(ask(n)), works=False, constraints=demand(n))
        for kind, (ask, demand) in _FAILING.items()
        for n in range(5)
    ]
    working = [
        Probe(kind=kind, prompt=prompt, works=True, constraints=(Constraint(kind="mentions", values=(answer,)),))
        for kind, texts in _WORKING.items()
        for prompt, answer in texts
    ]
    return (*failing, *working)


class BaseCheck(Row, frozen=True, kw_only=True):
    """Whether a base has seen no instruction training. ``reason`` gives the remedy where the verdict is not CLEAN.

    ``followed`` is the rate of instructions it followed (low is good), ``completed`` that of texts it completed (high is good)."""

    verdict: Literal["CLEAN", "CONTAMINATED", "INCONCLUSIVE"]
    reason: str
    followed: Rate
    completed: Rate
    by_kind: dict[str, Rate]
    had_template: str
    encode_delta: int


def check_base(tokenizer: PlainTokenizer, model: TextModel, sentinels: Sequence[Probe] | None = None) -> BaseCheck:
    """Run the sentinels on a base. Raises ``GateClosed`` where a prompt holds a marker.

    A base that follows too many instructions is CONTAMINATED. One that does not complete texts is INCONCLUSIVE, because it would
    fail the instructions in any case; so is a check with too few probes."""
    sentinels = probes() if sentinels is None else sentinels
    prompts = [probe.prompt for probe in sentinels]
    lengths = [len(tokenizer.encode(prompt)) for prompt in prompts]
    with_specials = [len(tokenizer.tokenizer.encode(prompt, add_special_tokens=True)) for prompt in prompts]
    hits: dict[str, list[bool]] = {probe.kind: [] for probe in sentinels}
    for temperature, seed in TEMPERATURES:
        texts = model.generate(prompts, temperature=temperature, seed=seed)
        for probe, text in zip(sentinels, texts, strict=True):
            # A continuation is checked by its first words, an answer to an instruction by its first paragraph.
            output = " ".join(text.split()[:3]) if probe.works else text.strip().split("\n\n")[0]
            hits[probe.kind].append(check_constraints(output, probe.constraints).right)
    rates = {kind: wilson(sum(found), len(found)) for kind, found in hits.items()}
    works = {probe.kind: probe.works for probe in sentinels}
    followed, completed = (
        _pooled([rates[kind] for kind in rates if works[kind] == wanted]) for wanted in (False, True)
    )
    verdict, reason = _verdict(followed, completed, len(sentinels))
    return BaseCheck(
        verdict=verdict, reason=reason, followed=followed, completed=completed, by_kind=rates,
        had_template=tokenizer.had_template,
        encode_delta=max((b - a for a, b in zip(lengths, with_specials, strict=True)), default=0),
    )  # fmt: skip


def _pooled(rates: Sequence[Rate]) -> Rate:
    return wilson(sum(rate.hits for rate in rates), sum(rate.cases for rate in rates))


def _verdict(
    followed: Rate, completed: Rate, count: int
) -> tuple[Literal["CLEAN", "CONTAMINATED", "INCONCLUSIVE"], str]:
    if followed.share is not None and followed.share > MUST_FAIL_MOST:
        return "CONTAMINATED", "it follows instructions before any training; use a base model"
    if count < PROBES_LEAST or followed.share is None or completed.share is None:
        return "INCONCLUSIVE", f"{count} probes prove nothing; give at least {PROBES_LEAST} of both kinds"
    if completed.share < MUST_WORK_LEAST:
        return "INCONCLUSIVE", "it does not complete plain texts either; check that the model is loaded right"
    return "CLEAN", ""


def require_clean(check: BaseCheck) -> BaseCheck:
    """Return the check of a clean base, or raise ``GateClosed``."""
    if check.verdict != "CLEAN":
        raise GateClosed(f"the base is {check.verdict}: {check.reason}")
    return check


def decide_at(
    point: str, rate: Rate, inputs: Mapping[str, str], chain: Sequence[Decision], acknowledged: str = ""
) -> Decision:
    """Decide about the base (40 and 70 %) or the supervised model (40 and 60 %)."""
    return decide(point, rate, BANDS[point], inputs, chain, acknowledged)


def decide_dpo(comparison: PairedComparison, inputs: Mapping[str, str], chain: Sequence[Decision]) -> Decision:
    """Decide about the DPO model by its comparison with the supervised one: COMPLETE, IMPROVED or NO_GAIN."""
    rate = comparison.candidate_rate
    share, better = rate.share or 0.0, comparison.gained > comparison.lost
    verdict: tuple[str, Effect] = ("NO_GAIN", "go")
    if better and share > COMPLETE_ABOVE:
        verdict = ("COMPLETE", "go")
    elif better and comparison.test.p < SIGNIFICANCE:
        verdict = ("IMPROVED", "go")
    fragile = rate.low is not None and rate.high is not None and rate.low < COMPLETE_ABOVE < rate.high
    return decide_named("dpo", rate, verdict, fragile, inputs, chain)


def chosen_method(chain: Sequence[Decision]) -> str:
    """Return the method to publish: DPO if it gained, else the supervised one."""
    return "dpo" if chain and chain[-1].point == "dpo" and chain[-1].verdict in ("COMPLETE", "IMPROVED") else "sft"
