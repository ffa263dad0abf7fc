"""Patterns for places without a number, numbers of buildings, and the hours of a course in place of its room. Data only.

Further rows for ``patterns``: a hall or room of a kind that buildings have, with the name before it.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.identities.patterns import CLOCK, LIKELY, SURE, WEAK, Pattern
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, reads_as_word
from canvas_pipeline.privacy.word_lists import word_list

_ROOMS = (
    r"(?:Ballroom|(?:Multi-?[Pp]urpose|Conference|Banquet|Board|Reading|Seminar|Meeting|Rec|Recreation|Community|Dining|Common|Green|Music|Choir|Band|Orchestra|"
    r"Training|Event|Function|Assembly|Club|Game|Computer)\sRoom|Boardroom|Lounge|Rotunda|Atrium|Amphitheat(?:er|re)|Field\s?[Hh]ouse|Natatorium|"
    r"(?:Recital|Concert|Banquet|Assembly|Lecture|Music|Dining|Residence)\sHall|Auditorium|Courtyard|Black\sBox|Cafeteria|Playhouse|Coliseum|Gymnasium|"
    r"Rec\s?[Cc]enter|Student\sUnion|Event\sCent(?:er|re)|Computer\sLab(?:oratory)?|(?:Front|Help|Service|Circulation|Reception|Information)\sDesk|Gallery|Maker\s?[Ss]pace|Parking\s(?:Lot|Garage|Deck)|"
    r"Planetarium|Greenhouse|Arboretum|Boathouse)"
)
# Names of rooms by their use or kind, which identify nobody.
_KINDS = frozenset(word_list("kinds_of_places"))
_OF_ROOMS = frozenset(word_list("room_cues"))
_OF_BUILDINGS = frozenset(
    "hall building bldg center centre auditorium library tower gym gymnasium annex pavilion house commons arena chapel plaza".split()
)
_NAMED = r"[^\W\d_a-z][\w'’-]{1,24}"
# Parts of a campus that have names: after a word of place or a sign; those that are other things too, only after a word of place.
_GROUNDS = (
    r"(?:Terrace|Quad(?:rangle)?|Foyer|Lobby|Mezzanine|Concourse|Patio|Promenade|Loggia|Veranda|Gazebo|Plaza|Esplanade|Wing|Annexe?|Complex|Suites?|"
    r"Lab(?:oratory|s)?|Laboratories|(?:Skills|Simulation|Sim|Language|Media|Wet|Dry|Teaching)\sLab|Studios?|Stadium|Dorm(?:itory)?|Apartments|Towers|Commons|Pavilion|"
    r"Bookstore|Caf[eé]|Clubhouse|Lodge|Conservatory|Observatory|Amphitheat(?:er|re)|(?:Black\sBox|Playhouse|Main\s?stage)(?:\sTheat(?:er|re))?|Kiva|Nook|Alcove|Courtyard|"
    r"Ballroom|Lounge|Auditorium|Chapel|Arena|Rink|Hub|Student\s(?:Union|Cent(?:er|re)))"
)
_OTHER_GROUNDS = (
    r"(?:Theat(?:er|re)|Cent(?:er|re)|Courts?|Lawn|Green|Oval|Fields?|Pool|Track|Park|Gardens?|Deck|Barn|Farm|Clinic|Residence|Gate|Entrance|Steps|Fountain|"
    r"Balcony|Basement|Dock|Pier|Trail|Shelter|Hangar|Kitchen|Workshop|Institute|School|Museum|Hospital|Room|Chamber|Salon|Parlou?r|Loft|Cottage|Cabin|"
    r"Circle|Corner|Grove|Pond|Creek|Hill|Row|Mall|Union|Library|House|Hall|Building|Bldg|Tower|Gym|Church|Temple|Armou?ry|Range|Stables?|Nursery|Archives?|Depot)"
)
_AT = r"(?i:in|into|at|to|outside|inside|near|behind|beside|by|around|opposite|toward|towards|beneath|under|above|@)"
_AT_SURELY = r"(?i:in|into|at|outside|inside|near|behind|beside|opposite|@)"
_OF_GROUNDS = frozenset(word_list("ground_cues"))
_BUILDINGS = rf"(?:Hall|Building|Bldg\.?|Center|Centre|Auditorium|Library|Tower|Gym|Gymnasium|Annex|Pavilion|House|Commons|Arena|Chapel|Plaza|{_GROUNDS})"
_HOUR = r"\d{1,2}(?::[0-5]\d)?\s?[-–]\s?"
# An hour with its unit ("1.30pm", "9:30a", "15h30", "18.15 Uhr"), and one of a range.
_HOUR_OF_DAY = (
    r"(?:\d{1,2}(?:(?::[0-5]\d)?\s?[AaPp](?:\.?[Mm]\b\.?)|(?::[0-5]\d)?[ap]\b|\.[0-5]\d\s?[AaPp]\.?[Mm]\b\.?|h[0-5]\d\b|(?:[.:][0-5]\d)?\sUhr\b)"
    r"|(?:1\d|2[0-3])\s?h\b|(?i:kl)\.?\s\d{1,2}(?:[.:][0-5]\d)?(?!\d)|(?:0\d|1\d|2[0-3])[0-5]\d\s?(?:hrs?|hours|h)\b)"
)
_BARE_HOUR = r"(?:[01]?\d|2[0-3]):[0-5]\d"
_ZONE = r"(?:\s?(?:[ECMP][SD]?T|UTC|GMT|CET|CEST|hs|hrs?)\b)?"
_HOURS = (
    rf"(?:\d{{1,2}}(?:[:.][0-5]\d)?[ap]?\s?(?:-|to|bis|à|a)\s?)?(?:{_HOUR_OF_DAY}|{_BARE_HOUR})"
    rf"(?:\s?(?:-|to|bis|à|a)\s?(?:{_HOUR_OF_DAY}|{_BARE_HOUR}))?{_ZONE}"
)
_WORK = r"(?i:due|by|until|till|before|closes|opens|video|clip|runtime|length|ratio|verse|genesis|john|luke|mark|matthew|pace|track)"
# What a course, and not its work, does at an hour.
_MEETS = r"(?i:opens?|starts?|begins?|ends?|closes?|meets?|runs|by|at|until|till|from|before|um|ab|bis|à|de|a\slas|las|kl\.?|às|alle|om|sharp|no\slater\sthan|not\sbefore|,|:|/|\||-)"
_COUNTED = (
    r"(?i:chapter|quiz|lab|exam|test|hw|homework|problem|problems|page|pages|unit|week|part|fall|spring|summer|winter|autumn|lecture|module|section|"
    r"lesson|grade|group|day|step|set|figure|table|jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec|january|february|march|april|"
    r"august|september|october|november|december|class|top|no)\.?"
)


def _is_somewhere(place: str) -> bool:
    first = re.split(r"[\s]", place)[0]
    return first.lower() not in _KINDS and not is_course_work(first)


def _is_called(place: str) -> bool:
    """Match a hall's name that is no word ("Brindlewood-Hörsaal", not "Aula Virtual")."""
    return not reads_as_word(re.split(r"[\s-]", place)[0])


