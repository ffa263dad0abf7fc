"""What the auditor knows of logins, national numbers, meetings, telephones abroad and course codes of any school.

In: a text. Out: types. What must hold: written apart from the masking code, as ``audit.patterns`` is, and as narrow: each needs the
word that says what the number is, or a form that nothing else has.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.audit.patterns import DIGITS, Check

# A label, "is" or a sign, and no placeholder behind it.
_SAYS = r"(?: is)?(?: ?[:=#(] ?| )[\"'(]?(?!@)"
_LETTERS_AND_DIGITS = r"(?=[a-z]{1,8}\d)[a-z0-9]{4,14}(?![\w@-])"


def _enough_digits(match: re.Match[str]) -> bool:
    return sum(char.isdigit() for char in str(match["number"])) >= 7


ACCOUNT_CHECKS: tuple[Check, ...] = (
    Check("PERSON", re.compile(
        r"(?i:(?<!\w)(?:interview|meeting|office hours) with )[B-HJ-Z]\.? (?P<name>[A-Z][a-z]{3,20})(?![\w@])"), None, "wW"),
    Check("USERNAME", re.compile(
        r"(?<!\w)(?:Spring|Summer|Fall|Winter) ?(?:19|20)\d{2}[ _-](?=[a-z]{3,12}\d)[a-z]{3,12}\d{1,4}(?!\w)")),
    Check("USERNAME", re.compile(
        rf"(?<![\w])(?:[Nn]et[Ii][Dd]|NetId|[Uu]niq[Nn]ame|UNI|uni|ONYEN|onyen|[Kk]erberos|[Aa]ndrew ?ID|zID|[Cc]omputing "
        rf"ID|[Dd]irectory ID)"
        rf"{_SAYS}{_LETTERS_AND_DIGITS}")),
    Check("USERNAME", re.compile(
        r"(?i)(?<!\w)(?:discord|we ?chat|telegram|snap(?:chat)?|insta(?:gram)?)(?: id| handle| name)?(?: is | ?[:=] ?| )"
        r"(?!@)(?=[a-z.]{2,30}[_\d#])[a-z][\w.]{2,31}#?(?:\d{4})?(?!\w)"), needs=DIGITS),
    Check("USERNAME", re.compile(r"(?<![\w#])[a-z][a-z_.]{3,30}\d{0,6}#\d{4}(?!\w)"), needs="#"),
    Check("STUDENT_ID", re.compile(r"(?<![\w.#/-])[szu]\d{7}(?![A-Za-z0-9]|-[0-9a-f])")),
    Check("STUDENT_ID", re.compile(
        rf"(?i)(?<!\w)(?:cwid|nuid|ufid|buid|emplid|gtid|uin|matrikel-?n(?:ummer|r)\.?|matr\.-?nr\.?|matricola|studentnummer|legajo)"
        rf"{_SAYS}[a-z]?-?(?P<number>\d{{6,10}})(?!\d)")),
    Check("SSN", re.compile(
        rf"(?i)(?<!\w)(?:dni|nie|rut|cpf|curp|nino|aadhaar|pesel|bsn|personnummer|codice fiscale)(?: n(?:o|umber|[º°])\.?)?"
        rf"{_SAYS}(?=[\w .-]{{0,6}}\d)(?P<number>[A-Z]{{0,6}}\d[\d .A-Z-]{{5,16}})"), _enough_digits),
    Check("SSN", re.compile(r"(?<![\w.-])(?:\d{1,2}\.\d{3}\.\d{3}-[\dkK]|\d{3}\.\d{3}\.\d{3}-\d{2})(?![\w-])"), needs="."),
    Check("MEETING_ID", re.compile(
        r"(?i)(?<!\w)(?:zoom|webex|webinar|meeting)(?: (?:meeting|room|id|no|number|code)){0,3} ?[:#=]? "
        r"?(?P<number>\d{3}[ -]?\d{3,4}[ -]?\d{3,4})(?!\d)")),
    Check("MEETING_ID", re.compile(r"(?i)(?<!\w)pass ?code(?: is)? ?[:=#]? ?(?!@)(?=\w{0,9}\d)\w{4,12}(?!\w)")),
    Check("PHONE", re.compile(
        r"(?i)(?<!\w)(?:call|text|sms|whats ?app|phone|mobile|cell|tel|telefon|ring)(?: me| at| on| us)?[.:]? "
        r"(?P<number>\(?0\d{1,4}\)?[ /-]?\d{3,4}(?:[ -]?\d{2,4}){1,3})(?![\w-])"), _enough_digits),
    Check("COURSE_CODE", re.compile(r"(?<![\w.:-])\d{2}:\d{3}:\d{3}(?![\w:]|\.\d)"), needs=":"),
    Check("COURSE_CODE", re.compile(r"(?<![\w.:-])(?:AS|EN|BU|ED|ME|PH|NR|SA)\.\d{3}\.\d{3}(?![\w]|\.\d)"), needs="."),
    Check("COURSE_CODE", re.compile(
        r"(?i)(?<!\w)(?:pre|co)-?req(?:uisite)?s?:? (?P<name>(?-i:[A-Z]{3,4})[1-9]\d{3,4})(?!\w)")),
    Check("COURSE_CRN", re.compile(
        r"(?<![\w])\d{5}[_-](?:(?:19|20)\d{2}(?i:spring|summer|fall|winter)|(?i:spring|summer|fall|winter)(?:19|20)\d{2})(?![A-Za-z0-9])")),
)  # fmt: skip
