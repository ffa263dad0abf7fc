"""Notifications of a failed run reach every place and hold nobody's data and no secret."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.automation.notification import (
    KINDS,
    FailedCheck,
    File,
    Log,
    Notification,
    Service,
    Webhook,
    notifiers_of,
    notify,
    plain_numbers,
    release_state,
)
from canvas_pipeline.errors import BadConfig, ServiceUnavailable

CHECK = FailedCheck(check="g6_shrinkage", asset="preference_split", numbers={"stages_below": 1.0})
NOTIFICATION = Notification(
    at="2026-11-21T02:10:00+00:00", job="nightly", run_id="0123456789abcdef", steps=("splits__preference",), checks=(CHECK,),
    errors=("DagsterAssetCheckFailedError",), release="yesterday's release is untouched",
)  # fmt: skip


class Hook(ThreadingHTTPServer):
    """A webhook that answers with the given statuses, the last one for ever, and remembers what it was sent."""

    def __init__(self, *answers: int) -> None:
        super().__init__(("127.0.0.1", 0), _Answer)
        self.answers, self.bodies = list(answers), list[dict[str, Any]]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/services/T0/secret-token"


class _Answer(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        answers = self.server.answers
        self.send_response(answers.pop(0) if len(answers) > 1 else answers[0])
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook(200)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def test_a_notification_names_what_failed_with_its_numbers_and_how_the_release_stands() -> None:
    assert NOTIFICATION.text() == (
        "nightly failed (run 01234567); g6_shrinkage on preference_split did not hold (stages_below 1); "
        "yesterday's release is untouched"
    )


def test_without_a_failed_check_it_names_where_the_run_stopped_and_by_which_kind_of_error() -> None:
    import msgspec

    text = msgspec.structs.replace(NOTIFICATION, checks=(), errors=("DiskFull",)).text()
    assert text.startswith("nightly failed (run 01234567); stopped at splits__preference (DiskFull); ")


def test_numbers_whose_names_may_hold_a_contributor_are_left_out() -> None:
    numbers = {
        "stages_below": 1,
        "retained/collab/jane-doe": 0.2,
        "threshold: minimum/collab/jane-doe": 0.7,
        "inputs": {},
        "ok": True,
    }
    assert plain_numbers(numbers) == {"stages_below": 1.0}


def test_every_place_gets_the_notification(hook: Hook, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    places = notifiers_of(f"log, file:{tmp_path}/deep/notifications.jsonl, webhook:{hook.url}")
    with caplog.at_level(logging.ERROR):
        notify(NOTIFICATION, places)
        notify(NOTIFICATION, places)
    lines = (tmp_path / "deep" / "notifications.jsonl").read_text().splitlines()
    assert [json.loads(line)["checks"][0]["check"] for line in lines] == ["g6_shrinkage"] * 2
    assert [body["text"] for body in hook.bodies] == [NOTIFICATION.text()] * 2
    assert caplog.messages.count(NOTIFICATION.text()) == 2


def test_a_webhook_that_is_busy_is_asked_again(hook: Hook) -> None:
    hook.answers = [503, 200]
    Webhook(hook.url, wait_s=0.0).send(NOTIFICATION)
    assert len(hook.bodies) == 2


def test_a_webhook_that_refuses_is_reported_without_its_address_and_the_other_places_still_get_it(
    hook: Hook, tmp_path: Path
) -> None:
    hook.answers = [404]
    with pytest.raises(ServiceUnavailable) as raised:
        notify(NOTIFICATION, [Webhook(hook.url, wait_s=0.0), File(tmp_path / "notifications.jsonl")])
    assert "webhook at 127.0.0.1" in str(raised.value) and "404" in str(raised.value)
    assert "secret-token" not in str(raised.value) and "secret-token" not in repr(raised.value.__cause__)
    assert (tmp_path / "notifications.jsonl").read_text().count("\n") == 1


def test_the_address_may_lie_in_a_file_as_secrets_do(hook: Hook, tmp_path: Path) -> None:
    (tmp_path / "address").write_text(hook.url + "\n")
    notify(NOTIFICATION, notifiers_of(f"webhook:@{tmp_path}/address"))
    assert len(hook.bodies) == 1
    with pytest.raises(ServiceUnavailable, match="no such file"):
        notify(NOTIFICATION, notifiers_of(f"webhook:@{tmp_path}/nothing"))


@pytest.mark.parametrize("text", ["", "\n", "https://x:secret-token/", "secret-token", "\udcff"])
def test_a_file_that_holds_no_address_is_named_and_not_quoted_and_the_other_places_still_get_it(
    tmp_path: Path, text: str
) -> None:
    (tmp_path / "address").write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(ServiceUnavailable, match="address.*webhook") as raised:
        notify(NOTIFICATION, notifiers_of(f"webhook:@{tmp_path}/address, file:{tmp_path}/notifications.jsonl"))
    assert "secret-token" not in str(raised.value)
    assert (tmp_path / "notifications.jsonl").read_text().count("\n") == 1


def test_a_host_that_cannot_be_looked_up_does_not_keep_other_places_from_getting_it(tmp_path: Path) -> None:
    with pytest.raises(ServiceUnavailable, match="did not take the notification"):
        notify(
            NOTIFICATION,
            [Webhook(f"http://{'x' * 80}.invalid/secret-token", wait_s=0.0), File(tmp_path / "notifications.jsonl")],
        )
    assert (tmp_path / "notifications.jsonl").read_text().count("\n") == 1


def test_the_address_stands_in_no_log_however_much_is_logged(hook: Hook, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG):
        notify(NOTIFICATION, [Webhook(hook.url)])
    assert len(hook.bodies) == 1 and "secret-token" not in caplog.text


def test_without_a_place_the_log_is_used_and_every_kind_can_be_named() -> None:
    assert notifiers_of("") == (Log(),)
    places = {"log": "", "file": ":/tmp/x", "webhook": ":https://example.org/x", "service": ":ntfy://example.org/x"}
    for kind, rest in places.items():
        assert len(notifiers_of(kind + rest)) == 1
    assert set(KINDS) == set(places)


def test_a_service_that_apprise_knows_gets_the_line_and_its_address_stands_in_no_log(
    hook: Hook, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    (tmp_path / "address").write_text(hook.url.replace("http:", "json:"))
    with caplog.at_level(logging.DEBUG):
        notify(NOTIFICATION, notifiers_of(f"service:@{tmp_path}/address"))
    assert [body["message"] for body in hook.bodies] == [NOTIFICATION.text()]
    assert "secret-token" not in caplog.text


def test_a_service_that_refuses_or_is_unknown_is_reported_without_its_address(
    hook: Hook, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    hook.answers = [404]
    places = [
        Service(hook.url.replace("http:", "json:")),
        Service("nobody://secret-token"),
        File(tmp_path / "notifications.jsonl"),
    ]
    with caplog.at_level(logging.DEBUG), pytest.raises(ServiceUnavailable, match="json did not take") as raised:
        notify(NOTIFICATION, places)
    assert "no address that Apprise knows" in str(raised.value)
    assert "secret-token" not in str(raised.value) + caplog.text
    assert (tmp_path / "notifications.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ["mail:me", "file:", "webhook:", "webhook:@", "webhook:secret-token", "service:secret-token", "log:x", "log,,log"],
)
def test_a_place_that_cannot_be_used_is_numbered_and_never_quoted(text: str) -> None:
    with pytest.raises(BadConfig, match=r"entry [12] of CANVAS_NOTIFY") as raised:
        notifiers_of(text)
    assert "secret-token" not in str(raised.value)


def test_how_the_release_stands_is_read_from_the_folder(tmp_path: Path) -> None:
    began = datetime.now(UTC)
    assert release_state(tmp_path, began) == "there is no release yet, and none was made"
    (tmp_path / "canvas-sft-0123").mkdir()
    (tmp_path / "current").symlink_to("canvas-sft-0123")
    later = datetime.now(UTC) + timedelta(seconds=5)
    assert release_state(tmp_path, later).startswith("yesterday's release is untouched: canvas-sft-0123 of 20")
    assert (
        release_state(tmp_path, began - timedelta(seconds=5))
        == "canvas-sft-0123 had been released by this run before it failed"
    )
