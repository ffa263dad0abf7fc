"""Ask a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama): the only place that speaks this protocol.

The number of requests in flight adapts to the server, and passing faults are retried. Errors name the server's address without a
user name or password. A reply of another model than the one asked for is an error: answers of two models are never mixed."""

from __future__ import annotations

import json
import math
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar, Self, TypeVar

import httpx
import tenacity

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.records import Row

T = TypeVar("T")

PROBE_S = 1.0
LISTED = 20
"""Number of likeliest first tokens that ``choice_logprobs`` asks for: the most that OpenAI's interface and vLLM's default allow."""


class Completion(Row, frozen=True, kw_only=True):
    """The continuation of a prompt. ``stopped`` is False at the length limit; ``tokens`` is its length."""

    text: str
    stopped: bool
    tokens: int


class AdaptiveLimit:
    """Limits the requests in flight: one more after each full round of successes, half after an overload.

    Additive increase, multiplicative decrease. Requests sent before a decrease do not decrease it again."""

    def __init__(self, start: float = 4.0, ceiling: float = 64.0) -> None:
        self._limit, self._ceiling = start, ceiling
        self._in_flight = 0
        self._era = 0
        self._changed = threading.Condition()

    @property
    def value(self) -> float:
        return self._limit

    @contextmanager
    def slot(self) -> Iterator[Callable[[], None]]:
        """Wait for a slot and hold it. Call the yielded function when the server is overloaded."""
        with self._changed:
            self._changed.wait_for(lambda: self._in_flight < max(1, int(self._limit)))
            self._in_flight += 1
            era = self._era
        overloaded = False

        def overload() -> None:
            nonlocal overloaded
            overloaded = True
            with self._changed:
                if era == self._era:
                    self._era += 1
                    self._limit = max(1.0, self._limit / 2)

        try:
            yield overload
        finally:
            with self._changed:
                self._in_flight -= 1
                if not overloaded:
                    self._limit = min(self._ceiling, self._limit + 1 / self._limit)
                self._changed.notify_all()


class _Overloaded(Exception):
    """A failure to retry after a wait: 408, 429, 5xx, a time-out, a broken connection."""


class _Unreadable(Exception):
    """A reply that is not in OpenAI's format."""


