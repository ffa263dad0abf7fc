# ruff: noqa: E501 - one pattern a line
"""Patterns for ids by their clause, whatever the wording: a number or name of the right form, and a cue before or behind it.

Further rows for ``patterns``; data only. Words may come between the cue and the id, more of them the longer and stranger the id.
Numbers of things ("order no. 12345678") identify nobody. Cues are in several languages.
"""

from __future__ import annotations

from canvas_pipeline.privacy.identities.account_patterns import APPS, CALLS, MEETINGS, NATIONAL, NUMBERED, OF_APPS
from canvas_pipeline.privacy.identities.handle_patterns import OF_PLATFORMS, PLATFORMS
from canvas_pipeline.privacy.identities.numbers import (
    is_assigned,
    is_callable,
    is_coined,
    is_coined_or_mixed,
    is_coined_with_digits,
    is_group_code,
    is_identifying,
    is_long_id,
    is_secret,
)
from canvas_pipeline.privacy.identities.patterns import LIKELY, SURE, UNIT, Pattern

_WORDS_BETWEEN = r"(?:[\s.:=#(\[°º,'’/\"-]{1,3}[^\W\d_]{1,18}\.?)"
_SIGNS = r"[\s.:=#(\[°º\"'-]{0,4}"
_SEVEN = r"\d(?:[ ./()-]{0,2}\d){6}"
# Seven digits or more in any groups, with the letters that such numbers begin or end with.
_LONG = (
    r"(?<![\w/$€£@-])(?:[A-Z]{1,3}[ -]?)?\d(?:[ ./-]?\d){6,19}(?:[ -]?[A-Z]\d?|-[kKX])?(?![\w%]|[.,]\d|\s{1,2}"
    + UNIT
    + r")"
)
_ITEMS = (
    r"(?:order|ticket|item|isbn|issn|doi|pmid|arxiv|oclc|invoice|case|catalog(?:ue)?|model|serial|accession|patent|build|seed|page|canvas|course|assignment|"
    r"quiz|module|section|crn|submission|file|event|discussion|video|version|record|barcode|part|sku|asset|device|tracking|grant|gene|cas|"
    r"timestamp|population|budget|step|equation|problem|figure|table|episode|flight)"
)
# Cues of a person's number: names of such numbers, and plain words for a number or card.
_NUMBER_WORD = (
    rf"(?:{NATIONAL}|{NUMBERED}|aadhaa?r|[^\W\d_]{{2,20}}(?:nummer|numer|number|nr|kod|kode|kennung|zahl)|n[°ºo]\.?|nr\.?|nº|№|num\.?|n[úu]mero|num[ée]ro|numer|"
    r"number|ids?|i\.d\.|cards?|carte|carta|tarjeta|karte|kort|karta|kartu|docum\w{2,6}|dokum\w{2,5}|passport|pasaporte|passeport|passaporto|reisepass|ausweis\w{0,9}|"
    r"pas|licen[cs]e|permit|visa|registr\w{0,9}|inscri\w{2,8}|einschreib\w{0,6}|badge|student\w{0,4}|studi\w{1,6}|[ée]tudiant\w{0,2}|estudiant\w{1,3}|estudante|"
    r"alum\w{1,3}|alun\w|[ée]l[èe]ve|matr[iíi]\w{2,14}|personal|personnel|birth|insurance|security|svn\w{0,2}|pnr|persnr)"
)
_ACRONYM = r"(?!(?:ISBN|ISSN|DOI|PMID|OCLC|CRN|COURSE|GPA|USD|EUR|GBP|NASA|UTC|SKU)\b)(?:[A-Z]{2,6}|(?:[A-Z]\.){2,5})"
_MEETING_WORD = (
    rf"(?:{MEETINGS}|zoom\w{{2,8}}|jitsi|bbb|whereby|[^\W\d_]{{0,14}}(?:besprechung|sitzung|konferenz)|r[ée]union|reuni[óo]n|reuni[ãa]o|riunione|m[øö]te|vergadering|spotkanie|"
    r"kennung|visio\w{0,10}|video\w{3,10}|sala|salle|aula|webconf\w{0,7}|meet|meetings?|event|pmi|dial-?in|einwahl|host|会议|會議|회의)"
)
_NINE = r"(?!(?:19|20)\d\d[ .-]\d\d[ .-]\d)\d(?:[ .-]?\d){8,12}(?![\w-])"
_SECRET_WORD = (
    r"(?:code\s(?:secret|d[’']acc[èe]s)|mot\sde\spasse|mdp|clave|contraseña|senha|passwor[dt]|passwd|passcode|pwd|pw|kennwort|zugangs\w{2,8}|kenn?code|has[łl]o|l[öo]senord|"
    r"wachtwoord|adgangskode|passord|codice|c[óo]digo|salasana|parola|şifre|heslo|jelsz[óo]|secret|access\s(?:code|key)|pin|pass|key\s?code|密码|密碼|パスワード|пароль|код|비밀번호)"
)
_CALL_WORD = (
    rf"(?:{CALLS}|n[úu]mero|[^\W\d_]{{0,16}}nummer|number|nr\.?|n°|numer|cel|fijo|fixe|festnetz|tfno|gsm|natel|kom\.?|landline|emergency|emergencia|urgence|notfall|helpline|"
    r"helpdesk|extension|line|reception|recepci[óo]n|front\sdesk|dorm|ring\w{0,4}|voicemail|callback|call\w{0,4}|phon\w{1,4}|text\w{0,3}|reach\w{0,3}|messag\w{1,3}|mov\.?|mobiel\w?|puhelin|puh\.?|"
    r"komórk\w|numéro|whats\w{0,3}|sos|safety|security|office|secretar\w{1,3}|segreteria|sekretariat)"
)
_GROUPED_CALL = r"(?<![\w/$@-])(?:\+?\(?\d{1,4}\)?(?:[ ./-]\(?\d{1,8}\)?){1,6}|\+?0?\d{9,12})(?![\w%-]|[.,]\d)"
_COINED = r"[a-z][a-z._-]{2,20}[a-z](?![\w@]|[.-]\w)"
_COINED_OR_MIXED = r"[a-z][a-z0-9._-]{2,22}[a-z0-9](?![\w@]|[.-]\w)"
_ON = r"(?:on|via|in|over|at|en|sur|auf|su|no|na|på|op|@|from)"
_SITES = rf"(?:{APPS}|{PLATFORMS})"
_OF_LABELS = frozenset(
    "user username login logon account acct owner handle alias log sign signed logged netid key id portal pass usuario compte konto benutzer cuenta "
    "identifiant utente conta".split()
)

