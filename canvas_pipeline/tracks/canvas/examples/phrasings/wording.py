"""Wordings of requests, and how one becomes text.

A line of a table such as ``"[Show|Give me] my grades for course {course_id}"`` becomes a ``Wording`` with an id such as
``get_grades/07``. ``[a|b]`` holds alternatives and ``{name}`` a slot. A wording is for training or for the benchmark, and no two
wordings of different roles can produce the same text, slots aside. An argument is in the call only if the wording has its slot or
states it in ``sets``."""

from __future__ import annotations

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

WordingRole = Literal["train", "bench"]
WordingSpec: TypeAlias = "str | tuple[str, Mapping[str, Any]]"

ALTERNATIVES = re.compile(r"\[([^\[\]]*)\]")
SLOT = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Wording:
    """One way to ask. ``sets`` are arguments that the words themselves state ("without weekends")."""

    id: str
    role: WordingRole
    text: str
    sets: Mapping[str, Any] = field(default_factory=dict)

    @property
    def slots(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(SLOT.findall(self.text)))

    def choose(self, rng: random.Random) -> str:
        """Choose one of the texts, slots still open."""
        text = ALTERNATIVES.sub(lambda match: rng.choice(match.group(1).split("|")), self.text)
        return " ".join(text.split())  # an empty alternative leaves two spaces


def wordings(subject: str, train: Sequence[WordingSpec], bench: Sequence[WordingSpec]) -> tuple[Wording, ...]:
    """Build the wordings of one subject, numbered in order, training first."""
    found: list[Wording] = []
    for role, entries in (("train", train), ("bench", bench)):
        for spec in entries:
            text, sets = spec if isinstance(spec, tuple) else (spec, {})
            found.append(Wording(f"{subject}/{len(found):02d}", "train" if role == "train" else "bench", text, sets))
    return tuple(found)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill the slots. A slot without a value is an error in the table and raises ``KeyError``."""
    return SLOT.sub(lambda match: values[match.group(1)], text)


# Both roles share politeness: it varies a request without being a wording of its own.
PREFIXES: tuple[str, ...] = (
    "Hey, ", "Hi, ", "Hello, ", "Please ", "Quick question: ", "Ok, ", "Hi there, ", "Hey there! ", "One thing: ", "So, ",
)  # fmt: skip
SUFFIXES: tuple[str, ...] = (" please", " thanks", " Thanks!", " thank you", " Thank you!", " pls")


def polite(text: str, rng: random.Random, *, cased: bool = True) -> str:
    """Add a greeting, thanks or a lower-case first letter, each at random, as people type.

    ``cased=False`` leaves the first letter unchanged."""
    small = uncapitalised(text) if cased else text
    if rng.random() < 0.25:
        text = small
    if rng.random() < 0.2:
        # "Please" goes with a wish, not with a question.
        text = rng.choice([prefix for prefix in PREFIXES if prefix != "Please " or not small.endswith("?")]) + small
    if rng.random() < 0.15:
        suffix = rng.choice(SUFFIXES)
        text = text.rstrip(".") + suffix if suffix[1].islower() else sentence(text) + suffix
    return text


def uncapitalised(text: str) -> str:
    """Lower the first letter, as within a sentence. "I" stays a capital."""
    return text if text.startswith(("I ", "1")) else text[0].lower() + text[1:]


def sentence(text: str) -> str:
    """End the text with a full stop if it has no end."""
    return text if text[-1] in ".?!" else text + "."
