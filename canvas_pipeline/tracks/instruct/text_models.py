"""Open the generator and the critic of the training rows, where the options name a model behind an OpenAI-compatible server.

The options are ``generator_endpoint``, ``generator_model``, ``critic_endpoint`` and ``critic_model``; ``generator_identity`` and
``critic_identity`` state whose weights they are, where the server reports none. Keys are in the environment:
``CANVAS_GENERATOR_API_KEY`` and ``CANVAS_CRITIC_API_KEY``, or in files that the same names with ``_FILE`` name. Answers are in
journals in the workspace's private folder, so none is paid for twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

from canvas_pipeline.datasets.served_model import ServedCritic, ServedGenerator
from canvas_pipeline.errors import BadConfig
from canvas_pipeline.models.endpoint import Endpoint, api_key
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.instruct.data import STOPS, model_drafts, world_drafts
from canvas_pipeline.tracks.instruct.rows import Draft, TestItem

MAX_NEW_TOKENS = 100


class GeneratorEndpoint(Endpoint):
    """The model that words instructions and answers them."""

    role = "generator"
    stated_with = "the option generator_identity"


class CriticEndpoint(Endpoint):
    """The model that compares answers."""

    role = "critic"
    stated_with = "the option critic_identity"


@dataclass(frozen=True, slots=True)
class TextModels:
    """The models that are there. Without a generator the small world answers; without a critic only the constraints judge."""

    generator: ServedGenerator | None = None
    critic: ServedCritic | None = None

    @property
    def identities(self) -> dict[str, str]:
        """Return role → model and revision, for a stage's recipe; empty without models."""
        served = {"generator": self.generator, "critic": self.critic}
        return {role: model.name for role, model in served.items() if model is not None}

    def drafts(self, items: Sequence[TestItem], seed: int) -> list[Draft]:
        """Answer items with the generator, without one from the small world."""
        if self.generator is None:
            return world_drafts(items, seed)
        return model_drafts(items, self.generator, seed, MAX_NEW_TOKENS)


@contextmanager
def open_text_models(ws: Workspace) -> Iterator[TextModels]:
    """Open the models that the workspace's options name, and close their connections and journals after use.

    Raises ``BadConfig`` for an endpoint without a model or a model without an endpoint."""
    with ExitStack() as stack:
        # The critic comes first: what it refuses about its server is known before the generator is asked for anything.
        critic = _endpoint(ws, CriticEndpoint)
        weighings = ws.private / "instruct-critic.jsonl"
        served_critic = None if critic is None else stack.enter_context(ServedCritic(critic, weighings))
        generator = _endpoint(ws, GeneratorEndpoint)
        texts = ws.private / "instruct-generator.jsonl"
        served = None if generator is None else stack.enter_context(ServedGenerator(generator, texts, STOPS))
        yield TextModels(served, served_critic)


def _endpoint(ws: Workspace, kind: type[Endpoint]) -> Endpoint | None:
    url, model = (ws.options.get(f"{kind.role}_{name}", "") for name in ("endpoint", "model"))
    if not url and not model:
        return None
    if not url or not model:
        raise BadConfig(
            f"the options {kind.role}_endpoint and {kind.role}_model belong together: rows must name who made them"
        )
    key = api_key(f"CANVAS_{kind.role.upper()}_API_KEY", os.environ)
    return kind(url, model, stated=ws.options.get(f"{kind.role}_identity", ""), api_key=key)
