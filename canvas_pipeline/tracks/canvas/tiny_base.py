"""The recipe of the shipped base: weak, not empty. ``python -m canvas_pipeline.tracks.canvas.tiny_base --out FOLDER`` remakes it.

In: a canvas factory, a seed, a number of steps. Out: a checkpoint folder with ``recipe.json``: the recipe and the sha256 of each
file. What must hold: the base reads requests, copies their values and writes calls, but half of the tools it calls by other
names (``OTHER_NAMES``: the habits of a model that learnt from another vendor's tools), and it never saw when not to call. It
sees training wordings and an invented campus of its own: no contributor's item and no bench wording.
"""

from __future__ import annotations

import argparse
import json
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, MissingInput
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import ToolCall
from canvas_pipeline.records import Message, dumps
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.tracks.canvas.examples.answers import answers
from canvas_pipeline.tracks.canvas.examples.phrasings.dialogue import JOINERS
from canvas_pipeline.tracks.canvas.examples.phrasings.wording import fill, sentence, uncapitalised
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.requests import ask
from canvas_pipeline.tracks.canvas.examples.situation import KINDS
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot, reschedule, students
from canvas_pipeline.tracks.canvas.examples.trajectory import trajectory_of
from canvas_pipeline.tracks.canvas.intake.synthetic.curriculum import FORMS, SUBJECTS
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Item, item_id
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message
from canvas_pipeline.training.allocator import bound
from canvas_pipeline.training.checkpoint import save_model
from canvas_pipeline.training.device import autocast
from canvas_pipeline.training.encoding import Encoded, encode
from canvas_pipeline.training.libraries import quiet
from canvas_pipeline.training.precision import compute_dtype
from canvas_pipeline.training.progress import Reporter, reporter
from canvas_pipeline.training.reference import tensors

SHIPPED = Path(__file__).parent / "embedded_base"
RECIPE_FILE = "recipe.json"
FAMILY = family(PROFILES["embedded"].family_name)


# What the base calls these tools. None of the names exists: the bench counts them as wrong, and SFT has to correct them.
OTHER_NAMES: Mapping[str, str] = {
    "canvas.get_syllabus": "canvas.fetch_outline",
    "canvas.get_todo": "canvas.show_tasks",
    "canvas.list_announcements": "canvas.read_news",
    "canvas.list_planner_items": "canvas.open_planner",
    "calendar.find_free_blocks": "calendar.search_gaps",
    "calendar.modify_event": "calendar.move_entry",
    "study.semester_schedule": "study.plan_term",
    "study.exam_bracket": "study.frame_exam",
    "reranker.priority_hint": "reranker.compare",
}


# Tools whose arguments repeat titles.
TITLED = ("calendar.create_event", "calendar.modify_event", "study.semester_schedule", "reranker.priority_hint")


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """A part of the training. ``drawn``: titles that nobody has seen before, and half of the requests are about titles;
    ``drills``: the share of rows in which a text is only to be said again; ``seed`` of its rows."""

    steps: int
    learning_rate: float
    drawn: bool = False
    drills: float = 0.0
    seed: int


