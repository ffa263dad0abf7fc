"""Train the small base model that is shipped with the Canvas track, with gaps that training can close.

``python -m canvas_pipeline.tracks.canvas.tiny_base --out FOLDER`` repeats the recipe. The base reads requests, copies their values
and writes calls. It calls half of the tools by other names (``OTHER_NAMES``, as a model trained on another vendor's tools would)
and has no examples of when not to call. Its data are training wordings about an invented campus: no contributor's item and no
benchmark wording.
"""

from __future__ import annotations

import functools
import itertools
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import Shape, ToolCall
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.drawn_titles import drawn_title
from canvas_pipeline.tracks.canvas.examples.fillers import free_span
from canvas_pipeline.tracks.canvas.examples.phrasings import spoken
from canvas_pipeline.tracks.canvas.examples.policy import MAKERS, Setting, situations
from canvas_pipeline.tracks.canvas.examples.situation import KINDS, Exchange, SituationKind
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot, iso, reschedule, students
from canvas_pipeline.tracks.canvas.examples.trajectory import trajectory_of
from canvas_pipeline.tracks.canvas.intake.synthetic.curriculum import FORMS, SUBJECTS
from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas
from canvas_pipeline.tracks.canvas.profiles import PROFILES
from canvas_pipeline.tracks.canvas.rows import Item, item_id
from canvas_pipeline.tracks.canvas.tools.calls import CALLS
from canvas_pipeline.tracks.canvas.tools.prompt import ALL_TOOLS, system_message
from canvas_pipeline.training.checkpoint import save_model
from canvas_pipeline.training.encoding import encode
from canvas_pipeline.training.pretrain import command_line, fit, shortened, verified, write_recipe
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.reference import tensors

SHIPPED = Path(__file__).parent / "embedded_base"
COMMAND = "python -m canvas_pipeline.tracks.canvas.tiny_base --out FOLDER"
FAMILY = family(PROFILES["embedded"].family_name)
WEIGHT_DECAY = 0.01

# The base's own names for these tools. None of them exists: the benchmark counts them as wrong, and SFT has to correct them.
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

# What the base is asked for. Composition is in it: what a model has never seen, a few hundred rows of SFT do not teach.
SHARES: Mapping[SituationKind, float] = {
    "single": 0.44, "several": 0.26, "sequence": 0.16, "dialogue": 0.11, "failed": 0.03,
}  # fmt: skip

# Tools whose arguments repeat titles.
TITLED = ("calendar.create_event", "calendar.modify_event", "study.semester_schedule", "reranker.priority_hint")


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the training.

    ``drawn`` phases use new titles, and half of their single requests are about titles. ``drills`` is the share of rows in which
    a text is only repeated, ``days`` the share in which days and times are only written as ISO. ``seed`` is that of the rows."""

    steps: int
    learning_rate: float
    drawn: bool = False
    drills: float = 0.0
    days: float = 0.0
    seed: int


# Reading requests comes first. After 400 steps of new titles the model still writes memorised ones. It copies after the two phases
# of repeating new texts (the loss falls from 1.8 to 0.05 in the second), and reads days after the phase with a third of them; the
# last one applies both to requests.
PHASES = (
    Phase(steps=1000, learning_rate=2e-3, days=0.2, seed=1),
    Phase(steps=400, learning_rate=1e-3, drawn=True, days=0.2, seed=2),
    Phase(steps=250, learning_rate=1.5e-3, drawn=True, drills=0.8, seed=11),
    Phase(steps=400, learning_rate=1.2e-3, drawn=True, drills=0.1, days=0.1, seed=11),
    Phase(steps=500, learning_rate=2e-3, drawn=True, drills=0.8, seed=21),
    Phase(steps=900, learning_rate=1.5e-3, drawn=True, drills=0.08, days=0.35, seed=22),
    Phase(steps=600, learning_rate=1.2e-3, drawn=True, drills=0.05, days=0.15, seed=23),
    Phase(steps=700, learning_rate=1.5e-3, drawn=True, drills=0.03, days=0.45, seed=24),
)

# The family's form in 10 MB: the upper half of the layers reads keys and values of the lower half, and each layer has embeddings of
# its own. Those hold two fifths of the weights and cost no products, so the MLPs are narrow. The shared layers are full, since only
# the second layer's keys know what stands before a token, which copying needs; and keys are shared by layers, not by heads.
SHAPE = Shape(
    layers=4, intermediate=256, kv_heads=4, global_head_dim=64, layout="sfff", kv_shared=2, per_layer=256
)  # fmt: skip


class BaseRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of the base.

    ``characters`` is the approximate length of a row, ``answered`` the share of requests whose last result and answer follow."""

    phases: tuple[Phase, ...] = PHASES
    batch: int = 8
    characters: int = 1000
    answered: float = 0.15
    warmup: int = 60
    shape: Shape = SHAPE
    tokenizer_rows: int = 1500
    seed: int = 0


