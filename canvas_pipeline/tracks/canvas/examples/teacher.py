"""Teachers that choose which of two items comes first: a rule that needs no network, and a model behind a server.

A teacher returns ``"first"``, ``"second"`` or None (undecided). Its vote depends on the arguments alone, never on the wall clock.
``identity`` names model and revision and is part of every label. A teacher that is down raises ``ServiceUnavailable``."""

from __future__ import annotations

import json
import math
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, Literal, Protocol

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.tracks.canvas.rows import Item

Choice = Literal["first", "second"]

RUBRIC = (
    "Decide which item the student should work on first. Unfinished work that is overdue or due soonest comes first; "
    "graded work is never urgent; if both are due at the same time, the one worth more points comes first."
)
PARAPHRASE = (
    "Pick the more pressing item. Finished, graded work can wait for ever. Otherwise take the one whose deadline is "
    "nearest or has just passed, and between equal deadlines the one that counts for more."
)


class Teacher(Protocol):
    """Anything that chooses between two items. ``identity`` contains the revision, so that a new one is a new teacher."""

    @property
    def identity(self) -> str: ...

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None: ...


def prompt_text(query: str, first: Item, second: Item, rubric: str, reference_instant: str) -> str:
    """Return the teacher's prompt. Its sha256 keys the journal: another wording is another vote."""
    return (
        f"{rubric}\nNow: {reference_instant}. The student asks: {query}?\n"
        f"First item: {_shown(first)}\nSecond item: {_shown(second)}\n"
        "Answer with one word: first, second, or tie."
    )


def _shown(item: Item) -> str:
    points = "not stated" if item.points_possible is None else f"{item.points_possible:g}"
    status = (item.submission_status or "unknown").lower().replace("_", " ")
    return f"{item.title!r}; due {item.due_at or 'never stated'}; points {points}; {status}"


class UrgencyTeacher:
    """The embedded teacher: a rule over status, due date relative to the reference instant, and points."""

    identity = "urgency-rule@1"  # a changed rule is another teacher: raise the number

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None:
        """Choose the item with the smaller ``urgency``; None on a tie or where both are graded."""
        first, second = urgency(item_first, reference_instant), urgency(item_second, reference_instant)
        if first == second or first[0] == second[0] == _GRADED:
            return None
        return "first" if first < second else "second"


_OVERDUE, _UPCOMING, _UNDATED, _SUBMITTED, _GRADED = range(5)


def urgency(item: Item, reference_instant: str) -> tuple[int, float, float]:
    """Return a sort key, most urgent first: (class, hours from the reference instant, minus points).

    Classes: overdue and not handed in (the newest first, since late credit runs out), upcoming, without a date, submitted,
    graded. A missing date is a class of its own and never a number of days."""
    points = -(item.points_possible or 0.0)
    if item.submission_status == "GRADED":
        return (_GRADED, 0.0, 0.0)
    hours = math.inf
    if item.due_at is not None:
        hours = (datetime.fromisoformat(item.due_at) - datetime.fromisoformat(reference_instant)).total_seconds() / 3600
    if item.submission_status == "SUBMITTED":
        return (_SUBMITTED, abs(hours), points)
    if item.due_at is None:
        return (_UNDATED, hours, points)
    return (_OVERDUE if hours < 0 else _UPCOMING, abs(hours), points)


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
    """A reply that is not a chat completion."""


class HttpTeacher:
    """A model behind an OpenAI-compatible server, asked at temperature 0. Safe to share between threads.

    ``base_url`` ends before ``/chat/completions`` (``http://host:8000/v1``). The constructor checks that the server serves
    ``model`` (``BadConfig`` where it does not, ``ServiceUnavailable`` where it is down), and every reply must name it.
    ``revision`` is the pinned revision of the weights, by default the server's own ``revision`` or ``root``. ``limit`` adapts the
    number of requests in flight."""

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
        import httpx
        import tenacity

        self.base_url, self.model = base_url.rstrip("/"), model
        self.limit = limit or AdaptiveLimit()
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        pool = httpx.Limits(max_connections=None)
        self._client = httpx.Client(
            timeout=httpx.Timeout(timeout_s, connect=min(10.0, timeout_s)), headers=headers, limits=pool
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

    def __enter__(self) -> HttpTeacher:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def vote(
        self, query: str, item_first: Item, item_second: Item, rubric: str, reference_instant: str
    ) -> Choice | None:
        """Ask for one vote, with retries. Raises ``ServiceUnavailable`` when all fail, ``BadConfig`` when another model answers."""
        text = prompt_text(query, item_first, item_second, rubric, reference_instant)
        body = {
            "model": self.model,
            "messages": [{"role": "user", "content": text}],
            "temperature": 0,
            "max_tokens": 1024,
        }
        return read_choice(self._call("POST", "/chat/completions", body, _completion))

    def _served_revision(self) -> str:
        served: dict[str, str] = self._call("GET", "/models", None, _models)
        if self.model not in served:
            names = ", ".join(sorted(served)) or "none"
            raise BadConfig(
                f"{self.base_url} does not serve the model {self.model}; it serves: {names}. Name one with --model"
            )
        return served[self.model]

    def _call(self, method: str, path: str, body: dict[str, Any] | None, read: Callable[[Any, str], Any]) -> Any:
        try:
            return self._retrying(self._once, method, path, body, read)
        except (_Overloaded, _Unreadable) as error:
            raise ServiceUnavailable(
                f"the teacher at {self.base_url}{path} does not answer ({error}); start it or try again: "
                "votes in the journal are kept"
            ) from None

    def _once(self, method: str, path: str, body: dict[str, Any] | None, read: Callable[[Any, str], Any]) -> Any:
        import httpx

        with self.limit.slot() as overload:
            try:
                reply = self._client.request(method, f"{self.base_url}{path}", json=body)
            except (httpx.TimeoutException, httpx.TransportError) as error:
                overload()
                raise _Overloaded(type(error).__name__) from None
            if reply.status_code in (408, 429) or reply.status_code >= 500:
                overload()
                raise _Overloaded(f"status {reply.status_code}")
        if reply.status_code != 200:
            # A refused request (a wrong key, a wrong path) stays refused: asking again would only hide it.
            raise BadConfig(
                f"the teacher at {self.base_url}{path} answers {reply.status_code}; check --endpoint and the API key"
            )
        try:
            return read(json.loads(reply.content), self.model)
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            raise _Unreadable("its reply is not in the OpenAI format") from None


def _models(reply: Any, model: str) -> dict[str, str]:
    return {str(m["id"]): str(m.get("revision") or m.get("root") or "unpinned") for m in reply["data"]}


def _completion(reply: Any, model: str) -> str:
    if reply["model"] != model:
        raise BadConfig(
            f"a model other than {model} answered; labels of two teachers are not mixed: restart with one of them"
        )
    return str(reply["choices"][0]["message"]["content"] or "")


def read_choice(text: str) -> Choice | None:
    """Return the choice if the text outside of thoughts names exactly one, else None (an abstention)."""
    answer = re.sub(r"<think>.*?(</think>|\Z)", "", text, flags=re.S)
    words = set(re.findall(r"\b(first|second)\b", answer.lower()))
    if words == {"first"}:
        return "first"
    return "second" if words == {"second"} else None
