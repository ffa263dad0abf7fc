"""Find course identities in codes, names, titles and free text, and put stable handles in their place.

In: a contributor's course codes (``CourseMasker.learn``) and any text of theirs. Out: the text with ``@COURSE12345678`` where a
course was named. What must hold: a form such as ``CS_3704_21936_202601`` never survives, wherever it stands and whatever
stands beside it; ``CS 3704``, ``CS3704`` and ``cs-3704`` are the same course; what looks alike and names none (``FALL 2023``,
``ISO 8601``) is unchanged; masked text is left alone.

Identity: with subject, number and term a course is the same for everyone and shares a handle; with less, it is this
contributor's only. A contributor's own short handle (``@COURSE3``) is namespaced, so that two of them never meet.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from canvas_pipeline.intake.course_registry import HANDLE, Registry

KNOWN_SUBJECTS = frozenset(
    "AAEC ACCT ACIS AE AERO AFST ALCE ALS ANTH AOE APS APSC ARAB ARBC ARCH ARE ART ARTH ARTS AS ASPT AST ASTR AT BC BCHM "
    "BIO BIOC BIOE BIOL BIT BME BMES BMSP BMVS BSE BTEC BUAD BUS BUSI CE CEE CEM CHE CHEM CHN CHNE CINE CIS CIVL CLA CLAS "
    "CMDA CNST COMM COMP COMS CONS COS CRIM CRJ CS CSE CSES CSCI DANC DASC ECE ECED ECEN ECON EDCI EDEL EDEP EDHE EDIT EDP "
    "EDTE EDUC EE EECS ENGE ENGL ENGR ENG ENSC ENT ENVS ESM ESS ETHC EXSC FCS FIN FIW FL FLIM FMD FR FREC FREN FST GBCB "
    "GEOG GEOL GEOS GER GERM GIA GR GRAD GREK GRK HD HDFS HEB HEBR HIST HLTH HNFE HORT HSCI HTM HUM HUMN IDS IND INFO INTL "
    "IR IS ISC ISE ISYE IT ITAL ITDS ITL JAPN JMC JOUR JPN JUD KIN KINE KOR LAHS LANG LAR LAT LATN LAW LDRS LING MACR MAE "
    "MATH MATE ME MECH MED MGMT MGT MINE MKTG MIS MN MS MSE MSL MTRG MUS MUSC NANO NEUR NEUS NR NSEG NURS OPMT PAPA PHIL "
    "PHS PHYS POLS PPE PPWS PSCI PSY PSYC PSVP RED REAL REL RELG RLCL RTM RUS RUSS SBIO SCI SLAV SOC SOCI SPAN SPIA "
    "STAT STL STS SUST SW SYSB TA TBMH THEA THEO TOX TURK UAP UH UNIV UNR UPDE URDU VM VT WATR WGS WLC WOMN WRIT "
    "MATHEMATICS BIOLOGY CHEMISTRY PHYSICS ECONOMICS HISTORY ENGLISH PSYCHOLOGY STATISTICS PHILOSOPHY CALC".split()
)
# Subjects that are also English words or abbreviations: believed in capitals only.
AMBIGUOUS = frozenset(
    "AE ALS ARE ART AS AST AT BC BIT BUS COMP CONS COS ENT FIN FR GER HD HUM IDS IND INFO IR IS IT LAT LAW MED ME MINE MS MN "
    "NR REAL RED REL SCI SPAN STAT SW TA UNIV VM WRIT LANG HISTORY ENGLISH GRAD".split()
)
# Capitals before a number that name no course.
NO_SUBJECT = frozenset(
    "FALL SPRING SUMMER WINTER AUTUMN TERM SEMESTER YEAR AY FY SP FA SU WI JAN FEB MAR APR MAY JUN JUL AUG SEP SEPT OCT NOV "
    "DEC MON TUE WED THU FRI SAT SUN ISO IEC ANSI IEEE RFC HTTP HTTPS TCP UDP IP IPV UTF ASCII SHA AES RSA USB PCI DIN EN "
    "ASTM NIST OSHA EXAM TEST QUIZ FINAL MIDTERM MID HW PS PSET LAB LABS UNIT WEEK DAY MOD PART STEP TASK ITEM PAGE PAGES PG "
    "PP CH CHAP VOL NO NUM TOP BEST OVER UNDER ABOUT FROM UNTIL TILL ONLY MAX MIN POINT PTS PT PROJ ROOM RM HALL BLDG SEC "
    "SECT COVID SARS NASA NATO WWI WWII GPT USD EUR GBP AD BCE CE ACT GRE GMAT LSAT MCAT AP IB CRN ID SSN PIN ZIP TEL FAX "
    "BOX PO APT STE LOT V VER REV RC OS WIN LINUX MAC PHP SQL HTML CSS XML JSON API EXP FIG TABLE TAB EQ EX QTR ADA IF OF IN "
    "ON BY TO THE AND FOR LEVEL GOAL SDG OPUS OP BWV ORDER BUG CVE FORM".split()
)
_SEASONS = {"winter": "12", "spring": "01", "summer": "06", "fall": "09", "autumn": "09"}
_SEASON = r"(?P<season>winter|spring|summer|fall|autumn)"
_SEP = r"[\s_\-\u2010-\u2015./]"
_OPEN, _CLOSE = r"(?<![A-Za-z0-9])", r"(?![A-Za-z0-9])"
_SUBJECT = r"(?P<subject>[A-Za-z]{2,11})"
_NUMBER = r"(?P<number>\d{3,4}[A-Za-z]?)"
_CRN = r"(?P<crn>\d{5})"
_TERM = r"(?P<term>(?:19|20)\d{2}(?:0[1-9]|1[0-2]))"

# Strong forms first: at the same place the first that matches wins.
_STRONG = tuple(
    re.compile(_OPEN + form + _CLOSE, re.I)
    for form in (
        rf"{_SUBJECT}{_SEP}?{_NUMBER}{_SEP}{_CRN}{_SEP}{_TERM}",
        rf"{_SUBJECT}{_SEP}?{_NUMBER}{_SEP}{_TERM}{_SEP}{_CRN}",
        rf"{_TERM}{_SEP}{_SUBJECT}{_SEP}?{_NUMBER}{_SEP}{_CRN}",
        rf"{_TERM}{_SEP}{_CRN}{_SEP}{_SUBJECT}{_SEP}?{_NUMBER}",
        rf"{_SUBJECT}{_SEP}?{_NUMBER}{_SEP}{_TERM}",
        rf"{_TERM}{_SEP}{_SUBJECT}{_SEP}?{_NUMBER}",
        rf"{_SUBJECT}{_SEP}?{_NUMBER}{_SEP}{_CRN}",
    )
)
_SPELLED = (
    re.compile(_OPEN + rf"{_SUBJECT}{_SEP}{{0,2}}{_NUMBER},?\s+{_SEASON},?\s+(?P<year>(?:19|20)\d\d)" + _CLOSE, re.I),
    re.compile(_OPEN + rf"{_SEASON}\s+(?P<year>(?:19|20)\d\d)\s+{_SUBJECT}{_SEP}{{0,2}}{_NUMBER}" + _CLOSE, re.I),
)
# Cross-listed courses ("CS/ECE 2500", "CS 4624/5624") and a section ("-001") belong to the mention.
_PLAIN = re.compile(
    _OPEN + rf"(?:[A-Z]{{2,5}}/)?{_SUBJECT}{_SEP}{{0,2}}{_NUMBER}(?:-\d{{2,3}}|[/&]\d{{4}}[A-Za-z]?)?" + _CLOSE
)
_BARE_CRN = re.compile(r"(?<=\()(?P<crn>\d{5})(?=\))|\bCRN[:#\s_]{0,3}(?P<crn2>\d{5})(?!\d)", re.I)
_SHORT_HANDLE = re.compile(r"@COURSE(\d{1,7})(?!\d)")
_PLACEHOLDER = re.compile(r"@[A-Z][A-Z_]*\d+")
_TERM_TEXT = (
    re.compile(rf"{_SEASON}\D{{0,3}}(?P<year>(?:19|20)\d\d)", re.I),
    re.compile(rf"(?P<year>(?:19|20)\d\d)\s+{_SEASON}", re.I),
)


class CourseId(NamedTuple):
    """What is known of a course: each part canonical (upper case, term as YYYYMM) or None."""

    subject: str | None = None
    number: str | None = None
    crn: str | None = None
    term: str | None = None

    @property
    def known_parts(self) -> int:
        return sum(part is not None for part in self)

    def agrees(self, other: CourseId) -> bool:
        """Whether both can be the same course: no part differs, and the CRN or subject and number are shared."""
        if any(a is not None and b is not None and a != b for a, b in zip(self, other, strict=True)):
            return False
        same_number = self.number is not None and self.number == other.number and self.subject == other.subject
        return same_number or (self.crn is not None and self.crn == other.crn)


class Mention(NamedTuple):
    """Where a text names a course: ``text[start:end]``."""

    start: int
    end: int
    course: CourseId


def find(text: str) -> list[Mention]:
    """All course identities in a text, left to right, not overlapping; strong forms win over weak ones."""
    if not any(character.isdigit() for character in text):
        return []
    found = [
        Mention(match.start(), match.end(), course)
        for patterns, weak in ((_STRONG, False), (_SPELLED, True), ((_PLAIN,), True))
        for pattern in patterns
        for match in pattern.finditer(text)
        if (course := _course(match, weak)) is not None
    ]
    for match in _BARE_CRN.finditer(text):
        group = "crn" if match.group("crn") else "crn2"
        found.append(Mention(match.start(group), match.end(group), CourseId(crn=match.group(group))))
    return _apart(found, text)


def term_code(text: str | None) -> str | None:
    """``2026 Spring`` and ``Spring 2026`` → ``202601``; None where no season and year stand ("Default Term")."""
    for pattern in _TERM_TEXT:
        if text and (match := pattern.search(text)):
            return match.group("year") + _SEASONS[match.group("season").lower()]
    return None


def _course(match: re.Match[str], weak: bool) -> CourseId | None:
    parts = match.groupdict()
    subject, number, crn, term = parts["subject"], parts["number"], parts.get("crn"), parts.get("term")
    if parts.get("season"):
        term = parts["year"] + _SEASONS[parts["season"].lower()]
    certain = crn is not None and term is not None
    if not certain and not _believable(subject, number, weak):
        return None
    return CourseId(subject.upper(), number.upper(), crn, term)


def _believable(subject: str, number: str, weak: bool) -> bool:
    upper = subject.upper()
    if upper in NO_SUBJECT:
        return False
    if upper in KNOWN_SUBJECTS:
        return subject.isupper() or upper not in AMBIGUOUS
    if not weak:
        return len(subject) <= 5
    # An unknown subject: capitals and four digits that are no year and can be a course's level.
    return (
        subject.isupper()
        and len(subject) <= 5
        and bool(re.match(r"[1-7]\d{3}", number))
        and number[:2] not in ("19", "20")
    )


def _apart(found: Iterable[Mention], text: str) -> list[Mention]:
    """Longest first at each place; never inside a placeholder."""
    covered = [match.span() for match in _PLACEHOLDER.finditer(text)]
    kept: list[Mention] = []
    for mention in sorted(found, key=lambda m: (m.start - m.end, m.start)):
        if all(mention.end <= start or mention.start >= end for start, end in covered):
            covered.append((mention.start, mention.end))
            kept.append(mention)
    return sorted(kept)


class CourseMasker:
    """Masks the courses of one contributor. ``learn`` all of their codes first: what a code reveals (its subject and number,
    its CRN) is then masked wherever else they mention it, and shorter mentions find the fuller identity."""

    def __init__(self, registry: Registry, contributor: str) -> None:
        self._registry = registry
        self._contributor = contributor
        self._own: set[CourseId] = set()
        self._literals: set[str] = set()
        self._pattern: re.Pattern[str] | None = None

    def learn(self, code: str, term: str | None = None, name: str = "") -> None:
        """Take in one of the contributor's course codes; ``term`` and ``name`` are the record's own fields (a CRN that stands
        in the name alone completes the code)."""
        mentions = find(code)
        crns = {m.course.crn for m in find(name) if m.course.crn and m.course.subject is None} if name else set()
        for mention in mentions:
            course = _with_term(mention.course, term)
            if course.crn is None and len(crns) == 1:
                course = course._replace(crn=next(iter(crns)))
            self._own.add(course)
        if not mentions and any(c.isdigit() for c in code) and "@" not in code and len(code.strip()) >= 5:
            self._literals.add(code.strip())
        self._pattern = None

    def handle_of_code(self, code: str, term: str | None = None) -> str:
        """The handle of a ``course_code`` field, whatever it looks like."""
        ours = HANDLE.search(code)
        if ours:
            return ours.group()
        mentions = find(code)
        if mentions:
            return self._handle(_with_term(mentions[0].course, term))
        short = _SHORT_HANDLE.search(code)
        if short:
            return self._private(f"handle/{int(short.group(1))}")
        return self._private(f"code/{' '.join(code.casefold().split())}")

    def handle_of_site(self, course_id: int | str) -> str:
        """The handle of a to-do item's ``course_id`` (a number of the learning platform, private to the contributor)."""
        return self._private(f"site/{course_id}")

    def mask(self, text: str) -> tuple[str, int]:
        """The text with a handle for every course in it, and how many there were."""
        if not any(character.isdigit() for character in text):
            return text, 0
        found = find(text)
        pieces: list[tuple[int, int, str]] = []
        if self._own or self._literals:
            found = _apart([*found, *self._own_mentions(text)], text)
        for mention in found:
            literal = mention.course == CourseId()
            part = text[mention.start : mention.end]
            pieces.append(
                (mention.start, mention.end, self.handle_of_code(part) if literal else self._handle(mention.course))
            )
        pieces += [
            (m.start(), m.end(), self._private(f"handle/{int(m.group(1))}")) for m in _SHORT_HANDLE.finditer(text)
        ]
        for start, end, handle in sorted(pieces, reverse=True):
            text = text[:start] + handle + text[end:]
        return text, len(pieces)

    def _own_mentions(self, text: str) -> list[Mention]:
        if self._pattern is None:
            forms = {
                rf"{re.escape(c.subject)}{_SEP}{{0,3}}{re.escape(c.number)}"
                for c in self._own
                if c.subject and c.number
            }
            forms |= {c.crn for c in self._own if c.crn}
            forms |= {re.escape(literal) for literal in self._literals}
            # Longest first, so that the order of learning never decides.
            ordered = sorted(forms, key=lambda form: (-len(form), form))
            self._pattern = re.compile(_OPEN + "(?:" + "|".join(ordered) + ")" + _CLOSE, re.I)
        return [Mention(m.start(), m.end(), self._recognise(m.group())) for m in self._pattern.finditer(text)]

    def _recognise(self, part: str) -> CourseId:
        compact = re.sub(_SEP, "", part).upper()
        for course in sorted(self._own, key=str):
            if compact == course.crn:
                return CourseId(crn=course.crn)
            if course.number and compact == f"{course.subject}{course.number}":
                return CourseId(course.subject, course.number)
        return CourseId()

    def _handle(self, course: CourseId) -> str:
        """The fullest of the contributor's own courses that agrees, if exactly one does; else the course as it stands."""
        candidates = [own for own in self._own if own.agrees(course)]
        fullest = [c for c in candidates if c.known_parts == max(x.known_parts for x in candidates)]
        if len(fullest) == 1 and fullest[0].known_parts >= course.known_parts:
            course = fullest[0]
        identity = "/".join(part or "-" for part in course)
        if course.subject and course.number and course.term:
            return self._registry.handle(f"course/{identity}")
        return self._private(f"course/{identity}")

    def _private(self, identity: str) -> str:
        return self._registry.handle(f"of/{self._contributor}/{identity}")


def _with_term(course: CourseId, term: str | None) -> CourseId:
    return course if course.term else course._replace(term=term_code(term))
