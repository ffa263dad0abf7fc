"""A real model behind OpenAI's completions, in a process of its own: what ``llama_cpp.server`` calls, over the standard library.

``llama`` answers as that server does: a beginning-of-text token of its own, no stop in the text. ``vllm`` answers as vLLM does when
it is asked for the prompt as it is and for all of the text. Each answered prompt is a line of ``--journal``; with
``--dies-after N`` the process kills itself when it is asked once more."""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

VLLM = {"add_special_tokens": False, "skip_special_tokens": False, "include_stop_str_in_output": True}


class Handler(BaseHTTPRequestHandler):
    model: Any
    given: argparse.Namespace
    lock = threading.Lock()
    answered = 0

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_GET(self) -> None:
        self._send({"object": "list", "data": [{"id": self.given.name, "object": "model"}]})

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:  # until the reply is sent: an answer in the journal has reached the client
            if self.given.dies_after and Handler.answered >= self.given.dies_after:
                os.kill(os.getpid(), signal.SIGKILL)
            reply = (self._as_vllm if self.given.like == "vllm" else self._as_llama)(asked)
            if asked["max_tokens"] > 1:  # else it is asked how it reads the first token
                Handler.answered += 1
                with self.given.journal.open("a", encoding="utf-8") as file:
                    file.write(json.dumps(asked["prompt"]) + "\n")
            self._send({**reply, "model": self.given.name})

    def _as_llama(self, asked: dict[str, Any]) -> Any:
        known = ("prompt", "temperature", "seed", "max_tokens", "stop", "top_p", "top_k", "min_p", "repeat_penalty")
        return self.model.create_completion(**{name: asked[name] for name in known if name in asked})

    def _as_vllm(self, asked: dict[str, Any]) -> Any:
        assert {name: asked[name] for name in VLLM} == VLLM
        ids = self.model.tokenize(asked["prompt"].encode(), add_bos=False, special=True)
        stops = {self.model.tokenize(text.encode(), add_bos=False, special=True)[0]: text for text in asked["stop"]}
        written: list[int] = []
        self.model.reset()
        for token in self.model.generate(ids, temp=0.0, top_k=1, repeat_penalty=1.0):
            written.append(token)
            if token in stops or len(written) >= asked["max_tokens"]:
                break
        text = self.model.detokenize(written, prev_tokens=ids, special=True).decode("utf-8", "replace")
        ended = stops.get(written[-1])
        choice = {"text": text, "finish_reason": "stop" if ended else "length", "stop_reason": ended}
        return {"choices": [choice], "usage": {"prompt_tokens": len(ids), "completion_tokens": len(written)}}

    def _send(self, reply: Any) -> None:
        raw = json.dumps(reply).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


def main() -> None:
    """Serve until the process is ended."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--gguf", type=Path, required=True)
    parser.add_argument("--of", help="the folder that the file was made from; not read")
    parser.add_argument("--name", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--like", choices=("llama", "vllm"), default="llama")
    parser.add_argument("--dies-after", type=int, default=0)
    given = parser.parse_args()
    from llama_cpp import Llama

    Handler.given, Handler.model = given, Llama(str(given.gguf), n_ctx=1024, n_threads=1, verbose=False, seed=0)
    ThreadingHTTPServer(("127.0.0.1", given.port), Handler).serve_forever()


def command(gguf: Path, journal: Path, *more: str) -> str:
    """The command as ``model_server.serving`` takes it."""
    words = (sys.executable, "-m", __spec__.name, "--gguf", str(gguf), "--journal", str(journal), *more)
    return " ".join(words) + " --of {model} --name {name} --port {port}"


if __name__ == "__main__":
    main()
