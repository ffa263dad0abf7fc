"""Give the texts and facts of the math track for its cards and its Modelfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.pipeline.facts import TrackCard, source
from canvas_pipeline.pipeline.shares import points
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt, requests
from canvas_pipeline.tracks.math.comparison import overall
from canvas_pipeline.tracks.math.guard_table import TABLE
from canvas_pipeline.tracks.math.rows import PROBLEM, SOLUTION

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("mathematics", "word-problems"),
    benchmark="Held-out word problems with exact answers",
    benchmark_id="math-bench",
    metrics=("exact_match",),
    required={"data": ("data.cases",), "model": ("data.gain_base", "data.gain_majority_answer")},
    texts={
        "Benchmark": (
            "Greedy answers to problems that training never saw, in trained wordings with other numbers and names, and in wordings "
            "held out. A case is right if its final answer equals the gold one by value; only labelled cases count. The most "
            "frequent answer of these cases stands beside the model under *Data*. A share stands with its Wilson interval, or "
            "that of its wordings where wider; *few* marks a share of too few cases to compare."
        ),
        "Use and limits": (
            "Made to show what supervised training adds to a base model. It solves short word problems of the benchmark's kinds "
            "with small whole numbers, in English; it knows little else, and it is wrong at the rates measured above. Its answers "
            "are to be checked before anybody relies on them."
        ),
        "Privacy": (
            "Names in the problems are first names from a short list, drawn by a program; no person contributed and none is "
            "described. Files that a team adds are its own: the audit searches them for identities."
        ),
    },
)


def facts(ws: Workspace) -> dict[str, Fact]:
    """Collect the gains over base and majority answer with both rates, and the number of cases."""
    compared, cases = ws.store.get("comparison"), ws.store.get("bench_cases")
    found = {
        "data.cases": Fact(value=cases.manifest.files["rows.jsonl"].rows or 0, source=source(cases, "rows.jsonl")),
        "privacy.contributors": Fact(value="none: rows are drawn by a program or read from files", source="the track math"),
    }  # fmt: skip
    for row in overall(compared):
        name, where = row.baseline.replace(" ", "_"), source(compared, "comparison.json")
        before = wilson(row.baseline_rate.hits, row.baseline_rate.cases)
        found[f"data.exact_match_{name}"] = Fact(
            value=before.share or 0.0, source=where, unit="share", low=before.low, high=before.high, n=before.cases
        )
        found[f"data.gain_{name}"] = Fact(value=f"{points(row)}, p {row.test.p:.2g}", source=where)
    return found


def system_prompt(ws: Workspace) -> SystemPrompt:
    """Return a prompt without system message that places a request where training has the problem."""
    return requests(PROBLEM, SOLUTION)


CARD = TrackCard(
    template=TEMPLATE,
    data_name="math-word-problems",
    data_licence="cc-by-4.0",
    inputs=("comparison",),
    facts=facts,
    system_prompt=system_prompt,
)