CUED: tuple[Pattern, ...] = (
    Pattern("STUDENT_ID", "long number, of somebody by its clause", rf"(?i)(?<![^\W_])(?<!\b{_ITEMS}s?[\s#:]{{0,3}}){_NUMBER_WORD}{_WORDS_BETWEEN}{{0,4}}{_SIGNS}(?-i:\K{_LONG})", LIKELY, _SEVEN, valid=is_long_id),
    Pattern("STUDENT_ID", "long number, after letters that stand for one", rf"(?<![^\W_]){_ACRONYM}{_WORDS_BETWEEN}{{0,2}}{_SIGNS}\K{_LONG}", LIKELY, _SEVEN, valid=is_long_id),
    Pattern("STUDENT_ID", "letters and digits, of somebody by its clause", rf"(?i)(?<![^\W_])(?<!\b{_ITEMS}s?[\s#:]{{0,3}}){_NUMBER_WORD}{_WORDS_BETWEEN}{{0,2}}{_SIGNS}(?-i:\K(?=[A-Z/-]*\d)(?=[\d/-]*[A-Z])(?=(?:[A-Z/-]*\d){{4}})[A-Z0-9]{{2,12}}(?:[/-][A-Z0-9]{{2,8}}){{0,3}}(?![\w%]|[.,]\d))", LIKELY, r"(?:\d[A-Z/-]{0,8}){3}\d", valid=is_identifying),
    Pattern("STUDENT_ID", "eight or nine digits in brackets", r"(?<=[(\[]\s?#?)\d{8,9}(?=\s?[)\]])", LIKELY, r"\d{8}", valid=is_long_id),
    Pattern("USERNAME", "meeting, by its clause", rf"(?i)(?<![^\W_]){_MEETING_WORD}{_WORDS_BETWEEN}{{0,4}}{_SIGNS}\K{_NINE}", SURE, _SEVEN, valid=is_long_id),
    Pattern("USERNAME", "meeting in groups of letters", r"(?<![\w./-])[a-z0-9]{3,4}(?:-[a-z0-9]{3,4}){2,3}(?![\w-]|\.\w)", LIKELY, r"[a-z0-9]-[a-z0-9]{3,4}-[a-z0-9]", valid=is_group_code),
    Pattern("USERNAME", "pass code, in other languages", rf"(?i)(?<![^\W_]){_SECRET_WORD}(?:\s[^\W\d_]{{1,10}}){{0,2}}\s?[:=#(\"'-]?\s?[\"']?\K(?!(?:19|20)\d\d(?!\w))(?=[^\s,;()\"']{{0,19}}\d)[^\s,;()\"'@:]{{4,20}}", LIKELY, r"\d", valid=is_secret,
            cues=frozenset("secret passe mdp clave contraseña senha password passwort passwd passcode pwd pw kennwort zugangscode kenncode kencode hasło haslo lösenord losenord wachtwoord adgangskode passord codice código codigo salasana parola şifre heslo jelszó access pin pass code accès 密码 密碼 パスワード пароль код 비밀번호".split())),
    Pattern("USERNAME", "pass code, further on", r"(?i)(?<![^\W_])(?:passwor[dt]|pass\s?code|passwd|pwd|kennwort|contraseña|senha|mot\sde\spasse)(?:\s[^\W\d_]{1,12}){0,4}\s?[:=]?\s?[\"']?\K(?-i:(?=[A-Za-z]{0,15}\d)(?=\d{0,15}[A-Za-z])(?!\d+(?:st|nd|rd|th|am|pm)\b)[\w!#$%*+-]{5,20}|\d{5,10})(?![\w@])", LIKELY, r"\d", valid=is_secret, cues=frozenset("password passwort passcode pass passwd pwd kennwort contraseña senha passe".split())),
    Pattern("USERNAME", "of a forum", r"(?<![\w/])u/\K[A-Za-z][\w-]{2,20}(?![\w/])", SURE, r"u/"),
    Pattern("PHONE", "of any country, by its clause", rf"(?i)(?<![^\W_]){_CALL_WORD}{_WORDS_BETWEEN}{{0,3}}{_SIGNS}\K{_GROUPED_CALL}", LIKELY, _SEVEN, valid=is_callable),
    Pattern("PHONE", "with a leading zero, in groups", r"(?<![\w.,:/$@+-])(?=(?:[ ()./-]{0,2}\d){9})\(?0\d{1,4}\)?(?:[ ./-]\d{2,8}){1,4}(?![\w/%-]|[.,]\d)", LIKELY, _SEVEN, valid=is_assigned),
    Pattern("USERNAME", "login by its shape", r"(?<![A-Za-z0-9.@/#+&-])[a-z]{4,12}\d{1,4}(?![A-Za-z0-9]|\.\w{5}|-\d)", LIKELY, r"[a-z]{4}\d", valid=is_coined_with_digits),
    Pattern("USERNAME", "short login of a file", r"(?<![A-Za-z0-9.@/#-])[a-z]{1,3}\d{4,7}(?=[-_][\w-]{1,30}\.[a-z]{1,5}\b)", LIKELY, r"\d{4}[-_]", valid=is_secret),
    Pattern("USERNAME", "with which one signs in", rf"(?i)(?<![^\W_])(?:sign|log)(?:ed|ging|ging|ing)?[\s-]?(?:in|on|into)?(?:\s[a-z]{{1,8}}){{0,2}}?\s(?:with|as|using|under)\s(?:user\s|the\s|id\s)?[\"']?\K(?-i:{_COINED_OR_MIXED})", LIKELY, r"[a-z]{3}", valid=is_coined, cues=frozenset({"sign", "signed", "signing", "log", "logged", "logging", "login", "logon", "signin"})),
    Pattern("USERNAME", "of a user or account", rf"(?i)(?<![^\W_])(?:user(?:\s?name)?|usr|login|logon|account|acct|owner|handle|alias|netid|alumn\w?id)(?:\s(?:name|id|is|for|of|called|named))?[\s:=(\"'-]{{1,4}}\K(?-i:{_COINED_OR_MIXED})", LIKELY, r"[a-z]{3}", valid=is_coined, cues=_OF_LABELS),
    Pattern("USERNAME", "of a user or account, in other languages", rf"(?i)(?<![^\W_])(?:usuari[oa]|compte|identifiant|benutzer(?:name|kennung)?|konto|cuenta|utente|conta|kennung|usu[áa]rio|gebruiker(?:snaam)?|användar\w{{0,4}}|brukernavn|bruger\w{{0,4}})\s?[:=(]\s?\K(?-i:{_COINED_OR_MIXED})", LIKELY, r"[:=(]", valid=is_coined),
    Pattern("USERNAME", "letters and digits after a label", rf"(?<![A-Za-z])(?:[A-Za-z]{{2,12}}[- ](?:ID|Id|id|Key|key|[Kk]ennung|[Nn]ame|login|Login|[Aa]ccount)|[Kk]ennung|[Nn]utzer\w{{0,8}}|SSO|VPN|[A-Z]{{3,6}}\s(?:ID|[Kk]ey|[Ll]ogin|[Uu]ser))\s?(?:is\s)?[:=#(]?\s?\K(?:(?=[a-z]{{1,12}}\d)[a-z]{{1,12}}\d{{1,6}}[a-z]{{0,3}}|{_COINED})(?![\w@])", LIKELY, r"[a-z]\d|[a-z]{3}", valid=is_coined_or_mixed, cues=frozenset("id key kennung name login account nutzerkennung nutzername sso vpn user".split())),
    Pattern("STUDENT_ID", "number of a candidate", r"(?i)(?<![^\W_])(?:candidate|examinee|roll|seat|registration|enrol+ment|matric|student|applicant|kandidat\w{0,2}|aspirante|candidato)(?:\s(?:no\.?|nr\.?|number|id|code))?\s?[:#=]?\s?\K\d{5,12}(?![\w%]|[.,]\d|\s{1,2}" + UNIT + ")", LIKELY, r"\d{5}", valid=is_identifying),
    Pattern("USERNAME", "after a label with a sign", rf"(?<![A-Za-z])(?:[A-Z]{{3,6}}|[A-Z][a-z]{{1,9}}(?:[A-Z][a-z]{{1,9}}|ID)|[a-z]{{2,12}}(?==))\s?[:=]\s?[\"'@]?\K{_COINED_OR_MIXED}", LIKELY, r"(?:[A-Z]{3}|[a-z][A-Z][a-z]{1,9}|[a-z]ID|[a-z](?==))\s?[:=]\s?[\"'@]?[a-z]", valid=is_coined),
    Pattern("USERNAME", "on a platform that stands behind it", rf"(?i)(?<![\w.@/#-])(?-i:{_COINED_OR_MIXED})(?=\s?(?:\(|-|–)?\s?(?:{_ON}\s)?(?:my\s|our\s|the\s)?{_SITES}(?![^\W_]))", LIKELY, r"[a-z]{3}", valid=is_coined, cues=OF_APPS | OF_PLATFORMS),
    Pattern("USERNAME", "to whom one writes", r"(?i)(?<![^\W_])(?:dm|message|msg|ping|add|follow|tag|mention|venmo|pay|friend|ask|text|contact|find|invite)\s@?\K(?-i:[a-z][a-z0-9]{2,20}[._][a-z0-9._]{1,12}|[a-z]{3,14}\d{1,5})(?![\w@/-]|\.\w)", LIKELY, r"[a-z][._\d]", valid=is_coined, cues=frozenset("dm message msg ping add follow tag mention venmo pay friend ask text contact find invite".split())),
    Pattern("USERNAME", "as whom one is found", rf"(?i)(?<![^\W_]){_SITES}(?:\s[^\W\d_]{{1,10}}){{0,2}}?(?:\s(?:as|is|under|at|user(?:name)?|handle|nick(?:name)?|id|acct|account|profile|tag|name|contact|admin|mod|host)(?![^\W_])|\s?(?:->|→|=|:|@))\s?[:=@\"'(-]{{0,2}}\s?@?\K(?-i:{_COINED_OR_MIXED})", LIKELY, r"[a-z]{3}", valid=is_coined, cues=OF_APPS | OF_PLATFORMS),
    Pattern("USERNAME", "after a cue in another script", r"(?:微信号?|微訊|QQ号?|加我|카톡|카카오톡|텔레그램|телеграм|телега|тг|вк|ник|ラインID|アカウント|用户名|账号)\s?(?:id|ID)?\s?[::=]?\s?@?\K[A-Za-z][\w.-]{3,30}", SURE, r"[^\x00-\x7f]\s?(?:id|ID)?\s?[::=]?\s?@?[A-Za-z]"),
)  # fmt: skip
