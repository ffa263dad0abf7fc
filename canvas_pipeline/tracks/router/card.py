"""Give the texts and facts of the router track for its cards and its Modelfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.pipeline.facts import TrackCard, source
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt, requests
from canvas_pipeline.tracks.router.guard_table import TABLE
from canvas_pipeline.tracks.router.judgement import RESULT, read_judgement
from canvas_pipeline.tracks.router.rows import ANSWER, INSTRUCTION

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("routing", "structured-output"),
    benchmark="Held-out queries with route plans",
    benchmark_id="router-bench",
    metrics=("route_plan_exact", "route_tools_exact"),
    required={"data": ("data.cases",), "model": ("data.p_majority_route",)},
    texts={
        "Benchmark": (
            "Greedy completions of queries that training never saw. A plan is exact if all its steps are, with their texts; its "
            "tools are exact if their sequence is. An unreadable completion is wrong in every figure. Most rows share one route, "
            "so the baselines under *Data* and the figures on other routes say more than the overall share. A share stands with "
            "its Wilson interval; *few* marks a share of too few cases to compare."
        ),
        "Use and limits": (
            "Made to turn a query into a plan of steps for tools and to describe the work in ten JSON keys. It knows the kinds of "
            "queries it was trained on, in English, and is wrong at the rates measured above; check a plan before anything runs it."
        ),
        "Privacy": (
            "Shipped and drawn rows are invented by a program; no person contributed and none is described. Files that a team adds "
            "are its own: the audit searches them for identities."
        ),
    },
)


def facts(ws: Workspace) -> dict[str, Fact]:
    """Collect the number of cases, the baselines' rates off the majority route and the tests against them."""
    judged, cases = ws.store.get("judgement"), ws.store.get("bench_cases")
    found = {
        "data.cases": Fact(value=cases.manifest.files["rows.jsonl"].rows or 0, source=source(cases, "rows.jsonl")),
        "privacy.contributors": Fact(value="none: rows are drawn by a program or read from files", source="the track router"),
    }  # fmt: skip
    result, where = read_judgement(judged), source(judged, RESULT)
    for row in result.tools:
        before = wilson(row.baseline_rate.hits, row.baseline_rate.cases)
        found[f"data.tools_off_majority_{_key(row.baseline)}"] = Fact(
            value=before.share or 0.0, source=where, unit="share", low=before.low, high=before.high, n=before.cases
        )
    for row in result.plans:
        text = f"McNemar p {row.test.p:.2g}, {row.gained} gained and {row.lost} lost of {row.candidate_rate.cases}"
        found[f"data.p_{_key(row.baseline)}"] = Fact(value=text, source=where)
    return found


def _key(name: str) -> str:
    return name.replace(" ", "_")


def system_prompt(ws: Workspace) -> SystemPrompt:
    """Return a prompt without system message that places a request where training has the query."""
    return requests(INSTRUCTION, ANSWER)


CARD = TrackCard(
    template=TEMPLATE,
    data_name="router-plans",
    data_licence="cc-by-4.0",
    inputs=("judgement",),
    facts=facts,
    system_prompt=system_prompt,
)
