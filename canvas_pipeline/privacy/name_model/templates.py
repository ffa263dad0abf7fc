"""Templates of texts that the name recogniser is trained and measured on, by kind: person, place, room, plain.

A slot stands for a filler (see ``samples.Drawing``): ``{p}`` any person, ``{f}`` a full name, ``{s}`` a surname, ``{g}`` a given name,
``{pl}`` a place, ``{r}`` a room, ``{t}`` a topic, ``{w}`` a piece of work, ``{v}`` a verb, ``{o}`` what it is done to, ``{a}`` any words.
A frame such as ``{w} ({…})`` stands with a person, a place and a topic, so that a recogniser must read the filler. No template of
training is one that is measured with. The canaries have templates of their own.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import NamedTuple

from canvas_pipeline.privacy.word_lists import word_list

KINDS = ("person", "place", "room", "plain")
SLOT = re.compile(r"\{(\w+)\}")
texts = partial(word_list, package="name_model")
Templates = Mapping[str, tuple[str, ...]]


class Sample(NamedTuple):
    """``spans`` are (start, end, label) in characters of ``text``."""

    text: str
    spans: tuple[tuple[int, int, str], ...]


class Share(NamedTuple):
    """What one measurement draws from."""

    templates: Templates
    topics: tuple[str, ...]
    eponyms: tuple[str, ...]


def _by_kind(folder: str) -> Templates:
    return {kind: texts(f"{folder}/{kind}") for kind in KINDS}


def _share(folder: str) -> Share:
    return Share(_by_kind(folder), texts(f"{folder}/topics"), texts(f"{folder}/eponyms"))


def _framed(frames: Sequence[str], fillers: Sequence[str], every: int) -> tuple[str, ...]:
    """Put each filler into ``every`` of the frames, into other ones each time."""
    return tuple(
        frames[(index * 7 + turn * 3) % len(frames)].replace("{x}", filler)
        for index, filler in enumerate(fillers)
        for turn in range(every)
    )


def training() -> Templates:
    """Return the templates of training. Those whose verbs and small words are drawn too, so that they give no name away, count six
    times."""
    own, free = _by_kind("training"), _by_kind("training_free")
    people = (
        *(f"{before} {{p}}" for before in texts("training/before_people")),
        *(f"{{p}}{after}" for after in texts("training/after_people")),
    )
    return {kind: (*own[kind], *(people if kind == "person" else ()), *free[kind] * 6) for kind in KINDS}


def wordings() -> Templates:
    """Return further templates of training: what students ask, note and are told, put together from openings, acts and endings."""
    own = _by_kind("wordings")
    openings, acts, roles = texts("wordings/openings"), texts("wordings/acts"), texts("wordings/roles")
    return {
        "person": (
            *_framed(openings, [f"{act} {{p}}" for act in acts], 4),
            *_framed(texts("wordings/sentences"), [f"{{p}} {deed}" for deed in texts("wordings/deeds")], 4),
            *(f"{role}: {{{slot}}}" for role in roles for slot in ("f", "p")),
            *(f"{role} {{f}}" for role in roles),
            *own["person"] * 2,
        ),
        "place": (*_framed(openings, [f"{going} {{pl}}" for going in texts("wordings/goings")], 4), *own["place"] * 2),
        "room": own["room"],
        "plain": (*own["plain"] * 2, *_framed(openings, [f"{act} {{o}}" for act in acts], 1)),
    }


def shares() -> dict[str, Share]:
    """Return what can be measured on. Texts drawn from ``fresh`` may be read, to correct the recogniser by. Of ``unseen``, which was
    written before the present training, nobody reads single texts: only rates are printed."""
    return {
        name: _share(folder) for name, folder in (("held-out", "held_out"), ("fresh", "fresh"), ("unseen", "unseen"))
    }
