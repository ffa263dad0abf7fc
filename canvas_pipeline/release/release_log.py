"""Render RELEASE-LOG.md from the evidence about a release."""

from __future__ import annotations

from collections.abc import Sequence

from canvas_pipeline.guardrails.standard import remarks
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.release.gate import ITEMS, ReleaseEvidence, reasons_by_item


def release_log(table: GuardTable, evidence: ReleaseEvidence) -> str:
    """Render ``RELEASE-LOG.md``: each item ticked, or open with its reasons; then allowances, figures and hashes."""
    found = reasons_by_item(table, evidence)
    done = sum(1 for reasons in found.values() if not reasons)
    lines = [
        f"# RELEASE-LOG · {evidence.name}",
        "",
        f"{done} of {len(ITEMS)} items hold. The release is {'open' if done == len(ITEMS) else 'blocked'}.",
        "",
    ]
    for item, (sentence, _) in ITEMS.items():
        lines.append(f"- [{' ' if found[item] else 'x'}] {sentence}")
        lines += [f"  - {reason}" for reason in found[item]]
    lines += _table("Allowances", ("stage", "keeps at least", "reason", "remarks"), [
        (a.stage, f"{a.minimum_retained:.0%}", a.reason, "; ".join(remarks(a, evidence.verdicts))) for a in evidence.allowances
    ])  # fmt: skip
    lines += [
        "",
        f"The audit honoured {evidence.exceptions} reviewed exceptions; they cover {evidence.excepted} findings in what it read.",
    ]
    lines += _table("Benchmark", ("figure", "value", "interval", "cases"), [
        (name, f"{f.value:.1%}", f"[{f.low:.1%}, {f.high:.1%}]", str(f.n)) for name, f in sorted(evidence.figures.items()) if f
    ])  # fmt: skip
    if (compared := evidence.against_base) is not None:
        lines += _table(f"Against the base model: {compared.metric}", ("cases", "gained", "lost", "exact p by wording"), [
            (str(compared.cases), str(compared.gained), str(compared.lost), f"{compared.p:.2g}")
        ])  # fmt: skip
        lines += _table("Below the base model", ("what", "by", "bound"), [
            (where, f"{loss:.1%}", f"<= {compared.max_loss:.0%}") for where, loss in sorted(compared.losses.items())
        ])  # fmt: skip
    lines += _table("Asked by the track", ("what", "measured", "bound"), [
        (item.name, item.shown(), f"{item.op} {item.bound:g}") for item in evidence.items or ()
    ])  # fmt: skip
    lines += _table("Hashes", ("what", "sha256"), [
        ("checkpoint", evidence.checkpoint), *sorted(evidence.files.items()),
        *((f"data {name}", sha) for name, sha in sorted(evidence.data.items())),
        *((f"input {name}", sha) for name, sha in sorted(evidence.inputs.items())),
    ])  # fmt: skip
    lines += [
        "",
        f"Method {evidence.method}, profile {evidence.profile}, code {evidence.code_version or 'not recorded'}.",
        "",
    ]
    return "\n".join(lines)


def _table(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    if not rows:
        return ["", f"## {title}", "", "None."]
    escaped = [" | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) for row in rows]
    return [
        "",
        f"## {title}",
        "",
        f"| {' | '.join(head)} |",
        "|---" * len(head) + "|",
        *(f"| {row} |" for row in escaped),
    ]
