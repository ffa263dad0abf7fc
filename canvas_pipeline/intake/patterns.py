"""The table of identity patterns: type, regular expression, score, and the words that must stand near a weak one. Data only.

A pattern at or above ``THRESHOLD`` counts alone; one below needs a context word within five words before or three behind it
(Presidio adds ``CONTEXT_BONUS``). Expressions are bounded, so that a long line costs linear time. People are in ``persons``,
courses in ``crn``.
"""

from __future__ import annotations

from typing import NamedTuple

THRESHOLD = 0.5
CONTEXT_BONUS = 0.35
SURE, LIKELY, WEAK = 0.9, 0.6, 0.3

# The order decides between identities of equal length: the first wins. A placeholder is "@" + type + number.
TYPES = ("EMAIL", "URL", "SSN", "PHONE", "STUDENT_ID", "ADDRESS", "ROOM", "TIME", "USERNAME", "PERSON")

_DASH = r"[\-\u2010-\u2015]"
_GAP = r"[\s.\-\u2010-\u2015]"
_CLOCK = r"\d{1,2}:[0-5]\d(?:\s?[AaPp]\.?[Mm]\b\.?)?"
_DAYS = r"(?:M|T|W|R|F|Mo|Tu|We|Th|Fr|Sa|Su|Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday)"
_BUILDING = r"(?:Hall|Building|Bldg\.?|Center|Centre|Auditorium|Library|Tower|Gym|Gymnasium|Annex|Pavilion|Stadium|Theatre|Laboratory|House|Commons)"
_CAPITAL = r"[A-Z][\w'’\-]{1,24}"
_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Lane|Ln|Boulevard|Blvd|Court|Ct|Place|Circle|Terrace|Highway|Hwy|Parkway|Pkwy)"

_CALL = (
    "call",
    "phone",
    "cell",
    "tel",
    "telephone",
    "text",
    "mobile",
    "contact",
    "sms",
    "whatsapp",
    "fax",
    "ring",
    "dial",
)
_STUDENT = (
    "student",
    "students",
    "id",
    "sid",
    "banner",
    "uin",
    "hokie",
    "pid",
    "university",
    "emplid",
    "badge",
    "passport",
)
_SOCIAL = ("ssn", "social", "security")


class Pattern(NamedTuple):
    """``first_word``: a match whose first word is an ordinary word of course work ("Lecture Hall") is dropped."""

    type: str
    name: str
    regex: str
    score: float
    context: tuple[str, ...] = ()
    first_word: bool = False


