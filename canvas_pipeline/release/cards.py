"""Render model card and data card from measured facts only.

The fixed text contains no numbers, so every number in a card comes from a fact or its source. A card whose facts are incomplete
is not rendered. Contributors appear as a count, never by name.

Keys are dotted: ``bench.<model>.<metric>``, ``quant.<Q4_K_M>.<measure>``, ``guard.<g1>``, ``funnel.<stage>.<count>``,
``rows.<data set>.<split>``; everything else is ``<section>.<what>``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from types import ModuleType
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadInput, MissingTool
from canvas_pipeline.evaluation.statistics import FEW
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.methods import METHODS, ancestry
from canvas_pipeline.records import Row
from canvas_pipeline.release.gguf import QUANTS

Value = int | float | str | bool
Unit = Literal["", "share", "bytes"]
Kind = Literal["model", "adapter", "data"]


class Fact(Row, frozen=True, kw_only=True):
    """A measured value and the artefact it comes from (``dpo_bench summary.json``, best with the start of its sha256).

    A ``share`` is 0..1, with its interval (``low``, ``high``) and number of cases ``n`` where it has them.
    """

    value: Value
    source: str
    unit: Unit = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None

    def shown(self) -> str:
        """Format the value for a card."""
        if isinstance(self.value, bool):
            return "yes" if self.value else "no"
        if isinstance(self.value, str):
            return self.value.replace("|", "\\|").replace("\n", " ")
        if self.unit == "bytes":
            return f"{self.value / (1 << 20):.1f} MiB"
        if self.unit == "share":
            text = f"{100 * self.value:.1f} %"
            if self.low is not None and self.high is not None:
                text += f" [{100 * self.low:.1f}, {100 * self.high:.1f}]"
            if self.n is not None:
                text += f", n = {self.n:,}" + (" (few)" if self.n < FEW else "")
            return text
        return f"{self.value:,}" if isinstance(self.value, int) else f"{self.value:.4g}"


Facts = Mapping[str, Fact]


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """A heading, the facts below it by key prefix, and a fixed text without numbers.

    ``grid`` makes columns of the key's middle part, ``tall`` makes rows of it."""

    title: str
    prefix: str = ""
    text: str = ""
    layout: Literal["rows", "grid", "tall"] = "rows"


_MODEL = (
    Section(title="Model", prefix="model."),
    Section(
        title="Base and licences",
        prefix="base.",
        text="The weights descend from this base; its licence and terms of use go with them.",
    ),
    Section(title="Training", prefix="train."),
    Section(
        title="Prompts worded by hand",
        prefix="human.",
        text=(
            "Prompts that were written down one by one, unlike those of the benchmark below, which a grammar words. They are "
            "few: the interval says how little they show. An answer is right if its first call is an accepted one and holds "
            "what it must hold. Nothing was trained on or chosen by them."
        ),
    ),
    Section(
        title="Benchmark",
        prefix="bench.",
        layout="grid",
        text=(
            "Greedy answers to cases that training never saw. A share stands with its Wilson interval, or that of its wordings "
            "where wider; *few* marks a share of too few cases to compare."
        ),
    ),
    Section(
        title="Quantised files",
        prefix="quant.",
        layout="tall",
        text=(
            "Every file was loaded and asked, and its tensor types were read back. *Retained* is the share of the "
            "unquantised checkpoint's right answers that the file also gets right."
        ),
    ),
    Section(
        title="With a grammar",
        prefix="grammar.",
        layout="grid",
        text=(
            "The same cases and the same quantised file, answered freely and under a grammar of the declared tools (GBNF): "
            "each token is the most likely one that the grammar allows. It says what a program that constrains its decoding "
            "may expect. No other figure of this card, no condition of the release and no choice of a model rests on it."
        ),
    ),
    Section(
        title="Adapter",
        prefix="adapter.",
        text=(
            "The adapter that was trained, in PEFT's form; the quantised files already contain it. It belongs on exactly the "
            "base below: `PeftModel.from_pretrained(base, folder)`, or `--enable-lora --lora-modules name=folder` of vLLM."
        ),
    ),
    Section(title="Guardrails", prefix="guard.", text="Each verdict was made for exactly the files this model was made from."),
    Section(title="Data", prefix="data.", text="See the data card."),
    Section(title="Use and limits"),
)  # fmt: skip
SECTIONS: Mapping[Kind, Sequence[Section]] = {
    "model": _MODEL,
    "adapter": tuple(section for section in _MODEL if section.prefix not in ("quant.", "grammar.")),
    "data": (
        Section(title="Data", prefix="data.", text="Contributors are counted, never named."),
        Section(title="Rows", prefix="rows.", layout="tall"),
        Section(
            title="Funnel",
            prefix="funnel.",
            layout="tall",
            text="What came into each stage is kept, merged, or refused with a reason; nothing is dropped silently.",
        ),
        Section(title="Recorded allowances", prefix="allowance.", text="Stages that may keep less than the general rule, and why."),
        Section(title="Privacy", prefix="privacy."),
        Section(title="Hashes", prefix="hash."),
    ),
}  # fmt: skip

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "model": (
        "model.name", "model.method", "model.profile", "model.checkpoint", "base.name", "base.licence", "train.*", "bench.cases",
        "bench.confidence", *(f"quant.{quant}.{measure}" for quant in QUANTS for measure in ("file", "size", "sha256", "retained")),
        "data.licence", "data.contributors",
    ),
    "adapter": (
        "model.name", "model.method", "model.checkpoint", "base.name", "base.licence", "train.epochs", "adapter.rank",
        "adapter.alpha", "adapter.base", "bench.cases", "bench.confidence", "data.licence", "data.contributors",
    ),
    "data": ("data.name", "data.licence", "data.contributors", "rows.*", "funnel.*", "privacy.*", "hash.*"),
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class CardTemplate:
    """A track's part of its cards.

    ``texts`` are fixed texts, without numbers, by the title of their section. ``metrics`` are the benchmark's metrics that a
    model card must have, the headline first; ``required`` are further keys. ``benchmark`` is the name of the cases,
    ``benchmark_id`` the one in the header; ``guards`` are the track's."""

    guards: GuardTable
    tags: tuple[str, ...]
    benchmark: str
    benchmark_id: str
    metrics: tuple[str, ...]
    texts: Mapping[str, str]
    required: Mapping[Kind, tuple[str, ...]] = field(default_factory=dict)

    def keys(self, kind: Kind, method: str) -> Iterable[str]:
        """List the keys of the facts that a card of a method must have. ``prefix*`` means any key with that prefix."""
        yield from (*REQUIRED[kind], *self.required.get(kind, ()))
        if kind != "data":
            yield from (f"bench.base.{self.metrics[0]}", *(f"bench.{method}.{metric}" for metric in self.metrics))


