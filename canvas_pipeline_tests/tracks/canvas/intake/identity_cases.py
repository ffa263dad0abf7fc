"""Seeded hard cases for the patterns: identities in every way people write them, and numbers and words that are none.

In: a seed and a count. Out: ``Case`` rows (type, value, wording) and texts that must stay. What must hold: the same seed gives the
same cases; all digits and addresses are drawn at random over the whole range that a type allows (any area code); a wording holds no
identity but the one planted in it.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from typing import NamedTuple

from canvas_pipeline.models.gemma4 import wire
from canvas_pipeline.models.gemma4.wire import ToolCall

STRICT = ("EMAIL", "PHONE", "SSN", "STUDENT_ID")
OTHERS = ("URL", "ADDRESS", "ROOM", "USERNAME", "TIME")


class Case(NamedTuple):
    """``row`` is JSON-like; ``traces`` are parts of the value of which none may be left in it."""

    type: str
    shape: str
    row: str
    traces: tuple[str, ...]


_DASHES = "-\u2010\u2011\u2012\u2013\u2014\u2212"
_BLANKS = " \u00a0\u2009\u202f"
_FULL_WIDTH = {ord("0") + i: chr(0xFF10 + i) for i in range(10)}
_ARABIC = {ord("0") + i: chr(0x0660 + i) for i in range(10)}
_WORDS = "jo kim dana_b t.okafor a+lists maria-luz o'neil x2y9 pat.q.r student42 zoë _me n".split()
_HOSTS = (
    "example.edu", "mail.Example.EDU", "cs.dept.example.org", "EXAMPLE.COM", "x.co.uk", "sub-domain.example.info",
    "a.io",
    "students.example.ac.nz", "example.museum", "münchen.example.de",
)  # fmt: skip
_PLAIN_HOSTS = ("example.edu", "mail.example.edu", "gmail.com", "cs.example.edu", "outlook.com")
# Wordings that tell nothing about what stands in them.
_BARE = (
    "{x}", "Form {x}", "see {x}, then continue", "({x})", "Reminder: {x}", "Draft 2 – {x} – final", "It says {x}.",
    "a: {x}; b",
    "Lab notes\n{x}\nmore notes", "“{x}”", "What is {x}?", "Quiz 3: {x}", "…{x}…", "Upload [{x}]",
    "the list has {x} twice",
)  # fmt: skip
_CALLING = (
    "Call {x} now", "call me at {x}", "Text {x} when you get here", "my phone is {x}", "Phone: {x}",
    "cell {x} (mornings)",
    "Lab phone number {x}", "tel:{x}", "Tel. {x}", "You can reach me on {x} after five", "WhatsApp {x}", "fax to {x}",
    "Questions? Leave a voicemail at {x}.", "mobile={x}", "Contact {x} for keys", "my number is {x}", "ph# {x}",
    "sms {x}!",
)  # fmt: skip
_SOCIAL = (
    "SSN {x}", "ssn: {x}", "SSN is {x}", "my social security number is {x}", "Social Security: {x}",
    "social {x} on file",
    "SSN#{x}", "ITIN {x}", "SSN = {x}", "Form W-4 asks for the SSN, mine: {x}", "social security no. {x}", "(SSN {x})",
)  # fmt: skip
_STUDENT = (
    "student ID {x}", "Student ID: {x}", "my student id is {x}", "Banner ID {x}", "SID {x}", "UIN={x}",
    "student number {x}",
    "Student No. {x}", "student_id: {x}", "Hokie ID# {x}", "studentID {x}", "University ID ({x})", "campus id {x}",
    "Put your student ID, {x}, on page one", "EmplID {x}", "PID {x}", "matriculation number {x}", "id card: ID {x}",
    "Enrolment number {x}", "STUDENT ID {x}", "Student Id No: {x}", "student id number is {x}", "school ID {x}",
)  # fmt: skip


def _digits(rng: random.Random, count: int) -> str:
    return "".join(rng.choices("0123456789", k=count))


def _phone(rng: random.Random) -> tuple[str, str, bool]:
    """The digits as they are written, the shape's name, and whether the wording must tell that it is a telephone number."""
    area = f"{rng.randint(2, 9)}{_digits(rng, 2)}"
    exchange, line = f"{rng.randint(2, 9)}{_digits(rng, 2)}", _digits(rng, 4)
    dash, blank = rng.choice(_DASHES), rng.choice(_BLANKS)
    ways = {
        "parentheses": f"({area}){blank}{exchange}{dash}{line}",
        "parentheses, tight": f"({area}){exchange}{dash}{line}",
        "dashes": f"{area}{dash}{exchange}{dash}{line}", "dots": f"{area}.{exchange}.{line}",
        "blanks": f"{area}{blank}{exchange}{blank}{line}", "slash": f"{area}/{exchange}{dash}{line}",
        "spaced dashes": f"{area} {dash} {exchange} {dash} {line}", "plus one, run on": f"+1{area}{exchange}{line}",
        "plus one": f"+1{blank}{area}{dash}{exchange}{dash}{line}",
        "plus one, parentheses": f"+1 ({area}) {exchange}-{line}",
        "one and dashes": f"1{dash}{area}{dash}{exchange}{dash}{line}",
        "extension": f"({area}) {exchange}-{line} ext. 12",
        "area apart": f"{area}{dash}{exchange}{line}",
        "abroad": f"+{rng.choice((44, 49, 91, 353))} {rng.randint(10, 99)} {_digits(rng, 4)} {_digits(rng, 4)}",
        "bare": f"{area}{exchange}{line}", "one, bare": f"1{area}{exchange}{line}", "local": f"{exchange}{dash}{line}",
    }  # fmt: skip
    shape = rng.choice(list(ways))
    return ways[shape], shape, shape in ("bare", "one, bare", "local")


