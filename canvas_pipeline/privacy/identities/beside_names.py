"""Find people whose name is a word too, or is in another language, by the words beside it: "Pat's notes", "Entrevista a Hope
Lund".

The work is linear. A name that is a word too counts only beside words that ask for a person, a month's name only where it cannot
be a month.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from canvas_pipeline.privacy.identities.cued_names import (
    GOES_ON,
    PART,
    UNSURE,
    WORD_GIVEN,
    is_given,
    is_surname,
    stands_alone,
)
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import GIVEN, SURNAMES
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_famous, reads_as_word

_GIVEN_SURNAME = re.compile(rf"(?<![\w@'’-])(?P<given>{PART}) (?P<surname>{PART})(?![\w@]|['’-]\w)")
_GIVEN_INITIAL = re.compile(
    rf"(?<![\w@'’-])(?P<given>{PART}) (?P<initial>[A-Z])(?:\.(?!\w)|(?=$|[,;:)!?]|\s[-–—(]|\s(?:and|&|on|for|about)\s))"
)
_OWNED = re.compile(
    rf"(?<![\w@'’-])(?P<given>{PART})['’]s\s(?:[a-z]+\s)?(?P<thing>study|guide|notes?|drafts?|slides?|section|group|essay|"
    rf"papers?|project|presentation|feedback|"
    r"comments?|office|lab|half|part|turn|code|repo|copy|version|birthday|party|laptop|desk|e-?mail|number|schedule|class|"
    r"lecture|review|doc|"
    r"document|folder|outline|edits?|answers?|questions?|response|post|reply|work|homework|portfolio|poster|talk|team|advice|"
    r"recital|"
    r"interview|table|extension|absence|locker|bike|house|place|dorm|apartment|car|workshop|table|mom|dad|friend|tutoring|oh|"
    r"recitation|hours)\b"
)
_TITLE_OR_PLACE = frozenset(
    "Don Van Dean Major Duke Georgia Dakota Sierra Savannah Austin Dallas Chelsea Summer Autumn River Brook".split()
)
_MONTHS = frozenset("April May June August".split())
_OF_A_MONTH = frozenset(
    "schedule class homework project turn lecture review work party part post version workshop hours".split()
)
_DONE_FOR = re.compile(
    r"(?<![\w@])(?i:feedback|notes?|comments?|messages?|e-?mails?|texts?|letters?|cards?|gifts?|present|repl(?:y|ies)|"
    r"responses?|edits?|reviews?|questions?|calls?|"
    r"slides|drafts?|advice|thanks?|thank-?you|birthday|farewell|condolences?|dms?|recommendation|reference|critique|help|"
    r"ride|tickets?|books?|"
    r"copy|key|answers?|extension|invit\w{1,6}|surprise|party|packet|forms?|essay|paper|shadow\w{0,3}|tutor\w{0,3}|"
    r"meet\w{0,3}|lunch|coffee|chat|talk|"
    r"sit-?in|cover\w{0,3}|sub(?:bing)?|makeup|check-?in|cc|bcc|dear|hi|hello|hey|fwd|congrats|regards|love|sincerely|"
    r"partnered|paired|working|"
    r"studying|study|practice|rehears\w{1,4})(?:[\s-][a-z]+){0,2}?"
    rf"(?:\s(?i:from|for|to|by|with|of)|,|\s?[:=-])\s(?P<given>{PART})(?![\w@]|['’-]\w)"
    rf"|(?<![\w@])(?i:b?cc|dear|hi|hello|hey|congrats|love|sincerely|regards|thanks|thank you|"
    rf"rsvp to),?\s(?P<greeted>{PART})(?![\w@]|['’-]\w)"
)
_ENDS = re.compile(
    rf"{GOES_ON.pattern}|\s(?:this|next|before|after|by|until|in|who|is|was|has|today|tomorrow|tonight|again|please|also|or|"
    rf"with|via|[MTWFS]\w{{1,6}}day)\b|['’]s\b|\s?[-–—]\s"
)
_ROLE = (
    r"(?i:tutor\w{0,3}|tas?|mentor\w{0,3}|partners?|coach\w{0,3}|grad(?:er|ed)|advis\w{2,4}|instructor|teacher|presenters?|"
    r"speaker|guest|host\w{0,3}|led|"
    r"office\shours|oh|meeting|session|zoom|call|appointment|interview\w{0,3}|check-?in|chat|review\w{0,3}|help|talk|visit|"
    r"group|team|pair|roommate|"
    r"leader|captain|scribe|note-?taker|contact|buddy|counsel\w{1,3}|proctor\w{0,3}|moderator|supervisor|betreuer\w{0,2}|"
    r"tutora?|profes\w{2,5}|dozent\w{0,2}|docente|"
    r"asesora?|orientadora?|encadrant\w?|tuteur|relator[ei]|ansprechpartner\w{0,2}|handledare|begeleider)"
)
_LABELLED = re.compile(
    rf"(?<![\w@]){_ROLE}(?:\s[a-z]+){{0,3}}\s?(?:[=:]|[-–—]{{1,2}}>?|→)\s?(?P<name>(?P<given>{PART})(?: (?P<surname>{PART}|"
    rf"[A-Z]\.?))?)(?![\w@]|['’-]\w)"
)
_ENCLOSED = re.compile(rf"(?<![\w@]){_ROLE}(?:\s[^\W\d_]{{1,15}}){{0,2}}\s\((?P<given>{PART})(?=\)|,\s[^\d])")
_ROLE_BEHIND = re.compile(
    rf"(?<![\w@'’-])(?P<given>{PART})(?:\s?[-–(,]\s?(?:my\s|our\s|the\s)?(?:ta|tutor|(?:lab\s)?partner|mentor|coach|grader|"
    rf"advis[eo]r|instructor|presenter|speaker|roommate)\b"
    r"|\s(?:presents|leads|hosts|teaches|grades|graded|brings|covers|said|emailed|texted|asked|shared|sent|presenting|leading)\b)"
)
_TITLES = (
    r"(?:Herr|Frau|Se[ñn]or(?:a|ita)?|Sra?\.|Doña|Mme|Mlle|Madame|Mademoiselle|Monsieur|Signor(?:a|ina)?|Sig\.(?:ra)?|"
    r"Dott\.(?:ssa)?|Dottor(?:essa)?|Prof\.ssa|Professoressa|"
    r"Profa?\.?|Profe|Professora|Profesora?|Professeure?|Maestr[oa]|Dra\.?|Lic\.|Ing\.|Mag\.|Meneer|Mevrouw|Dhr\.|Mevr\.|"
    r"Mw\.|Fru|Fr[öo]ken|Lektor|Pani|Sensei|Ustadh|Coach|Rabbi|"
    r"Father|Sister|Brother|Sgt\.?|Capt\.?|Major|Col\.?|Lt\.?|Rev\.?|Pastor|Chef|Maestra)"
)
_TITLED = re.compile(rf"(?<![\w@]){_TITLES}\s(?:[A-Z]\.?\s)?(?P<name>{PART}(?: {PART})?)(?![\w@]|['’-][A-Z])")
_ABROAD = re.compile(
    r"(?<![^\W_])(?i:(?:entrevista(?:r)?|pregunta(?:r)?|escribir|agradecer|ayuda(?:r)?|carta|correo)\sa|(?:reuni[óo]n|cita|"
    r"tutor[íi]a|clase|charla|taller|entrevista|almuerzo|proyecto|grupo)\scon|"
    r"(?:presentaci[óo]n|charla|tutor[íi]a|comentarios|apuntes|notas|cumplea[ñn]os|oficina|conferencia)\sde|(?:entretien|"
    r"rendez-vous|rdv|r[ée]union|cours|appel|binôme|binome|projet|"
    r"tutorat|rencontre|discussion)\savec|(?:expos[ée]|notes|commentaires|anniversaire|bureau|retour|présentation|"
    r"conf[ée]rence)\sde|(?:merci|demander|écrire|mail|lettre)\s[àa]|"
    r"(?:gespr[äa]ch|treffen|interview|termin|besprechung|projekt|partnerarbeit|telefonat|meeting)\smit|(?:termin|"
    r"sprechstunde|vorlesung|klausur|seminar|kurs|praktikum)\sbei|"
    r"(?:referat|vortrag|feedback|notizen|mail|folien|präsentation|geburtstag)\svon|(?:brief|mail|nachricht|frage|danke)\san|"
    r"colloquio\scon|(?:incontro|lezione|riunione|ricevimento|pranzo|progetto|intervista)\scon|"
    r"(?:ricevimento|lezione|appunti|relazione|intervento|seminario)\sdi|(?:intervista|chiedere|lettera|scrivere)\sa|"
    r"(?:reuni[ãa]o|conversa|entrevista|aula|almoço|projeto|monitoria|encontro)\scom|"
    r"(?:apresentaç[ãa]o|notas|palestra|comentários|anivers[áa]rio|monitoria)\sd[eoa]|(?:gesprek|afspraak|overleg|"
    r"interview)\smet|(?:m[öo]te|samtal|intervju)\smed|spotkanie\sz)\s"
    rf"(?P<name>(?P<given>{PART}|[A-Z]\.)(?: (?P<surname>{PART}))?)(?![\w@]|['’-]\w)"
)
_NOUN_END = re.compile(
    r"(?:en|ern|er|e|ung|ungen|heit|keit|schaft|innen|rin|teams?|gruppe|partner|leuten|ión|iones|tion|tions|dad|tà|ção|ções|"
    r"isme|ismo|ie|ia|ía|ik)$|^[^a-z]+$"
)
_MET = re.compile(r"^[^\W_]+(?:-[^\W_]+)*\s(?:con|avec|com|met|med|mit|bei|z|an|à)\s", re.I)
_WITH_ME = re.compile(
    rf"(?<![\w@'’-])(?:(?P<one>{PART})\s?(?:and|&|\+|y|et|und|e)\s?(?:I|me|myself|yo|moi|ich)(?![\w'’])|(?:me|"
    rf"myself)\s?(?:and|&|\+)\s?(?P<other>{PART})(?![\w'’]))"
)
_AFTER_A_WORD = re.compile(
    r"(?<![^\W_])(?i:for|from|to|by|with|of|and|cc|dear|hi|hello|thank|thanks|via|w/|a|con|de|para|por|von|mit|bei|für|an|"
    r"avec|pour|chez|di|per|com|van|voor|met|med)[\s,:]{1,2}$"
)
_A_SIGN = re.compile(r"(?:^|[-–—:;,=(/|]\s?)$")
_ANOTHER = re.compile(r"\s[^\W\d_a-z][^\W\d_A-Z]")


def beside(text: str) -> Iterator[tuple[int, int]]:
    """Yield the spans for each kind, left to right; they may overlap."""
    some = any(map(is_given, LETTERS.findall(text)))
    if not (some or _TITLED.search(text) or _ABROAD.search(text)):
        return
    yield from _pairs(text)
    for match in _GIVEN_INITIAL.finditer(text):
        given = match["given"]
        called = _A_SIGN.search(text[: match.start()][-4:])
        if given not in UNSURE:
            called = called or _AFTER_A_WORD.search(text, max(0, match.start() - 10), match.start())
        if given in GIVEN or (
            is_given(given) and called and match["initial"] not in ("I", "V", "X") and given not in ("Art", "Grade")
        ):
            yield match.span()
    for match in _OWNED.finditer(text):
        if match["given"] in WORD_GIVEN and not (match["given"] in _MONTHS and match["thing"] in _OF_A_MONTH):
            yield match.span("given")
    for match in _DONE_FOR.finditer(text):
        which = "given" if match["given"] else "greeted"
        after = text[match.end(which) :]
        if is_given(match[which]) and _ENDS.match(after) and stands_alone(match[which], after):
            yield match.span(which)
    for match in _LABELLED.finditer(text):
        given, surname, after = match["given"], match["surname"], text[match.end("given") :]
        if not is_given(given):
            continue
        if surname and (len(surname) < 3 or is_surname(surname) or not reads_as_word(surname)):
            yield match.span("name")
        elif not surname and _ENDS.match(after) and stands_alone(given, after):
            yield match.span("given")
    for pattern in (_ENCLOSED, _ROLE_BEHIND):
        for match in pattern.finditer(text):
            month = match["given"] in _MONTHS and text[match.end("given") : match.end("given") + 1] != ","
            if is_given(match["given"]) and not month:
                yield match.span("given")
    for match in _TITLED.finditer(text):
        words = match["name"].split()
        if not is_famous(words[0]) and not is_course_work(words[0]):
            whole = len(words) > 1 and not (is_course_work(words[1]) or reads_as_word(words[1]))
            yield match.start("name"), match.end("name") if whole else match.start("name") + len(words[0])
    for match in _WITH_ME.finditer(text):
        if is_given(match["one"] or match["other"]):
            yield match.span("one" if match["one"] else "other")
    for match in _ABROAD.finditer(text):
        given, surname = match["given"], match["surname"]
        if given.endswith(".") and surname and not is_course_work(surname):
            yield match.span("name")
        elif is_given(given) or given in SURNAMES or (_MET.search(match.group()) and _is_no_noun(given)):
            yield match.span("name") if surname and not is_course_work(surname) else match.span("given")


def _pairs(text: str) -> Iterator[tuple[int, int]]:
    """Yield a given name that is a word too, with a surname: one that is no word, or one beside a word that asks for a person."""
    for match in _GIVEN_SURNAME.finditer(text):
        given, surname = match["given"], match["surname"]
        if not is_given(given) or is_famous(surname):
            continue
        if given in _TITLE_OR_PLACE:
            continue
        if not any(reads_as_word(part) for part in re.split(r"['’-]", surname) if len(part) > 1):
            yield match.span()
            continue
        unsure = given in UNSURE and not GOES_ON.match(text[match.end() :])
        called = _AFTER_A_WORD.search(text, max(0, match.start() - 10), match.start())
        if called and is_surname(surname) and not unsure and not _ANOTHER.match(text, match.end()):
            yield match.span()


def _is_no_noun(word: str) -> bool:
    return not (_NOUN_END.search(word) or reads_as_word(word))
