"""Send a notification of a failed run to the log, a file, a webhook or a service, as ``CANVAS_NOTIFY`` names them.

Invariants: a notification contains step names, check names, numbers and exception classes only, never an exception's text, so
it contains no personal data; every place is tried even if one fails; an address is a secret and appears in no message.
"""

from __future__ import annotations

import contextlib
import logging
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import httpx
import msgspec
import tenacity

from canvas_pipeline.errors import BadConfig, MissingInput, ServiceUnavailable
from canvas_pipeline.records import Row

NOTIFY = "CANVAS_NOTIFY"
EXAMPLE = "log,file:/var/log/canvas/notifications.jsonl,webhook:@/run/secrets/webhook"
TRIES, TIMEOUT_S = 3, 10.0


class FailedCheck(Row, frozen=True, kw_only=True):
    """A guardrail that failed, with its numbers."""

    check: str
    asset: str
    numbers: dict[str, float]


class Notification(Row, frozen=True, kw_only=True):
    """One failed run. ``errors`` are exception classes, ``release`` is the sentence of ``release_state``."""

    at: str
    job: str
    run_id: str
    steps: tuple[str, ...]
    checks: tuple[FailedCheck, ...]
    errors: tuple[str, ...]
    release: str

    def text(self) -> str:
        """Return one line for people."""
        parts = [f"{self.job} failed (run {self.run_id[:8]})"]
        for failed in self.checks:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in failed.numbers.items())
            parts.append(f"{failed.check} on {failed.asset} did not hold{f' ({numbers})' if numbers else ''}")
        if not self.checks and self.steps:
            kinds = f" ({', '.join(self.errors)})" if self.errors else ""
            parts.append(f"stopped at {', '.join(self.steps)}{kinds}")
        return "; ".join([*parts, self.release])


def plain_numbers(numbers: Mapping[str, object]) -> dict[str, float]:
    """Keep the numbers without ``/`` or ``:`` in their names: ``retained/<stage>`` and the like may contain a contributor's id."""
    return {
        name: float(value)
        for name, value in numbers.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and "/" not in name and ":" not in name
    }


def release_state(releases: Path, since: datetime) -> str:
    """Describe the current release after a failed run that began at ``since``."""
    current = releases / "current"
    if not current.is_symlink():
        return "there is no release yet, and none was made"
    name, released = os.readlink(current), datetime.fromtimestamp(current.lstat().st_mtime, UTC)
    if released >= since:
        return f"{name} had been released by this run before it failed"
    return f"yesterday's release is untouched: {name} of {released:%Y-%m-%d %H:%M} UTC stays current"


class Notifier(Protocol):
    """A place that receives notifications."""

    def send(self, notification: Notification) -> None: ...


@dataclass(frozen=True)
class Log:
    """Write to Python's log, which Dagster's daemon prints."""

    def send(self, notification: Notification) -> None:
        logging.getLogger("canvas_pipeline.notification").error("%s", notification.text())


@dataclass(frozen=True)
class File:
    """Append one JSON line per notification to a file."""

    path: Path

    def send(self, notification: Notification) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(notification) + b"\n")


@dataclass(frozen=True)
class Webhook:
    """POST JSON whose ``text`` chat services show; ``address`` is a URL, or ``@FILE`` for a file that holds one."""

    address: str
    wait_s: float = 1.0

    def send(self, notification: Notification) -> None:
        url = self._url()
        again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_exponential(multiplier=self.wait_s, max=TIMEOUT_S),
            retry=tenacity.retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        try:
            again(self._post, url, {"text": notification.text(), **msgspec.to_builtins(notification)})
        except (httpx.HTTPError, ValueError) as error:  # ValueError: a host name that cannot be resolved
            answer = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
            raise ServiceUnavailable(
                f"the webhook at {url.host} did not take the notification in {TRIES} tries ({answer}); "
                f"check its address in {NOTIFY}"
            ) from None  # httpx's own message holds the whole address

    def _post(self, url: httpx.URL, body: Mapping[str, object]) -> None:
        with _muted("httpx"):  # httpx logs the whole address of each request
            httpx.post(url, json=body, timeout=TIMEOUT_S).raise_for_status()

    def _url(self) -> httpx.URL:
        source, text = _read_address(self.address, "webhook")
        with contextlib.suppress(httpx.InvalidURL):
            url = httpx.URL(text)
            if url.scheme in ("http", "https") and url.host:
                return url
        raise MissingInput(
            f"{source}: {'holds no' if text else 'is empty where there should be the'} address of a webhook (https://…)"
        )


