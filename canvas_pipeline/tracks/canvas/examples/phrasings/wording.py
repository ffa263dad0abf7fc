"""Wordings of requests, and how one becomes text.

A line of a table such as ``"<show> [my grades|my scores] in {course}"`` becomes a ``Wording`` with an id such as ``get_grades/07``.
``[a|b]`` holds alternatives, ``<name>`` stands for the alternatives of ``VERBS``, and ``{name}`` is a slot. Around the line come an
opener and a closer, and now and then a typing error in its own words. A wording is for training or for the benchmark: lines, verbs,
openers and closers of the two roles differ, and no two wordings of different roles can produce the same text, slots aside. An
argument is in the call only if the wording has its slot or states it in ``sets``."""

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
_VERB = re.compile(r"<(\w+)>")
_WORD = re.compile(r"[a-z]{4,}")

VERBS: Mapping[WordingRole, Mapping[str, str]] = {
    "train": {
        "show": "Show me|List|Get|Give me|Pull up|Can you show me|I want to see|Show",
        "tell": "Tell me|Can you tell me|Could you tell me|Do you know|I want to know|I'd like to know",
        "check": "Check|Can you check|Look up|Please check|Could you look up",
        "find": "Find|Find me|Look for|I need|Can you find|Get me|I'm looking for",
        "book": "Book|Add|Put in|Schedule|Create|Can you add|Set up|I want to add|Please add",
        "move": "Move|Shift|Reschedule|Change|Can you move|Please move|I have to move|I want to move",
        "cancel": "Cancel|Delete|Remove|Drop|Can you cancel|Please delete|I have to cancel|Take out",
        "plan": "Plan|Make|Give me|Set up|Can you plan|Help me plan|I need|Build",
    },
    "bench": {
        "show": "Bring up|Let me see|Display|Could I see|Print out",
        "tell": "Let me know|Would you tell me|I was wondering|I'm curious",
        "check": "Take a look at|Have a look at|See|Would you check",
        "find": "Search for|Would you find|Dig up|Try to find|See if there is",
        "book": "Enter|Would you book|Reserve|Note down|I'd like to book",
        "move": "Push|Would you move|Switch|Could we move|I'd like to move",
        "cancel": "Scrap|Would you delete|Get rid of|I'd like to cancel|Kick out",
        "plan": "Work out|Would you plan|Draw up|Come up with|I'd like",
    },
}
"""The alternatives of ``<name>``. Most of them go with a noun that follows; those of ``tell`` with a question word."""

OPENERS: Mapping[WordingRole, tuple[str, ...]] = {
    "train": (
        "Hey, ", "Hi, ", "Hello, ", "Please ", "Quick question: ", "Ok, ", "Hi there, ", "Hey there! ", "One thing: ", "So, ",
        "Oh, ", "Yo, ", "Good morning! ", "Hi! ", "Sorry, ", "Ok so ", "Hey quick one, ", "Por favor, ", "Hola, ", "Bitte ",
        "Salut, ", "For later: ", "Before I forget, ",
    ),
    "bench": (
        "Good day, ", "Excuse me, ", "Hiya, ", "Morning! ", "Right, ", "Hey buddy, ", "Alright, ", "Say, ", "Buenas, ",
        "Hallo, ", "Good evening, ",
    ),
}  # fmt: skip
CLOSERS: Mapping[WordingRole, tuple[str, ...]] = {
    "train": (
        " please", " thanks", " Thanks!", " thank you", " Thank you!", " pls", " plz", " thx", " por favor", " danke", " asap",
        " if you can", " when you can", ", I'm in a hurry", " Gracias!", " for me",
    ),
    "bench": (
        " cheers", " many thanks", " Much obliged!", " if possible", " merci", ", would be great", " Thanks in advance!",
        " bitte", " ty",
    ),
}  # fmt: skip
OPENED, CLOSED, MISTYPED = 0.22, 0.18, 0.06
"""The shares of requests with an opener, with a closer, with a typing error."""


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

    @property
    def cased(self) -> bool:
        """Whether the first letter may change: not where the text begins with a value that the call must repeat."""
        return not self.text.startswith("{")

    def choose(self, rng: random.Random) -> str:
        """Choose one of the texts, slots still open, now and then with a typing error."""
        text = ALTERNATIVES.sub(lambda match: rng.choice(match.group(1).split("|")), self.text)
        text = " ".join(text.split())  # an empty alternative leaves two spaces
        return mistyped(text, rng) if rng.random() < MISTYPED else text


def wordings(subject: str, train: Sequence[WordingSpec], bench: Sequence[WordingSpec]) -> tuple[Wording, ...]:
    """Build the wordings of one subject, numbered in order, training first. Raises ``KeyError`` for a verb that does not exist."""
    found: list[Wording] = []
    roles: tuple[tuple[WordingRole, Sequence[WordingSpec]], ...] = (("train", train), ("bench", bench))
    for role, entries in roles:
        for spec in entries:
            text, sets = spec if isinstance(spec, tuple) else (spec, {})
            found.append(Wording(f"{subject}/{len(found):02d}", role, _with_verbs(text, role), sets))
    return tuple(found)


def _with_verbs(text: str, role: WordingRole) -> str:
    """Put the alternatives of the verbs in, lower-case within a sentence."""

    def alternatives(match: re.Match[str]) -> str:
        words = VERBS[role][match.group(1)]
        return f"[{words if match.start() == 0 else '|'.join(map(uncapitalised, words.split('|')))}]"

    return _VERB.sub(alternatives, text)


def fill(text: str, values: Mapping[str, str]) -> str:
    """Fill the slots. A slot without a value is an error in the table and raises ``KeyError``."""
    return SLOT.sub(lambda match: values[match.group(1)], text)


def of_role(table: Sequence[Wording], role: WordingRole) -> list[Wording]:
    """Return the wordings of one role."""
    return [wording for wording in table if wording.role == role]


def mistyped(text: str, rng: random.Random) -> str:
    """Make one typing error in a lower-case word of at least four letters, never in a slot: a letter lost, doubled or swapped."""
    open_words = [
        match for match in _WORD.finditer(text) if text[: match.start()].count("{") == text[: match.start()].count("}")
    ]
    if not open_words:
        return text
    word = rng.choice(open_words)
    at = rng.randrange(word.start() + 1, word.end() - 1)
    kinds = (text[at + 1 :], text[at] * 2 + text[at + 1 :], text[at + 1] + text[at] + text[at + 2 :])
    return text[:at] + rng.choice(kinds)


def polite(text: str, role: WordingRole, rng: random.Random, *, cased: bool = True) -> str:
    """Add an opener, a closer or a lower-case first letter, each at random, as people type.

    ``cased=False`` leaves the first letter unchanged."""
    small = uncapitalised(text) if cased else text
    if rng.random() < 0.3:
        text = small
    if rng.random() < OPENED:
        # "Please" goes with a wish, not with a question.
        wish = ("Please ", "Bitte ")
        text = rng.choice([opener for opener in OPENERS[role] if opener not in wish or not small.endswith("?")]) + small
    if rng.random() < CLOSED:
        closer = rng.choice(CLOSERS[role])
        text = (sentence(text) if closer[1].isupper() else text.rstrip(".?")) + closer
    return text


def uncapitalised(text: str) -> str:
    """Lower the first letter, as within a sentence. "I" stays a capital."""
    return text if text.startswith(("I ", "I'", "1")) else text[0].lower() + text[1:]


def sentence(text: str) -> str:
    """End the text with a full stop if it has no end."""
    return text if text[-1] in ".?!" else text + "."
