"""Parse a contributor's own course code: one course, a list of courses, or registration numbers alone."""

from __future__ import annotations

import re
from collections.abc import Sequence

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.crn import CourseId, Mention, find
from canvas_pipeline.privacy.courses.own_codes import numbers_in

# In a course code: subject and number of any length ("CS 61A"), and a CRN without them.
CODE_PAIR = re.compile(
    rf"(?<![A-Za-z0-9])(?P<subject>[A-Za-z]{{2,11}}){forms.SEP}{{0,3}}"
    r"(?P<number>[0-9]{2,4}[A-Za-z]{0,2}|[0-9][A-Za-z]|(?<=[A-Za-z])[0-9]{5})(?![A-Za-z0-9])"
)
LONE_CRN = re.compile(r"(?<![A-Za-z0-9$.,#@/])(?<!\$ )(?P<crn>[1-9][0-9]{4})(?![A-Za-z0-9%]|[.,][0-9])")
NO_PAIR = forms.NO_SUBJECT | frozenset("SECTION COHORT PERIOD BLOCK SITE COURSE GRADE TRACK SESSION SPRINT".split())
# After a course's number, the number of the next course of a list. A section or term follows a dash or a blank, and a section after
# a comma has a leading zero. "QIN611-651" is ambiguous and is read as a section.
_NEXT = re.compile(
    r"(?<=[0-9A-Za-z])[ ]{0,3}(?:[/&+]|and\b|,(?![ ]{0,3}0))[ ]{0,3}(?:([A-Z]{2,11})[ _-]?)?([0-9]{3,4})(?![0-9])", re.I
)


def is_list(stated: Sequence[CourseId], plain: str) -> bool:
    """Return whether a code names several courses ("QIN611 & QIN651", "CS 3114/5040"), or several sections by their CRNs."""
    if any(len({getattr(course, part) for course in stated} - {None}) > 1 for part in ("subject", "number", "crn")):
        return True
    first = next((course for course in stated if course.subject and course.number), None)
    return first is not None and any(
        len(number) == len(digits(first.number or ""))
        and (subject.upper() or first.subject, number) != (first.subject, digits(first.number or ""))
        and (subject or not re.fullmatch(forms.YEAR, number))
        and subject.upper() not in NO_PAIR
        for subject, number in _NEXT.findall(plain)
    )


def formed(code: str, subjects: frozenset[str] = frozenset()) -> list[Mention]:
    """Return the mentions in a code whose form determines subject or CRN."""
    return [m for m in find(code, subjects) if m.course.subject or m.course.crn]


def lone_numbers(plain: str) -> list[str]:
    """Return the registration numbers in a code that has no other parts than terms and sections."""
    return list(dict.fromkeys((*(m["crn"] for m in LONE_CRN.finditer(plain)), *numbers_in(plain))))


def digits(number: str) -> str:
    """Return a course number without its letters at the end."""
    return number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