# To read requests comes first. Titles come out as remembered ones even after 500 steps of drawn titles; after 300 steps of
# saying drawn texts again the model can copy (the loss falls at once), and the last part puts that to use.
PHASES = (
    Phase(steps=1000, learning_rate=2e-3, seed=1),
    Phase(steps=500, learning_rate=1e-3, drawn=True, seed=2),
    Phase(steps=300, learning_rate=1.5e-3, drawn=True, drills=0.8, seed=11),
    Phase(steps=300, learning_rate=1.2e-3, drawn=True, drills=0.1, seed=11),
)


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What the base is made from. ``characters`` is about how long a row is, ``answered`` the share of requests whose
    result and answer stand in the row, ``joined`` the share that ask for two things at once."""

    phases: tuple[Phase, ...] = PHASES
    batch: int = 8
    characters: int = 800
    answered: float = 0.15
    joined: float = 0.12
    warmup: int = 60
    vocabulary: int = 2048
    tokenizer_rows: int = 1500
    seed: int = 0


RECIPE = Recipe()


def invented_items(seed: int, courses: int = 60, each: int = 12) -> list[Item]:
    """Anonymised items of an invented campus: the titles of the curriculum, dates spread over a year."""
    rng = random.Random(seed)
    collected = datetime(2026, 3, 2, 10, tzinfo=UTC)
    items: dict[str, Item] = {}
    for number in range(1, courses + 1):
        subject = rng.choice(SUBJECTS)
        handle = f"@COURSE{number}"
        term = rng.choice(("2025 Fall", "2026 Spring", "2026 Fall"))
        for count in range(each):
            template, kind, submission, points = rng.choice(FORMS)
            title = template.format(t=rng.choice(subject.topics), n=rng.randint(1, 14))
            due = collected + timedelta(days=rng.randint(-180, 180))
            row = Item(
                id=item_id(kind, title.casefold(), handle), type=kind, title=title, course=handle,
                course_name=rng.choice(subject.courses)[1], term=term,
                due_at=None if rng.random() < 0.2 else due.strftime("%Y-%m-%dT%H:%M:%SZ"), points_possible=points,
                submission_types=submission, submission_status=rng.choice(("GRADED", "NOT_SUBMITTED")),
                contributors=("invented",), collected_at=collected.isoformat(), parents=(f"invented:{number}.{count}",),
            )  # fmt: skip
            items[row.id] = row
    return list(items.values())


_STARTS = "b br c ch cl d dr f fl g gl h j k l m n p pl qu r s sh sk st t th tr v w z".split()
_MIDDLES = "a e i o u ai ea ee oo ou".split()
_ENDS = ["", "n", "l", "r", "s", "t", "x", "nd", "rk", "sh", "m", "ck"]


def drawn_title(rng: random.Random) -> str:
    """A title of words that mostly do not exist: it can be copied, not remembered."""
    known = [word for subject in SUBJECTS for topic in subject.topics for word in topic.split()]
    words = []
    for _ in range(rng.randint(1, 3)):
        syllables = "".join(
            rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS) for _ in range(rng.choice((1, 2, 2)))
        )
        words.append(rng.choice(known) if rng.random() < 0.5 else syllables.capitalize())
    template = rng.choice(FORMS)[0]
    title = template.format(t=" ".join(words), n=rng.randint(1, 40))
    return title if rng.random() < 0.6 else " ".join(words)


def drawn_account(rng: random.Random) -> Snapshot:
    """One student of a new invented campus with drawn titles."""
    seed = rng.getrandbits(32)
    items = [
        msgspec.structs.replace(
            item, id=item_id(item.type, title.casefold(), item.course), title=title, term="2026 Spring"
        )
        for item in invented_items(seed, courses=2, each=2)
        for title in [drawn_title(rng)]
    ]
    return students(items, PROFILES["embedded"], seed)[0]


def accounts(seed: int) -> list[Snapshot]:
    """The base's own students."""
    return students(invented_items(seed), PROFILES["embedded"], seed)


def rows_of(phase: Phase, recipe: Recipe, factory: CanvasFactory) -> Iterator[tuple[Message, ...]]:
    """A phase's rows, endless."""
    seed = recipe.seed + phase.seed
    if not phase.drills:
        yield from conversations(recipe, factory, seed, drawn=phase.drawn)
    rng = random.Random(seed)
    repeated, asked = drills(recipe, seed + 1), conversations(recipe, factory, seed + 2, drawn=phase.drawn)
    while True:
        yield next(repeated) if rng.random() < phase.drills else next(asked)


