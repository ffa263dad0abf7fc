"""What is said when a run fails, and where: the log, a file, a webhook, a service.

In: names and numbers of what failed; ``CANVAS_NOTIFY``. Out: one notice to each place. What must hold: a notice is made of step
names, check names, numbers and exception classes only, so that it can hold nobody's data, not even in an exception's text; every
place is tried though one fails; a webhook's address is a secret and stands in no message.
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
EXAMPLE = "log,file:/var/log/canvas/notices.jsonl,webhook:@/run/secrets/webhook"
TRIES, PATIENCE_S = 3, 10.0


class FailedCheck(Row, frozen=True, kw_only=True):
    """A guardrail that stopped the run, with its numbers."""

    check: str
    asset: str
    numbers: dict[str, float]


class Notice(Row, frozen=True, kw_only=True):
    """One failed run. ``errors`` are exception classes; ``release`` says how the release stands."""

    at: str
    job: str
    run_id: str
    steps: tuple[str, ...]
    checks: tuple[FailedCheck, ...]
    errors: tuple[str, ...]
    release: str

    def text(self) -> str:
        """One line for people."""
        parts = [f"{self.job} failed (run {self.run_id[:8]})"]
        for found in self.checks:
            numbers = ", ".join(f"{name} {value:.4g}" for name, value in found.numbers.items())
            parts.append(f"{found.check} on {found.asset} did not hold{f' ({numbers})' if numbers else ''}")
        if not self.checks and self.steps:
            kinds = f" ({', '.join(self.errors)})" if self.errors else ""
            parts.append(f"stopped at {', '.join(self.steps)}{kinds}")
        return "; ".join([*parts, self.release])


def plain_numbers(numbers: Mapping[str, object]) -> dict[str, float]:
    """Those that are numbers of the whole: ``retained/<stage>`` and the like may carry a contributor's id in their name."""
    return {
        name: float(value)
        for name, value in numbers.items()
        if isinstance(value, (int, float)) and not isinstance(value, bool) and "/" not in name and ":" not in name
    }


def standing(releases: Path, since: datetime) -> str:
    """How the release stands after a run that began at ``since``."""
    current = releases / "current"
    if not current.is_symlink():
        return "there is no release yet, and none was made"
    name, made = os.readlink(current), datetime.fromtimestamp(current.lstat().st_mtime, UTC)
    if made >= since:
        return f"{name} had been released by this run before it failed"
    return f"yesterday's release is untouched: {name} of {made:%Y-%m-%d %H:%M} UTC stays current"


class Notifier(Protocol):
    """A place that notices go to."""

    def send(self, notice: Notice) -> None: ...


@dataclass(frozen=True)
class Log:
    """Python's log: with Dagster, the daemon's output."""

    def send(self, notice: Notice) -> None:
        logging.getLogger("canvas_pipeline.notice").error("%s", notice.text())


@dataclass(frozen=True)
class File:
    """One JSON line a notice, appended."""

    path: Path

    def send(self, notice: Notice) -> None:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("ab") as file:
            file.write(msgspec.json.encode(notice) + b"\n")


@dataclass(frozen=True)
class Webhook:
    """A POST of JSON whose ``text`` chat services show; ``address`` is a URL, or ``@FILE`` that holds one."""

    address: str
    wait_s: float = 1.0

    def send(self, notice: Notice) -> None:
        url = self._url()
        again = tenacity.Retrying(
            stop=tenacity.stop_after_attempt(TRIES),
            wait=tenacity.wait_exponential(multiplier=self.wait_s, max=PATIENCE_S),
            retry=tenacity.retry_if_exception_type(httpx.HTTPError),
            reraise=True,
        )
        try:
            again(self._post, url, {"text": notice.text(), **msgspec.to_builtins(notice)})
        except (httpx.HTTPError, ValueError) as error:  # ValueError: a host whose name cannot even be asked for
            answer = error.response.status_code if isinstance(error, httpx.HTTPStatusError) else type(error).__name__
            raise ServiceUnavailable(
                f"the webhook at {url.host} did not take the notice in {TRIES} tries ({answer}); "
                f"check its address in {NOTIFY}"
            ) from None  # httpx's own message holds the whole address

    def _post(self, url: httpx.URL, body: Mapping[str, object]) -> None:
        with _unlogged("httpx"):  # it logs the whole address of each request
            httpx.post(url, json=body, timeout=PATIENCE_S).raise_for_status()

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
    """A line to any service that Apprise knows (e-mail, ntfy, Teams, Slack …); ``address`` is Apprise's, or ``@FILE`` holding one.

    Not for a plain webhook: Apprise would send neither the notice's numbers nor say why an address did not take it."""

    address: str

    def send(self, notice: Notice) -> None:
        import apprise  # a quarter of a second: only where something failed and is to be told this way

        source, text = _read_address(self.address, "service")
        with _unlogged("apprise", "requests", "urllib3"):  # they log the whole address
            service = apprise.Apprise.instantiate(text, suppress_exceptions=True)
            if service is None:
                raise MissingInput(f"{source}: holds no address that Apprise knows (mailto://…, ntfy://…)")
            taken = service.notify(body=notice.text(), title=f"{notice.job} failed")
        if not taken:
            kind = type(service).__name__.removeprefix("Notify").lower()
            raise ServiceUnavailable(f"{kind} did not take the notice; check its address in {NOTIFY}")


def _read_address(address: str, what: str) -> tuple[str, str]:
    """An address and where it was found: in the variable, or in the file that ``@FILE`` names."""
    if not address.startswith("@"):
        return NOTIFY, address
    path = Path(address[1:])
    if not path.is_file():
        raise MissingInput(f"{path}: no such file; {NOTIFY} names it as the one that holds the {what}'s address")
    return str(path), path.read_text(encoding="utf-8", errors="replace").strip()


@contextlib.contextmanager
def _unlogged(*names: str) -> Iterator[None]:
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
"""Kind → how what follows its colon is read; a further kind is one more row."""


def notifiers_of(text: str) -> tuple[Notifier, ...]:
    """The places named in ``CANVAS_NOTIFY``, separated by commas (empty: the log); raises ``BadConfig``, never with an address."""
    found = []
    for number, part in enumerate(text.split(",") if text.strip() else ["log"], 1):
        kind, _, rest = part.strip().partition(":")
        notifier = KINDS[kind](rest.strip()) if kind in KINDS else None
        if notifier is None:
            raise BadConfig(f"entry {number} of {NOTIFY} cannot be used; entries look like: {EXAMPLE}")
        found.append(notifier)
    return tuple(found)


def tell(notice: Notice, notifiers: Sequence[Notifier]) -> None:
    """Send to every place; then raise ``ServiceUnavailable`` naming those that failed, where any did."""
    failed = []
    for notifier in notifiers:
        try:
            notifier.send(notice)
        except (OSError, ServiceUnavailable, MissingInput) as error:
            failed.append(f"{type(notifier).__name__.lower()}: {error}")
    if failed:
        raise ServiceUnavailable("a notice did not reach every place: " + "; ".join(failed))
