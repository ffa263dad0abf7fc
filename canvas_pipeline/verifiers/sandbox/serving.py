"""Answer the caller's requests inside the sandbox: evaluate a program's calls, run tests against it, or run it as a script.

Each mode is a process of its own: a program in mode ``calls`` computes values and sees no expected one; tests in mode ``tests`` see
stand-ins for the program's functions, whose calls go out as replies and whose results come back as requests.
Values cross as plain data (``encode``), so no object of a program reaches another process.
"""

from __future__ import annotations

import builtins
import functools
import io
import json
import os
import sys

TYPE_CHECKING = False  # importing typing would take a fifth of the start
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

DEPTH = 20
"""Deepest nesting of a value."""
VALUE_BYTES = 64 * 1024
"""Largest value, encoded."""
INTEGER_BITS = 14_000
"""Largest integer: Python writes and reads at most 4,300 decimal digits."""


class NotPlain(Exception):
    """A value that is no plain data, nested too deeply, too large, or malformed."""


def encode(value: Any, depth: int = 0) -> Any:
    """Turn plain data into JSON: numbers, text, booleans and None stand for themselves, the rest is ``[type, items]``.

    Raises NotPlain. Types are compared exactly: a subclass may redefine what its value is."""
    if depth > DEPTH:
        raise NotPlain("nested too deeply")
    kind = type(value)
    if kind is int and value.bit_length() > INTEGER_BITS:
        raise NotPlain("too large")
    if value is None or kind in (bool, int, float, str):
        return value
    if kind is bytes:
        return ["bytes", value.hex()]
    if kind is complex:
        return ["complex", [value.real, value.imag]]
    if kind in (list, tuple, set, frozenset):
        return [kind.__name__, [encode(item, depth + 1) for item in value]]
    if kind is dict:
        return ["dict", [[encode(key, depth + 1), encode(item, depth + 1)] for key, item in value.items()]]
    raise NotPlain("not plain data")


_DECODERS: dict[str, Callable[[list[Any]], Any]] = {
    "list": list,
    "tuple": tuple,
    "set": set,
    "frozenset": frozenset,
    "dict": dict,
    "complex": lambda parts: complex(*parts),
}


def decode(value: Any, depth: int = 0) -> Any:
    """Turn what ``encode`` made into the value again. Raises NotPlain: the sender may be a program that writes what it likes."""
    if depth > DEPTH:
        raise NotPlain("nested too deeply")
    if not isinstance(value, list):
        return value
    try:
        name, items = value
        if name == "bytes":
            return bytes.fromhex(items)
        if name == "dict":
            return {decode(key, depth + 1): decode(item, depth + 1) for key, item in items}
        return _DECODERS[name]([decode(item, depth + 1) for item in items])
    except (ValueError, TypeError, KeyError) as error:
        raise NotPlain("malformed") from error


def answer(compute: Callable[[], Any]) -> dict[str, Any]:
    """Return what a computation gave, as a reply: a value, or the name of the exception's type."""
    try:
        reply = {"value": encode(compute())}
        if len(json.dumps(reply)) > VALUE_BYTES:
            raise NotPlain("too large")
    except BaseException as error:  # SystemExit and KeyboardInterrupt too: the program ends, its process answers on
        return {"error": type(error).__name__}
    return reply


class Channel:
    """The lines of JSON between this process and the caller."""

    def __init__(self, requests: io.BufferedReader, replies: io.FileIO) -> None:
        self._requests, self._replies = requests, replies

    def receive(self) -> dict[str, Any]:
        line = self._requests.readline()
        if not line:
            os._exit(0)
        return json.loads(line)  # type: ignore[no-any-return]

    def send(self, reply: dict[str, Any]) -> None:
        data = json.dumps(reply).encode() + b"\n"
        while data:
            data = data[self._replies.write(data) :]


def execute(sources: list[str], namespace: dict[str, Any]) -> None:
    for source in sources:
        exec(compile(source, "<program>", "exec"), namespace)


def serve_calls(channel: Channel, start: dict[str, Any]) -> None:
    """Load a program, then evaluate one expression or call one function a request."""
    namespace: dict[str, Any] = {"__name__": "program", "__builtins__": builtins}
    channel.send(answer(lambda: execute(start["sources"], namespace)))
    while True:
        request = channel.receive()
        if "expression" in request:
            channel.send(answer(functools.partial(evaluate, request["expression"], namespace)))
        else:
            channel.send(answer(functools.partial(call, request, namespace)))


def evaluate(expression: str, namespace: dict[str, Any]) -> Any:
    return eval(compile(expression, "<test>", "eval"), namespace)


def call(request: dict[str, Any], namespace: dict[str, Any]) -> Any:
    return namespace[request["call"]](*decode(request["positional"]), **decode(request["named"]))


def serve_tests(channel: Channel, start: dict[str, Any]) -> None:
    """Run one test a request, with stand-ins for the functions of the program, which runs elsewhere."""

    def stand_in(name: str) -> Callable[..., Any]:
        def ask(*positional: Any, **named: Any) -> Any:
            channel.send({"call": name, "positional": encode(positional), "named": encode(named)})
            reply = channel.receive()
            if "error" not in reply:
                return decode(reply["value"])
            kind = getattr(builtins, reply["error"], None)
            raise kind(name) if isinstance(kind, type) and issubclass(kind, Exception) else RuntimeError(reply["error"])

        ask.__name__ = ask.__qualname__ = name
        return ask

    while True:
        request = channel.receive()
        namespace: dict[str, Any] = {"__name__": "tests", "__builtins__": builtins}
        execute(start["sources"], namespace)
        namespace |= {name: stand_in(name) for name in start["functions"]}
        channel.send(answer(functools.partial(execute, [request["test"]], namespace)))


def serve_script(channel: Channel, start: dict[str, Any]) -> None:
    """Run a program as a script: standard input from the request, standard output to the caller."""
    with open("input", "wb") as file:
        file.write(start["input"].encode())
    source = os.open("input", os.O_RDONLY)
    os.dup2(source, 0)
    os.close(source)
    os.unlink("input")
    sys.stdin = io.TextIOWrapper(io.BufferedReader(io.FileIO(0, "r", closefd=False)), encoding="utf-8")
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    try:
        execute(start["sources"], namespace)
    except SystemExit as error:
        reply = {"value": None} if error.code in (None, 0) else {"error": "SystemExit"}
    except BaseException as error:
        reply = {"error": type(error).__name__}
    else:
        reply = {"value": None}
    sys.stdout.flush()
    channel.send(reply)


if __name__ == "serving":
    vars(builtins).update(exit=sys.exit, quit=sys.exit)  # programs expect what the module site adds
    link = Channel(globals()["requests"], globals()["replies"])
    opening = link.receive()
    {"calls": serve_calls, "tests": serve_tests, "script": serve_script}[opening["mode"]](link, opening)
