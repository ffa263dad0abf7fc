"""Find identities in folded texts: Presidio with our recognisers, and the trained name recogniser. CPU only, offline.

Presidio and spaCy are imported on first use. ``certain`` finds exactly what Presidio's analyser finds with the same recognisers
(a test compares them) at a lower cost for each call: a recogniser runs only where its trigger matches, and context words are
searched only where a weak pattern matched.
"""

from __future__ import annotations

import hashlib
import json
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from canvas_pipeline.errors import MissingTool, ServiceUnavailable
from canvas_pipeline.privacy.identities import patterns
from canvas_pipeline.privacy.identities.account_patterns import ACCOUNTS
from canvas_pipeline.privacy.identities.cue_patterns import CUED
from canvas_pipeline.privacy.identities.folding import LETTERS
from canvas_pipeline.privacy.identities.handle_patterns import HANDLES
from canvas_pipeline.privacy.identities.name_gates import (
    ROOM_NUMBER,
    grown,
    holds_one_that_stands_out,
    is_plausible,
    whole_words,
)
from canvas_pipeline.privacy.identities.persons import find_people, may_hold_people
from canvas_pipeline.privacy.identities.place_patterns import PLACES
from canvas_pipeline.privacy.identities.title_gates import is_no_identity
from canvas_pipeline.privacy.identities.vocabulary import is_course_work, is_ordinary, mark

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

ROWS = (*patterns.PATTERNS, *ACCOUNTS, *HANDLES, *CUED, *PLACES)
_CUES: frozenset[str] = frozenset().union(*(row.cues for row in ROWS))
MODEL = Path(__file__).parent / "person_model"
_CHUNK, _OVERLAP = 20_000, 200  # characters of one reading of the name recogniser
_BATCH = 256
_SURE_BUILDINGS = frozenset(
    "Hall Building Bldg Bldg. Annex Pavilion".split()
)  # behind any word, words of course work excepted


class Span(NamedTuple):
    """An identity at ``text[start:end]``. ``type`` is one of ``patterns.TYPES``."""

    start: int
    end: int
    type: str


def _words(text: str) -> list[str]:
    return LETTERS.findall(text.lower())


def may_name(text: str) -> bool:
    """Return False for folded texts of ordinary words alone, none of which stands out: the name recogniser skips them."""
    if ROOM_NUMBER.search(text) is not None:
        return True
    plain = patterns.PLACEHOLDER.sub(" ", text) if "@" in text else text
    return any(not is_ordinary(word) for word in LETTERS.findall(plain) if len(word) > 1) or holds_one_that_stands_out(
        plain
    )


def certain(text: str) -> list[Span]:
    """Return what the patterns and the rules for people find in a folded text, clock times beside a place included."""
    results: list[Any] = []
    words = _words(text)
    cued = not _CUES.isdisjoint(words)
    if cued or _prefilter().search(text):
        for trigger, cues, recognisers in _by_trigger():
            if (not cues or (cued and not cues.isdisjoint(words))) and trigger.search(text):
                for expression, recogniser in recognisers:
                    if expression.search(text):
                        results += recogniser.analyze(text, recogniser.supported_entities)
        if any(r.score < patterns.THRESHOLD and r.entity_type != "TIME" for r in results):
            engine = analyzer()
            artifacts = engine.nlp_engine.process_text(text, "en")
            results = engine.context_aware_enhancer.enhance_using_context(
                text, results, artifacts, engine.registry.recognizers, []
            )
    spans = [Span(*grown(text, *span), span.type) for span in above_threshold(results)]
    if may_hold_people(text):
        spans += [Span(start, end, "PERSON") for start, end in find_people(text)]
    return spans


def above_threshold(results: Sequence[Any]) -> list[Span]:
    """Return Presidio's results above the threshold, and any clock time if one of them is a place."""
    sure = [Span(r.start, r.end, r.entity_type) for r in results if r.score >= patterns.THRESHOLD]
    if any(span.type in patterns.WHEREABOUTS for span in sure):
        sure += [Span(r.start, r.end, "TIME") for r in results if r.entity_type == "TIME"]
    return sure


def clock_times(text: str) -> list[Span]:
    """Return every clock time of a text in which something else found a place."""
    return [
        Span(r.start, r.end, "TIME")
        for trigger, _, recognisers in _by_trigger()
        if trigger.search(text)
        for _, recogniser in recognisers
        if recogniser.supported_entities == ["TIME"]
        for r in recogniser.analyze(text, ["TIME"])
    ]


def names(texts: Sequence[str]) -> list[list[Span]]:
    """Return what the trained recogniser reads as a person, place or room in each folded text, in batches."""
    pieces = [(index, at, text[at : at + _CHUNK]) for index, text in enumerate(texts) for at in _starts(text)]
    found: list[list[Span]] = [[] for _ in texts]
    language, context = _language(), _context_words()
    marked = (mark(language.make_doc(piece), context) for _, _, piece in pieces)
    docs = language.pipe(marked, batch_size=_BATCH)
    for (index, at, piece), doc in zip(pieces, docs, strict=True):
        found[index] += [
            Span(*grown(texts[index], at + start, at + end, entity.label_), entity.label_)
            for entity in doc.ents
            for start, end in [whole_words(piece, entity.start_char, entity.end_char, entity.label_)]
            if is_plausible(piece, start, end, entity.label_)
            and not is_no_identity(piece, start, end, entity.label_, context)
        ]
    return found


