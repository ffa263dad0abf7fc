"""The gate: may this method train (or be released) on exactly these inputs? Every reason against, or none.

In: verdicts, a method, and the sha256 of the inputs at hand. Out: reasons as values (``decide``), or ``GateClosed``
with all of them (``require``). ``reverify`` is what the training process asks itself: it reads the actual files, works
the row guards out again, and compares. What must hold: the gate opens only if every guard that concerns the method has
a verdict that was made for these hashes, passed, and follows from its own numbers under the shipped thresholds; it
needs neither Dagster nor torch, so that the UI, the CLI, a backfill and the training process all ask
the same function.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from canvas_pipeline.errors import BadInput, GateClosed
from canvas_pipeline.guardrails.guard import Guard, Hashes
from canvas_pipeline.guardrails.rows import reader, row_verdict
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.guardrails.verdict import Number, Verdict
from canvas_pipeline.methods import Method, ancestry
from canvas_pipeline.profiles import Profile
from canvas_pipeline.storage.digests import sha256_file

Limits = Mapping[str, Mapping[str, Number]]
"""Guard id → thresholds that the method table gives (``{"g5": {"max_grad_norm": 60.0}, "g11": …}``)."""


def require(
    table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes, limits: Limits | None = None
) -> None:
    """Return when the gate is open; raise ``GateClosed`` listing every reason against (missing, failed, made for other
    inputs, not following from its numbers)."""
    raise_closed(method.name, decide(table, verdicts, method, inputs, limits))


def raise_closed(method: str, reasons: Sequence[str]) -> None:
    """Raise ``GateClosed`` with all reasons, or return where there are none."""
    if reasons:
        listing = "".join(f"\n  - {reason}" for reason in reasons)
        raise GateClosed(
            f"{method} may not go on: {len(reasons)} reason{'s' if len(reasons) > 1 else ''} against{listing}\n"
            f"  see all guards with: canvas-train --check --method {method}"
        )


def decide(
    table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes, limits: Limits | None = None
) -> list[str]:
    """Every reason why ``method`` may not train on ``inputs`` (name → sha256; the names are
    ``table.inputs_of(method)``); empty when it may. ``limits`` are thresholds that the verdicts must have been judged
    with, beyond the shipped ones."""
    known = tuple(verdicts)
    reasons: list[str] = []
    for guard in table.of_method(method):
        reasons.extend(_against(table, guard, known, method, inputs, (limits or {}).get(guard.id, {})))
    return reasons


def decide_line(table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes) -> list[str]:
    """What a release asks: ``decide`` for the method and for every checkpoint that its weights descend from."""
    known = tuple(verdicts)
    return list(dict.fromkeys(reason for step in ancestry(method) for reason in decide(table, known, step, inputs)))


def _against(
    table: GuardTable,
    guard: Guard,
    verdicts: Sequence[Verdict],
    method: Method,
    inputs: Hashes,
    limits: Mapping[str, Number],
) -> list[str]:
    names = guard.inputs(method)
    absent = [name for name in names if not inputs.get(name)]
    if absent:
        return [f"{guard.name}: the hash of {', '.join(absent)} is not given, so no verdict can be bound to it"]
    subject = guard.subject(method)
    own = [v for v in verdicts if v.guard == guard.id and v.subject == subject]
    about = f" about {subject}" if subject else ""
    if not own:
        return [f"{guard.name}: there is no verdict{about}; materialise the stage that yields it"]
    # Names beyond the bound ones (an upstream stage, the tokenizer) must agree too where both sides give them.
    bound = [v for v in own if all(v.inputs.get(n) == inputs[n] for n in names) and _agree(v, inputs)]
    if not bound:
        changed = sorted({n for v in own for n in (*names, *v.inputs) if n in inputs and v.inputs.get(n) != inputs[n]})
        return [
            f"{guard.name}: the verdict{about} was made for other inputs ({', '.join(changed)} differ); check again"
        ]
    reasons: list[str] = []
    for verdict in bound:
        reasons.extend(forged(table, verdict))
        reasons.extend(
            f"{guard.name}: was judged with {name} {verdict.thresholds.get(name)}, not with the method table's {limit}"
            for name, limit in limits.items()
            if verdict.thresholds.get(name) != limit
        )
        if not verdict.passed:
            reasons.append(f"{guard.name}: failed{about}: {verdict.reason or 'no reason is recorded'}")
    return list(dict.fromkeys(reasons))


def _agree(verdict: Verdict, inputs: Hashes) -> bool:
    return all(inputs[name] == sha for name, sha in verdict.inputs.items() if name in inputs)


def forged(table: GuardTable, verdict: Verdict) -> list[str]:
    """What shows that a verdict was not written by its guard: another name, other thresholds than the shipped ones, or
    a ``passed`` that contradicts its own numbers."""
    guard = table.guards.get(verdict.guard)
    if guard is None:
        return [f"{verdict.guard}: there is no such guard"]
    reasons: list[str] = []
    if verdict.name != guard.name:
        reasons.append(f"{guard.name}: the verdict carries another name ({verdict.name})")
    for bound in guard.bounds:
        if bound.value is not None and verdict.thresholds.get(bound.threshold) != bound.value:
            reasons.append(f"{guard.name}: was judged with another {bound.threshold} than the shipped {bound.value:g}")
    if verdict.passed != (not guard.broken(verdict.numbers, verdict.thresholds)):
        reasons.append(f"{guard.name}: passed={verdict.passed} contradicts the verdict's own numbers")
    return reasons


def reverify(
    table: GuardTable,
    method: Method,
    verdicts: Iterable[Verdict],
    inputs: Hashes,
    files: Mapping[str, Path],
    profile: Profile,
    limits: Limits | None = None,
) -> list[str]:
    """Decide, hash every file again, and work the guards over rows out again: what the training process asks for itself.

    ``files`` maps the names of ``inputs`` to JSONL files: the method's train and eval file must be there;
    guards over further files are worked out where those are given, and else rest on the hashes.

    Returns every reason against; a forged or stale verdict "contradicts" the files."""
    known = tuple(verdicts)
    dataset = method.dataset
    reasons = decide(table, known, method, inputs, limits)
    own = (f"{dataset}_train", f"{dataset}_eval")
    reasons += [
        f"{name}: no file is given, so its guards cannot be worked out again" for name in own if name not in files
    ]
    good: dict[str, Path] = {}
    for name, path in files.items():
        if not path.is_file():
            reasons.append(f"{name}: {path} is not there")
        elif sha256_file(path) != inputs.get(name):
            reasons.append(f"{name}: {path} contradicts its sha256; it changed after it was judged")
        else:
            good[name] = path
    read = reader(table, good)
    for guard in table.of_method(method):
        if not guard.recomputable or not all(name in good for name in guard.inputs(method)):
            continue
        try:
            again = row_verdict(table, guard, dataset, read, inputs, profile)
        except BadInput as error:
            reasons.append(f"{guard.name}: {error}")
            continue
        reasons += _contradictions(guard, again, known, method, inputs)
    return list(dict.fromkeys(reasons))


def _contradictions(
    guard: Guard, again: Verdict, verdicts: Sequence[Verdict], method: Method, inputs: Hashes
) -> list[str]:
    names = guard.inputs(method)
    subject = guard.subject(method)
    for v in verdicts:
        if v.guard != guard.id or v.subject != subject or any(v.inputs.get(n) != inputs[n] for n in names):
            continue
        if (v.passed, v.numbers, v.thresholds) != (again.passed, again.numbers, again.thresholds):
            differing = sorted(k for k in {*v.numbers, *again.numbers} if v.numbers.get(k) != again.numbers.get(k))
            what = ", ".join(differing[:5]) or ("thresholds" if v.thresholds != again.thresholds else "passed")
            return [f"{guard.name}: the verdict contradicts the files ({what} differ when worked out again)"]
    # A guard that fails now fails, whatever was recorded (or not recorded) about it.
    return [] if again.passed else [f"{guard.name}: fails on the files at hand: {again.reason}"]
