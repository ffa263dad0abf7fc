"""The code location: asset graph, checks, jobs and schedule, and that Dagster's own tools accept it."""

from __future__ import annotations

import os
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import dagster as dg
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.methods import CHOICES, METHODS, rounds
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.orchestration.track import DAILY, demo_selection, next_act, training_selection
from canvas_pipeline.pipeline.settings import given as settings_of
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.defs.graph import graph_text

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def definitions() -> dg.Definitions:
    return defs()


def keys_of(definitions: dg.Definitions, job: str) -> set[str]:
    layer = definitions.resolve_job_def(job).asset_layer
    return {key.path[-1] for key in layer.executable_asset_keys}


def test_the_asset_graph_is_the_reviewed_one() -> None:
    assert graph_text() == (Path(__file__).parent / "asset_graph.txt").read_text()


def test_every_asset_has_an_owner_a_kind_and_a_description(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        assert node.owners == ["team:canvas-pipeline"] and node.tags["kind"] and node.kinds, key
        assert node.description and node.description.rstrip().endswith("."), key


def test_groups_begin_with_the_tracks_name_and_each_method_is_one(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    groups = {key: graph.get(key).group_name or "" for key in graph.get_all_asset_keys()}
    assert {key: group for key, group in groups.items() if not group.startswith(f"{key.path[0]}_")} == {
        dg.AssetKey("uma_status"): "platform"
    }
    for name in METHODS:
        own = {key.path[-1] for key, group in groups.items() if group == f"canvas_{name}".replace("-", "_")}
        rows = {"pairs", "reference"} if METHODS[name].reference else {"rows"}
        made = {"samples", "split", *rows} if METHODS[name].dataset == name else set()
        asked = {"bench", "gguf"} if name in CHOICES else set()
        assert own == {f"{name}_{part}" for part in ("run_spec", "checkpoint", *asked, *made)}
        assert (
            graph.get(asset_key(f"{name}_run_spec", "canvas")).tags.items()
            >= {"track": "canvas", "method": name, "kind": "spec"}.items()
        )


def test_groups_have_no_cycles(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    before: dict[str, set[str]] = {}
    for key in graph.get_all_asset_keys():
        node = graph.get(key)
        parents = {graph.get(parent).group_name or "" for parent in node.parent_keys} - {node.group_name}
        before.setdefault(node.group_name or "", set()).update(parents)
    list(TopologicalSorter(before).static_order())  # raises CycleError


def test_an_asset_names_the_assets_to_materialise_next() -> None:
    stages = TRACK.stages()
    said = {name: next_act(spec, stages, "canvas") for name, spec in stages.items()}
    assert said["sft_run_spec"] == "materialise canvas/sft_checkpoint"
    assert said["dpo_bench"] == "materialise canvas/method_matrix, canvas/dpo_gguf"
    assert said["preference_split"] == "materialise canvas/reference_logprobs"  # run specs read both, and come after it
    assert said["base_bench"] == "materialise canvas/<method>_run_spec"
    assert all(said.values())


def test_every_check_blocks(definitions: dg.Definitions) -> None:
    specs = [
        spec
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.check_specs
    ]
    assert len(specs) > 13 and all(spec.blocking for spec in specs)


def test_a_failed_verdict_is_an_error_not_a_warning() -> None:
    from canvas_pipeline.guardrails.guard import Measured
    from canvas_pipeline.orchestration.checks import check_result

    guard = TABLE.guards["g3"]
    found = check_result(
        guard, guard.verdict_of(Measured({"tool_selection": 0.1, "cases": 9}), {"base_model": "0", "bench_cases": "0"})
    )
    assert not found.passed and found.severity is dg.AssetCheckSeverity.ERROR


def test_every_guard_is_a_check_of_a_run_spec_of_each_method_it_concerns(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    for name in METHODS:
        checks = {check.name for check in graph.get_check_keys_for_assets({asset_key(f"{name}_run_spec", "canvas")})}
        assert checks == {guard.name for guard in TABLE.of_method(METHODS[name])}
    assert {guard.name for name in METHODS for guard in TABLE.of_method(METHODS[name])} == {
        guard.name for guard in TABLE.guards.values()
    }


def test_a_run_spec_waits_for_everything_it_reads(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    read = {key.path[-1] for key in graph.get(asset_key("dpo_run_spec", "canvas")).parent_keys}
    assert {
        "reference_logprobs",
        "base_bench",
        "training_image",
        "sft_checkpoint",
        "preference_split",
        "trajectory_split",
    } <= read


def test_the_demo_selects_three_methods_and_only_the_production_checkpoints_quants(definitions: dg.Definitions) -> None:
    found = keys_of(definitions, "canvas_demo")
    for kind in ("run_spec", "checkpoint", "bench"):
        assert found & {f"{name}_{kind}" for name in METHODS} == {f"{name}_{kind}" for name in ("sft", "dpo", "kto")}
    assert {key for key in found if key.endswith("_gguf")} == {"production_gguf"}
    assert {"corpus", "base_model", "base_bench", "training_image", "reference_logprobs", "release"} <= found
    assert not {"collab", "removals"} & found


def test_who_asks_for_sppo_gets_its_rounds(definitions: dg.Definitions) -> None:
    graph = definitions.resolve_asset_graph()
    asked = [
        f"{step.name}_{kind}"
        for step in rounds(METHODS["sppo"])
        for kind in ("samples", "pairs", "split", "checkpoint")
    ]
    for selected in (demo_selection(TRACK, ["sft", "sppo"]), training_selection(TRACK, ["sppo"])):
        found = {key.path[-1] for key in selected.resolve(graph)}
        assert {f"{step.name}_checkpoint" for step in rounds(METHODS["sppo"])} | {"sft_checkpoint"} <= found
    assert {*asked} <= {key.path[-1] for key in demo_selection(TRACK, ["sppo"]).resolve(graph)}
    assert not {*asked} & {key.path[-1] for key in demo_selection(TRACK, ["sft", "bon"]).resolve(graph)}


def test_the_nightly_selects_all_methods_up_to_the_release(definitions: dg.Definitions) -> None:
    found = keys_of(definitions, "nightly")
    assert {f"{name}_{kind}" for kind in ("run_spec", "checkpoint") for name in METHODS} <= found
    assert {f"{name}_bench" for name in CHOICES} <= found
    everything = {key.path[-1] for key in definitions.resolve_asset_graph().get_all_asset_keys()}
    assert everything - found == {
        "canaries",
        "collab",
        "removals",
        "uma_status",
        "source", "suite", "suite_bench",  # partitions: sources and bench_cases make the first two
        *(f"{name}_gguf" for name in CHOICES),
    }  # fmt: skip


def test_the_nightly_is_at_two_in_the_morning_and_automation_is_off_by_default(
    definitions: dg.Definitions,
) -> None:
    schedule = definitions.resolve_schedule_def("nightly")
    assert (schedule.cron_schedule, schedule.execution_timezone) == ("0 2 * * *", "UTC")
    assert schedule.default_status is dg.DefaultScheduleStatus.STOPPED
    for name in ("contributors", "failures"):
        assert definitions.resolve_sensor_def(name).default_status is dg.DefaultSensorStatus.STOPPED


def automated(**environment: str) -> subprocess.CompletedProcess[str]:
    """Return what the code location schedules in a given environment, from a fresh process."""
    code = (
        "from canvas_pipeline.definitions import defs; d = defs(); s = d.resolve_schedule_def('nightly');"
        "print(s.cron_schedule, s.execution_timezone, s.default_status.name,"
        "*[d.resolve_sensor_def(n).default_status.name for n in ('contributors', 'failures')])"
    )
    return subprocess.run(
        [sys.executable, "-c", code], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_hour_zone_and_automation_are_configured_by_the_environment() -> None:
    done = automated(
        CANVAS_NIGHTLY_AT="03:30", CANVAS_NIGHTLY_ZONE="Europe/Berlin", CANVAS_AUTOMATION="on", CANVAS_NOTIFY="log"
    )
    assert done.stdout.split("\n")[-2] == "30 3 * * * Europe/Berlin RUNNING RUNNING RUNNING", done.stderr[-2000:]


@pytest.mark.parametrize(
    "variable, value",
    [("CANVAS_NIGHTLY_AT", "25:00"), ("CANVAS_NIGHTLY_ZONE", "Nowhere"), ("CANVAS_NOTIFY", "pigeon:x")],
)
def test_the_code_location_does_not_load_with_an_unusable_setting(variable: str, value: str) -> None:
    done = automated(**{variable: value})
    assert done.returncode != 0 and variable in done.stderr.splitlines()[-1]


def test_the_release_is_stale_after_missed_nights(definitions: dg.Definitions) -> None:
    policies = {
        spec.key.to_user_string(): spec.freshness_policy
        for asset in definitions.assets or ()
        if isinstance(asset, dg.AssetsDefinition)
        for spec in asset.specs
        if spec.freshness_policy
    }
    assert policies == {f"{name}/release": DAILY for name in track_names()}


@pytest.mark.parametrize("command", [["dg", "check", "defs"], ["dagster", "definitions", "validate"]])
def test_dagsters_own_tools_accept_the_project_from_its_root(command: list[str], tmp_path: Path) -> None:
    program = Path(sys.executable).with_name(command[0])
    environment = {
        **os.environ,
        "DAGSTER_HOME": str(tmp_path),
        "DG_CLI_DISABLE_TELEMETRY": "1",
        "VIRTUAL_ENV": str(program.parents[1]),
    }
    done = subprocess.run(
        [program, *command[1:]], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]


def test_settings_that_only_a_track_knows_come_from_the_environment() -> None:
    given = settings_of({"CANVAS_OPTIONS": "rate_usd_per_hour=1.74; acknowledge/base=a = b", "CANVAS_PROFILE": "gb10"})
    assert given == {"profile": "gb10", "options": {"rate_usd_per_hour": "1.74", "acknowledge/base": "a = b"}}
    assert settings_of({}) == {}
    with pytest.raises(BadConfig, match="NAME=VALUE"):
        settings_of({"CANVAS_OPTIONS": "rate"})