def _starts(text: str) -> range:
    return range(0, max(1, len(text) - _OVERLAP), _CHUNK - _OVERLAP)


@cache
def _prefilter() -> re.Pattern[str]:
    return re.compile("|".join(sorted({_scoped(row.trigger) for row in ROWS if not row.cues})))


def _scoped(trigger: str) -> str:
    return f"(?i:{trigger[4:]})" if trigger.startswith("(?i)") else f"(?:{trigger})"


@cache
def _by_trigger() -> tuple[tuple[re.Pattern[str], frozenset[str], tuple[tuple[Any, Any], ...]], ...]:
    """Return trigger and cues → (expression, recogniser). The bare expression takes 2 µs to tell whether its recogniser (20 µs)
    has a match."""
    import regex  # type: ignore[import-untyped]  # what Presidio compiles its patterns with

    groups: dict[tuple[str, frozenset[str]], list[tuple[Any, Any]]] = {}
    for row, recogniser in zip(ROWS, analyzer().registry.recognizers, strict=False):
        groups.setdefault((_scoped(row.trigger), row.cues), []).append((regex.compile(row.regex), recogniser))
    return tuple((re.compile(trigger), cues, tuple(members)) for (trigger, cues), members in groups.items())


@cache
def _context_words() -> frozenset[str]:
    return frozenset(_shipped("words.txt").decode().split())


@cache
def _recipe() -> dict[str, Any]:
    try:
        recipe: dict[str, Any] = json.loads((MODEL / "recipe.json").read_bytes())
        return recipe
    except (OSError, ValueError):
        raise ServiceUnavailable(
            "the name recogniser's recipe.json is missing or damaged; install the package again"
        ) from None


def _shipped(name: str) -> bytes:
    try:
        content = (MODEL / name).read_bytes()
    except OSError:
        raise ServiceUnavailable(f"the name recogniser lacks {name}; install the package again") from None
    if hashlib.sha256(content).hexdigest() != _recipe()["sha256"].get(name):
        raise ServiceUnavailable(
            f"{name} of the name recogniser is not the one its recipe names; install the package again"
        )
    return content


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Hide modules that Presidio and spaCy import where they are installed, for parts that are not used: 9 s and 600 MB a
    process."""
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail, as the docs have it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@cache
def _language() -> Any:
    for name in _recipe()["sha256"]:
        _shipped(name)
    try:
        with _without("torch", "transformers"):
            import spacy

            return spacy.load(MODEL)
    except ImportError:
        raise MissingTool("spaCy is not installed; run: uv sync --extra pii") from None
    except (OSError, ValueError) as error:
        raise ServiceUnavailable(
            f"the name recogniser does not load ({type(error).__name__}); see its recipe"
        ) from None


@cache
def analyzer() -> AnalyzerEngine:
    """Return the process's analyser with the recognisers of the table, in its order. Raises ``MissingTool`` naming the extra."""
    try:
        with _without("torch", "transformers"):
            import spacy
            from presidio_analyzer import (
                AnalyzerEngine,
                Pattern,
                PatternRecognizer,
                RecognizerRegistry,
            )
            from presidio_analyzer.context_aware_enhancers import LemmaContextAwareEnhancer
            from presidio_analyzer.nlp_engine import SpacyNlpEngine
            from spacy.language import Language
    except ImportError:
        raise MissingTool("Presidio or spaCy is not installed; run: uv sync --extra pii") from None

    @Language.component("canvas_lower_lemma")
    def lower_lemma(doc: Any) -> Any:
        for token in doc:
            token.lemma_ = token.text.lower()
        return doc

    class BlankEnglish(SpacyNlpEngine):
        def load(self) -> None:
            language = spacy.blank("en")
            language.add_pipe("canvas_lower_lemma")
            for word in language.Defaults.stop_words:  # "call" is one: Presidio would not take it for context
                for form in (word, word.title(), word.upper()):
                    language.vocab[form].is_stop = False
            self.nlp = {"en": language}

    class PlaceRecognizer(PatternRecognizer):
        def validate_result(self, pattern_text: str) -> bool | None:
            first, *_, last = pattern_text.split()
            sure = last in _SURE_BUILDINGS or last.isdigit()
            return False if is_course_work(first) or (not sure and is_ordinary(first)) else None

    class CheckedRecognizer(PatternRecognizer):
        def __init__(self, valid: Callable[[str], bool], **options: Any) -> None:
            self._valid = valid
            super().__init__(**options)

        def validate_result(self, pattern_text: str) -> bool | None:
            return None if self._valid(pattern_text) else False

    nlp = BlankEnglish(models=[{"lang_code": "en", "model_name": "blank"}])
    nlp.load()
    recognizers: list[PatternRecognizer] = [
        (partial(CheckedRecognizer, row.valid) if row.valid else PlaceRecognizer if row.first_word else PatternRecognizer)(
            supported_entity=row.type, name=f"{row.type}: {row.name}", global_regex_flags=0,
            patterns=[Pattern(row.name, row.regex, row.score)], context=list(row.context),
        )
        for row in ROWS
    ]  # fmt: skip
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=["en"]),
        nlp_engine=nlp,
        supported_languages=["en"],
        context_aware_enhancer=LemmaContextAwareEnhancer(
            context_similarity_factor=patterns.CONTEXT_BONUS,
            context_prefix_count=patterns.CONTEXT_BEFORE,
            context_suffix_count=patterns.CONTEXT_AFTER,
            context_matching_mode="whole_word",
        ),
    )
