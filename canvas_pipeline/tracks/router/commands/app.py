"""The commands that the router track adds to ``canvas-data``: ``router validate``, ``router synthesize`` and ``router score``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from canvas_pipeline.errors import EXIT_CODES, BadConfig, BadInput, GateClosed
from canvas_pipeline.evaluation.benchmark import Prediction
from canvas_pipeline.records import Refusal, dumps
from canvas_pipeline.tracks.reading import read_objects
from canvas_pipeline.tracks.router import samples, scorer, thresholds
from canvas_pipeline.tracks.router.baselines import cases_of
from canvas_pipeline.tracks.router.intake import Intake, read_rows

_ERR = Console(stderr=True)
_ROUTER = typer.Typer(no_args_is_help=True, help="Router data sets and predictions: check, draw and score them.")
Strict = Annotated[bool, typer.Option("--strict", help="Judge the worse end of each interval in place of the point.")]


@_ROUTER.command(
    help="Read files of router rows as the track does, and list what would be refused, by file, line and reason.\n\n"
    "No text of a file is shown.\n\nExample: `canvas-data router validate data/router/*.jsonl`\n\n" + EXIT_CODES
)
def validate(
    files: Annotated[list[Path], typer.Argument(help="JSON lines, JSON arrays or Parquet, packed with gzip or not.")],
    relaxed: Annotated[bool, typer.Option("--relaxed", help="Ask for queries of ten characters only.")] = False,
) -> None:
    found = read_rows(files, relaxed=relaxed)
    for refusal in found.refusals:
        typer.echo(dumps(refusal))
    _ERR.print(_table(found))
    if found.refusals:
        raise typer.Exit(1)


def _table(found: Intake) -> Table:
    table = Table("", "rows")
    counts = {"read": found.funnel.rows_in, "kept": found.funnel.kept, "merged": found.funnel.merged}
    refused = {f"refused: {reason}": count for reason, count in found.funnel.refused.items()}
    unknown = {f"with the unknown field {name}": count for name, count in found.unknown.items()}
    for name, count in (counts | refused | {"searches without a mode": found.modeless} | unknown).items():
        table.add_row(name, str(count))
    return table


@_ROUTER.command(
    help="Write drawn router rows with ten broken lines among them, and in truth/ the lines to refuse.\n\n"
    "Example: `canvas-data router synthesize --rows 300 --seed 1 --out /tmp/router`\n\n" + EXIT_CODES
)
def synthesize(
    out: Annotated[Path, typer.Option("--out", help="Folder to write to.")],
    rows: Annotated[int, typer.Option("--rows", min=20, help="Good rows.")] = samples.ROWS,
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")] = 1,
) -> None:
    for path in samples.write_samples(out, rows, seed):
        typer.echo(path)


@_ROUTER.command(
    help="Score predictions against gold rows, joined by id, and judge the figures. Exit 3 where a threshold is missed.\n\n"
    'A prediction is an object with `id`, `text` and perhaps `"stopped": false` for one that was cut off.\n\n'
    "Example: `canvas-data router score --gold gold.jsonl --predictions said.jsonl --thresholds data/router/thresholds.yaml`\n\n"
    + EXIT_CODES
)
def score(
    gold: Annotated[Path, typer.Option("--gold", help="Router rows; all must be good.")],
    predictions: Annotated[Path, typer.Option("--predictions", help="One prediction for each gold row.")],
    bounds: Annotated[Path, typer.Option("--thresholds", help="YAML: group, at_least or at_most, figure, bound.")],
    training: Annotated[
        Path | None,
        typer.Option("--training", help="Router rows whose most frequent route is the majority's. [default: gold]"),
    ] = None,
    strict: Strict = False,
) -> None:
    limits = thresholds.read_thresholds(bounds)
    asked = _all_good(gold)
    cases = cases_of(asked.rows, _all_good(training).rows if training else asked.rows, think=False)
    report = scorer.report(cases, joined([case.id for case in cases], list(_predictions(predictions)), predictions))
    found = thresholds.judge(report, limits, strict=strict)
    typer.echo(thresholds.table(found))
    if not thresholds.met(found):
        missed = [f"{one.group}: {one.figure}" for one in found if one.state == "missed"]
        raise GateClosed(
            f"{predictions}: {len(missed)} of {len(found)} thresholds are missed ({', '.join(missed[:3]) or 'none judged'})"
        )


def _all_good(path: Path) -> Intake:
    found = read_rows([path])
    if found.refusals:
        first = found.refusals[0]
        raise BadInput(f"{path}:{first.line}: {first.reason}; gold rows must be good, see canvas-data router validate")
    if not found.rows:
        raise BadConfig(f"{path}: there is no row to score against")
    return found


def _predictions(path: Path) -> Iterator[Prediction]:
    for found in read_objects(path):
        if isinstance(found, Refusal):
            raise BadInput(f"{path}:{found.line}: {found.reason}; generate the predictions again")
        id_, text, stopped = (found.value.get(name) for name in ("id", "text", "stopped"))
        if not isinstance(id_, str) or not isinstance(text, str) or stopped not in (None, True, False):
            raise BadInput(f"{path}:{found.line}: a prediction has the texts id and text, and perhaps the flag stopped")
        yield Prediction(id=id_, text=text, stopped=stopped is not False)


def joined(ids: list[str], found: list[Prediction], path: Path) -> list[Prediction]:
    """Return the predictions where there is exactly one for each id; else raise ``BadInput`` naming all ids that are wrong."""
    said = [prediction.id for prediction in found]
    problems = {
        "without a prediction": [id_ for id_ in ids if id_ not in {*said}],
        "predicted twice": sorted({id_ for id_ in said if said.count(id_) > 1}),
        "not in the gold rows": sorted({*said} - {*ids}),
    }
    if wrong := [f"{what}: {', '.join(names)}" for what, names in problems.items() if names]:
        raise BadInput(f"{path}: {'; '.join(wrong)}; nothing was scored")
    return found


def register(app: typer.Typer) -> None:
    """Add ``router`` with its commands to ``canvas-data``."""
    app.add_typer(_ROUTER, name="router")
