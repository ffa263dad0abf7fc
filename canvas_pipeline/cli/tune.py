"""``canvas-tune``: tune a base model at a managed service. The only program of this project that may cost money.

Exit codes: see ``cli.failure``; 1 also where a job ended without a model."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import EXIT_CODES, BadConfig, BadInput, MissingTool
from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed import job as jobs
from canvas_pipeline.managed import request as requests
from canvas_pipeline.managed import service as services
from canvas_pipeline.managed.bases import BASES, FORMATS, MODES, base_named
from canvas_pipeline.managed.fetch import fetch as take
from canvas_pipeline.managed.tokens import counter
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline.models.families import FAMILIES
from canvas_pipeline.models.families import family as family_named
from canvas_pipeline.pipeline.options import Options, ProfileName, Root, Seed, TrackName
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.pipeline.track import DEFAULT, track_named
from canvas_pipeline.pipeline.tuning_rows import contamination_of, tuning_rows

ENDPOINT = "CANVAS_TUNING_ENDPOINT"
"""Names another server that speaks the service's protocols, for tests and proxies."""
app = typer.Typer(
    name="canvas-tune",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    help="Tune a base model that is too large for this machine at a managed service (Vertex AI).\n\n"
    "Four steps: `export` writes the rows in the base's own form and counts what the service would refuse; `launch --dry-run` "
    "writes and checks the request; `launch` asks, uploads and starts; `status --wait` follows; `fetch` takes the adapter.\n\n"
    "Nothing but `launch` without `--dry-run` costs money, and it asks first.\n\n" + EXIT_CODES,
)
out = Console(soft_wrap=True, highlight=False, markup=False)
Folder = Annotated[Path, typer.Argument(help="The folder that `export` wrote.")]


@app.command(
    epilog="Examples: `canvas-tune export --track instruct --base-model google/gemma-3-27b-it --out build/tune`; with "
    "`--tokenizer FOLDER` (the base's tokenizer files) lengths are counted in its tokens, and its chat template is checked.\n\n"
    + EXIT_CODES
)
def export(
    base_model: Annotated[
        str, typer.Option(help=f"the base to tune: {', '.join(BASES)}; another one is taken with a warning")
    ],
    to: Annotated[Path, typer.Option("--out", help="folder to write; an earlier export there is replaced")],
    track: TrackName = DEFAULT,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="prompt-completion (written with the base's own template; the only one with tools), messages, or gemini",
        ),
    ] = "",
    mode: Annotated[
        str, typer.Option("--tuning-mode", help=f"one of: {', '.join(MODES)}; their limits differ")
    ] = MODES[0],
    family: Annotated[
        str | None, typer.Option(help=f"of a base that is not in the table; one of: {', '.join(FAMILIES)}")
    ] = None,
    tokenizer: Annotated[Path | None, typer.Option(help="folder with the base's tokenizer: exact lengths")] = None,
    max_tokens: Annotated[int | None, typer.Option(min=1, help="longest row, in place of the base's own limit")] = None,
    bos: Annotated[
        bool,
        typer.Option(
            "--bos/--no-bos",
            help="whether prompts begin with the base's first token; tokenizers add it themselves, and two of them harm",
        ),
    ] = False,
    validation_rows: Annotated[
        int | None, typer.Option(min=1, help="at most so many validation rows, drawn by the hash of their ids")
    ] = None,
    root: Root = None,
    profile: ProfileName = None,
    seed: Seed = None,
    options: Options = None,
) -> None:
    """Write the rows of a track's supervised training as a tuning file, and `export.json` beside it.

    A row that is longer than the base's limit is refused, not cut; so is one that the format cannot express."""
    base, warnings = base_named(base_model, family)
    chosen = next((f for f in FORMATS if f == (form or base.formats[0])), None)
    tuning = next((m for m in MODES if m == mode), None)
    if chosen is None or tuning is None:
        raise BadConfig(f"choose --format from {', '.join(FORMATS)}, and --tuning-mode from {', '.join(MODES)}")
    ws, _ = from_environment(track_named(track), root=root, profile=profile, seed=seed, options=options)
    settings = exports.Settings(
        base=base, format=chosen, mode=tuning, source=family_named(ws.profile.family_name), limit=max_tokens, bos=bos,
        validation_rows=validation_rows,
    )  # fmt: skip
    settings.check()
    count = None
    if tokenizer is not None:
        if base.family is None:
            raise BadConfig(
                f"the family of {base.id} is not known, so its tokenizer cannot be checked; name it with --family"
            )
        count = counter(tokenizer, family_named(base.family))
    made = exports.write(to, track, tuning_rows(ws), settings, count, warnings, contamination_of(ws))
    for name, part in made.parts.items():
        refused = "".join(f", {number} refused: {reason}" for reason, number in part.funnel.refused.items())
        out.print(f"{to / part.file}: {part.lines} lines of {part.funnel.kept} rows{refused}")
        shown = f"{part.lengths.p50:.0f} at the median, {part.lengths.p99:.0f} at 99 %, {part.lengths.max} at most"
        out.print(f"  {part.lengths.unit} a line: {shown}; {name} limit {made.limit or 'not known'}")
    if made.contamination is not None:
        numbers = made.contamination.numbers
        out.print(f"  {made.contamination.name}: passed, {numbers['rows']} rows beside {numbers['items']} cases")
    _notes(made.warnings)


