"""The table of identity patterns: type, regular expression, score, context words of a weak pattern, and a trigger.

Texts are folded (``folding``): digits, dashes, spaces and apostrophes of every script are ASCII. A pattern with a score of at
least ``THRESHOLD`` counts alone; one below needs a context word near it (Presidio adds ``CONTEXT_BONUS``). ``\\K`` drops what
precedes it from the match (a label such as "SSN:"). A row's ``trigger`` is a cheap necessary condition: without a match of it
the expression cannot match. Expressions are bounded, so that a long line costs linear time. Data only; people are in ``persons``
and the trained recogniser, courses in ``crn``.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

THRESHOLD = 0.5
CONTEXT_BONUS = 0.35
CONTEXT_BEFORE, CONTEXT_AFTER = 7, 4  # words
SURE, LIKELY, WEAK = 0.9, 0.6, 0.3

# Between identities of equal length, the first type wins. A placeholder is "@" + type + six digits.
TYPES = ("EMAIL", "URL", "SSN", "PHONE", "STUDENT_ID", "ADDRESS", "ROOM", "TIME", "USERNAME", "PERSON", "PLACE")
# Types that their form proves win over guessed ones where the two overlap.
CERTAIN = frozenset({"EMAIL", "URL", "SSN", "PHONE", "STUDENT_ID", "ADDRESS", "USERNAME"})
# A clock time identifies somebody only beside one of these.
WHEREABOUTS = frozenset({"ROOM", "PLACE", "ADDRESS"})

PLACEHOLDER = re.compile(r"@[A-Z][A-Z_]*\d+")
"""A placeholder of any type, also of one that this version does not know."""

_GAP = r"[\s.\-/]"
CLOCK = r"\d{1,2}(?::[0-5]\d(?:\s?[AaPp]\.?[Mm]\b\.?)?|\s?[AaPp]\.?[Mm]\b\.?)"
_DAYS = r"(?:M|T|W|R|F|Mo|Tu|We|Th|Fr|Sa|Su|Mon|Tue|Tues|Wed|Thu|Thur|Thurs|Fri|Sat|Sun|Monday|Tuesday|Wednesday|Thursday|Friday)"
_BUILDINGS = "Hall|Building|Bldg\\.?|Center|Centre|Auditorium|Library|Tower|Gym|Gymnasium|Annex|Pavilion|Stadium|Theatre|Laboratory|House|Commons|Arena|Chapel|Plaza"
_CAPITAL = r"[^\W\d_a-z][\w'\-]{1,24}"
_STREET = r"(?:Street|St|Avenue|Ave|Road|Rd|Drive|Lane|Ln|Boulevard|Blvd|Court|Ct|Place|Circle|Terrace|Highway|Hwy|Parkway|Pkwy|Way|Loop|Alley|Pike|Square)"
_HOST = r"(?:instructure\.com|zoom\.us|google\.com|goo\.gl|bit\.ly|forms\.gle|discord\.gg|calendly\.com|groupme\.com|linkedin\.com|instagram\.com|facebook\.com|twitter\.com|tiktok\.com)"
_MAIL_HOST = (
    r"(?:(?:[\w-]{1,63}\.){1,6}edu|(?:gmail|outlook|hotmail|yahoo|icloud|proton|protonmail|aol)\.(?:com|me|net))"
)
_MINE = r"(?:my|his|her|their|our|new|phone|cell|mobile|contact|telephone|whatsapp)"
_STUDENT_LABEL = (
    r"(?:student|banner|hokie|university|campus|school|matriculation|enrol+ment|uid|uin|sid|pid|emplid|empl)"
)
_NOT_THEIRS = r"(?:course|assignment|quiz|module|item|order|file|submission|page|event|group|section|canvas|meeting|discussion|video|doc|document|question|rubric|ticket)"

_CALLED = rf"(?:{_MINE}\s(?:number|no\.?|num|\#)|tel|ph|phone|cell|mobile|call|text|sms|fax|whatsapp)(?:\s?(?:is|at|me at|me on|\#|:|=|-|\()){{0,2}}\s{{0,2}}"
# A number after these is that thing's number, and one before these is an amount.
_ITEM = r"(?i:\b(?:id|order|ticket|item|submission|assignment|quiz|module|file|page|event|group|section|course|canvas|discussion|video|guide|doc|document|question|rubric|isbn|issn|doi|pmid|arxiv|oclc|accession|serial|invoice|case|record|build|patent|catalog|model|seed|crn|zip|timestamp|meeting)s?(?:\s?(?:id|no\.?|number|\#))?[\s:#(=]{0,3})"
UNIT = r"(?i:points?|pts|rows?|widgets?|bytes?|people|words?|times|units?|steps?|cells?|atoms?|ms|seconds?|years?|dollars|usd|km|items?|records?|samples?|digits|bits)\b"
# Hundreds and tens in a row ("100 20 3000") are a list of amounts.
_ROUND = r"\d00\s\d{1,2}0\s\d000(?!\d)"

_CALL = tuple(
    "call phone cell tel telephone text mobile contact sms whatsapp fax ring dial ph reach voicemail texting calling me".split()
)
_STUDENT = tuple("student students sid banner uin uid hokie pid emplid badge passport matriculation".split())
_SOCIAL = ("ssn", "social", "security", "itin")

_EMAIL_SIGN = r"@"
_EMAIL_WORD = r"(?i)(?<![a-z])at(?![a-z])"
_DIGITS = r"\d(?:[^A-Za-z\d]{0,6}\d){6}"
_PLACE_WORD = rf"(?:{_BUILDINGS})"
_OTHER_BUILDINGS = r"(?:High|Middle|Elementary)\sSchool|(?:Research|Student|Science|Community|Recreation|Medical)\sCent(?:er|re)|(?:Dining|Residence)\sHall|Hospital|Observatory|Clinic|Airport"


class Pattern(NamedTuple):
    """One row. ``first_word``: drop a match whose first word is a word of course work ("Lecture Hall"). ``cues``: lower-case
    words of which one must occur in the text (none: no word is needed). ``valid``: drop a match for which it returns false."""

    type: str
    name: str
    regex: str
    score: float
    trigger: str
    context: tuple[str, ...] = ()
    first_word: bool = False
    valid: Callable[[str], bool] | None = None
    cues: frozenset[str] = frozenset()


PATTERNS: tuple[Pattern, ...] = (
    Pattern("EMAIL", "any domain, case and subdomain", r"[\w.%+'&#!$*~-]{0,63}[\w%+'&#!$*~-]@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}", SURE, _EMAIL_SIGN),
    Pattern("EMAIL", "quoted, or at a numbered host", r"(?:\"[^\"\n]{1,64}\"|[\w.+-]{1,64})@(?:\[[\d.:a-fA-F]{3,45}\]|\d{1,3}(?:\.\d{1,3}){3}|(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24})", SURE, _EMAIL_SIGN),
    Pattern("EMAIL", "blanks around the signs", r"[\w][\w.+-]{0,63}\s{0,2}@\s{0,2}(?:[\w-]{1,63}\s?\.\s?){1,6}(?i:edu|com|org|net|gov|io|uk|de|ca|fr|in)(?!\w)", SURE, _EMAIL_SIGN),
    Pattern("EMAIL", "spelled out in brackets", r"(?i)(?<![\w.])[\w][\w.+-]{0,63}\s?[\[({<]\s?(?:at|@)\s?[\])}>]\s?[\w-]{1,63}(?:\s?(?:[\[({<]\s?(?:dot|\.)\s?[\])}>]|\sdot\s|\.)\s?[\w-]{2,63}){1,5}", SURE, _EMAIL_WORD + "|@"),
    Pattern("EMAIL", "spelled out", r"(?i)(?<![\w.])[\w][\w.+-]{0,63}(?:\sdot\s[\w-]{1,63}){0,3}\s{1,2}at\s{1,2}[\w-]{1,63}(?:\s{1,2}dot\s{1,2}[\w-]{2,63}){1,5}", SURE, _EMAIL_WORD),
    Pattern("EMAIL", "at in a word, a host", rf"(?i)(?<![\w.])[\w][\w.+-]{{1,63}}\s{{1,2}}at\s{{1,2}}{_MAIL_HOST}(?!\w)", SURE, _EMAIL_WORD),
    Pattern("EMAIL", "at and dot run on with underscores", r"(?i)(?<![\w.])[\w.+-]{1,63}(?:_at_|-at-|\(at\)|\*at\*)[\w-]{1,63}(?:(?:_dot_|-dot-|\(dot\)|\*dot\*|\.)[\w-]{2,24}){1,4}", SURE, r"(?i)(?<![a-z])at(?![a-z])"),
    Pattern("URL", "with a scheme", r"(?i)(?:https?|ftps?|webcal|zoommtg)://[^\s<>\"'|{}\\]{0,2000}[^\s<>\"'|{}\\.,;:!?)\]]", SURE, r"://"),
    Pattern("URL", "www", r"(?i)(?<![a-z0-9])www\.[^\s<>\"'|{}\\]{1,2000}[^\s<>\"'|{}\\.,;:!?)\]]", SURE, r"(?i)www\."),
    Pattern("URL", "campus or class host", rf"(?i)(?<![\w@.])(?:(?:[\w-]{{1,63}}\.){{1,6}}edu|(?:[\w-]{{1,63}}\.){{0,6}}{_HOST})(?![\w-])(?:/[^\s<>\"'|{{}}\\]{{0,2000}})?", LIKELY, r"(?i)\.(?:edu|com|us|gl|ly|gle|gg)"),
    Pattern("SSN", "three, two, four", rf"(?<![\d.\-])(?!{_ROUND})\d{{3}}(?:\s?-\s?|[\s.])\d{{2}}(?:\s?-\s?|[\s.])\d{{4}}(?![\d\-])", SURE, _DIGITS),
    Pattern("SSN", "three, two, four, all round", r"(?<![\d.\-])\d{3}\s\d{2}\s\d{4}(?![\d\-])", WEAK, _DIGITS, _SOCIAL),
    Pattern("SSN", "nine digits", r"(?<![\d.\-])\d{9}(?![.\-]?\d)", WEAK, _DIGITS, _SOCIAL),
    Pattern("SSN", "after its name", r"(?i)(?:ssn|itin|social(?:\ssecurity)?)(?:\s?(?:number|no\.?|num|\#))?[\s:=#]{0,3}(?:is\s)?[:\s]{0,2}\K\d{3}[\s.-]?\d{2}[\s.-]?\d{4}(?!\d)", SURE, _DIGITS),
    Pattern("SSN", "its last four", r"(?i)ssn(?:[\s,:#-]{0,3}(?:number|last|ending|ends|in|four|4|digits|is|with|are)){1,5}[\s:]{1,3}\K\d{4}(?!\d)", SURE, r"(?i)ssn"),
    Pattern("PHONE", "area code in parentheses", rf"(?<![\d.])(?:(?:\+|00)?1{_GAP}{{0,3}})?\(\s?\d{{3}}\s?\){_GAP}{{0,3}}\d{{3}}{_GAP}{{0,3}}\d{{4}}(?!\d)(?:\s?(?:x|ext\.?)\s?\d{{1,6}})?", SURE, _DIGITS),
    Pattern("PHONE", "ten digits in groups", rf"(?<![\d.+\-])(?:(?:\+|00)?1{_GAP}{{0,3}}(?=[2-9]))?(?!{_ROUND}|[01]\d\d\s|\d{{3}}\s[01]\d\d\s)\d{{3}}{_GAP}{{1,3}}\d{{3}}{_GAP}{{1,3}}\d{{4}}(?![\d\-])(?:\s?(?:x|ext\.?)\s?\d{{1,6}})?", SURE, _DIGITS),
    Pattern("PHONE", "ten digits in groups, any", r"(?<![\d.+\-])\d{3}\s\d{3}\s\d{4}(?![\d\-])", WEAK, _DIGITS, _CALL),
    Pattern("PHONE", "two groups", rf"(?<![\d.+\-])(?:\+?1{_GAP}{{1,3}})?(?:\d{{3}}[\s.\-]\d{{7}}|\d{{6}}[.\-]\d{{4}})(?![\d\-])", LIKELY, _DIGITS),
    Pattern("PHONE", "international", rf"(?:(?<![\w+])\+|(?<![\w+.\-])00(?=\d{{2}}{_GAP}))(?=(?:[^A-Za-z\d]{{0,6}}\d){{7}})\d{{1,3}}(?:{_GAP}{{0,2}}\(?\d{{1,5}}\)?){{2,6}}(?!\d)", SURE, _DIGITS),
    Pattern("PHONE", "national with a leading zero", r"(?<![\w.\-])\(?0\d{2,4}\)?[\s-]\d{3,4}[\s-]\d{3,4}(?![\d\-])", LIKELY, _DIGITS),
    Pattern("PHONE", "bare digits", r"(?<![\w.\-])1?\d{10}(?![\w\-]|\.\d)", WEAK, _DIGITS, _CALL),
    Pattern("PHONE", "bare digits after their name", rf"(?i){_CALLED}\K\+?1?\d{{10}}(?!\d)", SURE, _DIGITS),
    Pattern("PHONE", "bare digits of an American number", rf"(?<![\w.\-/#$=])(?=1?[2-9]\d{{9}})(?<!{_ITEM})1?[2-9]\d{{2}}[2-9]\d{{6}}(?![\w\-/%]|[.,]\d|\s{{1,2}}{UNIT})", LIKELY, _DIGITS),
    Pattern("PHONE", "seven digits after their name", rf"(?i){_CALLED}\K[2-9]\d{{2}}{_GAP}\d{{4}}(?![\w\-])", SURE, _DIGITS),
    Pattern("PHONE", "seven digits", rf"(?<![\w.\-])[2-9]\d{{2}}{_GAP}\d{{4}}(?![\w\-])", WEAK, _DIGITS, _CALL),
    Pattern("STUDENT_ID", "eight or nine digits", r"(?<![\w.\-])\d{8,9}(?![\w\-]|\.\d)", WEAK, _DIGITS, _STUDENT),
    Pattern("STUDENT_ID", "nine digits of a campus", rf"(?<![\w.\-/#$=])(?=90\d{{7}})(?<!{_ITEM})90\d{{7}}(?![\w\-/%]|[.,]\d|\s{{1,2}}{UNIT})", LIKELY, _DIGITS),
    Pattern("STUDENT_ID", "after its name", rf"(?i)(?<![a-z]){_STUDENT_LABEL}(?:[\s_-]?(?:id|no\.?|number|num|card|\#)){{0,3}}(?:\sis)?[\s:=#(,_-]{{0,4}}\K[A-Z]{{0,2}}\d{{7,10}}(?!\d)", SURE, _DIGITS),
    Pattern("STUDENT_ID", "after its name, in groups", rf"(?i)(?<![a-z])(?:{_STUDENT_LABEL}|id)(?:[\s_-]?(?:id|no\.?|number|num|card|\#)){{0,3}}(?:\sis)?[\s:=#(_-]{{0,4}}\K\d{{3}}[\s.-]\d{{3}}[\s.-]\d{{3}}(?!\d)", SURE, _DIGITS),
    Pattern("STUDENT_ID", "after ID", rf"(?i)(?:(?<![a-z])(?=id)(?<!{_NOT_THEIRS}[\s_-]{{0,2}})id|my\s(?:school\s)?id)(?:\s?(?:no\.?|number|num|\#))?(?:\sis)?[\s:=#(]{{1,3}}\K[A-Z]{{0,2}}\d{{9}}(?!\d|\s{{1,2}}{UNIT})", SURE, _DIGITS),
    Pattern("STUDENT_ID", "after ID in capitals", rf"(?<![A-Za-z])(?=ID)(?<!(?i:{_NOT_THEIRS})[\s_-]{{0,2}})ID(?:\s?(?:No\.?|Number|\#))?(?:\sis)?[\s:=#(]{{1,3}}\K[A-Z]{{0,2}}\d{{7,10}}(?!\d|\s{{1,2}}{UNIT})", SURE, _DIGITS),
    Pattern("STUDENT_ID", "a letter and digits", r"(?<![\w.\-])[A-Z]{1,2}0\d{7}(?!\w)", LIKELY, _DIGITS),
    Pattern("STUDENT_ID", "a letter and eight digits", r"(?<![\w.\-])[A-Za-z]{1,2}\d{7,9}(?!\w)", WEAK, _DIGITS, (*_STUDENT, "id")),
    Pattern("STUDENT_ID", "groups of three", r"(?<![\w.\-])\d{3}[\s.-]\d{3}[\s.-]\d{3}(?![\w\-])", WEAK, _DIGITS, (*_STUDENT, "id")),
    Pattern("ADDRESS", "number and street", rf"(?<![\w.])\d{{1,5}}[A-Z]?\s(?:[NSEW]\.?\s)?{_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s{_STREET}\b\.?(?:,?\s(?:Apt|Unit|Suite|#)\.?\s?\w{{1,6}})?", LIKELY, r"\d[A-Z]?\s"),
    Pattern("ADDRESS", "number and street, any case", r"(?i)(?<![\w.])\d{2,5}\s(?:[nsew]\.?\s)?[^\W\d_]{3,20}(?:\s[^\W\d_]{3,20})?\s(?:street|st|avenue|ave|road|rd|blvd|lane|ln)\b(?:,?\s(?:apt|unit|suite|\#)\.?\s?\w{1,6})?", LIKELY, r"\d\s"),
    Pattern("ADDRESS", "post box", r"(?i)\bP\.?\s?O\.?\s?Box\s#?\d{1,6}\b", LIKELY, r"(?i)box\s"),
    Pattern("ADDRESS", "town, state and code", rf"{_CAPITAL}(?:\s{_CAPITAL}){{0,2}},?\s[A-Z]{{2}},?\s\d{{5}}(?:-\d{{4}})?(?!\d)", LIKELY, r"[A-Z]{2},?\s\d{5}"),
    Pattern("ROOM", "building and number", rf"(?<![\w@]){_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s(?:{_BUILDINGS}),?\s(?:(?:[Rr]oom|[Rr]m)\.?\s)?#?(?:[A-Z]-?)?\d{{1,4}}(?:\.\d{{1,3}})?[A-Z]?\b", SURE, _PLACE_WORD),
    Pattern("ROOM", "building and number in capitals", r"(?<![\w@])[A-Z]{3,20}(?:\s[A-Z]{3,20})?\s(?:HALL|BUILDING|BLDG|CENTER|LIBRARY|TOWER|AUDITORIUM|GYM),?\s(?:(?:ROOM|RM)\.?\s)?#?[A-Z]?\d{2,4}[A-Z]?\b", SURE, r"HALL|BUILDING|BLDG|CENTER|LIBRARY|TOWER|AUDITORIUM|GYM"),
    Pattern("ROOM", "room", r"(?i)(?<![a-z0-9@])(?:room|rm|classroom|suite|lecture\shall|auditorium|conference\sroom|office(?=\s(?!365\b|20\d\d\b)(?:[a-z]-?)?\d{2,4}\b))\.?\s{0,2}(?:no\.?\s|number\s)?#?(?:[a-z]{1,2}-?)?\d{1,4}(?:[.-]\d{1,3})?[a-z]?(?![a-z0-9])", SURE, r"(?i)room|rm|suite|hall|auditorium|office"),
    Pattern("ROOM", "in or at a place with a number", rf"\b(?:[Ii]n|[Aa]t)\s\K{_CAPITAL}\s\d{{3,4}}[A-Z]?\b", LIKELY, r"\b(?:[Ii]n|[Aa]t)\s", first_word=True),
    Pattern("ROOM", "building and floor", rf"(?<![\w@]){_CAPITAL}(?:\s{_CAPITAL}){{0,2}}\s(?:{_BUILDINGS}),?\s(?:basement|lobby|atrium|(?:\d(?:st|nd|rd|th)|first|second|third|fourth|fifth|top|ground)\sfloor)\b", SURE, _PLACE_WORD),
    Pattern("PLACE", "building", rf"(?<![\w@]){_CAPITAL}\s(?:{_BUILDINGS})(?!\w|\sof\s)", LIKELY, _PLACE_WORD, first_word=True),
    Pattern("PLACE", "other building", rf"(?<![\w@]){_CAPITAL}\s(?:{_OTHER_BUILDINGS})(?!\w|\sof\s)", LIKELY, _OTHER_BUILDINGS, first_word=True),
    Pattern("TIME", "days and hours", rf"(?<!\w)(?<!(?i:due|.by) )(?:{_DAYS}(?:[/,&\s]{{0,2}}{_DAYS}){{1,5}},?\s(?!11:59|23:59)\d{{1,2}}:[0-5]\d(?:\s?[AaPp]\.?[Mm]\b\.?)?(?:\s?-\s?{CLOCK})?|{_DAYS},?\s\d{{1,2}}:[0-5]\d(?:\s?[AaPp]\.?[Mm]\b\.?)?\s?-\s?{CLOCK})(?!\w)", LIKELY, r"\d:[0-5]\d"),
    Pattern("TIME", "hours", rf"(?<![\w:]){CLOCK}(?:\s?-\s?{CLOCK})?(?![\w:])", WEAK, r"\d(?::[0-5]\d|\s?[AaPp]\.?[Mm])"),
    Pattern("USERNAME", "at-name", rf"(?<![\w@./])@(?!(?:COURSE|{'|'.join(TYPES)})\d)[A-Za-z_][\w.]{{1,29}}\w", LIKELY, r"@[A-Za-z_]"),
)  # fmt: skip

# Label of a plugged-in token classifier, without its B-/I- prefix → type. Other labels are refused.
MODEL_LABELS = {
    "GIVENNAME": "PERSON", "SURNAME": "PERSON", "LASTNAME": "PERSON", "FIRSTNAME": "PERSON", "PERSON": "PERSON", "PER": "PERSON",
    "USERNAME": "USERNAME", "EMAIL": "EMAIL", "EMAIL_ADDRESS": "EMAIL", "TELEPHONENUM": "PHONE", "PHONE_NUMBER": "PHONE",
    "PHONE": "PHONE", "SOCIALNUM": "SSN", "SSN": "SSN", "US_SSN": "SSN", "IDCARDNUM": "STUDENT_ID", "DRIVERLICENSENUM": "STUDENT_ID",
    "ACCOUNTNUM": "STUDENT_ID", "TAXNUM": "SSN", "STREET": "ADDRESS", "BUILDINGNUM": "ADDRESS", "ZIPCODE": "ADDRESS", "CITY": "PLACE",
    "CREDITCARDNUMBER": "STUDENT_ID", "DATEOFBIRTH": "PERSON", "PASSWORD": "USERNAME", "URL": "URL", "ROOM": "ROOM", "LOC": "PLACE",
    "STUDENT_ID": "STUDENT_ID", "ADDRESS": "ADDRESS", "TIME": "TIME", "PLACE": "PLACE", "GPE": "PLACE",
}  # fmt: skip
