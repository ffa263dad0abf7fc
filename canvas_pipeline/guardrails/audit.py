"""The audit of a stage's files as a check: what a second reader found, in the shape of the guards' answers.

It is apart from the guards and does not import the auditor: an edit to a guard makes no file be looked through again, and an edit
to the auditor does not make the guards judge again. Its reason names files, lines, fields and types, never a value.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.guardrails.guard import Bound, Guard, Measured

if TYPE_CHECKING:
    from canvas_pipeline.privacy.audit.auditor import AuditReport


def _audit(found: AuditReport) -> Measured:
    return Measured(
        {
            "identities": found.total, "unreadable_files": len(found.unreadable), "files": found.files, "lines": found.lines,
            "strings": found.strings, "registry_keys": found.registry_keys, "reviewed_exceptions": found.allowed,
            **{f"found {type_}": count for type_, count in found.by_type.items()},
        },
        where=[str(leak) for leak in found.leaks[:5]] or list(found.unreadable)[:5],
    )  # fmt: skip


# No guard of the training: it judges a stage's files, and whoever reads the stage asks for it (see ``pipeline.audits``).
AUDIT = Guard(
    "audit", "audit", "a second, independent reader finds no identity and no key of the private registry in the files",
    "line", (), object, _audit,
    (Bound("strings", ">=", "min_strings", 1, "there is nothing to look at; materialise the stage again"),
     Bound("unreadable_files", "<=", "max_unreadable", 0, "a file cannot be read, so nobody knows what is in it"),
     Bound("identities", "<=", "max_identities", 0, "find where it was not masked (canvas-data audit names file, line and field), "
           "mend that, and materialise from there")),
)  # fmt: skip
