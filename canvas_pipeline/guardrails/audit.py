"""Express the audit of a stage's files as a guard.

It is separate from the other guards and does not import the auditor, so that an edit to a guard does not repeat the audits, and an
edit to the auditor does not repeat the guards. Its reason names files, lines, fields and types, never a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.guardrails.guard import Bound, Guard, Measured

if TYPE_CHECKING:
    from canvas_pipeline.privacy.audit.auditor import AuditReport


def _audit(report: AuditReport) -> Measured:
    return Measured(
        {
            "identities": report.total, "unreadable_files": len(report.unreadable), "files": report.files, "lines": report.lines,
            "strings": report.strings, "registry_keys": report.registry_keys, "reviewed_exceptions": report.allowed,
            **{f"found {type_}": count for type_, count in report.by_type.items()},
        },
        where=[str(leak) for leak in report.leaks[:5]] or list(report.unreadable)[:5],
    )  # fmt: skip


# Not in the table of guards: it evaluates one stage's files for the stages that read them (see ``pipeline.audits``).
AUDIT = Guard(
    "audit", "audit", "a second, independent reader finds no identity and no key of the private registry in the files",
    "line", (), object, _audit,
    (Bound("strings", ">=", "min_strings", 1, "there is nothing to look at; materialise the stage again"),
     Bound("unreadable_files", "<=", "max_unreadable", 0, "a file cannot be read, so nobody knows what is in it"),
     Bound("identities", "<=", "max_identities", 0, "find where it was not masked (canvas-data audit names file, line and field), "
           "mend that, and materialise from there")),
)  # fmt: skip
