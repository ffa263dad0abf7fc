"""Generate canaries (invented identities that must not survive masking) and decoys (texts that must not be masked).

Each canary has needles of its own: words, digits or codes that no other canary and no input contains, so that every remaining part
of it can be attributed (see ``canary_search``). Names come from Faker in many locales; each part has an odd sha256, since the
recogniser is trained on even ones. The same arguments give the same canaries. No rate, finding or ``repr`` contains a value."""

from __future__ import annotations

import hashlib
import random
import re
import unicodedata
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Literal

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.records import Row
from canvas_pipeline.tracks.canvas.intake.synthetic.canary_templates import (
    COURSE_NAMES,
    DECOYS,
    FRAMES,
    TEMPLATES,
    TOPICS,
)

Spot = Literal["title", "todo", "course_name", "course_code", "session", "tool_result"]
LOCALES = (
    "en_US", "en_GB", "en_IN", "en_NZ", "es_MX", "es_ES", "es_CO", "de_DE", "de_AT", "fr_FR", "fr_CA", "it_IT", "pt_BR",
    "pt_PT", "nl_NL",
    "pl_PL", "sv_SE", "no_NO", "da_DK", "fi_FI", "cs_CZ", "hu_HU", "ro_RO", "hr_HR", "sl_SI", "et_EE", "lt_LT", "tr_TR",
    "id_ID", "en_PH",
    "yo_NG", "ig_NG", "ha_NG", "tw_GH", "zu_ZA", "vi_VN", "az_AZ", "lv_LV", "sk_SK",
)  # fmt: skip
UNORDERED = "it_IT"
"""Faker stores this locale's towns in a set, so that draws would differ between processes."""
SHARES: Mapping[str, float] = {
    "PERSON": 0.20, "COURSE": 0.18, "ROOM": 0.10, "PLACE": 0.10, "EMAIL": 0.09, "PHONE": 0.09, "STUDENT_ID": 0.07, "SSN": 0.06,
    "URL": 0.04, "USERNAME": 0.04, "ADDRESS": 0.03,
}  # fmt: skip
STRICT = ("EMAIL", "PHONE", "SSN", "STUDENT_ID", "COURSE")
"""Types of which none may survive."""
_SPOTS: Sequence[tuple[Spot, float]] = (("title", 0.56), ("todo", 0.14), ("session", 0.15), ("tool_result", 0.15))
_IN_NAME = 0.15  # share placed in a course's name (types that occur there), and of codes in the code field
_SUBJECTS = "ACIS BIOL CHEM CMDA ECE ECON ENGL GEOG HIST ISE MATH MGT PHIL PHYS PSYC STAT SOC CS ME FIN".split()
_DOMAINS = (
    "vt.example.edu",
    "mail.example.com",
    "cs.Example.EDU",
    "students.example.ac.uk",
    "example.org",
    "inbox.example.co",
)


class Canary(Row, frozen=True, kw_only=True):
    """One planted identity.

    ``text`` is the wording that contains it, ``needles`` are the texts by which it is found, ``template`` is the type, place and
    position of the wording in its table, ``shape`` is the form in which the identity is written."""

    number: int
    type: str
    shape: str
    spot: Spot
    template: str
    value: str
    text: str
    needles: tuple[str, ...]

    def __repr__(self) -> str:
        return f"Canary({self.number}, {self.type}, {self.shape}, {self.spot}, {self.template}, value withheld)"


class Decoy(Row, frozen=True, kw_only=True):
    """A text that masking must not change."""

    number: int
    family: str
    text: str


class Rate(Row, frozen=True, kw_only=True):
    """``count`` out of ``of``, with its Wilson 95 % interval."""

    count: int
    of: int
    share: float
    low: float
    high: float