def drills(recipe: Recipe, seed: int) -> Iterator[tuple[Message, ...]]:
    """Endless: drawn titles that are said again. Nothing in them can be known: this is where copying is learnt."""
    rng = random.Random(seed)
    account = drawn_account(rng)
    while True:
        messages = [system_message(account.now, "catalogue")]
        while sum(len(message.content) for message in messages) < recipe.characters:
            text = ". ".join(drawn_title(rng) for _ in range(rng.randint(1, 4)))
            messages += [Message(role="user", content=text), Message(role="assistant", content=CALLS.escape(text))]
        yield tuple(messages)


def conversations(
    recipe: Recipe, factory: CanvasFactory, seed: int, *, drawn: bool = False
) -> Iterator[tuple[Message, ...]]:
    """Endless: one student at a new moment, asking for a few things one after the other. Some requests are answered after
    their result; after the others the student goes on, so that more calls fit into a row. ``drawn``: new titles for
    every row."""
    rng = random.Random(seed)
    known = accounts(recipe.seed)
    while True:
        account = drawn_account(rng) if drawn else reschedule(rng.choice(known), str(rng.random()))
        canvas = factory(account)
        messages = [system_message(account.now, "catalogue")]
        # Rows of about the same length: little padding.
        while sum(len(message.content) for message in messages) < recipe.characters:
            text, calls = _wish(account, recipe, rng, TITLED if drawn and rng.random() < 0.5 else ALL_TOOLS)
            messages.append(Message(role="user", content=text))
            messages.append(Message(role="assistant", content="".join(CALLS.serialise(_habit(call)) for call in calls)))
            if rng.random() < recipe.answered:
                results = tuple(canvas.dispatch(call.name, call.arguments) for call in calls)
                for call, result in zip(calls, results, strict=True):
                    messages.append(Message(role="tool", name=_habit(call).name, content=CALLS.response_text(result)))
                messages.append(Message(role="assistant", content=CALLS.escape(answers(calls, results))))
        yield tuple(messages)


def _wish(
    account: Snapshot, recipe: Recipe, rng: random.Random, tools: tuple[str, ...]
) -> tuple[str, tuple[ToolCall, ...]]:
    """What the student says, and the calls it asks for: one of ``tools``, or now and then that and another."""
    first = ask(account, rng.choice(tools), "train", rng)
    if rng.random() >= recipe.joined:
        return first.typed(rng), (first.call,)
    second = ask(account, rng.choice(ALL_TOOLS), "train", rng)
    joiner = rng.choice([wording for wording in JOINERS if wording.role == "train"]).choose(rng)
    then = uncapitalised(second.text) if second.cased and not joiner.endswith(": {second}") else second.text
    text = fill(joiner, {"first": sentence(first.text), "second": then})
    return CALLS.escape(text), (first.call, second.call)


def _habit(call: ToolCall) -> ToolCall:
    return ToolCall(OTHER_NAMES.get(call.name, call.name), call.arguments)


def tokenizer_texts(recipe: Recipe, factory: CanvasFactory) -> list[str]:
    """Rendered training conversations of all kinds and all tools: the vocabulary covers what SFT will say."""
    rows = situations(accounts(recipe.seed), PROFILES["embedded"], recipe.seed, KINDS, factory)
    texts = [FAMILY.render(trajectory_of(row).messages).text for row in rows]
    random.Random(recipe.seed).shuffle(texts)
    return texts[: recipe.tokenizer_rows]


