"""The auditor's table of compiled expressions for identities, written apart from the masking code.

No expression is shared with or imported from the code that masks, so that one mistake does not affect both. Each is linear (no
nested repeats) and narrow, since a false alarm blocks a release: ids, hashes, ISO times, floats, sizes and tool names do not
match. Texts come as they are or normalised (``audit.texts``).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

DIGITS = "0123456789"
_DIGIT = re.compile("[0-9]")


class Check(NamedTuple):
    """One row. ``pattern`` finds a candidate; ``accept`` (None: always) decides on it. ``needs`` are characters of which one
    must occur in a text before the pattern is tried."""

    type: str
    pattern: re.Pattern[str]
    accept: Callable[[re.Match[str]], bool] | None = None
    needs: str = DIGITS


# Subjects of a catalogue that are no English words: in any case.
PLAIN_SUBJECTS = (
    "AAEC ACCT ACIS AFST ANTH AOE ARCH ARTH ASTR BCHM BIOL BMES BTEC CEE CHEM CINE CMDA CNST CRIM CSCI CSES CS DASC ECE ECON "
    "EDCI ENGE ENGL ENGR ENSC ESM FMD FREN GEOG GEOL GEOS HDFS HIST HNFE HORT HTM ISE JOUR JPN KIN LING MATH MGMT MGT MKTG MSE MUS "
    "NEUR NSEG PHIL PHYS POLS PPWS PSCI PSYC RLCL SOCI SOC SPIA STAT SYSB THEA UAP WGS"
).split()
# Also words or abbreviations of other things: in capitals and with four digits only.
WORDY_SUBJECTS = "BIO BIT BME CHE CHN COMM COMP CSE EE FIN GER HUM ITAL ME REL RUS SPAN".split()
_PLAIN, _WORDY, _LONG = map("|".join, (PLAIN_SUBJECTS, WORDY_SUBJECTS, [s for s in PLAIN_SUBJECTS if len(s) > 3]))
# Five digits beside these are a count, not a registration number.
COUNTED = "(?:bytes|rows|tokens|words|students|people|points|pts|steps|items|pairs|files|lines|times|ms|s|KB|MB|GB)"
# Words behind "Professor" or "Dr." that are no names.
NO_NAME = frozenset(
    "Office Hours Hour Evaluation Evaluations Approval Feedback Email Emails Course Courses Class Lecture Lectures "
    "Notes Recommendation Who Of In At The And Or Is Are Was Will Has Had To For From With On A An I He She "
    "They You We It Your My Our Their His Her Pepper Who's Strange Review Survey Signature Contact Information "
    "Name Names Student Students "
    "Emeritus Emerita Emeriti Emeritae".split()
)
_STREETS = "Street|Avenue|Boulevard|Lane|Drive|Court|Terrace|Circle|Highway|Parkway|Road"
_BUILDINGS = "Hall|Building|Bldg|Tower|Annex|Auditorium|Pavilion|Theatre|Theater|Library|Gymnasium"
_NOT_A_SIZE = rf"(?! ?{COUNTED}\b)"


def _is_name(match: re.Match[str]) -> bool:
    return match["name"] not in NO_NAME


def _is_phone(match: re.Match[str]) -> bool:
    digits = sum(char.isdigit() for char in match.group())
    return 8 <= digits <= 15


CHECKS: tuple[Check, ...] = (
    Check("EMAIL", re.compile(r"[^\W_][\w.+%'-]{0,63}@(?:[^\W_][\w-]{0,62}\.){1,6}[^\W\d_]{2,24}"), needs="@"),
    Check("EMAIL", re.compile(
        r"(?i)\b[a-z0-9][a-z0-9._-]{1,40} ?[\[(<{] ?at ?[\])>}] ?[a-z0-9-]{2,40} ?(?:\.|[\[(<{] ?dot ?[\])>}]) ?[a-z]{2,10}\b"),
        needs="[(<{"),
    Check("SSN", re.compile(r"(?<![\w.+-])(?!000|666)\d{3}([- ])\d{2}\1\d{4}(?![\w-]|\.\d)"), needs="- "),
    Check("SSN", re.compile(r"(?i)\b(?:ssn|social security)(?:\b|_)[^\w\n]{0,3}(?:(?:number|no|is|num)\b[^\w\n]{0,3}){0,"
        r"2}\d{9}(?!\d)"),
          needs="sS"),
    Check("PHONE", re.compile(r"(?<![\w.])\(\d{3}\) {0,2}\d{3}[ .-]?\d{4}(?!\w)"), needs="("),
    Check("PHONE", re.compile(r"(?<![\w.+-])(?:\+?1[ .-])?[2-9]\d{2}([ .-])[2-9]\d{2}\1\d{4}(?![\w-]|\.\d)"), needs="-. "),
    Check("PHONE", re.compile(r"(?<![\w.])\+\d{1,3}[ .-]?(?:\(?\d{1,4}\)?[ .-]?){2,5}\d{2}(?!\w)"), _is_phone, "+"),
    Check("PHONE", re.compile(
        rf"(?<![\w.,:=|#/+-])(?<!\| )(?<!: )(?<!= )[2-9]\d{{2}}[2-9]\d{{6}}(?![\w%/-]|[.,]\d){_NOT_A_SIZE}"), needs=DIGITS),
    Check("PHONE", re.compile(r"(?i)\b(?:phone|mobile|cell|tel|fax)(?:_number|_no| number)?\b[^\w\n]{0,3}1?[2-9]\d"
        r"{9}(?!\d)"), needs=DIGITS),
    Check("STUDENT_ID", re.compile(
        rf"(?<![\w.,:=|#/+@-])(?<!\| )(?<!: )(?<!= )90[0-9]\d{{6}}(?![\w%/-]|[.,]\d){_NOT_A_SIZE}"), needs=DIGITS),
    Check("STUDENT_ID", re.compile(
        r"(?i)\b(?:student|banner|sis|university|campus)[ _-]?(?:user[ _-]?)?(?:id|number|no)\b[^\w\n]{0,3}"
        r"(?:(?:is|number|no)\b[^\w\n]{0,3})?[a-z]?\d{6,10}(?!\d)"), needs=DIGITS),
    # Separators are classes here, not blanks, since codes stand beside underscores where a word border is none.
    Check("COURSE_CRN", re.compile(
        r"(?<![A-Za-z0-9])[A-Za-z]{2,11}[ _./-]?\d{3,4}[A-Za-z]?[ _./-]\d{5}[ _./-](?:19|20)\d{4}(?!\d)"), needs=DIGITS),
    Check("COURSE_CRN", re.compile(
        r"(?<![0-9A-Za-z])(?:19|20)\d{2}(?:0[1-9]|1[0-2])[ _./-](?:\d{5}[ _./-])?[A-Za-z]{2,11}[ _./-]?\d{4}[A-Za-"
            r"z]?(?!\d)"), needs=DIGITS),
    Check("COURSE_CRN", re.compile(
        r"(?<![A-Za-z0-9])[A-Za-z]{2,11}[ _./-]?\d{4}[A-Za-z]?[_./-](?:19|20)\d{2}(?:0[1-9]|1[0-2])(?!\d)"), needs=DIGITS),
    Check("COURSE_CRN", re.compile(r"(?<![A-Za-z0-9])[A-Z]{2,5}[ _-]\d{4}[A-Z]?[ _-]\d{5}(?![0-9A-Za-z])"), needs=DIGITS),
    Check("COURSE_CRN", re.compile(r"(?i)(?<![a-z0-9])crn(?:[ :#_-]|is|no\.?|number){0,4}\d{5}(?!\d)"), needs="cC"),
    Check("COURSE_CODE", re.compile(
        rf"(?<![A-Za-z0-9@#.&])(?i:{_PLAIN})[ _./-]{{0,2}}[1-79]\d{{3}}[A-Za-z]?(?![0-9A-Za-"
            rf"z%]|\.\d)"), needs=DIGITS),
    Check("COURSE_CODE", re.compile(
        rf"(?<![A-Za-z0-9@#.&])(?:{_WORDY})[ _-]?[1-7]\d{{3}}[A-Z]?(?![0-9A-Za-z%]|\.\d)"), needs=DIGITS),
    Check("COURSE_CODE", re.compile(
        rf"(?<![A-Za-z0-9@#.&])(?:{_LONG})[ _-]?[1-5]\d{{2}}(?![0-9A-Za-z"
            rf"%-]|\.\d)"), needs=DIGITS),
    Check("URL", re.compile(r"(?i)\b[a-z][a-z0-9+]{1,10}://[^\s/@\"'<>]{1,80}@[a-z0-9]"), needs="@"),
    Check("URL", re.compile(r"(?i)\b(?:https?://|www\.)[^\s\"'<>]{1,200}?/(?:~|@|u/|users?/|people/|profiles?/|in/)["
        r"\w.-]{3,}"), needs="/"),
    Check("URL", re.compile(r"(?i)\b(?:github|gitlab|twitter|x|instagram|facebook|tiktok)\.com/(?!features|about|orgs)[a"
        r"-z0-9][\w.-]{2,}(?![\w/.-])"), needs="/"),
    Check("ADDRESS", re.compile(rf"(?<![\w.,-])\d{{1,5}} (?:[NSEW]\.? )?(?:[A-Z][a-z]{{2,20}} ){{1,2}}(?:{_STREETS}|St\.|"
        rf"Ave\.|Blvd\.)(?!\w)"), needs=DIGITS),
    Check("ROOM", re.compile(
        rf"(?<![\w@])[A-Z][a-zA-Z'’]{{2,20}} (?:{_BUILDINGS})\.?,? "
        r"(?:(?i:room|rm\.?) [A-Z]?[0-9]|[A-Z]?[0-9]{2})[0-9]{0,2}[A-Z]?(?![\w%])")),
    Check("PERSON", re.compile(
        r"(?<![\w@.])(?:Dr|Prof|Mr|Mrs|Ms|Mx)\.? (?:[A-Z]\. ?){0,2}(?P<name>[A-Z][^\W\d_]*(?:['’-][A-Z][^\W\d_]+)?)"
            r"(?![\w@])"), _is_name, "DPM"),
    Check("PERSON", re.compile(
        r"(?<![\w@])[Pp]rofessor (?:[A-Z]\. ?){0,2}(?P<name>[A-Z](?:['’][A-Z])?[^\W\d_]+(?:['’-][A-Z][^\W\d_]+)?)(?![\w@])"),
        _is_name, "Pp"),
)  # fmt: skip
TYPES = tuple(dict.fromkeys(check.type for check in CHECKS))


def types_in(text: str, checks: Sequence[Check] = CHECKS) -> Iterator[str]:
    """Yield the types of identity that occur in a text (a type may come twice)."""
    digits = _DIGIT.search(text) is not None
    for check in checks:
        if not (digits if check.needs == DIGITS else any(char in text for char in check.needs)):
            continue
        if check.accept is None:
            if check.pattern.search(text):
                yield check.type
        elif any(check.accept(match) for match in check.pattern.finditer(text)):
            yield check.type


def findings_in(text: str) -> Iterator[tuple[str, str]]:
    """Yield (type, words) of everything that counts as an identity."""
    for check in CHECKS:
        for match in check.pattern.finditer(text):
            if check.accept is None or check.accept(match):
                yield check.type, match.group()
