"""Draw synthetic router rows: the acts that a query asks for, in their order, are its route.

Seven of ten rows share one route, as in the public data sets, so that a model that always says it looks accurate.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Any

from canvas_pipeline.verifiers.plan_fields import LEVELS
from canvas_pipeline.verifiers.plans import MODES, Mode, Step, Tool, serialise_step

CANONICAL: tuple[Tool, ...] = ("general-search", "math", "code")
CANONICAL_SHARE = 0.7
OTHERS: tuple[tuple[Tool, ...], ...] = (
    ("math",), ("math", "code"), ("general-search", "code"), ("code", "math"), ("general-search", "math"),
    ("math", "code", "general-search", "math"),
)  # fmt: skip

# Tool → what a query says, with the topic or with "it" in place of {x}.
ACTS: Mapping[Tool, tuple[str, ...]] = {
    "general-search": ("look up {x} {where}", "find sources on {x} {where}", "read about {x} {where}", "search {where} for {x}"),
    "math": ("derive a formula for {x}", "calculate {x} by hand", "prove a bound on {x}", "solve for {x} on paper"),
    "code": ("write code for {x}", "build a program for {x}", "simulate {x} in Python", "make a script for {x}"),
}  # fmt: skip
WHERE: Mapping[Mode, str] = {"web": "on the web", "rag": "in our books", "both": "on the web and in our books"}
LEVEL_TEXTS: Mapping[str, tuple[str, ...]] = {
    "introductory": ("For a first course, please", "As a short example for children,"),
    "intermediate": ("For a second course with some numbers, please", "As a longer example for a school group,"),
    "advanced": (
        "For people who read science and want exact answers,",
        "As a hard example for strong teachers, please",
    ),
}
QUANTITIES = "price number weight color light speed heat size age sound".split()
THINGS = (
    "bread coffee river garden school train mountain ocean forest bird dog cat horse book city farm market kitchen bridge castle "
    "island village storm beach football music painting money sleep honey cheese sugar fire wind moon star flower tree road house "
    "ship boat clock lamp paper glass wood stone sand grass copper silver steel rabbit sheep potato onion lemon apple piano"
).split()
PLACES = (
    "Paris Madrid Rome Berlin Warsaw Athens Oslo Tokyo Beijing Delhi Cairo Vienna Stockholm Helsinki Copenhagen Lisbon Dublin "
    "Budapest Ankara Lima Santiago Havana Nairobi France Spain Italy Germany Poland Greece Norway Japan China India Egypt"
).split()
ENDINGS = (
    "Check the answer and say what it means.",
    "Explain what you find in a few words.",
    "Please complete all of it today.",
)
# Tool → artifact, line of the outline, name.
PARTS: Mapping[Tool, tuple[str, str, str]] = {
    "general-search": ("notes", "Find sources", "search"),
    "math": ("formula", "Calculate", "math"),
    "code": ("script", "Write code", "code"),
}
OUTLINE_END = ("Check the answer", "Explain it", "Complete it")
LEAST_QUERY = (60, 80, 100)


def rows(count: int, seed: int) -> list[dict[str, Any]]:
    """Draw ``count`` rows in the public format. The same seed gives the same rows; the first ones of a larger count too."""
    rng = random.Random(f"router:{seed}")
    return [row(rng, f"router_{seed}_{number:05d}") for number in range(count)]


def row(rng: random.Random, id_: str) -> dict[str, Any]:
    """Draw one row."""
    tools = CANONICAL if rng.random() < CANONICAL_SHARE else rng.choice(OTHERS)
    level, mode = rng.randrange(len(LEVELS)), rng.choice(MODES)
    topic = f"the {rng.choice(QUANTITIES)} of {rng.choice(THINGS)} in {rng.choice(PLACES)}"
    steps = [_step(tool, at, topic, mode) for at, tool in enumerate(tools)]
    names = [PARTS[tool][2] for tool in tools]
    first = dict.fromkeys(tools)
    outline = [PARTS[tool][1] for tool in first] + list(OUTLINE_END)
    todo = [f"- [ ] {name}" for name in names]
    todo += [f"- [ ] {name}" for name in ("read", "explain", "complete")][: max(0, level + 2 - len(todo))]
    metrics: dict[str, Any] = {"primary": ["exact"], "secondary": ["time"]}
    metrics |= {"primary_guidance": "State it."} if level == 2 else {}
    metrics |= {"primary_computation": "Calculate it."} if tools[0] == "math" else {}
    return {
        "id": id_,
        "user_query": _query(rng, tools, topic, mode, level),
        "task_summary": f"Route a query about {topic} to {' and then '.join(names)}.",
        "route_plan": [serialise_step(step) for step in steps],
        "route_rationale": f"It needs {', '.join(names)}.",
        "expected_artifacts": ([PARTS[tool][0] for tool in first] + ["table", "report"])[: max(3, len(first))],
        "thinking_outline": outline[: 3 if level == 0 else 4],
        "handoff_plan": f"{' -> '.join(names)} -> check the answer again before the end",
        "todo_list": [*todo, "- [ ] router QA"],
        "difficulty": LEVELS[level],
        "tags": [topic.split()[3]],
        "acceptance_criteria": ["The answer is exact."],
        "metrics": metrics,
    }


def _step(tool: Tool, at: int, topic: str, mode: Mode) -> Step:
    if tool == "general-search":
        return Step(tool=tool, text=topic, mode=mode)
    verb = {"math": ("calculate", "check"), "code": ("build", "build")}[tool][at > 2]
    return Step(tool=tool, text=f"{verb} {topic}")


def _query(rng: random.Random, tools: Sequence[Tool], topic: str, mode: Mode, level: int) -> str:
    """Word the acts in their order. The topic stands in the first, later ones say ``it``."""
    acts = [rng.choice(ACTS[tool]).format(x="it" if at else topic, where=WHERE[mode]) for at, tool in enumerate(tools)]
    joined = acts[0] + "".join(
        f"{', then ' if at < len(acts) - 1 or len(acts) == 2 else ' and at the end '}{act}"
        for at, act in enumerate(acts)
        if at
    )
    query = f"{rng.choice(LEVEL_TEXTS[LEVELS[level]])} {joined}."
    for ending in rng.sample(ENDINGS, len(ENDINGS)):
        if len(query) < LEAST_QUERY[level]:
            query += f" {ending}"
    return query