PATTERNS: tuple[Pattern, ...] = (
    Pattern("EMAIL", "any domain, case and subdomain", r"(?<![\w.+%-])[\w][\w.%+'’-]{0,63}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@])", SURE),
    Pattern("EMAIL", "spelled out", r"(?i)(?<![\w.])[\w][\w.+-]{0,63}\s?[\[(]\s?at\s?[\])]\s?[\w-]{1,63}(?:\s?(?:[\[(]\s?dot\s?[\])]|\.)\s?[\w-]{2,63}){1,5}", SURE),
    Pattern("URL", "with a scheme", r"(?i)\b(?:https?|ftp)://[^\s<>\"'|{}\\]{1,2000}[^\s<>\"'|{}\\.,;:!?)\]]", SURE),
    Pattern("URL", "www", r"(?i)\bwww\.[^\s<>\"'|{}\\]{1,2000}[^\s<>\"'|{}\\.,;:!?)\]]", SURE),
    Pattern("URL", "campus or class host", r"(?i)(?<![\w@.])(?:[\w-]{1,63}\.){1,6}(?:edu|instructure\.com|zoom\.us|google\.com)(?![\w.])(?:/[^\s<>\"'|{}\\]{0,2000})?", LIKELY),
    Pattern("SSN", "three, two, four", rf"(?<![\w.\-\u2010-\u2015])\d{{3}}(?:{_DASH}|\s)\d{{2}}(?:{_DASH}|\s)\d{{4}}(?![\w\-\u2010-\u2015])", SURE),
    Pattern("SSN", "nine digits", r"(?<![\w.\-])\d{9}(?![\w.\-]\d|\w)", WEAK, _SOCIAL),
    Pattern("PHONE", "area code in parentheses", rf"(?<![\w.])(?:\+?1{_GAP}{{0,2}})?\(\d{{3}}\){_GAP}{{0,2}}\d{{3}}{_GAP}{{0,2}}\d{{4}}(?!\w)", SURE),
    Pattern("PHONE", "ten digits in groups", rf"(?<![\w.+\-\u2010-\u2015])(?:\+?1{_GAP}{{0,2}})?\d{{3}}{_GAP}{{1,2}}\d{{3}}{_GAP}{{1,2}}\d{{4}}(?![\w\-\u2010-\u2015])", SURE),
    Pattern("PHONE", "international", rf"(?<![\w+])\+\d{{1,3}}(?:{_GAP}?\(?\d{{2,4}}\)?){{2,5}}(?![\w])", SURE),
    Pattern("PHONE", "bare digits", r"(?<![\w.\-])1?[2-9]\d{2}[2-9]\d{6}(?![\w\-]|\.\d)", WEAK, _CALL),
    Pattern("PHONE", "seven digits", rf"(?<![\w.\-\u2010-\u2015])[2-9]\d{{2}}{_GAP}\d{{4}}(?![\w\-\u2010-\u2015])", WEAK, _CALL),
    Pattern("STUDENT_ID", "eight or nine digits", r"(?<![\w.\-])\d{8,9}(?![\w\-]|\.\d)", WEAK, _STUDENT),
    Pattern("STUDENT_ID", "groups of three", rf"(?<![\w.\-])9\d{{2}}{_DASH}\d{{3}}{_DASH}\d{{3}}(?![\w\-])", WEAK, _STUDENT),
    Pattern("ADDRESS", "number and street", rf"(?<![\w.])\d{{1,5}}\s{_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s{_STREET}\b\.?(?:,?\s(?:Apt|Unit|Suite|#)\.?\s?\w{{1,6}})?", LIKELY),
    Pattern("ADDRESS", "post box", r"(?i)\bP\.?\s?O\.?\s?Box\s\d{1,6}\b", LIKELY),
    Pattern("ROOM", "building and number", rf"(?<![\w@]){_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s{_BUILDING},?\s(?:(?:[Rr]oom|[Rr]m)\.?\s)?#?[A-Z]?\d{{1,4}}[A-Z]?\b", SURE),
    Pattern("ROOM", "building", rf"(?<![\w@]){_CAPITAL}\s{_BUILDING}(?!\w)", LIKELY, first_word=True),
    Pattern("ROOM", "room", r"(?<![\w@])(?:[Rr]oom|ROOM|[Rr]m|RM|[Cc]lassroom)\.?\s?#?[A-Z]?-?\d{1,4}[A-Z]?\b", SURE),
    Pattern("ROOM", "in or at a place with a number", rf"(?<=\b[Ii]n\s|\b[Aa]t\s){_CAPITAL}\s\d{{3,4}}[A-Z]?\b", LIKELY, first_word=True),
    Pattern("TIME", "days and hours", rf"(?<!\w){_DAYS}(?:[/,&\s]{{0,2}}{_DAYS}){{0,5}},?\s{_CLOCK}(?:\s?{_DASH}\s?{_CLOCK})?(?!\w)", LIKELY),
    Pattern("TIME", "hours", rf"(?<![\w:]){_CLOCK}(?:\s?{_DASH}\s?{_CLOCK})?(?![\w:])", WEAK, ("@place",)),
    Pattern("USERNAME", "at-name", r"(?<![\w@./])@(?![A-Z][A-Z_]*\d)[A-Za-z_][\w.]{1,29}\w", LIKELY),
)  # fmt: skip

# Nothing can match without one of these: texts that hold none of them skip the analyser (see pii).
PREFILTER = (
    r"@|://|\bwww\.|\.edu\b|\.com\b|zoom\.us|[\[(]\s?at\s?[\])]|\d{8}|\d[\s().\-\u2010-\u2015]{1,3}\d{2}|\d[\s.\-\u2010-\u2015]\d{4}|"
    r"\d:[0-5]\d|\b[Rr](?:oo)?m\b|\bR(?:OO)?M\b|[Cc]lassroom|\b(?:Hall|Building|Bldg|Cent(?:er|re)|Auditorium|Library|Tower|"
    r"Gym|Gymnasium|Annex|Pavilion|Stadium|Theatre|Laboratory|House|Commons)\b|\b[IiAa][nt]\s[A-Z]|\d\s[A-Z]|[Bb]ox\s\d"
)

# What a plugged-in token classifier may say, without its B-/I- prefix → our type. Anything else is refused aloud.
MODEL_LABELS = {
    "GIVENNAME": "PERSON", "SURNAME": "PERSON", "LASTNAME": "PERSON", "FIRSTNAME": "PERSON", "PERSON": "PERSON", "PER": "PERSON",
    "USERNAME": "USERNAME", "EMAIL": "EMAIL", "EMAIL_ADDRESS": "EMAIL", "TELEPHONENUM": "PHONE", "PHONE_NUMBER": "PHONE",
    "PHONE": "PHONE", "SOCIALNUM": "SSN", "SSN": "SSN", "US_SSN": "SSN", "IDCARDNUM": "STUDENT_ID", "DRIVERLICENSENUM": "STUDENT_ID",
    "ACCOUNTNUM": "STUDENT_ID", "TAXNUM": "SSN", "STREET": "ADDRESS", "BUILDINGNUM": "ADDRESS", "ZIPCODE": "ADDRESS", "CITY": "ADDRESS",
    "CREDITCARDNUMBER": "STUDENT_ID", "DATEOFBIRTH": "PERSON", "PASSWORD": "USERNAME", "URL": "URL", "ROOM": "ROOM", "LOC": "ROOM",
    "STUDENT_ID": "STUDENT_ID", "ADDRESS": "ADDRESS", "TIME": "TIME",
}  # fmt: skip