def rate(count: int, of: int) -> Rate:
    """Compute a share with its Wilson 95 % interval (statsmodels ``proportion_confint``), which is 0 to 1 for ``of=0``."""
    from statsmodels.stats.proportion import proportion_confint

    if of == 0:
        return Rate(count=0, of=0, share=0.0, low=0.0, high=1.0)
    low, high = proportion_confint(count, of, alpha=0.05, method="wilson")
    return Rate(count=count, of=of, share=count / of, low=max(0.0, float(low)), high=min(1.0, float(high)))


def odd(name: str) -> bool:
    """Return whether a name is in the half used for tests; training uses the other half (``name_model.names``)."""
    return hashlib.sha256(name.casefold().encode()).digest()[-1] & 1 == 1


def fold(text: str) -> str:
    """Normalise a text for comparison: NFKC, case folded, no invisible characters."""
    plain = unicodedata.normalize("NFKC", text).casefold()
    return plain if plain.isascii() else "".join(c for c in plain if unicodedata.category(c) != "Cf")


# ------------------------------------------------------------------------------------------------------------- values


class _Names:
    """Draws names, towns and streets; each part occurs once, is ``odd`` and is not a reserved word."""

    def __init__(self, seed: int, reserved: Collection[str]) -> None:
        try:
            from faker import Faker
        except ImportError:
            raise MissingTool("planting canaries needs the package faker; install the extra pii") from None
        self._makers: list[Any] = []
        self._town_makers: list[Any] = []
        for position, locale in enumerate(LOCALES):
            try:
                maker: Any = Faker(locale)
            except AttributeError:  # a locale that this release of Faker does not have
                continue
            maker.seed_instance(seed * 1000 + position)
            self._makers.append(maker)
            if locale != UNORDERED:
                self._town_makers.append(maker)
        self._rng = random.Random(f"{seed}/names")
        self._used = {fold(word) for word in reserved}

    def person(self) -> tuple[str, str]:
        """Draw a given name and a surname."""
        return self._new(lambda maker: maker.first_name()), self._new(lambda maker: maker.last_name())

    def surname(self) -> str:
        return self._new(lambda maker: maker.last_name())

    def town(self) -> str:
        return self._new(lambda maker: maker.city(), self._town_makers)

    def _new(self, draw: Callable[[Any], str], makers: Sequence[Any] = ()) -> str:
        while True:
            name = draw(self._rng.choice(makers or self._makers))
            word = fold(name)
            if (
                re.fullmatch(r"[^\W\d_]{4,14}", name)
                and name[0].isupper()
                and odd(name)
                and not {word, _plain(name)} & self._used
                and _latin(name)
                and fold(name.upper()) == word
            ):
                self._used |= {word, _plain(name)}
                return name


def _latin(name: str) -> bool:
    return all(unicodedata.name(char, "").startswith("LATIN") for char in name)


class _Numbers:
    """Draws numbers that occur once."""

    def __init__(self, seed: int, reserved: Collection[str]) -> None:
        self._rng = random.Random(f"{seed}/numbers")
        self._used = set(reserved)

    def new(self, first: str, digits: int) -> str:
        while True:
            number = first + "".join(self._rng.choice("0123456789") for _ in range(digits - len(first)))
            if number not in self._used:
                self._used.add(number)
                return number


Value = tuple[str, str, tuple[str, ...]]
"""shape, text, needles"""


