"""Access to a model behind a real OpenAI-compatible server: texts, first tokens, keys, and errors that hold no secret."""

from __future__ import annotations

import logging
import socket
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.models.endpoint import Endpoint, answers, api_key, is_address
from canvas_pipeline_tests.tracks.canvas.examples.teacher_server import TeacherServer, serving

ASKED = [{"role": "user", "content": "A or B?"}]
ITEMS = "First item: 'x'; due 2026-01-01;\nSecond item: 'y'; due 2026-01-02;"


def endpoint(server: TeacherServer, **options: object) -> Endpoint:
    settings = {"attempts": 3, "max_wait_s": 0.02, "timeout_s": 5.0} | options
    return Endpoint(server.url, "labeller", **settings)  # type: ignore[arg-type]


def test_a_bare_text_is_continued_up_to_a_stop_or_the_limit() -> None:
    with serving(continued=lambda prompt: " one two\n\nthree") as server, endpoint(server) as model:
        settings = {"temperature": 0.4, "seed": 7, "stop": ("\n\n",)}
        found = model.complete("Count:", max_tokens=9, **settings)  # type: ignore[arg-type]
        assert (found.text, found.stopped, found.tokens) == (" one two", True, 3)
        assert not model.complete("Count:", max_tokens=2, **settings).stopped  # type: ignore[arg-type]
        assert server.bodies[0] == {
            "model": "labeller", "prompt": "Count:", "temperature": 0.4, "seed": 7, "max_tokens": 9, "stop": ["\n\n"]
        }  # fmt: skip


def test_choices_are_weighed_by_their_likeliest_form_and_one_that_is_not_listed_by_the_least_listed() -> None:
    listed = [("A", -3.0), ("A", -0.25), (" B", -1.0), ("The", -2.0), *((f"w{n}", -9.0 - n) for n in range(30))]
    with serving(first_tokens=lambda asked: listed) as server, endpoint(server) as model:
        assert model.choice_logprobs(ASKED, ("A", " B", "B")) == {"A": -0.25, " B": -1.0, "B": -24.0}
        assert model.choice_logprobs(ASKED, ("yes", "no")) == {}
        assert {(body["max_tokens"], body["temperature"]) for body in server.bodies} == {(1, 0)}


def test_a_server_without_log_probabilities_is_refused_and_not_asked_again() -> None:
    with serving() as server, endpoint(server) as model:
        with pytest.raises(BadConfig, match="gives no log-probabilities; serve labeller with a server that does"):
            model.choice_logprobs(ASKED, ("A", "B"))
        assert server.requests == 1
    with serving(lambda n: 400) as server, endpoint(server) as model:
        with pytest.raises(BadConfig, match="answers 400; check .* and that it serves .* log-probabilities"):
            model.choice_logprobs(ASKED, ("A", "B"))
        assert server.requests == 1


def test_a_server_that_cannot_continue_texts_is_refused_and_not_asked_again() -> None:
    with serving() as server, endpoint(server) as model:
        with pytest.raises(BadConfig, match="/completions answers 404"):
            model.complete("Count:", temperature=0, seed=0, max_tokens=5)
        assert server.requests == 1


def test_a_reply_of_another_model_or_out_of_form_is_no_answer() -> None:
    nan = [("A", float("nan"))]
    with serving(lambda n: "wrong_model" if n == 0 else None, first_tokens=lambda asked: nan, continued=str) as server:
        with endpoint(server) as model, pytest.raises(BadConfig, match="a model other than labeller answered"):
            model.complete("Count:", temperature=0, seed=0, max_tokens=5)
        with endpoint(server) as model, pytest.raises(ServiceUnavailable, match="not in the OpenAI format"):
            model.choice_logprobs(ASKED, ("A", "B"))


def test_a_password_in_the_address_is_sent_and_in_no_error_and_no_log(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with serving(lambda n: 401 if n else None) as server:
        url = server.url.replace("http://", "http://someone:secret@")
        with Endpoint(url, "labeller") as model:
            model.chat([{"role": "user", "content": ITEMS}])
            assert server.keys == {"Basic c29tZW9uZTpzZWNyZXQ="}
            with pytest.raises(BadConfig) as refused:
                model.chat(ASKED)
        with pytest.raises(BadConfig) as unserved:
            Endpoint(url, "other")
    with pytest.raises(ServiceUnavailable) as down:
        Endpoint(url, "labeller", attempts=1)
    shown = "".join(str(error.value) for error in (refused, unserved, down)) + caplog.text
    assert server.url in shown and "secret" not in shown and "someone" not in shown


@pytest.mark.parametrize("url", ["127.0.0.1:8000/v1", "ftp://there/v1", "http://", "http://there/v1?key=secret"])
def test_what_is_no_address_is_refused_and_not_quoted(url: str) -> None:
    assert not is_address(url)
    with pytest.raises(BadConfig, match="the model's endpoint is no address") as caught:
        Endpoint(url, "labeller")
    assert "secret" not in str(caught.value)


def test_a_key_is_read_from_the_environment_or_from_a_file(tmp_path: Path) -> None:
    file = tmp_path / "key"
    file.write_text("from a file\n")
    assert api_key("KEY", {}) is None
    assert api_key("KEY", {"KEY_FILE": str(file)}) == "from a file"
    assert api_key("KEY", {"KEY": "given", "KEY_FILE": str(file)}) == "given"
    with pytest.raises(BadConfig, match="KEY_FILE names a file that cannot be read"):
        api_key("KEY", {"KEY_FILE": str(tmp_path / "missing")})


def test_a_server_answers_while_it_is_there() -> None:
    with serving() as server:
        assert answers(server.url)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        assert not answers(f"http://127.0.0.1:{free.getsockname()[1]}/v1")
