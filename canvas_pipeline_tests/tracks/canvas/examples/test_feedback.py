"""KTO rows: balanced labels, unique prompts a label, spread over the tools (T11)."""

from __future__ import annotations

from collections import Counter

from canvas_pipeline.tracks.canvas.examples.decision_points import decision_points
from canvas_pipeline.tracks.canvas.examples.feedback import balance, feedback, subject
from canvas_pipeline.tracks.canvas.examples.mutation import MIXED, mutate
from canvas_pipeline.tracks.canvas.examples.verification import AXES, faults
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline_tests.tracks.canvas.examples.conversations import conversations

ROWS = conversations(1200)
PROFILE = PROFILES["embedded"]
PAIRS = mutate(ROWS, {**dict.fromkeys(AXES, 80), MIXED: 150}, 1).pairs
MADE = feedback(PAIRS, ROWS, PROFILE.feedback_examples, 1)


def test_half_of_the_rows_are_desirable_and_all_that_were_asked_for_are_there() -> None:
    shown = balance(MADE)
    assert (shown.desirable, shown.undesirable) == (450, 450)
    assert shown.ratio == 1.0
    assert len({row.id for row in MADE}) == 900


def test_within_a_label_no_prompt_comes_twice() -> None:
    for label in (True, False):
        prompts = [row.prompt for row in MADE if row.label is label]
        assert len(set(prompts)) == len(prompts)
    assert balance(MADE).unique_prompts >= 600


def test_a_desirable_completion_is_right_and_an_undesirable_one_fails_its_axes() -> None:
    truth = {m.prompt: m.steps for row in ROWS for m in decision_points(row)}
    for row in MADE:
        found = faults(truth[row.prompt], row.completion)
        assert found == (set() if row.label else set(row.axes))


def test_desirable_rows_come_from_pairs_and_from_trajectories() -> None:
    sources = Counter(bool(row.axes) for row in MADE if row.label)
    assert min(sources.values()) > 150


def test_every_tool_is_in_rows_of_both_labels() -> None:
    right = {m.prompt: m.rest for row in ROWS for m in decision_points(row)}
    for label in (True, False):
        counts = Counter(subject(row.prompt, right[row.prompt]) for row in MADE if row.label is label)
        assert set(counts) >= set(TOOLS)
        assert min(counts[name] for name in TOOLS) >= 15


def test_the_labels_are_mixed_and_not_one_after_the_other() -> None:
    """KTO reads rows in sequence: a batch of one label teaches nothing."""
    runs = sum(a.label != b.label for a, b in zip(MADE, MADE[1:], strict=False))
    assert runs > len(MADE) / 3


def test_the_shorter_label_sets_the_size() -> None:
    rows = feedback(PAIRS[:10], ROWS, 900, 1)
    shown = balance(rows)
    assert shown.undesirable <= 10
    assert 0 <= shown.desirable - shown.undesirable <= 1


def test_nothing_in_gives_nothing_out_and_no_ratio() -> None:
    assert feedback([], [], 100, 1) == []
    assert balance([]).ratio is None


def test_the_same_seed_gives_the_same_rows_and_another_seed_others() -> None:
    assert feedback(PAIRS, ROWS, 100, 1) == feedback(PAIRS, ROWS, 100, 1)
    assert feedback(PAIRS, ROWS, 100, 1) != feedback(PAIRS, ROWS, 100, 2)
