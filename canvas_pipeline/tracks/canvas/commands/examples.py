"""The example commands of ``canvas-data``: from a corpus to pairs, labels, feedback and splits.

They call the same functions as the assets, with the pipeline's seed and assignment of students to train, eval and test. So the same
options give the same bytes, and no row of a benched student is trained on. Another seed needs a store of its own (see ``seeds``).
Every refused row is counted on standard error by reason. An input is never overwritten. Output files appear whole or not at all;
where no row results, nothing is written and the command fails."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from canvas_pipeline.errors import EXIT_CODES, BadInput, MissingInput
from canvas_pipeline.pipeline.workspace import Workspace, workspace
from canvas_pipeline.profiles import profile_named
from canvas_pipeline.records import Refusal, read_jsonl
from canvas_pipeline.storage.atomic import never_an_input
from canvas_pipeline.tracks.canvas.bench.cases import cases
from canvas_pipeline.tracks.canvas.commands.label import label_pairs
from canvas_pipeline.tracks.canvas.commands.output import CONSOLE, Out, ProfileName, show_refusals, write_rows
from canvas_pipeline.tracks.canvas.commands.seeds import VARIABLE, seed_for
from canvas_pipeline.tracks.canvas.data.accounts import accounts
from canvas_pipeline.tracks.canvas.data.examples import recorded_sessions
from canvas_pipeline.tracks.canvas.data.held_out import held_out
from canvas_pipeline.tracks.canvas.examples.feedback import balance, feedback
from canvas_pipeline.tracks.canvas.examples.mutation import categories, mutate, quotas
from canvas_pipeline.tracks.canvas.examples.pairs import sample_pairs
from canvas_pipeline.tracks.canvas.examples.splits import release_split
from canvas_pipeline.tracks.canvas.examples.students import Snapshot
from canvas_pipeline.tracks.canvas.examples.trajectory import synthesise
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import FeedbackExample, Item, PreferencePair, Trajectory
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline.tracks.canvas.track import TRACK

Seed = Annotated[
    int | None,
    typer.Option("--seed", help=f"Same seed, same rows. Left out: the pipeline's ({VARIABLE}, else {Workspace.seed})."),
]
Store = Annotated[
    Path | None, typer.Option("--store", help="Folder for rows of another seed than the pipeline's, and of no other.")
]
Corpus = Annotated[
    Path | None,
    typer.Option("--corpus", help="Item rows, as `canvas-data merge` writes them. Left out: those of the data folder."),
]
Root = Annotated[Path, typer.Option("--root", envvar="CANVAS_DATA", help="The pipeline's data folder.")]
DATA = Path("data")
Trajectories = Annotated[
    Path, typer.Option("--trajectories", help="Trajectory rows, as `canvas-data trajectory` writes them.")
]


def make_trajectories(
    out: Out,
    corpus: Corpus = None,
    sessions: Annotated[
        list[Path] | None,
        typer.Option(
            "--sessions", help="Recorded sessions to convert, in place of scripted ones; more files may follow."
        ),
    ] = None,
    more: Annotated[
        list[Path] | None, typer.Argument(help="More files of recorded sessions.", show_default=False)
    ] = None,
    all_students: Annotated[
        bool,
        typer.Option(
            help="Also students of the benchmark, as the pipeline's own stage: only for a split, not to train on."
        ),
    ] = False,
    profile_name: ProfileName = "embedded",
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
) -> None:
    """Build training conversations from a scripted student and a mock Canvas, or convert recorded sessions."""
    files = [*(sessions or []), *(more or [])]
    if more and not sessions:
        raise typer.BadParameter("name recorded sessions after --sessions")
    never_an_input(out, [corpus, *files])
    seed = seed_for(seed, store, out, [], root, os.environ)
    everyone, assignment = accounts(_corpus(corpus, root), profile_name, seed)
    if files:
        found = list(_recorded(files, root, profile_name, everyone))
        rows = [row for row in found if isinstance(row, Trajectory)]
        held_out = [] if all_students else [row for row in rows if "test" in map(assignment.items.get, row.item_ids)]
        write_rows(out, [row for row in rows if row not in held_out], "trajectories")
        refused = [row for row in found if isinstance(row, Refusal)]
        show_refusals(
            [*refused, *(Refusal(source=row.id, line=0, reason="held_out_for_the_benchmark") for row in held_out)]
        )
        return
    learning = [s for s in everyone if all_students or assignment.groups[s.id] != "test"]
    write_rows(out, synthesise(learning, profile_named(PROFILES, profile_name), seed, MockCanvas), "trajectories")


def gen_benchmark_large(
    out: Out,
    corpus: Corpus = None,
    count: Annotated[
        int | None, typer.Option(min=1, help="How many cases at least; the profile's number if left out.")
    ] = None,
    profile_name: ProfileName = "embedded",
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
) -> None:
    """Build bench cases from students and wordings that no training row has (with the same corpus, profile and seed)."""
    never_an_input(out, [corpus])
    seed = seed_for(seed, store, out, [], root, os.environ)
    known, profile = _corpus(corpus, root), profile_named(PROFILES, profile_name)
    asked = held_out(accounts(known, profile_name, seed), known, profile, seed)["test"]
    write_rows(out, cases(asked, profile, seed, MockCanvas, count), "bench cases")


def generate_pairs(
    out: Out,
    corpus: Corpus = None,
    n: Annotated[int, typer.Option("--max-pairs", "--n", min=0, help="How many pairs at most.")] = 400,
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
    finished_too: Annotated[bool, typer.Option(help="Also pairs with items that are handed in or graded.")] = False,
) -> None:
    """Sample pairs of items uniformly."""
    never_an_input(out, [corpus])
    seed = seed_for(seed, store, out, [], root, os.environ)
    rows = sample_pairs(read_jsonl(_corpus(corpus, root), Item), n, seed, finished_too=finished_too)
    write_rows(out, rows, "pairs")


def mutate_pairs(
    trajectories: Trajectories,
    out: Out,
    profile_name: ProfileName = "embedded",
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
) -> None:
    """Build preference pairs on all eight axes by breaking right completions, each checked by a verifier."""
    never_an_input(out, [trajectories])
    seed = seed_for(seed, store, out, [trajectories], root, os.environ)
    mutated = mutate(read_jsonl(trajectories, Trajectory), quotas(profile_named(PROFILES, profile_name)), seed)
    write_rows(out, mutated.pairs, "pairs")
    show_refusals(mutated.refusals)
    for name, count in categories(mutated.pairs).items():
        CONSOLE.print(f"  {name:<26}{count:>6}", markup=False)
    for name, count in mutated.shortfall.items():
        CONSOLE.print(f"  {name}: {count} fewer than the quota; give more trajectories", style="yellow", markup=False)


def gen_kto_large(
    trajectories: Trajectories,
    pref: Annotated[list[Path], typer.Option("--pref", help="PreferencePair rows; may be given several times.")],
    out: Out,
    per_tool: Annotated[int, typer.Option(min=1, help="Rows for each of the 18 tools, half of them desirable.")] = 50,
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
) -> None:
    """Build KTO rows (prompt, completion, label), half of them desirable, spread over the tools."""
    never_an_input(out, [*pref, trajectories])
    seed = seed_for(seed, store, out, [*pref, trajectories], root, os.environ)
    pairs = _all(pref, PreferencePair)
    rows = feedback(pairs, read_jsonl(trajectories, Trajectory), per_tool * len(TOOLS), seed)
    write_rows(out, rows, "feedback examples")
    shown = balance(rows)
    CONSOLE.print(
        f"{shown.desirable} desirable, {shown.undesirable} undesirable, {shown.unique_prompts} prompts", markup=False
    )


def split_for_release(
    out_dir: Annotated[Path, typer.Option(help="Folder to write; replaced as a whole where this command wrote it.")],
    pref: Annotated[list[Path] | None, typer.Option("--pref", help="PreferencePair rows; several allowed.")] = None,
    kto: Annotated[list[Path] | None, typer.Option("--kto", help="FeedbackExample rows; several allowed.")] = None,
    sft_train: Annotated[
        list[Path] | None, typer.Option("--sft-train", help="Trajectory rows; several allowed.")
    ] = None,
    corpus: Corpus = None,
    profile_name: ProfileName = "embedded",
    root: Root = DATA,
    seed: Seed = None,
    store: Store = None,
) -> None:
    """Split every data set by shared items into train, eval and test, with a manifest of hashes.

    The assignment is the pipeline's own: what its models were trained on is never a test row."""
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
    seed = seed_for(seed, store, out_dir, given, root, os.environ)
    assignment = accounts(_corpus(corpus, root), profile_name, seed)[1]
    manifest = release_split(data, out_dir, seed, assignment=assignment)
    for name, entry in manifest["files"].items():
        CONSOLE.print(f"  {name:<28}{entry['rows']:>7} rows  {entry['sha256'][:12]}", markup=False)
    for name, counted in manifest["funnels"].items():
        CONSOLE.print(
            f"  {name}: {counted.kept} of {counted.rows_in} rows; refused {counted.refused or 'none'}", markup=False
        )


