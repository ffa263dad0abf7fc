"""A real OpenAI-compatible server in a thread, that answers by the urgency of due dates and can be made to fail."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

# What to do with the n-th chat request (counted from 0): an HTTP status, "slow", "garbage", "wrong_model", or None.
Faults = Callable[[int], int | str | None]


class TeacherServer(ThreadingHTTPServer):
    """``peak`` is the highest number of chat requests that were under way at once; ``capacity`` answers 503 above it."""

    daemon_threads = True
    request_queue_size = 64  # the default of 5 resets connections that the test did not mean to fail

    def __init__(self, faults: Faults, model: str, capacity: int, delay_s: float) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
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

    def do_GET(self) -> None:
        if self.path != "/v1/models":
            return self._answer(404, {})
        return self._answer(200, {"object": "list", "data": [{"id": self.server.model, "root": "weights-7"}]})

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
            text = _choose(body["messages"][0]["content"])
            return self._answer(200, {"model": model, "choices": [{"message": {"content": text}}]})
        finally:
            with server.lock:
                server.under_way -= 1

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
    faults: Faults = lambda n: None, *, model: str = "labeller", capacity: int = 1000, delay_s: float = 0.0
) -> Iterator[TeacherServer]:
    """The server, running until the block ends."""
    with TeacherServer(faults, model, capacity, delay_s) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
