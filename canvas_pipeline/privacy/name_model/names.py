"""Invent people and places for the name recogniser: Faker's names in many locales, names made of syllables, unseen spellings.

Training draws only names whose every word hashes to an even number (``is_for_training``), testing only those with odd ones
(``is_for_testing``).
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

from canvas_pipeline.privacy.name_model.fillers import DAYS, STEMS, SUFFIXES, TOPICS, WORKS

# Latin script first; the last line holds people who write their names in another one.
LOCALES = (
    "en_US en_GB en_IN en_PK en_KE es_MX es_ES fr_FR de_DE it_IT pt_BR pl_PL tr_TR vi_VN id_ID nl_NL sv_SE no_NO fi_FI cs_CZ hu_HU "
    "ro_RO hr_HR sk_SK yo_NG ha_NG ig_NG zu_ZA lt_LT ga_IE tw_GH sw az_AZ uz_UZ "
    "zh_CN ja_JP ko_KR ru_RU el_GR hi_IN ar_AA"
).split()
OTHER_SCRIPTS = frozenset(LOCALES[-7:])
UNORDERED = frozenset({"it_IT"})  # Faker has its towns in a set: the draw differs from process to process
ROMANIZED = ("zh_CN", "ja_JP")


class Names(NamedTuple):
    """The pools of one share (training or testing). ``foreign`` are whole names in other scripts."""

    given: tuple[str, ...]
    surnames: tuple[str, ...]
    cities: tuple[str, ...]
    foreign: tuple[str, ...]


def is_for_training(name: str) -> bool:
    """Return whether the sha256 of each word of a name, case folded, is even (``GENERIC`` words aside)."""
    return all(_parity(word) == 0 for word in name.split() if word.lower() not in GENERIC)


def is_for_testing(name: str) -> bool:
    """Return whether each word's hash is odd. Names of mixed words belong to neither share."""
    return all(_parity(word) == 1 for word in name.split() if word.lower() not in GENERIC)


# Words of many place names: both shares have them.
GENERIC = frozenset(
    "north south east west new old port lake fort mount upper lower great little san santa saint sainte st st. de da do del di la le "
    "les el los las am an der den bad ob im van von sur en y e falls springs heights creek grove beach ville".split()
)


def _parity(word: str) -> int:
    return hashlib.sha256(word.casefold().encode()).digest()[-1] & 1


def names(seed: int, training: bool, per_locale: int = 500) -> Names:
    """Draw names by Faker in many locales, a third as many again made of syllables, and towns. Takes about a minute."""
    from faker import Faker

    rng, belongs = random.Random(seed), is_for_training if training else is_for_testing
    pools: dict[str, set[str]] = {"given": set(), "surnames": set(), "cities": set(), "foreign": set()}
    for locale in LOCALES:
        fake: Any = Faker(locale)
        fake.seed_instance(seed)
        for _ in range(per_locale):
            if locale in OTHER_SCRIPTS:
                pools["foreign"].add(f"{fake.first_name()} {fake.last_name()}" if locale in ("ru_RU", "el_GR", "hi_IN") else
                                     f"{fake.last_name()}{fake.first_name()}")  # fmt: skip
                if locale in ROMANIZED:
                    given, surname = fake.romanized_name().split()[:2]
                    pools["given"].add(given)
                    pools["surnames"].add(surname)
            else:
                pools["given"].add(fake.first_name())
                pools["surnames"].add(fake.last_name())
                if locale not in UNORDERED:
                    pools["cities"].add(fake.city())
    for _ in range(2500):
        pools["given"].add(_syllables(rng, 2))
        pools["surnames"].add(_syllables(rng, rng.choice((1, 2, 2, 3)), surname=True))
        pools["cities"].add(_town(rng))
    ordinary = frozenset(word.lower() for table in (TOPICS, WORKS, DAYS) for entry in table for word in entry.split())
    return Names(*(
        tuple(sorted(n for n in pool if belongs(n) and 1 < len(n) < 30 and n.lower() not in ordinary and "(" not in n))
        for pool in pools.values()
    ))  # fmt: skip


_ONSETS = "b br c ch d dr f fr g gr h j k kr kw l m mb n nd ng o p pr q r s sh st sz t th tr v w x y z zh".split()
_NUCLEI = "a e i o u aa ai au ea ee ei ia ie io oo ou ue ya yo".split()
_CODAS = ["", "", "", "n", "r", "s", "l", "k", "m", "ng", "nd", "rt", "tz", "ck", "sh", "x"]
_ENDINGS = "ski sky sen son berg man mann stein wicz escu ova ov enko idis opoulos ez es i o a ani oglu yan ian dze wala kar ford ley worth".split()  # fmt: skip
_TOWN_ENDS = "ville|burg|ton|field|ford|port|haven|mouth|stead|dale|wood|bridge| Falls| Springs| Heights| Creek| Grove| Beach".split("|")  # fmt: skip


def _syllables(rng: random.Random, count: int, surname: bool = False) -> str:
    text = "".join(rng.choice(_ONSETS) + rng.choice(_NUCLEI) + rng.choice(_CODAS) for _ in range(count))
    return (text + (rng.choice(_ENDINGS) if surname and rng.random() < 0.6 else "")).capitalize()


def _town(rng: random.Random) -> str:
    return _syllables(rng, rng.choice((1, 1, 2))) + rng.choice(_TOWN_ENDS)


class Spelling:
    """Make new words that are spelt like those of a pool: each letter is drawn after the two before it."""

    def __init__(self, pool: Sequence[str]) -> None:
        self._next: dict[str, list[str]] = {}
        for word in pool:
            padded = f"^^{word.lower()}$"
            for at in range(len(padded) - 2):
                self._next.setdefault(padded[at : at + 2], []).append(padded[at + 2])

    def word(self, rng: random.Random) -> str:
        """Return a word of 3 to 12 letters, capitalised."""
        while True:
            text = "^^"
            while len(text) < 15 and text[-1] != "$":
                text += rng.choice(self._next[text[-2:]])
            if text[-1] == "$" and 3 <= len(text) - 3 <= 12:
                return text[2:-1].title()


def learned_word(rng: random.Random) -> str:
    """Return a word that looks like a topic: "hydrometry", "colonization"."""
    return rng.choice(STEMS) + (rng.choice(STEMS) if rng.random() < 0.2 else "") + rng.choice(SUFFIXES)
