"""``canvas-release``: build GGUF files, list the reasons against a release, publish it or its adapter alone, verify.

``check`` and ``publish`` work out the evidence from the data folder's stages, with the settings of ``canvas-train``.

Exit codes: see ``cli.failure``; 1 also where files are not as expected, 3 where the release gate is closed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from canvas_pipeline.cli.failure import run
from canvas_pipeline.errors import EXIT_CODES, ArtifactCorrupt, BadConfig
from canvas_pipeline.models.families import family_of
from canvas_pipeline.pipeline import release
from canvas_pipeline.pipeline.adapter_release import publish_adapter
from canvas_pipeline.pipeline.evidence import evidence_of
from canvas_pipeline.pipeline.options import (
    BaseModel,
    Deploy,
    Numbers,
    Options,
    Overrides,
    ProfileName,
    Root,
    Seed,
    TrackName,
)
from canvas_pipeline.pipeline.settings import from_environment
from canvas_pipeline.pipeline.track import DEFAULT, track_named
from canvas_pipeline.release import gguf as gguf_files
from canvas_pipeline.release import publish as releases
from canvas_pipeline.release.gate import ITEMS, reasons_by_item
from canvas_pipeline.release.quant_check import check as check_quant

app = typer.Typer(
    no_args_is_help=True, add_completion=False, rich_markup_mode=None, help=f"Release models as GGUF. {EXIT_CODES}"
)
out = Console(soft_wrap=True, highlight=False, markup=False)
err = Console(stderr=True, soft_wrap=True, highlight=False, markup=False)

ShrinkageOption = Annotated[
    list[str] | None, typer.Option(help="STAGE=SHARE:REASON: an allowance that was trained under; several allowed.")
]


@app.command(
    epilog=f"Example: canvas-release gguf checkpoints/dpo --out build/gguf --name canvas-dpo --quant Q4_K_M. {EXIT_CODES}"
)
def gguf(
    model: Annotated[Path, typer.Argument(help="A model folder: config.json, safetensors, tokenizer.")],
    to: Annotated[Path, typer.Option("--out", help="Folder for <name>-<quant>.gguf.")],
    name: Annotated[str, typer.Option(help="The model's name; it goes into the files' metadata.")] = DEFAULT,
    quant: Annotated[
        list[str] | None, typer.Option(help="One of the six; may be given several times (default: all).")
    ] = None,
) -> None:
    """Convert a checkpoint once, quantise it, read the tensor types back, load every file and generate an answer."""
    chosen = tuple(quant or gguf_files.QUANTS)
    unknown = [q for q in chosen if q not in gguf_files.QUANTS]
    if unknown:
        raise BadConfig(f"there is no quant {unknown[0]!r} here; choose from: {', '.join(gguf_files.QUANTS)}")
    if name != Path(name).name:
        raise BadConfig(f"--name {name!r} is a path; give a name, and the folder with --out")
    problems: list[str] = []
    with Progress(
        SpinnerColumn(), TextColumn("{task.description}"), TimeElapsedColumn(), console=err, transient=True
    ) as bar:
        task = bar.add_task(f"converting {model.name} to {', '.join(chosen)}")
        files = gguf_files.export(model, to, name=name, quants=chosen)
        family = family_of(model)
        for q, path in files.items():
            bar.update(task, description=f"checking {path.name}")
            report = check_quant(path, q, family)
            state = "ok" if not report.problems else "; ".join(report.problems)
            types = ", ".join(f"{kind} {count}" for kind, count in sorted(report.types.items()))
            out.print(f"{path}  {report.size / (1 << 20):.1f} MiB  sha256 {report.sha256[:12]}  [{types}]  {state}")
            problems += [f"{path.name}: {problem}" for problem in report.problems]
    if problems:
        raise ArtifactCorrupt(f"{len(problems)} problem(s) with the quantised files: " + "; ".join(problems))


@app.command(epilog=f"Example: canvas-release check --root data --profile embedded. {EXIT_CODES}")
def check(
    track: TrackName = DEFAULT,
    root: Root = None,
    profile: ProfileName = None,
    base_model: BaseModel = None,
    seed: Seed = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    allow_shrinkage: ShrinkageOption = None,
    deploy: Deploy = None,
) -> None:
    """Print every item of the RELEASE-LOG with all reasons against; exit 3 where there is one."""
    ws, _ = from_environment(
        track_named(track), None, root=root, profile=profile, seed=seed, base_model=base_model, numbers=numbers,
        overrides=overrides, options=options, allow_shrinkage=allow_shrinkage, deploy=deploy,
    )  # fmt: skip
    reasons = reasons_by_item(ws.track.guards, evidence_of(ws)[0])
    for item, (sentence, _) in ITEMS.items():
        out.print(f"{'open' if reasons[item] else 'ok  '}  {sentence}")
        for reason in reasons[item]:
            out.print(f"        - {reason}")
    count = sum(map(len, reasons.values()))
    out.print(f"{count} reason(s) against the release" if count else "no reason against the release")
    if count:
        raise typer.Exit(3)


@app.command(epilog=f"Example: canvas-release publish --root data --to releases. {EXIT_CODES}")
def publish(
    to: Annotated[Path, typer.Option("--to", help="Folder that holds the releases.")],
    track: TrackName = DEFAULT,
    root: Root = None,
    profile: ProfileName = None,
    base_model: BaseModel = None,
    seed: Seed = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    allow_shrinkage: ShrinkageOption = None,
    deploy: Deploy = None,
) -> None:
    """Publish into a local folder, if the gate is open; releases that exist are never touched."""
    ws, _ = from_environment(
        track_named(track), None, root=root, profile=profile, seed=seed, base_model=base_model, numbers=numbers,
        overrides=overrides, options=options, allow_shrinkage=allow_shrinkage, deploy=deploy,
    )  # fmt: skip
    out.print(str(release.publish_current(ws, to)))


@app.command(epilog=f"Example: canvas-release adapter --root data --to adapters. {EXIT_CODES}")
def adapter(
    to: Annotated[Path, typer.Option("--to", help="Folder that holds the adapters' releases.")],
    track: TrackName = DEFAULT,
    root: Root = None,
    profile: ProfileName = None,
    base_model: BaseModel = None,
    seed: Seed = None,
    numbers: Numbers = None,
    overrides: Overrides = None,
    options: Options = None,
    allow_shrinkage: ShrinkageOption = None,
    deploy: Deploy = None,
) -> None:
    """Publish the production checkpoint's adapter alone, with tokenizer and cards, if the gate of its release is open."""
    ws, _ = from_environment(
        track_named(track), None, root=root, profile=profile, seed=seed, base_model=base_model, numbers=numbers,
        overrides=overrides, options=options, allow_shrinkage=allow_shrinkage, deploy=deploy,
    )  # fmt: skip
    out.print(str(publish_adapter(ws, to)))


@app.command(epilog=f"Example: canvas-release verify releases/current. {EXIT_CODES}")
def verify(folder: Annotated[Path, typer.Argument(help="A release's folder.")]) -> None:
    """Check a release offline: every file as listed, model, cards and data bound together, the folder named after them."""
    listed = releases.verify(folder)
    out.print(f"{folder}: {len(listed)} files are as published")


def main() -> None:
    """Console entry point."""
    run(app, "canvas-release")


if __name__ == "__main__":
    main()
