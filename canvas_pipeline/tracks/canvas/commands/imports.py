"""``canvas-data import``: convert Canvas API answers, gradebook CSV exports and .ics feeds to a contributor file.

The file validates clean. Nothing of other people is imported; no text of a file is shown; nothing is overwritten unless asked.
What cannot be imported is counted."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from rich.console import Console

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.privacy.contributor_id import contributor_of, is_safe, usable
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import Refusal
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.canvas.intake.importing.sources import gather
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import instant, parse

HELP = """Turn what Canvas gives you into a contributor file.

**Canvas API**: save `/api/v1/courses?include[]=term`, and for each course `/api/v1/courses/ID/assignments?include[]=submission`.
Pages, to-do lists, planner items, quizzes and discussions are read too, in any number of files, and so are answers of GraphQL
(`{"data": {"course": {"assignmentsConnection": …}}}`; ask for `_id name courseCode term { name }` of the course and
`_id name dueAt pointsPossible submissionTypes` of its assignments). **Gradebook**: the CSV export;
titles and points are taken, the rows of students never. **Calendar**: the .ics feed; deadlines that it gives as days need
`--timezone`.

Work that stands in several files is taken once. What could not be carried is counted on standard error. The course names and titles
are as Canvas has them: masking is the intake's work.

Examples:

`canvas-data import --canvas-api courses.json assignments-*.json --out data/collab/ada-001.jsonl`

`canvas-data import --gradebook 2031-02-01T1200_Grades-QX_3120.csv --out ada-001.jsonl`

`canvas-data import --ics feed.ics --timezone America/New_York --out ada-001.jsonl`

Exit codes: 0 written; 1 bad input, or nothing in it that can be carried."""
_ERR = Console(stderr=True)
_Files = list[Path] | None


def import_files(
    files: Annotated[_Files, typer.Argument(help="More files of any of the three kinds.")] = None,
    canvas_api: Annotated[
        _Files, typer.Option("--canvas-api", help="Answers of the Canvas API (JSON); more files may follow.")
    ] = None,
    grades: Annotated[
        _Files, typer.Option("--gradebook", "--csv", help="CSV export of a gradebook; more files may follow.")
    ] = None,
    feed: Annotated[_Files, typer.Option("--ics", help="Calendar feed; more files may follow.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="File to write; its name is the contributor's id. Or a folder.")
    ] = None,
    contributor: Annotated[
        str, typer.Option(help="The contributor's id, where --out is a folder or left out (the file is ID.jsonl).")
    ] = "",
    course: Annotated[
        str | None, typer.Option("--course", help="Code of a gradebook's course, where the file's name does not say.")
    ] = None,
    timezone: Annotated[
        str | None, typer.Option("--timezone", help="The school's time zone, for deadlines that a feed gives as days.")
    ] = None,
    collected_at: Annotated[
        str | None,
        typer.Option("--collected-at", help="When this was downloaded (2031-02-01T12:00:00Z); else its date."),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Write over a file that is there.")] = False,
) -> None:
    paths = [
        usable(path, any_format=True) for path in (*(canvas_api or ()), *(grades or ()), *(feed or ()), *(files or ()))
    ]
    if not paths:
        raise BadInput("no file given; name some after --canvas-api, --gradebook or --ics")
    target = _target(out, contributor)
    if target.exists() and (not overwrite or any(target.samefile(path) for path in paths)):
        raise BadInput(f"{target} is there already; give another --out, or --overwrite (never for an input)")
    at = collected_at or _newest(paths)
    if instant(at) is None:
        raise BadConfig("--collected-at is no date with time and offset, such as 2031-02-01T12:00:00Z")
    gathered = gather(paths, course, _zone(timezone))
    lines = list(gathered.lines(contributor_of(target), at))
    rows = 0
    for number, line in enumerate(lines, 1):
        results = parse(target.name, contributor_of(target), number, line)
        if refusal := next((result for result in results if isinstance(result, Refusal)), None):
            raise BadInput(f"a course of these files cannot be carried: {refusal.detail} {REASONS[refusal.reason]}")
        rows += sum(len(result) for result in results if not isinstance(result, Refusal))
    for what, count in sorted(gathered.skipped.items()):
        if count:
            _ERR.print(f"not carried: {count} x {what}", soft_wrap=True, highlight=False)
    if not rows:
        raise BadInput("nothing in these files is work that a contributor file can hold, so nothing was written")
    with whole_file(target) as temporary:
        temporary.write_bytes(b"".join(line + b"\n" for line in lines))
    known = sum(work.due_at is not None for work in gathered.work.values())
    typer.echo(
        f"{rows} pieces of work in {len(lines)} records, {known} with a due date, collected at {at}, written to {target}; "
        f"check it: canvas-data validate {target}"
    )


def register(app: typer.Typer) -> None:
    """Add ``import`` to ``canvas-data``."""
    app.command("import", help=HELP, no_args_is_help=True)(import_files)


def _target(out: Path | None, contributor: str) -> Path:
    if out is None and not contributor:
        raise BadInput("say where to write with --out FILE, whose name is the contributor's id, or give --contributor")
    target = out or Path()
    if out is None or out.is_dir():
        target = target / f"{contributor}.jsonl"
    if contributor and contributor_of(target) != contributor:
        raise BadConfig("--contributor and the name of --out contradict each other; the name is the contributor's id")
    if not is_safe(contributor_of(target)):
        raise BadInput(f"the contributor's id, which is the name of --out: {REASONS['unsafe_id']}")
    if target.suffix != ".jsonl":
        raise BadInput("a contributor file is called <contributor>.jsonl; give --out such a name")
    return target


def _newest(paths: list[Path]) -> str:
    return datetime.fromtimestamp(max(path.stat().st_mtime for path in paths), UTC).isoformat(timespec="seconds")


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadConfig("--timezone is no IANA time zone, such as America/New_York") from None
