"""Find course codes of other schools by their form, or by their form and the words beside them.

An ambiguous form ("27-314", "QIT2004") only counts beside a cue such as "prereq". Time is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canvas_pipeline.privacy.courses import forms
from canvas_pipeline.privacy.courses.own_codes import is_counted

_CUES = re.compile(
    r"(?<![A-Za-z])(?:same\s(?:\w{1,12}\s)?as|overlap(?:s|ping)?(?:\swith)?|(?:pre|co)-?\s?req(?:s|uisites?|uired)?|anti-?req(?:s|uisites?)?|"
    r"cross-?list(?:ed|ing)?(?:\s(?:with|as))?|equiv(?:alent)?(?:\s(?:of|to|with))?|equivalent|credits?\s(?:for|from|in)|transfer(?:red)?(?:\sfrom)?|"
    r"retak(?:e|ing)(?:\sof)?|retook|replaces|formerly|counts\s(?:as|for)|instead\sof|took|taking|taken|enrol+(?:ed)?\sin|ta\s(?:for|of)|exempt\sfrom|"
    r"concurrent(?:ly)?(?:\swith)?|(?:linked|paired|combined|co-?taught|stacked)\swith|sequel\sto|bridge\sfrom|waiver\s(?:exam\s)?for|"
    r"honou?rs\sversion(?:\sof)?|(?:material|notes|slides|lectures?|moved|coming)\sfrom|as\sin|like|see(?:\salso)?|from\smy|successor\s(?:of|to)|requires|course|courses|class|after|before|and\s(?:also|in))[\s:(]{1,3}$",
    re.I,
)
_WEAK_CUES = re.compile(
    r"(?:like|after|before|(?:material|notes|slides|lectures?|moved|coming)\sfrom|see(?:\salso)?|and\s(?:also|in)|as\sin|class|took)[\s:(]{1,3}$",
    re.I,
)
_AFTER = re.compile(
    r"\s?(?:'s)?\s(?:course|class|exam|final|midterm|homework|hw|assignment|lecture|lab|tutorial|workshop|discussion|syllabus|notes|slides|quiz|"
    r"reading|unit|prereq|students|tenta(?:men)?|klausur|vorlesung|[üu]bung|tutorium|seminar|examen|tarea|pr[áa]ctica|parcial|td|tp|transfer|equivalency|waiver)(?![A-Za-z])",
    re.I,
)
_RECENT_YEAR = re.compile(r"[A-Za-z](?:19[0-9]{2}|201[2-9]|20[2-4][0-9])$")
_END = r"(?![A-Za-z0-9]|[.:-][0-9])"
# Forms that are unambiguous.
_SURE = re.compile(
    r"(?<![A-Za-z0-9@.:-])(?:(?P<rutgers>[0-9]{2}:[0-9]{3}:[0-9]{3})"
    r"|(?P<hopkins>[A-Z]{2}\.[0-9]{3}\.[0-9]{3})"
    r"|(?P<nyu>[A-Z]{3,5}-[A-Z]{2}[ .]?[0-9]{1,4})"
    r"|(?P<s1>[A-Z]{4})(?P<n1>[1-9][0-9]{4})"
    r"|(?P<s3>[A-Z]{2,5})\*(?P<n3>[1-9][0-9]{2,3})"
    r"|(?P<s4>[A-Z]{2,4})(?P<n4>[1-9][0-9]{2}[A-Z][0-9])"
    r"|(?P<cegep>[0-9]{3}-[A-Z]{3}-[0-9]{2})"
    r"|(?P<s5>[A-Z]{3,4})(?P<n5>[1-9][0-9]{2,3}[A-Z]?)"
    r"|(?P<s6>[A-Z]{2})(?P<n6>[1-9][0-9]{3}[A-Z]?)"
    r"|(?P<s2>[A-Z]{2,4})(?P<n2>[1-9][0-9]{2}[A-Z])" + ")" + _END
)
# A known subject and a number with its letter: "CS 61A".
_LETTERED = re.compile(
    r"(?<![A-Za-z0-9@])(?P<subject>[A-Z]{2,5}|[A-Z][a-z]{3})[ _-]?(?P<number>[0-9]{1,2}[A-CE-Z]{1,2})(?![A-Za-z0-9])"
)
_CUED = re.compile(
    r"(?<![A-Za-z0-9@.,:$-])(?:(?P<plain>[0-9]{2,3}[-.][0-9]{3,4}|[0-9]{1,2}\.[0-9]{2,4}[A-Za-z]?)"
    r"|(?P<subject>[A-Z]{2,5})[ .*-]?(?P<number>[0-9]{2,5}[A-Z]?(?:-[0-9]{2,3})?))" + _END
)  # fmt: skip
# The other codes of a list of which one was masked already.
_CODE = r"(?P<{0}>(?P<{0}_subject>[A-Z]{{2,5}})[ .*-]?(?P<{0}_number>[1-9][0-9]{{2,3}}[A-Z]?))"
_IN_A_ROW = re.compile(
    rf"@COURSE[0-9]{{8}}\s?(?:[&/+]|,(?:\s(?:and|or))?|and|or)\s?{_CODE.format('a')}{_END}(?!{forms.UNIT.pattern})"
    rf"|(?<![A-Za-z0-9@.:-]){_CODE.format('b')}(?=\s?(?:[&/+]|and|or)\s?@COURSE[0-9]{{8}})"
)
# A subject and number in the shape of a code, and words about courses in the same clause, in several languages.
_SUBJECT_AND_NUMBER = re.compile(
    r"(?<![A-Za-z0-9@.:$*-])(?P<subject>[A-Z]{2,5})[ .*-]?(?P<number>[1-9][0-9]{2,3}[A-Z]?[0-9]?)" + _END
)
_STUDY_WORDS = re.compile(
    r"(?<![^\W_])(?i:credits?|courses?|class(?:es)?|(?:pre|co|anti)-?req\w{0,9}|equivalen\w{0,4}|transfer\w{0,4}|retak\w{1,3}|waive[rd]?|"
    r"exempt\w{0,4}|tutors?|tutoring|ta|tas|ta-ing|ta'?ing|placement|place[ds]?\s(?:in|out)\w{0,2}|advising|advis[oe]rs?|schedule|syllabus|"
    r"semester|instructors?|prof(?:essor)?s?|enrol\w{0,6}|regist\w{1,9}|wait-?list\w{0,2}|audit(?:ing)?|substitut\w{1,4}|electives?|"
    r"majors?|minors?|prep|cross-?list\w{0,3}|counterpart|sections?|lectures?|cohort|alum\w{0,3}|vs\.?|versus|compar\w{1,4}|withdraw\w{0,3}|swap\w{0,4}|skip\w{0,4}|drop\w{0,4}|add(?:ed|ing)?|took|"
    r"taking|taken|retook|repeat\w{0,3}|replac\w{1,4}|formerly|renamed|offered|required|requires|same\sas|similar\sto|overlap\w{0,4}|shar\w{1,3}|"
    r"anerkennung|anrechnung|vorlesung|kurs\w{0,3}|modul\w{0,2}|lehrveranstaltung|klausur|cours|mati[èe]re|[ée]quivalence|unit[ée]|"
    r"cursos?|asignaturas?|materias?|convalida\w{0,5}|disciplinas?|cadeira|aproveitamento|corso|esame|insegnamento|riconoscimento|vak|kursen)(?![^\W_])"
)
_PARTS = range(1, 7)
_THREE_PARTS = re.compile(r"[A-Z]{3,4}-[0-9]{3}-[0-9]{2,3}")
_YEAR_AT_END = re.compile(r"(?:19|20)[0-9]{2}$")


def foreign(text: str) -> Iterator[tuple[int, int, str | None, str]]:
    """Yield (start, end, subject or None, number) of each code in a folded text, with overlaps, in order within each form."""
    for match in _SURE.finditer(text):
        start, end = match.span()
        subject, number = (next((match[f"{part}{n}"] for n in _PARTS if match[f"{part}{n}"]), None) for part in "sn")
        if (subject or match.group()[:4].split("-")[0]) in forms.NO_SUBJECT or is_counted(text, start, end):
            continue
        if (match["s5"] or match["s6"]) and (_YEAR_AT_END.search(match.group()) or not _is_standalone(text, match)):
            continue
        yield start, end, subject, number or match.group()
    for match in _LETTERED.finditer(text):
        subject = match["subject"].upper()
        known = (
            subject in forms.KNOWN_SUBJECTS and subject not in forms.NO_SUBJECT and subject not in forms.FUNCTION_WORDS
        )
        if known and (subject not in forms.AMBIGUOUS or match["subject"].isupper() and _beside(text, *match.span())):
            yield match.start(), match.end(), subject, match["number"]
    for match in _CUED.finditer(text):
        start, end = match.span()
        subject = match["subject"]
        if subject in forms.NO_SUBJECT or forms.UNIT.match(text, end) or not _beside(text, start, end, subject is None):
            continue
        if subject and (len(match["number"]) < 3 and match["number"].isdigit()):
            continue
        yield start, end, subject, match["number"] or match["plain"]
    for match in _SUBJECT_AND_NUMBER.finditer(text):
        start, end = match.span()
        subject = match["subject"]
        if subject in forms.NO_SUBJECT or forms.UNIT.match(text, end) or is_counted(text, start, end):
            continue
        if _YEAR_AT_END.search(match.group()) or (subject in forms.AMBIGUOUS and " " in match.group()):
            continue
        if _STUDY_WORDS.search(text, max(0, start - 40), start) or _STUDY_WORDS.search(
            text, end, min(len(text), end + 40)
        ):
            yield start, end, subject, match["number"]
    for match in _IN_A_ROW.finditer(text) if "@COURSE" in text else ():
        side = "a" if match["a"] else "b"
        start, end = match.span(side)
        subject = match[f"{side}_subject"]
        if (
            subject not in forms.NO_SUBJECT
            and not is_counted(text, start, end)
            and not _YEAR_AT_END.search(match[side])
        ):
            yield start, end, subject, match[f"{side}_number"]


def _is_standalone(text: str, match: re.Match[str]) -> bool:
    """Return whether adjacent letters and digits are a code, rather than part of a file's name, a path or a longer id."""
    start, end = match.span()
    return (
        not forms.UNIT.match(text, end)
        and text[start - 1 : start] not in "/_.#="
        and re.match(r"[_/=.][A-Za-z0-9]|[0-9]", text[end : end + 2]) is None
    )


def _beside(text: str, start: int, end: int, plain: bool = False) -> bool:
    """Return whether the words beside a code are a cue for a course; a number alone needs a strong cue."""
    before = text[max(0, start - 32) : start]
    if cue := _CUES.search(before):
        weak = _WEAK_CUES.search(cue.group()) is not None
        return not (weak and (plain or _YEAR_AT_END.search(text, start, end)))
    whole = text[start:end].isalnum() or _THREE_PARTS.fullmatch(text, start, end) is not None
    glued = whole and not _RECENT_YEAR.search(text[start:end])  # "ICML2023 reading" is not a course
    return not plain and glued and bool(_AFTER.match(text, end))
