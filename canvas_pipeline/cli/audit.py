"""``canvas-data audit``: search for unmasked identities.

Findings are file, line, field and type. No value, title or name is ever printed or written. An audit that read nothing, or could
not read something, does not exit 0."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from canvas_pipeline.errors import BadInput
from canvas_pipeline.pipeline.options import Root
from canvas_pipeline.pipeline.settings import data_folder
from canvas_pipeline.pipeline.track import DEFAULT, track_named
from canvas_pipeline.privacy.audit.auditor import AuditReport, report, reviewed_at
from canvas_pipeline.privacy.audit.exceptions import DAYS, FILE, Exceptions, exceptions, review, today
from canvas_pipeline.records import dumps

AUDIT_HELP = """Search for anything unmasked with a second, independent detector; never shows a value.

Reads JSONL, JSON, Markdown, text, CSV, HTML, logs, gzip, GGUF metadata (chat template and vocabulary too), SQLite (Dagster's runs
and event logs), safetensors headers, PNG comments, and every file's name. Escapes, entities, percent-encoding, full-width and
invisible characters are undone first; JSON inside strings is entered. With `--registry`, the raw keys of the private registry are
searched for too (an encrypted one is opened with the key in the environment).

Example: `canvas-data audit data/artifacts data/releases --registry data/private/registry.jsonl`

**A false alarm.** Check the place yourself. If the words name nobody, allow that finding as the audit printed it, with your name
and the reason:

`canvas-data audit data/artifacts --allow "data/artifacts/canvas/corpus/rows.jsonl:12:course_name: PERSON" --by "R. Ito" --reason
"short for professional"`

The exception covers exactly the words that were found, in any place, as this type, for a year (`--days`). It is stored in
`private/audit-exceptions.jsonl` of the data folder (`--root`) as a keyed hash, without the words. Every audit and every gate
of that folder applies it, and the release log counts it. To revoke one, delete its line. An exception that was edited, comes
from another registry key or has expired stops the audit. Registry keys and file names cannot be excepted.

Exit codes: 0 everything was read and nothing found; 1 a leak; 2 nothing to read, something that cannot be read, or an invalid
exception."""
_CONSOLE = Console(stderr=True)


def audit(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders.")],
    registry: Annotated[Path | None, typer.Option(help="The private course registry, plain or encrypted.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object instead of lines.")] = False,
    allow: Annotated[
        list[str] | None, typer.Option(help="A finding that you reviewed, as printed: FILE:LINE:FIELD: TYPE.")
    ] = None,
    by: Annotated[str, typer.Option(help="Who reviewed it.")] = "",
    reason: Annotated[str, typer.Option(help="Why it is no identity.")] = "",
    days: Annotated[int, typer.Option(help="How long the exception holds.")] = DAYS,
    root: Root = None,
) -> None:
    try:
        reviewed = _exceptions(data_folder(root), paths, allow or [], by, reason, days)
        with Progress(
            SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=_CONSOLE, transient=True
        ) as bar:
            task = bar.add_task("reading")
            result = report(
                paths,
                registry,
                os.environ,
                lambda path: bar.update(task, description=f"reading {path.suffix or 'a file'}"),
                reviewed,
            )
    except BadInput as error:  # no such file, or an unreadable registry: nothing was read
        typer.secho(f"canvas-data: {error}", err=True, fg="red")
        raise typer.Exit(2) from None
    typer.echo(dumps(result).decode() if as_json else _lines(result))
    if result.total:
        raise typer.Exit(1)
    if not result.clean:
        raise typer.Exit(2)


def _exceptions(root: Path, paths: list[Path], allow: list[str], by: str, reason: str, days: int) -> Exceptions:
    from canvas_pipeline.pipeline.workspace import Workspace

    track = track_named(DEFAULT)  # the private list is the same for every track of a folder
    ws = Workspace(root=root.resolve(), track=track, profile=track.profiles["embedded"])
    listed = ws.private / FILE
    if not allow and (by or reason):
        raise BadInput("--by and --reason belong to a finding; name it with --allow FILE:LINE:FIELD: TYPE")
    if not allow and not listed.is_file():
        return Exceptions()
    if not root.is_dir():
        raise BadInput(f"{root}: no such data folder; name the one whose private list is meant with --root")
    key, now = ws.registry()[0], today()
    if allow:
        count = review(listed, key, reviewed_at(paths, allow), by=by, reason=reason, now=now, days=days)
        typer.secho(f"{listed}: {count} reviewed exceptions", err=True)
    return exceptions(listed, key, now)


def _lines(result: AuditReport) -> str:
    lines = [str(leak) for leak in result.leaks]
    lines += [f"{path}: cannot be read: {reason}" for path, reason in result.unreadable.items()]
    types = ", ".join(f"{count} {type_}" for type_, count in result.by_type.items())
    scanned = (
        f"{result.files} files ({result.opaque} by name only), {result.lines} lines, {result.strings} texts, "
        f"{result.bytes / 1e6:.1f} MB, {result.registry_keys} registry keys"
    )
    verdict = (
        f"{result.total} leaks: {types}" if result.total else "no leaks" if result.strings else "nothing to look at"
    )
    if result.allowed:
        verdict += f" ({result.allowed} findings are reviewed exceptions)"
    return "\n".join([*lines, f"{verdict}; looked at {scanned}"])


def register(app: typer.Typer) -> None:
    """Add ``audit`` to ``canvas-data``."""
    app.command("audit", help=AUDIT_HELP, no_args_is_help=True)(audit)
