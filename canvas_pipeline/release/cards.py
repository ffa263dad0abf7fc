"""Model card and data card, from measured facts only.

In: facts, each a value with the artefact it was read from. Out: Markdown with a Hugging Face YAML header. What must hold: the
fixed text holds no number of its own, so every number in a card is a fact's or a source's; a card whose facts are incomplete
is not rendered; contributors appear as a count and never by name.

Keys are dotted: ``bench.<model>.<metric>``, ``quant.<Q4_K_M>.<measure>``, ``guard.<g1>``, ``funnel.<stage>.<count>``,
``rows.<data set>.<split>``; everything else is ``<section>.<what>``.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable, Mapping, Sequence
from types import ModuleType
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadInput, MissingTool
from canvas_pipeline.guardrails.table import GUARDS, guards_for
from canvas_pipeline.methods import METHODS, ancestry
from canvas_pipeline.records import Row
from canvas_pipeline.release.gguf import QUANTS

Value = int | float | str | bool
Unit = Literal["", "share", "bytes"]
Kind = Literal["model", "data"]
FEW = 40
"""Below this many cases a share is marked: its interval is too wide to compare with."""


class Fact(Row, frozen=True, kw_only=True):
    """A measured value and the artefact it comes from (``dpo_bench summary.json``, best with the start of its sha256).

    A ``share`` is 0..1, with its interval (``low``, ``high``) and number of cases ``n`` where it was counted.
    """

    value: Value
    source: str
    unit: Unit = ""
    low: float | None = None
    high: float | None = None
    n: int | None = None

    def shown(self) -> str:
        """The value as a card shows it."""
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
    """A heading, the facts below it by key prefix, and a fixed text without numbers. ``grid`` puts the key's middle part
    into columns (or rows where there are many, ``tall``)."""

    title: str
    prefix: str = ""
    text: str = ""
    layout: Literal["rows", "grid", "tall"] = "rows"


SECTIONS: Mapping[Kind, Sequence[Section]] = {
    "model": (
        Section(title="Model", prefix="model."),
        Section(
            title="Base and licences",
            prefix="base.",
            text="The weights descend from this base; its licence and terms of use go with them.",
        ),
        Section(title="Training", prefix="train."),
        Section(
            title="Benchmark",
            prefix="bench.",
            layout="grid",
            text=(
                "Greedy answers to held-out cases, disjoint from training in items and in phrasing. A share stands with its "
                "Wilson interval; *few* marks a share of too few cases to compare."
            ),
        ),
        Section(
            title="Quantised files",
            prefix="quant.",
            layout="tall",
            text=(
                "Every file was loaded and asked, and its tensor types were read back. *Retained* is the share of the "
                "unquantised checkpoint's exact calls that the file also gets exactly right."
            ),
        ),
        Section(title="Guardrails", prefix="guard.", text="Each verdict was made for exactly the files this model was made from."),
        Section(title="Data", prefix="data.", text="See the data card."),
        Section(
            title="Use and limits",
            text=(
                "Made to call a student's Canvas and calendar tools in its base model's own tool-call format; the program around "
                "it must parse the calls, run the tools and feed the results back. Changes and deletions of events are proposals "
                "that a person confirms. It speaks English, knows nothing but what its tools return, can pick a wrong tool or "
                "argument at the rates measured above, and is not made for decisions about grades or persons."
            ),
        ),
    ),
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
        Section(
            title="Privacy",
            prefix="privacy.",
            text=(
                "Course identities are replaced by handles and personal data by placeholders before any example is made. The "
                "register that links handles to courses stays private and is no part of the data."
            ),
        ),
        Section(title="Hashes", prefix="hash."),
    ),
}  # fmt: skip

REQUIRED: Mapping[Kind, tuple[str, ...]] = {
    "model": (
        "model.name", "model.method", "model.profile", "model.checkpoint", "base.name", "base.licence", "train.*", "bench.cases",
        "bench.confidence", "bench.base.tool_selection", "bench.{method}.tool_selection", "bench.{method}.exact_call",
        *(f"quant.{quant}.{measure}" for quant in QUANTS for measure in ("file", "size", "sha256", "retained")),
        "data.licence", "data.contributors",
    ),
    "data": (
        "data.name", "data.licence", "data.contributors", "data.reference_instant", "rows.*", "funnel.*", "privacy.*", "hash.*",
    ),
}  # fmt: skip
INTERVALS = re.compile(r"bench\.[^.]+\.")
"""Keys whose facts are no use without an interval."""

NAMES = re.compile(r"Apache-\d\.\d|Q\d_\w+")
_NUMBER = re.compile(r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?:e[+-]?\d+)?(?!\w)")


def model_card(facts: Facts, private: Iterable[str] = ()) -> str:
    """The model card. Raises ``BadInput`` listing what is missing or may not be published (see ``reasons_against_card``)."""
    from_hub = _hub()
    _complete(facts, "model")
    text = {key: facts[key].shown() for key in ("model.name", "model.method", "base.name", "base.licence")}
    selection = facts[f"bench.{text['model.method']}.tool_selection"]
    header = from_hub.ModelCardData(
        language="en",
        license=text["base.licence"],
        base_model=None if text["base.name"] == "embedded" else text["base.name"],
        library_name="gguf",
        pipeline_tag="text-generation",
        tags=["tool-calling", "canvas-lms", text["model.method"]],
        model_name=text["model.name"],
        eval_results=[
            from_hub.EvalResult(
                task_type="text-generation",
                dataset_type="canvas-bench",
                dataset_name="Held-out Canvas tool calls",
                metric_type="accuracy",
                metric_name="tool selection",
                metric_value=selection.value,
            )
        ],
    )
    return _card(header.to_yaml(), f"{text['model.name']}", facts, "model", private)


def data_card(facts: Facts, private: Iterable[str] = ()) -> str:
    """The data card. Raises ``BadInput`` like ``model_card``."""
    from_hub = _hub()
    _complete(facts, "data")
    header = from_hub.DatasetCardData(
        language="en",
        license=facts["data.licence"].shown(),
        pretty_name=facts["data.name"].shown(),
        tags=["tool-calling"],
    )
    return _card(header.to_yaml(), facts["data.name"].shown(), facts, "data", private)


def missing_facts(facts: Facts, kind: Kind) -> list[str]:
    """What a card of this kind still needs: keys (the guards that concern the method among them), sources, and intervals of
    benchmark shares."""
    method = facts["model.method"].shown() if "model.method" in facts else "<method>"
    missing = []
    guards = (
        {guard.id for step in ancestry(METHODS[method]) for guard in guards_for(step)}
        if method in METHODS
        else set(GUARDS)
    )
    judged = [f"guard.{guard}" for guard in GUARDS if guard in guards] if kind == "model" else []
    for pattern in (*REQUIRED[kind], *judged):
        key = pattern.replace("{method}", method)
        if key.endswith("*"):
            if not any(known.startswith(key[:-1]) for known in facts):
                missing.append(f"no fact {key}")
        elif key not in facts:
            missing.append(f"no fact {key}")
    for key, fact in sorted(facts.items()):
        if not fact.source.strip():
            missing.append(f"{key} has no source")
        if INTERVALS.match(key) and fact.unit == "share" and (fact.low is None or fact.high is None or fact.n is None):
            missing.append(f"{key} has no interval")
    return missing


def reasons_against_card(text: str, facts: Facts, kind: Kind, private: Iterable[str] = ()) -> list[str]:
    """Everything that keeps a card from being published: incomplete facts, numbers without a source, private texts."""
    reasons = missing_facts(facts, kind)
    reasons += [f"the {kind} card states {number}, which no fact gives" for number in unsourced_numbers(text, facts)]
    folded = text.casefold()
    if any(re.search(rf"(?<!\w){re.escape(name.casefold())}(?!\w)", folded) for name in private if name.strip()):
        reasons.append(f"the {kind} card holds a private text (a contributor's name, for one)")
    return reasons


def unsourced_numbers(text: str, facts: Facts) -> list[str]:
    """Numbers in a text that are neither part of a fact as shown nor of a source. Proper names (Q4_K_M) do not count."""
    known = {n for f in facts.values() for n in _NUMBER.findall(f"{f.shown()} {f.source} {f.value} ")}
    known |= {n for key in facts for n in _NUMBER.findall(_label(key))}
    return sorted(set(_NUMBER.findall(NAMES.sub("", text))) - known)


def _card(header: str, title: str, facts: Facts, kind: Kind, private: Iterable[str]) -> str:
    body = [f"---\n{header.strip()}\n---\n", f"# {title}\n"]
    for section in SECTIONS[kind]:
        rows = {key: fact for key, fact in facts.items() if section.prefix and key.startswith(section.prefix)}
        if not rows and section.prefix:
            continue
        body.append(f"## {section.title}\n")
        if section.text:
            body.append(f"{section.text}\n")
        if rows:
            body.append(_rows(rows) if section.layout == "rows" else _grid(rows, section))
    text = "\n".join(body)
    reasons = reasons_against_card(text, facts, kind, private)
    if reasons:
        raise BadInput(f"the {kind} card cannot be rendered: " + "; ".join(reasons))
    return text


def _rows(facts: Facts) -> str:
    lines = ["| what | value | source |", "|---|---|---|"]
    lines += [f"| {_label(key)} | {fact.shown()} | {fact.source} |" for key, fact in facts.items()]
    return "\n".join(lines) + "\n"


def _grid(facts: Facts, section: Section) -> str:
    """Keys of three parts as a table, those of two as a list before it; sources below, each with what it gave."""
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
    if key.startswith("guard.") and key.removeprefix("guard.") in GUARDS:
        return GUARDS[key.removeprefix("guard.")].name
    return key.split(".", 1)[1].replace(".", " ").replace("_", " ")


def _complete(facts: Facts, kind: Kind) -> None:
    missing = missing_facts(facts, kind)
    if missing:
        raise BadInput(f"the {kind} card cannot be rendered: " + "; ".join(missing))


def _hub() -> ModuleType:
    try:
        return importlib.import_module("huggingface_hub")
    except ImportError:
        raise MissingTool("huggingface_hub is not installed; run: uv sync --locked --extra release") from None
