"""What a contributor's own course code states: one course, several, or registration numbers alone.

In: a code as it was written. Out: ``CourseId``s. What must hold: a code that lists several courses is none of them.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.crn import CourseId, Mention, find
from canvas_pipeline.privacy.courses.own_codes import numbers_in

# In a course's own code: subject and number however short ("CS 61A"), and a CRN that stands by itself.
CODE_PAIR = re.compile(
    rf"(?<![A-Za-z0-9])(?P<subject>[A-Za-z]{{2,11}}){forms.SEP}{{0,3}}"
    r"(?P<number>[0-9]{2,4}[A-Za-z]{0,2}|[0-9][A-Za-z]|(?<=[A-Za-z])[0-9]{5})(?![A-Za-z0-9])"
)
LONE_CRN = re.compile(r"(?<![A-Za-z0-9$.,#@/])(?<!\$ )(?P<crn>[1-9][0-9]{4})(?![A-Za-z0-9%]|[.,][0-9])")
NO_PAIR = forms.NO_SUBJECT | frozenset("SECTION COHORT PERIOD BLOCK SITE COURSE GRADE TRACK SESSION SPRINT".split())
# Behind a course's number, the number of the next course of a list. A section or a term stands behind a dash or a blank, and a
# section behind a comma has its leading zero; "QIN611-651" may be either, and is taken for a section.
_NEXT = re.compile(
    r"(?<=[0-9A-Za-z])[ ]{0,3}(?:[/&+]|and\b|,(?![ ]{0,3}0))[ ]{0,3}(?:([A-Z]{2,11})[ _-]?)?([0-9]{3,4})(?![0-9])", re.I
)


def is_list(stated: Sequence[CourseId], plain: str) -> bool:
    """Whether a code names several courses ("QIN611 & QIN651", "CS 3114/5040"), or several sections by their CRNs."""
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
    """Mentions whose form tells their parts; a code of numbers alone is known as it is written."""
    return [m for m in find(code, subjects) if m.course.subject or m.course.crn]


def lone_numbers(plain: str) -> list[str]:
    """Registration numbers that a code states beside nothing, or beside its terms and sections alone."""
    return list(dict.fromkeys((*(m["crn"] for m in LONE_CRN.finditer(plain)), *numbers_in(plain))))


def digits(number: str) -> str:
    return number.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