def _plain(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFKD", text.lower()) if c.isascii() and c.isalpha())


def _person(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    shape = rng.choice(("full", "full", "full", "surname", "initial", "given"))
    if shape == "full":
        given, surname = names.person()
        return shape, f"{given} {surname}", (fold(given), fold(surname))
    name = names.surname() if shape != "given" else names.person()[0]
    return shape, f"{rng.choice('ABCDEJKLMRST')}. {name}" if shape == "initial" else name, (fold(name),)


def _email(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    user = names.surname()
    while len(_plain(user)) < 4:
        user = names.surname()
    word = _plain(user)
    shape = rng.choice(("{w}", "{w}{n}", "j.{w}", "{W}.a", "{w}+canvas", "{w}_{n}", "{U}"))
    text = shape.format(w=word, W=word.title(), U=word.upper(), n=rng.randrange(10, 99)) + "@" + rng.choice(_DOMAINS)
    return shape, text, (f"@{text.split('@')[0].lower()}", word)


PHONE_SHAPES = (
    "({a}) {b}-{c}", "{a}-{b}-{c}", "{a}.{b}.{c}", "+1 {a} {b} {c}", "{a}{b}{c}", "{a}–{b}–{c}", "1-{a}-{b}-{c}", "({a}){b}-{c}",
    "+1{a}{b}{c}", "{a} {b} {c}",
)  # fmt: skip


def _phone(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    area = rng.choice(("540", "703", "212", "907", "804", "336"))
    local = numbers.new(rng.choice("23456789"), 7)
    shape = rng.choice(PHONE_SHAPES)
    return shape, shape.format(a=area, b=local[:3], c=local[3:]), (f"#{local}",)


def _ssn(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    digits = numbers.new("9", 9)  # never issued
    shape = rng.choice(("{a}-{b}-{c}", "{a}-{b}-{c}", "{a} {b} {c}", "{a}–{b}–{c}"))
    return shape, shape.format(a=digits[:3], b=digits[3:5], c=digits[5:]), (f"#{digits[-7:]}",)


def _student(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    digits = numbers.new(rng.choice(("905", "906")), 9)
    return "nine digits", digits, (f"#{digits[-7:]}",)


def _url(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    word = _plain(names.surname()) + str(rng.randrange(10, 99))
    shape = rng.choice(("https://people.example.edu/~{w}", "https://github.com/{w}", "http://www.example.org/users/{w}/work",
                        "https://videos.example.edu/{w}", "www.example.net/in/{w}", "https://{w}.example.io/essay"))  # fmt: skip
    return shape, shape.format(w=word), (word,)


def _username(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    word = _plain(names.surname())
    shape = rng.choice(("@{w}{n}", "@{w}_{n}", "@the.{w}", "@{w}"))
    text = shape.format(w=word, n=rng.randrange(10, 99))
    return shape, text, (text.lower().removeprefix("@the.").lstrip("@"),)


def _address(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    street = names.surname()
    shape = rng.choice(("{n} {s} Street", "{n} {s} Ave", "{n} {s} Road, Apt {m}", "{n} N {s} Blvd.", "{n} {s} Lane"))
    return shape, shape.format(n=rng.randrange(12, 4999), s=street, m=rng.randrange(2, 40)), (fold(street),)


ROOM_SHAPES = ("{s} Hall {n}", "{s} {n}", "{s} Building, Room {n}", "Room {r}", "Rm. {r}", "{s} Hall, room {n}", "{n} {s} Hall",
               "{s} Auditorium")  # fmt: skip


def _room(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    shape = rng.choice(ROOM_SHAPES)
    building, number, room = names.surname(), rng.randrange(101, 499), numbers.new(rng.choice("1234"), 4)
    return (
        shape,
        shape.format(s=building, n=number, r=room),
        (fold(building),) if "{s}" in shape else (f"room {room}", f"rm {room}"),
    )


def _place(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    town = names.town()
    shape = rng.choice(("{p}", "{p}", "{p}, VA", "downtown {p}", "the {p} campus"))
    return shape, shape.format(p=town), (fold(town),)


def _course(rng: random.Random, names: _Names, numbers: _Numbers) -> Value:
    subject = rng.choice(_SUBJECTS)
    while True:
        number = numbers.new(rng.choice("12345"), 4)
        if not number.startswith(("19", "20")):
            break
    crn, term = numbers.new(rng.choice("1289"), 5), rng.choice(("202601", "202509", "202606"))
    shape = rng.choice(COURSE_SHAPES)
    if subject == "ME" and "{s} {n}" in shape:
        subject = "ECE"  # "me 4282" in small letters reads as the pronoun, not as a course
    text = shape.format(
        S=subject,
        s=subject.lower(),
        T=subject.title(),
        n=number,
        c=crn,
        t=term,
        term=rng.choice(("Fall 2025", "Spring 2026")),
    )
    needles = [f"course {subject.lower()}{number}"] if "{n}" in shape else []
    return shape, text, (*needles, *([f"crn {crn}"] if "{c}" in shape else []))


COURSE_SHAPES = (
    "{S}_{n}_{c}_{t}", "{S}_{n}_{c}_{t}", "{S} {n}", "{S} {n}", "{S}{n}", "{S}-{n}", "{s}{n}", "{s} {n}", "{s}_{n}",
    "{S}_{n}_{t}", "{t}_{S}_{n}_{c}",
    "{S} {n} {term}", "{term} {S} {n}", "{S} {n}H", "{S}_{n}H_{c}_{t}", "{S} {n}-001", "{S} {n} MWF 10:10 AM", "CRN {c}",
    "({c})", "{T} {n}",
    "site_{s}_{n}_{c}_{t}_main", "{S}-{n}-{c}", "{S} {n} Section 004", "{S}.{n}",
)  # fmt: skip
_VALUES: Mapping[str, Callable[[random.Random, _Names, _Numbers], Value]] = {
    "PERSON": _person, "EMAIL": _email, "PHONE": _phone, "SSN": _ssn, "STUDENT_ID": _student, "URL": _url, "USERNAME": _username,
    "ADDRESS": _address, "ROOM": _room, "PLACE": _place, "COURSE": _course,
}  # fmt: skip


def canaries(count: int, seed: int, reserved: Collection[str] = ()) -> list[Canary]:
    """Generate ``count`` canaries, each type by its share. ``reserved`` are words and numbers that the inputs contain."""
    rng = random.Random(f"{seed}/canaries")
    wordings = " ".join(
        [*TOPICS, *(text for table in (TEMPLATES, COURSE_NAMES) for texts in table.values() for text in texts)]
    )
    reserved = {*reserved, *re.findall(r"[^\W\d_]+", f"{wordings} downtown campus")}
    names, numbers = _Names(seed, reserved), _Numbers(seed, reserved)
    types = [type_ for type_, share in SHARES.items() for _ in range(round(share * count))]
    types = (types + ["PERSON"] * count)[:count]
    return [_canary(number, type_, rng, names, numbers) for number, type_ in enumerate(types)]


def _canary(number: int, type_: str, rng: random.Random, names: _Names, numbers: _Numbers) -> Canary:
    shape, value, needles = _VALUES[type_](rng, names, numbers)
    spot: Spot = rng.choices([s for s, _ in _SPOTS], [w for _, w in _SPOTS])[0]
    if type_ == "COURSE" and rng.random() < _IN_NAME and "{n}" in shape:
        spot, template, text = "course_code", "COURSE/course_code/0", value
    elif type_ in COURSE_NAMES and rng.random() < _IN_NAME:
        # A wording of its own: an identity in a course's name is recognised by its position.
        position = rng.randrange(len(COURSE_NAMES[type_]))
        spot, template = "course_name", f"{type_}/course_name/{position}"
        text = COURSE_NAMES[type_][position].format(t=rng.choice(TOPICS), x=value)
    else:
        position = rng.randrange(len(TEMPLATES[type_]))
        template, text = f"{type_}/{position}", TEMPLATES[type_][position].format(x=value)
    return Canary(
        number=number, type=type_, shape=shape, spot=spot, template=template, value=value, text=text, needles=needles
    )


def decoys(count: int, seed: int) -> list[Decoy]:
    """Draw ``count`` texts from all decoys × frames without repetition, or all of them if there are fewer."""
    every = [(family, frame.format(d=text)) for family, texts in DECOYS.items() for text in texts for frame in FRAMES]
    every = list(dict.fromkeys((family, text[0].upper() + text[1:]) for family, text in every))
    random.Random(f"{seed}/decoys").shuffle(every)
    return [Decoy(number=n, family=family, text=text) for n, (family, text) in enumerate(every[:count])]
