"""The data stages on disk: nothing is built twice, the same inputs give the same bytes, a change rebuilds what depends on it, and
bad input changes nothing."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg
import msgspec
import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.errors import BadInput, GateClosed, MissingInput
from canvas_pipeline.orchestration.assets import asset_key
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Row, read_jsonl
from canvas_pipeline.tracks.canvas.bench.benchmark import by_hand
from canvas_pipeline.tracks.canvas.data import intake
from canvas_pipeline.tracks.canvas.rows import BenchCase, FeedbackExample, Item, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.prompt import said
from canvas_pipeline_tests.pipeline.good_line import BASE, Workshop, copy_of, data_half, line_at

CONTRIBUTOR = "ada-001"


@pytest.fixture
def ws(good_line: Path, tmp_path: Path) -> Workspace:
    return copy_of(good_line, tmp_path / "line")


def tree(ws: Workspace) -> dict[str, bytes]:
    """Return every file of the artefacts with its bytes."""
    root = ws.store.root
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def contents(ws: Workspace) -> dict[str, str]:
    """Return the content hash of every current stage."""
    links = sorted(ws.store.root.rglob("current"))
    names = [link.parent.relative_to(ws.store.root).as_posix() for link in links]
    return {name: ws.store.get(name).sha256 for name in names}


def add_line(ws: Workspace, raw: bytes) -> None:
    path = ws.collab / f"{CONTRIBUTOR}.jsonl"
    text = path.read_bytes()
    path.unlink()
    path.write_bytes(text + raw)


def test_a_second_run_builds_nothing_and_changes_no_byte(ws: Workspace) -> None:
    before = tree(ws)
    assert all(made.reused for made in data_half(ws))
    assert tree(ws) == before


def test_the_same_contributors_give_the_same_bytes_in_another_folder(good_line: Path, tmp_path: Path) -> None:
    for name in ("collab", "deploy", BASE):
        shutil.copytree(good_line / name, tmp_path / name)
    fresh = line_at(tmp_path)
    assert not any(made.reused for made in data_half(fresh))
    again = contents(fresh)
    assert again == {name: sha256 for name, sha256 in contents(line_at(good_line)).items() if name in again}


def test_an_added_line_that_is_refused_rebuilds_its_contributor_and_nothing_downstream(ws: Workspace) -> None:
    add_line(ws, b"this is no JSON\n")
    made = {m.stage.manifest.stage: m.reused for m in data_half(ws)}
    # What was refused is a report: the rows have the bytes they had, so the merge has nothing to do either.
    assert {name for name, reused in made.items() if not reused} == {f"collab/{CONTRIBUTOR}"}
    funnel = ws.store.get(f"collab/{CONTRIBUTOR}").manifest.funnel
    assert funnel is not None and funnel.refused == {"malformed_json": 1}


def test_the_gate_refuses_old_specs_after_a_contributor_changed(ws: Workspace) -> None:
    """Until everything in between is rebuilt: the splits were not made from this corpus."""
    essay = {"name": "A new essay", "type": "ASGN", "due_at": None, "points_possible": 1.0, "submission_types": ["none"],
             "submission_status": "NOT_SUBMITTED"}  # fmt: skip
    record = {"type": "course_snapshot", "course_name": "Graphs", "course_code": "CS_3704_21936_202601", "term": "2026 Spring",
              "assignments": [essay], "contributor_id": CONTRIBUTOR,
              "collected_at": "2026-02-16T14:05:33.482913-05:00"}  # fmt: skip
    add_line(ws, msgspec.json.encode(record) + b"\n")
    intake.collab(ws, CONTRIBUTOR)
    with pytest.raises(GateClosed, match=f"corpus was made from another collab/{CONTRIBUTOR}"):
        build_stage(ws, "dpo_checkpoint", Workshop(ws.root / BASE))
    build_stage(ws, "corpus")
    for name in ("sft", "dpo"):
        with pytest.raises(GateClosed, match="was made from another corpus than the current one"):
            build_stage(ws, f"{name}_checkpoint", Workshop(ws.root / BASE))
        with pytest.raises(GateClosed, match="was made from another corpus than the current one"):
            build_stage(ws, f"{name}_run_spec", Workshop(ws.root / BASE))


SLOW = """
import sys, time
from pathlib import Path
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.storage.store import Writer
from canvas_pipeline_tests.pipeline.good_line import line_at
rows = Writer.rows
def slowly(self, *a, **k):
    found = rows(self, *a, **k)
    print("half", flush=True)
    time.sleep(60)
    return found
