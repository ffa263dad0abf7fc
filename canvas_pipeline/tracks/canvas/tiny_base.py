"""Train the small base model that is shipped with the Canvas track, with gaps that training can close.

``python -m canvas_pipeline.tracks.canvas.tiny_base --out FOLDER`` repeats the recipe. The base reads requests, copies their values
and writes calls. It calls half of the tools by other names (``OTHER_NAMES``, as a model trained on another vendor's tools would)
and has no examples of when not to call. Its data are training wordings about an invented campus: no contributor's item and no
benchmark wording.
"""

from __future__ import annotations

import itertools
import random
import sys
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import Shape, ToolCall
from canvas_pipeline.records import Message
from canvas_pipeline.tracks.canvas.examples.answers import answers
from canvas_pipeline.tracks.canvas.examples.policy import situations
from canvas_pipeline.tracks.canvas.examples.requests import ask, joined
from canvas_pipeline.tracks.canvas.examples.situation import KINDS
from canvas_pipeline.tracks.canvas.examples.students import CanvasFactory, Snapshot, reschedule, students
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

# Tools whose arguments repeat titles.
TITLED = ("calendar.create_event", "calendar.modify_event", "study.semester_schedule", "reranker.priority_hint")


class Phase(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the training.

    ``drawn`` phases use new titles, and half of their requests are about titles. ``drills`` is the share of rows in which a text
    is only repeated. ``seed`` is that of the rows."""

    steps: int
    learning_rate: float
    drawn: bool = False
    drills: float = 0.0
    seed: int


# Reading requests comes first. After 500 steps of new titles the model still writes memorised ones. After 300 steps of repeating
# new texts it can copy (the loss drops abruptly), and the last phase applies that to requests.
PHASES = (
    Phase(steps=1000, learning_rate=2e-3, seed=1),
    Phase(steps=500, learning_rate=1e-3, drawn=True, seed=2),
    Phase(steps=300, learning_rate=1.5e-3, drawn=True, drills=0.8, seed=11),
    Phase(steps=300, learning_rate=1.2e-3, drawn=True, drills=0.1, seed=11),
)

# The family's form in 10 MB: the upper half of the layers reads keys and values of the lower half, and each layer has embeddings of
# its own. Those hold two fifths of the weights and cost no products, so the MLPs are narrow. The shared layers are full, since only
# the second layer's keys know what stands before a token, which copying needs; and keys are shared by layers, not by heads.
SHAPE = Shape(
    layers=4, intermediate=256, kv_heads=4, global_head_dim=64, layout="sfff", kv_shared=2, per_layer=256
)  # fmt: skip


class BaseRecipe(msgspec.Struct, frozen=True, kw_only=True):
    """All numbers of the base.

    ``characters`` is the approximate length of a row, ``answered`` the share of requests that are followed by their result and
    answer, ``joined`` the share that ask for two things at once."""

    phases: tuple[Phase, ...] = PHASES
    batch: int = 8
    characters: int = 800
    answered: float = 0.15
    joined: float = 0.12
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


_STARTS = "b br c ch cl d dr f fl g gl h j k l m n p pl qu r s sh sk st t th tr v w z".split()
_MIDDLES = "a e i o u ai ea ee oo ou".split()
_ENDS = ["", "n", "l", "r", "s", "t", "x", "nd", "rk", "sh", "m", "ck"]


def drawn_title(rng: random.Random) -> str:
    """Draw a title of words that mostly do not exist, which can only be copied."""
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
    if not phase.drills:
        yield from conversations(recipe, factory, seed, drawn=phase.drawn)
    rng = random.Random(seed)
    repeated, asked = drills(recipe, seed + 1), conversations(recipe, factory, seed + 2, drawn=phase.drawn)
    while True:
        yield next(repeated) if rng.random() < phase.drills else next(asked)


def drills(recipe: BaseRecipe, seed: int) -> Iterator[tuple[Message, ...]]:
    """Yield conversations, without end, in which the assistant repeats drawn titles. They cannot be memorised, so they teach
    copying."""
    rng = random.Random(seed)
    account = drawn_account(rng)
    while True:
        messages = [system_message(account.now, "catalogue")]
        while sum(len(message.content) for message in messages) < recipe.characters:
            text = ". ".join(drawn_title(rng) for _ in range(rng.randint(1, 4)))
            messages += [Message(role="user", content=text), Message(role="assistant", content=CALLS.escape(text))]
        yield tuple(messages)


def conversations(
    recipe: BaseRecipe, factory: CanvasFactory, seed: int, *, drawn: bool = False
) -> Iterator[tuple[Message, ...]]:
    """Yield conversations, without end: one student at a new time asks for a few things, one after the other.

    Only some requests are followed by their result and an answer, so that more calls fit into a row. With ``drawn``, every row has
    new titles."""
    rng = random.Random(seed)
    known = accounts(recipe.seed)
    while True:
        account = drawn_account(rng) if drawn else reschedule(rng.choice(known), str(rng.random()))
        canvas = factory(account)
        messages = [system_message(account.now, "catalogue")]
        # Rows of about the same length: little padding.
        while sum(len(message.content) for message in messages) < recipe.characters:
            text, calls = _request(account, recipe, rng, TITLED if drawn and rng.random() < 0.5 else ALL_TOOLS)
            messages.append(Message(role="user", content=text))
            messages.append(
                Message(role="assistant", content="".join(CALLS.serialise(_renamed(call)) for call in calls))
            )
            if rng.random() < recipe.answered:
                results = tuple(canvas.dispatch(call.name, call.arguments) for call in calls)
                for call, result in zip(calls, results, strict=True):
                    messages.append(Message(role="tool", name=_renamed(call).name, content=CALLS.response_text(result)))
                messages.append(Message(role="assistant", content=CALLS.escape(answers(calls, results))))
        yield tuple(messages)


def _request(
    account: Snapshot, recipe: BaseRecipe, rng: random.Random, tools: tuple[str, ...]
) -> tuple[str, tuple[ToolCall, ...]]:
    """Return a request for one of ``tools``, sometimes joined with another one, and the calls it asks for."""
    first = ask(account, rng.choice(tools), "train", rng)
    if rng.random() >= recipe.joined:
        return first.typed(rng), (first.call,)
    second = ask(account, rng.choice(ALL_TOOLS), "train", rng)
    text, _ = joined(first, second, "train", rng)
    return text, (first.call, second.call)


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
    """Encode rows into padded batches of ``size``, without end."""
    while True:
        yield tensors([encode(row, tokenizer, FAMILY) for row in itertools.islice(rows, size)])


def shipped_base(folder: Path = SHIPPED) -> Path:
    """Return the folder of the shipped base. Raises ``MissingInput`` or ``ArtifactCorrupt`` if its files are not as recorded."""
    return verified(folder, COMMAND)


def main(arguments: Sequence[str] | None = None) -> int:
    """Rebuild the shipped base model from its recipe, as a command; return the exit code."""
    return command_line(build_base, "tiny_base", arguments)


if __name__ == "__main__":
    sys.exit(main())
