"""Build benchmark cases: a student's request, and what a model should do next.

Only benchmark wordings are used, and students that no training row draws on. Every tool has at least 20 single cases.
``expected_args`` are exactly the arguments that the text states, one mapping a call, in order. A case whose right act is to stop
or to ask back expects no call.

Kinds and their shares are in ``SHARES``. ``single`` cases are balanced over the 18 tools; ``sequence`` ones ask for the first
call and, after its result, for the next one, in turn; of ``follow_up`` ones half stand right after a result and half after a remark
that needs no new call; ``dialogue`` ones are second requests; ``failed`` ones stand after a result that is an error, or empty, or
not what was asked for: the right act is to say so.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from typing import get_args

from canvas_pipeline.records import digest
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.situation import Decision, Situation, SituationKind, decisions, used_items
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import BenchCase, CaseKind
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, said

SHARES: dict[CaseKind, float] = {
    "single": 0.56, "several": 0.12, "sequence": 0.12, "follow_up": 0.08, "dialogue": 0.1, "failed": 0.08, "none": 0.08,
}  # fmt: skip
"""Of ``profile.bench_cases``; single requests have at least ``MIN_CASES_A_TOOL`` cases a tool, so there may be more in all."""
MIN_CASES_A_TOOL = 20
TRIES = 10  # situations drawn for each case wanted: requests without ids soon repeat


def cases(
    students: Sequence[Snapshot],
    profile: CanvasProfile,
    seed: int,
    canvas_factory: CanvasFactory,
    count: int | None = None,
) -> list[BenchCase]:
    """Build at least ``profile.bench_cases`` cases (or ``count``, for a selection set), no two with the same prompt.

    With ``count``, the minimum for each tool is one. Sorted by id; empty without students."""
    if not students:
        return []
    least = MIN_CASES_A_TOOL if count is None else 1
    total = profile.bench_cases if count is None else count
    found: dict[str, BenchCase] = {}
    for kind in get_args(CaseKind):
        wanted = math.ceil(total * SHARES[kind])
        a_tool = max(math.ceil(wanted / len(ALL_TOOLS)), least)
        wanted = a_tool * len(ALL_TOOLS) if kind == "single" else wanted
        missing = Counter(dict.fromkeys(ALL_TOOLS, a_tool)) if kind == "single" else Counter({kind: wanted})
        counts: dict[SituationKind, int] = {kind: TRIES * wanted}
        kept = 0
        for situation in situations(students, profile, seed, (kind,), canvas_factory, role="bench", counts=counts):
            case = _case(situation, kept)
            slot = case.expected_tools[0] if kind == "single" else kind
            if missing[slot] > 0 and case.id not in found:
                found[case.id] = case
                missing[slot] -= 1
                kept += 1
            if kept == wanted:
                break
    return sorted(found.values(), key=lambda case: case.id)


def _case(situation: Situation, index: int) -> BenchCase:
    decision = _decision(decisions(situation), situation.kind, index)
    return BenchCase(
        id=digest("case", *(message.content for message in decision.prompt))[:12],
        kind=situation.kind,
        messages=decision.prompt,
        expected_tools=tuple(call.name for call in decision.calls),
        expected_args=tuple(call.arguments for call in decision.calls),
        tools=ALL_TOOLS,
        phrasing=situation.phrasing,
        item_ids=used_items(situation.snapshot, " ".join(said(message) for message in decision.prompt[1:])),
        parents=situation.snapshot.item_ids,
    )


def _decision(points: Sequence[Decision], kind: SituationKind, index: int) -> Decision:
    """Choose the decision that a case of this kind is about (see the module's docstring)."""
    if kind == "sequence":
        return points[index % (len(points) - 1)]  # every one but the answer
    if kind == "failed":
        return points[-1]
    if kind == "dialogue":
        return points[-2]  # the last call; after it comes the answer
    if kind == "follow_up":
        answers = [point for point in points if point.answer is not None]
        return answers[index % 2]
    return points[0]
