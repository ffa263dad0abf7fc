"""Presidio's own analyser with all of our recognisers: the slow reference that the fast path is compared with."""

from __future__ import annotations

from functools import cache
from typing import Any

from canvas_pipeline.privacy.identities import patterns, recognisers
from canvas_pipeline.privacy.identities.persons import find_people


@cache
def analyzer() -> Any:
    """Return an engine that reads one text at a time."""
    engine = recognisers.analyzer()
    from presidio_analyzer import AnalyzerEngine, EntityRecognizer, RecognizerRegistry, RecognizerResult

    class People(EntityRecognizer):  # type: ignore[misc]
        def load(self) -> None:
            """Load nothing: the rules are compiled with their module."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            return [RecognizerResult("PERSON", start, end, patterns.SURE) for start, end in find_people(text)]

    class Names(EntityRecognizer):  # type: ignore[misc]
        def load(self) -> None:
            """Load nothing: the model loads with its first text."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[Any]:
            found = recognisers.names([text])[0]
            return [RecognizerResult(type_, start, end, patterns.LIKELY) for start, end, type_ in found]

    own = [
        People(supported_entities=["PERSON"], name="PERSON: rules"),
        Names(supported_entities=["PERSON", "PLACE", "ROOM"], name="trained names"),
    ]
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=[*engine.registry.recognizers, *own], supported_languages=["en"]),
        nlp_engine=engine.nlp_engine,
        supported_languages=["en"],
        context_aware_enhancer=engine.context_aware_enhancer,
    )
