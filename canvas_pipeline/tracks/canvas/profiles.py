"""Define the profiles of the Canvas track: base model, amounts of data, minimums."""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.profiles import Profile
from canvas_pipeline.tracks.canvas.tools.prompt import Declaration


class CanvasProfile(Profile, frozen=True, kw_only=True):
    """All sizes and minimums of one profile. Counts are rows; lengths are tokens."""

    declaration: Declaration  # how tools are declared to the model
    trajectories_per_tool: int  # synthesised single-call trajectories for each tool
    several_trajectories: int  # several calls in one turn
    sequence_trajectories: int  # a later call needs an earlier one's result
    follow_up_trajectories: int  # after a result: stop and answer
    dialogue_trajectories: int  # a second request refers to the first exchange, or corrects it
    failed_trajectories: int  # a tool refuses, fails or finds nothing
    none_trajectories: int  # a clarifying or plain answer, no call
    choice_trajectories: int  # which of two items is first, in the form of the labelled pairs
    mock_courses: int  # courses of one mock student (bounds the size of tool results)
    mock_assignments: int  # upcoming assignments a course
    item_pairs: int  # sampled item pairs shown to the teacher
    pairs_per_axis: int  # mutation pairs, axes 1 2 3 5 6 7
    pairs_per_heavy_axis: int  # mutation pairs, axes 4 (parsimony) and 8 (termination)
    mixed_pairs: int  # pairs that differ on more than one axis
    greedy_prompts: int  # training prompts that the SFT checkpoint answers greedily for on-policy pairs
    sampled_prompts: (
        int  # those of them for which it is also sampled; and the prompts of the eval part that bon and SPPO sample
    )
    round_prompts: int  # training prompts that each round of SPPO samples, each its own
    feedback_examples: int  # KTO rows, about half of them desirable
    bench_cases: int  # test cases
    selection_cases: int  # cases of eval students, for choosing the production checkpoint
    bench_students: int = (
        120  # least number of test students, of whom cases draw 100; synthesised where the corpus holds out fewer
    )
    selection_students: int = 40  # the same for eval students
    samples_a_prompt: int = 8  # completions of each of them
    min_tool_occurrences: int = 30  # G4
    max_tool_cv: float = 0.3  # G4
    min_preference_rows: int = 1000  # G12
    min_feedback_rows: int = 1000  # G12
    min_trajectories: int = 500  # G12
    min_bon_rows: int = 500  # G12
    min_round_rows: int = 500  # G12
    min_sayable: float | None = 0.5  # G9: share of rejected sides that the policy could say
    eval_fraction: float = 0.1  # share of components held out of training
    min_scenarios_passed: float = 0.8  # release: share of the end-to-end scenarios
    max_invented: float = (
        0.05  # release: share of answers after a tool result that state what nothing in the conversation does
    )


PROFILES: Mapping[str, CanvasProfile] = {
    profile.name: profile
    for profile in (
        CanvasProfile(
            name="embedded", family_name="gemma4", family_licence="gemma", base_model="embedded", declaration="catalogue",
            trajectories_per_tool=36, several_trajectories=800, sequence_trajectories=480, follow_up_trajectories=120,
            dialogue_trajectories=640, failed_trajectories=160, none_trajectories=240, choice_trajectories=100,
            mock_courses=2, mock_assignments=2, item_pairs=130,
            pairs_per_axis=16, pairs_per_heavy_axis=16, mixed_pairs=20,
            greedy_prompts=2800, sampled_prompts=120, round_prompts=700, feedback_examples=900,
            bench_cases=600, selection_cases=240, min_preference_rows=500, min_feedback_rows=500, min_trajectories=500,
            min_bon_rows=250, min_round_rows=200,
            # A model of 5 M parameters: these notice that it got clearly worse. One of the twelve scenarios has to pass.
            min_scenarios_passed=0.08, max_invented=0.5, max_loss_to_base=0.3,
        ),
        CanvasProfile(
            name="gb10", family_name="gemma4", family_licence="gemma", base_model="google/gemma-4-E2B-it", declaration="native",
            trajectories_per_tool=100, several_trajectories=2000, sequence_trajectories=1200, follow_up_trajectories=400,
            dialogue_trajectories=1600, failed_trajectories=500, none_trajectories=500, choice_trajectories=300,
            mock_courses=5, mock_assignments=6, item_pairs=800,
            pairs_per_axis=40, pairs_per_heavy_axis=40, mixed_pairs=80,
            greedy_prompts=4000, sampled_prompts=300, round_prompts=2500, feedback_examples=3000,
            bench_cases=1200, selection_cases=600,
        ),
    )
}  # fmt: skip