PLACES: tuple[Pattern, ...] = (
    Pattern("PLACE", "part of a campus, after a word of place or a sign", rf"(?:(?<![\w@]){_AT}\s(?:the\s)?|\bmeets?\s|@\s?|[(,:]\s?|\s[-/|]\s)\K{_NAMED}(?:\s{_NAMED})?\s{_GROUNDS}(?!\w|\s(?:[Rr]eport|of\b)|-\w)", LIKELY, r"[^\W\d_a-z]", valid=_is_somewhere, cues=_OF_GROUNDS),
    Pattern("PLACE", "room in brackets", rf"\(\K(?!(?:Escape|Chat|Break|Breakout|Waiting|Clean|Dark|Class|Home|Locker|Control|White|Living|Dining|Red|Zoom)\s){_NAMED}\sRoom(?=[),])", LIKELY, r"\sRoom[),]", valid=_is_somewhere),
    Pattern("PLACE", "part of a campus, after a sure word of place", rf"(?<![\w@])(?:\b{_AT_SURELY}\s(?:the\s)?|@\s?)\K{_NAMED}\s{_OTHER_GROUNDS}(?!\w|\s(?:[Rr]eport|of\b)|-\w)", LIKELY, r"[^\W\d_a-z]", valid=_is_somewhere, cues=_OF_GROUNDS),
    Pattern("PLACE", "hall, in other languages", rf"(?<![\w@]){_NAMED}[ -](?:H[öo]rsaal|Saal|Geb[äa]ude|Bibliothek|Mensa|Zaal|Gebouw|Aula)(?!\w)", LIKELY, r"(?:aal|ude|thek|ensa|ouw|ula)", valid=_is_called),
    Pattern("PLACE", "hall named after somebody, in other languages", rf"(?<![\w@])(?:Salle|Salón|Amphi(?:théâtre)?|Bâtiment|Edificio|Edifício|Auditori[ao]|Auditório|Biblioteca|Bibliothèque|Pabellón|Pavillon|Aula(?:\sMagna)?|Sala|Prédio|Bloco|Palazzo|Gebäude|H[öo]rsaal|Zaal|Gebouw|Sal)\s\K{_NAMED}(?!\w)", LIKELY, r"(?:Sal|Amphi|Bât|Edif|Audit|Bibli|Pa[bvl]|Aula|Pr[ée]dio|Bloco|Geb|H[öo]r|Zaal)", valid=_is_called),
    Pattern("ADDRESS", "number of a place", rf"(?<![\w@.:/$#+-])(?:(?<!\b{_COUNTED}\s)(?!(?:19|20)\d\d(?!\d|[A-Z]))(?:[A-Z]{{1,2}}-?\d{{1,4}}|\d{{2,5}}[A-Z]?)|(?<=\b(?i:at|outside|near|behind|to|rooms?|rms?)\s)[A-Z]?\d{{1,5}}[A-Z]?)(?:-[A-Z]?\d{{1,4}})?(?=(?:\s?(?:,|and|&|/|-|or)(?:\s?[A-Z]?\d{{1,5}}[A-Z]?)){{0,4}},?\s?(?:,|and|&|/|-|or|of|in)?\s(?:the\s)?@(?:PLACE|ADDRESS|ROOM)\d{{6}})", LIKELY, r"\d.{0,40}@(?:PLACE|ADDRESS|ROOM)\d{6}"),
    Pattern("TIME", "hours as written abroad", rf"(?<![\w:.$]){_HOUR_OF_DAY}(?![\w:])", WEAK, r"\d\s?[APaphHU]|(?<!\w)[Kk][Ll]\.?\s\d"),
    Pattern("TIME", "at which a course meets", rf"@COURSE\d{{8}}(?:\s?{_MEETS}){{1,3}}\s?\K(?!11:59|23:59){_HOURS}(?!\w|:\d)", SURE, r"@COURSE\d{8}"),
    Pattern("PLACE", "room without a number", rf"(?<![\w@]){_NAMED}\s{_ROOMS}(?!\w|\s(?:[Dd]anc|[Ee]tiquette|[Cc]ulture|[Ww]alk|[Tt]alk|[Cc]rawl|[Rr]eport|of\b))", LIKELY, _ROOMS, valid=_is_somewhere, cues=_OF_ROOMS),
    Pattern("ADDRESS", "house number", rf"(?<![\w@.:/])(?:(?<=^)|(?<=[,;(@–-]\s?)|(?<=\b(?i:in|at|to|from|near|by|outside|behind)\s)|(?=\d{{3}})(?<!\b(?i:chapter|quiz|lab|exam|hw|homework|problem|page|unit|week|part|room|fall|spring|summer|winter)\s))\d{{1,5}}(?:-\d{{1,4}}|(?<=\d{{3}})/\d{{3,4}})?(?:-?[A-Z])?\s{_NAMED}(?:\s{_NAMED})?\s{_BUILDINGS}(?!\w)", LIKELY, rf"\d(?:-?[A-Z])?\s[^\W\d_a-z].{{2,52}}(?:{_BUILDINGS})", cues=_OF_BUILDINGS | _OF_GROUNDS),
    Pattern("TIME", "of a course in its room's place", rf"@COURSE\d{{8}}(?:[,(]|\s@)?\s?(?:(?:at|from|on|,|@)\s)?\K(?!11:59|23:59)(?:{_HOUR})?{CLOCK}(?:\s?[-–]\s?{CLOCK})?(?![\w:])", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "before a course in its room's place", rf"(?<![\w:])(?<!{_WORK}\s)(?!11:59|23:59)(?:{_HOUR})?{CLOCK}(?:\s?[-–]\s?{CLOCK})?(?=(?:,|\s(?:in|at|@))?\s@COURSE\d{{8}})", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "of a course, further on", rf"(?<=@COURSE\d{{8}}[^@\n]{{0,40}})(?<![\w:.$])(?<!\b{_WORK}\b[^@\n]{{0,20}})(?!11:59|23:59){_HOURS}(?!\w|:\d)", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "ahead of a course", rf"(?<![\w:.$])(?<!\b{_WORK}\b[^@\n]{{0,20}})(?!11:59|23:59){_HOURS}(?!\w|:\d)(?=[^@\n]{{0,30}}@COURSE\d{{8}})", SURE, r"@COURSE\d{8}"),
)  # fmt: skip
