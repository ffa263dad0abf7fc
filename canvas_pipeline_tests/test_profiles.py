"""The dial: two frozen tables, and numbers in them that fit each other."""

from __future__ import annotations

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import METHODS
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.tracks.canvas.profiles import PROFILES, CanvasProfile


def test_there_are_two_profiles_and_another_name_lists_them() -> None:
    assert set(PROFILES) == {"embedded", "gb10"}
    with pytest.raises(BadConfig, match="embedded, gb10"):
        profile_named(PROFILES, "laptop")


@pytest.mark.parametrize("name", PROFILES)
def test_a_profile_is_frozen_and_named_as_its_key(name: str) -> None:
    found = profile_named(PROFILES, name)
    assert found.name == name
    with pytest.raises(AttributeError):
        found.item_pairs = 1  # type: ignore[misc]


@pytest.mark.parametrize("sizes", PROFILES.values(), ids=list(PROFILES))
def test_what_is_made_is_enough_for_what_is_asked(sizes: CanvasProfile) -> None:
    """After the held-out share is taken away, the training parts still reach G4's and G12's minimums, of pairs also where the
    policy is wrong on no more than one in five training prompts."""
    train = 1 - 2 * sizes.eval_fraction
    mutated = 6 * sizes.pairs_per_axis + 2 * sizes.pairs_per_heavy_axis + sizes.mixed_pairs
    calls = 18 * sizes.trajectories_per_tool + 2 * sizes.several_trajectories + 2 * sizes.sequence_trajectories
    assert calls / 18 * train > sizes.min_tool_occurrences
    assert 18 * sizes.trajectories_per_tool * train > sizes.min_trajectories
    assert sizes.greedy_prompts / 5 + mutated * train > sizes.min_preference_rows
    assert sizes.feedback_examples * train > sizes.min_feedback_rows


@pytest.mark.parametrize("sizes", PROFILES.values(), ids=list(PROFILES))
def test_made_up_mistakes_are_at_most_a_third_of_the_pairs(sizes: CanvasProfile) -> None:
    mutated = 6 * sizes.pairs_per_axis + 2 * sizes.pairs_per_heavy_axis + sizes.mixed_pairs
    assert mutated <= (sizes.greedy_prompts / 5 + mutated) / 3


def test_the_gb10_profile_has_the_numbers_of_the_design() -> None:
    gb10 = profile_named(PROFILES, "gb10")
    assert (gb10.min_preference_rows, gb10.min_feedback_rows, gb10.min_tool_occurrences, gb10.max_tool_cv) == (
        1000,
        1000,
        30,
        0.3,
    )
    assert gb10.bench_cases >= 1000 and profile_named(PROFILES, "embedded").bench_cases >= 500


@pytest.mark.parametrize("name", PROFILES)
def test_every_method_has_numbers_at_every_profile(name: str) -> None:
    for row in METHODS.values():
        assert row.hyperparameters(name).max_length >= 1 and row.norm_share_bound[name] > 0 and row.uma_gib[name] > 0


def test_a_profile_is_plain_data() -> None:
    assert msgspec.json.decode(
        msgspec.json.encode(profile_named(PROFILES, "embedded")), type=CanvasProfile
    ) == profile_named(PROFILES, "embedded")
