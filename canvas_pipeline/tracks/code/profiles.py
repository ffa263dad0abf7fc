"""Define the profiles of the code track."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.profiles import Profile


class CodeProfile(Profile, frozen=True, kw_only=True):
    """Sizes of one profile. ``programs`` drawn for training, each in ``wordings`` wordings; counts of cases are of drawn ones.

    ``sampled_cases`` are answered ``samples`` times at ``temperature``, for pass@k."""

    programs: int
    wordings: int
    test_cases: int
    selection_cases: int
    sampled_cases: int
    samples: int = 10
    temperature: float = 0.8
    min_train_rows: int = 1000


PROFILES: Mapping[str, CodeProfile] = {
    profile.name: profile
    for profile in (
        CodeProfile(
            name="embedded", family_name="plain-qwen3", family_licence="apache-2.0", base_model="embedded", programs=1200,
            wordings=3, test_cases=200, selection_cases=80, sampled_cases=30,
        ),
        CodeProfile(
            name="gb10", family_name="plain-qwen3", family_licence="apache-2.0", base_model="Qwen/Qwen3-8B-Base", programs=4000,
            wordings=2, test_cases=400, selection_cases=200, sampled_cases=100,
        ),
    )
}  # fmt: skip
