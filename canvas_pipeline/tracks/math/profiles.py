"""Define the profiles of the math track: sizes of what is drawn, trained on and measured."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.profiles import Profile


class MathProfile(Profile, frozen=True, kw_only=True):
    """Sizes of one profile. Counts are rows; those of ``drawn_sums`` are sums without words. The cases are of each of the two drawn
    suites, to test and to choose by."""

    drawn_rows: int
    drawn_sums: int
    test_cases: int
    selection_cases: int
    min_train_rows: int


PROFILES: Mapping[str, MathProfile] = {
    profile.name: profile
    for profile in (
        MathProfile(
            name="embedded", family_name="plain-qwen3", family_licence="apache-2.0", base_model="embedded",
            drawn_rows=4500, drawn_sums=2500, test_cases=180, selection_cases=60, min_train_rows=2000,
        ),
        MathProfile(
            name="gb10", family_name="plain-qwen3", family_licence="apache-2.0", base_model="Qwen/Qwen2.5-7B",
            drawn_rows=2000, drawn_sums=0, test_cases=300, selection_cases=100, min_train_rows=2000,
        ),
    )
}  # fmt: skip
