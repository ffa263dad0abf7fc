"""The students that the bench asks about: those the corpus holds out, and of synthesised contributors where these are too few.

Cases of one student are not independent, so few students say little about others. Synthesised contributors go through the same
intake. None of their items is in the corpus by content, and nothing trains on them. Their ids are of their own and their names
begin with ``+``, which no contributor's may (``contributor_id``), so no removal and no partition can mean them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.pipeline.workspace import SYNTHETIC_KEY
from canvas_pipeline.records import digest, read_jsonl
from canvas_pipeline.tracks.canvas.data.accounts import Accounts
from canvas_pipeline.tracks.canvas.examples.splits import Split
from canvas_pipeline.tracks.canvas.examples.students import Snapshot, students
from canvas_pipeline.tracks.canvas.intake.stream.contributors import items_of
from canvas_pipeline.tracks.canvas.intake.synthetic.synthesize import synthesize
from canvas_pipeline.tracks.canvas.profiles import CanvasProfile
from canvas_pipeline.tracks.canvas.rows import BenchCase, Item

STEM, MARK = "bench", "+"
TEST, SELECTION = "test ", "selection "
"""What the names of counts begin with: of the test cases, and of the cases for model selection."""
COURSES, ASSIGNMENTS = 6, 24  # of a synthesised contributor, as of the shipped ones
STUDENTS_EACH = 5  # taken from a contributor, on average: of six courses, gb10 has six to eight


def held_out(known: Accounts, corpus: Path, profile: CanvasProfile, seed: int) -> dict[Split, list[Snapshot]]:
    """Return the test and eval students, at least as many as the profile asks for; the corpus's own come first."""
    everyone, assignment = known
    wanted: dict[Split, int] = {"test": profile.bench_students, "eval": profile.selection_students}
    found = {part: [s for s in everyone if assignment.groups[s.id] == part] for part in wanted}
    missing = {part: max(0, count - len(found[part])) for part, count in wanted.items()}
    if total := sum(missing.values()):
        more = iter(synthesised(list(read_jsonl(corpus, Item)), profile, seed, total))
        for part, count in missing.items():
            found[part] += [next(more) for _ in range(count)]
    return found


def synthesised(corpus: Sequence[Item], profile: CanvasProfile, seed: int, count: int) -> list[Snapshot]:
    """Build ``count`` students of synthesised contributors that share no item with a corpus.

    Sorted by their ids, which are hashes, so that the first ones are of all contributors alike."""
    taken = {_content(item) for item in corpus}
    for each in range(STUDENTS_EACH, 0, -1):
        items = (item for item in _items(math.ceil(count / each), seed) if _content(item) not in taken)
        found = students(items, profile, seed)
        if len(found) >= count:
            return found[:count]
    raise BadConfig(
        f"{count} synthesised contributors give only {len(found)} students; make the profile's students smaller"
    )


def _items(contributors: int, seed: int) -> Iterator[Item]:
    """Synthesise contributors and take them in, as any other; then mark their names and ids."""
    with TemporaryDirectory() as folder:
        paths = synthesize(contributors, COURSES, ASSIGNMENTS, seed, Path(folder), (STEM,))
        for item in items_of(paths, SYNTHETIC_KEY):
            names, parents = (tuple(MARK + text for text in texts) for texts in (item.contributors, item.parents))
            own = digest(MARK, item.id)[: len(item.id)]
            yield msgspec.structs.replace(item, id=own, contributors=names, parents=parents)


def _content(item: Item) -> tuple[object, ...]:
    """Return what an item is recognised by where the key behind the handles is another one."""
    return item.type, item.title, item.due_at, item.term, item.points_possible


def is_synthesised(student: Snapshot) -> bool:
    """Return whether a student is of a synthesised contributor."""
    return all(name.startswith(MARK) for item in student.items for name in item.contributors)


def spread(cases: Iterable[BenchCase], asked: Sequence[Snapshot], part: str = TEST) -> dict[str, int]:
    """Count what the cases of a part are drawn from: students, contributors of their items, how many of each are synthesised, and
    wordings."""
    rows = list(cases)
    of = {student.item_ids: student for student in asked}
    seen = [of[items] for items in dict.fromkeys(case.parents for case in rows)]
    names = {name for student in seen for item in student.items for name in item.contributors}
    counts = {
        "students": len(seen),
        "synthesised students": sum(map(is_synthesised, seen)),
        "contributors": len(names),
        "synthesised contributors": sum(name.startswith(MARK) for name in names),
        "wordings": len({name for case in rows for name in case.phrasing.split("+")}),
    }
    return {part + name: count for name, count in counts.items()}
