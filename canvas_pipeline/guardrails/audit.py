"""The audit as a verdict: what a second reader found in a stage's files, in the shape of the guards' answers.

In: an ``AuditReport`` and the sha256 of what was looked at. Out: a ``Verdict`` named ``audit``. What must hold: it passes
only where
something was looked at, all of it could be, and nothing was found; its reason names files, lines, fields and types, never a value.
"""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.guardrails.table import AUDIT, judge
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.intake.audit.auditor import AuditReport


def audit(found: AuditReport, inputs: Mapping[str, str], subject: str) -> Verdict:
    """The verdict on one stage. ``subject`` is its name."""
    numbers: dict[str, Number] = {
        "identities": found.total, "unreadable_files": len(found.unreadable), "files": found.files, "lines": found.lines,
        "strings": found.strings, "registry_keys": found.registry_keys, "reviewed_exceptions": found.allowed,
        **{f"found {type_}": count for type_, count in found.by_type.items()},
    }  # fmt: skip
    where = [str(leak) for leak in found.leaks[:5]] or list(found.unreadable)[:5]
    return judge(AUDIT.id, numbers, inputs, subject=subject, where=where)
