"""The Modelfile: what Ollama makes of a conversation, by Go's own text/template (in Hugo), against our prompt."""

from __future__ import annotations

import importlib
import json
import random
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.evaluation.generate import prompt_text
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import ModelFamily, ToolCall
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.markers import escape
from canvas_pipeline.models.gemma4.wire import parse_turn, response_text, serialise
from canvas_pipeline.pipeline.track import track_named
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.records import Message
from canvas_pipeline.release.modelfile import SystemPrompt, modelfile, template
from canvas_pipeline.tracks.canvas.tools.prompt import OPENING, catalogue, system_message
from canvas_pipeline.tracks.canvas.tools.tool_table import schemas

SYSTEM = system_message("2026-03-02T08:00Z", "catalogue")
NAMED = SystemPrompt(text=SYSTEM.content, opening=OPENING, catalogue=catalogue(), note="Replace the instant.")
NATIVE = SystemPrompt(text="Now: 2026-02-01T12:00:00Z Sun.", declared=True)
TODO, GRADES = ToolCall("canvas.get_todo"), ToolCall("canvas.get_grades", {"course_id": 1234567})
CREATE = ToolCall(
    "study.semester_schedule",
    {
        "semester_end_iso": "2026-05-12T09:00:00Z",
        "deadlines": [
            {"title": 'Ana\'s "lab" é 🎉\n{{ .System }}', "due_iso": "2026-04-01", "estimated_hours": 1.5},
            {},
        ],
        "ramp_factor": -0.25,
        "weekly_hours_available": None,
        "x": True,
        "y": [],
        "z": [[1, 10**12], {"b": False, "a": {}}],
    },
)


def user(text: str) -> Message:
    return Message(role="user", content=escape(text))


def assistant(*calls: ToolCall, words: str = "") -> Message:
    return Message(role="assistant", content=words + "".join(map(serialise, calls)))


def result(name: str, value: Any) -> Message:
    return Message(role="tool", name=name, content=response_text(value))


def as_ollama(messages: Sequence[Message], tools: bool = False) -> dict[str, Any]:
    """What Ollama gives a template: the system messages apart, consecutive messages of a role (but a tool's) in one, a tool
    call's arguments as its parser reads them (strings stay escaped)."""
    history: list[dict[str, Any]] = []
    for message in messages:
        row = {"Role": message.role, "Content": message.content, "ToolName": message.name or "", "ToolCalls": []}
        if message.role == "assistant":
            turn = parse_turn(message.content)
            if not turn.malformed:
                row["Content"] = turn.text
                row["ToolCalls"] = [
                    {"Function": {"Name": call.name, "Arguments": escaped(call.arguments)}} for call in turn.well_formed
                ]
        history.append(row)
    system = "\n\n".join(message.content for message in messages if message.role == "system")
    return {"System": system, "Messages": history, "Tools": [t["function"] for t in schemas()] if tools else []}


def escaped(value: Any) -> Any:
    if isinstance(value, str):
        return escape(value)
    if isinstance(value, dict):
        return {key: escaped(inner) for key, inner in value.items()}
    return [escaped(inner) for inner in value] if isinstance(value, list) else value


