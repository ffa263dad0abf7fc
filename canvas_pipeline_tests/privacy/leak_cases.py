"""Seeded leaks in names and titles, drawn from ``leak_shapes``, and the share of them that survives.

In: a half's shapes, a seed and a count per kind. Out: ``Leak`` rows, and counts with Wilson intervals. What must hold: the same
seed gives the same cases; every value is invented; the measure prints rates alone, so that nothing can be tuned by its texts:
``python -m canvas_pipeline_tests.privacy.leak_cases`` measures the halves that may be
read, ``… leak_cases held`` the held one.
"""

from __future__ import annotations

import random
import re
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from canvas_pipeline.evaluation.statistics import wilson
from canvas_pipeline.privacy.courses.masker import CourseMasker, learn
from canvas_pipeline.privacy.courses.registry import HANDLE, Registry
from canvas_pipeline.privacy.identities.pii import Kind, Scrubber, instructors
from canvas_pipeline_tests.privacy.leak_numbers import numbered
from canvas_pipeline_tests.privacy.leak_shapes import (
    FIFTH,
    IN_NAMES,
    SEEN,
    SEEN_FOURTH,
    SEEN_THIRD,
    SEEN_TOO,
    TRAINING,
)

KEY = b"a key for this measurement"
_STARTS = "Brin Tol Quil Mar Hesk Vand Oster Wick Pell Gars Lund Fenn Drax Corv Nett Zab Ulm Ruth".split()
_MIDDLES = "d el o an i er av es in or".split()
_ENDS = "lewood van more feldt strand ovic sen baum dez shaw kov ersby quist nak".split()
_WORD_GIVEN = (
    "Will Hope Grace Mark Bill Faith Joy Rose Lily Frank Grant Chase Hunter Art Pat Rob Dawn April June Ivy Jade"
).split()
_WORD_SURNAMES = "Page Stone Rivers Banks Woods Field Marsh Church Case Story Pool Bell Lake Frost Waters".split()
_HOUSES = "Maple Cedar Liberty Heritage Aspen Summit Harbor Falcon Sunset Garden Granite River".split()
_TITLES = (
    "Corporate Budgets", "Plant Cells", "Widget Systems", "Intro to Sociology", "Marine Ecology", "Number Theory",
    "Organic Chemistry", "Urban Planning", "Modern Art", "Signals and Noise",
)  # fmt: skip
_VOWELS, _CONSONANTS = "aeiou", "bdfgklmnprstvz"


class Leak(NamedTuple):
    """``gone`` are the parts of the text that must not survive; ``code`` is the contributor's own course code, if any."""

    kind: str
    shape: str
    text: str
    field: Kind
    code: str | None
    gone: tuple[str, ...]


class _Slots(Mapping[str, str]):
    """Values drawn when a wording first asks for them: ``d3`` three digits, ``l4`` four capitals, ``s2`` two small letters."""

    def __init__(self, rng: random.Random) -> None:
        self._rng = rng
        self._drawn: dict[str, str] = {}

    def __getitem__(self, key: str) -> str:
        if key not in self._drawn:
            self._drawn[key] = self._draw(key)
        return self._drawn[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._drawn)

    def __len__(self) -> int:
        return len(self._drawn)

    def _draw(self, key: str) -> str:
        rng = self._rng
        if sized := re.fullmatch(r"([dls])(\d+)[a-z]?", key):
            kind, count = sized[1], int(sized[2])
            if kind == "d":
                return rng.choice("123456789") + "".join(rng.choices("0123456789", k=count - 1))
            letters = "BCDFGHJKLMNPQRTVWXZ" if kind == "l" else "bcdfghjkmnpqrtvwxz"
            return "".join(rng.choices(letters, k=count))
        if key == "wordgivenb":  # another than the first
            return rng.choice([given for given in _WORD_GIVEN if given != self["wordgiven"]])
        surname = rng.choice(_STARTS) + rng.choice(_MIDDLES) + rng.choice(_ENDS)
        plain = {
            "sur": surname, "surb": surname, "login": rng.choice("abcdejkmqst") + surname[: rng.randint(5, 7)].lower(),
            "short": "".join(rng.choices("bdfgjkqvwxz", k=3)) + rng.choice("123456789"),
            "wordgiven": rng.choice(_WORD_GIVEN), "wordsur": rng.choice(_WORD_SURNAMES),
            "wordhouse": rng.choice(_HOUSES), "init": rng.choice("ABDEJKLMRT"), "init2": rng.choice("BCDEHJMPQS"),
            "title": rng.choice(_TITLES), "season": rng.choice(("Fall", "Spring")), "year": str(rng.randint(2029, 2034)),
            "hour": str(rng.choice((1, 2, 3, 4, 5, 6, 7, 8, 9, 10))), "hour2": str(rng.choice((11, 12))),
            "mixed": rng.choice("XYZKLM") + "".join(rng.choices("qwrtpsdfg", k=2)) + str(rng.randint(100, 999)) + "v",
        }  # fmt: skip
        return plain[key] if key in plain else numbered(rng, key)


