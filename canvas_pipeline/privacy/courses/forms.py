"""The forms of course identities as expressions, with the words that are subjects and those that are not. Data for ``crn``.

The expressions match a *folded* text (``crn.folded``): ASCII digits, letters and dashes, plain blanks, no invisible characters. All
repetitions are bounded, so that time is linear in the length of the text.
"""

from __future__ import annotations

import re

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
    "MATHEMATICS BIOLOGY CHEMISTRY PHYSICS ECONOMICS HISTORY ENGLISH PSYCHOLOGY STATISTICS PHILOSOPHY CALC SOCIOLOGY".split()
)
# Subjects that are also English words or abbreviations: accepted in capitals only.
AMBIGUOUS = frozenset(
    "AE ALS ARE ARCH ART ARTS AS AST AT BC BIT BUS CE CHE CLA COMP CONS COS EDIT ENT FL FR GER GR GRAD HD HUM IDS IND INFO "
    "IR IS IT LAT LAW MED ME MINE MS MN NR PAPA REAL RED REL SCI SPAN STS SW TA TOX UH UNIV VM VT WRIT LANG HISTORY "
    "ENGLISH ECONOMICS PHYSICS BIOLOGY CHEMISTRY MATHEMATICS PSYCHOLOGY STATISTICS PHILOSOPHY SOCIOLOGY".split()
)
# Of these, departments written out: accepted in any case, but not before a possible year ("Economics 2008").
WRITTEN_OUT = frozenset(word for word in AMBIGUOUS if len(word) >= 7)
# Of these, words that are common in a sentence in capitals.
FUNCTION_WORDS = frozenset("ARE AS AT BIT IS IT ME MINE REAL RED EDIT HUM".split())
# Of these, words after which a number like 2026 is a year unless the context is about a course.
BESIDE_YEARS = FUNCTION_WORDS | WRITTEN_OUT | frozenset("VT FL GRAD UNIV TA MS MN FR GR GER HD VM SW UH NR".split())
# Capitals before a number that are not a subject.
NO_SUBJECT = frozenset((
    # terms, months, days
    "FALL SPRING SUMMER WINTER AUTUMN TERM SEMESTER YEAR AY FY SP FA SU WI JAN FEB MAR APR MAY JUN JUL AUG SEP SEPT OCT NOV "
    "DEC JANUARY FEBRUARY MARCH APRIL JUNE JULY AUGUST SEPTEMBER OCTOBER NOVEMBER DECEMBER MON TUE WED THU FRI SAT SUN TUES THUR "
    "THURS "
    # standards, protocols, formats, hardware
    "ISO IEC ANSI IEEE RFC HTTP HTTPS TCP UDP IP IPV UTF ASCII SHA AES RSA USB PCI DIN EN BS ASTM NIST OSHA SAE AISI ITU MIL STD "
    "UL NFPA NEMA API JSON XML SQL HTML CSS PHP MAC WIN LINUX OS RC REV VER V DDR RAM CPU GPU GTX RTX AMD IBM PDP VAX NES HP LTC "
    "TI STM ESP MSP AVR NCR LED LCD HDR RGB CMYK PNG JPEG MPEG HDMI VGA WPA CAT PMID DOI ISBN ISSN CAS UN EC CVE BUG CWE PR GH "
    # error codes, forms of law and office
    "ERR ERROR CODE IRS FDA EPA FAFSA FORM SDG USC CFR ACT BILL HR SB GRE GMAT LSAT MCAT SAT AP IB SSN PIN ZIP TEL FAX EXT BOX PO "
    "APT STE LOT CRN ID GPT USD EUR GBP JPY "
    # work and its parts
    "EXAM TEST QUIZ FINAL MIDTERM HW PS PSET LAB LABS UNIT WEEK DAY MOD MODULE PART STEP TASK ITEM PAGE PAGES PG PP CH CHAP VOL "
    "MID NO NUM FIG TABLE TAB EQ EX QTR LEVEL GOAL OPUS OP BWV K KV ORDER PROJ MAX MIN POINT PTS PT XP EXP SLIDE LINE ROW STAGE "
    "PHASE ROUND ESSAY DRAFT PAPER NOTE NOTES VIDEO GROUP TEAM TOPIC TRIAL CASE SET GAME SCORE BONUS EXTRA "
    # places, ways, machines of travel
    "ROOM RM HALL BLDG SEC SECT RT RTE HWY SR CR FM ROUTE EXIT GATE TRAM TRAIN UA AA DL WN BA LH AF KL BOEING CESSNA NASA NACA "
    "NATO NGC PSR SN APOLLO MARS "
    # events and eras
    "COVID SARS WWI WWII AD BCE BC CENT "
    # formulae and units
    "CO SO NOX SOX CH NH OH NA CL CU AL AU AG PB SI MG ZN CA KCL NACL PH PPM PPB RPM HZ KHZ MHZ GHZ DB PSI "
    # everyday words of sentences in capitals
    "TOP BEST OVER UNDER ABOUT FROM UNTIL TILL ONLY ADA IF OF IN ON BY TO THE AND FOR WITH READ WRITE EARN WORTH NEAR SINCE BORN "
    "DIED CIRCA ALL ANY EACH EVERY FIRST LAST NEXT NEW OLD OUR YOUR THIS THAT HAS HAVE WAS WERE BE DO GET GOT UP OUT OFF OR THAN "
    "LEAST MOST MORE LESS ALMOST COUNT TOTAL TOTALS SUM SIZE PRICE COST PAY SAVE WIN WON RUN RAN WALK SWIM PLUS MINUS TIMES SOLVE "
    "VISIT PORT CLASS OFFER"
).split()) - {"BC"}  # fmt: skip
MAX_UNKNOWN = 5
# Words that make an ambiguous form beside them a course: "QQ 4411 syllabus".
CONTEXT = re.compile(
    r"(?<![A-Za-z])(?:courses?|class(?:es)?|sections?|syllab(?:us|i)|pre-?req\w{0,10}|lectures?|textbook|midterms?|finals?|exams?|"
    r"quiz(?:zes)?|homeworks?|recitation|instructors?|professor|office hours|crn|enroll\w{0,5}|regist\w{0,8}|credits?|notes for|"
    r"cross-?list\w{0,4}|study guide)(?![A-Za-z])",
    re.I,
)
# Words before the number of a thing that is not a course: "Flight DLX 4410".
THING = re.compile(
    r"(?<![A-Za-z])(?:flight|bus|route|model|error|code|serial|ticket|locker|ext|extension|highway|hwy|channel|gate|train|"
    r"part|page|"
    r"chapter|version|galaxy|nebula|star|asteroid|license|licence|plate|key|coupon|promo|order|invoice|form|standard|alloy|"
    r"steel|chip|"
    r"sensor|printer|laptop|phone|camera|engine|aircraft|ship|locomotive|"
    r"building|bldg|hall|room|item|sku|product)s?[\s:.#]{1,3}$",
    re.I,
)
# Units after a number that is an amount.
UNIT = re.compile(
    r"[\s-]{0,2}(?:%|°|points?|pts?|words?|pages?|char(?:acter)?s?|min(?:ute)?s?|hours?|hrs?|sec(?:ond)?s?|days?|weeks?|"
    r"years?|yrs?|"
    r"people|students|participants|copies|steps|reps|cal(?:orie)?s?|kcal|kg|grams?|mg|lbs?|oz|ml|liters?|litres?|km|meters?|"
    r"metres?|cm|"
    r"mm|miles?|ft|feet|inch(?:es)?|k?m?g?hz|rpm|watts?|kw|volts?|kv|mv|mah|ohms?|psi|k?pa|ppm|ppb|moles?|mol|kj|joules?|"
    r"dollars?|usd|"
    r"bits?|bytes?|[kmgt]i?b|bc|bce|ad|ce|times|votes|digits|questions|problems|items|rows|units|degrees)(?![A-Za-z])",
    re.I,
)

