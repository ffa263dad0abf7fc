"""Define the profiles of the router track: how many rows are drawn and how many cases a checkpoint is chosen by."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.profiles import Profile


class RouterProfile(Profile, frozen=True, kw_only=True):
    """Sizes of one profile. ``synthetic_rows`` are drawn beside those of the files."""

    synthetic_rows: int
    selection_cases: int
    min_train_rows: int


PROFILES: Mapping[str, RouterProfile] = {
    profile.name: profile
    for profile in (
        RouterProfile(
            name="embedded", family_name="plain-qwen3", family_licence="apache-2.0", base_model="embedded", synthetic_rows=2400,
            selection_cases=60, min_train_rows=1500,
        ),
        RouterProfile(
            name="gb10", family_name="qwen3", family_licence="apache-2.0", base_model="Qwen/Qwen3-8B", synthetic_rows=0,
            selection_cases=200, min_train_rows=1500,
        ),
    )
}  # fmt: skip
