"""Patterns for access data and addresses: logins, student and national numbers, meetings, telephones abroad, handles. Data only.

Further rows for ``patterns``, read by the same recognisers. Most need the word that names the number; the others count only with
right check digits (``numbers``).
"""

from __future__ import annotations

from canvas_pipeline.privacy.identities.numbers import (
    is_assigned,
    is_callable,
    is_checked,
    is_handle,
    is_identifying,
    is_login,
    is_secret,
)
from canvas_pipeline.privacy.identities.patterns import LIKELY, SURE, Pattern
from canvas_pipeline.privacy.word_lists import word_list

_IS = r"(?:\s(?:is|are|was))?"
_GAP = r"[\s:=#(\[\"'-]{1,4}"
# Labels of a login name; "AndrewID", "zID" and the like are any letters with ID at the end.
_LOGIN = (
    r"(?:(?:net|andrew|computing|directory|campus|university|login|log-?in|user|unity|access|sunet|student|unix|linux|lab|server)[\s_-]?id|"
    r"(?:uniq(?:ue)?|user|login|log-?in|account|unix)[\s_-]?name|login|logon|kerberos(?:\s(?:id|principal))?|onyen|eid|utorid|ubit(?:name)?|"
    r"crsid|onid|ccid|uni|uid|pid|hawkid|shortname|sid|upi)"
)
_NOT_A_PERSONS = r"(?:Course|Canvas|Quiz|Item|Assignment|Module|File|Page|Event|Group|Section|Video|Order|Ticket|Object|Process|Thread|Node|User|Session|Row|Data|Key|Rubric|Doc|Submission|Discussion|Question|App|Device|Image|Meeting|Zoom|CO|OV|VO|AV|KA|M|A)"
_ANY_ID = rf"(?<![A-Za-z])(?!{_NOT_A_PERSONS}ID)[A-Za-z]{{1,12}}ID"
_MIXED = r"(?=[A-Za-z]{0,8}\d)(?=\d{0,8}[A-Za-z])[A-Za-z0-9]{3,16}(?:-[a-z0-9]{1,8})?(?![A-Za-z0-9])"
_NUMBER = r"[A-Za-z]{0,2}-?\d(?:[\s-]?\d){4,11}(?![A-Za-z0-9])"
_SMALL = r"[a-z][a-z0-9._-]{1,18}[a-z0-9](?![A-Za-z0-9@])"
NUMBERED = (
    r"(?:cwid|nuid|ufid|buid|ruid|gtid|psid|nshe|usc\s?id|emplid|empl\s?id|[amrzkvuwgncd]-?number|win|uin|zid|studi\w{0,10}[\s-]?(?:id|nr\.?)|"
    r"roll\s(?:no\.?|number)|registration\s(?:no\.?|number)|regd?\.?\sno\.?|candidate\s(?:no\.?|number)|student\s?(?:no|nr|num|number|code)\.?|"
    r"enrol?lment\s(?:no\.?|number)|matric(?:\.|ulation|\.?\sno\.?|ulation\sno\.?)?(?:\s(?:no\.?|number))?|library\s(?:card|barcode)(?:\s(?:no\.?|number))?)"
)
NATIONAL = (
    r"(?:dni|nie|nif|rut|run|cpf|rg|curp|rfc|cuit|cuil|nino|national\sinsurance|ni\sn(?:o|umber)\.?|nhs|aadhaar|aadhar|pan|bsn|sofi|pesel|nip|"
    r"personnummer|f[øo]dselsnummer|cpr|henkil[öo]tunnus|hetu|ahv|avs|oasi|nir|insee|sin|tfn|ird|ppsn?|oib|jmbg|cnp|egn|amka|tckn|t\.?\s?c\.?\s?kimlik|kimlik|"
    r"codice\sfiscale|steuer-?id(?:nummer)?|idnr|sozialversicherungsnummer|svnr|rrn|nric|fin|mykad|ktp|nik|hkid|"
    r"(?:national|citizen|identity|tax(?:payer)?|resident|passport|social\sinsurance|health|medicare|driver'?s?\slicen[cs]e)\s?(?:id|number|no\.?|card|identity)*|"
    r"passport|c[ée]dula|carn[ée]|legajo|matr[ií]cula|matricola|matrikel(?:nummer|nr\.?|-nr\.?)?|matr\.?-?\s?nr\.?|num[ée]ro\s(?:d')?[ée]tudiant|"
    r"studentnummer|studienummer|opiskelijanumero|n[úu]mero\sde\s(?:aluno|alumno|control|cuenta|estudiante|matr[ií]cula)|numer\salbumu|ra|"
    r"주민등록번호|rodn[ée]\sč[íi]slo|student[\s-]n[ru]\.?|(?:im)?matrikulations?-?n(?:ummer|r\.?)|expediente|n[úu]mero\s(?:usp|unam|de\sexpediente)|"
    r"documento(?:\sde\sidentidad)?|ci(?=\s\d{1,2}\.\d{3})|(?:sa|za)\sid|carte\sd[’']?[ée]tudiant|insurance|social\ssecurity|"
    r"öğrenci\sno|c[óo]digo\sde\s(?:estudiante|alumno)|boleta|ine|"
    r"学号|學號|学籍番号|学生番号|학번|身份证号?|mssv|mã\ssố\ssinh\sviên)"
)
_NATIONAL_NUMBER = r"(?=(?:[^\d\n]{0,6}\d){5})[A-Z0-9](?:[ ./-]?[A-Z0-9]){4,22}(?:-?[kK])?(?![A-Za-z0-9])"
MEETINGS = r"(?:zoom|webex|teams|webinar|meeting|conference|dial-?in|join|bluejeans|gotomeeting|bigbluebutton|google\smeet|skype)"
_OF_MEETING = r"(?:zoom|webex|teams|meeting|webinar|conference|room|call|link|id|no\.?|number|nr\.?|code|access|personal|pmi|via|on|at|with|is|in)"
# Nine to twelve digits in any groups, no date at their head.
_MEETING = (
    r"(?!(?:19|20)\d\d[\s-]\d\d[\s-]\d)(?:\d{9,12}(?!\d)|(?=\d(?:[\s-]?\d){8,11}(?![\s-]?\d))\d{2,5}(?:[\s-]\d{2,5}){1,4}(?!\d)"
    r"|\d{3}[\s-]?\d{3,4}[\s-]?\d{3,4}(?:[\s-]?\d{2,3})?(?!\d|[\s-]?\d))"
)
_SECRET = r"(?:pass\s?code|password|passwd|passphrase|pwd|pw|pin|host\skey|(?:access|entry|door|gate|attendance|join|enrol+ment)\s(?:code|key)|kenncode|contraseña|clave|mot\sde\spasse|kennwort|passwort)"
CALLS = (
    r"(?:call|phone|cell|tel|telephone|telefone?|tel[ée]fono|t[ée]l[ée]phone|t[ée]l|mobile|mobil|m[óo]vil|celular|cellulare|handy|portable|text|"
    r"sms|whats\s?app|wechat|signal|viber|zalo|fax|ring|dial|contact|kontakt|contacto|ll[aá]m[ae](?:r|me|n|le)?|appele[rz]|liga[r]?|ligue|bel(?:len)?|an?rufen|ruf|ring[ea]?|chiama(?:re|te|mi)?|"
    r"zadzwo[ńn](?:cie)?|dzwo[ńn]|tlf|tel\.?\snr|telefonnummer|sime|hubungi|telepon|gọi|телефон|тел|позвони(?:ть|те)?|звони(?:ть|те)?|連絡先|voicemail|hotline|"
    r"(?:my|our|his|her|their|new)\snumber|reach(?:\s(?:me|us|him|her))?|电话|手机|電話|手機|전화|điện\sthoại)"
)
_CALLED = rf"(?<![^\W_]){CALLS}(?:\s(?:me|us|him|her|them|at|on|to|is|number|no\.?|nr\.?|al|au|le|the|call|group|id|if)){{0,3}}[\s.:#=-]{{0,4}}"
APPS = (
    r"(?:discord|we\s?chat|weixin|微信|whats\s?app|telegram|signal|kakao(?:\s?talk)?|snap(?:chat)?|insta(?:gram)?|ig|twitter|tik\s?tok|slack|git\s?hub|"
    r"git\s?lab|group\s?me|skype|viber|zalo|steam|twitch|reddit|venmo|cash\s?app|paypal|facebook|fb|linked\s?in|bluesky|mastodon|threads|(?-i:LINE|Line)\sid|"
    r"(?:chat|group(?:\schat)?)\s(?:host|admin|owner))"
)
_OF_APP = r"(?:[\s/](?:id|handle|user(?:name)?|user\sname|tag|account|name|is|me|at|wechat|whatsapp|discord|instagram|insta)){0,3}"
# Triggers and cues: what a text has in which an expression can match.
_ID_WORD = r"[A-Za-z]ID(?![A-Za-z])"
_FIVE_DIGITS = r"\d(?:[^\d\n]{0,6}\d){4}"
_SEVEN_DIGITS = r"\d(?:[\s().\-/]{0,3}\d){6}"
_SIGNED = r"[:=(\[]|\s(?i:is|are)[\s:]"
_OF_LOGINS = frozenset(word_list("login_cues"))
_OF_SECRETS = frozenset(
    "code passcode password passwd passphrase pwd pw pin key kenncode contraseña clave passe kennwort passwort".split()
)
OF_APPS = frozenset(word_list("app_cues"))


