"""Which course a to-do item belongs to: it names a site of the platform, never a course code.

In: assignments and to-do items of one contributor, masked, as entries of two spills (``number``: the key of title and due date;
``group``: the course's handle, or the site's). Out: the to-do items with their course. What must hold: the answer is a function
of the set of rows and not of their order; an item that fits two courses is given to neither.

If exactly one course of the contributor has an assignment of that title and due date, the item is that course's and takes over
what the assignment knows. Its siblings of the same site follow the course that most of them found. Else the site has a handle
of its own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

import msgspec

from canvas_pipeline.tracks.canvas.intake.reading.normalise import normalise
from canvas_pipeline.tracks.canvas.intake.stream.spill import Entry, Spill
from canvas_pipeline.tracks.canvas.rows import Item, item_id

NOWHERE = "-"
"""The group of a to-do item without a site."""
_FETCH = 5_000
_DECODER = msgspec.json.Decoder(Item)


class Match(NamedTuple):
    """A to-do item, its site, and the assignment (as JSON) it is the same work as, if there is one."""

    site: str
    line: bytes
    twin: bytes | None


Matches = Callable[[], Iterable[Match]]


def placed(assignments: Spill, todos: Spill) -> Iterator[Item]:
    """Every to-do item with its course."""
    if not assignments.spilled and not todos.spilled:
        matches = list(_in_memory(assignments.held, todos.held))
        yield from _settled(lambda: matches)
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

        yield from _settled(matches_of)


def _in_memory(assignments: Iterable[Entry], todos: Iterable[Entry]) -> Iterator[Match]:
    todos = list(todos)
    wanted = {todo.number for todo in todos}
    fitting: dict[int, list[Entry]] = {}
    for entry in assignments:
        if entry.number in wanted:
            fitting.setdefault(entry.number, []).append(entry)
    for todo in todos:
        twins = fitting.get(todo.number, [])
        alone = len({twin.group for twin in twins}) == 1
        yield Match(todo.group, todo.line, min(twin.line for twin in twins) if alone else None)


def _settled(matches: Matches) -> Iterator[Item]:
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