def leaks(shapes: Mapping[str, Sequence[str]], seed: int, each: int) -> Iterator[Leak]:
    """``each`` cases of every kind, its shapes in turn."""
    for kind, wordings in shapes.items():
        rng = random.Random(f"leaks/{seed}/{kind}")
        for number in range(each):
            shape = wordings[number % len(wordings)]
            wording, _, code = shape.partition(" <= ")
            slots = _Slots(rng)
            marked = wording.format_map(slots)
            gone = tuple(re.findall(r"\[\[(.*?)\]\]", marked))
            if not gone:  # brackets of the wording's own
                gone = tuple(re.findall(r"\[(.*?)\]", marked))
            text = re.sub(r"\[\[(.*?)\]\]", r"\1", marked)
            field: Kind = "course_name" if kind in IN_NAMES else "text"
            yield Leak(kind, shape, text, field, code.format_map(slots) or None, gone)


def survivors(cases: Sequence[Leak]) -> list[tuple[Leak, str]]:
    """Cases of which a marked part is still there, with what was left of them."""
    left = []
    for case in cases:
        name = case.text if case.field == "course_name" else ""
        known = [] if case.code is None else [learn(case.code, None, name)]
        masker = CourseMasker(Registry(KEY), "zed-001", known[0] if known else None)
        names = instructors([case.text]) if case.field == "course_name" else frozenset()
        masked = masker.mask(case.text)[0]
        out = Scrubber(KEY, "zed-001", None, names).scrub([masked], case.field)[0].text
        rest = re.sub(r"@[A-Z_]+\d{6}(?!\d)", "@", HANDLE.sub("@", out))
        if any(part in rest for part in case.gone):
            left.append((case, out))
    return left


def measure(shapes: Mapping[str, Sequence[str]], seed: int, each: int) -> list[str]:
    """One line a kind: how many of how many survive, with Wilson's 95 % bound."""
    cases = list(leaks(shapes, seed, each))
    gone_wrong = Counter(case.kind for case, _ in survivors(cases))
    lines = []
    for kind, of in Counter(case.kind for case in cases).items():
        found = wilson(gone_wrong[kind], of)
        lines.append(f"{kind:26}{found.hits:4} of {of}  {found.share:6.1%}, at most {found.high:.1%}")
    total = wilson(gone_wrong.total(), len(cases))
    return [*lines, f"{'all':26}{total.hits:4} of {len(cases)}  {total.share:6.1%}, at most {total.high:.1%}"]


_HALVES = {
    "training half": TRAINING,
    "seen half": SEEN,
    "seen half, further shapes": SEEN_TOO,
    "seen half, the third": SEEN_THIRD,
    "seen half, the fourth": SEEN_FOURTH,
}
_HELD = {"held half, the fifth": FIFTH}

if __name__ == "__main__":
    for title, half in (_HELD if sys.argv[1:] == ["held"] else _HALVES).items():
        print(title)
        print("\n".join(measure(half, seed=7, each=160)))
