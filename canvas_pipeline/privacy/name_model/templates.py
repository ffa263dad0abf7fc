"""What the name recogniser is trained on: frames in which people, places, rooms and plain topics stand. Data only.

What must hold: ``TRAINING`` and ``HELD_OUT`` share no template. The templates of the canaries are elsewhere and are not looked at here.
A frame such as ``{w} ({x})`` is filled with a person, a place and a topic alike, so that a recogniser must look at the filler.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from canvas_pipeline.privacy.name_model.fillers import split as _split

LABELS = ("PERSON", "PLACE", "ROOM")


class Sample(NamedTuple):
    """``spans`` are (start, end, label) in characters of ``text``."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


# {p} any person, {f} a full name, {s} a surname, {g} a given name, {pl} place, {r} room, {x} anything in the frame's turn.

_ASK = _split(
    "Meet|Meet with|Email|Ask|Contact|Interview with|Interview|Talk to|Office hours with|Thank|Remind|Text|Call|Message|Check in with|"
    "Study with|Pair up with|Work with|Partner:|Teammate:|Group members:|TA:|Instructor:|Advisor:|Graded by|Taught by|Led by|"
    "Guest speaker:|Guest lecture by|Peer review for|Draft by|Feedback from|Notes from|Submitted by|Send to|Share with|Give slides to|"
    "Borrow notes from|Lunch with|Coffee with|Zoom with|Recommendation letter from|Reply to|cc|Dear|Hi|Hey|Hello|Presented by|"
    "Recorded by|Author:|From:|To:|Student:|Name:|Mentor:|Supervised by|Tutoring with|Lab partner|Project lead:|Proposed by|"
    "swap shifts with|pick up keys from|visit|waiting on|per|w/|according to|thanks to|Invite|Appointment with|1:1 with|Shadow|"
    "Peer evaluation of|Questions? See|Reviewer:|Seconded by|Workshop led by|Concert by|Substitute:|Grader:|tell|follow up with"
)
_TAILS = _split(
    " about {t}| before {d}| re: {t}| by {d}| on {d}| for {w}| ({w})|, due {d}| – {w}| at {k}| in {r}| and {p}|, {p}| after class|!|?|"
    " asap| tomorrow| this week| about {w}| regarding the {t} {w}|: {w}| at {pl}|. {w} due {d}"
)
_SAYS = _split(
    " will present on {t}| is my partner| said the quiz moved to {d}| sent slides| missed class| grades this section| has the notes|"
    " wants the draft by {d}|'s section|’s section|'s office hours|'s notes on {t}|'s {w}|: {w}| - {w}| group| (TA)| (instructor)|"
    " is out sick| approved the extension| cancelled lecture| will sub on {d}| needs the slides| emailed about {t}| and {p} lead {t}|"
    " moved the deadline to {d}| asked for a regrade| owes me {w}| presents {t}| (she/her)| (he/him)|, {w}| signed up for {d}| review"
)
PEOPLE = (
    *_split(
        "{w} - {p}|{w} ({p})|{w}: {p}|{w} w/ {p}|{w} with {p}|{w} by {p}|{w} for {p}|{w} from {p}|{w}, {p}|{w} [{p}]|{w} / {p}|{w} – {p}|"
        "{t} lecture ({p})|{t} with {p}|{t} ({p})|{c0} - {h}|{c0} ({h})|{h} – {c0}|{c0} {h}|{c0}, {f}|{f}: {c0}|{f}|{f}|{l}|{l}|{f}, {f}|"
        "My name is {f} and I take {c0}.|I am {f}|my roommate {g} said {t} is on the exam|can you schedule a meeting with {p} on {d}?|"
        "{p} told me that {t} is on the {w}|tell {p} I'll be late on {d}|who is {p}|did {p} reply about {w}?|babysit for {p}|"
        "my sister {g} visits on {d}|Instructors: {f}, {f}|Group 3: {f}, {f}, {f}|{g}, {g} and {g} present {d}|{l} {w}|"
        "Sign up sheet: {f} {d}, {f} {d}|I talked to {p} and the {w} is due {d}|move my {d} meeting with {p} to {k}|Re: {w} from {p}|"
        "Best, {g}|Thanks, {f}|{p} and {p} are in my group for {w}|please add {f} to the {t} {w}|met {p} at {pl}|{p} lives in {pl}|"
        "{p} teaches in {r}|birthday dinner for {g} on {d}|Hey {g}, can we study {t}?|cancel tutoring with {g}|{g} has my notebook|"
        "the TA, {f}, said to redo {w}|{f} ({w})|according to {s}, {t} is key|a talk by {f} on {t}|{f} is the grader"
    ),
    *(f"{ask} {{p}}" for ask in _ASK),
    *(f"{{p}}{says}" for says in _SAYS),
)
PLACES = _split(
    "{w} in {bm}|{w}: {bm}|{w}, {bm}|{bm} {d}|{w} ({bm})|from {bm}|Meet at {bm}|{v} {z} {bm}|{v} {o} {z} {bm}|{a} {z} {bm}|{c0} {bm}|"
    "Field trip to {pl}|Trip to {pl}|Meet at {pl}|drive to {pl} on {d}|{w} at {pl}|Site visit: {pl}|Volunteer at {pl}|{pl} field trip|"
    "Class moved to {pl}|Exam location: {pl}|Location: {pl}|Where: {pl}|internship in {pl}|flight to {pl} {d}|I live in {pl}|"
    "I'm from {pl}|bus from {pl} to {pl}|conference in {pl}|near {pl}|behind {pl}|outside {pl}|study group in {pl}|pick up at {pl}|"
    "{w} ({pl})|{w} - {pl}|{w} @ {pl}|hometown: {pl}|going home to {pl} this weekend|career fair, {pl}|interview in {pl} {d}|"
    "{pl} visit|the train to {pl} leaves at {k}|{t} tour of {pl}|meet me in front of {pl}|Lab meets in {pl}|concert at {pl}|"
    "Service day in {pl}|{c0} - {pl}|{c0} ({pl})|{w} in {pl}|walk to {pl}|parking at {pl}|lunch at {pl}|from {pl}, {d}|Retreat, {pl}|"
    "visit my parents in {pl}|study abroad in {pl}|room near {pl}|{pl} section|{pl}, {d} {k}|dorm in {pl}|event at {pl} with {p}|"
    "Museum visit in {pl}|Geology hike, {pl}|moving to {pl} in {d}|Meet your group at {pl} at {k}|Observation at {pl}|relocated to {pl}"
)
ROOMS = _split(
    "{w} in {r}|{w}, {r}|{w} ({r})|{w} @ {r}|{w} at {r}|Quiz in {r}|Exam at {k}, {r}|Location: {r}|Meet in {r}|moved to {r}|{r} {d} {k}|"
    "{d} {k} {r}|office: {r}|Review session {d} in {r}|come to {r} for {w}|{t} lab, {r}|{w} - {r}|{c0} {r}|class is in {r} now|"
    "{p}, {r}|Find me in {r}|Turn in to {r}|drop off at {r} by {d}|Where: {r}|Check in at {r}|{r}: {w}|Tutoring, {r}|Makeup exam {r}"
)
PLAIN = (
    *_split(
        "{w}|{w}: {t}|{w} - {t}|{w} – {t}|{t} {w}|{t}|{w} ({t})|{w}, {t}|{t} and {t}|{t} vs. {t}|{t} & {t} {w}|Intro to {t}|In-class: {t}|"
        "{w} on {t}|{w} for {t}|{w} due {d}|{t}: {t}|{c0}|{c0} {w}|{c0} - {t}|{c0} ({t})|What's next in {t}?|Read about {t} by {d}|"
        "{e}|{e} {m}|{e}'s {m}|{e}’s {m}|{w}: {e} {m}|{e} {w}|{w} - {e}|{w}: {e}'s {m}|{sx}'s {m}|{sx} {m}|{sx}-{sx} {m}|{w} - {sx} {m}|"
        "The {e} {m}|{e} and {t}|{e} on {t}|{w} ({e} {m})|{t} ({e})|apply the {e} {m}|{y}|{w}: {y}|{w} - {y}|Essay on {y}|{y} {w}|"
        "Ask the TA about {t}|Email the professor before {d}|Meet with your group about {t}|Ask in class about {w}|Contact Hours {n}|"
        "Notes from Lecture {n}|Peer Review for Essay {n}|Meet in class {d}|at Home Practice|Study at the library {d}|in the lab|"
        "Lecture Hall rules|Student Center hours|Interview Skills|Guest Speaker Reflection|Partner Work|Group Roles|Team {n} {w}|"
        "when is {w} due?|what do I have due {d}|show my grades|how many points is {w}|plan my week around {w}|find a free block {d}|"
        "schedule 3 study sessions for {w}|I have two exams {d}|am i behind in {c0}|book 90 minutes for {t}|can you move {w} to {d}|"
        "list my courses|The deadline for {w} is {d}.|Submit {w} by {k} on {d}.|I was sick and missed {w}|Please submit as PDF|"
        "Graded by rubric|Feedback from peers|Letter from the editor|Draft by {d}|Review of {t}|By {d} Noon|Questions for Review|"
        "{t} with Python|Chapter {n} Notes|Version 2.{n}|FALL 2025 archive|ISO 8601 dates|HTTP 404 lab|EXAM 100 points|Python 3.{n} setup|"
        "Top {n} words|COVID 2020 case study|Room for improvement|Center of mass|House of Representatives|Field work|Place value|"
        "Dr. {mp}|Meet {mp} in {mr}|{mc} {w}|{w} in {mr}|Trip to {ml}|{w} ({mp})|{mp}'s {w}|{mp} and {mp}|{w} - {ml}|Email {mp} about {mc}|"
        "{mc} {t}|{w} for {mc}|{t} {n}|{w}: {t} {n}|{e} {n}|Windows {n} setup|Figure {n}|Goal {n}|Level {n} {t}|Office 365|Studio {n} {w}|"
        "Canvas course {n}|Download the PDF from Files|Log in to Zoom|Use Google Docs|Python and Java|MATLAB {w}|Excel {w}|GitHub Classroom|"
        "I need help with {t} before {d}|what's left for {c0}?|which assignments are late|Your {c0} grade is {n}.|Nothing is due {d}.|"
        "remember to bring a calculator|everyone must attend {d}|the midterm covers {t} and {t}|late work loses {n} points|How to {t}|"
        "Honors {c0}|{c0} Lab|{c0} Recitation|{c0} - Section {n}|{c0} (Online)|{c0} (Honors)|{c0} – {d}|{w} {t} {w}|{t}/{t}|{t}; {t}|"
        "The history of {t}|{t} in Society|To {t} or not|Dear Diary {w}|Hello World|Call Stack|Text Analysis|Thank You Letter|Message Queues|"
        "your next free block is {d} at {k}|You have {n} items due {d}: {w} and {w}.|I booked {w} for {d} {k}.|No events on {d}.|"
        "Sleep and exercise log {n}|Mark as done|Will this be on the exam?|Grace period ends {d}|Summer {c0}|Winter break|Hope and {t}|"
        "North and South|Western Civilization|Art in Context|Rose Diagram|Grant Proposal|May {n}|April showers|Frank discussion of {t}"
    ),
)
# {v} a verb, {o} what it is done to, {u} and {z} small words, {a} any words, {q} a learned word: so that no frame gives a name away.
_FREE: Mapping[str, tuple[str, ...]] = {
    "person": _split(
        "{v} {p}|{v} {u} {p}|{v} {o} {u} {p}|{v} {o} {u} {p} {u} {t}|{v} {o} {u} {p} {d}|{p} {vs} {o}|{p} {vs} {o} {u} {t}|{a} {u} {p}|"
        "I {v} {p} {vs} {o}|did {p} {v} {o}?|is {p} {ving} {o}?|{ving} {u} {p}|{w} {ving} {u} {p}|{w} {vs} {u} {p}|{a}: {p}|{a} {p}|"
        "{v} {a} {u} {p}|{a} ({p})|{a} [{f}]|{a}: {f}, {f}|{p} {a}|{p} and {p} {v} {o}|{a} — {p}|{p}: {a}|{q} {u} {p}|{v} {p} {u} {w}|"
        "{v} {p}'s {o1}|{p}'s {a}|{w} {u} {p} {u} {d}|{p}, {a}|{a} {u} TA {f}|{v} {o} {u} {r} {u} {p}|{a} {vs} {u} {p}, {p} and {p}"
    ),
    "place": _split(
        "{v} {z} {pl}|{v} {o} {z} {pl}|{a} {z} {pl}|{a}: {pl}|{a}, {pl}|{a} ({pl})|{ving} {z} {pl}|{a} {vs} {z} {pl}|{o} {z} {pl} {d}|"
        "{v} {pl}|{a} {v} {z} {pl} {z} {k}|my {a} {z} {pl} {vs} {o}|{w} {ving} {z} {pl}|{pl} {a}|{v} {a} {z} {pl} {u} {p}|{a} - {pl}"
    ),
    "room": _split(
        "{v} {z} {r}|{v} {o} {z} {r}|{a} {z} {r}|{a}: {r}|{a}, {r}|{a} {r}|{d}: {r}|{w} {vs} {z} {r}|{v} {p} {z} {r}|{a} {r} {k}|{r} {a}"
    ),
    "plain": _split(
        "{v} {t}|{v} {o}|{v} {o} {u} {t}|{v} the {e} {m}|{a}|{w}: {a}|{w} {a}|{q}|{w} - {q}|{q} {w}|{v} {q}|{a} and {q}|{v} {a}|{v} {w}|"
        "{ving} {t}|{ving} {e}|{ving} {e} {m}|{ving} {o}|{v} {t} {u} {t}|{v} {u} {a} {u} {d}|{w} {v} {t}|{a} {a}|{a}: {q}|{v} {o} {u} {d}|"
        "{t}: {a}|is {w} {a}?|how long should I {v} {u} {w}?|{a} {u} {t}|{a}, {a} and {a}|{w} {a}: {t}|{e} {m} {a}|{sx}'s {m} {a}|"
        "{v} {sx}'s {m}|{v} {y}|{a} of the {y}|{w} {ving}|{v}-{u} {t}|{w} part {n}: {t}|{v} {n} {a}|{a} ({a})|{a} - {a}|{q} {u} {q}|"
        "{v} {e}'s {m}|{v} the {sx} {m}|{v} {sx}-{sx} {m}|{e}: {a}|the {q} {u} {a}|{v} {o} {z} {o}|{a} {vs} {o}|{o} {vs} {a}"
    ),
}
TRAINING: Mapping[str, tuple[str, ...]] = {
    kind: (*own, *_FREE[kind] * 6)
    for kind, own in (("person", PEOPLE), ("place", PLACES), ("room", ROOMS), ("plain", PLAIN))
}