RECIPE = BaseRecipe()


def invented_items(seed: int, courses: int = 60, each: int = 12) -> list[Item]:
    """Invent anonymised items: titles of the curriculum, dates spread over a year."""
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


def drawn_account(rng: random.Random) -> Snapshot:
    """Build one student of a newly invented campus with drawn titles."""
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
    """Build the students of the invented campus."""
    return students(invented_items(seed), PROFILES["embedded"], seed)


def rows_of(phase: Phase, recipe: BaseRecipe, factory: CanvasFactory) -> Iterator[tuple[Message, ...]]:
    """Yield a phase's rows, without end."""
    seed = recipe.seed + phase.seed
    rng = random.Random(seed)
    repeated, dated = drills(recipe, seed + 1), day_drills(recipe, seed + 3)
    asked = conversations(recipe, factory, seed + 2, drawn=phase.drawn)
    while True:
        drawn = rng.random()
        source = repeated if drawn < phase.drills else dated if drawn < phase.drills + phase.days else asked
        yield next(source)


def drills(recipe: BaseRecipe, seed: int) -> Iterator[tuple[Message, ...]]:
    """Yield conversations, without end, in which the assistant repeats drawn titles. They cannot be memorised, so they teach
    copying."""
    rng = random.Random(seed)
    account = drawn_account(rng)

    def repeated() -> tuple[str, str]:
        text = ". ".join(drawn_title(rng) for _ in range(rng.randint(1, 4)))
        return text, CALLS.escape(text)

    while True:
        yield _filled(recipe, account.now, repeated)


def day_drills(recipe: BaseRecipe, seed: int) -> Iterator[tuple[Message, ...]]:
    """Yield conversations, without end, in which the assistant writes days, times and lengths of time as a call would."""
    rng = random.Random(seed)
    known = accounts(recipe.seed)
    while True:
        account = reschedule(rng.choice(known), str(rng.random()))
        yield _filled(recipe, account.now, functools.partial(_dated, account, rng))


def _dated(account: Snapshot, rng: random.Random) -> tuple[str, str]:
    """Say a span, a day, a horizon or a length of time, and write it in numbers."""
    now, kind = account.instant, rng.random()
    if kind < 0.5:
        start, end = free_span(account, rng)
        day = spoken.say_day(start.date(), now, rng).adverbial
        return f"{day} {spoken.say_span(start, end, rng)}", f"{iso(start)} {iso(end)}"
    if kind < 0.8:
        date = now.date() + timedelta(days=rng.choice((rng.randint(0, 13), rng.randint(0, 110))))
        return spoken.say_day(date, now, rng).bare, date.isoformat()
    if kind < 0.9:
        days = rng.randint(1, 14)
        return rng.choice(spoken.horizons(days, now)), str(days)
    minutes = rng.choice((30, 45, 60, 90, 120, 150, 180))
    return spoken.say_minutes(minutes, rng), str(minutes)


def _filled(recipe: BaseRecipe, now: str, exchange: Callable[[], tuple[str, str]]) -> tuple[Message, ...]:
    """Fill a row with questions and answers."""
    messages = [system_message(now, "catalogue")]
    while sum(len(message.content) for message in messages) < recipe.characters:
        text, answer = exchange()
        messages += [Message(role="user", content=text), Message(role="assistant", content=answer)]
    return tuple(messages)


def conversations(
    recipe: BaseRecipe, factory: CanvasFactory, seed: int, *, drawn: bool = False
) -> Iterator[tuple[Message, ...]]:
    """Yield conversations, without end: one student at a new time asks for a few things, one after the other.

    Only some last calls are followed by their result and an answer, so that more calls fit into a row. With ``drawn``, every row
    has new titles."""
    rng = random.Random(seed)
    known = accounts(recipe.seed)
    level: Counter[str] = Counter(dict.fromkeys(ALL_TOOLS, 0))
    while True:
        account = drawn_account(rng) if drawn else reschedule(rng.choice(known), str(rng.random()))
        messages = [system_message(account.now, "catalogue")]
        while sum(len(message.content) for message in messages) < recipe.characters:
            kind = rng.choices(list(SHARES), list(SHARES.values()))[0]
            tools = TITLED if drawn and rng.random() < 0.5 else ALL_TOOLS
            index = ALL_TOOLS.index(rng.choice(tools)) if kind == "single" else rng.randrange(2520)
            made = MAKERS[kind](Setting(account, factory, "train", rng, index, level))
            # Some kinds change the account, which the row's other requests would not know.
            if made is None or made[0] is not account:
                continue
            for exchange in made[1]:
                level.update(call.name for step in exchange.steps for call in step.calls)
                answered = kind == "failed" or exchange is not made[1][-1] or rng.random() < recipe.answered
                messages += _turns(exchange, answered=answered)
        yield tuple(messages)


