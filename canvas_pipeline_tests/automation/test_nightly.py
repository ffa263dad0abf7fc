"""When the nightly runs, and which changes it names."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from canvas_pipeline.automation.nightly import (
    EVERYTHING,
    NOTHING,
    NightlySettings,
    changed,
    from_tag,
    inputs_of,
    nightly_settings,
    to_tag,
)
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.track import TRACK


@pytest.mark.parametrize(
    "environ, settings, cron",
    [
        ({}, NightlySettings(), "0 2 * * *"),
        ({"CANVAS_NIGHTLY_AT": "", "CANVAS_NIGHTLY_ZONE": "", "CANVAS_AUTOMATION": ""}, NightlySettings(), "0 2 * * *"),
        ({"CANVAS_NIGHTLY_AT": "23:05"}, NightlySettings(23, 5), "5 23 * * *"),
        ({"CANVAS_NIGHTLY_AT": " 7:30 "}, NightlySettings(7, 30), "30 7 * * *"),
        ({"CANVAS_NIGHTLY_ZONE": "America/New_York", "CANVAS_AUTOMATION": "ON"},
         NightlySettings(2, 0, "America/New_York", True), "0 2 * * *"),
    ],
)  # fmt: skip
def test_hour_zone_and_automation_come_from_the_environment(
    environ: dict[str, str], settings: NightlySettings, cron: str
) -> None:
    assert nightly_settings(environ) == replace(settings, tracks=track_names())
    assert nightly_settings(environ).cron == cron


def test_the_tracks_of_the_nightly_come_from_the_environment_and_an_unknown_one_names_those_there_are() -> None:
    assert nightly_settings({"CANVAS_TRACKS": "canvas"}).tracks == ("canvas",)
    with pytest.raises(BadConfig, match=", ".join(track_names())):
        nightly_settings({"CANVAS_TRACKS": "canvas, chemistry"})


@pytest.mark.parametrize(
    "name, value, example",
    [
        ("CANVAS_NIGHTLY_AT", "24:00", "02:00"),
        ("CANVAS_NIGHTLY_AT", "2am", "02:00"),
        ("CANVAS_NIGHTLY_AT", "0 2 * * *", "02:00"),
        ("CANVAS_NIGHTLY_ZONE", "Eastern", "America/New_York"),
        ("CANVAS_NIGHTLY_ZONE", "../etc/passwd", "America/New_York"),
        ("CANVAS_AUTOMATION", "yes", "on or off"),
    ],
)
def test_an_unusable_value_is_named_with_an_example(name: str, value: str, example: str) -> None:
    with pytest.raises(BadConfig) as raised:
        nightly_settings({name: value})
    assert str(raised.value).startswith(f"{name} is ") and example in str(raised.value)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    synthesize(2, 1, 2, 7, tmp_path / "collab")
    (tmp_path / "sessions").mkdir()
    (tmp_path / "deploy").mkdir()
    return Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=tmp_path, deploy=tmp_path / "deploy")


def test_the_same_inputs_are_no_change_and_survive_a_tag(ws: Workspace) -> None:
    inputs = inputs_of([ws])
    assert from_tag(to_tag(inputs)) == inputs
    assert changed(inputs_of([ws]), from_tag(to_tag(inputs))) == NOTHING
    assert changed(inputs, None) == EVERYTHING


def test_each_input_is_named_when_it_changes(ws: Workspace) -> None:
    before = inputs_of([ws])
    with (ws.collab / "ada-001.jsonl").open("a") as file:
        file.write("{}\n")
    assert changed(inputs_of([ws]), before) == "contributors"
    (ws.sessions / "ada-001.jsonl").write_text("{}\n")
    (ws.deploy / "compose.yaml").write_text("services: {}\n")
    assert changed(inputs_of([ws]), before) == "contributors, sessions, deploy"
    ws.prompts.mkdir()
    (ws.prompts / "own.jsonl").write_text("{}\n")
    assert changed(inputs_of([ws]), before) == "contributors, sessions, prompts, deploy"
    other = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=ws.root, deploy=ws.deploy, seed=8)
    assert changed(inputs_of([other]), inputs_of([ws])) == "settings"


def test_a_renamed_contributor_is_a_change(ws: Workspace) -> None:
    before = inputs_of([ws])
    (ws.collab / "ada-001.jsonl").rename(ws.collab / "ada-100.jsonl")
    assert changed(inputs_of([ws]), before) == "contributors"


def test_a_file_that_cannot_be_read_is_a_change_and_does_not_cancel_the_nightly(ws: Workspace) -> None:
    before = inputs_of([ws])
    (ws.collab / "ada-001.jsonl").unlink()
    (ws.collab / "ada-001.jsonl").symlink_to("nothing")
    assert changed(inputs_of([ws]), before) == "contributors"