HELD_OUT: Mapping[str, tuple[str, ...]] = {
    "person": _split(
        "Get signature of {p}|{w} extension granted by {p}|Ping {p} when {w} is done|Co-author: {f}|{p} scheduled {w} for {d}|"
        "Buddy for {w}: {f}|Watch the recording of {p} on {t}|Return the calculator to {p}|{w} led by TA {f}|Discuss {t} alongside {p}|"
        "I think {p} dropped the course|hand in {w} to {p}|Mock interview ({f})|{c0} [{f}]|Panel: {f}, {f}|is {p} teaching {c0} again?|"
        "Nominate {f}|Prof {s} sections|Dr {s} {w}|Ms. {s}: {w}|carpool with {p} {d}|Observe {p} teaching {t}|{w} — ask for {f}"
    ),
    "place": _split(
        "Excursion: {pl}|gather at {pl} by {k}|travel to {pl} for {w}|Rehearsal at {pl}|shuttle leaves for {pl} {d}|Posters hang in {pl}|"
        "Community project in {pl}|our host is in {pl}|Sampling site: {pl}|Workshop held at {pl}|I grew up in {pl}|{w} hosted at {pl}|"
        "Weekend in {pl}|Plant visit ({pl})|my apartment in {pl} flooded|Tour {pl}"
    ),
    "room": _split(
        "{w} takes place in {r}|Proctored in {r}|Seat check {r} {k}|bring {w} to {r}|Lecture relocated: {r}|Help desk, {r}|"
        "new room {r}|See {p} in {r}|Pick up {w} from {r}|sit in {r} for {w}"
    ),
    "plain": _split(
        "{w} part B: {t}|Explain {t}|Derive the {e} {m}|{e} {m} drill|Understanding {e}|{e}'s {m} applied|Write-up of {t}|Compare {t} with {t}|"
        "Self-check {n} {t}|Look over {w} before {d}|Summarize {t} in {n} words|remind me about {w} {d}|{t} lecture recap|Graph {sx}'s {m}|"
        "{w} resubmission|Post your thoughts on {t}|Causes of the {y}|Visualizing {e} {m}|is {w} worth more than {w}?|Late {w} policy|"
        "Team charter and {t}|{c0} placement|Reach a decision on {t}|how long should I study for {w}|Topic {n}: {t}|Warm-up {n}"
    ),
}

SLOT = re.compile(r"\{(\w+)\}")
