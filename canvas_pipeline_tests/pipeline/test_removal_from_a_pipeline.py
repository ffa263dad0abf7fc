"""Removing a contributor from a pipeline that ran up to the release log: rows are rebuilt without them, models are deleted."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.testing import CliRunner

from canvas_pipeline.cli import lineage as lineage_commands
from canvas_pipeline.pipeline.stage import made_by_models
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.store import Store
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.rows import Item
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline_tests.pipeline.good_line import copy_of

STAGES = TRACK.stages()
MADE = made_by_models(STAGES)
ROWS = [name for name, spec in STAGES.items() if spec.kind == "rows" and name not in MADE]
SAMPLED = [name for name in MADE if not STAGES[name].method]
"""Rows that a model made, but for those of single methods: the pipeline has none of them."""


@dataclass(frozen=True)
class Removal:
    """A pipeline after the command removed a contributor, the command's report, and the state before."""

    ws: Workspace
    who: str
    others: tuple[str, ...]
    report: dict[str, Any]
    items: dict[str, Item]
    handles: dict[str, list[str]]
    versions: dict[str, str]


def command(*arguments: str) -> Any:
    app = typer.Typer()
    lineage_commands.register(app)
    done = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output[-2000:]
    return json.loads(done.stdout)


def corpus(store: Store) -> dict[str, Item]:
    return {item.id: item for item in read_jsonl(store.get("corpus").path(), Item)}


def theirs(item: Item, who: str) -> list[bool]:
    return [parent.startswith(f"{who}:") for parent in item.parents]


@pytest.fixture(scope="module")
def removal(good_line: Path, tmp_path_factory: pytest.TempPathFactory) -> Removal:
    ws = copy_of(good_line, tmp_path_factory.mktemp("removal") / "data")
    first, who, *rest = sorted(intake.contributor_files(ws))
    others = (first, *rest)
    items = corpus(ws.store)
    handles = {n: [i.course for i in read_jsonl(ws.store.get(f"collab/{n}").path(), Item)] for n in others}
    versions = {name: stage.sha256 for name in ROWS if (stage := ws.store.find(name))}
    assert [*versions] == ROWS and all(map(ws.store.find, SAMPLED)) and ws.store.find("release_log") is not None
    report = command(
        "remove", "--contributor", who, "--yes", "--rebuild", "data", "--root", str(ws.root),
        "--base-model", ws.base_model,
    )  # fmt: skip
    return Removal(ws, who, others, report, items, handles, versions)


def test_their_name_is_in_no_file_and_no_file_name(removal: Removal) -> None:
    name = re.compile(rf"(?<![\w-]){re.escape(removal.who)}(?![\w-])".encode())
    files = [path for path in removal.ws.root.rglob("*") if path.is_file() or path.is_symlink()]
    assert len(files) > 50
    found = [
        path for path in files if name.search(str(path.relative_to(removal.ws.root)).encode() + b" " + _bytes(path))
    ]
    assert found == [] and removal.report["mentions"] == []


def test_items_of_theirs_alone_are_removed_and_shared_ones_stay_with_the_others_handles(removal: Removal) -> None:
    now = corpus(removal.ws.store)
    alone = {id_ for id_, item in removal.items.items() if all(theirs(item, removal.who))}
    shared = {id_ for id_, item in removal.items.items() if any(theirs(item, removal.who))} - alone
    assert alone and shared
    assert now.keys() == removal.items.keys() - alone
    assert not [item for item in now.values() if any(theirs(item, removal.who))]
    assert {id_: item.course for id_, item in now.items()} == {id_: removal.items[id_].course for id_ in now}
    for name, before in removal.handles.items():
        assert [item.course for item in read_jsonl(removal.ws.store.get(f"collab/{name}").path(), Item)] == before


def test_no_row_of_any_stage_that_is_left_names_an_item_of_theirs_alone(removal: Removal) -> None:
    alone = {id_ for id_, item in removal.items.items() if all(theirs(item, removal.who))}
    looked = 0
    for name in ROWS:
        stage = removal.ws.store.get(name)
        for file, entry in stage.manifest.files.items():
            for row in _rows(stage.path(file)) if entry.rows else ():
                looked += 1
                named = {row.get("id"), *row.get("parents", ()), *row.get("item_ids", ())}
                assert not named & alone, f"{name} {file}"
    assert looked > 1000


def test_the_others_are_reused_what_depended_on_the_contributor_is_rebuilt_and_models_are_listed(
    removal: Removal,
) -> None:
    reused = removal.report["reused"]
    assert {name for name, again_ in reused.items() if again_} == {f"collab/{name}" for name in removal.others}
    assert reused.keys() == {*ROWS, *(f"collab/{name}" for name in removal.others)}
    changed = {name for name in ROWS if removal.ws.store.get(name).sha256 != removal.versions[name]}
    assert changed == set(ROWS)
    lost = set(removal.report["to_rebuild"])
    assert {"sft_checkpoint", "dpo_checkpoint", "dpo_bench", "dpo_gguf", "cards", "release_log", *SAMPLED} <= lost
    assert not [name for name in lost if removal.ws.store.find(name) is not None]
    assert "base_model" not in lost and removal.ws.store.find("base_model") is not None
    saw = {e["stage"] for e in removal.report["exposures"] if e["kind"] == "model" and e["seen"] == "yes"}
    assert {"sft_checkpoint", "dpo_checkpoint"} <= saw


def test_a_rebuilt_row_is_traced_up_to_its_sources_and_down_to_its_split(removal: Removal) -> None:
    """Up from a conversation to lines of the others' files, and from one of those lines down to that row again."""
    row = next(_rows(removal.ws.store.get("trajectory_split").path("train.jsonl")))
    up = command("lineage", row["id"], "--root", str(removal.ws.root))["up"]
    sources = {id_: where for id_, where in up["sources"].items() if ":" in id_}
    assert sources and {id_.split(":")[0] for id_ in sources} <= set(removal.others)
    source, where = next(iter(sources.items()))
    file, _, number = where.rpartition(":")
    assert file == f"{source.split(':')[0]}.jsonl"
    assert 1 <= int(number) <= len((removal.ws.collab / file).read_bytes().splitlines())
    down = command("lineage", source, "--root", str(removal.ws.root))["down"]
    assert row["id"] in {id_ for near in down["edges"].values() for id_ in near}
    assert "trajectory_split" in {place["stage"] for place in down["places"][row["id"]]}


def _bytes(path: Path) -> bytes:
    return bytes(path.readlink()) if path.is_symlink() else path.read_bytes()


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    return (json.loads(line) for line in path.open("rb"))
