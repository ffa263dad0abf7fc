"""Check every item of RELEASE-LOG.md against the evidence.

An item without evidence does not pass. Verdicts and measurements count only for exactly the hashes that are to be released. This
module reads no model files; ``publish`` compares the files with the hashes.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

import msgspec

from canvas_pipeline.errors import BadInput, GateClosed, MissingInput
from canvas_pipeline.evaluation.against_base import AgainstBase
from canvas_pipeline.guardrails.gate import decide_ancestry
from canvas_pipeline.guardrails.guard import OPERATORS
from canvas_pipeline.guardrails.standard import recorded
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Allowance, Verdict
from canvas_pipeline.methods import method
from canvas_pipeline.records import Row
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.release.quant_check import QuantEvidence

RETAINED: Mapping[str, float] = {"Q8_0": 0.98, "Q4_K_M": 0.98}
"""Share of the unquantised checkpoint's right answers that a quant must keep."""
CARDS: Mapping[str, str] = {"README.md": "model", "DATA_CARD.md": "data"}
"""The cards' file names in the release, and what each is about."""
_SHA256 = re.compile(r"[0-9a-f]{64}")


class Figure(Row, frozen=True, kw_only=True):
    """A benchmark share, 0..1, with its interval and number of cases."""

    value: float
    low: float
    high: float
    n: int


class ReleaseItem(Row, frozen=True, kw_only=True):
    """What a track asks of a release: ``value op bound``, where ``op`` is ``>=`` or ``<=``.

    ``value`` is None where it was not measured on what is to be released; ``low`` and ``high`` are its interval and ``n`` the
    number of cases, where it has them. ``advice`` is what to do where the item does not hold."""

    name: str
    value: float | None
    bound: float
    op: Literal[">=", "<="]
    low: float | None = None
    high: float | None = None
    n: int | None = None
    advice: str = ""

    @property
    def holds(self) -> bool:
        """Tell whether it was measured and is within its bound."""
        return self.value is not None and math.isfinite(self.value) and OPERATORS[self.op](self.value, self.bound)

    def shown(self) -> str:
        """Format the value with its interval and cases."""
        if self.value is None:
            return "not measured"
        interval = "" if self.low is None or self.high is None else f" [{self.low:.3g}, {self.high:.3g}]"
        return f"{self.value:.3g}{interval}" + ("" if self.n is None else f", n = {self.n}")


class CardEvidence(Row, frozen=True, kw_only=True):
    """A rendered card: its hash, and the result of ``cards.reasons_against_card``."""

    sha256: str
    reasons: tuple[str, ...]


class ReleaseEvidence(Row, frozen=True, kw_only=True):
    """All evidence about a release. Dictionaries map names to sha256 unless stated otherwise.

    ``files`` are the files to be released by their name in the release; ``inputs`` are those the verdicts are bound to (see
    ``GuardTable.inputs_of``); ``data`` the data sets the model was trained on; ``audited`` the texts the leak audit read, with
    the number of ``leaks`` (None: it did not run), of files it could not read, of reviewed ``exceptions``, and of ``excepted``
    findings that they cover. ``items`` are what the track asks of a release (None: nobody asked the track).
    ``production`` is the method and checkpoint of the selection record; ``figures`` are the required benchmark shares of the
    released method (None: there was no such case), measured on ``bench_checkpoint``. ``candidate_of`` is the training stage that
    the checkpoint is one of several candidates of (empty: it is the only one, and has the stage's hash).
    ``against_base`` compares it with the base model (None: the base was not measured on these cases).
    """

    name: str
    track: str
    method: str
    profile: str
    checkpoint: str
    files: dict[str, str]
    inputs: dict[str, str]
    data: dict[str, str]
    verdicts: tuple[Verdict, ...] = ()
    allowances: tuple[Allowance, ...] = ()
    leaks: int | None = None
    unreadable: int = 0
    exceptions: int = 0
    excepted: int = 0
    audited: dict[str, str] = {}
    figures: dict[str, Figure | None] = {}
    bench_checkpoint: str | None = None
    against_base: AgainstBase | None = None
    candidate_of: str = ""
    production: tuple[str, str] | None = None
    quants: dict[str, QuantEvidence] = {}
    cards: dict[str, CardEvidence] = {}
    items: tuple[ReleaseItem, ...] | None = None
    code_version: str = ""


