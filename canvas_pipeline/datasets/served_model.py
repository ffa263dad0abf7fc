"""Generate and compare texts with a model behind an OpenAI-compatible server, several requests at once.

Each answer is in a journal before the next step sees it: a run that ends early, because the server or the machine went down,
continues where it stopped, and a stage that is made again asks for nothing twice. The results are in the order of the prompts,
whatever the order of the replies."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Generic, Self, TypeVar

from canvas_pipeline.datasets.text_model import Generated
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.endpoint import LISTED, Completion, Endpoint
from canvas_pipeline.records import Row, digest, dumps
from canvas_pipeline.storage.journal import Journal

WORKERS = 8
ONE_LETTER = "Complete the user's last sentence with one letter and nothing else: A or B."


class Answer(Row, frozen=True, kw_only=True):
    """An answer in the journal. ``key`` is the digest of the request and the model's identity."""

    key: str


class Continuation(Answer, frozen=True, kw_only=True):
    """The continuation of a prompt."""

    completion: Completion


class Weighing(Answer, frozen=True, kw_only=True):
    """The log-probabilities of some first tokens; empty where none of them was listed."""

    logprobs: dict[str, float]


R = TypeVar("R", bound=Answer)
Request = tuple[str, Mapping[str, Any]]
"""A prompt and its settings, which are part of the answer's key."""


class Served(Generic[R]):
    """A model that is asked once per request. It closes the endpoint's connections and the journal when its block ends."""

    def __init__(self, endpoint: Endpoint, journal: Path | None, row: type[R]) -> None:
        self._endpoint = endpoint
        self.name = endpoint.identity
        with ExitStack() as stack:
            stack.enter_context(endpoint)
            busy = f"{journal} is in use by another run; wait for it"
            self._journal: Journal[R] = stack.enter_context(Journal(journal, row, _key, busy))
            self._open = stack.pop_all()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _confirm(self) -> None:
        """Ask the server for its weights once more; where they are others by now, forget the answers of this run."""
        try:
            if self._journal.added:
                self._endpoint.confirm()
        except BadConfig:
            self._journal.withdraw()
            raise

    def _ask_all(self, prompts: Sequence[str], settings: Mapping[str, Any], ask: Callable[[str, str], R]) -> list[R]:
        """``_ask_each`` with the same settings for all. ``ask`` gets a key and a prompt."""
        return self._ask_each([(prompt, settings) for prompt in prompts], lambda key, request: ask(key, request[0]))

    def _ask_each(self, requests: Sequence[Request], ask: Callable[[str, Request], R]) -> list[R]:
        """Return the answers in the order of the requests. ``ask`` gets a key and a request; equal ones are asked once."""
        keys = [digest(self.name, prompt, dumps(settings).decode()) for prompt, settings in requests]

        def answer(key: str, request: Request) -> R:
            found = self._journal.find(key)
            if found is None:
                found = ask(key, request)
                self._journal.add(found)
            return found

        with ThreadPoolExecutor(WORKERS) as pool:
            distinct = dict(zip(keys, requests, strict=True))
            futures = {key: pool.submit(answer, key, request) for key, request in distinct.items()}
            try:
                answers = [futures[key].result() for key in keys]
                self._confirm()
                return answers
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise


def _key(row: Answer) -> tuple[str, ...]:
    return (row.key,)


class ServedGenerator(Served[Continuation]):
    """A ``TextGenerator`` behind a server. It continues bare text, so a base model serves as well as one tuned to chat.

    ``stops`` end a text besides the model's own end."""

    def __init__(self, endpoint: Endpoint, journal: Path | None, stops: Sequence[str]) -> None:
        super().__init__(endpoint, journal, Continuation)
        self._stops = tuple(stops)

    def generate(
        self, prompts: Sequence[str], *, temperature: float, seed: int, max_new_tokens: int
    ) -> list[Generated]:
        """Continue each prompt. Raises ``ServiceUnavailable`` when the server goes down; what it answered is in the journal."""

        def ask(key: str, prompt: str) -> Continuation:
            generated = self._endpoint.complete(
                prompt, temperature=temperature, seed=seed, max_tokens=max_new_tokens, stop=self._stops
            )
            return Continuation(key=key, completion=generated)

        settings = {"temperature": temperature, "seed": seed, "max_tokens": max_new_tokens, "stop": self._stops}
        found = (row.completion for row in self._ask_all(prompts, settings, ask))
        return [Generated(generated.text, generated.stopped, generated.tokens) for generated in found]


class ServedCritic(Served[Weighing]):
    """A ``FirstTokenModel`` behind a server: a model that is tuned to chat and answers without thinking first.

    The constructor asks for one letter, so that a server or model that cannot be the critic is refused before any data is made."""

    def __init__(self, endpoint: Endpoint, journal: Path | None) -> None:
        super().__init__(endpoint, journal, Weighing)
        try:
            if not endpoint.choice_logprobs(_conversation("The first letter of the alphabet is"), ("A", " A")):
                raise BadConfig(
                    f"{self.name} does not have the letter A among its {LISTED} likeliest first tokens where it was asked for it, "
                    "so it cannot be the critic; serve a model that is tuned to chat and answers without thinking first"
                )
        except BaseException:
            self._open.close()
            raise

    def first_token_logprobs(self, prompts: Sequence[str], tokens: Sequence[str]) -> list[dict[str, float]]:
        """Return token → log-probability for each prompt; see ``Endpoint.choice_logprobs`` for tokens that are not listed.

        Where none of the tokens is listed, all are equally likely."""

        def ask(key: str, prompt: str) -> Weighing:
            return Weighing(key=key, logprobs=self._endpoint.choice_logprobs(_conversation(prompt), tokens))

        settings = {"tokens": tuple(tokens), "instruction": ONE_LETTER, "listed": LISTED}
        found = self._ask_all(prompts, settings, ask)
        return [row.logprobs or dict.fromkeys(tokens, 0.0) for row in found]


def _conversation(prompt: str) -> list[dict[str, str]]:
    return [{"role": "system", "content": ONE_LETTER}, {"role": "user", "content": prompt}]