@app.command(
    epilog="Examples: `canvas-tune launch build/tune --project P --train-uri gs://b/train.jsonl --validation-uri gs://b/val.jsonl "
    "--output-uri gs://b/out --display-name router --learning-rate 1.4e-4 --dry-run`; without `--dry-run` it asks, uploads and "
    "starts. Started again after a failure it takes the same job up and spends nothing twice.\n\n" + EXIT_CODES
)
def launch(
    folder: Folder,
    project: Annotated[str, typer.Option(help="the cloud project that pays")],
    train_uri: Annotated[str, typer.Option(help="where the training file goes: gs://bucket/name.jsonl")],
    display_name: Annotated[str, typer.Option(help="of the tuned model, at most 128 characters")],
    region: Annotated[str, typer.Option(help="where it runs and where the model lies")] = "us-central1",
    validation_uri: Annotated[str | None, typer.Option(help="where the validation file goes")] = None,
    output_uri: Annotated[
        str | None, typer.Option(help="folder for an open base's weights: gs://bucket/folder")
    ] = None,
    adapter_size: Annotated[int, typer.Option(help="rank of the adapter: 1, 4, 8, 16 or 32")] = 4,
    epochs: Annotated[int, typer.Option(min=1, help="passes over the training rows")] = 3,
    learning_rate: Annotated[float | None, typer.Option(help="of an open base")] = None,
    learning_rate_multiplier: Annotated[float | None, typer.Option(help="of the service's own models")] = None,
    default_learning_rate: Annotated[
        float | None, typer.Option(help="an open base's usual rate: the multiplier is converted with it")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, help="of an open base; default: the service's choice")
    ] = None,
    usd_per_million_tokens: Annotated[
        float | None, typer.Option(min=0, help="the base's price for training tokens; without it there is no estimate")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="write and check request.json, send nothing; so too without credentials")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask: for programs that have asked")] = False,
) -> None:
    """Write `request.json`, check it, and, after a yes, upload the files and start the job. It costs money."""
    made, sha256 = exports.read(folder)
    base, _ = base_named(made.base, made.family)
    told = requests.Options(
        project=project, region=region, display_name=display_name, train_uri=train_uri, validation_uri=validation_uri,
        output_uri=output_uri, mode=next(m for m in MODES if m == made.mode), adapter_size=adapter_size, epochs=epochs,
        learning_rate=learning_rate, multiplier=learning_rate_multiplier, default_learning_rate=default_learning_rate,
        batch_size=batch_size, usd_per_million_tokens=usd_per_million_tokens,
    )  # fmt: skip
    request = requests.build(base, made, sha256, told)
    path = jobs.write_request(folder, request)
    out.print(f"{path}: POST {request.url}")
    _notes(request.notes)
    cost = request.cost
    estimate = (
        f"{cost.tokens:,} tokens, about {cost.usd:,.2f} USD"
        if cost
        else "no estimate of the cost (see --usd-per-million-tokens)"
    )
    out.print(f"{base.id}, {epochs} epochs, {made.parts['train'].lines} lines: {estimate}")
    credentials = None if dry_run else _credentials()
    if credentials is None:
        out.print(
            "nothing was sent"
            if dry_run
            else "nothing was sent: there are no credentials (gcloud auth application-default login)"
        )
        return
    earlier = jobs.started(folder, request)
    if earlier is not None:
        out.print(f"{earlier.job.name} was started from here: {earlier.job.state}; see canvas-tune status {folder}")
        return
    if not yes:
        if not sys.stdin.isatty():
            raise BadConfig("starting costs money, and there is nobody to ask; give --yes, or --dry-run")
        typer.confirm(f"Start it? The project {project} pays", abort=True)
    service = services.Service.connect(project, region, credentials, os.environ.get(ENDPOINT))
    record = jobs.launch(folder, made, request, service, out.print)
    out.print(f"{record.job.name}: {record.job.state}; see canvas-tune status {folder}")