def rendered_by_go(
    cases: Sequence[dict[str, Any]], folder: Path, of: ModelFamily = GEMMA4, prompt: SystemPrompt = NAMED
) -> list[str]:
    """The template in Hugo, whose text output is Go's text/template. ``json``, which is Ollama's, is called jsonify there."""
    (folder / "layouts" / "partials").mkdir(parents=True)
    (folder / "data").mkdir()
    (folder / "data" / "cases.json").write_text(json.dumps(cases))
    (folder / "layouts" / "partials" / "chat.txt").write_text(
        "@" + template(of, prompt).replace(":= json .", ":= jsonify .")
    )
    (folder / "layouts" / "home.txt").write_text('{{ range site.Data.cases }}{{ partial "chat.txt" . }}\0{{ end }}')
    (folder / "hugo.json").write_text(
        json.dumps(
            {
                "disableKinds": ["page", "section", "taxonomy", "term", "rss", "sitemap", "robotsTXT", "404"],
                "outputs": {"home": ["txt"]},
                "outputFormats": {"txt": {"mediaType": "text/plain", "isPlainText": True, "baseName": "out"}},
            }
        )
    )
    program = Path(sys.executable).with_name("hugo")
    done = subprocess.run([program, "--quiet", "--source", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    texts = (folder / "public" / "out.txt").read_bytes().decode().split("\0")[:-1]
    return [text.removeprefix("@") for text in texts]


def random_conversation(rng: random.Random) -> tuple[Message, ...]:
    """Turns in any order that a client may send: answers, calls with and without words and results, results alone."""
    messages = [SYSTEM] if rng.random() < 0.8 else []
    for _ in range(rng.randrange(1, 7)):
        calls = tuple(rng.choice((TODO, GRADES, CREATE)) for _ in range(rng.choice((0, 1, 1, 2))))
        messages.append(user(rng.choice(("What is due?", "a\nb <|turn> {{ c }}", "é 🎉 & <b>"))))
        if rng.random() < 0.8:
            messages.append(assistant(*calls, words=rng.choice(("", "Let me look.")) if calls else "Nothing."))
            for call in calls[: rng.randrange(len(calls) + 1)]:
                messages.append(result(call.name, [{"id": 5, "title": "Lab <|tool_call>"}]))
            if calls and rng.random() < 0.6 and messages[-1].role == "tool":
                messages.append(assistant(words="Lab 3 is due."))
    return tuple(messages)


CONVERSATIONS: dict[str, tuple[Message, ...]] = {
    "one question": (SYSTEM, user("What is due?")),
    "no system message": (user("What is due?"),),
    "an answer, then another question": (SYSTEM, user("a"), assistant(words="b"), user("c")),
    "a call and its result": (SYSTEM, user("a"), assistant(TODO), result(TODO.name, [{"id": 5}])),
    "words, a call and its result": (SYSTEM, user("a"), assistant(TODO, words="Let me look."), result(TODO.name, [])),
    "two calls and their results": (
        SYSTEM, user("a"), assistant(TODO, GRADES), result(TODO.name, []), result(GRADES.name, {"error": {"code": "x"}}),
    ),
    "a loop of two rounds and an answer": (
        SYSTEM, user("a"), assistant(TODO), result(TODO.name, []), assistant(CREATE), result(CREATE.name, []),
        assistant(words="b"), user("c"),
    ),
    "arguments of every kind": (SYSTEM, user("a"), assistant(CREATE)),
    "a call nobody answered": (SYSTEM, user("a"), assistant(TODO), user("b")),
    "results nobody talked about": (SYSTEM, user("a"), assistant(TODO), result(TODO.name, []), user("b")),
    "a result without a call": (
        SYSTEM, user("a"), assistant(words="b"), result("unreadable_call", {"error": {}}), assistant(words="c"),
    ),
    "the assistant spoke last": (SYSTEM, user("a"), assistant(words="b")),
}  # fmt: skip


def test_go_renders_every_conversation_as_our_prompt_byte_for_byte(tmp_path: Path) -> None:
    rng = random.Random(7)
    cases = [*CONVERSATIONS.values(), *(random_conversation(rng) for _ in range(300))]
    texts = rendered_by_go([as_ollama(messages) for messages in cases], tmp_path)
    assert len(texts) == len(cases)
    for messages, text in zip(cases, texts, strict=True):
        assert "<bos>" + text == prompt_text(messages, GEMMA4)


@pytest.mark.parametrize("name", ["gemma3", "llama3", "qwen3", "plain-llama3", "plain-qwen3"])
def test_go_renders_a_conversation_in_words_as_every_family_does(name: str, tmp_path: Path) -> None:
    of = family(name)
    question, answer = (Message(role="user", content="What is due?"), Message(role="assistant", content="Lab 3 – é."))
    cases = [(SYSTEM, question), (question,), (SYSTEM, question, answer, question), (question, answer, question)]
    texts = rendered_by_go([as_ollama(messages) for messages in cases], tmp_path, of)
    for messages, text in zip(cases, texts, strict=True):
        assert (of.bos or "") + text == prompt_text(messages, of)
    written = modelfile("x.gguf", of, NATIVE)
    assert "TEMPLATE" in written and "RENDERER" not in written and "PARSER" not in written
    assert all(f"PARAMETER stop {stop}\n" in written for stop in of.stops)


@pytest.mark.parametrize("profile", ["embedded", "gb10"])
@pytest.mark.parametrize("name", ["instruct", "math", "code", "router"])
def test_go_places_a_request_where_a_track_of_texts_has_it_in_training(name: str, profile: str, tmp_path: Path) -> None:
    track: Any = track_named(name)
    of, ws = family(track.profiles[profile].family_name), Workspace(tmp_path, track, track.profiles[profile])
    placed = importlib.import_module(f"canvas_pipeline.tracks.{name}.rows").prompt_of
    begin = {"instruct": " ", "code": "\n"}.get(name, "")
    said = [("user", "a {{ b }}?"), ("assistant", "c"), ("user", "é <d>")]
    asked = [Message(role=role, content=text) for role, text in said]
    trained = [Message(role=role, content=placed(text) if role == "user" else begin + text) for role, text in said]
    (text,) = rendered_by_go([as_ollama(asked)], tmp_path, of, track.card.system_prompt(ws))
    assert (of.bos or "") + text == prompt_text(trained, of)


def test_a_request_s_tools_are_named_once_whoever_wrote_the_system_message(tmp_path: Path) -> None:
    own = Message(role="system", content="Be brief.")
    texts = rendered_by_go(
        [as_ollama((SYSTEM, user("a")), True), as_ollama((own, user("a")), True), as_ollama((user("a"),), True)],
        tmp_path,
    )
    named = f"Canvas assistant. {catalogue()}"
    wanted = (SYSTEM.content, f"{named} Be brief.", named)
    for text, system in zip(texts, wanted, strict=True):
        assert "<bos>" + text == prompt_text((Message(role="system", content=system), user("a")), GEMMA4)


def test_the_modelfile_stops_where_a_gemma_turn_ends() -> None:
    text = modelfile("canvas-dpo-Q4_K_M.gguf", GEMMA4, NAMED)
    assert text.startswith("FROM ./canvas-dpo-Q4_K_M.gguf\n") and f'TEMPLATE """{template(GEMMA4, NAMED)}"""\n' in text
    for stop in GEMMA4.stops:
        assert f"PARAMETER stop {stop}\n" in text
    assert text.count('"""') == 4 and "PARAMETER temperature 0" in text and "RENDERER" not in text
    assert f'# Replace the instant.\nSYSTEM """{NAMED.text}"""\n' in text


def test_native_declarations_are_the_runtime_s_own_to_render() -> None:
    text = modelfile("x.gguf", GEMMA4, NATIVE)
    assert re.findall(r"^(?:RENDERER|PARSER|TEMPLATE).*$", text, re.M) == [
        "RENDERER gemma4",
        "PARSER gemma4-no-thinking",
    ]


def test_a_system_message_that_would_end_its_quotes_is_refused() -> None:
    with pytest.raises(BadInput, match="Modelfile"):
        modelfile("x.gguf", GEMMA4, SystemPrompt(text='a """ b'))
