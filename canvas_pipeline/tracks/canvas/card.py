"""Give the texts and facts of the Canvas track for its cards and its Modelfile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from canvas_pipeline.pipeline.facts import TrackCard, source
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.release.cards import CardTemplate, Fact
from canvas_pipeline.release.modelfile import SystemPrompt
from canvas_pipeline.tracks.canvas.data.constrained import NAME as CONSTRAINED
from canvas_pipeline.tracks.canvas.data.constrained import facts as constrained_facts
from canvas_pipeline.tracks.canvas.data.held_out import TEST
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline.tracks.canvas.tools.prompt import OPENING, catalogue, system_message, user_message

if TYPE_CHECKING:
    from canvas_pipeline.pipeline.workspace import Workspace

TEMPLATE = CardTemplate(
    guards=TABLE,
    tags=("tool-calling", "canvas-lms"),
    benchmark="Held-out Canvas tool calls",
    benchmark_id="canvas-bench",
    metrics=("tool_selection", "exact_call"),
    required={
        "model": ("bench.students", "bench.contributors", "bench.wordings"),
        "data": ("data.items", "data.reference_instant"),
    },
    texts={
        "Benchmark": (
            "Greedy answers to held-out cases, disjoint from training in items and in phrasing. Where the contributors' own "
            "held-out students are few, students of synthesised contributors are asked about too: *synthesised* counts them. Cases "
            "share wordings, and those of one wording mostly come out alike: a share stands with the wider of its Wilson interval "
            "and that of a bootstrap that draws whole wordings; *effective cases* are the independent ones that would be as sure "
            "of the exact calls. *few* marks a share of too few cases to compare."
        ),
        "Use and limits": (
            "Made to call a student's Canvas and calendar tools in its base model's own tool-call format; the program around it "
            "must parse the calls, run the tools and feed the results back. Changes and deletions of events are proposals that a "
            "person confirms. It speaks English, knows nothing but what its tools return, can pick a wrong tool or argument at "
            "the rates measured above, and is not made for decisions about grades or persons."
        ),
        "Privacy": (
            "Course identities are replaced by handles and personal data by placeholders before any example is made. The register "
            "that links handles to courses stays private and is no part of the data."
        ),
    },
)


def facts(ws: Workspace) -> dict[str, Fact]:
    """Count items and course handles of the corpus and what the bench is drawn from; name the teacher of the labelled pairs."""
    corpus, labelled, cases = (ws.store.get(name) for name in ("corpus", "labelled_pairs", "bench_cases"))
    drawn = {
        f"bench.{name.removeprefix(TEST).replace(' ', '_')}": Fact(value=count, source=source(cases))
        for name, count in cases.manifest.notes.items()
        if name.startswith(TEST)
    }
    items, where = list(read_jsonl(corpus.path(), Item)), source(corpus)
    return {
        **drawn,
        **constrained_facts(ws),
        "data.items": Fact(value=len(items), source=where),
        "data.reference_instant": Fact(value=_now(ws), source=where),
        "data.teacher": Fact(value=str(labelled.manifest.notes["teacher"]), source=source(labelled)),
        "privacy.course_handles": Fact(value=len({item.course for item in items if item.course}), source=where),
    }


def system_prompt(ws: Workspace) -> SystemPrompt:
    """Render the system message, at the instant that the examples refer to where it states one."""
    declaration, now = ws.profile.declaration, _now(ws)
    note = '"Now" is the instant the examples refer to: replace it (`/set system …`) when you ask.'
    if declaration == "native":
        stated = user_message("", now, declaration).content.strip()
        note = f'Begin each request with a line that states the instant, as in training: "{stated}"'
    return SystemPrompt(
        text=system_message(now, declaration).content, declared=declaration == "native", opening=OPENING, catalogue=catalogue(),
        note=note,
    )  # fmt: skip


def _now(ws: Workspace) -> str:
    return max(item.collected_at for item in read_jsonl(ws.store.get("corpus").path(), Item))


CARD = TrackCard(
    template=TEMPLATE,
    data_name="canvas-tool-calling",
    data_licence="cc-by-4.0",
    inputs=("scenarios", CONSTRAINED, "corpus", "labelled_pairs"),
    facts=facts,
    system_prompt=system_prompt,
)
