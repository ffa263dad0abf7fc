"""``canvas-data lineage`` and ``remove``: trace rows, and remove a contributor.

Output is trees and tables, or JSON with ``--json``. It shows ids, files and numbers, never a row's text.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.tree import Tree

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline.options import BaseModel, Numbers, Options, Overrides, ProfileName, Root, Seed, TrackName
from canvas_pipeline.pipeline.processes import subprocess_launch
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.pipeline.track import DEFAULT, track_named
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.provenance import removal
from canvas_pipeline.provenance.exposure import Exposure, exposure, exposure_of_row
from canvas_pipeline.provenance.lineage import Lineage, Place, Walk
from canvas_pipeline.records import dumps

_OUT = Console(soft_wrap=True, highlight=False, markup=False)
_ERR = Console(stderr=True, highlight=False, markup=False)

AsJson = Annotated[
    bool, typer.Option("--json", help="One JSON document on standard output instead of a tree or table.")
]


class Rebuild(StrEnum):
    """What is rebuilt after a removal."""

    none = "none"
    data = "data"
    all = "all"


def lineage(
    row_id: Annotated[
        str | None, typer.Argument(help="A row's id, of any stage, or a source row (CONTRIBUTOR:ID).")
    ] = None,
    contributor: Annotated[
        str | None, typer.Option(help="Instead of a row: which models and releases saw this contributor.")
    ] = None,
    root: Root = None,
    track: TrackName = DEFAULT,
    all_versions: Annotated[bool, typer.Option(help="Superseded versions that are still on the disk, too.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="Branches shown at each node of a tree; --json shows all.")] = 12,
    as_json: AsJson = False,
) -> None:
    """Show where a row came from and everything that was made from it, down to the models and releases that saw it."""
    if (row_id is None) == (contributor is None):
        raise BadConfig("give a row's id, or --contributor with a contributor's id, and not both")
    ws, _ = from_environment(track_named(track), root=root)
    with _ERR.status("reading the rows' ids"), Lineage(ws.store, every_version=all_versions or row_id is None) as index:
        if row_id is None:
            _contributor(index, ws, contributor or "", as_json)
            return
        up, down = index.walk(row_id, up=True), index.walk(row_id, up=False)
        seen = [e for e in exposure_of_row(index, ws.track, row_id, ws.root / "releases").exposures if e.seen != "no"]
    models = [e for e in seen if e.kind in ("model", "release")]
    if as_json:
        typer.echo(dumps({"id": row_id, "up": up, "down": down, "seen_by": models}))
        return
    _OUT.print(_tree(up, f"{row_id}: made from", limit))
    _OUT.print(_tree(down, f"{row_id}: went into", limit))
    _OUT.print(_table("models and releases that saw it", models) if models else "no model or release saw it")


def _contributor(index: Lineage, ws: Workspace, contributor: str, as_json: bool) -> None:
    exposed = exposure(index, ws.track, contributor, ws.root / "releases")
    seen = [e for e in exposed.exposures if e.seen != "no"]
    if not seen and not (ws.collab / f"{contributor}.jsonl").exists():
        left = " (the record says that they were removed)" if removal.was_removed(ws, contributor) else ""
        raise BadConfig(f"no version on this disk holds rows of this contributor, and there is no file of theirs{left}")
    if as_json:
        typer.echo(dumps({"contributor": contributor, "exposures": seen}))
        return
    models = [e for e in seen if e.kind in ("model", "release")]
    _OUT.print(_table("models and releases", models) if models else "no model or release saw this contributor")
    _OUT.print(_table("stages that hold rows of theirs", [e for e in seen if e.kind == "rows"]))
    _OUT.print(_table("reports about those", [e for e in seen if e.kind == "report"]))


def remove(
    contributor: Annotated[str, typer.Option(help="Whom to remove: the stem of their file.")] = "",
    root: Root = None,
    track: TrackName = DEFAULT,
    profile: ProfileName = None,
    seed: Seed = None,
    base_model: BaseModel = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    rebuild: Annotated[
        Rebuild,
        typer.Option(help="What to rebuild: nothing, the rows, or rows and models (hours on a real machine)."),
    ] = Rebuild.data,
    resume: Annotated[
        bool, typer.Option("--resume", help="Finish a removal that was interrupted, of whichever contributor.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be removed and change nothing.")] = False,
    as_json: AsJson = False,
) -> None:
    """Remove a contributor everywhere: file, sessions, rows, models made from them; rebuild what depended on them.

    The others' rows and handles stay. Releases that saw the contributor are marked WITHDRAWN. The next call finishes one that was
    killed."""
    if bool(contributor) == resume:
        raise BadConfig("name whom to remove with --contributor, or finish an interrupted removal with --resume")
    at = datetime.now(UTC).isoformat(timespec="seconds")
    ws, _ = from_environment(
        track_named(track), _ERR.print, root=root, profile=profile, seed=seed, base_model=base_model, numbers=numbers,
        overrides=overrides, options=options,
    )  # fmt: skip
    if dry_run:
        with _ERR.status("tracing the rows"):
            report = removal.dry_run(ws, contributor, at) if contributor else None
        if report is None:
            raise BadConfig("--resume finishes a removal that was begun; it has no --dry-run")
        _show(report, as_json, "would be removed", "would have to be rebuilt")
        return
    if not yes:
        typer.confirm(
            "Everything of this contributor is removed and cannot be restored. Continue?", abort=True, err=True
        )
    launch = subprocess_launch(_ERR.print) if rebuild is Rebuild.all else None
    if resume:
        report = removal.resume(ws, rebuild=rebuild.value, launch=launch)
    else:
        report = removal.remove(ws, contributor, at, rebuild=rebuild.value, launch=launch)
        _forget_partition(contributor, ws.root)
    _show(report, as_json, "removed", "to rebuild")
    if report.mentions:
        raise typer.Exit(1)


def _forget_partition(contributor: str, root: Path) -> None:
    """Erase them from Dagster's instance, if this machine has one: that of the environment, or the one beside the data folder."""
    from canvas_pipeline.cli.session import HOME, home_of

    if os.environ.get(HOME) or (root.resolve().parent / ".dagster" / "dagster.yaml").is_file():
        import dagster as dg

        from canvas_pipeline.orchestration.partition import forget_partition

        with dg.DagsterInstance.from_config(str(home_of(os.environ, root))) as instance:
            forget_partition(instance, contributor)


