"""The intake commands of ``canvas-data``: from contributors' exports to an anonymised corpus.

Files appear whole or not at all. No message, report or sample contains unmasked text. The private registry is read and written
only where the option names it."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.pipeline.options import Private
from canvas_pipeline.pipeline.settings import data_folder
from canvas_pipeline.privacy.contributor_id import contributors, printable
from canvas_pipeline.privacy.courses.registry import opened
from canvas_pipeline.privacy.quarantine import NOTES, REASONS
from canvas_pipeline.records import Funnel, write_jsonl
from canvas_pipeline.storage.atomic import whole_file, write_errors
from canvas_pipeline.tracks.canvas.intake.stream.contributors import ingest_all
from canvas_pipeline.tracks.canvas.intake.stream.merge import Merge
from canvas_pipeline.tracks.canvas.intake.stream.table import checked, loading
from canvas_pipeline.tracks.canvas.intake.synthetic import synthesize as synthesis

_CONSOLE = Console(stderr=True)
_SAMPLES = 5


def synthesize(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    contributors: Annotated[int, typer.Option(min=1, help="How many files.")] = 4,
    courses: Annotated[int, typer.Option(min=1, help="Courses in each.")] = 6,
    assignments: Annotated[int, typer.Option(min=1, help="Assignments in each course.")] = 24,
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 7,
) -> None:
    """Write synthetic contributors with all the mess of real ones, and the truth about every identity in them."""
    paths = synthesis.synthesize(contributors, courses, assignments, seed, out)
    _CONSOLE.print(f"{len(paths)} contributors in {out}, ground truth in {out / 'truth'}")


def merge(
    files: Annotated[
        list[Path] | None, typer.Argument(help="Contributor files (.jsonl, a JSON array, or either as .gz).")
    ] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option("--inputs", help="The same, as an option; more files may follow it.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Corpus to write (JSONL of items).")] = None,
    dry_run: Annotated[
        bool,
        typer.Option(help="Write nothing: counts, masked samples and, once there is a key, the sha256 there will be."),
    ] = False,
    workers: Annotated[
        int | None, typer.Option(min=1, max=64, help="Processes; the default is the number of cores, at most 4.")
    ] = None,
    private: Private = None,
) -> None:
    """Anonymise contributor files and merge them into one corpus; the same files in any order give the same bytes."""
    paths = [*(inputs or []), *(files or [])]
    if not paths:
        raise BadInput("no contributor file given; name some after --inputs")
    if out is None and not dry_run:
        raise BadInput("say where to write with --out, or use --dry-run")
    named, refused = contributors(paths)
    if refused:
        error = MissingInput if all(file.reason == "no_such_file" for file in refused) else BadInput
        raise error("nothing was read: " + "; ".join(f"{file.source}: {REASONS[file.reason]}" for file in refused))
    paths = list(named.values())
    if out is not None and out.exists() and any(out.samefile(path) for path in paths):
        raise BadInput(f"{out} is one of the inputs; contributions are never overwritten")
    with ExitStack() as stack:
        key, registry, known = stack.enter_context(
            opened(os.environ, private or data_folder() / "private", dry_run=dry_run)
        )
        beside = None if out is None or dry_run else out.parent
        with write_errors(out or Path()):
            if beside is not None:
                beside.mkdir(parents=True, exist_ok=True)
            folder = Path(stack.enter_context(TemporaryDirectory(prefix=".tmp-merge-", dir=beside)))  # masked rows only
        bar = stack.enter_context(Progress(console=_CONSOLE, transient=True))
        reading = bar.add_task("masking", total=sum(path.stat().st_size for path in paths))
        with loading():
            ingested = ingest_all(
                paths, key, registry, folder, workers=workers, tick=lambda size: bar.update(reading, advance=size)
            )
        for path, (one, _) in zip(paths, ingested, strict=True):
            if not one.funnel.kept:
                _CONSOLE.print(_no_rows_message(path, one.funnel), style="red", soft_wrap=True, markup=False)
        if not any(one.funnel.kept for one, _ in ingested):
            raise BadInput("no row of any file could be read, so nothing was written; see canvas-data validate")
        merging = stack.enter_context(Merge(scratch=folder))
        for _, path in bar.track(ingested, description="merging"):
            merging.add_file(path)
        written = _OutputSummary()
        if out is None or dry_run:
            for row in checked(merging.rows()):
                written.add(row)
        else:
            with whole_file(out) as temporary:
                write_jsonl(temporary, map(written.add, checked(merging.rows())))
        flow = merging.funnel()
    counts: Counter[str] = Counter()
    for one, _ in ingested:
        counts.update(one.counts)
        counts.update({f"refused_{reason}": n for reason, n in one.funnel.refused.items()})
    counts.update(rows_in=sum(one.funnel.rows_in for one, _ in ingested), items=flow.kept, merged=flow.merged)
    for title in written.samples if dry_run else ():
        typer.echo(f"sample: {title}")
    _CONSOLE.print(_table(counts))
    content = f"sha256 {written.sha256.hexdigest()}" if known else "sha256 not known before there is a key"
    typer.echo(f"{flow.kept} items, {content}" + (" (dry run, nothing written)" if dry_run else f", {out}"))


def _no_rows_message(path: Path, flow: Funnel) -> str:
    """Explain why a file gave no item."""
    reasons = {reason: n for reason, n in flow.refused.items() if reason not in NOTES}
    why = "; ".join(f"{n} x {reason}: {REASONS.get(reason, 'no title')}" for reason, n in reasons.items())
    return f"{printable(str(path))}: no row could be read: {why or REASONS['empty_file']}"


class _OutputSummary:
    """Collects the hash of the written file and a few masked titles while the rows pass."""

    def __init__(self) -> None:
        self.sha256 = hashlib.sha256()
        self.samples: list[str] = []

    def add(self, row: msgspec.Raw) -> msgspec.Raw:
        line = bytes(row)
        self.sha256.update(line + b"\n")
        if b"@" in line and "@" in (title := _TITLE.decode(line).title) and title not in self.samples:
            self.samples = sorted([*self.samples, title])[:_SAMPLES]
        return row


class _Titled(msgspec.Struct):
    title: str


_TITLE = msgspec.json.Decoder(_Titled)


# name → function, example, exit codes: what --help ends with.
_DETECTOR = "2 the detector is not available"
COMMANDS: tuple[tuple[Any, str, str], ...] = (
    (
        synthesize,
        "canvas-data synthesize --contributors 2 --courses 4 --assignments 12 --seed 1 --out /tmp/collab",
        "0 written; 1 bad counts",
    ),
    (
        merge,
        "canvas-data merge --inputs data/collab/*.jsonl --out corpus.jsonl",
        f"0 written; 1 bad input, or no row of any file could be read; {_DETECTOR}",
    ),
)


def register(app: typer.Typer) -> None:
    """Add the intake commands to ``canvas-data``."""
    for function, example, codes in COMMANDS:
        text = f"{function.__doc__}\n\nExample: `{example}`\n\nExit codes: {codes}."
        app.command(function.__name__, help=text, no_args_is_help=True)(function)


def _table(counts: Counter[str]) -> Table:
    table = Table("what", "rows", box=None)
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    return table
