"""Assets of the data half: what a model learns from, split so that nothing spans."""

import dagster as dg

from canvas_pipeline.components.outcome import Result, check_specs, outcome
from canvas_pipeline.components.resource import Line
from canvas_pipeline.defs.canvas.intake import corpus
from canvas_pipeline.line import examples

GROUP = "examples"


@dg.asset(
    deps=[corpus],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("trajectories"), ["g6", "audit"]),
)
def trajectories(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Conversations with native tool calls: recorded sessions, and the scripted policy on the mock Canvas."""
    return outcome(examples.trajectories(line.workspace(context)))


@dg.asset(deps=[corpus], group_name=GROUP, kinds={"jsonl"})
def item_pairs(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Pairs of items, sampled evenly over all of them: which should be done first?"""
    return outcome(examples.item_pairs(line.workspace(context)))


@dg.asset(
    deps=[item_pairs],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("labelled_pairs"), ["g6", "audit"]),
)
def labelled_pairs(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Item pairs that a teacher judged alike in three presentations, as tool-calling preference pairs."""
    return outcome(examples.labelled_pairs(line.workspace(context)))


@dg.asset(
    deps=[trajectories],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("mutation_pairs"), ["g6", "audit"]),
)
def mutation_pairs(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Right and wrong completions by mutation over eight axes, true by construction; no judge."""
    return outcome(examples.mutation_pairs(line.workspace(context)))


@dg.asset(
    deps=[mutation_pairs, trajectories],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey("feedback_examples"), ["audit"]),
)
def feedback_examples(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Unpaired completions with a thumbs up or down, for KTO."""
    return outcome(examples.feedback_examples(line.workspace(context)))


@dg.asset(
    key=["splits", "trajectory"],
    deps=[trajectories],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(
        dg.AssetKey(["splits", "trajectory"]), ["g2", "g4", "g6", "g7", "g8", "g12", "g13", "audit"]
    ),
)
def split_trajectory(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Trajectories in train, eval and test parts that share no item."""
    return outcome(examples.split(line.workspace(context), "trajectory"))


@dg.asset(
    key=["splits", "preference"],
    deps=[labelled_pairs, mutation_pairs],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey(["splits", "preference"]), ["g1", "g2", "g6", "g7", "g8", "g12", "audit"]),
)
def split_preference(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Preference pairs in train, eval and test parts that share no item."""
    return outcome(examples.split(line.workspace(context), "preference"))


@dg.asset(
    key=["splits", "feedback"],
    deps=[feedback_examples],
    group_name=GROUP,
    kinds={"jsonl"},
    check_specs=check_specs(dg.AssetKey(["splits", "feedback"]), ["g2", "g6", "g7", "g8", "g12", "audit"]),
)
def split_feedback(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Feedback examples in train, eval and test parts that share no item."""
    return outcome(examples.split(line.workspace(context), "feedback"))


@dg.asset(deps=[corpus], group_name="bench", kinds={"jsonl"})
def bench_cases(context: dg.AssetExecutionContext, line: Line) -> Result:
    """Prompts with what the model should do next, disjoint from training in items and in wording."""
    return outcome(examples.bench_cases(line.workspace(context)))