ACCOUNTS: tuple[Pattern, ...] = (
    Pattern("USERNAME", "login with a digit", rf"(?i)(?<![^\W_]){_LOGIN}{_IS}{_GAP}\K(?-i:{_MIXED})", SURE, r"\d", valid=is_login, cues=_OF_LOGINS),
    Pattern("USERNAME", "login of any ID, with a digit", rf"{_ANY_ID}{_IS}{_GAP}\K(?:{_MIXED})", SURE, _ID_WORD, valid=is_login),
    Pattern("USERNAME", "login in letters", rf"(?i)(?<![^\W_]){_LOGIN}(?:\s(?:is|are)[\s:]{{1,2}}|\s?[:=(\[]\s?)\K(?-i:{_SMALL})", SURE, _SIGNED, valid=is_login, cues=_OF_LOGINS),
    Pattern("USERNAME", "login of any ID, in letters", rf"{_ANY_ID}(?:\sis[\s:]{{1,2}}|\s?[:=(\[]\s?)\K{_SMALL}", SURE, _ID_WORD, valid=is_login),
    Pattern("USERNAME", "login in the name of a file", r"(?<![A-Za-z0-9])[a-z]{2,4}\d{3,5}(?=_[A-Za-z0-9_-]{1,30}\.[a-z]{1,5}\b|\.(?:zip|pdf|tar|tgz|gz|docx?|py|ipynb|java|cpp|c|txt|xlsx|pptx|r|rmd|m)\b)", LIKELY, r"\d(?:_[A-Za-z0-9_-]{1,30})?\.[a-z]", valid=is_login),
    Pattern("STUDENT_ID", "a small letter and seven digits", r"(?<![A-Za-z0-9.#/-])[abcdhklmnpqrstuwyz]\d{7}(?![A-Za-z0-9]|-[0-9a-f]{4})", LIKELY, r"\d{7}"),
    Pattern("STUDENT_ID", "after any ID", rf"{_ANY_ID}{_IS}{_GAP}\K(?:{_NUMBER})", SURE, _ID_WORD),
    Pattern("STUDENT_ID", "after a campus's name for it", rf"(?i)(?<![^\W_]){NUMBERED}{_IS}{_GAP}\K(?-i:{_NUMBER})", SURE, _FIVE_DIGITS),
    Pattern("SSN", "national number after its name", rf"(?i)(?<![^\W_]){NATIONAL}(?:[\s-](?:number|no\.?|nr\.?|nummer|n[ºo°]?\.?|card|id|code|universitari[oa]|estudiantil|(?:d[eioa]l?\s)?(?:estudiante|alumn[oa]|alun[oa]|estudante|discente|identidade?|studente)|usp))?{_IS}[\s:=#(\[.º°-]{{0,4}}\K(?-i:{_NATIONAL_NUMBER})", SURE, _FIVE_DIGITS, valid=is_identifying),
    Pattern("SSN", "national number with its check digits", r"(?<![\w.-])(?:\d{8}[A-Z]|[XYZ]\d{7}[A-Z]|\d{1,2}\.\d{3}\.\d{3}-[\dkK]|\d{7,8}-[\dkK]|\d{3}\.\d{3}\.\d{3}-\d{2}|[A-Z]{6}\d{2}[A-Z]\d{2}[A-Z]\d{3}[A-Z]|[A-Z]{4}\d{6}[HM][A-Z]{5}[A-Z0-9]\d|\d{6}[-+A]\d{3}[0-9A-Z]|\d{6}-\d{7}|756\.\d{4}\.\d{4}\.\d{2}|\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}|\d{2}-\d{8}-\d|\d{17}[\dX]|[12]\s\d{2}\s\d{2}\s\d{2}\s\d{3}\s\d{3}(?:\s\d{2})?)(?![\w-]|\.\d)", LIKELY, _FIVE_DIGITS, valid=is_checked),
    Pattern("SSN", "national insurance", r"(?<![\w.-])[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\s\d{2}\s\d{2}\s\d{2}\s[A-D](?!\w)", LIKELY, r"\d\d\s\d\d\s\d\d", valid=is_checked),
    Pattern("USERNAME", "meeting", rf"(?i)(?<![^\W_]){MEETINGS}(?:[\s:(/]{{1,3}}{_OF_MEETING}){{0,4}}[\s:#=(,/-]{{1,4}}\K{_MEETING}", SURE, _FIVE_DIGITS),
    Pattern("USERNAME", "meeting in letters", r"(?i)\bmeet(?:\.google\.com/|ing)?[\s:]{0,2}(?:code|id|link)?[\s:]{0,2}\K(?-i:[a-z]{3}-[a-z]{4}-[a-z]{3})(?![\w-])", SURE, r"(?i)meet"),
    Pattern("USERNAME", "pass code", rf"(?i)(?<![^\W_]){_SECRET}(?:\s(?:is|for\szoom))?[\s:=#(\"']{{1,4}}\K(?=[^\s,;()\"']{{0,19}}\d)[^\s,;()\"'@]{{4,20}}", SURE, r"\d", valid=is_secret, cues=_OF_SECRETS),
    Pattern("USERNAME", "pass code in letters", rf"(?i)(?<![^\W_]){_SECRET}\s?[:=]\s?[\"']?\K(?-i:{_SMALL})", SURE, _SIGNED, valid=is_login, cues=_OF_SECRETS),
    Pattern("USERNAME", "code of a meeting", r"(?i)(?<=\b(?:zoom|webex|webinar|meeting|join)\b.{0,60}\b)(?:code|key|pin)[\s:=#]{1,3}\K\d{4,10}(?!\d)", SURE, r"\d{4}", cues=_OF_SECRETS),
    Pattern("PHONE", "after a word of calling, of any country", rf"(?i){_CALLED}\K\+?\(?\d(?:[\s().\-/]{{0,3}}\d){{6,14}}(?![\w-]|\.\d)", SURE, _SEVEN_DIGITS, valid=is_callable),
    Pattern("PHONE", "national, as written abroad", r"(?<![\w.+\-/])(?:0[1-9](?:[\s.]\d{2}){4}|[6-9]\d{4}\s\d{5}|07\d{3}\s\d{6}|1[3-9]\d\s\d{4}\s\d{4}|\(0\d{1,4}\)\s?\d{3,4}[\s-]?\d{3,5}|0[1-9]\d{1,3}\s?/\s?\d{5,8}|04\d{2}\s\d{3}\s\d{3})(?![\w\-/]|\.\d)", LIKELY, _SEVEN_DIGITS, valid=is_assigned),
    Pattern("USERNAME", "handle with a digit or mark", rf"(?i)(?<![^\W_]){APPS}{_OF_APP}[\s:=(@-]{{1,4}}\K(?=[A-Za-z]*[\d_.#])[A-Za-z][\w.]{{1,31}}(?:#\d{{4}})?(?!\w|\.\w)", SURE, r"[\d_.#]", valid=is_handle, cues=OF_APPS),
    Pattern("USERNAME", "handle in letters", rf"(?i)(?<![^\W_]){APPS}{_OF_APP}\s?(?:[:=(@]|\s-|\bid\b)\s?@?\K(?-i:{_SMALL})", SURE, r"[:=(@-]|(?i:id)", valid=is_handle, cues=OF_APPS),
    Pattern("USERNAME", "handle with its four digits", r"(?<![\w#.@])[A-Za-z][\w.]{2,31}#\d{4}(?!\w)", LIKELY, r"#\d{4}", valid=is_handle),
    Pattern("USERNAME", "number of a chat", r"(?i)(?<![^\W_])qq(?:\s?(?:号|id|number|group))?[\s::#]{0,3}\K\d{5,11}(?!\d)", SURE, r"(?i)qq"),
)  # fmt: skip