def _show(report: removal.RemovalReport, as_json: bool, removed: str, lost: str) -> None:
    if as_json:
        typer.echo(dumps(report))
        return
    models = [*report.of("model"), *report.of("release")]
    _OUT.print(_table("models and releases that saw them", models) if models else "no model or release saw them")
    _OUT.print(f"{removed}: " + ", ".join(f"{count} {what}" for what, count in report.removed.items()))
    for name, reused in report.reused.items():
        _OUT.print(f"  {'reused ' if reused else 'rebuilt'}  {name}")
    if report.to_rebuild:
        _OUT.print(f"{lost}: {', '.join(report.to_rebuild)}")
    for path in report.mentions:
        _OUT.print(f"still names them (found by plain search; check it): {path}")


def _tree(walk: Walk, title: str, limit: int) -> Tree:
    tree = Tree(title)
    _add_branches(tree, walk, walk.id, limit, {walk.id})
    return tree


def _add_branches(tree: Tree, walk: Walk, parent: str, limit: int, shown: set[str]) -> None:
    children = walk.edges.get(parent, ())
    for child in children[:limit]:
        again = child in shown and child in walk.edges
        branch = tree.add(_label(walk, child) + (" (see above)" if again else ""))
        if not again:
            shown.add(child)
            _add_branches(branch, walk, child, limit, shown)
    if len(children) > limit:
        tree.add(f"… {len(children) - limit} more (--limit, --json)")


def _label(walk: Walk, id_: str) -> str:
    places = walk.places.get(id_, ())
    where = ", ".join(dict.fromkeys(map(_where, places))) or walk.sources.get(id_, "source row")
    return f"{id_}  [{where}]"


def _where(place: Place) -> str:
    file = "" if place.file == "rows.jsonl" else f" {place.file}"
    return f"{place.stage}{file}" + ("" if place.current else f" (older {place.version[:6]})")


def _table(title: str, exposures: Sequence[Exposure]) -> Table:
    table = Table("what", "version", "current", "saw them", "rows", title=title, title_justify="left")
    words: Mapping[str, str] = {"yes": "yes", "no": "no", "unknown": "cannot be told any more"}
    for e in exposures:
        table.add_row(e.stage, e.version, "current" if e.current else "", words[e.seen], str(e.rows) if e.rows else "")
    return table


COMMANDS: tuple[tuple[Callable[..., None], str, str], ...] = (
    (lineage, "canvas-data lineage 9f3c51a2b7d0", "0 shown; 1 no row has this id"),
    (
        remove,
        "canvas-data remove --contributor ada-001 --dry-run",
        "0 removed; 1 nothing here is theirs, or a file still names them; else that of the stage that could not be rebuilt "
        "(the removal is complete then, and --resume continues)",
    ),
)
"""Function, example and exit codes of each command: the end of its --help."""


def register(app: typer.Typer) -> None:
    """Add the commands to ``canvas-data``."""
    for function, example, codes in COMMANDS:
        text = f"{function.__doc__}\n\nExample: `{example}`\n\nExit codes: {codes}."
        app.command(function.__name__, help=text, no_args_is_help=True)(function)
    app.command("forget", hidden=True, no_args_is_help=True, help="The former name of `remove`.")(remove)