@dataclass(frozen=True)
class Service:
    """Send through any service that Apprise supports (e-mail, ntfy, Teams, Slack …); ``address`` is Apprise's, or ``@FILE``.

    Not used for a plain webhook: Apprise would neither send the numbers nor report why an address refused them."""

    address: str

    def send(self, notification: Notification) -> None:
        import apprise  # a quarter of a second: only when a notification is sent this way

        source, text = _read_address(self.address, "service")
        with _muted("apprise", "requests", "urllib3"):  # they log the whole address
            service = apprise.Apprise.instantiate(text, suppress_exceptions=True)
            if service is None:
                raise MissingInput(f"{source}: holds no address that Apprise knows (mailto://…, ntfy://…)")
            delivered = service.notify(body=notification.text(), title=f"{notification.job} failed")
        if not delivered:
            kind = type(service).__name__.removeprefix("Notify").lower()
            raise ServiceUnavailable(f"{kind} did not take the notification; check its address in {NOTIFY}")


def _read_address(address: str, what: str) -> tuple[str, str]:
    """Return where an address comes from (the variable, or the file that ``@FILE`` names) and the address."""
    if not address.startswith("@"):
        return NOTIFY, address
    path = Path(address[1:])
    if not path.is_file():
        raise MissingInput(f"{path}: no such file; {NOTIFY} names it as the one that holds the {what}'s address")
    return str(path), path.read_text(encoding="utf-8", errors="replace").strip()


@contextlib.contextmanager
def _muted(*names: str) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in names]
    before = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in zip(loggers, before, strict=True):
            logger.setLevel(level)


def _log(rest: str) -> Notifier | None:
    return None if rest else Log()


def _file(rest: str) -> Notifier | None:
    return File(Path(rest)) if rest else None


def _webhook(rest: str) -> Notifier | None:
    return Webhook(rest) if rest.startswith(("@", "http://", "https://")) and len(rest) > 1 else None


def _service(rest: str) -> Notifier | None:
    return Service(rest) if len(rest) > 1 and (rest.startswith("@") or "://" in rest) else None


KINDS: Mapping[str, Callable[[str], Notifier | None]] = {
    "log": _log, "file": _file, "webhook": _webhook, "service": _service,
}  # fmt: skip
"""Kind → the function that reads what follows its colon; it returns None for text it cannot use."""


def notifiers_of(text: str) -> tuple[Notifier, ...]:
    """Parse ``CANVAS_NOTIFY``: places separated by commas (empty: the log); raises ``BadConfig``, never with an address."""
    notifiers = []
    for number, part in enumerate(text.split(",") if text.strip() else ["log"], 1):
        kind, _, rest = part.strip().partition(":")
        notifier = KINDS[kind](rest.strip()) if kind in KINDS else None
        if notifier is None:
            raise BadConfig(f"entry {number} of {NOTIFY} cannot be used; entries look like: {EXAMPLE}")
        notifiers.append(notifier)
    return tuple(notifiers)


def notify(notification: Notification, notifiers: Sequence[Notifier]) -> None:
    """Send to every place, then raise ``ServiceUnavailable`` naming the places that failed, if any."""
    failed = []
    for notifier in notifiers:
        try:
            notifier.send(notification)
        except (OSError, ServiceUnavailable, MissingInput) as error:
            failed.append(f"{type(notifier).__name__.lower()}: {error}")
    if failed:
        raise ServiceUnavailable("a notification did not reach every place: " + "; ".join(failed))
