"""Grammars in GBNF, llama.cpp's notation for constrained decoding (its ``grammars/README.md``)."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from canvas_pipeline.records import Row

_SPECIAL = re.compile(r'[\\"\]\[^-]')


class Grammar(Row, frozen=True, kw_only=True):
    """What a model may write in one turn: a plain answer without markers, or one or more calls of declared tools.

    ``gbnf`` is the turn's text without its stop. llama.cpp takes any end-of-generation token where that text may end, so the right
    one is apart: ``after_calls`` for a turn that begins with ``call_open``, else ``after_answer``; both are texts of one token."""

    gbnf: str
    call_open: str
    after_calls: str
    after_answer: str


class Grammars(Row, frozen=True, kw_only=True):
    """Distinct grammars, and the index of that of each case by the case's id."""

    grammars: tuple[Grammar, ...]
    of: Mapping[str, int]


def literal(text: str) -> str:
    """Write a text as a terminal."""
    return f'"{_escaped(text)}"'


def without(name: str, words: Sequence[str]) -> list[str]:
    """Return rules for any text, ``name``, and any text but the empty one, ``some-NAME``, that holds none of the words.

    The rules are the states of an automaton that searches for all words at once (Aho and Corasick 1975)."""
    states = sorted({word[:length] for word in words for length in range(len(word))})
    names = {state: f"{name}-{number}" if number else name for number, state in enumerate(states)}
    alphabet = sorted({character for word in words for character in word})
    rules = []
    for state in states:
        next_state = {
            character: next(found[at:] for at in range(len(found) + 1) if found[at:] in names)
            for character, found in ((character, state + character) for character in alphabet)
            if not found.endswith(tuple(words))
        }
        apart = "".join(character for character in alphabet if next_state.get(character) != "")
        steps = [f"[^{_escaped(apart)}] {name}"]
        steps += [f"{literal(character)} {names[after]}" for character, after in next_state.items() if after]
        rules.append(f'{names[state]} ::= {" | ".join(steps)} | ""')
        if not state:
            rules.append(f"some-{name} ::= {' | '.join(steps)}")
    return rules


def _escaped(text: str) -> str:
    return _SPECIAL.sub(lambda match: f"\\x{ord(match.group()):02X}", text).replace("\n", "\\n").replace("\r", "\\r")
