"""Find a course's work in the CSV export of a Canvas gradebook.

In: the text of the file and the course's code. Out: added to ``Gathered``: titles and points possible, for there is nothing else
about the work itself. What must hold: no row of a student is taken in, nor anything computed from one: it is counted.
"""

from __future__ import annotations

import csv
import io
import re

from canvas_pipeline.tracks.canvas.intake.importing.gathered import PEOPLE, Course, Gathered, Work, points

_WORK = re.compile(r"(.*\S)\s*\(([0-9]{1,20})\)", re.S)  # a title and the assignment's id; totals have no id
_NAMED = re.compile(r"Grades-(.+?)(?: ?\([0-9]+\))?", re.I)
_DELIMITER = re.compile(r'"?[^",;\t]*"?([,;\t])')  # which one Canvas writes is a setting of each country


def course_in(stem: str) -> str | None:
    """The course that Canvas states in the export's name: ``2031-02-01T1200_Grades-QX_3120``."""
    found = _NAMED.search(stem)
    return stem[found.start(1) :].strip() or None if found else None


def take(text: str, code: str, gathered: Gathered) -> bool:
    """Whether this is a gradebook; nothing is taken of what is none. Raises ``csv.Error``."""
    delimiter = _DELIMITER.match(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter[1] if delimiter else ",")
    head = next(rows, [])
    found = {at: match for at, cell in enumerate(head) if (match := _WORK.fullmatch(cell.strip()))}
    if not found:
        return False
    about = min(found)  # the columns in front are about the student
    worth: list[str] = []
    for row in rows:
        if any(cell.strip() for cell in row[1:about]) or (row and row[0].strip() and not _points_row(row[0])):
            gathered.left[PEOPLE] += 1
        elif row and _points_row(row[0]):
            worth = worth or row
    gathered.courses[f"gradebook/{code}"] = Course(code, code)
    for at, match in found.items():
        possible = worth[at] if at < len(worth) else ""
        gathered.add(f"a{match[2]}", Work(match[1], f"gradebook/{code}", points_possible=points(possible)))
    gathered.left["totals and other columns of the gradebook"] += len(head) - len(found) - about
    return True


def _points_row(first: str) -> bool:
    """Canvas sets the words in, so that no student is called so."""
    return first.startswith("  ") or first.strip().casefold() == "points possible"
