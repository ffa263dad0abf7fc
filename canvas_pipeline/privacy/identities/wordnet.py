"""Read tables made from WordNet 3.0: figures, subjects, nouns, terms of several words, and example sentences.

``wordnet.txt.xz`` and ``wordnet_nouns.txt.xz`` are made by ``wordnet_source``; licence in NOTICE. The former has ``figures``,
people of history and fiction in full ("Mary Magdalene"); ``surnames``, theirs alone ("Peano"); ``subjects``, terms of several
words or with a capital ("Punic War"); ``words`` of the dictionary; ``frames``, WordNet's examples with slots. The latter has
nouns that are no verbs, those of them that name things, and more terms of several words ("Achilles tendon", "in vitro").
``phrases_in`` is linear in the text.
"""

from __future__ import annotations

import lzma
import unicodedata
from functools import cache
from pathlib import Path

from canvas_pipeline.errors import ServiceUnavailable
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.gazetteer import FULL_NAMES, GIVEN, SURNAMES

PATH = Path(__file__).parent / "wordnet.txt.xz"
NOUNS_PATH = Path(__file__).parent / "wordnet_nouns.txt.xz"
LONGEST = 5  # words of a phrase


@cache
def _table(path: Path = PATH) -> dict[str, tuple[str, ...]]:
    try:
        lines = lzma.decompress(path.read_bytes()).decode().splitlines()
    except (OSError, lzma.LZMAError):
        raise ServiceUnavailable(f"{path.name} is missing or damaged; install the package again") from None
    table: dict[str, list[str]] = {}
    for line in lines:
        kind, _, text = line.partition("\t")
        table.setdefault(kind, []).append(text)
    return {kind: tuple(texts) for kind, texts in table.items()}


def frames(kind: str) -> tuple[str, ...]:
    """Return the templates of a kind (``person``, ``place`` or ``plain``), with slots as in ``name_model.templates``."""
    return _table()[kind]


@cache
def figures() -> tuple[str, ...]:
    """Return people of history and fiction in full, without common names ("John Brown")."""
    return tuple(name for name in _table()["figure"] if not {name.split()[0], name.split()[-1]} <= GIVEN | SURNAMES)


def subjects() -> tuple[str, ...]:
    """Return terms of several words or with a capital."""
    return _table()["subject"]


@cache
def surnames() -> frozenset[str]:
    """Return their surnames in lower case, without those that are somebody's given name too."""
    given = {plainly(name.split()[0]) for name in _table()["figure"]}
    return frozenset(low for name in _table()["surname"] if (low := plainly(name)) not in given)


@cache
def words() -> frozenset[str]:
    """Return the dictionary's lower-case words of at least four letters."""
    return frozenset(_table()["word"])


def is_thing(noun: str) -> bool:
    """Return whether a lower-case noun, or its singular, names a thing: a part, substance, shape, process …"""
    return not _nouns("thing").isdisjoint(_forms(noun))


def is_noun(noun: str) -> bool:
    """Return whether a word is a noun, in the plural too, and no verb."""
    return is_thing(noun) or not _nouns("noun").isdisjoint(_forms(noun))


def is_genus(word: str) -> bool:
    """Return whether a word is the first part of species' names ("Homo")."""
    return ("genus", word.lower()) in _phrases(True).get("genus", ())


@cache
def _nouns(kind: str) -> frozenset[str]:
    return frozenset(_table(NOUNS_PATH)[kind])


def _forms(noun: str) -> tuple[str, ...]:
    return noun, noun.removesuffix("s"), noun.removesuffix("es"), f"{noun.removesuffix('ies')}y"


@cache
def _phrases(wide: bool) -> dict[str, tuple[tuple[str, ...], ...]]:
    """Return first word → the phrases that begin with it, the longest first."""
    found: dict[str, set[tuple[str, ...]]] = {}
    for text in _table(NOUNS_PATH)["phrase"] if wide else (*figures(), *subjects(), *sorted(FULL_NAMES)):
        parts = LETTERS.findall(text)
        if 2 <= len(parts) <= LONGEST:
            words = tuple(plainly(part) for part in parts)
            found.setdefault(words[0], set()).add(words)
    return {first: tuple(sorted(phrases, key=lambda p: (-len(p), p))) for first, phrases in found.items()}


def phrases_in(text: str, wide: bool = False) -> list[tuple[int, int]]:
    """Return the spans of figures, subjects and works (``gazetteer.FULL_NAMES``) of several words, in any case, with or without
    a hyphen, in the plural too. ``wide``: the other terms instead."""
    table = _phrases(wide)
    tokens = [(match.start(), match.end(), plainly(match.group())) for match in LETTERS.finditer(text)]
    found, at = [], 0
    while at < len(tokens):
        length = next((len(p) for p in table.get(tokens[at][2], ()) if _stands(tokens, at, p)), 0)
        if length:
            found.append((tokens[at][0], tokens[at + length - 1][1]))
        at += max(1, length)
    return found


def _stands(tokens: list[tuple[int, int, str]], at: int, phrase: tuple[str, ...]) -> bool:
    if at + len(phrase) > len(tokens):
        return False
    here = tuple(word for _, _, word in tokens[at : at + len(phrase)])
    if here != phrase and (*here[:-1], here[-1].removesuffix("s")) != phrase:
        return False
    return all(b[0] - a[1] <= 2 for a, b in zip(tokens[at:], tokens[at + 1 : at + len(phrase)], strict=False))


def plainly(text: str) -> str:
    """Return the text in lower case without accents, as WordNet writes it."""
    low = text.lower()
    return (
        low if low.isascii() else "".join(c for c in unicodedata.normalize("NFKD", low) if not unicodedata.combining(c))
    )
