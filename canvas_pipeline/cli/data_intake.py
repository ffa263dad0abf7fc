"""The intake commands of ``canvas-data``: from contributors' exports to an anonymised corpus. Thin over ``intake``.

In: contributor files, or any JSONL. Out: files that appear whole or not at all. What must hold: no message, report or sample
carries text of a file that was not masked; the private registry is read and written only where the option names it.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from canvas_pipeline.artifacts import whole_file
from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.intake import audit as audit_room
from canvas_pipeline.intake import corpus, snapshot
from canvas_pipeline.intake import synthesize as synthesis
from canvas_pipeline.intake.course_registry import KEY_VARIABLE, Registry, registry_key
from canvas_pipeline.intake.crn import CourseMasker
from canvas_pipeline.intake.pii import Scrubber, scrub_rows
from canvas_pipeline.records import dumps, write_jsonl

_CONSOLE = Console(stderr=True)
_SAMPLES = 5
_BATCH = 2000

Files = Annotated[list[Path], typer.Argument(help="Contributor files (.jsonl).")]
Private = Annotated[
    Path,
    typer.Option(
        "--private", help=f"Folder of the course registry and its key (mode 0600); {KEY_VARIABLE} overrides the key."
    ),
]


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


def validate(
    files: Files,
    schema_only: Annotated[bool, typer.Option(help="Do not ask the detector what would be masked.")] = False,
) -> None:
    """Check contributor files line by line; every problem is named as file:line:field with advice, never with its text."""
    reports = [snapshot.validate(path) for path in track(files, "validating", console=_CONSOLE, transient=True)]
    for report in reports:
        for problem in report.problems:
            typer.echo(str(problem))
        notes = "".join(f", {count} {reason}" for reason, count in report.notes.items())
        typer.echo(
            f"{report.file}: {report.records} records, {report.rows} rows, {len(report.problems)} problems{notes}"
        )
    if not schema_only:
        counts: Counter[str] = Counter()
        for path in files:
            counts.update(_intake(path, b"validation only, no handle leaves", None).counts)
        masked = {name.removeprefix("masked_"): n for name, n in sorted(counts.items()) if name.startswith("masked_")}
        typer.echo(
            "would be masked: " + (", ".join(f"{n} {name}" for name, n in masked.items()) or "nothing but course codes")
        )
    if not all(report.ok for report in reports):
        raise typer.Exit(1)


def merge(
    files: Annotated[list[Path] | None, typer.Argument(help="Contributor files (.jsonl).")] = None,
    inputs: Annotated[
        list[Path] | None, typer.Option("--inputs", help="The same, as an option; more files may follow it.")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Corpus to write (JSONL of items).")] = None,
    dry_run: Annotated[
        bool, typer.Option(help="Write nothing: counts, masked samples, and the sha256 there would be.")
    ] = False,
    workers: Annotated[int, typer.Option(min=1, max=64, help="Contributors read at the same time.")] = 1,
    private: Private = Path("data/private"),
) -> None:
    """Anonymise contributor files and merge them into one corpus; the same files in any order give the same bytes."""
    paths = [*(inputs or []), *(files or [])]
    if not paths:
        raise BadInput("no contributor file given; name some after --inputs")
    if len({path.stem for path in paths}) < len(paths):
        raise BadInput("two files have the same name, so their contributors would be confused; rename one")
    if out is None and not dry_run:
        raise BadInput("say where to write with --out, or use --dry-run")
    if out is not None and out.resolve() in {path.resolve() for path in paths}:
        raise BadInput(f"{out} is one of the inputs; contributions are never overwritten")
    for path in paths:
        if not path.is_file():
            raise MissingInput(f"{path}: no such file; give the path of a contributor's .jsonl export")
    if dry_run:  # a dry run leaves nothing behind, so handles come from a key that is thrown away
        key, registry = os.environ.get(KEY_VARIABLE, "").encode() or b"dry run, nothing is kept", None
    else:
        key, registry = registry_key(os.environ, private / "registry.key"), private / "registry.jsonl"
    intakes = list(
        track(_intakes(paths, key, registry, workers), "reading", total=len(paths), console=_CONSOLE, transient=True)
    )
    items, flow = corpus.merge([intake.items for intake in intakes])
    corpus.check_table(items)
    counts: Counter[str] = Counter()
    for intake in intakes:
        counts.update(intake.counts)
        counts.update({f"refused_{reason}": n for reason, n in intake.funnel.refused.items()})
    counts.update(rows_in=sum(i.funnel.rows_in for i in intakes), items=flow.kept, merged=flow.merged)
    digest = hashlib.sha256(b"".join(dumps(item) + b"\n" for item in items)).hexdigest()
    for title in sorted({item.title for item in items if "@" in item.title})[:_SAMPLES] if dry_run else ():
        typer.echo(f"sample: {title}")
    _CONSOLE.print(_table(counts))
    if out is not None and not dry_run:
        with whole_file(out) as temporary:
            write_jsonl(temporary, items)
    typer.echo(f"{flow.kept} items, sha256 {digest}" + (" (dry run, nothing written)" if dry_run else f", {out}"))


def scrub(
    source: Annotated[Path, typer.Argument(help="Any JSONL: sessions, messages, rows.")],
    out: Annotated[Path, typer.Option("--out", help="File to write; it appears whole or not at all.")],
    private: Private = Path("data/private"),
    contributor: Annotated[str, typer.Option(help="Whose courses these are; the default is the file's name.")] = "",
) -> None:
    """Mask every string value of any JSONL, however deeply nested; tool-call markup and numbers keep their bytes."""
    if not source.is_file():
        raise MissingInput(f"{source}: no such file to scrub")
    key = registry_key(os.environ, private / "registry.key")
    courses = CourseMasker(Registry(key, private / "registry.jsonl"), contributor or source.stem)
    scrubber = Scrubber()
    rows = 0
    with whole_file(out) as temporary, temporary.open("wb") as file:
        for batch in track(_batches(source), "scrubbing", console=_CONSOLE, transient=True):
            for row in scrub_rows(batch, scrubber, courses):
                file.write(dumps(row) + b"\n")
                rows += 1
    masked = ", ".join(f"{n} {type_}" for type_, n in sorted(scrubber.counts.items())) or "no identity but courses"
    typer.echo(f"{rows} rows, masked: {masked}, {out}")


def audit(
    paths: Annotated[list[Path], typer.Argument(help="Files or folders: .jsonl, .json, .md, .txt.")],
    registry: Annotated[
        Path | None, typer.Option(help="The private course registry, to look for its raw codes too.")
    ] = None,
) -> None:
    """Look for anything unmasked with a second, independent reader. Exit 1 on any leak; never shows the value."""
    leaks = audit_room.audit(paths, registry)
    for leak in leaks:
        typer.echo(str(leak))
    typer.echo(f"{len(leaks)} leaks" if leaks else "no leaks")
    if leaks:
        raise typer.Exit(1)


# name → function, example, exit codes: what --help ends with.
_DETECTOR = "2 the detector is not available"
COMMANDS: tuple[tuple[Any, str, str], ...] = (
    (
        synthesize,
        "canvas-data synthesize --contributors 2 --courses 4 --assignments 12 --seed 1 --out /tmp/collab",
        "0 written; 1 bad counts",
    ),
    (validate, "canvas-data validate data/collab/*.jsonl", f"0 clean; 1 something is wrong; {_DETECTOR}"),
    (
        merge,
        "canvas-data merge --inputs data/collab/*.jsonl --out corpus.jsonl",
        f"0 written; 1 bad input; {_DETECTOR}",
    ),
    (
        scrub,
        "canvas-data scrub sessions.jsonl --out sessions.masked.jsonl",
        f"0 written; 1 bad input (file and line); {_DETECTOR}",
    ),
    (
        audit,
        "canvas-data audit corpus.jsonl --registry data/private/registry.jsonl",
        "0 no leak; 1 a leak, or nothing to audit",
    ),
)


def register(app: typer.Typer) -> None:
    """Mount the intake commands on ``canvas-data``."""
    for function, example, codes in COMMANDS:
        text = f"{function.__doc__}\n\nExample: `{example}`\n\nExit codes: {codes}."
        app.command(function.__name__, help=text, no_args_is_help=True)(function)


def _intake(path: Path, key: bytes, registry: Path | None) -> corpus.ContributorIntake:
    return corpus.intake_contributor(path, key, registry)


def _intakes(
    paths: Sequence[Path], key: bytes, registry: Path | None, workers: int
) -> Iterator[corpus.ContributorIntake]:
    if workers == 1 or len(paths) == 1:
        yield from (_intake(path, key, registry) for path in paths)
        return
    with ProcessPoolExecutor(min(workers, len(paths)), mp_context=get_context("spawn")) as pool:
        yield from pool.map(_intake, paths, [key] * len(paths), [registry] * len(paths))


def _batches(source: Path) -> Iterator[list[Any]]:
    batch: list[Any] = []
    with source.open("rb") as file:
        for number, line in enumerate(file, 1):
            if not line.strip():
                continue
            try:
                batch.append(msgspec.json.decode(line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
                raise BadInput(
                    f"{source}:{number}: not a JSON line; repair or remove it, nothing was written"
                ) from None
            if len(batch) == _BATCH:
                yield batch
                batch = []
    if batch:
        yield batch


def _table(counts: Counter[str]) -> Table:
    table = Table("what", "rows", box=None)
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    return table
