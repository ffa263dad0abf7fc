"""The example commands of ``canvas-data``: from a corpus to pairs, labels, feedback and splits.

They call the same functions as the assets, so the same options give the same bytes. Every refused row is counted on standard
error by reason. An input is never overwritten. Output files appear whole or not at all; where no row results, nothing is written
and the command fails."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from canvas_pipeline.errors import EXIT_CODES, BadInput
from canvas_pipeline.models.endpoint import AdaptiveLimit
from canvas_pipeline.pipeline.options import option
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import Refusal, read_jsonl, write_jsonl
from canvas_pipeline.storage.atomic import never_an_input, whole_file
from canvas_pipeline.tracks.canvas.bench.cases import cases
from canvas_pipeline.tracks.canvas.examples.feedback import balance, feedback
from canvas_pipeline.tracks.canvas.examples.labelling import PositionBias, label, preference_pairs
from canvas_pipeline.tracks.canvas.examples.mutation import categories, mutate, quotas
from canvas_pipeline.tracks.canvas.examples.pairs import sample_pairs
from canvas_pipeline.tracks.canvas.examples.splits import assign, groups_of, release_split
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, students
from canvas_pipeline.tracks.canvas.examples.teacher import HttpTeacher, Teacher, UrgencyTeacher
from canvas_pipeline.tracks.canvas.examples.trajectory import synthesise
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, Item, ItemPair, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS

_CONSOLE = Console(stderr=True)

Out = Annotated[Path, typer.Option("--out", help="File to write; it appears whole or not at all.")]
Seed = Annotated[int, option("seed", "--seed")]
ProfileName = Annotated[str, option("profile", "--profile")]
Corpus = Annotated[Path, typer.Option("--corpus", help="Item rows, as `canvas-data merge` writes them.")]
Trajectories = Annotated[
    Path, typer.Option("--trajectories", help="Trajectory rows, as `canvas-data trajectory` writes them.")
]


def make_trajectories(corpus: Corpus, out: Out, profile_name: ProfileName = "embedded", seed: Seed = 0) -> None:
    """Build training conversations for every tool: a scripted student talks to a mock Canvas."""
    never_an_input(out, [corpus])
    learning, _ = _students(corpus, profile_name, seed)
    rows = synthesise(learning, profile_named(PROFILES, profile_name), seed, MockCanvas.of)
    _write(out, rows, "trajectories")


def gen_benchmark_large(
    corpus: Corpus,
    out: Out,
    count: Annotated[int | None, typer.Option(min=1, help="How many cases; the profile's number if left out.")] = None,
    profile_name: ProfileName = "embedded",
    seed: Seed = 0,
) -> None:
    """Build bench cases from students and wordings that no training row has (with the same corpus, profile and seed)."""
    never_an_input(out, [corpus])
    _, held_out = _students(corpus, profile_name, seed)
    _write(out, cases(held_out, profile_named(PROFILES, profile_name), seed, MockCanvas.of, count), "bench cases")


def generate_pairs(
    corpus: Corpus,
    out: Out,
    n: Annotated[int, typer.Option("--n", min=0, help="How many pairs at most.")] = 400,
    seed: Seed = 0,
    finished_too: Annotated[bool, typer.Option(help="Also pairs of two graded items.")] = False,
) -> None:
    """Sample pairs of items uniformly."""
    never_an_input(out, [corpus])
    rows = sample_pairs(read_jsonl(corpus, Item), n, seed, finished_too=finished_too)
    _write(out, rows, "pairs")


def label_pairs(
    pairs: Annotated[Path, typer.Option("--pairs", help="ItemPair rows, as `canvas-data generate-pairs` writes them.")],
    out: Out,
    endpoint: Annotated[str | None, option("teacher_endpoint", "--endpoint")] = None,
    model: Annotated[str | None, option("teacher_model", "--model")] = None,
    revision: Annotated[str | None, typer.Option(help="What its weights are pinned to; part of every label.")] = None,
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
    never_an_input(out, [pairs, journal])
    if journal is not None:
        never_an_input(journal, [pairs])
        if journal.resolve() == out.resolve():
            raise BadInput(f"{out}: --journal and --out are one file; name two")
    declaration = profile_named(PROFILES, profile_name).declaration
    rows = list(read_jsonl(pairs, ItemPair))
    with (
        _teacher(endpoint, model, revision, api_key, timeout, attempts, workers) as teacher,
        _progress("labelling", len(rows)) as advance,
    ):
        labelled = label(rows, teacher, journal, advance, workers=workers)
        identity = teacher.identity
    _write(out, preference_pairs(labelled.pairs, declaration), "labelled pairs")
    _refused(labelled.refusals)
    _CONSOLE.print(f"teacher {identity}: {len(labelled.votes)} votes; {_bias(labelled.position_bias)}", markup=False)


def mutate_pairs(trajectories: Trajectories, out: Out, profile_name: ProfileName = "embedded", seed: Seed = 0) -> None:
    """Build preference pairs on all eight axes by breaking right completions, each checked by a verifier."""
    never_an_input(out, [trajectories])
    mutated = mutate(read_jsonl(trajectories, Trajectory), quotas(profile_named(PROFILES, profile_name)), seed)
    _write(out, mutated.pairs, "pairs")
    _refused(mutated.refusals)
    for name, count in categories(mutated.pairs).items():
        _CONSOLE.print(f"  {name:<26}{count:>6}", markup=False)
    for name, count in mutated.shortfall.items():
        _CONSOLE.print(f"  {name}: {count} fewer than the quota; give more trajectories", style="yellow", markup=False)


def gen_kto_large(
    trajectories: Trajectories,
    pref: Annotated[list[Path], typer.Option("--pref", help="PreferencePair rows; may be given several times.")],
    out: Out,
    per_tool: Annotated[int, typer.Option(min=1, help="Rows for each of the 18 tools, half of them desirable.")] = 50,
    seed: Seed = 0,
) -> None:
    """Build KTO rows (prompt, completion, label), half of them desirable, spread over the tools."""
    never_an_input(out, [*pref, trajectories])
    pairs = _all(pref, PreferencePair)
    rows = feedback(pairs, read_jsonl(trajectories, Trajectory), per_tool * len(TOOLS), seed)
    _write(out, rows, "feedback examples")
    shown = balance(rows)
    _CONSOLE.print(
        f"{shown.desirable} desirable, {shown.undesirable} undesirable, {shown.unique_prompts} prompts", markup=False
    )


def split_for_release(
    out_dir: Annotated[Path, typer.Option(help="Folder to write; replaced as a whole where this command wrote it.")],
    pref: Annotated[list[Path] | None, typer.Option("--pref", help="PreferencePair rows; several allowed.")] = None,
    kto: Annotated[list[Path] | None, typer.Option("--kto", help="FeedbackExample rows; several allowed.")] = None,
    sft_train: Annotated[
        list[Path] | None, typer.Option("--sft-train", help="Trajectory rows; several allowed.")
    ] = None,
    seed: Seed = 0,
) -> None:
    """Split every data set by shared items into train, eval and test, with a manifest of hashes."""
    given = [*(sft_train or []), *(pref or []), *(kto or [])]
    if inside := [path for path in given if out_dir.resolve() in path.resolve().parents]:
        raise BadInput(f"{inside[0]} lies in {out_dir}, which is replaced as a whole; name another --out-dir")
    data: dict[str, Sequence[Any]] = {
        name: rows
        for name, rows in (
            ("sft", _all(sft_train or [], Trajectory)),
            ("preference", _all(pref or [], PreferencePair)),
            ("feedback", _all(kto or [], FeedbackExample)),
        )
        if rows
    }
    if not data:
        raise typer.BadParameter("give at least one of --pref, --kto and --sft-train with at least one row")
    manifest = release_split(data, out_dir, seed)
    for name, entry in manifest["files"].items():
        _CONSOLE.print(f"  {name:<28}{entry['rows']:>7} rows  {entry['sha256'][:12]}", markup=False)
    for name, counted in manifest["funnels"].items():
        _CONSOLE.print(
            f"  {name}: {counted.kept} of {counted.rows_in} rows; refused {counted.refused or 'none'}", markup=False
        )


# Command → the function and a line to try. ``register`` adds them to the CLI with the exit codes below each help.
COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "trajectory": (make_trajectories, "--corpus corpus.jsonl --profile embedded --out trajectories.jsonl"),
    "gen-benchmark-large": (gen_benchmark_large, "--corpus corpus.jsonl --profile embedded --out bench.jsonl"),
    "generate-pairs": (generate_pairs, "--corpus corpus.jsonl --n 400 --out pairs.jsonl"),
    "label": (
        label_pairs,
        "--pairs pairs.jsonl --endpoint http://localhost:8000/v1 --model teacher --journal votes.jsonl "
        "--out labelled.jsonl",
    ),
    "mutate": (mutate_pairs, "--trajectories trajectories.jsonl --profile embedded --out mutations.jsonl"),
    "gen-kto-large": (
        gen_kto_large,
        "--trajectories trajectories.jsonl --pref mutations.jsonl --per-tool 50 --out kto.jsonl",
    ),
    "split-for-release": (
        split_for_release,
        "--pref mutations.jsonl --pref labelled.jsonl --kto kto.jsonl --sft-train trajectories.jsonl "
        "--out-dir release-data",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    for name, (function, example) in COMMANDS.items():
        text = f"{(function.__doc__ or '').strip()}\n\nExample: `canvas-data {name} {example}`\n\n{EXIT_CODES}"
        app.command(name, help=text)(function)


def _students(corpus: Path, profile_name: str, seed: int) -> tuple[list[Snapshot], list[Snapshot]]:
    """Build the students for training and evaluation, and those held out for the benchmark."""
    everyone = students(read_jsonl(corpus, Item), profile_named(PROFILES, profile_name), seed)
    places = assign(groups_of(everyone), seed).groups
    held_out = [student for student in everyone if places[student.id] == "test"]
    return [student for student in everyone if places[student.id] != "test"], held_out


@contextmanager
def _teacher(
    endpoint: str | None,
    model: str | None,
    revision: str | None,
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
        endpoint, model, revision=revision, api_key=api_key, timeout_s=timeout, attempts=attempts, limit=limit
    ) as teacher:
        yield teacher


@contextmanager
def _progress(what: str, total: int) -> Iterator[Callable[[int], None]]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=_CONSOLE) as progress:
        task = progress.add_task(what, total=total)
        yield lambda done: progress.update(task, completed=done)


def _all(paths: Iterable[Path], type_: type[Any]) -> list[Any]:
    return [row for path in paths for row in read_jsonl(path, type_)]


def _write(out: Path, rows: Iterable[Any], what: str) -> None:
    with whole_file(out) as path:
        count = write_jsonl(path, rows)
        if not count:
            raise BadInput(f"the input gives no {what}, so nothing was written to {out}")
    _CONSOLE.print(f"{count} {what} → {out}", markup=False)


def _refused(refusals: Iterable[Refusal]) -> None:
    for reason, count in sorted(Counter(refusal.reason for refusal in refusals).items()):
        _CONSOLE.print(f"  refused {count}: {reason}", markup=False)


def _bias(bias: PositionBias) -> str:
    if bias.share is None:
        return "no pair was decided in both orders, so position bias is unknown"
    return (
        f"the one shown first won {bias.share:.1%} of {bias.votes} (95 % interval {bias.low:.1%} to {bias.high:.1%}); "
        f"{bias.flipped} of {bias.pairs} pairs flipped when swapped"
    )
