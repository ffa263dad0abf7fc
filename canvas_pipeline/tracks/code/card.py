"""Give the texts and facts of the code track for its cards and its Modelfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.evaluation.statistics import OVERALL
from canvas_pipeline.pipeline.facts import TrackCard, source
from canvas_pipeline.pipeline.shares import points
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt, requests
from canvas_pipeline.tracks.code.comparison import read_comparison, read_samples
from canvas_pipeline.tracks.code.guards import TABLE
from canvas_pipeline.tracks.code.rows import INSTRUCTION, RESPONSE
from canvas_pipeline.tracks.code.stages import read_sandbox

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("code", "python"),
    benchmark="Held-out list functions, executed",
    benchmark_id="code-bench",
    metrics=("pass_at_1",),
    required={"data": ("data.cases", "data.sandbox")},
    texts={
        "Benchmark": (
            "Greedy programs for held-out instructions, in wordings that training never saw, each run against tests whose expected "
            "values never enter the sandbox. A program that was cut off counts as wrong. A share stands with its Wilson interval, "
            "or that of cases with the same structure where wider; *few* marks a share of too few cases to compare."
        ),
        "Use and limits": (
            "Made to show what supervised training on programs that pass their tests adds to a base model. It writes short Python "
            "functions over lists of the benchmark's kind, in English wordings; it knows little else, can be wrong at the rates "
            "measured above, and what it writes must be run in a sandbox only."
        ),
        "Privacy": "Drawn rows are made by a program; rows of files are public tasks. No person contributed and none is described.",
    },
)


def facts(ws: Workspace) -> dict[str, Fact]:
    """Collect the number of cases, the barriers of the sandbox, the comparison with the baselines, and pass@k."""
    cases, drawn = ws.store.get("bench_cases"), ws.store.get("drawn_rows")
    found = {
        "data.cases": Fact(value=cases.manifest.files["rows.jsonl"].rows or 0, source=source(cases, "rows.jsonl")),
        "data.sandbox": Fact(value=read_sandbox(ws).line, source=source(drawn, "sandbox.json")),
        "privacy.contributors": Fact(value="none: rows are drawn by a program or public", source="the track code"),
    }  # fmt: skip
    compared = ws.store.get("baselines")
    for row in read_comparison(compared).rows:
        if row.group == OVERALL:
            found[f"data.gain_of_{row.candidate}_over_{row.baseline.replace(' ', '_')}"] = Fact(
                value=f"{points(row)}, p {row.test.p:.2g}", source=source(compared, "comparison.json")
            )
    sampled = ws.store.get("samples")
    report = read_samples(sampled)
    for k, share in report.pass_at.items():
        if share is not None:
            found[f"data.pass_at_{k}_sampled"] = Fact(
                value=share, source=source(sampled, "report.json"), unit="share", n=report.cases
            )
    return found


def system_prompt(ws: Workspace) -> SystemPrompt:
    """Return a prompt without system message that places a request where training has the instruction."""
    return requests(INSTRUCTION, RESPONSE, reply="\n")


CARD = TrackCard(
    template=TEMPLATE,
    data_name="code-list-functions",
    data_licence="cc-by-4.0",
    inputs=("baselines", "samples", "drawn_rows", "bench_cases"),
    facts=facts,
    system_prompt=system_prompt,
)
