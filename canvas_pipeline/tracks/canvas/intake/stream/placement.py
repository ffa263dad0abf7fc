"""Find the course of each to-do item, which names a site of the platform and never a course code.

If exactly one course of the contributor has an assignment of the same title and due date, the item belongs to that course and
copies the assignment's fields. Other items of the same site get the course that most of its matched items have. Otherwise the
site has a handle of its own. An item that matches two courses belongs to neither. The result depends on the set of rows, not on
their order.

Input entries: ``number`` is the key of title and due date, ``group`` the handle of the course or site.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from canvas_pipeline.tracks.canvas.intake.reading.normalise import normalise
from canvas_pipeline.tracks.canvas.intake.stream.spill import Spill, SpilledRow
from canvas_pipeline.tracks.canvas.rows import Item, item_id

NOWHERE = "-"
"""The group of a to-do item without a site."""
_FETCH = 5_000
_DECODER = msgspec.json.Decoder(Item)


class Match(NamedTuple):
    """A to-do item as JSON, its site, and the assignment (as JSON) for the same work, if there is one."""

    site: str
    line: bytes
    twin: bytes | None


Matches = Callable[[], Iterable[Match]]


def placed(assignments: Spill, todos: Spill) -> Iterator[Item]:
    """Yield every to-do item with its course."""
    if not assignments.spilled and not todos.spilled:
        matches = list(_in_memory(assignments.held, todos.held))
        yield from _with_courses(lambda: matches)
        return
    with todos.database() as database:
        database.execute(f'CREATE TABLE todo AS SELECT number, "group" AS site, line FROM {todos.table()}')
        database.execute(
            "CREATE TABLE twin AS SELECT number, min(line) AS line FROM "
            f'{assignments.table()} WHERE number IN (SELECT number FROM todo) GROUP BY number HAVING min("group") = max("group")'
        )

        def matches_of() -> Iterator[Match]:
            with database.cursor() as cursor:
                cursor.execute("SELECT site, todo.line, twin.line FROM todo LEFT JOIN twin USING (number)")
                while rows := cursor.fetchmany(_FETCH):
                    for site, line, twin in rows:
                        yield Match(site, line.encode(), None if twin is None else twin.encode())

        yield from _with_courses(matches_of)


def _in_memory(assignments: Iterable[SpilledRow], todos: Iterable[SpilledRow]) -> Iterator[Match]:
    todos = list(todos)
    wanted = {todo.number for todo in todos}
    fitting: dict[int, list[SpilledRow]] = {}
    for entry in assignments:
        if entry.number in wanted:
            fitting.setdefault(entry.number, []).append(entry)
    for todo in todos:
        twins = fitting.get(todo.number, [])
        alone = len({twin.group for twin in twins}) == 1
        yield Match(todo.group, todo.line, min(twin.line for twin in twins) if alone else None)


def _with_courses(matches: Matches) -> Iterator[Item]:
    votes: dict[str, Counter[str]] = {}
    first: dict[tuple[str, str], bytes] = {}
    for match in matches():
        if match.twin is not None and match.site != NOWHERE:
            course = _DECODER.decode(match.twin).course or ""
            votes.setdefault(match.site, Counter())[course] += 1
            first[match.site, course] = min(first.get((match.site, course), match.twin), match.twin)
    homes: dict[str, Item] = {}
    for site, found in votes.items():
        most = min(found.items(), key=lambda entry: (-entry[1], entry[0]))[0]
        homes[site] = _DECODER.decode(first[site, most])
    for match in matches():
        item = _DECODER.decode(match.line)
        twin = None if match.twin is None else _DECODER.decode(match.twin)
        home = twin or homes.get(match.site)
        if home is not None:
            item = msgspec.structs.replace(item, course=home.course, course_name=home.course_name, term=home.term)
        elif match.site != NOWHERE:
            item = msgspec.structs.replace(item, course=match.site)
        if twin is not None:
            item = msgspec.structs.replace(
                item, points_possible=twin.points_possible, submission_types=twin.submission_types,
                submission_status=twin.submission_status,
            )  # fmt: skip
        yield msgspec.structs.replace(item, id=item_id(item.type, normalise(item.title), item.course))
