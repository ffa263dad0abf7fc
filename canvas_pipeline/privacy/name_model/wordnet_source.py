"""Make the two files of ``wordnet`` from WordNet 3.0: ``python -m canvas_pipeline.privacy.name_model.wordnet_source FOLDER``.

``FOLDER`` has WordNet's ``data.*`` and ``index.*`` files (Debian's package ``wordnet-base``: /usr/share/wordnet).
``wordnet.txt.xz`` and ``wordnet_nouns.txt.xz`` have one entry a line, ``KIND<tab>TEXT``, sorted. The same files give the same
bytes. Towns and buildings are left out, since they may be somebody's whereabouts.
"""

from __future__ import annotations

import argparse
import lzma
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from canvas_pipeline.privacy.identities.wordnet import NOUNS_PATH, PATH
from canvas_pipeline.storage.atomic import whole_file

_PARTS = ("noun", "verb", "adj", "adv")
# WordNet's files of nouns (lexnames(5WN)): what a course is about. Left out: artifacts, places, people in general, plants, animals.
_PEOPLE = 18
_SUBJECTS = frozenset({4, 7, 9, 10, 16, 19, 22, 23, 24, 26, 27, 28, 14})
# Kinds of things that are called after their discoverer: animals, parts of bodies, objects, phenomena, plants, processes, quantities, relations, shapes,
# substances. Not "lunch", "slides", "ideas" or "attitude", which have owners.
_THINGS = frozenset({5, 8, 17, 19, 20, 22, 23, 24, 25, 27})
_WHO_AND_WHERE = frozenset({6, 15, 17, _PEOPLE})
_EXAMPLE = re.compile(r'"([^"]+)"')
_SOMEBODY = (
    "he|she|him|they|them|the (?:man|woman|boy|girl|child|teacher|professor|student|president|speaker|actor|actress|candidate|"
    "author|director|chairman|coach|captain|lawyer|doctor|nurse|patient|clerk|secretary|manager|boss|waiter|witness|artist|"
    "writer|poet)|"
    "(?:his|her|my|our) (?:wife|husband|father|mother|son|daughter|brother|sister|friend|uncle|aunt|boss|teacher|colleague|"
    "neighbor)"
)
_PERSON = re.compile(
    rf"\b(?:{_SOMEBODY}|(?<=\w )(?:her)(?= (?:to|for|with|at|in|on|by|from|about|that|if|when)\b)|her$)\b",
    re.IGNORECASE,
)
_SOMEWHERE = re.compile(
    r"\b(?P<at>in|at|to|by|from|near|around|inside|behind|toward|across|outside|leaving|visited|through|over|beyond) "
    r"(?:(?:the|a|an|his|her|their|my|our|this) (?:\w+ )?(?:city|town|village|hospital|university|college|church|library|park|"
    r"school|house|hotel|museum|theat(?:er|re)|island|country|airport|harbor|valley|farm|river|lake|mountains?|hills?|building|campus|woods|beach|"
    r"capital|coast|restaurant|garden|castle|factory|office|forest|prison|bank|station|hall|stadium|desert|square)"
    r"|[A-Z][a-z]{3,}(?: [A-Z][a-z]+)?)(?=$|[ ,.;!?])"
)
_UNFIT = re.compile(
    r"\b(?:sex\w*|rap(?:e|ed|ist)|kill\w*|murder\w*|whor\w*|nigg\w*|negro\w*|jews?|prostitut\w*|nude|naked|drunk\w*|suicid\w*|"
    r"shit\w*|damn\w*|bitch\w*|bastard\w*|fuck\w*|shot|corpse\w*|tortur\w*|nazi\w*|terroris\w*|slave\w*|lover\w*|breasts?|piss\w*|hell)\b",
    re.IGNORECASE,
)


class Synset(NamedTuple):
    """One meaning: its WordNet file, whether it is one particular thing or person, its words, its gloss."""

    file: int
    instance: bool
    words: tuple[str, ...]
    gloss: str