# Command → the function and a line to try. ``register`` adds them to the CLI with the exit codes below each help.
COMMANDS: dict[str, tuple[Callable[..., None], str]] = {
    "trajectory": (make_trajectories, "--corpus corpus.jsonl --profile embedded --out trajectories.jsonl"),
    "gen-benchmark-large": (gen_benchmark_large, "--corpus corpus.jsonl --profile embedded --out bench.jsonl"),
    "generate-pairs": (generate_pairs, "--corpus corpus.jsonl --max-pairs 400 --out pairs.jsonl"),
    "label": (
        label_pairs,
        "pairs.jsonl --endpoint http://localhost:8000/v1/chat/completions --model teacher --journal votes.jsonl "
        "--out labelled.jsonl",
    ),
    "mutate": (mutate_pairs, "--trajectories trajectories.jsonl --profile embedded --out mutations.jsonl"),
    "gen-kto-large": (
        gen_kto_large,
        "--trajectories trajectories.jsonl --pref mutations.jsonl --per-tool 50 --out kto.jsonl",
    ),
    "split-for-release": (
        split_for_release,
        "--corpus corpus.jsonl --pref mutations.jsonl --pref labelled.jsonl --kto kto.jsonl --sft-train trajectories.jsonl "
        "--out-dir release-data",
    ),
}


