"""``canvas-data validate``: check contributor files before handing them over, and repair them.

Standard output has one line per problem (or JSON), standard error a table. With ``--fix`` a clean copy is written whole or not at
all. No text of a file is shown. Exit 0 means that the files are clean and were searched for identities; 1 that something is bad;
2 that the search was not possible."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from canvas_pipeline.errors import BadConfig, BadInput, CanvasPipelineError, MissingTool, ServiceUnavailable
from canvas_pipeline.privacy.contributor_id import contributor_of, contributors, printable, usable
from canvas_pipeline.privacy.quarantine import REASONS, Problem
from canvas_pipeline.records import Refusal, dumps
from canvas_pipeline.storage.atomic import never_an_input
from canvas_pipeline.tracks.canvas.intake.checking.identity_places import Detector, identity_detector
from canvas_pipeline.tracks.canvas.intake.checking.repair import MENDED, RepairReport, repair
from canvas_pipeline.tracks.canvas.intake.checking.validation import ValidationReport, validate

HELP = """Check contributor files before they are handed over, line by line, and repair what can be repaired.

Every problem is named as file:line:field with what to do about it; the text of a file is never shown.

**Identities** (names, e-mails, rooms, course codes …) are listed by type and place. In a raw export they are *notes*, not
problems: masking them is what the intake is for. In a file that claims to be masked already, each is a problem: say `--masked`
(or `--strict`).

**`--fix`** writes a clean copy to `fixed/` beside the file, under the contributor's id, as `.jsonl`. Good
lines are copied byte for byte. A date or a number that cannot be read becomes null (not known), never another one. What cannot be
mended is left out and listed; mend it by hand in the original and run again.

Examples:

`canvas-data validate data/collab/ada-001.jsonl` – is it clean?

`canvas-data validate data/collab/*.jsonl --schema-only` – the form only: quick, needs no detector

`canvas-data validate ada-001.jsonl --fix` – write `fixed/ada-001.jsonl` and say what was mended and left out

`canvas-data validate masked/*.jsonl --masked --json` – one JSON report a file, for machines