def synsets(folder: Path) -> Iterator[Synset]:
    """Yield all meanings, in the files' order."""
    for part in _PARTS:
        for line in _lines(folder / f"data.{part}"):
            head, _, gloss = line.partition(" | ")
            fields = head.split()
            words = tuple(
                re.sub(r"\(\w+\)$", "", fields[4 + 2 * n].replace("_", " ")) for n in range(int(fields[3], 16))
            )
            yield Synset(int(fields[1]), "@i" in fields, words, gloss)


def entries(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield (kind, text) of the first file's entries."""
    for synset in synsets(folder):
        if synset.file == _PEOPLE and synset.instance:
            whole = [word for word in synset.words if " " in word]
            yield from (("figure", word) for word in whole)
            alone = [word for word in synset.words if " " not in word and any(w.endswith(f" {word}") for w in whole)]
            yield from (("surname", word) for word in alone)
        elif synset.file in _SUBJECTS:
            yield from (("subject", word) for word in synset.words if {*" -"} & {*word} or not word.islower())
        yield from (("word", word) for word in synset.words if re.fullmatch(r"[a-z]{4,}", word))
        for example in _EXAMPLE.findall(synset.gloss):
            yield from _frames(example.strip())


def nouns(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield ``thing`` or ``noun``, and a noun that is no verb; one that is an adjective or adverb too only in the plural. Things
    are nouns that mean one in the commoner two of their meanings."""
    files: dict[str, int] = {}
    for line in _lines(folder / "data.noun"):
        offset, file, *_ = line.split()
        files[offset] = int(file)
    verbs, adjectives, adverbs = (
        {line.split(" ", 1)[0] for line in _lines(folder / f"index.{part}")} for part in ("verb", "adj", "adv")
    )
    for line in _lines(folder / "index.noun"):
        word, *fields = line.split()
        if word in verbs or not re.fullmatch(r"[a-z]{3,}", word):
            continue
        meanings = fields[-int(fields[1]) :]
        kind = "thing" if any(files[offset] in _THINGS for offset in meanings[:2]) else "noun"
        yield kind, f"{word}s" if word in adjectives | adverbs else word


def phrases(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield terms of several words that ``entries`` does not have, without people, places and buildings."""
    for synset in synsets(folder):
        if synset.file not in _SUBJECTS and synset.file not in _WHO_AND_WHERE:
            yield from (("phrase", word) for word in synset.words if " " in word)


def _lines(path: Path) -> Iterator[str]:
    return (line for line in path.read_text("latin-1").splitlines() if not line.startswith("  "))  # the licence


def _frames(example: str) -> Iterator[tuple[str, str]]:
    if _UNFIT.search(example) or not 2 <= example.count(" ") <= 16 or re.search(r"[{}|\t;`]", example):
        return
    inner = re.findall(r"(?<=[ (])[A-Z][a-z]+", example)
    if len(_PERSON.findall(example)) in (1, 2) and not inner:
        yield "person", _PERSON.sub("{p}", example)
    somewhere = _SOMEWHERE.sub(r"\g<at> {pl}", example)
    if somewhere != example and not re.search(r"(?<=[ (])[A-Z][a-z]+", somewhere):
        yield "place", somewhere
    if not inner and not re.search(r"\bI\b.*\bI\b", example) and _sampled(example):
        yield "plain", example


def _sampled(example: str) -> bool:
    """Select a third of the examples, which is enough to learn from."""
    return sum(map(ord, example)) % 3 == 0


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(
        description="Make the tables of figures, subjects and frames out of WordNet's files."
    )
    parser.add_argument("folder", type=Path, help="where data.noun and its like lie, for instance /usr/share/wordnet")
    chosen = parser.parse_args(arguments)
    for path, rows in ((PATH, entries(chosen.folder)), (NOUNS_PATH, [*nouns(chosen.folder), *phrases(chosen.folder)])):
        lines = sorted({f"{kind}\t{text}" for kind, text in rows})
        with whole_file(path) as temporary:
            temporary.write_bytes(lzma.compress(("\n".join(lines) + "\n").encode(), preset=9))


if __name__ == "__main__":
    main()