def register(app: typer.Typer) -> None:
    """Add the commands to an app."""
    for name, (function, example) in COMMANDS.items():
        text = f"{(function.__doc__ or '').strip()}\n\nExample: `canvas-data {name} {example}`\n\n{EXIT_CODES}"
        app.command(name, help=text)(function)


def _corpus(given: Path | None, root: Path) -> Path:
    """Return the corpus file: the given one, else the verified current one of the data folder."""
    if given is not None:
        return given
    try:
        return Workspace(root=root.resolve(), track=TRACK, profile=None).store.get("corpus").path()
    except MissingInput:
        raise MissingInput(
            f"{root} has no corpus, which says who is held out; name its file with --corpus, or the data folder with --root"
        ) from None


def _recorded(
    files: Sequence[Path], root: Path, profile_name: str, everyone: Sequence[Snapshot]
) -> Iterator[Trajectory | Refusal]:
    """Anonymise and convert recorded sessions of a data folder's contributors."""
    ws = workspace(root, profile_name, TRACK)
    for path in files:
        if not path.is_file():
            raise MissingInput(f"{path}: no such file")
        yield from recorded_sessions(ws, path, of=everyone)


def _all(paths: Iterable[Path], type_: type[Any]) -> list[Any]:
    return [row for path in paths for row in read_jsonl(path, type_)]