def _ssn(rng: random.Random) -> tuple[str, str, bool]:
    area, group, serial = f"{rng.randint(1, 999):03d}", f"{rng.randint(1, 99):02d}", f"{rng.randint(1, 9999):04d}"
    dash, blank = rng.choice(_DASHES), rng.choice(_BLANKS)
    ways = {
        "dashes": f"{area}{dash}{group}{dash}{serial}", "spaced dashes": f"{area} {dash} {group} {dash} {serial}",
        "blanks": f"{area}{blank}{group}{blank}{serial}", "dots": f"{area}.{group}.{serial}",
        "bare": f"{area}{group}{serial}",
    }  # fmt: skip
    shape = rng.choice(list(ways))
    return ways[shape], shape, shape != "dashes" and shape != "spaced dashes"


def _student_id(rng: random.Random) -> tuple[str, str, bool]:
    ways = {
        "nine digits": _digits(rng, 9), "eight digits": _digits(rng, 8), "seven digits": _digits(rng, 7),
        "ten digits": _digits(rng, 10), "letter": f"{rng.choice('ABGNUV')}{_digits(rng, 8)}",
        "nine-oh": f"90{_digits(rng, 7)}",
        "letter and zero": f"{rng.choice('AGU')}0{_digits(rng, 7)}", "threes": "-".join(_digits(rng,
        3) for _ in range(3)),
        "threes, blanks": " ".join(_digits(rng, 3) for _ in range(3)),
    }  # fmt: skip
    shape = rng.choice(list(ways))
    return ways[shape], shape, shape != "letter and zero"


def _email(rng: random.Random) -> tuple[str, str, bool]:
    who, host = rng.choice(_WORDS) + _digits(rng, rng.randint(0, 3)), rng.choice(_HOSTS)
    plain, easy = rng.choice(_PLAIN_HOSTS), who.strip("_'").replace("'", "")
    dotted = plain.replace(".", " dot ")
    ways = {
        "plain": f"{who}@{host}", "capitals": f"{who}@{host}".upper(), "mailto": f"mailto:{who}@{host}",
        "angle": f"<{who}@{host}>",
        "at in brackets": f"{easy} [at] {plain.replace('.', ' [dot] ')}",
        "parentheses": f"{easy}(at){plain.replace('.', '(dot)')}",
        "at in words": f"{easy} at {dotted}", "AT DOT": f"{easy} AT {plain.replace('.', ' DOT ')}",
        "at a host": f"{easy}9 at {plain}",
        "one bracket": f"{easy} [at] {plain}", "spaced sign": f"{easy} @ {plain}", "curly": f"{easy}{{at}}{plain}",
        "full-width sign": f"{easy}\uff20{plain}", "zero width": f"{easy}\u200b@\u200b{plain}",
        "underscores": f"{easy}_at_{plain.replace('.', '_dot_')}", "quoted": f'"{easy} q"@{plain}',
        "number host": f"{easy}@[10.0.0.7]",
    }  # fmt: skip
    shape = rng.choice(list(ways))
    return ways[shape], shape, False


