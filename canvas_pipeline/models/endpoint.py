"""Ask a model behind an OpenAI-compatible server (vLLM, llama.cpp, Ollama): the only place that speaks this protocol.

The number of requests in flight adapts to the server, and passing faults are retried. Errors name the server's address without a
user name or password. Answers of two models are never mixed: a reply of another model than the one asked for is an error, and so
is a server whose weights change or cannot be told."""

from __future__ import annotations

import json
import math
import re
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
    """The continuation of a prompt. ``stopped`` is False at the length limit; ``tokens`` is its length, ``prompt_tokens`` that of
    the prompt (0: not reported), ``ended_by`` the stop string that ended it, where the server tells."""

    text: str
    stopped: bool
    tokens: int
    prompt_tokens: int = 0
    ended_by: str = ""


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

    ``base_url`` may end with ``/chat/completions``. The constructor checks that the server serves ``model`` (``BadConfig`` where it
    does not, ``ServiceUnavailable`` where it is down).

    ``identity`` is the model and its weights or revision as the server reports them. Where it reports none, the constructor raises
    ``BadConfig`` unless ``stated`` says who it is; that is added to the identity, also beside a report, and replaces none.
    ``revision`` is the one that the server must report. After a failed request, and by ``confirm``, the server is asked again.

    All requests raise ``ServiceUnavailable`` when every attempt fails, and ``BadConfig`` for a refused request, a reply of another
    model, or other weights than before."""

    role: ClassVar[str] = "model"
    """What errors call it."""
    stated_with: ClassVar[str] = "stated="
    """Where a user states the identity of a server that reports none."""

    def __init__(
        self,
        base_url: str,
        model: str,
        *,
        revision: str | None = None,
        stated: str = "",
        api_key: str | None = None,
        timeout_s: float = 300.0,
        attempts: int = 6,
        max_wait_s: float = 60.0,
        limit: AdaptiveLimit | None = None,
    ) -> None:
        if not is_address(base_url):
            raise BadConfig(f"the {self.role}'s endpoint is no address: write it such as http://127.0.0.1:8000/v1")
        url = httpx.URL(base_url.rstrip("/").removesuffix("/chat/completions"))
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
        self._doubtful = False
        self._stated = " ".join(stated.split())
        try:
            self.identity = self._identity(revision)
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
        self, prompt: str, *, temperature: float, seed: int, max_tokens: int, stop: Sequence[str] = (),
        more: Mapping[str, Any] = {},
    ) -> Completion:  # fmt: skip
        """Continue a bare text, without a chat template, until its end, a ``stop`` string (not returned) or ``max_tokens``.
        ``more`` are further fields of the request, which only some servers know."""
        body = {
            "prompt": prompt,
            "temperature": temperature,
            "seed": seed,
            "max_tokens": max_tokens,
            "stop": list(stop),
        }
        return self._post("/completions", {**body, **more}, _continued)

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

    def confirm(self) -> None:
        """Raise ``BadConfig`` where the server reports other weights than when this object was made."""
        self._compare(self._call("GET", "/models", None, _models))

    def _identity(self, revision: str | None) -> str:
        self._reported = weights = self._weights(self._call("GET", "/models", None, _models))
        self._doubtful = False
        if revision and revision != weights:
            raise BadConfig(
                f"the {self.role} at {self.base_url} reports {weights or 'no weights and no revision'} for {self.model}, not "
                f"{revision}; serve that revision, or name the one that is served"
            )
        if not weights and not self._stated:
            raise BadConfig(
                f"the {self.role} at {self.base_url} reports no weights and no revision of {self.model}, so nobody can tell later "
                f"who answered; state it with {self.stated_with}, which is recorded as stated"
            )
        return f"{self.model}@" + " ".join(filter(None, (weights, self._stated and f"(stated: {self._stated})")))

    def _weights(self, served: Mapping[str, str]) -> str:
        if self.model not in served:
            names = ", ".join(sorted(served)) or "none"
            raise BadConfig(
                f"{self.base_url} does not serve the model {self.model}; it serves: {names}. Name one of them as the "
                f"{self.role}'s model"
            )
        return served[self.model] or self._ollama_digest()

    def _ollama_digest(self) -> str:
        """Return the digest that Ollama reports for its models in an interface of its own, or "" for another server."""
        try:
            reply = self._client.get(f"{self.base_url.removesuffix('/v1')}/api/tags")
            listed = reply.json()["models"] if reply.status_code == 200 else []
            return next((str(m["digest"]) for m in listed if m["name"] in (self.model, f"{self.model}:latest")), "")
        except (httpx.HTTPError, ValueError, KeyError, TypeError):
            return ""

    def _compare(self, served: Mapping[str, str]) -> None:
        now = self._weights(served)
        if now != self._reported:
            raise BadConfig(
                f"the {self.role} at {self.base_url} reported {self._reported or 'no weights'} and now reports {now or 'none'}; "
                f"the answers of two {self.role}s are not mixed: start again with one of them"
            )

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
        if self._doubtful and path != "/models":  # after a failure, another server may have taken its place
            self._compare(self._once("GET", "/models", None, _models, ""))
            self._doubtful = False
        with self.limit.slot() as overload:
            try:
                reply = self._client.request(method, f"{self.base_url}{path}", json=body)
            except (httpx.TimeoutException, httpx.TransportError) as error:
                overload()
                self._doubtful = True
                raise _Overloaded(type(error).__name__) from None
            if reply.status_code in (408, 429) or (reply.status_code >= 500 and reply.status_code != 501):
                overload()
                self._doubtful = True
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
    """Return model → what the server reports of its weights, "" for nothing but the name."""
    return {str(entry["id"]): _told_of(entry) for entry in reply["data"]}


def _told_of(entry: Mapping[str, Any]) -> str:
    """Return a revision or digest, else the place of the weights: a snapshot's commit, or a name other than the model's own."""
    if exact := entry.get("revision") or entry.get("digest"):
        return str(exact)
    root = str(entry.get("root") or "").rstrip("/")
    if commit := re.search(r"/snapshots/([0-9a-f]{40})\b", root):
        return commit[1]
    name = root.rsplit("/", 1)[-1] if root.startswith(("/", "~", ".")) else root  # of a folder, the name alone
    return "" if name in (entry["id"], str(entry["id"]).rsplit("/", 1)[-1]) else name


def _continued(choice: Any, reply: Any) -> Completion:
    told, usage = choice.get("stop_reason"), reply["usage"]
    return Completion(
        text=str(choice["text"]), stopped=choice["finish_reason"] == "stop", tokens=int(usage["completion_tokens"]),
        prompt_tokens=int(usage.get("prompt_tokens") or 0), ended_by=told if isinstance(told, str) else "",
    )  # fmt: skip


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