def _turns(exchange: Exchange, *, answered: bool) -> Iterator[Message]:
    """Write an exchange with the base's own names of tools, with the last result and the answer only if ``answered``."""
    yield Message(role="user", content=exchange.text)
    for step in exchange.steps:
        yield Message(role="assistant", content="".join(CALLS.serialise(_renamed(call)) for call in step.calls))
        if answered or step is not exchange.steps[-1]:
            for call, result in zip(step.calls, step.results, strict=True):
                yield Message(role="tool", name=_renamed(call).name, content=CALLS.response_text(result))
    if answered:
        yield Message(role="assistant", content=CALLS.escape(exchange.answer))


def _renamed(call: ToolCall) -> ToolCall:
    return ToolCall(OTHER_NAMES.get(call.name, call.name), call.arguments)


def tokenizer_texts(recipe: BaseRecipe, factory: CanvasFactory) -> list[str]:
    """Render training conversations of all kinds and all tools, so that the vocabulary covers the text of SFT."""
    rows = situations(accounts(recipe.seed), PROFILES["embedded"], recipe.seed, KINDS, factory)
    texts = [FAMILY.render(trajectory_of(row).messages).text for row in rows]
    random.Random(recipe.seed).shuffle(texts)
    return texts[: recipe.tokenizer_rows]


def build_base(
    out: Path, report: Reporter, steps: int = 0, recipe: BaseRecipe = RECIPE, factory: CanvasFactory = MockCanvas
) -> None:
    """Train the base from nothing and write its folder. ``steps`` bounds every phase; 0 takes the recipe's.

    Deterministic on one machine with the same number of threads."""
    recipe = shortened(recipe, steps)
    tokenizer = FAMILY.build_tokenizer(tokenizer_texts(recipe, factory), recipe.shape.vocabulary)
    model = FAMILY.build_model(tokenizer, recipe.seed, recipe.shape)
    total = sum(phase.steps for phase in recipe.phases)
    report.emit("base", parameters=model.num_parameters(), vocabulary=len(tokenizer), steps=total)
    losses = []
    for phase in recipe.phases:
        rows = batches(rows_of(phase, recipe, factory), tokenizer, recipe.batch)
        loss = fit(
            model, rows, report, steps=phase.steps, learning_rate=phase.learning_rate, warmup=recipe.warmup,
            weight_decay=WEIGHT_DECAY,
        )  # fmt: skip
        losses.append(loss)
        round_off(model)
    save_model(model, tokenizer, out, FAMILY, "bfloat16")
    write_recipe(out, recipe, COMMAND, losses, other_names=dict(OTHER_NAMES))


def round_off(model: Any) -> None:
    """Round the weights to the precision they are stored in, so that the next phase could equally start from a saved file."""
    import torch

    with torch.no_grad():
        for parameter in model.parameters():
            parameter.copy_(parameter.to(torch.bfloat16))


def batches(rows: Iterator[tuple[Message, ...]], tokenizer: Any, size: int) -> Iterator[dict[str, Any]]:
    """Encode rows into padded batches of ``size``, without end. Rows of one batch are of about the same length: little padding."""
    while True:
        pool = sorted(
            (encode(row, tokenizer, FAMILY) for row in itertools.islice(rows, 16 * size)), key=lambda row: row.length
        )
        batched = [pool[start : start + size] for start in range(0, len(pool), size)]
        random.Random(len(pool[0].ids)).shuffle(batched)
        yield from map(tensors, batched)


def shipped_base(folder: Path = SHIPPED) -> Path:
    """Return the folder of the shipped base. Raises ``MissingInput`` or ``ArtifactCorrupt`` if its files are not as recorded."""
    return verified(folder, COMMAND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the shipped base model from its recipe, as a command; return the exit code."""
    return command_line(build_base, "tiny_base", arguments)


if __name__ == "__main__":
    sys.exit(main())