_VALUES: dict[str, Callable[[random.Random], tuple[str, str, bool]]] = {
    "EMAIL": _email, "PHONE": _phone, "SSN": _ssn, "STUDENT_ID": _student_id,
}  # fmt: skip
_TELLING = {"PHONE": _CALLING, "SSN": _SOCIAL, "STUDENT_ID": _STUDENT, "EMAIL": _BARE}


def _wrapped(rng: random.Random, text: str) -> str:
    """A title or sentence as it is, in JSON text, in a tool call, in a tool's result (also inside JSON inside it)."""
    inner = json.dumps(
        [{"title": text, "points": 5405550143, "due": "2026-03-01T04:59:59Z"}], ensure_ascii=rng.random() < 0.5
    )
    return rng.choice(
        (
            text, text, text, inner, wire.serialise(ToolCall("calendar.create_event", {"title": text, "minutes": 30})),
            "Sure. " + wire.serialise(ToolCall("a.b", {"rows": [{"deep": {"x": text}}]})),
            wire.response_text({"note": text}),
            wire.serialise_response("canvas.get_todo", inner), wire.serialise_response("canvas.get_syllabus", text),
        )
    )  # fmt: skip


def identities(seed: int, count: int, types: tuple[str, ...] = STRICT) -> Iterator[Case]:
    """``count`` cases of the strict types in turn."""
    rng = random.Random(f"identities/{seed}")
    for number in range(count):
        type_ = types[number % len(types)]
        value, shape, needs = _VALUES[type_](rng)
        if type_ != "EMAIL" and rng.random() < 0.15:
            value, shape = value.translate(rng.choice((_FULL_WIDTH, _ARABIC))), f"{shape}, other digits"
        wording = rng.choice(_TELLING[type_] if needs or rng.random() < 0.5 else _BARE).format(x=value)
        yield Case(type_, shape, _wrapped(rng, wording), _traces(type_, value))


def _traces(type_: str, value: str) -> tuple[str, ...]:
    if type_ == "EMAIL":
        return tuple(
            part
            for part in value.replace("\u200b", " ").replace("@", " ").replace("\uff20", " ").split()
            if len(part) > 4
        )
    runs = "".join(c if c.isdigit() else " " for c in value).split()
    return tuple(run for run in runs if len(run) > 2 or len(runs) == 1)


def others(seed: int, count: int) -> Iterator[Case]:
    """``count`` addresses on the web and on land, rooms, handles, and clock times beside a place."""
    rng = random.Random(f"others/{seed}")
    streets, kinds = (
        "Maple Birchwood Kestrel Old-Mill Harrow".split(),
        "Street St Avenue Ave. Road Lane Blvd Drive".split(),
    )
    halls, houses = (
        "Larkspur Wexford Quarry Tamarack Penrose Holloway".split(),
        "Hall Building Center Tower Library".split(),
    )
    for number in range(count):
        type_ = OTHERS[number % len(OTHERS)]
        n = rng.randint(100, 4999)
        name, hall = f"{rng.choice(streets)} {rng.choice(kinds)}", f"{rng.choice(halls)} {rng.choice(houses)}"
        value = {
            "URL": rng.choice((f"https://p{n}.example.edu/~q{n}?a=1&b=%20#x", f"www.q{n}.example.com/a",
            f"http://10.0.{n % 255}.7:80/x{n}",
                               f"people.q{n}.edu/home", f"https://zoom.us/j/{n}7231", f"HTTPS://EXAMPLE.EDU/Q{n}")),
            "ADDRESS": rng.choice((f"{n} {name}", f"{n} {name}, Apt {n % 40}", f"{n} N. {name}", f"P.O. Box {n}",
            f"PO Box {n}")),
            "ROOM": rng.choice((f"{hall} {n}", f"{hall}, Room {n}", f"Room {n}B", f"rm. {n}", f"{hall.upper()} {n}",
            f"Classroom {n}")),
            "USERNAME": rng.choice((f"@q{n}_x", f"@Quill.{n}x", f"@the_{n}")),
            "TIME": rng.choice((f"{n % 12 + 1}:{n % 60:02d} PM, {hall} {n}", f"{hall} {n} at {n % 12 + 1}pm",
                                f"MWF {n % 12 + 1}:{n % 60:02d}-{n % 12 + 1}:59 in Room {n}")),
        }[type_]  # fmt: skip
        wording = rng.choice(
            ("Go to {x}", "{x}", "Lab tour, {x}", "Moved: {x} (see notes)", "Is it {x}?", "see {x}")
        ).format(x=value)
        clock = f"{n % 12 + 1}:{n % 60:02d}" if ":" in value and type_ == "TIME" else ""
        yield Case(type_, value, _wrapped(rng, wording), tuple(t for t in (str(n), clock) if t))


