"""``canvas-data scrub``: mask identities in any JSONL, or preview what would be masked.

Input is JSONL of any shape or a JSON array, gzip or not. The output has every string value masked and appears whole or not at
all. Rows stream and lines have a limit, so memory grows only with the distinct strings. No message or sample contains unmasked
text. ``--dry-run`` writes nothing, not even a key or a registry."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from canvas_pipeline.errors import BadInput
from canvas_pipeline.pipeline.options import Private
from canvas_pipeline.pipeline.settings import data_folder
from canvas_pipeline.privacy.contributor_id import contributor_of, printable, usable
from canvas_pipeline.privacy.courses.masker import CourseMasker
from canvas_pipeline.privacy.courses.registry import KEY_VARIABLE, Registry, opened
from canvas_pipeline.privacy.identities.folding import fold
from canvas_pipeline.privacy.identities.languages import Home, home_of
from canvas_pipeline.privacy.identities.patterns import TYPES
from canvas_pipeline.privacy.identities.pii import Scrubber
from canvas_pipeline.privacy.identities.token_classifier import TokenClassifier
from canvas_pipeline.privacy.quarantine import REASONS
from canvas_pipeline.records import dumps
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.tracks.canvas.intake.markup import change_strings, scrub_rows
from canvas_pipeline.tracks.canvas.intake.reading.snapshot import Line, lines

HELP = f"""Mask every string value of any JSONL, however deeply nested; tool-call markup, keys and numbers keep their bytes.

A placeholder (`@PERSON402915`) is derived from a private key, the record set and the value, so it is the same in every file and
run of one contributor, and differs between contributors. `--dry-run` shows what would be masked: counts by type, masked samples and
the sha256 the file will have. Where there is no key yet (neither {KEY_VARIABLE} nor a key file), its placeholders come from a key
that is thrown away, and no sha256 is shown.

Example: `canvas-data scrub sessions.jsonl --dry-run`, then `canvas-data scrub sessions.jsonl --out sessions.masked.jsonl`

`--classifier FOLDER` asks a local token classifier as well, chunked with overlap; the patterns run whatever it says. Mind its
licence (Piiranha's is cc-by-nc-nd-4.0).

Exit codes: 0 written, or shown; 1 bad input (file and line); 2 the detector is not available."""
_CONSOLE = Console(stderr=True)
_SAMPLES = 3
_LANGUAGE_TEXTS, _LANGUAGE_CHARACTERS = 200, 400
"""How many texts at the start, and of which maximum length, determine a file's language."""
_TYPES = ("COURSE", *TYPES)


def scrub(
    source: Annotated[Path, typer.Argument(help="Any JSONL: sessions, messages, rows.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write; it appears whole or not at all.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Write nothing: counts, masked samples, sha256.")] = False,
    private: Private = None,
    contributor: Annotated[str, typer.Option(help="Whose records these are; the default is the file's name.")] = "",
    classifier: Annotated[
        Path | None,
        typer.Option(
            "--classifier", help="Folder of a token classifier (such as Piiranha) that is asked as well; needs torch."
        ),
    ] = None,
) -> None:
    usable(source)
    if out is None and not dry_run:
        raise BadInput("say where to write with --out, or use --dry-run")
    if out is not None and out.exists() and out.samefile(source):
        raise BadInput(f"{source} is the input; give --out another name, contributions are never overwritten")
    whose = contributor or contributor_of(source)
    batches = _batches(source)
    first = next(batches, [])
    batches = chain([first], batches)
    shown = _Samples()
    digest, rows = hashlib.sha256(), 0
    with opened(os.environ, private or data_folder() / "private", dry_run=dry_run) as (key, registry, known):
        courses = CourseMasker(Registry(key, registry), whose)
        scrubber = Scrubber(key, whose, TokenClassifier(classifier) if classifier else None, home=_language(first))
        if dry_run or out is None:
            for row in _masked(batches, scrubber, courses, shown):
                digest.update(dumps(row) + b"\n")
                rows += 1
        else:
            with whole_file(out) as temporary, temporary.open("wb") as file:
                for row in _masked(batches, scrubber, courses, shown):
                    line = dumps(row) + b"\n"
                    digest.update(line)
                    file.write(line)
                    rows += 1
    for type_, texts in sorted(shown.of.items()) if dry_run else ():
        for text in texts:
            typer.echo(f"sample {type_}: {text}")
    _CONSOLE.print(_table(scrubber.counts))
    masked = ", ".join(f"{n} {type_}" for type_, n in sorted(scrubber.counts.items())) or "no identity but courses"
    where = "dry run, nothing written" if dry_run else str(out)
    content = f"sha256 {digest.hexdigest()}" if known else "sha256 not known before there is a key"
    typer.echo(f"{rows} rows, masked: {masked}, {content}, {where}")


def register(app: typer.Typer) -> None:
    """Add ``scrub`` to ``canvas-data``."""
    app.command("scrub", help=HELP, no_args_is_help=True)(scrub)


class _Samples:
    """Collects a few masked texts by type of placeholder; long ones are cut around it."""

    def __init__(self) -> None:
        self.of: dict[str, list[str]] = {}

    def add(self, text: str) -> str:
        for type_ in _TYPES:
            kept = self.of.setdefault(type_, []) if f"@{type_}" in text else None
            if kept is not None and len(kept) < _SAMPLES:
                at = text.index(f"@{type_}")
                sample = " ".join(text[max(0, at - 60) : at + 80].split())
                if sample not in kept:
                    kept.append(sample)
        return text


def _language(rows: list[Any]) -> Home:
    """Detect the file's language from its first rows, however long the file is."""
    texts: dict[str, None] = {}

    def collect(text: str) -> str:
        if (
            len(texts) < _LANGUAGE_TEXTS and " " in text.strip() and len(text) <= _LANGUAGE_CHARACTERS
        ):  # "assistant", ids and dates show no language
            texts.setdefault(fold(text).text)
        return text

    for row in rows:
        change_strings(row, collect)
    return home_of(texts)


def _masked(batches: Iterable[list[Any]], scrubber: Scrubber, courses: CourseMasker, shown: _Samples) -> Iterator[Any]:
    for batch in batches:
        for row in scrub_rows(batch, scrubber, courses):
            change_strings(row, shown.add)
            yield row


def _batches(source: Path) -> Iterator[list[Any]]:
    with _progress() as progress:
        task = progress.add_task("scrubbing", total=source.stat().st_size)
        for part in lines(source):
            yield [_row(source, number, line) for number, line in part if line.strip()]
            progress.advance(task, sum(len(line) + 1 for _, line in part))


def _row(source: Path, number: int, line: Line) -> Any:
    if isinstance(line, str):
        raise BadInput(f"{printable(str(source))}:{number}: {REASONS[line]}; nothing was written")
    try:
        return msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        if b"\0" in line:
            raise BadInput(f"{printable(str(source))}:{number}: {REASONS['nul_byte']}; nothing was written") from None
        raise BadInput(
            f"{printable(str(source))}:{number}: not a JSON line; repair or remove it, nothing was written"
        ) from None


def _progress() -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
    return Progress(*columns, console=_CONSOLE, transient=True)


def _table(counts: Counter[str]) -> Table:
    table = Table("type", "masked", box=None)
    for name, count in sorted(counts.items()):
        table.add_row(name, str(count))
    return table
