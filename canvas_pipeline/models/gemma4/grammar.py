"""The GBNF grammar of a Gemma-4 turn: the notation of ``wire``, in its canonical form only.

A call names a declared tool. Its keys stand in the order of the chat template, each at most once and all required ones; its
values are of the declared types and enums. Null is a value only where the schema says ``nullable``. Numbers have no bounds and
instants no form, as in the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.family import Schemas
from canvas_pipeline.models.gbnf import Grammar, literal, without
from canvas_pipeline.models.gemma4.markers import CALL_CLOSE, CALL_OPEN, QUOTE, RESPONSE_OPEN, escape
from canvas_pipeline.models.gemma4.wire import serialise_key

FORBIDDEN = ("<|", "|>", "<eos>", "<bos>", "<pad>", "<unk>", "<mask>")
"""What escaped text does not hold."""
SCALARS: Mapping[str, str] = {
    "string": f"{literal(QUOTE)} text {literal(QUOTE)}",
    "boolean": '"true" | "false"',
    "integer": '"-"? ("0" | [1-9] [0-9]*)',
    "number": 'integer ("." [0-9]+)? ([eE] [-+]? [0-9]+)?',
}


def grammar(tools: Schemas) -> Grammar:
    """Return the grammar of a turn with these tools declared. Raises ``BadInput`` for a schema that it cannot express."""
    rules = _Rules()
    calls = " | ".join(rules.call(tool["function"]) for tool in tools)
    lines = [
        f"root ::= some-text{' | call+' if tools else ''}",
        *([f"call ::= {literal(CALL_OPEN + 'call:')} ({calls}) {literal(CALL_CLOSE)}"] if tools else []),
        *rules.lines,
        *(f"{kind} ::= {rule}" for kind, rule in SCALARS.items()),
        *without("text", FORBIDDEN),
    ]
    return Grammar(gbnf="\n".join(lines) + "\n", call_open=CALL_OPEN, after_calls=RESPONSE_OPEN, after_answer="<turn|>")


class _Rules:
    """Collects the rules of mappings and lists, each under a name of its own."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._count = 0

    def call(self, function: Mapping[str, Any]) -> str:
        """Return a call's name and arguments as a sequence of symbols."""
        return f"{literal(function['name'])} {self._mapping(function['parameters'])}"

    def _new(self, kind: str) -> str:
        self._count += 1
        return f"{kind}-{self._count}"

    def _mapping(self, schema: Mapping[str, Any]) -> str:
        """Write the rules of a mapping: from each key on, with or without a key before it.

        So their number is linear in that of the keys, which a rule for each set of keys would not be."""
        name = self._new("mapping")
        required = set(schema.get("required", ()))
        keys = sorted(schema.get("properties", {}).items(), key=lambda entry: entry[0].lower())
        for place, (key, value) in enumerate(keys):
            entry = f"{literal(serialise_key(key) + ':')} {self._value(value)} {name}-then-{place + 1}"
            for form, before in (("from", ""), ("then", '"," ')):
                skipped = "" if key in required else f" | {name}-{form}-{place + 1}"
                self.lines.append(f"{name}-{form}-{place} ::= {before}{entry}{skipped}")
        self.lines += [f'{name}-{form}-{len(keys)} ::= "}}"' for form in ("from", "then")]
        return f'"{{" {name}-from-0'

    def _value(self, schema: Mapping[str, Any]) -> str:
        """Return a value as one symbol or a group."""
        kind = schema.get("type")
        if "enum" in schema and kind == "string":
            rule = " | ".join(literal(f"{QUOTE}{escape(value)}{QUOTE}") for value in schema["enum"])
        elif kind == "array" and "items" in schema:
            item = self._value(schema["items"])
            rule = f'"[" ({item} ("," {item})*)? "]"'
        elif kind == "object":
            rule = self._mapping(schema)
        elif kind in SCALARS:
            rule = str(kind)
        else:
            raise BadInput(f"a grammar cannot express a value of type {kind}: give its items, or another type")
        return f"({rule} | {literal('null')})" if schema.get("nullable") else f"({rule})"
