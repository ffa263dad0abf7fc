"""Decide whether a method may train, or be released, on exactly these inputs, and list every reason against it.

The gate opens only if every guard that applies to the method has a verdict that was made for these hashes, passed, and follows
from its own numbers under the shipped thresholds. ``reverify`` also reads the files and evaluates the guards over rows again.
Neither Dagster nor torch is needed, so the UI, the CLI, a backfill and the training process all call the same function.
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
"""Guard id → thresholds from the method table (``{"g5": {"max_norm_share": 2.0}, "g11": …}``)."""


def require(
    table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes, limits: Limits | None = None
) -> None:
    """Return if the gate is open.

    Raises ``GateClosed`` with every reason (verdict missing, failed, for other inputs, or not following from its numbers)."""
    raise_closed(method.name, decide(table, verdicts, method, inputs, limits))


def raise_closed(method: str, reasons: Sequence[str]) -> None:
    """Raise ``GateClosed`` with all reasons. Returns if there are none."""
    if reasons:
        listing = "".join(f"\n  - {reason}" for reason in reasons)
        raise GateClosed(
            f"{method} may not go on: {len(reasons)} reason{'s' if len(reasons) > 1 else ''} against{listing}\n"
            f"  see all guards with: canvas-train --check --method {method}"
        )


def decide(
    table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes, limits: Limits | None = None
) -> list[str]:
    """List every reason why ``method`` may not train on ``inputs``; empty if it may.

    ``inputs`` maps the names of ``table.inputs_of(method)`` to their sha256. ``limits`` are thresholds, beyond the shipped ones,
    that the verdicts must have used."""
    known = tuple(verdicts)
    reasons: list[str] = []
    for guard in table.of_method(method):
        reasons.extend(_reasons(table, guard, known, method, inputs, (limits or {}).get(guard.id, {})))
    return reasons


def decide_ancestry(table: GuardTable, verdicts: Iterable[Verdict], method: Method, inputs: Hashes) -> list[str]:
    """List the reasons of ``decide`` for a method and for every method whose checkpoint its weights descend from."""
    known = tuple(verdicts)
    return list(dict.fromkeys(reason for step in ancestry(method) for reason in decide(table, known, step, inputs)))


def _reasons(
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
    # Further names (an upstream stage, the tokenizer) must agree too where both sides have them.
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
    """List what shows that a verdict was not made by its guard: another name, thresholds other than the shipped ones, or a
    ``passed`` that contradicts its numbers."""
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
    """Decide, hash every file again, and evaluate the guards over rows again, as the training process does.

    ``files`` maps names of ``inputs`` to JSONL files. The method's train and eval files are required. Guards over further files are
    evaluated again where those are given; otherwise their verdicts are checked by hash only.

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
    # A guard that fails now is a reason, whether or not a verdict was recorded.
    return [] if again.passed else [f"{guard.name}: fails on the files at hand: {again.reason}"]
