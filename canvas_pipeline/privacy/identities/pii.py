"""Replace personal data with typed placeholders: ``Email jo@x.edu`` → ``Email @EMAIL402915``.

A placeholder is derived from the key, the record set (a contributor's id), the type and the value, so it does not depend on the
order of texts, files or runs, and two record sets share none. Scrubbing is idempotent; existing placeholders stay. The patterns
always run, also beside a plugged-in model. All that any recogniser found is masked, also where findings overlap. Nothing is
downloaded.

Presidio's recognisers (``recognisers``) read folded texts (``folding``): patterns, rules for people, a trained name recogniser.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Literal, NamedTuple

from canvas_pipeline.errors import BadConfig, ServiceUnavailable
from canvas_pipeline.privacy.identities import languages, patterns, recognisers
from canvas_pipeline.privacy.identities.folding import Folded, fold
from canvas_pipeline.privacy.identities.gazetteer import FAMOUS, ORDINARY
from canvas_pipeline.privacy.identities.persons import find_people
from canvas_pipeline.privacy.identities.recognisers import Span

Kind = Literal["text", "course_name"]
MAX_ROUNDS = 8
MIN_KEY_BYTES = 16
_LOWEST, _NUMBERS = 100_000, 900_000
_PLACEHOLDER = re.compile(r"@(?:COURSE|" + "|".join(patterns.TYPES) + r")\d+")
_PRIORITY = {type_: rank for rank, type_ in enumerate(patterns.TYPES)}
_DIGITS_ONLY = frozenset({"SSN", "PHONE", "STUDENT_ID"})
_FREE_RUN = re.compile(rb"\x00+")


class Finding(NamedTuple):
    """One finding of a model: characters ``start``..``end`` are a ``label`` (with or without ``B-``/``I-``)."""

    start: int
    end: int
    label: str


Model = Callable[[Sequence[str]], Sequence[Sequence[Finding]]]


class Scrubbed(NamedTuple):
    """A masked text. ``spans`` are offsets into the source text; ``only_rules``: the name recogniser does not know its language."""

    text: str
    spans: tuple[Span, ...]
    only_rules: bool = False


class Scrubber:
    """Find and replace identities in one record set.

    ``key``: at least 16 bytes, private. ``model``: an optional token classifier (batch in, findings out). ``people``: surnames
    (see ``instructors``) that are masked everywhere. ``home``: the language of most titles of the record set (see
    ``languages``).

    Raises ``BadConfig`` for a short key, ``MissingTool`` where Presidio is not installed, ``ServiceUnavailable`` where the model
    fails, answers for another number of texts, or uses a label that ``patterns.MODEL_LABELS`` does not map.
    """

    def __init__(
        self, key: bytes, record_set: str, model: Model | None = None, people: frozenset[str] = frozenset(),
        home: languages.Home = "unknown",
    ) -> None:  # fmt: skip
        if len(key) < MIN_KEY_BYTES:
            raise BadConfig(f"the key that placeholders are derived from needs at least {MIN_KEY_BYTES} bytes")
        recognisers.analyzer()
        self._key = bytes(key)
        self._record_set = record_set
        self._model = model
        self._home = home
        self._people = _people_pattern(people) if people else None
        self._seen: dict[tuple[Kind, str], Scrubbed] = {}
        self.counts: Counter[str] = Counter()

    def scrub(self, texts: Sequence[str], kind: Kind = "text") -> list[Scrubbed]:
        """Replace identities. Each distinct text is analysed once per scrubber.

        ``kind="course_name"`` adds the rules for an instructor's surname in a course's name.
        """
        new = [text for text in dict.fromkeys(texts) if (kind, text) not in self._seen]
        for text, result in zip(new, self._analyse(new, kind), strict=True):
            self._seen[kind, text] = result
        done = [self._seen[kind, text] for text in texts]
        for result in done:
            self.counts.update(span.type for span in result.spans)
        return done

    def placeholder(self, type_: str, value: str) -> str:
        """Return ``@PERSON`` + six digits. Case, blanks, dashes and the punctuation of a number do not change it."""
        plain = fold(value).text.casefold()
        if type_ in _DIGITS_ONLY and any(c.isdigit() for c in plain):
            plain = re.sub(r"\D", "", plain)
            plain = plain[1:] if type_ == "PHONE" and len(plain) == 11 and plain[0] == "1" else plain
        message = "\0".join((self._record_set, type_, " ".join(plain.split())))
        digest = hmac.new(self._key, message.encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return f"@{type_}{_LOWEST + int.from_bytes(digest, 'big') % _NUMBERS}"

    def _analyse(self, texts: Sequence[str], kind: Kind) -> list[Scrubbed]:
        """Search the masked text again until nothing is found in it, which makes scrubbing idempotent."""
        found: list[list[Span]] = [[] for _ in texts]
        views = list(texts)
        open_ = list(range(len(texts)))
        other: set[int] = set()
        for _ in range(MAX_ROUNDS):
            results, not_read = self._search([views[i] for i in open_], kind)
            other.update(open_[i] for i in not_read)
            again = []
            for index, spans in zip(open_, results, strict=True):
                if spans:
                    found[index] = sorted([*found[index], *_to_source(spans, found[index])])
                    views[index] = self._replace(texts[index], found[index])
                    again.append(index)
            open_ = again
            if not open_:
                break
        return [
            Scrubbed(view, tuple(spans), i in other) for i, (view, spans) in enumerate(zip(views, found, strict=True))
        ]

    def _replace(self, text: str, spans: Sequence[Span]) -> str:
        pieces, at = [], 0
        for span in spans:
            pieces += [text[at : span.start], self.placeholder(span.type, text[span.start : span.end])]
            at = span.end
        return "".join(pieces) + text[at:]

    def _search(self, texts: Sequence[str], kind: Kind) -> tuple[list[list[Span]], list[int]]:
        """Return what is found in each text, and the indices of those in a language that the name recogniser does not know."""
        folded = [fold(text) for text in texts]
        found = [self._certain(view.text, kind) for view in folded]
        # Names are searched once nothing certain is left: the training texts hold placeholders such as "@EMAIL402915" too.
        unknown = [i for i, view in enumerate(folded) if not found[i] and recognisers.may_name(view.text)]
        not_read = []
        for index, spans in zip(unknown, recognisers.names([folded[i].text for i in unknown]), strict=True):
            if languages.only_rules(folded[index].text, [(span.start, span.end) for span in spans], self._home):
                not_read.append(index)
                continue
            if any(span.type in patterns.WHEREABOUTS for span in spans):
                spans += recognisers.clock_times(folded[index].text)
            found[index] += spans
        modelled = self._ask_model(texts)
        return [
            resolve(text, [*_unfolded(view, spans), *extra])
            for text, view, spans, extra in zip(texts, folded, found, modelled, strict=True)
        ], not_read

    def _certain(self, text: str, kind: Kind) -> list[Span]:
        spans = recognisers.certain(text)
        if kind == "course_name":
            spans += [Span(start, end, "PERSON") for start, end in find_people(text, course_name=True)]
        if self._people is not None:
            spans += [Span(*match.span(), "PERSON") for match in self._people.finditer(text)]
        return spans

    def _ask_model(self, texts: Sequence[str]) -> list[list[Span]]:
        if self._model is None or not texts:
            return [[] for _ in texts]
        try:
            answers = self._model(texts)
        except Exception as error:  # foreign code: it may raise anything
            raise ServiceUnavailable(
                f"the model recogniser failed ({type(error).__name__}); run without it or repair it"
            ) from None
        if len(answers) != len(texts):
            raise ServiceUnavailable("the model recogniser answered for another number of texts than it was given")
        return [
            [Span(max(0, f.start), min(len(text), f.end), label) for f in answer if (label := model_label(f.label))]
            for text, answer in zip(texts, answers, strict=True)
        ]


def instructors(course_names: Iterable[str]) -> frozenset[str]:
    """Return the surnames that course names reveal ("Theory - Kowalczyk", "Prof. Umarov – Calculus"), as they are written there."""
    found: set[str] = set()
    for name in course_names:
        plain = fold(name).text
        for start, end in find_people(plain, course_name=True):
            surname = plain[start:end].split()[-1].strip(",.")
            words = re.split(r"['-]", surname)
            if len(surname) > 2 and not any(word.title() in ORDINARY or word.title() in FAMOUS for word in words):
                found.add(surname)
    return frozenset(found)


def resolve(text: str, spans: Iterable[Span]) -> list[Span]:
    """Remove overlaps, independent of the order of the spans: certain types first, then the longest, then by type and position.
    The part of a later span beyond an earlier one is masked too; placeholders stay."""
    masked = bytearray(len(text))
    for match in _PLACEHOLDER.finditer(text) if "@" in text else ():
        masked[match.start() : match.end()] = b"\x01" * (match.end() - match.start())
    resolved: list[Span] = []
    order = sorted(set(spans), key=lambda s: (s.type not in patterns.CERTAIN, s.start - s.end, _PRIORITY[s.type], s))
    for span in order:
        runs = [
            (span.start + m.start(), span.start + m.end()) for m in _FREE_RUN.finditer(masked[span.start : span.end])
        ]
        for start, end in runs:
            if (start, end) != (span.start, span.end):  # the rest of a cut span, without punctuation at its ends
                while start < end and not text[start].isalnum():
                    start += 1
                while start < end and not text[end - 1].isalnum():
                    end -= 1
            if start < end:
                resolved.append(Span(start, end, span.type))
                masked[start:end] = b"\x01" * (end - start)
    return sorted(resolved)


def _unfolded(view: Folded, spans: Iterable[Span]) -> list[Span]:
    return [Span(*view.back(span.start, span.end), span.type) for span in spans]


@cache
def _people_pattern(people: frozenset[str]) -> re.Pattern[str]:
    """Match long names in any case and short ones ("Li") as written, also beside "_"."""
    forms = sorted(people, key=lambda name: (-len(name), name))
    each = [re.escape(fold(name).text) if len(name) < 4 else f"(?i:{re.escape(fold(name).text)})" for name in forms]
    return re.compile(r"(?<![^\W_])(?<!@)(?:" + "|".join(each) + r")(?![^\W_])")


def model_label(label: str) -> str | None:
    """Return our type for a model's label, with or without its ``B-``/``I-``; None for "O". Raises for a label that is not
    mapped."""
    bare = re.sub(r"^[BIESLU]-", "", label.upper())
    if bare == "O":
        return None
    try:
        return patterns.MODEL_LABELS[bare]
    except KeyError:
        raise ServiceUnavailable(
            f"the model recogniser uses the label {bare[:32]!r}, which patterns.MODEL_LABELS does not map; add it there"
        ) from None


def _to_source(spans: Iterable[Span], before: Sequence[Span]) -> list[Span]:
    """Convert offsets in a masked text to offsets in its source, in which ``before`` were replaced."""

    def back(at: int) -> int:
        for span in before:
            length = len(span.type) + 7  # "@", the type, six digits
            if at < span.start + length:
                break
            at += (span.end - span.start) - length
        return at

    return [Span(back(span.start), back(span.end), span.type) for span in spans]
