"""Import a course's assignments from the CSV export of a Canvas gradebook: titles and points possible.

Rows of students, and totals computed from them, are counted and never imported.
"""

from __future__ import annotations

import csv
import io
import re

from canvas_pipeline.tracks.canvas.intake.importing.gathered import PEOPLE, Course, Gathered, Work, points

_WORK = re.compile(r"(.*\S)\s*\(([0-9]{1,20})\)", re.S)  # a title and the assignment's id; totals have no id
_NAMED = re.compile(r"Grades-(.+?)(?: ?\([0-9]+\))?", re.I)
_DELIMITER = re.compile(r'"?[^",;\t]*"?([,;\t])')  # Canvas chooses it by the locale


def course_in(stem: str) -> str | None:
    """Return the course code in the name of an export, such as ``2031-02-01T1200_Grades-QX_3120``, or None."""
    found = _NAMED.search(stem)
    return stem[found.start(1) :].strip() or None if found else None


def import_gradebook(text: str, code: str, gathered: Gathered) -> bool:
    """Add a gradebook's assignments to ``gathered``. Returns False, and adds nothing, if the text is not a gradebook.

    Raises ``csv.Error``."""
    delimiter = _DELIMITER.match(text)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter[1] if delimiter else ",")
    head = next(rows, [])
    found = {at: match for at, cell in enumerate(head) if (match := _WORK.fullmatch(cell.strip()))}
    if not found:
        return False
    about = min(found)  # the columns before it describe the student
    worth: list[str] = []
    for row in rows:
        if any(cell.strip() for cell in row[1:about]) or (row and row[0].strip() and not _points_row(row[0])):
            gathered.skipped[PEOPLE] += 1
        elif row and _points_row(row[0]):
            worth = worth or row
    gathered.courses[f"gradebook/{code}"] = Course(code, code)
    for at, match in found.items():
        possible = worth[at] if at < len(worth) else ""
        gathered.add(f"a{match[2]}", Work(match[1], f"gradebook/{code}", points_possible=points(possible)))
    gathered.skipped["totals and other columns of the gradebook"] += len(head) - len(found) - about
    return True


def _points_row(first: str) -> bool:
    """Return whether a row holds the points possible. Canvas indents the words, which distinguishes them from a student's name."""
    return first.startswith("  ") or first.strip().casefold() == "points possible"
