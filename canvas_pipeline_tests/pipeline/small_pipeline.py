"""A pipeline of a dozen rows written by hand: its contributors are known, so lineage can be compared with the truth.

ada: essay (hers), quiz (also bo's)      bo: quiz, lab      sessions: one of ada's, one of bo's, in a shared file
students: st-a (essay, quiz), st-b (lab)
trajectories: t-essay (st-a), t-lab (st-b), t-said (ada's session, about the lab)
trajectory_split: train t-essay t-said, eval t-lab        feedback_split: train f-lab (from t-lab), eval f-essay
sft_checkpoint and its gguf and release read trajectory_train; kto_checkpoint reads feedback_train alone
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.privacy.courses.registry import Registry
from canvas_pipeline.records import Message, Refusal, digest
from canvas_pipeline.storage.atomic import point
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.storage.store import Recipe, Stage
from canvas_pipeline.tracks.canvas.rows import Item, Student, Trajectory
from canvas_pipeline.tracks.canvas.track import TRACK

AT = "2026-11-20T12:00:00+00:00"


def item(id_: str, parents: Iterable[str]) -> Item:
    parents = tuple(parents)
    return Item(
        id=digest(id_)[:12], type="ASGN", title=id_, course="@COURSE12345678", course_name=None, term=None, due_at=None,
        points_possible=None, submission_types=(), submission_status=None,
        contributors=tuple(sorted({p.split(":")[0] for p in parents})), collected_at=AT, parents=parents,
    )  # fmt: skip


def trajectory(id_: str, items: Iterable[str], parents: Iterable[str]) -> Trajectory:
    return Trajectory(
        id=id_, kind="single", messages=(Message(role="user", content=f"about {id_}"),), tools=(), phrasing="p",
        item_ids=tuple(digest(name)[:12] for name in items), parents=tuple(parents),
    )  # fmt: skip


def put(ws: Workspace, stage: str, inputs: Mapping[str, str], reports: tuple[str, ...] = (), **files: Any) -> Stage:
    """Write a stage: ``name=rows`` is ``name.jsonl``, a string is ``name.txt``."""
    with ws.store.write(Recipe(stage=stage, code_version="by hand", inputs=dict(inputs))) as writer:
        for name, content in files.items():
            if isinstance(content, str):
                writer.text(content, f"{name}.txt")
            else:
                writer.rows(content, f"{name}.jsonl", report=name in reports)
    return ws.store.get(stage)


def sha(stage: Stage, file: str) -> str:
    return stage.manifest.files[file].sha256


def small_pipeline(root: Path) -> Workspace:
    """Build the whole pipeline in an empty folder."""
    ws = Workspace(track=TRACK, profile=TRACK.profiles["embedded"], root=root)
    for folder in (ws.collab, ws.sessions):
        folder.mkdir(parents=True)
    (ws.collab / "ada.jsonl").write_text('{"of": "ada"}\n')
    (ws.collab / "bo.jsonl").write_text('{"of": "bo"}\n')
    (ws.sessions / "shared.jsonl").write_text(
        '{"contributor_id":"ada","n":1}\nno JSON\n{"n":2,"contributor_id":"bo"}\n'
    )
    key, path = ws.registry()
    registry = Registry(key, path)
    for identity in ("of/ada/seminar", "of/bo/seminar", "CS 3704"):
        registry.handle(identity)
    rows_of(ws)
    models_of(ws)
    return ws


def rows_of(ws: Workspace) -> None:
    """Build the rows stages from what ada (if her file is there) and bo contributed."""
    ada = (ws.collab / "ada.jsonl").exists()
    nothing: list[Refusal] = []
    hers = [item("essay", ["ada:aaaaaaaaaaa1"]), item("quiz", ["ada:aaaaaaaaaaa2"])]
    his = [item("quiz", ["bo:bbbbbbbbbbb1"]), item("lab", ["bo:bbbbbbbbbbb2"])]
    collab = {}
    for name, items in (("ada", hers), ("bo", his)) if ada else (("bo", his),):
        sources = [{"id": i.parents[0], "file": f"{name}.jsonl", "line": n} for n, i in enumerate(items, 1)]
        made = put(ws, f"collab/{name}", {f"{name}.jsonl": "0"}, ("sources", "refusals"), rows=items, refusals=nothing,
                   sources=sources)  # fmt: skip
        collab[name] = made.sha256
    quiz = item("quiz", ["ada:aaaaaaaaaaa2", "bo:bbbbbbbbbbb1"] if ada else ["bo:bbbbbbbbbbb1"])
    corpus = put(ws, "corpus", collab, rows=[*(hers[:1] if ada else []), quiz, his[1]])
    students = [Student(id="st-a", parents=(hers[0].id, quiz.id)), Student(id="st-b", parents=(his[1].id,))]
    talks = [
        trajectory("t-essay", ["essay"], ["st-a"]), trajectory("t-said", ["lab"], ["sessions/shared:1", "ada"]),
        trajectory("t-lab", ["lab"], ["st-b"]),
    ]  # fmt: skip
    trajectories = put(ws, "trajectories", {"corpus": corpus.sha256}, ("students",), rows=talks if ada else talks[2:],
                       students=students if ada else students[1:])  # fmt: skip
    feedback = [
        trajectory("f-lab", ["lab"], ["t-lab"]),
        *([trajectory("f-essay", ["essay"], ["t-essay"])] if ada else []),
    ]
    above = {"trajectories": trajectories.sha256}
    examples = put(ws, "feedback_examples", above, rows=feedback)
    put(ws, "trajectory_split", {"corpus": corpus.sha256, **above}, train=talks[:2] if ada else [], eval=talks[2:])
    put(ws, "feedback_split", {"corpus": corpus.sha256, "feedback_examples": examples.sha256}, train=feedback[:1],
        eval=feedback[1:])  # fmt: skip


def models_of(ws: Workspace) -> None:
    """Build weights, a quant, a card and a release for each of two methods."""
    trajectory, feedback = ws.store.get("trajectory_split"), ws.store.get("feedback_split")
    reads = {
        "sft": {"trajectory_train": sha(trajectory, "train.jsonl")},
        "kto": {"feedback_train": sha(feedback, "train.jsonl")},
    }
    for name, inputs in reads.items():
        weights = put(ws, f"{name}_checkpoint", {"spec": "0" * 64, **inputs}, model=f"weights of {name}")
        put(ws, f"{name}_gguf", {"model": weights.sha256}, quant=f"quant of {name}")
        put(ws, "cards", {"model.checkpoint": f"{weights.sha256}{name}_checkpoint summary.json {weights.sha256[:12]}"},
            card=f"card of {name}")  # fmt: skip
        release(ws, name, weights.sha256, inputs)


def release(ws: Workspace, name: str, checkpoint: str, data: Mapping[str, str]) -> Path:
    """Publish a sound release folder and make it ``current``."""
    from canvas_pipeline.release import publish

    folder = ws.root / "releases" / f"draft-{name}"
    folder.mkdir(parents=True)
    for file in ("model.gguf", "README.md"):
        (folder / file).write_text(f"{file} of {name}")
    sums = {p.name: sha256_file(p) for p in folder.iterdir()}
    bound = {"name": f"canvas-{name}", "checkpoint": checkpoint, "data": dict(data), "cards": {"README.md": sums["README.md"]},
             "model": {"Q4_K_M": {"file": "model.gguf", "sha256": sums["model.gguf"]}}}  # fmt: skip
    (folder / publish.BINDING).write_text(json.dumps(bound))
    publish._write_sums(folder)
    folder = folder.rename(folder.with_name(f"canvas-{name}-{sha256_file(folder / publish.SUMS)[:12]}"))
    point(folder.with_name("current"), folder.name)
    return folder


def version(ws: Workspace, name: str) -> str:
    """The name of a method's release."""
    (folder,) = (ws.root / "releases").glob(f"canvas-{name}-*")
    return folder.name