Exit codes: 0 clean (with `--fix`: the copy is clean and nothing was left out); 1 something is bad, or was left out; 2 the form is
clean, but the detector of identities is not available (`uv sync --extra pii` installs it)."""

_ERR = Console(stderr=True)
_BAR = 24


def validate_files(
    files: Annotated[list[Path], typer.Argument(help="Contributor files (.jsonl), named by the contributor's id.")],
    masked: Annotated[
        bool, typer.Option("--masked", "--strict", help="The files claim to be masked: an identity makes them bad.")
    ] = False,
    schema_only: Annotated[bool, typer.Option("--schema-only", help="Do not look for identities.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Write a clean copy of each file.")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", help="With --fix: folder for the copies (or a file of the same name).")
    ] = None,
    in_place: Annotated[
        bool, typer.Option("--in-place", help="With --fix: write over the input, if nothing has to be left out.")
    ] = False,
    limit: Annotated[int, typer.Option(min=0, help="Problems listed for each file; all are counted.")] = 50,
    json: Annotated[bool, typer.Option("--json", help="One JSON object a file on standard output.")] = False,
) -> None:
    if (out is not None or in_place) and not fix:
        raise BadConfig("--out and --in-place say where a clean copy goes; give --fix with them")
    if out is not None and in_place:
        raise BadConfig("--out and --in-place contradict each other; give one of them")
    if fix and masked:
        raise BadConfig(
            "--fix mends the form and masks nothing; run it without --masked, then canvas-data merge or scrub"
        )
    for path in files:
        usable(path)
    if fix:
        good = _fix_all(files, out, in_place, limit, json)
        raise typer.Exit(0 if good else 1)
    duplicates = _duplicates(files)
    for problem in duplicates:
        _print_problem(problem, json)
    detector, missing = (None, None) if schema_only else _detector()
    good = not duplicates
    with _progress(files) as advance:
        for path in files:
            try:
                report = validate(path, detector=detector, masked=masked, limit=limit, progress=advance)
            except (
                MissingTool,
                ServiceUnavailable,
            ) as error:  # the detector failed half-way: the form can still be checked
                detector, missing = None, error
                report = validate(path, masked=masked, limit=limit)
            good = good and report.ok
            _show(report, json)
    if missing is not None:
        _ERR.print(f"identities were not looked for: {missing}", style="red", soft_wrap=True)
    if not good:
        raise typer.Exit(1)
    if missing is not None:
        raise typer.Exit(missing.exit_code)


def register(app: typer.Typer) -> None:
    """Add ``validate`` to ``canvas-data``."""
    app.command("validate", help=HELP, no_args_is_help=True)(validate_files)


def _detector() -> tuple[Detector | None, CanvasPipelineError | None]:
    try:
        return identity_detector(), None
    except (MissingTool, ServiceUnavailable) as error:
        return None, error


def _duplicates(files: Sequence[Path]) -> list[Problem]:
    """Find files of one folder whose ids differ only in case. (The reader reports an unsafe name, record by record.)"""
    found: list[Refusal] = []
    for folder in sorted({path.parent for path in files}):
        found += contributors({path for path in files if path.parent == folder})[1]
    return [
        Problem(file=r.source, line=r.line, field="", reason=r.reason, message=REASONS[r.reason])
        for r in found
        if r.reason == "duplicate_contributor"
    ]


def _fix_all(files: Sequence[Path], out: Path | None, in_place: bool, limit: int, json: bool) -> bool:
    good = True
    targets = [_target(path, out, in_place) for path in files]
    for path, target in zip(files, targets, strict=True):
        if targets.count(target) > 1:
            raise BadInput(
                f"{printable(str(target))}: the copies of several files would be this one; fix them one at a time"
            )
        never_an_input(target, [other for other in files if other != path or not in_place])
    with _progress(files) as advance:
        for path, target in zip(files, targets, strict=True):
            report = repair(path, target, in_place=in_place, limit=limit, progress=advance)
            good = good and report.out is not None and not report.left_out
            _show_repair(report, in_place, json)
    return good


def _target(path: Path, out: Path | None, in_place: bool) -> Path:
    name = f"{contributor_of(path)}.jsonl"
    if out is None:
        return path if in_place else path.parent / "fixed" / name
    return out if out.suffix in (".jsonl", path.suffix) and not out.is_dir() else out / name


def _print_problem(problem: Problem, json: bool) -> None:
    typer.echo(dumps(problem).decode() if json else str(problem))


def _show(report: ValidationReport, json: bool) -> None:
    if json:
        typer.echo(dumps({**msgspec.to_builtins(report), "ok": report.ok}).decode())
        return
    for problem in report.problems:
        typer.echo(str(problem))
    hidden = sum(report.refused.values()) - sum(problem.reason in report.refused for problem in report.problems)
    if hidden > 0 and not any(problem.line == 0 for problem in report.problems):
        typer.echo(f"{report.file}: {hidden} more problems; --limit shows more")
    if report.array and report.records:
        typer.echo(
            f"{report.file}: a JSON array, read as it stands; --fix writes a copy with each record on a line of its own"
        )
    verdict = "clean" if report.ok else "bad"
    typer.echo(f"{report.file}: {verdict}: {report.records} records, {report.rows_in} rows in, {report.rows} kept")
    _ERR.print(_funnel(report))
    if report.identities:
        _ERR.print(_identities(report))
    elif report.identities is not None:
        _ERR.print("no identities found", style="green")


def _funnel(report: ValidationReport) -> Table:
    """Tabulate rows in = kept + one line for each reason."""
    table = Table("rows", "count", "share", "what to do", box=None, title=f"{report.file}: {report.rows_in} rows in")
    entries = [("kept", report.rows, "green", "")]
    entries += [(reason, n, "red", REASONS[reason]) for reason, n in report.refused.items()]
    entries += [(reason, n, "yellow", "a note: nothing is lost") for reason, n in report.notes.items()]
    for name, count, colour, advice in entries:
        bar = "█" * max(1 if count else 0, round(_BAR * count / max(1, report.rows_in)))
        table.add_row(name, str(count), f"[{colour}]{bar}[/]", advice)
    return table


def _identities(report: ValidationReport) -> Table:
    meant = "unmasked: a problem" if report.masked else "notes: the intake masks them"
    table = Table("type", "field", "strings", "first places (line:field)", box=None, title=f"identities ({meant})")
    for found in report.identities or ():
        table.add_row(
            found.type, found.field.replace("[", r"\["), str(found.strings), ", ".join(found.places).replace("[", r"\[")
        )
    return table


def _show_repair(report: RepairReport, in_place: bool, json: bool) -> None:
    if json:
        typer.echo(dumps(report).decode())
        return
    for code, count in report.mended.items():
        typer.echo(f"{report.file}: mended {count} x {code}: {MENDED[code]}")
    for problem in report.problems:
        typer.echo(f"left out: {problem}")
    for reason, count in report.left_out.items():
        typer.echo(f"{report.file}: left out {count} x {reason}: {REASONS[reason]}")
    if report.out is not None:
        same = "" if report.mended or report.left_out else "; nothing had to be mended"
        typer.echo(
            f"{report.file}: {report.records} records, {report.rows} rows, written to {printable(report.out)}{same}"
        )
    elif not report.records:
        typer.echo(f"{report.file}: no record could be saved, so nothing was written; export the file again")
    else:
        typer.echo(
            f"{report.file}: not written over, since that would lose what is left out; mend it by hand, or give --out"
        )


@contextmanager
def _progress(files: Sequence[Path]) -> Iterator[Callable[[int], None]]:
    """Show a transient progress bar over the bytes of all files on standard error."""
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_ERR, transient=True) as progress:
        task = progress.add_task("reading", total=sum(path.stat().st_size for path in files))
        yield lambda size: progress.advance(task, size)
