"""Patterns for places that have no number, the numbers of houses, and the hours of a course that stands in for its room. Data only.

Further rows for ``patterns``: a hall or room of a kind that buildings have, with the name before it.
"""

from __future__ import annotations

import re

from canvas_pipeline.privacy.identities.patterns import CLOCK, LIKELY, SURE, Pattern
from canvas_pipeline.privacy.identities.vocabulary import is_course_work

_ROOMS = (
    r"(?:Ballroom|(?:Multi-?[Pp]urpose|Conference|Banquet|Board|Reading|Seminar|Meeting|Rec|Recreation|Community|Dining|Common|Green|Music|Choir|Band|Orchestra|"
    r"Training|Event|Function|Assembly|Club|Game|Computer)\sRoom|Boardroom|Lounge|Rotunda|Atrium|Amphitheat(?:er|re)|Field\s?[Hh]ouse|Natatorium|"
    r"(?:Recital|Concert|Banquet|Assembly|Lecture|Music|Dining|Residence)\sHall|Auditorium|Courtyard|Black\sBox|Cafeteria|Playhouse|Coliseum|Gymnasium|"
    r"Rec\s?[Cc]enter|Student\sUnion|Event\sCent(?:er|re)|Computer\sLab(?:oratory)?|(?:Front|Help|Service|Circulation|Reception|Information)\sDesk|Gallery|Maker\s?[Ss]pace|Parking\s(?:Lot|Garage|Deck)|"
    r"Planetarium|Greenhouse|Arboretum|Boathouse)"
)
# What such a room is called by its use or kind: nobody's and nowhere's.
_KINDS = frozenset(
    "the a an my our your this that main grand new old large small big lower upper north south east west first second third campus university college "
    "school student students faculty staff public virtual online zoom visit tour explore inside reserve book find clean design draw sketch "
    "organic modern classical roman greek gothic baroque renaissance museum hotel hospital office library music dance theater theatre "
    "photo image picture video poster portrait media web icon digital national project product it tech technical it's hotel cafe "
    "shared pop interactive flexbox grid computer "
    "chemistry biology physics math history english art law business engineering computer science nursing open closed safe quiet".split()
)
_OF_ROOMS = frozenset(
    "ballroom room boardroom lounge rotunda atrium amphitheater amphitheatre house fieldhouse natatorium hall auditorium courtyard box cafeteria "
    "playhouse coliseum gymnasium center centre reccenter union planetarium greenhouse arboretum boathouse lab laboratory desk gallery makerspace space lot garage deck".split()
)
_OF_HOUSES = frozenset(
    "hall building bldg center centre auditorium library tower gym gymnasium annex pavilion house commons arena chapel plaza".split()
)
_NAMED = r"[^\W\d_a-z][\w'’-]{1,24}"
_HOUSES = r"(?:Hall|Building|Bldg\.?|Center|Centre|Auditorium|Library|Tower|Gym|Gymnasium|Annex|Pavilion|House|Commons|Arena|Chapel|Plaza)"
_HOUR = r"\d{1,2}(?::[0-5]\d)?\s?[-–]\s?"
# An hour that says so itself ("1.30pm", "9:30a"), and one of a range.
_HOUR_OF_DAY = r"\d{1,2}(?:(?::[0-5]\d)?\s?[AaPp](?:\.?[Mm]\b\.?)|:[0-5]\d[ap]\b|\.[0-5]\d\s?[AaPp]\.?[Mm]\b\.?)"
_HOURS = rf"(?:\d{{1,2}}(?:[:.][0-5]\d)?[ap]?\s?-\s?)?{_HOUR_OF_DAY}(?:\s?-\s?{_HOUR_OF_DAY})?"
_WORK = r"(?i:due|by|until|till|before|closes|opens)"


def _is_somewhere(place: str) -> bool:
    first = re.split(r"[\s]", place)[0]
    return first.lower() not in _KINDS and not is_course_work(first)


PLACES: tuple[Pattern, ...] = (
    Pattern("PLACE", "room without a number", rf"(?<![\w@]){_NAMED}\s{_ROOMS}(?!\w|\s(?:[Dd]anc|[Ee]tiquette|[Cc]ulture|[Ww]alk|[Tt]alk|[Cc]rawl|[Rr]eport|of\b))", LIKELY, _ROOMS, valid=_is_somewhere, cues=_OF_ROOMS),
    Pattern("ADDRESS", "house number", rf"(?<![\w@.:/])(?:(?<=^)|(?<=[,;(@–-]\s?)|(?<=\b(?i:in|at|to|from|near|by|outside|behind)\s)|(?=\d{{3}})(?<!\b(?i:chapter|quiz|lab|exam|hw|homework|problem|page|unit|week|part|room|fall|spring|summer|winter)\s))\d{{1,5}}(?:-\d{{1,4}}|(?<=\d{{3}})/\d{{3,4}})?(?:-?[A-Z])?\s{_NAMED}(?:\s{_NAMED})?\s{_HOUSES}(?!\w)", LIKELY, rf"\d(?:-?[A-Z])?\s[^\W\d_a-z].{{2,52}}(?:{_HOUSES})", cues=_OF_HOUSES),
    Pattern("TIME", "of a course in its room's place", rf"@COURSE\d{{8}}(?:[,(]|\s@)?\s?(?:(?:at|from|on|,|@)\s)?\K(?!11:59|23:59)(?:{_HOUR})?{CLOCK}(?:\s?[-–]\s?{CLOCK})?(?![\w:])", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "before a course in its room's place", rf"(?<![\w:])(?<!{_WORK}\s)(?!11:59|23:59)(?:{_HOUR})?{CLOCK}(?:\s?[-–]\s?{CLOCK})?(?=(?:,|\s(?:in|at|@))?\s@COURSE\d{{8}})", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "of a course, further on", rf"(?<=@COURSE\d{{8}}[^@\n]{{0,40}})(?<![\w:.$])(?<!\b{_WORK}\b[^@\n]{{0,20}})(?!11:59|23:59){_HOURS}(?![\w:])", SURE, r"@COURSE\d{8}"),
    Pattern("TIME", "ahead of a course", rf"(?<![\w:.$])(?<!\b{_WORK}\b[^@\n]{{0,20}})(?!11:59|23:59){_HOURS}(?![\w:])(?=[^@\n]{{0,30}}@COURSE\d{{8}})", SURE, r"@COURSE\d{8}"),
)  # fmt: skip