Writer.rows = slowly
build_stage(line_at(Path(sys.argv[1]), seed=8), "item_pairs")
"""


def test_a_kill_inside_a_stage_leaves_the_previous_one_current(ws: Workspace) -> None:
    before = ws.store.get("item_pairs")
    child = subprocess.Popen([sys.executable, "-c", SLOW, str(ws.root)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None and child.stdout.readline() == "half\n"
    child.send_signal(signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert ws.store.get("item_pairs").verify() == before and list(ws.store.home("item_pairs").glob(".tmp-*"))
    made = build_stage(line_at(ws.root, seed=8), "item_pairs")
    assert not made.reused and not list(ws.store.home("item_pairs").glob(".tmp-*"))


# bad input


def test_a_missing_sessions_folder_is_logged_and_the_pipeline_continues(ws: Workspace) -> None:
    told: list[str] = []
    made = build_stage(line_at(ws.root, log=told.append), "trajectories")
    assert made.reused and any(f"{ws.sessions}: no such folder" in line for line in told)


def test_a_missing_contributors_folder_is_an_error_that_names_what_to_put_where(tmp_path: Path) -> None:
    tmp_path.joinpath(BASE).mkdir()
    with pytest.raises(MissingInput, match=r"collab: no such folder.*synthesize"):
        list(data_half(line_at(tmp_path)))
    tmp_path.joinpath("collab").mkdir()
    with pytest.raises(BadInput, match="holds no contributor file"):
        list(data_half(line_at(tmp_path)))


HOSTILE = {
    "empty": b"",
    "nul": b"\0" * 4096,
    "no utf-8": b"\xff\xfe\x00" * 999,
    "deep": b"[" * 200_000 + b"\n",
    "huge": b'{"type": "' + b"x" * 3_000_000 + b'"}\n',
    "scalars": b'1\nnull\ntrue\n"x"\n[]\n',
    "bom": b"\xef\xbb\xbf{}\n",
    "no newline": b'{"type": "course_snapshot"}',
    "keys": b'{"type": "todo_snapshot", "items": [{"a": {"b": ' * 50 + b"\n",
    "wrong types": b'{"type": ["course_snapshot"], "assignments": 3}\n',
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_hostile_file_is_quarantined_line_by_line_and_the_pipeline_continues(kind: str, ws: Workspace) -> None:
    (ws.collab / "eve.jsonl").write_bytes(HOSTILE[kind])
    made = intake.collab(ws, "eve")
    funnel = made.stage.manifest.funnel
    assert funnel is not None and funnel.kept == 0 and funnel.check()
    corpus = build_stage(ws, "corpus")
    assert corpus.stage.sha256 == contents(ws)["corpus"] and corpus.stage.manifest.files["rows.jsonl"].rows


def test_a_contributor_that_is_a_folder_is_named(ws: Workspace) -> None:
    (ws.collab / "eve.jsonl").mkdir()
    before = tree(ws)
    with pytest.raises(MissingInput, match=r"eve\.jsonl is not taken in"):
        intake.collab(ws, "eve")
    assert tree(ws) == before


def test_a_contributor_without_a_file_is_not_quoted_back(ws: Workspace) -> None:
    with pytest.raises(MissingInput) as missing:
        intake.collab(ws, "../../secret")
    assert "secret" not in str(missing.value)


# what must never meet


def rows(ws: Workspace, stage: str, file: str, type_: type[Row]) -> list[Any]:
    return list(read_jsonl(ws.store.get(stage).path(file), type_))


def test_bench_cases_share_neither_items_nor_wordings_with_anything_that_is_trained_on(good_line: Path) -> None:
    ws = line_at(good_line)
    types: tuple[tuple[str, type[Row]], ...] = (
        ("trajectory", Trajectory),
        ("preference", PreferencePair),
        ("feedback", FeedbackExample),
    )
    learnt = [row for name, type_ in types for row in rows(ws, f"{name}_split", "train.jsonl", type_)]
    held = [row for name, type_ in types for row in rows(ws, f"{name}_split", "eval.jsonl", type_)]
    cases, selection = (rows(ws, "bench_cases", file, BenchCase) for file in ("rows.jsonl", "selection.jsonl"))

    def items(found: list[Any]) -> set[str]:
        return {item for row in found for item in row.item_ids}

    def wordings(found: list[Any]) -> set[str]:
        return {row.phrasing for row in found}

    assert len(learnt) > 1500 and len(cases) >= 500 and items(cases)
    assert items(cases) & items(learnt) == set() == items(selection) & items(learnt)
    assert items(cases) & items(held) == set()
    tested, chosen = ({id_ for row in found for id_ in row.parents} for found in (cases, selection))
    known = {row.id for row in rows(ws, "corpus", "rows.jsonl", Item)}
    synthesised = {row.id for row in rows(ws, "bench_cases", "synthesised.jsonl", Item)}
    assert tested | chosen <= known | synthesised and not known & synthesised and not tested & chosen
    assert len({row.parents for row in cases}) == ws.store.get("bench_cases").manifest.notes["test students"] >= 100
    assert wordings(cases) & wordings(learnt) == set() == wordings(cases) & wordings(held)
    asked = {row.messages[1].content for row in learnt if isinstance(row, Trajectory)}
    assert {case.messages[1].content for case in cases} & asked == set()
    prompts = {row.text.casefold() for row in by_hand(ws)}
    said_in_training = {
        said(message).casefold()
        for row in (*learnt, *held)
        for message in (row.messages if isinstance(row, Trajectory) else row.prompt)
    }
    chosen_by = {case.messages[1].content.casefold() for case in selection}
    assert prompts and prompts & said_in_training == set() == prompts & chosen_by


def identities(ws: Workspace) -> Iterator[str]:
    """Return the raw course codes of the contributors' ground truth and of the private registry."""
    for truth in sorted((ws.collab / "truth").glob("*.truth.jsonl")):
        lines = (ws.collab / f"{truth.name.removesuffix('.truth.jsonl')}.jsonl").read_bytes().splitlines()
        for raw in truth.read_bytes().splitlines():
            span = msgspec.json.decode(raw)
            if span["type"] == "COURSE" and span["field"] == "course_code":
                yield msgspec.json.decode(lines[span["line"] - 1])["course_code"][span["start"] : span["end"]]
    for raw in (ws.registry()[1]).read_bytes().splitlines()[1:]:
        yield msgspec.json.decode(raw)["identity"]