INTERVALS = re.compile(r"(?:bench|grammar)\.[^.]+\.")
"""Keys whose facts need an interval."""

NAMES = re.compile(r"Apache-\d\.\d|Q\d_\w+")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")


def model_card(
    facts: Facts, template: CardTemplate, private: Iterable[str] = (), kind: Literal["model", "adapter"] = "model"
) -> str:
    """Render the card of a model, or of an adapter alone.

    Raises ``BadInput`` listing what is missing or may not be published (see ``reasons_against_card``)."""
    from_hub = _hub()
    _complete(facts, kind, template)
    text = {key: facts[key].shown() for key in ("model.name", "model.method", "base.name", "base.licence")}
    headline = template.metrics[0]
    header = from_hub.ModelCardData(
        language="en",
        license=text["base.licence"],
        base_model=None if text["base.name"] == "embedded" else text["base.name"],
        library_name="gguf" if kind == "model" else "peft",
        pipeline_tag="text-generation",
        tags=[*template.tags, text["model.method"]],
        model_name=text["model.name"],
        eval_results=[
            from_hub.EvalResult(
                task_type="text-generation",
                dataset_type=template.benchmark_id,
                dataset_name=template.benchmark,
                metric_type="accuracy",
                metric_name=headline.replace("_", " "),
                metric_value=facts[f"bench.{text['model.method']}.{headline}"].value,
            )
        ],
    )
    return _card(header.to_yaml(), text["model.name"], facts, kind, template, private)


def data_card(facts: Facts, template: CardTemplate, private: Iterable[str] = ()) -> str:
    """Render the data card. Raises ``BadInput`` like ``model_card``."""
    from_hub = _hub()
    _complete(facts, "data", template)
    header = from_hub.DatasetCardData(
        language="en",
        license=facts["data.licence"].shown(),
        pretty_name=facts["data.name"].shown(),
        tags=list(template.tags),
    )
    return _card(header.to_yaml(), facts["data.name"].shown(), facts, "data", template, private)


