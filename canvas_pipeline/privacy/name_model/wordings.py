"""More wordings the name recogniser is trained on: what students ask, note and are told, put together from openings, acts and endings.

In: nothing. Out: ``WORDINGS``, templates by kind (slots as in ``name_model.templates``). What must hold: none is a template that is measured with.
"""

from __future__ import annotations

from collections.abc import Mapping

from canvas_pipeline.privacy.name_model.fillers import split as _split

_ACTS = _split(
    "apologise to|argue with|beat|believe|blame|bother|bump into|buy lunch for|catch up with|chase|check on|cheer for|collect {o} from|"
    "complain to|compete with|confirm with|congratulate|copy {o} from|cook for|drive|explain {t} to|find|fill in for|follow|forgive|"
    "get {o} from|go running with|greet|hear from|help|hire|hug|impress|include|invite|join|keep up with|lend {o} to|let in|listen to|"
    "look for|lose to|mail|mention|miss|negotiate with|notify|outline {t} for|pay|phone|pick up|play chess with|practise {t} with|prep {t} with|"
    "quote|record|recommend|refund|register|rehearse with|replace|report to|review {w} with|room with|save a seat for|see|sell {o} to|"
    "show {o} to|sing with|sit next to|skype|snack with|split {o} with|stand in for|surprise|swap {o} with|team up with|tutor|update|vote for|"
    "wake|walk home with|warn|watch|work out with|worry about|write to|present {t} with|hand {o} over to|track down|run {o} past|speak to|stop by"
)
_OPENINGS = (
    "I need to {x}|I have to {x} {d}|remember to {x}|do I have time to {x} {d}?|please {x}|Plan: {x}, then {w}|can we {x}?|I want to {x} {d}|"
    "{x} {d}|{x} before {w}|{x} at {k}|{x}|{x} :)|- {x}|[ ] {x}|TODO {x}|later: {x}|when can I {x}?|Should I {x} first?|maybe {x} and do {w}|"
    "I forgot to {x}.|she wants me to {x}|block {k} to {x}|It would help to {x}.|we were told to {x}|{w}; {x}|{x}, {x}|add '{x}' to my list"
).split("|")
_DOES = _split(
    "agreed|asked for {o}|backed out|broke {o}|brings {o}|called in sick|came late|can't make it {d}|changed {o}|checks {o}|claims {t} is easy|"
    "covers {t} {d}|did {t} alone|disagrees|drew {o}|edited {o}|emailed {o}|failed {w}|finished {w}|forgot {o}|found {o}|gave me {o}|"
    "gets extra time|graduates {d}|had a question about {t}|has office hours {d}|has {o}|hates {t}|helped with {t}|is absent|is away until {d}|"
    "is bringing {o}|is coming {d}|is driving us|is in charge of {w}|is late again|is new here|is on leave|is presenting {d}|is waiting|"
    "knows {t} well|leads {w}|left early|left {o} here|likes {t}|looked at {w}|made {o}|needs {o} by {d}|never replied|offered to help|"
    "opened {w} early|passed {w}|picked {t}|posted {o}|promised {o}|quit|read my {w}|recommends {t}|refused|runs {w}|sat in on {w}|says hi|"
    "sends {o}|shared {o}|should be there|skipped {w}|starts at {k}|still has {o}|suggested {t}|taught us {t}|thinks so too|took {o}|"
    "turned in {w}|typed up {o}|uploaded {o}|wants to meet {d}|was right about {t}|will grade {w}|won {w}|wrote {o}|would like {o}"
)
_SAID = _split(
    "{x}|{x}.|{x}!|I heard {x}|apparently {x}|{x}, right?|so {x} and I don't know what to do|{x} but {w} is due {d}|{x} because of {t}|"
    "why is it that {x}?|my friend says {x}|it looks like {x}|Since {x}, move {w} to {d}.|{w}: {x}|FYI {x}|great news, {x}|"
    "If {x}, cancel {w}.|{x} ({d})|update - {x}|{x} at {k}|Note: {x}|what if {x}?|I am glad {x}"
)
_ROLES = _split(
    "Editor|Host|Lead|Section leader|Timekeeper|Note taker|Driver|Contact person|Chaperone|Juror|Judge|Conductor|Soloist|Pianist|Respondent|"
    "Discussant|Examiner|Supervisor|Client|Sponsor|Preceptor|Coordinator|Organizer|Volunteer|Backup|Model|Photographer|Cast|Team captain|"
    "Opponent|Keynote|Chair|Faculty|Staff|Guest|Curator|Principal investigator|Owner|Reader|Sender|Cc|Bcc|Attendees|Present|Absent|Late|"
    "Roommate|Boss|Landlord|Doctor|Dentist|Therapist|Coworkers|Players|Group A|Pair 2|Table 4|Room parent|On call|Prepared by|Approved by|"
    "Translated by|Edited by|Directed by|Photo by|Produced by|Music by|Reported by|Suggested by|Created by|Organized by|Moderated by"
)
_PERSON = _split(
    "{p} | {w}|{w} | {p}|{w} -> {p}|{w} => {p}|{p} -> {w}|{w} + {f}|{w} feat. {f}|{w} vs {p}|{w} or ask {p}|{w} / {t} / {p}|{w} (with {f})|"
    "{w} (thanks, {g})|{w} (see {f})|{w} [{h}, {r}]|{w} {n} {h}|{t} for {p}|{t} according to {h}|{t}: {f}|{t} - {h}|{t}, {f}|{f}, {t}|{f} on {t}|"
    "{f}'s {t} {w}|{p}'s birthday|{p}'s wedding {d}|{p}'s party at {k}|{p}'s email|{p}'s number|{p}'s slides|{p}'s lab|{p}'s feedback on {w}|"
    "{c0} taught in spring by {f}|{c0} {d} {h}|{c0}, {h}, {r}|{c0} (Prof. {s})|{c0} - {f}|{c0} / {s}|{c0} [{s}]|{s}: {c0}|{s} {c0}|{c0} with {s}|"
    "{f}, {f}, {f}, {f}|{f} and {f}|{g} & {g}|{g}, {g}, {g}|{g} + {f}|{l}; {l}; {l}|1. {f} 2. {f}|{f} (leader), {f}, {f}|{n}) {l}|{f} - {n}/20|"
    "Dear {h},|Dear {g},|Hi {f},|Hello {h}, I could not attend on {d}.|Hey {g}!|Good morning {h}|Thank you, {f}|Best regards, {f}|Yours, {g}|"
    "- {g}|– {f}, {c0}|Love, {g}|Sent by {f} on {d}|From {f} to {f}|{f} wrote: {w} is due {d}|{f} ({d}, {k}): see you there|{f} replied|"
    "{f} invited you to {w}|{f} accepted your invitation|{f} has left the group|{f} submitted {w} late|{f} is typing|New message from {f}|"
    "Grade changed by {f}|Your group: {f}, {f}, {f}|instructor {f}, {n} students|teacher: {h}; room: {r}|Organizer {f}|Event with {f} added|"
    "Meeting: {f} / {f}, {k}|Call {f} at {k}|Reminder: {f}, {k}|I found {n} messages from {f}.|You meet {p} on {d} at {k}.|{p} is busy then.|"
    "Your next event is {w} with {p}.|I moved your call with {p} to {d}.|I don't know who {p} is.|Which {g} do you mean?|Did you mean {f}?|"
    "me and {g} are doing {t}|{g} is my roommate|my friend {g} dropped {c0}|my brother {g} has {w} too|I'm {g}|im {g} btw|this is {f}|"
    "it's {g}'s turn|my boss {f} changed my shift|my mentor {f} likes {t}|Dr. {s} is my doctor|I sit behind {g}|{g} said no|{g} yes, {g} no|"
    "i have {h} for {c0}|who has {h} this term?|is {h} strict?|{h} or {h} for {c0}?|does {h} take attendance|{h} never curves|take {h} if you can|"
    "{h}'s class is hard|what time does {h} start|{h} talks about {t} all day|is {p} in my {c0} section|are {g} and {g} in {w}?|"
    "A film by {f}|A poem by {f}|Sculptures of {f}|An evening with {f}|In memory of {f}|In conversation: {f} and {f}|Scholarship named for {f}"
)
_GO = _split(
    "be at|bike to|camp at|check out|clean up|come back from|deliver {o} to|dinner at|do {w} at|drop {o} off at|eat at|end up in|explore|fly home to|"
    "fly to|get lost in|get off at|go to|go back to|hang out at|head to|hike|intern in|jog around|land in|leave|leave for|live near|look around|"
    "meet everyone at|meet {g} at|meet them in|move out of|move to|park at|pass through|photograph|pick {o} up at|play at|practise at|present {t} at|"
    "present in|register at|report to|rent in|return from|run to|shop in|ski in|sleep in|spend {d} in|stay at|stay in|stop at|study at|study in|"
    "swim at|take {o} to|take the train to|teach in|transfer to|vacation in|visit|volunteer at|vote in|wait at|walk through|watch {t} at|work at|work in"
)
_WHERE_IS = _split(
    "{pl} is closed {d}|{pl} opens at {k}|{pl} has no wifi|{pl} was crowded|{pl} is too far|{pl} in {d}|the bus stops at {pl}|traffic near {pl}|"
    "a room in {pl}|people from {pl}|the weather in {pl}|a job in {pl}|my flight leaves from {pl}|an hour from {pl}|halfway to {pl}|south of {pl}|"
    "the road to {pl}|snow in {pl}|the hospital in {pl}|the high school in {pl}|a farm outside {pl}|our hotel in {pl}|my aunt lives in {pl}|"
    "born and raised in {pl}|based in {pl}|Remote from {pl}|Mailing address: {pl}|City: {pl}|Venue: {pl}|Stop {n}: {pl}|Next stop {pl}|To: {pl}|"
    "Destination: {pl}|RemovalReport {pl} {k}|Arrival {pl} {k}|{k} {pl}|{d} {pl}|{d}, {pl}|{d} @ {pl}|{k} @ {pl}|{w} | {pl}|{w} -> {pl}|{w}; {pl}|"
    "{t} at {pl}|{t} in {pl}|{t} day, {pl}|{t} walk ({pl})|{t} conference, {pl}, {d}|{w} near {pl}|{w} outside {pl}|{w} from {pl}|{w} by {pl}|"
    "{pl} trip|the {pl} tournament|the {pl} festival|register for the {pl} workshop|money for the {pl} retreat|the {pl} marathon on {d}|{w} about the {pl} team|slides from the {pl} meeting|a {pl} company|the {pl} newspaper|"
    "{pl} weekend|{pl} tour|{pl} bus|{pl} internship|{pl} office|{pl} shift {k}|{pl} game {d}|{pl} or {pl}?|{pl} to {pl}, {k}|{pl} - {pl}|"
    "{c0} in {pl}|{c0}, {pl} site|{c0} [{pl}]|{c0} @ {pl}|{pl}: {c0}|I am at {pl}|I'm in {pl} now|still at {pl}|back in {pl} by {d}|"
    "Your event is at {pl}.|The class meets outdoors at {pl}.|Tickets for {pl} are sold out.|Group {n} goes to {pl}.|We gather by {pl} and walk.|"
    "Rain location: {pl}|Alternate site: {pl}|Host: {pl}|Campus: {pl}|{pl} campus tour|Data from {pl}|Map of {pl}|Photos of {pl}|{pl}, {d} only"
)
_IN_ROOM = _split(
    "be in {r} by {k}|bring {o} to {r}|leave {o} in {r}|find {r}|pick {o} up in {r}|set up {r}|unlock {r}|study in {r}|meet {g} in {r}|print in {r}|"
    "{w} | {r}|{w}; {r}|{w} -> {r}|{w}, {d}, {r}|{w}: {r} at {k}|{r} ({w})|{r} / {w}|{r} @ {k}|{k} in {r}|{k}, {r}|{d} in {r}|{d}, {r}|{t} in {r}|"
    "{t} ({r})|{t}, {r}, {d}|{h}, {r}|{h} ({r})|{h}: {r}|{c0}, {r}|{c0} ({r})|{c0} in {r}|{c0} {d} {r}|{r} is full|{r} is cold|{r} is next door|"
    "{r} has a piano|{r} opens at {k}|{r} instead of {r}|{r} or {r}|from {r} to {r}|not {r} but {r}|room: {r}|Venue {r}|Place: {r}|Desk in {r}|"
    "opposite {r}|down the hall from {r}|the printer in {r}|the door of {r}|keys to {r}|a table in {r}|lost in {r}|tests are held in {r}|"
    "Reserved {r}, {k}|Your seat is in {r}.|Class is in {r} today.|The exam was moved from {r} to {r}.|Section {n} meets in {r}.|"
    "Lab hours in {r}: {k}|I can't find {r}|where's {r}|how do i get to {r}|is it in {r}?|{w} will be in {r} on {d}|{p} teaches {t} in {r}"
)
_NOTHING = _split(
    "{e}|{e} and {e}|{e} vs. {e}|{e} on {t}|{t} in {e}|{e}: {t}|{w}: {e}|{w} ({e})|{w} {e}|Read {e}|Read {e} pp. {n}-40|{e} excerpt|{e} response|"
    "{e} discussion|{e} presentation|{e} annotation|{e} quiz|{e} paper|{e} test|{e} essay draft|{e} in context|Themes in {e}|Life of {e}|{e}'s legacy|"
    "{e}'s influence on {t}|{e}'s early work|According to {e}|Why {e} matters|The {e} era|{e}, then and now|A short history of {e}|"
    "{t} before {e}|{w} on {e}|{w} about {e} and {t}|{m} of {e}|{e} {m}|{e}'s {m}|Using the {e} {m}|{e} {m} lab|{e} {m} {w}|{w}: the {e} {m}|"
    "{sx}'s {m}|{sx} {m}|the {sx}-{sx} {m}|{sx} {m} {w}|{w} - {sx}'s {m}|{y}|{w}: {y}|the {y}|{t} and the {y}|{y} map|Causes and effects: {y}|"
    "{t}|{t} {n}|{t}!|{t}?|#{n} {t}|{n}: {t}|{t}: {t}|{t} or {t}|{t} and {t}|{t} with {t}|{t} for {t}|{t} by {t}|{t} in {t}|{t} of {t}|{t} through {t}|"
    "{t} {w}|{t} {w} {n}|{t} ({w})|{t} | {w}|{w} | {t}|{w} -> {t}|{w} + {t}|{w}: {t} & {t}|{w} {n}: {t}|{w} about {t}|{w} on {t} due {d}|"
    "{t} practice|{t} problems|{t} review|{t} drill|{t} recap|{t} basics|{t} project|{t} reading|{t} questions|{t} outline|{t} game|{t} activity|"
    "{t} group work|{t} survey|{t} essay|{t} exam|{t} worksheet|{t} workshop|{t} video|{t} podcast|{t} paragraph|{t} poster|{t} demo|{t} table|"
    "Intro to {t}|More {t}|Applied {t}|Advanced {t}|Modern {t}|Basic {t}|Exploring {t}|Thinking about {t}|Rethinking {t}|Beyond {t}|What about {t}?|"
    "Why {t}?|Defining {t}|Teaching {t}|Measuring {t}|Watch: {t}|Listen: {t}|Read: {t}|Do: {t}|Bring: {o}|Due: {w}|New: {w}|Graded: {w}|Late: {w}|"
    "i don't get {t}|can you explain {t}?|give me three questions about {t}|is {t} harder than {t}?|when did we cover {t}|make flashcards for {t}|"
    "how is {w} weighted?|what is my score on {w}|drop {w} from the plan|move {w} and {w} to {d}|clear my {d}|what about {d}?|add {w} on {d} at {k}|"
    "start {w} two days earlier|I finished {w}, what is next?|I'm tired, no {w} {d}|is {d} free|free at {k}?|{w} takes me {n} hours|rank {w} and {w}|"
    "Found {n} assignments for {c0}.|{c0} has {n} students.|{w}: {n} points, due {d}.|{w} is missing.|{w} is late.|{w} was submitted.|No grade for {w} yet.|"
    "I added {w} to {d} at {k}.|You are free {d} from {k}.|{d} is full.|Done.|All set!|Sorry, I can't do that.|That event can't be changed.|"
    "{c0} meets online.|{c0} is cancelled {d}.|{c0} quiz moved to {d}.|Slides for {t} are posted.|Please bring {o}.|Remember {o}.|See the rubric for {w}.|"
    "Ask a friend|Email me|Call home|Text a classmate|Meet a tutor|Thank the host|Visit a museum|Go to the gym|Walk to the library|Clean the house|"
    "Talk to the dean|See the nurse|From the editor|To whom it may concern|With your partner|By your group|For everyone|Dear all,|Hi team,|Thanks everyone"
)


def _said(frames: tuple[str, ...] | list[str], fillers: tuple[str, ...], every: int) -> tuple[str, ...]:
    """Each filler in ``every`` of the frames, another few each time."""
    return tuple(
        frames[(index * 7 + turn * 3) % len(frames)].replace("{x}", filler)
        for index, filler in enumerate(fillers)
        for turn in range(every)
    )


WORDINGS: Mapping[str, tuple[str, ...]] = {
    "person": (
        *_said(_OPENINGS, tuple(f"{act} {{p}}" for act in _ACTS), 4),
        *_said(_SAID, tuple(f"{{p}} {does}" for does in _DOES), 4),
        *(f"{role}: {{{slot}}}" for role in _ROLES for slot in ("f", "p")),
        *(f"{role} {{f}}" for role in _ROLES),
        *_PERSON,
        *_PERSON,
    ),
    "place": (*_said(_OPENINGS, tuple(f"{go} {{pl}}" for go in _GO), 4), *_WHERE_IS, *_WHERE_IS),
    "room": _IN_ROOM,
    "plain": (*_NOTHING, *_NOTHING, *_said(_OPENINGS, tuple(f"{act} {{o}}" for act in _ACTS), 1)),
}