def test_no_raw_course_identity_is_in_any_artefact_or_in_the_event_log(ws: Workspace) -> None:
    secret = {text.encode() for text in identities(ws) if len(text) > 5}
    assert len(secret) > 20
    for name, raw in tree(ws).items():
        assert not [text for text in secret if text in raw], name
    with dg.DagsterInstance.ephemeral() as instance:
        instance.add_dynamic_partitions("contributors", [CONTRIBUTOR])
        settings = {"resources": {"pipeline": {"config": {"root": str(ws.root)}}}}
        add_line(ws, b"CS_3704_21936_202601 is no JSON\n")
        jobs = (
            (defs().resolve_job_def("intake"), {"partition_key": CONTRIBUTOR}),
            (defs().resolve_job_def("nightly"), {}),
        )
        for job, options in jobs:
            chosen = (
                {}
                if options
                else {"asset_selection": [asset_key("corpus", "canvas"), asset_key("item_pairs", "canvas")]}
            )
            result = job.execute_in_process(run_config=settings, instance=instance, **options, **chosen)
            log = "\n".join(repr(entry) for entry in instance.all_logs(result.run_id)).encode()
            assert result.success and len(log) > 5000
            assert not [text for text in secret if text in log]


def test_the_clock_is_not_in_any_row(good_line: Path) -> None:
    year = time.strftime("%Y-%m-%dT").encode()
    assert not [name for name, raw in tree(line_at(good_line)).items() if name.endswith(".jsonl") and year in raw]
