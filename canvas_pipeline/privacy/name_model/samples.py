"""Draw labelled texts from the templates: what the name recogniser is trained on and measured with.

The same arguments give the same samples. A span covers exactly the name, without its title ("Dr.") and without a possessive
ending; careless typing (lower case, capitals, missing blanks, typing errors, emoji) never shifts a span.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping, Sequence

from canvas_pipeline.privacy.identities import wordnet
from canvas_pipeline.privacy.identities.vocabulary import is_proper, is_word, ordinary_list
from canvas_pipeline.privacy.name_model import fillers as data
from canvas_pipeline.privacy.name_model.names import Names, Spelling, learned_word
from canvas_pipeline.privacy.name_model.templates import SLOT, Sample

Part = tuple[str, str]  # text, label ("" where it is no identity)

_TITLES = ("Dr. ", "Dr ", "Prof. ", "Prof ", "Professor ", "Mr. ", "Ms. ", "Mrs. ", "prof. ", "dr. ", "Coach ", "Dean ")
_CAMPUS = ("{c} campus", "the {c} campus", "{c} Campus", "{c} Center", "University of {c}", "{c} State", "downtown {c}")
_NATURE = (
    "Lake {s}", "Mount {s}", "{s} Pond", "{s} Creek", "{s} Trail", "{s} Beach", "Fort {s}", "{s} River", "{s} Street",
)  # fmt: skip
_STATES = "VA MD NC TX CA NY PA OH WV Virginia Texas Ohio Maine Oregon Kenya Poland Spain".split()
_ROOM_NUMBERS: tuple[Callable[[random.Random], str], ...] = (
    lambda r: str(r.randrange(1, 4999)),
    lambda r: str(r.randrange(100, 499)),
    lambda r: str(r.randrange(100, 499)),
    lambda r: f"{r.randrange(100, 399)}{r.choice('ABCD')}",
    lambda r: f"{r.choice('ABCDEG')}{r.randrange(1, 399)}",
    lambda r: f"{r.randrange(1, 6)}.{r.randrange(10, 40)}",
    lambda r: f"{r.choice('ABC')}-{r.randrange(10, 399)}",
)
_TURNS = ("person", "plain", "place", "person", "plain", "room", "person", "plain", "place")
_EMOJI = (" 🎉", " 📚", " (optional)", "  ", " !!", "…")


class Drawing:
    """Draw from one share's fillers. ``training`` also invents names, words and topics; otherwise all are from the tables."""

    def __init__(
        self,
        names: Names,
        seed: int,
        topics: Sequence[str] = data.TOPICS,
        eponyms: Sequence[str] = data.EPONYMS,
        training: bool = True,
    ) -> None:
        self._names = names
        self._rng = random.Random(seed)
        self._topics = tuple(topics)
        self._eponyms = tuple(eponyms)
        self._words = data.ordinary_words()
        self._dictionary = ordinary_list()
        self._double = tuple(word for word in (*sorted(data.WORDS_AND_NAMES), *names.surnames) if is_word(word.lower()))
        self._proper = tuple(word.title() for word in (*names.cities, *names.surnames) if is_proper(word))
        self._figures = tuple(sorted(name.title() for name in wordnet.surnames()))
        self._held_out = not training
        self._fresh = {id(pool): Spelling(pool) for pool in (names.given, names.surnames, names.cities, self._words)}

    def samples(self, *sets: Mapping[str, tuple[str, ...]], count: int, mess: float = 0.35) -> Iterator[Sample]:
        """Yield ``count`` samples, from each set of templates equally often, the kinds in turn as ``_TURNS`` weighs them.
        ``mess`` is the share typed carelessly."""
        for index in range(count):
            kind = _TURNS[index % len(_TURNS)]
            parts = self._fill(self._rng.choice(self._rng.choice([table[kind] for table in sets if kind in table])))
            yield _joined(self._carelessly(parts) if self._rng.random() < mess else parts)

    def _fill(self, template: str) -> list[Part]:
        parts: list[Part] = []
        for index, piece in enumerate(SLOT.split(template)):
            if index % 2 == 0:
                parts.append((piece, ""))
            elif (maker := getattr(self, f"_{piece}", None)) is not None:
                made = maker()
                parts += [(made, "")] if isinstance(made, str) else made
            else:
                raise KeyError(f"no filler {piece!r}")
        return parts

    # One method a slot: a string is no identity, a list of parts may hold some.

    def _one(self, pool: tuple[str, ...]) -> str:
        return self._rng.choice(pool)

    def _name(self, pool: tuple[str, ...]) -> str:
        """Return a name; in training often an invented one, so that spelling and position are learnt."""
        if self._held_out or self._rng.random() < 0.55:
            return self._rng.choice(pool)
        return self._fresh[id(pool)].word(self._rng)

    def _p(self) -> list[Part]:
        """Return a person. Training has more lone given names, which are the hardest."""
        draw = self._rng.random()
        full, titled, given = (0.52, 0.74, 0.92) if self._held_out else (0.40, 0.60, 0.92)
        if draw < full:
            return self._f()
        return self._h() if draw < titled else self._g() if draw < given else self._l()

    def _f(self) -> list[Part]:
        r, draw = self._rng, self._rng.random()
        given, surname = self._name(self._names.given), self._surname()
        if draw < 0.03:
            return [(self._one(self._names.foreign), "PERSON")]
        if draw < 0.13:
            middle = r.choice("ABCDEFGHJKLMNPRSTW")
            return [(f"{given} {middle}{r.choice(('. ', ' '))}{surname}", "PERSON")]
        if draw < 0.2:
            return [(f"{given} {self._name(self._names.given)} {surname}", "PERSON")]
        if draw < 0.25:
            return [(f"{given[0]}. {surname}", "PERSON")]
        return [(f"{given} {surname}", "PERSON")]

    def _surname(self) -> str:
        surname, draw = self._name(self._names.surnames), self._rng.random()
        if draw < 0.04:
            return f"{surname}-{self._name(self._names.surnames)}"
        if draw < 0.08:
            return self._rng.choice(("de {}", "van {}", "O'{}", "O’{}", "Mc{}", "al-{}", "von {}", "da {}")).format(
                surname
            )
        return surname

    def _s(self) -> list[Part]:
        return [(self._surname(), "PERSON")]

    def _g(self) -> list[Part]:
        return [(self._name(self._names.given), "PERSON")]

    def _l(self) -> list[Part]:
        return [(f"{self._surname()}, {self._name(self._names.given)}", "PERSON")]

    def _h(self) -> list[Part]:
        who = self._s() if self._rng.random() < 0.75 else self._f()
        return [(self._rng.choice(_TITLES), ""), *who] if self._rng.random() < 0.75 else who

    def _pl(self) -> list[Part]:
        r, draw = self._rng, self._rng.random()
        city, surname = self._name(self._names.cities), self._name(self._names.surnames)
        if draw < 0.4:
            text = city
        elif draw < 0.5:
            text = f"{city}, {r.choice(_STATES)}"
        elif draw < 0.6:
            text = r.choice(_CAMPUS).format(c=city)
        elif draw < 0.7:
            text = r.choice(_NATURE).format(s=surname)
        else:
            text = f"{self._stem()} {r.choice(data.BUILDINGS)}"
        if text.startswith(("the ", "downtown ")):
            first, _, rest = text.partition(" ")
            return [(f"{first} ", ""), (rest, "PLACE")]
        return [(text, "PLACE")]

    def _stem(self) -> str:
        return self._name(self._names.cities if self._rng.random() < 0.25 else self._names.surnames)

    def _r(self) -> list[Part]:
        r, draw = self._rng, self._rng.random()
        number = r.choice(_ROOM_NUMBERS)(r)
        if draw < 0.4:
            text = f"{self._stem()} {r.choice(data.BUILDINGS_WITH_ROOMS)}{r.choice((' ', ' ', ', ', ' Room ', ' rm '))}{number}"
        elif draw < 0.72:
            text = f"{self._stem()} {number}"
        elif draw < 0.9:
            text = f"{r.choice(('Room', 'room', 'Rm', 'rm.', 'Suite', 'Office', 'Classroom', 'ROOM'))} {number}"
        elif draw < 0.95:
            text = f"{self._stem()} {r.choice(data.BUILDINGS_WITH_ROOMS)} {r.choice(('basement', 'lobby', '2nd floor', 'atrium', 'third floor'))}"
        else:
            text = (
                f"{''.join(r.choice('ABCDGHLMNPRSTW') for _ in range(r.choice((2, 3, 3, 4))))} {r.randrange(100, 499)}"
            )
        return [(text, "ROOM")]

    def _t(self) -> str:
        draw = self._rng.random()
        if self._held_out or draw < 0.3:
            return self._one(self._topics)
        if draw < 0.4:
            return self._double_topic()
        if draw < 0.55:
            return self._one(wordnet.subjects() if self._rng.random() < 0.6 else wordnet.figures())
        return self._a().title() if draw < 0.75 else self._q().capitalize()

    def _double_topic(self) -> str:
        """Return a topic with a word that is a name too ("Bell Curve", "Grant Writing") or with a place ("Boston School")."""
        r, word = self._rng, self._one(self._dictionary)
        if r.random() < 0.3:
            return f"{self._one(self._proper)} {r.choice(data.AFTER_PROPER)}"
        double = self._one(self._double).title()
        return r.choice(
            (f"{double} {word.title()}", f"{word.title()} {double}", f"{double} {word}", f"{double}s and {word}")
        )

    def _a(self) -> str:
        """Return one to three ordinary words, as in prose, as in a title, or as at the beginning of a sentence."""
        text = " ".join(self._word() for _ in range(self._rng.choice((1, 1, 2, 2, 3))))
        return self._rng.choice((text, text.title(), text.capitalize()))

    def _word(self) -> str:
        return self._one(self._words) if self._held_out or self._rng.random() < 0.5 else self._one(self._dictionary)

    def _q(self) -> str:
        word = learned_word(self._rng)
        return self._rng.choice((word, word.capitalize(), word.capitalize()))

    def _v(self) -> str:
        verb = self._any_verb()
        return verb.capitalize() if self._rng.random() < 0.6 else verb

    def _any_verb(self) -> str:
        """Return a verb, or often any other word, so that positions of names are learnt and not the words before them."""
        draw = self._rng.random()
        return (
            self._rng.choice(data.VERBS) if draw < 0.5 else self._one(self._words) if draw < 0.85 else self._q().lower()
        )

    def _vs(self) -> str:
        verb = self._any_verb()
        return self._rng.choice(
            (f"{verb}s", f"{verb}ed", f"will {verb}", f"can {verb}", f"{verb.rstrip('e')}ed", f"to {verb}")
        )

    def _ving(self) -> str:
        verb = self._any_verb().rstrip("e") + "ing"
        return verb.capitalize() if self._rng.random() < 0.5 else verb

    def _o(self) -> str:
        if self._rng.random() < 0.5:
            return self._one(data.OBJECTS)
        return f"{self._rng.choice(('the', 'a', 'my', 'his', 'our', 'this', 'two'))} {self._one(self._words)}"

    def _o1(self) -> str:
        return self._one(data.OBJECTS).split()[-1]

    def _u(self) -> str:
        return self._rng.choice(data.NEAR)

    def _z(self) -> str:
        return self._rng.choice(data.WHERE)

    def _w(self) -> str:
        return self._one(data.WORKS).format(n=self._rng.randrange(1, 20))

    def _d(self) -> str:
        return self._one(data.DAYS)

    def _k(self) -> str:
        return self._one(data.CLOCKS)

    def _n(self) -> str:
        return str(self._rng.randrange(1, 40))

    def _e(self) -> str:
        draw = self._rng.random()
        if self._held_out or draw < 0.4:
            return self._one(self._eponyms)
        return self._one(wordnet.figures()) if draw < 0.6 else self._one(self._figures)

    def _m(self) -> str:
        return self._one(data.EPONYM_NOUNS)

    def _sx(self) -> str:
        return self._name(self._names.surnames)

    def _y(self) -> str:
        return self._one(data.TOPIC_PLACES).format(c=self._name(self._names.cities))

    def _c0(self) -> str:
        return self._one(data.COURSES)

    def _bm(self) -> list[Part]:
        """Return a building whose room was masked before."""
        room = f"{self._rng.choice((' ', ', ', ' - '))}@ROOM{self._rng.randrange(100_000, 10**6)}"
        return [(f"{self._stem()} {self._rng.choice(data.BUILDINGS_WITH_ROOMS)}", "PLACE"), (room, "")]

    # Placeholders of texts that were masked before, which are no identities.

    def _mp(self) -> str:
        return f"@PERSON{self._rng.randrange(100_000, 10**6)}"

    def _mr(self) -> str:
        return f"@ROOM{self._rng.randrange(100_000, 10**6)}"

    def _ml(self) -> str:
        return f"@{self._rng.choice(('PLACE', 'TIME', 'EMAIL', 'URL'))}{self._rng.randrange(100_000, 10**6)}"

    def _mc(self) -> str:
        return f"@COURSE{self._rng.randrange(10**7, 10**8)}"

    def _carelessly(self, parts: list[Part]) -> list[Part]:
        r, draw = self._rng, self._rng.random()
        if draw < 0.4:
            return [(text.lower(), label) for text, label in parts]
        if draw < 0.6:
            return [(text.upper(), label) for text, label in parts]
        if draw < 0.7:
            return [(text if label else text.title(), label) for text, label in parts]
        if draw < (0.78 if self._held_out else 0.74):
            return [*parts, (r.choice(_EMOJI), "")]
        if draw < (0.86 if self._held_out else 0.79):
            return [(text.replace(" ", r.choice(("  ", "\u00a0"))), label) for text, label in parts]
        if draw < 0.93:
            return [(text if label else _typo(r, text), label) for text, label in parts]
        return [(text.lower() if label else text, label) for text, label in parts]


def _typo(rng: random.Random, text: str) -> str:
    if len(text) < 5:
        return text
    at = rng.randrange(1, len(text) - 2)
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def _joined(parts: list[Part]) -> Sample:
    text, spans = "", []
    for piece, label in parts:
        if label:
            spans.append((len(text), len(text) + len(piece), label))
        text += piece
    return Sample(text, tuple(spans))