def _guardrails(table: GuardTable, e: ReleaseEvidence) -> list[str]:
    # Of the released method and those it descends from: what concerns another method's data says nothing about these weights.
    return decide_ancestry(table, e.verdicts, method(e.method), e.inputs)


def _allowances(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    # G6 records "stage>=number: reason" for each allowance it used; the release must list all of them.
    listed = [recorded(allowance) for allowance in e.allowances]
    reasons = []
    for verdict in e.verdicts:
        rest = verdict.allowance or ""
        for text in listed:
            rest = rest.replace(text, "")
        if rest.strip("; "):
            about = f" about {verdict.subject}" if verdict.subject else ""
            reasons.append(f"{verdict.name}: passed{about} under an allowance that the release does not list")
    return list(dict.fromkeys(reasons))


def _audit(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    if e.leaks is None:
        return ["the leak audit did not run; run: canvas-data audit"]
    reasons = [f"the audit found {e.leaks} leaks; run canvas-data audit for where they are"] if e.leaks else []
    reasons += [f"the audit could not read {e.unreadable} files"] if e.unreadable else []
    wanted = {**e.data, **{name: card.sha256 for name, card in e.cards.items()}}
    read = set(e.audited.values())
    unread = sorted(name for name, sha in wanted.items() if sha not in read)
    return reasons + ([f"the audit did not read {', '.join(unread)} as they are now"] if unread else [])


def _bench(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    reasons = [] if e.figures else [f"there are no benchmark figures; materialise {e.method}_bench"]
    for name, figure in e.figures.items():
        if figure is None:
            reasons.append(f"the benchmark gives no {name} for {e.method}; materialise {e.method}_bench")
        elif figure.n <= 0 or not _interval(figure):
            reasons.append(f"{name} has no usable interval")
    if e.bench_checkpoint != e.checkpoint:
        reasons.append(
            "the benchmark was not measured on the checkpoint that is to be released, with the current cases; bench it again"
        )
    return reasons


def _base(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    if e.against_base is None:
        return ["the base model was not measured on the current cases; materialise base_bench"]
    return e.against_base.reasons()


def _interval(figure: Figure) -> bool:
    values = (figure.low, figure.value, figure.high)
    return all(math.isfinite(v) for v in values) and 0.0 <= figure.low <= figure.value <= figure.high <= 1.0


def _production(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    if e.production is None:
        return ["no production checkpoint was chosen; materialise production_checkpoint"]
    if e.production != (e.method, e.checkpoint):
        return [f"the production checkpoint is another ({e.production[0]}); release that one, or select again"]
    return []


def _quants(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    reasons = []
    for quant in QUANTS:
        evidence = e.quants.get(quant)
        if evidence is None:
            reasons.append(f"{quant} is missing; materialise {e.method}_gguf")
            continue
        report = evidence.report
        if report.quant != quant:
            reasons.append(f"{quant}: its report is about {report.quant}")
        reasons += [f"{quant}: {problem}" for problem in report.problems]
        if e.files.get(report.file) != report.sha256:
            reasons.append(f"{quant}: the file checked ({report.file}) is not the one to be released")
    return reasons


def _retention(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    reasons = []
    for quant, minimum in RETAINED.items():
        evidence = e.quants.get(quant)
        if evidence is None or evidence.cases <= 0 or evidence.exact_unquantised <= 0:
            reasons.append(
                f"{quant}: there are no right answers to compare; bench it beside the unquantised checkpoint"
            )
        elif not 0 <= evidence.exact_retained <= evidence.exact_unquantised <= evidence.cases:
            reasons.append(f"{quant}: its counts contradict each other")
        elif evidence.exact_retained < minimum * evidence.exact_unquantised:
            reasons.append(
                f"{quant} retains {evidence.exact_retained} of {evidence.exact_unquantised} right answers "
                f"({evidence.exact_retained / evidence.exact_unquantised:.1%}), must be at least {minimum:.0%}"
            )
    return reasons


def _cards(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    reasons = []
    for name, kind in CARDS.items():
        card = e.cards.get(name)
        if card is None:
            reasons.append(f"there is no {kind} card ({name}); materialise cards")
            continue
        reasons += [f"{name}: {reason}" for reason in card.reasons]
        if e.files.get(name) != card.sha256:
            reasons.append(f"{name}: the card checked is not the one to be released")
    if "Modelfile" not in e.files:
        reasons.append("there is no Modelfile; materialise cards")
    return reasons


def _track(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    if e.items is None:
        return ["what the track asks of a release was not measured; materialise release_log"]
    return [
        f"{item.name} is {item.shown()}, must be {item.op} {item.bound:g}" + (f": {item.advice}" if item.advice else "")
        for item in e.items
        if not item.holds
    ]


def _hashes(_: GuardTable, e: ReleaseEvidence) -> list[str]:
    reasons = [
        f"the {what} has no sha256" for what, sha in (("checkpoint", e.checkpoint),) if not _SHA256.fullmatch(sha)
    ]
    for what, names in (("file", e.files), ("input", e.inputs), ("data set", e.data)):
        if not names:
            reasons.append(f"no {what} is recorded")
        reasons += [f"the {what} {name} has no sha256" for name, sha in names.items() if not _SHA256.fullmatch(sha)]
    if not e.code_version:
        reasons.append("the code version is not recorded")
    return reasons


ITEMS: Mapping[str, tuple[str, Callable[[GuardTable, ReleaseEvidence], list[str]]]] = {
    "guardrails": ("All guardrails passed for exactly these inputs", _guardrails),
    "allowances": ("Every recorded allowance is listed with its number and reason", _allowances),
    "audit": ("The leak audit read every data set and card and found nothing", _audit),
    "bench": ("The benchmark was run on this checkpoint and gives intervals", _bench),
    "base": ("It is better than its base model, and nowhere worse by more than the profile's bound", _base),
    "production": ("This is the production checkpoint of the selection record", _production),
    "quants": ("All six quants have their tensor types, no leak in the metadata, load and answer", _quants),
    "retention": ("Q8_0 and Q4_K_M retain at least 98 % of the right answers", _retention),
    "cards": ("Model card, data card and Modelfile are complete, every number with a source", _cards),
    "track": ("What the track asks of a release is within the profile's bounds", _track),
    "hashes": ("The hashes of files, inputs, data and the code version are recorded", _hashes),
}
"""The items of RELEASE-LOG.md in order: id → sentence, and the function that lists the reasons against."""


def reasons_by_item(table: GuardTable, evidence: ReleaseEvidence) -> dict[str, list[str]]:
    """Return every reason against by item id; an empty list means that the item holds."""
    return {item: reasons(table, evidence) for item, (_, reasons) in ITEMS.items()}


def reasons_against(table: GuardTable, evidence: ReleaseEvidence) -> list[str]:
    """List every reason against the release as ``item: reason``; empty if the gate is open."""
    return [f"{item}: {reason}" for item, reasons in reasons_by_item(table, evidence).items() for reason in reasons]


def require(table: GuardTable, evidence: ReleaseEvidence) -> None:
    """Return if the gate is open. Raises ``GateClosed`` listing every reason."""
    reasons = reasons_against(table, evidence)
    if reasons:
        listing = "".join(f"\n  - {reason}" for reason in reasons)
        raise GateClosed(f"{evidence.name} may not be released: {len(reasons)} reason(s) against{listing}")


def read_evidence(path: Path) -> ReleaseEvidence:
    """Read evidence from its JSON file. Raises ``MissingInput`` or ``BadInput`` naming file and field."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReleaseEvidence)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such file; materialise release_log first") from None
    except (msgspec.DecodeError, json.JSONDecodeError, UnicodeDecodeError) as error:
        what = str(error) if isinstance(error, msgspec.ValidationError) else "malformed JSON"
        raise BadInput(f"{path}: not a release's evidence ({what})") from None
