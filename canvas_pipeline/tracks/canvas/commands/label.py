"""``canvas-data label``: a teacher's votes on pairs of items, as preference pairs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.endpoint import AdaptiveLimit
from canvas_pipeline.pipeline.options import option
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.storage.atomic import never_an_input
from canvas_pipeline.tracks.canvas.commands.output import CONSOLE, Out, ProfileName, show_refusals, write_rows
from canvas_pipeline.tracks.canvas.examples.labelling import PositionBias, label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.teacher import HttpTeacher, Teacher, UrgencyTeacher
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import ItemPair


def label_pairs(
    out: Out,
    file: Annotated[
        Path | None,
        typer.Argument(help="ItemPair rows, as `canvas-data generate-pairs` writes them.", show_default=False),
    ] = None,
    pairs: Annotated[Path | None, typer.Option("--pairs", help="The same, as an option.")] = None,
    endpoint: Annotated[str | None, option("teacher_endpoint", "--endpoint")] = None,
    model: Annotated[str | None, option("teacher_model", "--model")] = None,
    revision: Annotated[str | None, typer.Option(help="The revision that the server must report.")] = None,
    stated: Annotated[str, option("teacher_identity", "--teacher-identity")] = "",
    api_key: Annotated[
        str | None, typer.Option(envvar="CANVAS_TEACHER_API_KEY", show_envvar=True, help="Bearer token.")
    ] = None,
    journal: Annotated[
        Path | None, typer.Option(help="Votes are kept here; a second run asks only for missing ones.")
    ] = None,
    workers: Annotated[
        int, typer.Option(min=1, max=256, help="Requests under way at most; adapted to the server.")
    ] = 8,
    timeout: Annotated[float, typer.Option(min=0.1, help="Seconds to wait for one reply.")] = 300.0,
    attempts: Annotated[int, typer.Option(min=1, help="How often one vote is asked for before it fails.")] = 6,
    profile_name: ProfileName = "embedded",
) -> None:
    """Ask a teacher which item comes first, three ways each, and keep the unanimous pairs."""
    given = [path for path in (file, pairs) if path is not None]
    if len(given) != 1:
        raise typer.BadParameter("name one file of pairs, by itself or with --pairs")
    never_an_input(out, [*given, journal])
    if journal is not None:
        never_an_input(journal, given)
        if journal.resolve() == out.resolve():
            raise BadInput(f"{out}: --journal and --out are one file; name two")
    declaration = profile_named(PROFILES, profile_name).declaration
    rows = list(read_jsonl(given[0], ItemPair))
    with (
        _teacher(endpoint, model, revision, stated, api_key, timeout, attempts, workers) as teacher,
        _progress("labelling", len(rows)) as advance,
    ):
        labelled = label(rows, teacher, journal, advance, workers=workers)
        identity = teacher.identity
    written = preference_pairs(labelled.pairs, declaration, MockCanvas)
    write_rows(out, written.pairs, "labelled pairs")
    show_refusals([*labelled.refusals, *written.refusals])
    CONSOLE.print(f"teacher {identity}: {len(labelled.votes)} votes; {_bias(labelled.position_bias)}", markup=False)


@contextmanager
def _teacher(
    endpoint: str | None,
    model: str | None,
    revision: str | None,
    stated: str,
    api_key: str | None,
    timeout: float,
    attempts: int,
    workers: int,
) -> Iterator[Teacher]:
    if endpoint is None:
        if model is not None:
            raise typer.BadParameter("--model needs --endpoint, the server that serves it")
        yield UrgencyTeacher()
        return
    if model is None:
        raise typer.BadParameter("--endpoint needs --model: labels must name who made them")
    limit = AdaptiveLimit(start=min(4, workers), ceiling=workers)
    with HttpTeacher(
        endpoint,
        model,
        revision=revision,
        stated=stated,
        api_key=api_key,
        timeout_s=timeout,
        attempts=attempts,
        limit=limit,
    ) as teacher:
        yield teacher


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=CONSOLE) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _bias(bias: PositionBias) -> str:
    if bias.share is None:
        return "no pair was decided in both orders, so position bias is unknown"
    return (
        f"the one shown first won {bias.share:.1%} of {bias.votes} (95 % interval {bias.low:.1%} to {bias.high:.1%}); "
        f"{bias.flipped} of {bias.pairs} pairs flipped when swapped"
    )