def missing_facts(facts: Facts, kind: Kind, template: CardTemplate) -> list[str]:
    """List what a card still needs:

    keys (including the guards that apply to the method), sources, and intervals of benchmark shares."""
    method = facts["model.method"].shown() if "model.method" in facts else "<method>"
    missing = []
    steps = ancestry(METHODS[method]) if method in METHODS else ()
    guards = {guard for step in steps for guard in template.guards.of_method(step)} or {
        *template.guards.guards.values()
    }
    verdicts = (
        [f"guard.{id_}" for id_, guard in template.guards.guards.items() if guard in guards] if kind != "data" else []
    )
    for key in (*template.keys(kind, method), *verdicts):
        known = any(k.startswith(key[:-1]) for k in facts) if key.endswith("*") else key in facts
        if not known:
            missing.append(f"no fact {key}")
    for key, fact in sorted(facts.items()):
        if not fact.source.strip():
            missing.append(f"{key} has no source")
        if INTERVALS.match(key) and fact.unit == "share" and (fact.low is None or fact.high is None or fact.n is None):
            missing.append(f"{key} has no interval")
    return missing


def reasons_against_card(
    text: str, facts: Facts, kind: Kind, template: CardTemplate, private: Iterable[str] = ()
) -> list[str]:
    """List every reason not to publish a card: incomplete facts, numbers without a source, private texts."""
    reasons = missing_facts(facts, kind, template)
    reasons += [f"the {kind} card states {number}, which no fact gives" for number in unsourced_numbers(text, facts)]
    folded = text.casefold()
    if any(re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded) for name in private if name.strip()):
        reasons.append(f"the {kind} card holds a private text (a contributor's name, for one)")
    return reasons


def unsourced_numbers(text: str, facts: Facts) -> list[str]:
    """Find numbers in a text that are neither part of a fact as shown nor of a source. Proper names (Q4_K_M) do not count."""
    known = {n for f in facts.values() for n in _NUMBER.findall(f"{f.shown()} {f.source} {f.value} ")}
    known |= {n for key in facts for n in _NUMBER.findall(_label(key))}
    return sorted(set(_NUMBER.findall(NAMES.sub("", text))) - known)


def _card(header: str, title: str, facts: Facts, kind: Kind, template: CardTemplate, private: Iterable[str]) -> str:
    body = [f"---\n{header.strip()}\n---\n", f"# {title}\n"]
    for section in SECTIONS[kind]:
        rows = {key: fact for key, fact in facts.items() if section.prefix and key.startswith(section.prefix)}
        fixed = template.texts.get(section.title, section.text)
        if not rows and (section.prefix or not fixed):
            continue
        body.append(f"## {section.title}\n")
        if fixed:
            body.append(f"{fixed}\n")
        if rows:
            body.append(_rows(rows) if section.layout == "rows" else _grid(rows, section))
    text = "\n".join(body)
    reasons = reasons_against_card(text, facts, kind, template, private)
    if reasons:
        raise BadInput(f"the {kind} card cannot be rendered: " + "; ".join(reasons))
    return text


def _rows(facts: Facts) -> str:
    lines = ["| what | value | source |", "|---|---|---|"]
    lines += [f"| {_label(key)} | {fact.shown()} | {fact.source} |" for key, fact in facts.items()]
    return "\n".join(lines) + "\n"


def _grid(facts: Facts, section: Section) -> str:
    """Render keys of three parts as a table, those of two as a list before it, and the sources below."""
    parts = {key: key.split(".", 2) for key in facts}
    cells = {(p[1], p[2]): facts[key] for key, p in parts.items() if len(p) == 3}
    plain = {key: facts[key] for key, p in parts.items() if len(p) == 2}
    outer = list(dict.fromkeys(a for a, _ in cells))
    inner = list(dict.fromkeys(b for _, b in cells))
    down, across = (outer, inner) if section.layout == "tall" else (inner, outer)

    def cell(row: str, column: str) -> str:
        fact = cells.get((row, column) if section.layout == "tall" else (column, row))
        return fact.shown() if fact else "–"

    lines = [_rows(plain)] if plain else []
    lines.append("| | " + " | ".join(name.replace("_", " ") if name not in QUANTS else name for name in across) + " |")
    lines.append("|---" * (len(across) + 1) + "|")
    for row in down:
        label = row if row in QUANTS else row.replace("_", " ")
        lines.append(f"| {label} | " + " | ".join(cell(row, column) for column in across) + " |")
    sources = dict.fromkeys(fact.source for fact in cells.values())
    lines.append("\nSources: " + "; ".join(sources) + ".")
    return "\n".join(lines) + "\n"


def _label(key: str) -> str:
    return key.split(".", 1)[1].replace(".", " ").replace("_", " ")


def _complete(facts: Facts, kind: Kind, template: CardTemplate) -> None:
    missing = missing_facts(facts, kind, template)
    if missing:
        raise BadInput(f"the {kind} card cannot be rendered: " + "; ".join(missing))


def _hub() -> ModuleType:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingTool("huggingface_hub is not installed; run: uv sync --locked --extra release") from None