class Endpoint:
    """One model behind an OpenAI-compatible server. Safe to share between threads; use it in a ``with`` block.

    ``base_url`` ends before ``/chat/completions`` (``http://host:8000/v1``). The constructor checks that the server serves
    ``model`` (``BadConfig`` where it does not, ``ServiceUnavailable`` where it is down). ``revision`` is the pinned revision of the
    weights, by default the server's own ``revision`` or ``root``; ``identity`` is model and revision. All requests raise
    ``ServiceUnavailable`` when every attempt fails, and ``BadConfig`` for a refused request or a reply of another model."""

    role: ClassVar[str] = "model"
    """What errors call it."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        revision: str | None = None,
        api_key: str | None = None,
        timeout_s: float = 300.0,
        attempts: int = 6,
        max_wait_s: float = 60.0,
        limit: AdaptiveLimit | None = None,
    ) -> None:
        if not is_address(base_url):
            raise BadConfig(f"the {self.role}'s endpoint is no address: write it such as http://127.0.0.1:8000/v1")
        url = httpx.URL(base_url.rstrip("/"))
        # The password is kept out of the address, which errors and httpx's own log quote.
        self.base_url, self.model = str(url.copy_with(userinfo=b"")), model
        self.limit = limit or AdaptiveLimit()
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)),
            headers={"Authorization": f"Bearer {api_key}"} if api_key else {},
            auth=(url.username, url.password) if url.userinfo else None,
            limits=httpx.Limits(max_connections=None),
        )
        self._retrying = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type((_Overloaded, _Unreadable)),
            wait=tenacity.wait_random_exponential(multiplier=min(0.5, max_wait_s), max=max_wait_s),
            stop=tenacity.stop_after_attempt(attempts),
            reraise=True,
        )
        try:
            served = self._served_revision()  # asked also where a revision is pinned: the name must be served
            self.identity = f"{model}@{revision or served}"
        except BaseException:
            self._client.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def chat(self, messages: Sequence[Mapping[str, str]], *, temperature: float = 0, max_tokens: int = 1024) -> str:
        """Return the reply to a conversation, "" where it has no text."""
        body = {"messages": list(messages), "temperature": temperature, "max_tokens": max_tokens}
        return self._post("/chat/completions", body, lambda choice, _: str(choice["message"]["content"] or ""))

    def complete(
        self, prompt: str, *, temperature: float, seed: int, max_tokens: int, stop: Sequence[str] = ()
    ) -> Completion:
        """Continue a bare text, without a chat template, until its end, a ``stop`` string (not returned) or ``max_tokens``."""
        body = {
            "prompt": prompt,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
            "stop": list(stop),
        }
        return self._post("/completions", body, _continued)

    def choice_logprobs(self, messages: Sequence[Mapping[str, str]], choices: Sequence[str]) -> dict[str, float]:
        """Return choice → log-probability, in nats, that the reply's first token is this string.

        A choice that is not among the ``LISTED`` likeliest tokens gets the value of the least likely of them, which bounds its own
        from above. Empty if none of the choices is listed. Raises ``BadConfig`` where the server gives no log-probabilities."""
        body = {"messages": list(messages), "temperature": 0, "max_tokens": 1, "logprobs": True, "top_logprobs": LISTED}
        needs = f", and that it serves chat completions with {LISTED} log-probabilities a token"
        listed = self._post("/chat/completions", body, _first_token, needs)
        if not listed:
            raise BadConfig(
                f"the {self.role} at {self.base_url} gives no log-probabilities; serve {self.model} with a server that does "
                "(vLLM, llama.cpp)"
            )
        least = min(value for _, value in listed)
        found = {choice: [value for token, value in listed if token == choice] for choice in choices}
        return {choice: max(values, default=least) for choice, values in found.items()} if any(found.values()) else {}

    def _served_revision(self) -> str:
        served = self._call("GET", "/models", None, _models)
        if self.model not in served:
            names = ", ".join(sorted(served)) or "none"
            raise BadConfig(
                f"{self.base_url} does not serve the model {self.model}; it serves: {names}. Name one of them as the "
                f"{self.role}'s model"
            )
        return served[self.model]

    def _post(self, path: str, body: Mapping[str, Any], read: Callable[[Any, Any], T], needs: str = "") -> T:
        """Post a request to the model. ``read`` gets the reply's first choice and the whole reply."""

        def of_this_model(reply: Any) -> T:
            if reply["model"] != self.model:
                raise BadConfig(
                    f"a model other than {self.model} answered; the answers of two {self.role}s are not mixed: restart with one "
                    "of them"
                )
            return read(reply["choices"][0], reply)

        return self._call("POST", path, {"model": self.model, **body}, of_this_model, needs)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, read: Callable[[Any], T], needs: str = ""
    ) -> T:
        try:
            result: T = self._retrying(self._once, method, path, body, read, needs)
            return result
        except (_Overloaded, _Unreadable) as error:
            raise ServiceUnavailable(
                f"the {self.role} at {self.base_url}{path} does not answer ({error}); start it or try again: "
                "answers in the journal are kept"
            ) from None

    def _once(self, method: str, path: str, body: Mapping[str, Any] | None, read: Callable[[Any], T], needs: str) -> T:
        with self.limit.slot() as overload:
            try:
                reply = self._client.request(method, f"{self.base_url}{path}", json=body)
            except (httpx.TimeoutException, httpx.TransportError) as error:
                overload()
                raise _Overloaded(type(error).__name__) from None
            if reply.status_code in (408, 429) or (reply.status_code >= 500 and reply.status_code != 501):
                overload()
                raise _Overloaded(f"status {reply.status_code}")
        if reply.status_code != 200:
            # A refused request (a wrong key, a wrong path) stays refused: asking again would only hide it.
            raise BadConfig(
                f"the {self.role} at {self.base_url}{path} answers {reply.status_code}; check its endpoint and API key{needs}"
            )
        try:
            return read(json.loads(reply.content))
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise _Unreadable("its reply is not in the OpenAI format") from None


def _models(reply: Any) -> dict[str, str]:
    return {str(m["id"]): str(m.get("revision") or m.get("root") or "unpinned") for m in reply["data"]}


def _continued(choice: Any, reply: Any) -> Completion:
    stopped = choice["finish_reason"] == "stop"
    return Completion(text=str(choice["text"]), stopped=stopped, tokens=int(reply["usage"]["completion_tokens"]))


def _first_token(choice: Any, reply: Any) -> list[tuple[str, float]] | None:
    """Return the first token's likeliest candidates, as a list: two tokens may be written alike."""
    given = choice.get("logprobs")
    if not given or not given["content"]:
        return None
    listed = [(str(entry["token"]), float(entry["logprob"])) for entry in given["content"][0]["top_logprobs"]]
    if not all(math.isfinite(value) for _, value in listed):
        raise ValueError("a log-probability is not finite")
    return listed


def is_address(text: str) -> bool:
    """Return whether a text is the base URL of a server."""
    try:
        url = httpx.URL(text)
    except httpx.InvalidURL:
        return False
    return url.scheme in ("http", "https") and bool(url.host) and not url.query and not url.fragment


def answers(base_url: str) -> bool:
    """Return whether a server answers at the address; an answer such as "forbidden" counts."""
    try:
        return httpx.get(f"{base_url.rstrip('/')}/models", timeout=PROBE_S).status_code < 500
    except httpx.HTTPError:
        return False


def api_key(variable: str, environ: Mapping[str, str]) -> str | None:
    """Return the key in an environment variable, else in the file that ``<variable>_FILE`` names; None without both."""
    if key := environ.get(variable):
        return key
    file = environ.get(f"{variable}_FILE")
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        raise BadConfig(f"{variable}_FILE names a file that cannot be read: {type(error).__name__}") from None
