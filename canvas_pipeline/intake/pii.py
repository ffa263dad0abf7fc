"""Personal data out, typed placeholders in: ``Email jo@x.edu`` → ``Email @EMAIL1``.

In: texts (titles, names, messages). Out: the texts with placeholders, and the spans that were replaced. What must hold: a value
has one placeholder throughout a ``Scrubber``'s life (one record set); scrubbing twice is scrubbing once; placeholders that are
already there are left alone; the pattern pass always runs, whatever a plugged-in model says; nothing is downloaded.

Presidio's analyser runs *our* recognisers (``patterns``, ``persons``) over a blank spaCy tokeniser whose lemma is the lower-case
word, so that its context words work offline. Presidio and spaCy are imported on first use only.
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from canvas_pipeline.errors import MissingTool, ServiceUnavailable
from canvas_pipeline.intake import patterns
from canvas_pipeline.intake.crn import CourseMasker
from canvas_pipeline.intake.gazetteer import GIVEN, ORDINARY, SURNAMES
from canvas_pipeline.intake.markup import change_strings
from canvas_pipeline.intake.persons import find_people

if TYPE_CHECKING:
    from presidio_analyzer import AnalyzerEngine

Kind = Literal["text", "course_name"]
MAX_ROUNDS = 4
_PLACEHOLDER = re.compile(r"@([A-Z][A-Z_]*)(\d+)")
_PRIORITY = {type_: rank for rank, type_ in enumerate(patterns.TYPES)}
_PREFILTER = re.compile(patterns.PREFILTER)
# What `persons` needs to find anything: a capitalised word after some context, a known name, a dash or parenthesis in a name.
_CONTEXT = re.compile(
    r"(?i:\b(?:dr|prof|professor|mr|mrs|ms|mx|coach|dean|sra?|mme|meet\w*|interview\w*|by|with|contact|e-?mail|cc|ask|reach|message|"
    r"dm|review\w*|instructor|partner|advis[eo]r|mentor|tutor|speaker|teammates?|g?ta|grader|student|name|questions to|notes from|"
    r"call|text|thanks to|dear|hi|hello|am|from|to|for|and|see|w/|of|via|per)\b|w/)[.:,]?[ \u00a0]{1,2}[^\W\d_a-z]|['’]s\b"
)
_ANY_WORD = re.compile(r"[^\W\d_]{2,}")


class Span(NamedTuple):
    """An identity at ``text[start:end]``; ``type`` is one of ``patterns.TYPES``."""

    start: int
    end: int
    type: str


class Finding(NamedTuple):
    """What a model says: characters ``start``..``end`` are a ``label`` (with or without ``B-``/``I-``)."""

    start: int
    end: int
    label: str


Model = Callable[[Sequence[str]], Sequence[Sequence[Finding]]]


class Scrubbed(NamedTuple):
    """``spans`` are offsets into the text as it came in."""

    text: str
    spans: tuple[Span, ...]


class DryRun(NamedTuple):
    """What a scrub would do: identities by type, and a few already masked samples of each."""

    counts: dict[str, int]
    samples: dict[str, tuple[str, ...]]


class Scrubber:
    """Finds and replaces identities in one record set. ``model`` is an optional token classifier (batch in, findings out).

    Raises ``MissingTool`` where Presidio is not installed, ``ServiceUnavailable`` where the model fails, answers for another
    number of texts, or uses a label that ``patterns.MODEL_LABELS`` does not know (a silent no-op otherwise).
    """

    def __init__(self, model: Model | None = None) -> None:
        self._engine = _engine()
        self._model = model
        self._numbers: dict[tuple[str, str], str] = {}
        self._highest: Counter[str] = Counter()
        self._seen: dict[tuple[Kind, str], tuple[Span, ...]] = {}
        self.counts: Counter[str] = Counter()

    def scrub(self, texts: Sequence[str], kind: Kind = "text") -> list[Scrubbed]:
        """Replace identities; each distinct text is analysed once. Placeholders are numbered in order of appearance.

        ``kind="course_name"`` adds the rules for an instructor's surname in a course's name.
        """
        distinct = list(dict.fromkeys(texts))
        self._reserve(distinct)
        new = [text for text in distinct if (kind, text) not in self._seen]
        for text, spans in zip(new, self._analyse(new, kind), strict=True):
            self._seen[kind, text] = spans
        done = {text: self._replace(text, self._seen[kind, text]) for text in distinct}
        for text in texts:
            self.counts.update(span.type for span in done[text].spans)
        return [done[text] for text in texts]

    def dry_run(self, texts: Sequence[str], kind: Kind = "text", samples: int = 3) -> DryRun:
        """Counts by type and at most ``samples`` masked texts of each; nothing of an identity is in the answer."""
        counts: Counter[str] = Counter()
        shown: dict[str, list[str]] = {}
        for result in self.scrub(texts, kind):
            for span in result.spans:
                counts[span.type] += 1
                examples = shown.setdefault(span.type, [])
                if len(examples) < samples and result.text not in examples:
                    examples.append(result.text)
        return DryRun(dict(sorted(counts.items())), {type_: tuple(v) for type_, v in sorted(shown.items())})

    def _reserve(self, texts: Iterable[str]) -> None:
        """Numbers that stand in the input already are never given to somebody else."""
        for text in texts:
            if "@" in text:
                for match in _PLACEHOLDER.finditer(text):
                    if match[1] in _PRIORITY and len(match[2]) < 10:
                        self._highest[match[1]] = max(self._highest[match[1]], int(match[2]))

    def _replace(self, text: str, spans: Sequence[Span]) -> Scrubbed:
        if not spans:
            return Scrubbed(text, ())
        pieces, at = [], 0
        for span in spans:
            pieces += [text[at : span.start], self._placeholder(span.type, text[span.start : span.end])]
            at = span.end
        return Scrubbed("".join(pieces) + text[at:], tuple(spans))

    def _placeholder(self, type_: str, value: str) -> str:
        key = (type_, " ".join(value.casefold().split()))
        if key not in self._numbers:
            self._highest[type_] += 1
            self._numbers[key] = f"@{type_}{self._highest[type_]}"
        return self._numbers[key]

    def _analyse(self, texts: Sequence[str], kind: Kind) -> list[tuple[Span, ...]]:
        """Spans per text, until a further look at the masked text finds nothing: that makes scrubbing idempotent."""
        found: list[list[Span]] = [[] for _ in texts]
        views = list(texts)
        open_ = list(range(len(texts)))
        for _ in range(MAX_ROUNDS):
            results = self._look([views[i] for i in open_], kind)
            again = []
            for index, spans in zip(open_, results, strict=True):
                if spans:
                    found[index] = sorted([*found[index], *_to_source(spans, found[index])])
                    views[index] = _view(texts[index], found[index])
                    again.append(index)
            open_ = again
            if not open_:
                break
        return [tuple(spans) for spans in found]

    def _look(self, texts: Sequence[str], kind: Kind) -> list[list[Span]]:
        modelled = self._ask_model(texts)
        return [
            _resolve(text, [*self._patterns(text, kind), *extra]) for text, extra in zip(texts, modelled, strict=True)
        ]

    def _patterns(self, text: str, kind: Kind) -> list[Span]:
        if not may_hold_identity(text, kind):
            return []
        results = self._engine.analyze(text, language="en")
        sure = [Span(r.start, r.end, r.entity_type) for r in results if r.score >= patterns.THRESHOLD]
        if any(span.type == "ROOM" for span in sure):  # a clock time says where somebody is only beside a place
            sure += [Span(r.start, r.end, "TIME") for r in results if r.entity_type == "TIME"]
        if kind == "course_name":
            sure += [Span(start, end, "PERSON") for start, end in find_people(text, course_name=True)]
        return sure

    def _ask_model(self, texts: Sequence[str]) -> list[list[Span]]:
        if self._model is None or not texts:
            return [[] for _ in texts]
        try:
            answers = self._model(texts)
        except Exception as error:  # a model is foreign code: whatever it raises, the detector is not available
            raise ServiceUnavailable(
                f"the model recogniser failed ({type(error).__name__}); run without it or repair it"
            ) from None
        if len(answers) != len(texts):
            raise ServiceUnavailable("the model recogniser answered for another number of texts than it was given")
        return [
            [Span(max(0, f.start), min(len(text), f.end), label) for f in answer if (label := _model_label(f.label))]
            for text, answer in zip(texts, answers, strict=True)
        ]


def scrub_rows(rows: Iterable[Any], scrubber: Scrubber, courses: CourseMasker | None = None) -> list[Any]:
    """JSON-like rows (sessions, messages, anything nested) with every string value masked: courses first, then identities.

    Keys, numbers, native tool-call markup and JSON inside strings keep their bytes and shape (see ``markup``);
    ``contributor_id`` stays. Rows come back as new plain objects, in order.
    """
    kept = list(rows)
    texts: dict[str, str] = {}

    def collect(text: str) -> str:
        texts[text] = courses.mask(text)[0] if courses else text
        return text

    for row in kept:
        change_strings(row, collect)
    scrubbed = scrubber.scrub(list(texts.values()))
    done = {source: result.text for source, result in zip(texts, scrubbed, strict=True)}
    return [change_strings(row, done.__getitem__) for row in kept]


def may_hold_identity(text: str, kind: Kind = "text") -> bool:
    """The fast path: False only for texts in which no recogniser can find anything."""
    if kind == "course_name" or _PREFILTER.search(text) or _CONTEXT.search(text):
        return True
    return any(word.title() in GIVEN or word.title() in SURNAMES for word in _ANY_WORD.findall(text))


def _model_label(label: str) -> str | None:
    bare = re.sub(r"^[BIESLU]-", "", label.upper())
    if bare == "O":
        return None
    try:
        return patterns.MODEL_LABELS[bare]
    except KeyError:
        raise ServiceUnavailable(
            f"the model recogniser uses the label {bare[:32]!r}, which patterns.MODEL_LABELS does not map; add it there"
        ) from None


def _resolve(text: str, spans: Iterable[Span]) -> list[Span]:
    """No overlaps: longest first, then by type, then by place; never over a placeholder."""
    covered = [match.span() for match in _PLACEHOLDER.finditer(text)] if "@" in text else []
    kept: list[Span] = []
    for span in sorted(spans, key=lambda s: (s.start - s.end, _PRIORITY[s.type], s.start)):
        if span.start < span.end and all(span.end <= start or span.start >= end for start, end in covered):
            covered.append((span.start, span.end))
            kept.append(span)
    return sorted(kept)


def _view(text: str, spans: Sequence[Span]) -> str:
    for span in reversed(spans):
        text = f"{text[: span.start]}{_stand_in(span)}{text[span.end :]}"
    return text


def _stand_in(span: Span) -> str:
    return f"@{span.type}1"


def _to_source(spans: Iterable[Span], before: Sequence[Span]) -> list[Span]:
    """Offsets in a view with stand-ins → offsets in the source text."""

    def back(at: int) -> int:
        for span in before:
            stand_in = len(_stand_in(span))
            if at < span.start + stand_in:
                break
            at += (span.end - span.start) - stand_in
        return at

    return [Span(back(span.start), back(span.end), span.type) for span in spans]


@contextmanager
def _without(*modules: str) -> Iterator[None]:
    """Presidio and spaCy import these where they are installed, for parts we do not use: 9 s and 600 MB a process."""
    hidden = [name for name in modules if name not in sys.modules]
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]  # None makes an import fail, as the docs have it
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@cache
def _engine() -> AnalyzerEngine:
    """One analyser a process, with our recognisers only. Raises ``MissingTool`` naming the extra."""
    try:
        with _without("torch", "transformers"):
            import spacy
            from presidio_analyzer import (
                AnalyzerEngine,
                EntityRecognizer,
                Pattern,
                PatternRecognizer,
                RecognizerRegistry,
                RecognizerResult,
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
            return False if pattern_text.split()[0] in ORDINARY else None

    class PersonRecognizer(EntityRecognizer):
        def load(self) -> None:
            """Nothing to load: the rules are compiled with their module."""

        def analyze(self, text: str, entities: list[str], nlp_artifacts: Any = None) -> list[RecognizerResult]:
            return [RecognizerResult("PERSON", start, end, patterns.SURE) for start, end in find_people(text)]

    nlp = BlankEnglish(models=[{"lang_code": "en", "model_name": "blank"}])
    nlp.load()
    recognizers: list[EntityRecognizer] = [
        (PlaceRecognizer if row.first_word else PatternRecognizer)(
            supported_entity=row.type, name=f"{row.type}: {row.name}", global_regex_flags=0,
            patterns=[Pattern(row.name, row.regex, row.score)], context=list(row.context),
        )
        for row in patterns.PATTERNS
    ]  # fmt: skip
    recognizers.append(PersonRecognizer(supported_entities=["PERSON"], name="PERSON: persons"))
    return AnalyzerEngine(
        registry=RecognizerRegistry(recognizers=recognizers, supported_languages=["en"]),
        nlp_engine=nlp,
        supported_languages=["en"],
        context_aware_enhancer=LemmaContextAwareEnhancer(
            context_similarity_factor=patterns.CONTEXT_BONUS,
            context_prefix_count=5,
            context_suffix_count=3,
            context_matching_mode="whole_word",
        ),
    )