@app.command(epilog=f"Example: `canvas-tune status build/tune --wait`. {EXIT_CODES}")
def status(
    folder: Folder,
    wait: Annotated[bool, typer.Option("--wait", help="ask until it has ended, with growing pauses")] = False,
) -> None:
    """Ask for the job's state and record it in `job.json`. Exit 1 where it ended without a model."""
    service = _service(folder)
    record = jobs.followed(folder, service, out.print) if wait else jobs.refreshed(folder, service)
    out.print(f"{record.job.name}: {record.job.state}")
    jobs.require_success(folder, record.job)


@app.command(
    epilog="Example: `canvas-tune fetch build/tune --from gs://b/out/.../checkpoints/final --out build/adapter`. "
    + EXIT_CODES
)
def fetch(
    folder: Folder,
    to: Annotated[Path, typer.Option("--out", help="folder to write")],
    source: Annotated[
        str, typer.Option("--from", help="the adapter's folder: gs://bucket/folder, or a local copy of it")
    ],
) -> None:
    """Take the adapter: checked for its base, rank, layers and whole weights, and bound to the export it was trained on."""
    made, sha256 = exports.read(folder)
    record = jobs.read(folder)
    if record.request.export != sha256:
        raise BadInput(
            f"{folder}: the job was started from another export than the one that lies there; take that one's folder"
        )
    if record.job.state != "SUCCEEDED":
        raise BadConfig(f"{record.job.name} is {record.job.state}; ask for it again: canvas-tune status {folder}")
    base, _ = base_named(made.base, made.family)
    if source.startswith("gs:"):
        uri, service = StorageUri.read(source, "--from"), _service(folder)
        fetched = take(to, made.track, base, record, lambda into: service.download(uri, into))
    else:
        fetched = take(to, made.track, base, record, Path(source))
    out.print(
        f"{to}: rank {fetched.rank} on {fetched.base}, {fetched.parameters:,} parameters in {', '.join(fetched.targets)}"
    )
    if fetched.untouched:
        out.print(f"  not adapted: {', '.join(fetched.untouched)}")


def _service(folder: Path) -> services.Service:
    record = jobs.read(folder)
    credentials = _credentials()
    if credentials is None:
        raise MissingTool("there are no credentials for the service; log in: gcloud auth application-default login")
    return services.Service.connect(
        record.request.project, record.request.region, credentials, os.environ.get(ENDPOINT)
    )


def _credentials() -> object | None:
    return services.credentials()


def _notes(notes: tuple[str, ...]) -> None:
    for note in notes:
        out.print(f"  note: {note}")


def main() -> None:
    """Console entry point."""
    run(app, "canvas-tune")


if __name__ == "__main__":
    main()
