"""A real OpenAI-compatible server in a thread, answering by the urgency of due dates or as a test says. It can be made to fail."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What to do with the n-th request (counted from 0): an HTTP status, "slow", "garbage", "wrong_model", or None.
Faults = Callable[[int], int | str | None]
# The continuation of a bare text, before any stop or limit.
Continue = Callable[[str], str]
# The user's message → the likeliest first tokens of the reply with their log-probabilities.
FirstTokens = Callable[[str], list[tuple[str, float]]]


class TeacherServer(ThreadingHTTPServer):
    """``peak`` is the highest number of requests that were under way at once; ``capacity`` answers 503 above it.

    ``reported`` is what it tells of its weights besides the model's name; ``digest`` is what Ollama tells of them. Both may change.
    Bare texts are continued by ``continued`` and first tokens weighed by ``first_tokens``; without one, the server cannot do it."""

    daemon_threads = True
    request_queue_size = 64  # the default of 5 resets connections that the test did not mean to fail

    def __init__(
        self,
        faults: Faults,
        model: str,
        capacity: int,
        delay_s: float,
        continued: Continue | None,
        first_tokens: FirstTokens | None,
        reported: dict[str, Any],
        digest: str,
    ) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.continued, self.first_tokens = continued, first_tokens
        self.reported, self.digest = reported, digest
        self.faults, self.model, self.capacity, self.delay_s = faults, model, capacity, delay_s
        self.lock = threading.Lock()
        self.requests = 0
        self.under_way = 0
        self.peak = 0
        self.bodies: list[dict[str, Any]] = []
        self.keys: set[str | None] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that gave up waiting is part of these tests."""


class _Handler(BaseHTTPRequestHandler):
    server: TeacherServer
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = (
        True  # head and body are two writes: without this the second waits for the first one's receipt
    )

    def do_GET(self) -> None:
        server = self.server
        if self.path == "/api/tags" and server.digest:
            return self._answer(200, {"models": [{"name": f"{server.model}:latest", "digest": server.digest}]})
        if self.path != "/v1/models":
            return self._answer(404, {})
        return self._answer(200, {"object": "list", "data": [{"id": server.model, **server.reported}]})

    def do_POST(self) -> None:
        server = self.server
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with server.lock:
            fault = server.faults(server.requests)
            server.requests += 1
            server.under_way += 1
            server.peak = max(server.peak, server.under_way)
            crowded = server.under_way > server.capacity
            server.bodies.append(body)
            server.keys.add(self.headers.get("Authorization"))
        try:
            time.sleep(4.0 if fault == "slow" else server.delay_s)
            if crowded or isinstance(fault, int):
                return self._answer(fault if isinstance(fault, int) else 503, {"error": "busy"})
            if fault == "garbage":
                return self._answer(200, {"choices": "no"})
            model = "another" if fault == "wrong_model" else server.model
            if self.path == "/v1/completions":
                return self._continue(body, model)
            return self._answer(200, {"model": model, "choices": [self._reply(body)]})
        finally:
            with server.lock:
                server.under_way -= 1

    def _continue(self, body: dict[str, Any], model: str) -> None:
        if self.server.continued is None:
            return self._answer(404, {})
        whole = self.server.continued(body["prompt"])
        text = min((whole.split(stop)[0] for stop in body["stop"]), key=len, default=whole)
        words = text.split(" ")
        cut = " ".join(words[: body["max_tokens"]])
        choice = {"text": cut, "finish_reason": "stop" if cut == text else "length"}
        usage = {"completion_tokens": min(len(words), body["max_tokens"])}
        return self._answer(200, {"model": model, "choices": [choice], "usage": usage})

    def _reply(self, body: dict[str, Any]) -> dict[str, Any]:
        asked = body["messages"][-1]["content"]
        if not body.get("logprobs"):
            return {"message": {"content": _choose(asked)}}
        if self.server.first_tokens is None:
            return {"message": {"content": "A"}, "logprobs": None}
        likeliest = sorted(self.server.first_tokens(asked), key=lambda pair: -pair[1])[: body["top_logprobs"]]
        listed = [{"token": token, "logprob": value} for token, value in likeliest]
        return {"message": {"content": likeliest[0][0]}, "logprobs": {"content": [{"top_logprobs": listed}]}}

    def _answer(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet: pytest shows what matters."""


def _choose(prompt: str) -> str:
    first, second = re.findall(r"(?:First|Second) item: .*; due (\S+);", prompt)
    return "tie" if first == second else f"<think>second?</think> {'first' if first < second else 'second'}."


@contextmanager
def serving(
    faults: Faults = lambda n: None,
    *,
    model: str = "labeller",
    capacity: int = 1000,
    delay_s: float = 0.0,
    continued: Continue | None = None,
    first_tokens: FirstTokens | None = None,
    reported: dict[str, Any] | None = None,
    digest: str = "",
) -> Iterator[TeacherServer]:
    """The server, running until the block ends."""
    given = {"root": "weights-7"} if reported is None else reported
    with TeacherServer(faults, model, capacity, delay_s, continued, first_tokens, given, digest) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
