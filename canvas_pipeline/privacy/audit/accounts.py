"""The auditor's expressions for logins, national numbers, meetings, telephones abroad and course codes of any school.

They are written apart from the masking code, as ``audit.patterns`` is, and as narrow: each needs the word that names the number,
or a form that nothing else has.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.audit.patterns import COUNTED, DIGITS, Check

# A label, "is" or a sign, and no placeholder behind it.
_LABELLED = r"(?: is)?(?: ?[:=#(] ?| )[\"'(]?(?!@)"
_LETTERS_AND_DIGITS = r"(?=[a-z]{1,8}\d)[a-z0-9]{4,14}(?![\w@-])"


_SEASON = r"(?i:spring|summer|fall|autumn|winter)"
_TERM = rf"{_SEASON}[ _-]?(?:19|20)\d{{2}}|(?:19|20)\d{{2}}[ _-]?{_SEASON}|(?:19|20)\d{{2}}(?:SP|SU|FA|WI)"
_NOT_A_SIZE = rf"(?! ?{COUNTED}\b)"


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
        rf"{_LABELLED}{_LETTERS_AND_DIGITS}")),
    Check("USERNAME", re.compile(
        r"(?i)(?<!\w)(?:discord|we ?chat|telegram|snap(?:chat)?|insta(?:gram)?)(?: id| handle| name)?(?: is | ?[:=] ?| )"
        r"(?!@)(?=[a-z.]{2,30}[_\d#])[a-z][\w.]{2,31}#?(?:\d{4})?(?!\w)"), needs=DIGITS),
    Check("USERNAME", re.compile(r"(?<![\w#])[a-z][a-z_.]{3,30}\d{0,6}#\d{4}(?!\w)"), needs="#"),
    Check("STUDENT_ID", re.compile(r"(?<![\w.#/-])[szu]\d{7}(?![A-Za-z0-9]|-[0-9a-f])")),
    Check("STUDENT_ID", re.compile(
        rf"(?i)(?<!\w)(?:cwid|nuid|ufid|buid|emplid|gtid|uin|matrikel-?n(?:ummer|r)\.?|matr\.-?nr\.?|matricola|studentnummer|"
        rf"legajo)"
        rf"{_LABELLED}[a-z]?-?(?P<number>\d{{6,10}})(?!\d)")),
    Check("SSN", re.compile(
        rf"(?i)(?<!\w)(?:dni|nie|rut|cpf|curp|nino|aadhaar|pesel|bsn|personnummer|codice fiscale)(?: n(?:o|umber|[º°])\.?)?"
        rf"{_LABELLED}(?=[\w .-]{{0,6}}\d)(?P<number>[A-Z]{{0,6}}\d[\d .A-Z-]{{5,16}})"), _enough_digits),
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
        r"(?<![\w])\d{5}[_-](?:(?:19|20)\d{2}(?i:spring|summer|fall|winter)|(?i:spring|summer|fall|winter)(?:19|"
        r"20)\d{2})(?![A-Za-z0-9])")),
    # Section numbers beside a term, either side, with a sign or a label between.
    Check("COURSE_CRN", re.compile(
        rf"(?<![\w.,$@-])[1-9]\d{{4}}(?: ?[,;|/@~(#._-] ?|: ?|(?= [SFW])) ?\(?(?:{_TERM})(?![A-Za-z0-9])")),
    Check("COURSE_CRN", re.compile(
        rf"(?<![A-Za-z0-9])(?:{_TERM})(?: ?[,;|/@~)#._-]{{1,2}} ?|: ?)(?:(?:ref\.?|class|course|section|call)? ?(?:no\.?|"
        rf"nbr\.?|number|#) ?)?[1-9]\d{{4}}"
        rf"(?![\w%]|[.,:]\d){_NOT_A_SIZE}")),
    Check("COURSE_CRN", re.compile(r"(?i)(?<!\w)(?:class|section|call) (?:nbr\.?|number|no\.?|#)[ :#]{0,2}[1-9]\d{4}(?![\w%]|"
    r"[.,:]\d)")),
    # Logins and handles that hold a digit, after a sign.
    Check("USERNAME", re.compile(
        r"(?i)(?<!\w)(?:user ?name|user ?id|login|logon|account name|identifiant|benutzername|usuario|utente) ?[:=] ?"
        r"(?-i:(?=[a-z]{3,12}\d)[a-z]{3,12}\d{1,5})(?![\w@.-])")),
    Check("USERNAME", re.compile(
        r"(?i)(?<!\w)(?:discord|we ?chat|telegram|snap(?:chat)?|insta(?:gram)?|ig|venmo|tik ?tok|twitter|reddit|twitch|steam|"
        r"kakao(?:talk)?)"
        r"(?: (?:id|handle|user|username|tag|name))? ?[:=] ?@?(?-i:(?=[a-z.]{2,24}[_\d])[a-z][\w.]{3,31})(?![\w@])"),
        needs=DIGITS + "_"),
    Check("USERNAME", re.compile(r"(?<![\w/])(?:t\.me|twitter\.com|x\.com|venmo\.com|twitch\.tv|"
    r"reddit\.com/u(?:ser)?)/@?(?=[A-Za-z_.-]{2,24}\d)[A-Za-z][\w.-]{3,30}(?![\w/])")),
    # Meetings by their address, by other languages' words for one, by a code of letters.
    Check("MEETING_ID", re.compile(r"(?<!\w)zoom\.us/(?:j|my|s)/\d{9,11}(?!\d)"), needs="/"),
    Check("MEETING_ID", re.compile(
        r"(?i)(?<!\w)(?:r[ée]union|reuni[óo]n|reuni[ãa]o|riunione|besprechung|sitzung|kennung|teams|meet|conference|"
        r"dial-?in)(?: (?:zoom|id|no\.?|n[°º]|code|room|number)){0,3}"
        r" ?[:#=,]? ?(?P<number>(?!(?:19|20)\d\d[ -])\d{3}(?:[ -]?\d{3,4}){2,3})(?![\w-])"), _enough_digits),
    Check("MEETING_ID", re.compile(r"(?i)(?<!\w)(?:google meet|meet(?:ing)?(?: code| id|"
    r" link)?)[ :.=/]{1,3}(?:google\.com/)?(?-i:[a-z]{3}-[a-z]{4}-[a-z]{3})(?![\w-])"), needs="-"),
    Check("MEETING_ID", re.compile(
        r"(?i)(?<!\w)(?:passwor[dt]|pwd|pw|kennwort|contraseña|senha|mot de passe|"
        r"mdp) ?[:=] ?(?!@)(?-i:(?=[A-Za-z]{1,12}\d)[A-Za-z0-9]{5,16}|\d{6,10})(?![\w@])")),
    # Telephones by other languages' words for them, in at least two groups.
    Check("PHONE", re.compile(
        r"(?i)(?<!\w)(?:tlf|tfno|tel[ée]fono?|t[ée]l[ée]phone|m[óo]vil|celular|handy(?:nummer)?|portable|cellulare|"
        r"mobil(?:nummer)?|rufnummer|whatsapp|kom|tel\. kom|電話|手机|电话)"
        r" ?[.:=]? ?(?P<number>\+?\(?\d{2,4}\)?[ ./-]\d{2,8}(?:[ .-]\d{2,4}){0,4})(?![\w-])"), _enough_digits),
    Check("SSN", re.compile(
        r"(?i)(?<!\w)(?:oib|cnp|cuit|cuil|tfn|nhs|oasi|ahv|hetu|henkil[öo]tunnus|aadhar|burgerservicenummer|kimlik(?: no)?|"
        r"nir|c[ée]dula|rodn[ée] č[íi]slo|steuer-?id)"
        r"(?: (?:n(?:o|r|umber|[º°])\.?|student\w{0,2}|del? \w{1,12})){0,2} ?[:=#]? ?(?P<number>\d[\d ./-]{5,16}\d)(?![\w])"),
        _enough_digits),
    Check("STUDENT_ID", re.compile(
        r"(?i)(?<!\w)(?:n[°ºo]\.? (?:d')?[ée]tudiant|num[ée]ro [ée]tudiant|matr[íi]cula|n[úu]mero de (?:alumno|estudiante|"
        r"aluno)|numer albumu|studienummer|opiskelijanumero|学号|學號)"
        r" ?[:=#.]? ?(?P<number>\d{7,10})(?!\d)"), _enough_digits),
)  # fmt: skip