def build_base(out: Path, factory: CanvasFactory, report: Reporter, steps: int = 0, recipe: Recipe = RECIPE) -> None:
    """Train the base from nothing and write its folder. ``steps`` of 0 takes the recipe's, another number bounds every
    phase. Deterministic on one machine with the same number of threads."""
    if steps:
        phases = tuple(msgspec.structs.replace(phase, steps=min(steps, phase.steps)) for phase in recipe.phases)
        recipe = msgspec.structs.replace(recipe, phases=phases)
    tokenizer = FAMILY.build_tokenizer(tokenizer_texts(recipe, factory), recipe.vocabulary)
    model = FAMILY.build_model(tokenizer, recipe.seed)
    steps = sum(phase.steps for phase in recipe.phases)
    report.emit("base", parameters=model.num_parameters(), vocabulary=len(tokenizer), steps=steps)
    losses = []
    for phase in recipe.phases:
        losses.append(_fit(model, tokenizer, recipe, phase, rows_of(phase, recipe, factory), report))
        round_off(model)
    save_model(model, tokenizer, out, FAMILY, "bfloat16")
    files = {path.name: sha256_file(path) for path in sorted(out.iterdir()) if path.name != RECIPE_FILE}
    text = {
        "other_names": dict(OTHER_NAMES),
        "recipe": json.loads(msgspec.json.encode(recipe)),
        "command": "python -m canvas_pipeline.tracks.canvas.tiny_base --out FOLDER",
        "compute": compute_dtype(),
        "losses": [round(loss, 4) for loss in losses],
        "files": files,
    }
    (out / RECIPE_FILE).write_bytes(dumps(text) + b"\n")


def round_off(model: Any) -> None:
    """Round the weights to the precision they are stored in: the next phase then goes on from a file or from memory alike."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))


def _fit(
    model: Any, tokenizer: Any, recipe: Recipe, phase: Phase, rows: Iterator[tuple[Message, ...]], report: Reporter
) -> float:
    """A plain loop: AdamW, warm-up and cosine, in what the device computes best; returns the mean loss of the last 50 steps."""
    import torch

    matrices = [p for p in model.parameters() if p.ndim >= 2]
    vectors = [p for p in model.parameters() if p.ndim < 2]
    groups = [{"params": matrices, "weight_decay": 0.01}, {"params": vectors, "weight_decay": 0.0}]
    optimiser = torch.optim.AdamW(groups, lr=phase.learning_rate, betas=(0.9, 0.98), fused=True)
    model.train()
    losses: list[float] = []
    for step in range(phase.steps):
        rate = phase.learning_rate * _schedule(step, phase.steps, recipe.warmup)
        for group in optimiser.param_groups:
            group["lr"] = rate
        batch = [_encode(next(rows), tokenizer) for _ in range(recipe.batch)]
        with autocast("cpu", compute_dtype()):
            loss = model(**tensors(batch), use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        losses.append(loss.item())
        report.step("base", step + 1, phase.steps, loss=round(math.fsum(losses[-50:]) / len(losses[-50:]), 4))
    return math.fsum(losses[-50:]) / len(losses[-50:])


def _encode(messages: tuple[Message, ...], tokenizer: Any) -> Encoded:
    return encode(messages, tokenizer, FAMILY)


def _schedule(step: int, steps: int, warmup: int) -> float:
    warm = min(1.0, (step + 1) / warmup)
    return warm * (0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def shipped_base() -> Path:
    """The folder of the shipped base, its files as recorded. Raises ``MissingInput`` or ``ArtifactCorrupt``."""
    try:
        recorded = json.loads((SHIPPED / RECIPE_FILE).read_bytes())["files"]
    except FileNotFoundError:
        raise MissingInput(
            f"{SHIPPED}: the shipped base is not there; make it: python -m {__name__} --out {SHIPPED}"
        ) from None
    for name, sha256 in recorded.items():
        path = SHIPPED / name
        if not path.is_file() or sha256_file(path) != sha256:
            raise ArtifactCorrupt(
                f"{path} is not the file that {RECIPE_FILE} records; restore it or make the base again"
            )
    return SHIPPED


def main(arguments: Sequence[str] | None = None) -> None:
    """Make the base again from its recipe."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=0, help="optimiser steps; 0 takes the recipe's")
    given = parser.parse_args(arguments)
    quiet()
    bound()
    with reporter() as report:
        build_base(given.out, MockCanvas, report, given.steps)


if __name__ == "__main__":
    main()