_STAYS: tuple[str, ...] = (
    "course {a:05d}", "assignment {n}", "Assignment id {b}", "id {b} points", "item {b}", "submission {b}",
    "{p} points", "{p}.5 pts",
    "{p}/100", "score: {p}%", "2026-{m:02d}-{d:02d}T{h:02d}:{s:02d}:59Z", "2026-{m:02d}-{d:02d}",
    "due {m}/{d}/2026", "{m}/{d}/26 by noon",
    "{d}.{m}.2026", "version {m}.{d}.{h}", "v{m}.{d}.{p}", "Python 3.{d}", "ISBN 978-0-{d:02d}-{a:06d}-{m2}",
    "ISBN 978{b:010d}",
    "isbn: 0-{d:02d}-{a:06d}-{m2}", "Chapter {m}.{d}", "Section {m}.{d}.{h}", "Chapters {m}-{d}", "Figure {m}.{d}",
    "p. {p}-{q}",
    "pages {p}–{q}", "${p}.99", "${m},{p:03d}.00", "{m},{p:03d},{q:03d} rows", "37.{a:05d}, -80.{a:05d}",
    "{m}.{a:05d}, {d}.{a:05d}",
    "year {y}", "{y}–{y2}", "{y}-{y2} season", "the {y}s", "Fall {y} archive", "HTTP 40{m2}", "RFC {p}", "ISO {p}",
    "UTF-{d}", "top {p} words",
    "{p} {e} {q}000", "{m}00 {d}0 {h}000", "{m}00-{p}-{h}000"[:0] + "ratio {m}:{d}", "{p} x {q} pixels",
    "{m}.{d}e-{h}", "x = {p}.{a:05d}",
    "0.{b}", "sha {c:016x}", "{c:08x}-{m:04x}-4{d:03x}-8{h:03x}-{c:012x}", "10.0.{d}.{h}", "problem {m}{d}{h}",
    "Exercise {m}.{p}",
    "Quiz {m} - part {d}", "lab {m}: {p} mL", "{p} ± {d} nm", "{p}-{q}", "order {b9} widgets", "video {b}",
    "ticket {b9}", "{m}-{d}-{h}",
    "week {m}, day {d}", "{h}:{s:02d} PM", "at {h}:{s:02d}", "due {h}:{s:02d} am", "{p} 000 000",
    "{m} 000 000 people", "{m}{p:03d} km",
    "1e{m} operations", "problems 1, 2, {p}, {q} and {a}", "{p} {q} {p} {q}", "{m} {d} {h} {s}", "Table {p}.{q}",
    "DOI 10.{y}/{b}",
    "atomic mass {p}.{d}", "set {{{m}, {d}, {p}}}", "f({m}) = {p}", "[{p}, {q}]", "matrix {m}x{d}", "{p} kcal at {d} C",
    "meet at noon", "look @ page {p}", "points @ {m} each", "due @ midnight", "@ {h}:{s:02d}",
    "Homework {m}: at least {d} dots",
    "arrive at least {m} minutes early", "vector dot product {m}", "at most {d} dot diagrams", "student {m} of {d}",
    "ID {m}",
    "text chapter {m} to {d}", "call function {m} with {p}", "phone survey of {p} people", "social studies unit {m}",
    "student survey {y}: {p} answers", "read {p} lines of text", "Book {m} of the Odyssey",
    "Room to grow, part {m}"[:0] + "unit {m}",
)  # fmt: skip


def lookalikes(seed: int, count: int) -> list[str]:
    """Texts in which nothing may be masked."""
    rng = random.Random(f"lookalikes/{seed}")
    texts = []
    for number in range(count):
        p, year = rng.randint(10, 999), rng.randint(1900, 2027)
        values = {
            "a": rng.randint(0, 99999), "b": rng.randint(10**6, 10**10 - 1), "b9": rng.randint(10**8, 10**9 - 1),
            "c": rng.getrandbits(40),
            "p": p, "q": rng.randint(p, 999), "m": rng.randint(1, 12), "d": rng.randint(1, 28), "h": rng.randint(1, 12),
            "s": rng.randint(0, 59), "m2": rng.randint(0, 9), "y": year, "y2": year + 1, "n": rng.randint(10**5,
            10**7), "e": rng.randint(1, 9) * 10,
        }  # fmt: skip
        texts.append(_STAYS[number % len(_STAYS)].format(**values))
    return texts