YEAR = r"(?:19|20)[0-9]{2}"
TERM = YEAR + r"(?:0[1-9]|1[0-2])"
SEP = r"(?:[\s_\-./|~\\]|&nbsp;|%20)"
SEASON = r"(?i:winter|spring|summer|fall|autumn)"
SHORT_SEASON = r"(?i:sp|fa|su|wi)"
SEASONS = {
    "winter": "12", "spring": "01", "summer": "06", "fall": "09", "autumn": "09",
    "wi": "12", "sp": "01", "su": "06", "fa": "09",
}  # fmt: skip
_OPEN = r"(?:(?<![A-Za-z0-9])|(?<=[a-z])(?=[A-Z]{2,5}[^A-Za-z])|(?<=[0-9])(?=[A-Z]{2,5}[^A-Za-z]))"
_SEASON_AFTER = (
    rf",?(?:{SEP}{{1,3}}(?P<season2>{SEASON})[\s_',\-]{{0,3}}(?P<year2>{YEAR})(?![0-9])"
    rf"|{SEP}{{1,3}}(?P<year3>{YEAR})[\s_\-]{{0,3}}(?P<season3>{SEASON})(?![A-Za-z])"
    rf"|{SEP}{{1,2}}(?P<season4>{SHORT_SEASON})'?(?P<year4>{YEAR}|[0-9]{{2}})(?![A-Za-z0-9]))"
)
_PARTNER = r"(?:[A-Z]{2,5}\s?[/&]\s?)"  # "CS/ECE 2500"
_NOT_YEAR = r"(?!(?:19[0-9]{2}|20[0-4][0-9])(?![0-9A-Za-z]))"
_ALSO = (
    rf"(?:\s?[/&+]\s?(?:[A-Za-z]{{2,5}}[\s\-]?)?{_NOT_YEAR}[0-9]{{4}}[A-Za-z]?(?![A-Za-z0-9])"  # "CS 4624/5624", "CS 4624/ECE 4624"
    rf"|(?:,\s?(?:(?:and|or)\s)?|\s(?:and|or)\s){_NOT_YEAR}[1-7][0-9]{{3}}[A-Z]?(?![0-9A-Za-z%,])(?!{UNIT.pattern}))"
)
# Subject and number, with the parts of the code before and after them. Groups: see `crn._course`.
CORE = re.compile(
    _OPEN
    + rf"(?:(?P<term1>{TERM}){SEP}{{1,2}}(?:(?P<crn1>[0-9]{{5}}){SEP}{{1,2}})?"
    + rf"|(?P<crn0>[0-9]{{5}})[_\-]{{1,2}}(?:(?P<term0>{TERM})[_\-]{{1,2}})?"
    + rf"|(?P<season1>{SEASON})[\s_',\-]{{0,3}}(?P<year1>{YEAR}){SEP}{{1,3}}"
    + rf"|(?P<year0>{YEAR})[\s_\-]{{0,3}}(?P<season0>{SEASON}){SEP}{{1,3}})?"
    + rf"{_PARTNER}{{0,3}}(?P<subject>[A-Za-z]{{2,11}})(?P<gap>{SEP}{{0,3}}|[:#*+]|\s?#)"
    + r"(?P<number>[0-9]{3,4}(?![0-9])(?:[A-Z]{1,2}(?![A-Za-z0-9])|[a-z](?![A-Za-z0-9]))?)"
    + r"(?:(?P<glued>(?=[A-Za-z]{3}))|(?P<broken>(?=[A-Za-z]))|"
    + r"(?:[_\-.](?P<section>[0-9]{2,3}|[A-Z][0-9]{1,2})(?![A-Za-z0-9]))?"
    + rf"(?:{SEP}{{1,3}}(?P<crn2>[0-9]{{5}})(?![0-9]))?"
    + rf"(?:{SEP}{{1,3}}(?P<term2>{TERM})(?![0-9]))?"
    + rf"(?:(?<=[0-9]){SEP}{{1,3}}(?P<crn3>[0-9]{{5}})(?![0-9]))?"
    + rf"(?:{_SEASON_AFTER})?"
    + rf"(?:{_ALSO}){{0,4}})"
)
# The registrar's form with all four parts, with any letters at its start and anything attached to either end.
WHOLE = re.compile(
    rf"(?P<subject>[A-Za-z]{{1,11}}){SEP}{{0,2}}(?P<number>[0-9]{{3,4}}[A-Za-z]{{0,2}})(?:{SEP}{{1,2}}[A-Za-z]?[0-9]{{1,3}})?"
    rf"{SEP}{{0,2}}(?<![0-9]{{5}})(?P<crn2>[0-9]{{5}}){SEP}{{0,2}}(?P<term2>{TERM})[0-9]*"
)
_CRNS = r"[0-9]{5}(?![0-9])(?:\s?(?:[,/&;]|and|or)\s?[0-9]{5}(?![0-9])){0,8}"
_SEASON_OF_YEAR = rf"(?:{YEAR}[\s_\-]?{SEASON}|{SEASON}[\s_\-]?{YEAR})"
# The rest of a code whose beginning was masked already, and course reference numbers without a code.
BARE = re.compile(
    rf"[(\[]\s?(?P<a>{_CRNS}(?:[\s_\-]{{1,2}}{_SEASON_OF_YEAR})?)\s?[)\]]"
    rf"|(?<![0-9A-Za-z])(?P<h>(?P<h_crn>[0-9]{{5}})[_\-.]{_SEASON_OF_YEAR}(?![A-Za-z0-9]))"
    rf"|(?<![0-9A-Za-z])(?P<i>{_SEASON_OF_YEAR}[_\-.](?P<i_crn>[0-9]{{5}}))(?![A-Za-z0-9])"
    rf"|(?i:(?:CRN|course[\s_](?:reference|registration|request|call)[\s_](?:numbers?|nos?\.?|ids?|#)|call[\s_]numbers?|"
    rf"class[\s_](?:numbers?|nbrs?|nos?\.?|ids?|#))(?:'?s)?(?:\s(?:is|are|"
    rf"was))?[\s:#=_\-.\"'()\[\]]{{0,6}})(?<![0-9])(?P<b>{_CRNS})"
    rf"|(?<![A-Za-z])(?i:(?:sections?|sect?\.?|courses?|class|regist(?:er|ered|ration)(?:\s(?:for|in))?|enroll?(?:ed|"
    rf"ment)?(?:\s(?:for|in))?"
    rf"|waitlist(?:ed)?(?:\s(?:for|on))?|force-?add(?:\s(?:for|to))?)[\s:#_]{{1,3}})(?P<c>{_CRNS})(?!\s?(?:students|people|"
    rf"words|points|times))"
    rf"|(?<![0-9])(?P<d>{_CRNS})[\s_]{{0,2}}\(?\s?(?i:CRN)(?![a-z])"
    rf"|(?<![0-9])(?P<e>(?:[0-9]{{3,4}}[A-Za-z]?[_\-])?(?P<e_crn>[0-9]{{5}})[_\-.]{{1,2}}(?P<e_term>{TERM})(?![0-9]))"
    rf"|(?<![0-9])(?P<f>(?P<f_term>{TERM})[_\-]{{1,2}}(?P<f_crn>[0-9]{{5}})(?![0-9]))"
    rf"|@COURSE[0-9]{{1,8}}{SEP}{{1,2}}(?P<g>(?:[0-9]{{3,4}}[A-Za-z]?{SEP}{{1,2}})?(?P<g_crn>[0-9]{{5}})(?![0-9])(?:{SEP}{{1,2}}(?P<g_term>{TERM})(?![0-9]))?)"
)
# A term in words or abbreviated, in any order, or as a registrar's number ("203130"), and a section number before or after it. For
# four digits, or a blank as the only separator, more conditions apply: see `crn._beside_terms`.
_OTHER_SEASON = (
    r"(?i:herbst|fr[üu]hling|oto[ñn]o|primavera|verano|invierno|automne|printemps|[ée]t[ée]|hiver|autunno|estate|inverno|outono|"
    r"h[öo]st|v[åa]r|wise|sose|wintersemester|sommersemester|(?:semester|term|trimester|quarter|period)[ ]?[1-4])"
)
_NUMBERED_TERM = r"(?:WS|SS|HT|VT|MT|TT|LT|[STQ][1-4]|SM[1-4])"
_OF_YEAR = rf"(?:{YEAR}(?:/[0-9]{{2}})?|'?[0-9]{{2}}(?:/[0-9]{{2}})?)"
_WHEN = (
    rf"(?:{SEASON}(?:\s[A-D]|\sI{{1,3}})?[\s_',\-]{{0,3}}(?:{YEAR}|[0-9]{{2}})|{YEAR}\.[1-4]|"
    rf"{YEAR}[\s_,\-]{{0,3}}{SEASON}(?![A-Za-z])|{SHORT_SEASON}(?:[\s']{{0,2}}{YEAR}|'?[0-9]{{2}})"
    rf"|{YEAR}[\s_\-]?(?:{SHORT_SEASON}|AU|[FSWU][1-4]?|{_NUMBERED_TERM})(?![A-Za-z])|(?:AY|FY|SY)[\s_\-]?{_OF_YEAR}|"
    rf"{_NUMBERED_TERM}[\s_\-]?{_OF_YEAR}"
    rf"|{_OTHER_SEASON}[\s_',\-]{{0,2}}{_OF_YEAR}|[Tt](?:erm)?[\s:#]?{YEAR}[0-9]{{1,2}}"
    rf"|{YEAR}(?:[0-9]0|0[1-9]|1[0-2]))(?![0-9])"
)
_NUMBERED_AS = (
    r"(?:(?i:(?:ref(?:erence)?|class|course|section|sec|call|crn|reg(?:istration)?|schedule|index|line|code|id|key|nbr|"
    r"num(?:ber)?|no|nr|n°)"
    r"\.?\s?){1,2}[:#=]?\s?)?"
)
_SEPARATED = (
    rf"(?P<{{}}>\s?[,\-/_.|:;~#@=]{{{{0,2}}}}\s?[(\[]?\s?{_NUMBERED_AS.replace('{', '{{').replace('}', '}}')}#?)"
)
_SECTION_NUMBER = r"(?P<{}>[1-9][0-9]{{3,5}})(?![0-9A-Za-z%]|[.,:][0-9](?![0-9]{{5}}))"
BESIDE_TERM = re.compile(
    rf"(?<![A-Za-z0-9@$])(?<![0-9][.,:])(?:{_SECTION_NUMBER.format('before')}{_SEPARATED.format('gap')}(?P<term_after>{_WHEN})"
    rf"|(?P<term_before>{_WHEN}){_SEPARATED.format('gap_after')}{_SECTION_NUMBER.format('after')}(?!{UNIT.pattern}))"
)
# The same with words between them, for five digits that are not a round amount.
_FIVE = r"(?<![A-Za-z0-9@$€£])(?<![0-9][.,:])(?P<{}>(?![0-9]{{2}}[05]00)[1-9][0-9]{{4}})(?![0-9A-Za-z%€]|[.,:][0-9])"
NEAR_TERM = re.compile(
    rf"{_FIVE.format('before')}(?!{UNIT.pattern})[^0-9@$\n]{{1,28}}(?<![A-Za-z0-9])(?P<term_after>{_WHEN})"
    rf"|(?<![A-Za-z0-9])(?P<term_before>{_WHEN})[^0-9@$\n]{{1,28}}?{_FIVE.format('after')}(?!{UNIT.pattern})"
)
# Sections directly after a course: "-0311,0312", "/652", "_A00".
_SECTION_END = r"(?![A-Za-z0-9%]|[.:][0-9])"
# A list of sections may also be in parentheses or follow a blank or a colon ("(018, 031)", " 072 & 024", ":21,51"). There a single
# section needs a leading zero and three digits, and "05/12" is a day.
_WITH_ZERO = rf"0[0-9]{{1,3}}{_SECTION_END}"
_LISTED = rf"(?:\s?(?:[,&;+](?:\sand)?|and)\s?[A-Z]?[0-9]{{2,4}}{_SECTION_END}|/[A-Z]?[0-9]{{3}}{_SECTION_END})"
_MORE = r"(?=\s?(?:[,&;+]|and\b)|/[0-9]{3}(?![0-9]))"
_NO_DAY = r"(?![/-][0-9]{1,2}(?![0-9]))"
_ANY_SECTION = rf"(?:0[0-9]{{1,3}}|[A-Z]{{1,3}}[0-9]{{1,3}}|[0-9]{{2,3}}[A-Z]?|[0-9][A-Z]){_SECTION_END}"
_SURE_SECTION = rf"(?:0[0-9]{{1,3}}|[0-9]{{3}}|[A-Z]{{1,2}}[0-9]{{1,3}}){_SECTION_END}"
# Types of teaching with numbers of their own after a course: "(LEC 018)".
_TEACHING = (
    r"(?i:lec(?:ture)?|sect?(?:ion)?s?|dis(?:cussion)?|tut(?:orial)?|rec(?:itation)?|sem(?:inar)?|studio|pra(?:ctical)?|lab|"
    r"wks|onl(?:ine)?|"
    r"clinical|cohort|grupo|group|gruppe|groupe|grp|turma|gp)s?|§"
)
SECTIONS = re.compile(
    rf"[-_./](?:(?:0[0-9]{{1,3}}|[A-Z][0-9]{{2,3}}){_SECTION_END}|[0-9]{{2,3}}[A-Z]?{_SECTION_END}(?!{UNIT.pattern}))"
    rf"(?:\s?[,/&;+]\s?[_-]?(?:0[0-9]{{1,3}}|[A-Z][0-9]{{2,3}}){_SECTION_END}|/[0-9]{{2,4}}{_SECTION_END}(?!{UNIT.pattern})){{0,9}}"
    rf"|\s?[(\[]\s?(?:{_WITH_ZERO}{_NO_DAY}|[A-Z]?[0-9]{{2,3}}(?=\s?[,&;+])){_LISTED}{{0,9}}\s?[)\]]"
    rf"|,?\s(?:(?i:sections?|secs?\.?)\s)?(?:{_WITH_ZERO}{_MORE}{_LISTED}{{1,9}}|"
    rf"0[0-9]{{2,3}}{_SECTION_END}{_NO_DAY})(?!{UNIT.pattern})"
    rf"|:(?:{_WITH_ZERO}{_NO_DAY}|[0-9]{{2,3}}(?=,)){_LISTED}{{0,9}}(?!{UNIT.pattern})"
    rf"|\s?[-|~;:,/]\s?(?:{_WITH_ZERO}{_NO_DAY}|"
    rf"[A-Z]{{1,2}}[0-9]{{2,3}}{_SECTION_END})(?:\s?[,;|~/&+]\s?[-_]?{_ANY_SECTION}){{1,9}}(?!{UNIT.pattern})"
    rf"|\s?[:,]?\s?#\s?(?:{_WITH_ZERO}|[0-9]{{3}}{_SECTION_END})(?:\s?[,;|/&+-]\s?#?{_ANY_SECTION}){{0,9}}"
    rf"|\s?[:,]?\s?0[0-9]{{2}}\s?-\s?0[0-9]{{2}}{_SECTION_END}"
    rf"|[|~*]{_ANY_SECTION}(?:\s?[,;|~/&+]\s?[-_]?{_ANY_SECTION}){{0,9}}(?!{UNIT.pattern})"
    rf"|[\s,_|:/-]{{0,3}}[(\[]?\s?(?:{_TEACHING})[\s.#:_-]{{0,2}}{_SURE_SECTION}(?:\s?[,;|/&+]\s?(?:{_TEACHING})?[\s.#:_-]{{0,2}}{_SURE_SECTION}){{0,9}}(?:\s?[)\]])?"
)
HEX_ID = re.compile(r"[0-9a-f]{8,64}(?![A-Za-z0-9])")
SHORT_HANDLE = re.compile(r"@COURSE([0-9]{1,7})(?![0-9])")
PLACEHOLDER = re.compile(
    r"@(?:COURSE|EMAIL|URL|SSN|PHONE|STUDENT_ID|ADDRESS|ROOM|TIME|USERNAME|PERSON|PLACE|ID|SECRET|PATH)[0-9]+"
)
# An e-mail or web address that contains a course is masked whole, since the rest of the address can identify it.
ADDRESS = re.compile(
    r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]{1,64}@[A-Za-z0-9\-]{1,63}(?:\.[A-Za-z0-9\-]{1,63}){1,6}"
    r"|(?<![A-Za-z0-9])(?:https?://|www\.)[^\s<>\"'{}|\\^`\[\]()]{1,2000}"
)
TERM_TEXT = (
    re.compile(rf"(?P<season>{SEASON})[^0-9]{{0,3}}(?P<year>{YEAR})"),
    re.compile(rf"(?P<year>{YEAR})[\s-]{{0,3}}(?P<season>{SEASON})"),
)
