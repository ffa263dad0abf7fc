"""Find training rows that are, or nearly are, questions of a benchmark.

Case, punctuation and spacing never count. A row is ``exact`` where its text equals an item's, ``template`` where only the numbers
differ, and ``near`` where half of the shorter text's word 8-grams stand in the other text, or where two texts of fewer than 32
words share most character 5-grams (Jaccard similarity ≥ .65: one word of ten replaced). Boilerplate, which is 8-grams in more than
1 % of all texts, is no evidence: it is left out of both. MinHash only proposes pairs: the similarity is computed exactly.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from typing import Any, Literal, Protocol, TypeVar

from canvas_pipeline.datasets.duplicates import jaccard, shingles
from canvas_pipeline.guardrails.guard import NOTHING_TO_EVALUATE, Bound, Guard, Measured
from canvas_pipeline.records import Row, digest
from canvas_pipeline.verifiers.words import plain

Signal = Literal["exact", "near", "template"]
SIGNALS: tuple[Signal, ...] = ("exact", "near", "template")
"""The signals, the strongest first. A template is reported apart: other numbers make another question."""

WORDS, CONTAINED = 8, 0.5
LEAST_GRAMS = 5
"""Word 8-grams of a text of twelve words; with fewer the share is no measure."""
SHORT, SIMILAR = 32, 0.65
BOILERPLATE_SHARE, BOILERPLATE_ITEMS = 0.01, 3
"""Boilerplate stands in this share of all texts and in this number of items: a leaked item, however often, is none."""
BANDS = (32, 4)
"""Bands and hashes a band: two texts at ``SIMILAR`` share no band, and are missed, once in 500 times; at .75 once in 200,000."""
SEED = 1

_NUMBER = re.compile(r"\d[\d.,]*")


class Named(Protocol):
    """A row with an id."""

    @property
    def id(self) -> str: ...


R = TypeVar("R", bound=Named)


class Hit(Row, frozen=True, kw_only=True):
    """A training row with the item that it repeats. ``share``: 1 for exact and template, else the overlap, 0..1."""

    row_id: str
    item_id: str
    signal: Signal
    share: float


class ContaminationReport(Row, frozen=True, kw_only=True):
    """The hits of some rows, one a row: its strongest signal. Counts are of rows, ``items`` of items. It holds no texts.

    ``fingerprints``: item id → sha256 of its normalised text, so that other rows can be compared later."""

    rows: int
    items: int
    exact: int
    near: int
    template: int
    boilerplate: int
    hits: tuple[Hit, ...]
    fingerprints: dict[str, str]

    def repeated(self) -> frozenset[str]:
        """Return the ids of the rows that must not be trained on: exact and near ones."""
        return frozenset(hit.row_id for hit in self.hits if hit.signal != "template")


def contamination(rows: Collection[tuple[str, str]], items: Mapping[str, str]) -> ContaminationReport:
    """Compare training rows (id, text) with benchmark items (id → text). ``rows`` are read twice; work is linear in them."""
    index = _Index(items, (text for _, text in rows))
    hits = tuple(hit for row_id, text in rows if (hit := index.strongest(row_id, text)))
    counts = Counter(hit.signal for hit in hits)
    return ContaminationReport(
        rows=len(rows), items=len(items), **{signal: counts[signal] for signal in SIGNALS}, boilerplate=len(index.boilerplate),
        hits=hits, fingerprints={name: digest(text.form) for name, text in index.texts.items()},
    )  # fmt: skip


def apart(
    rows: Sequence[R], text: Callable[[R], str], items: Mapping[str, str]
) -> tuple[list[R], dict[str, Signal], ContaminationReport]:
    """Leave out the rows that repeat an item until none is left: which 8-grams are boilerplate depends on all rows.

    Return the rows kept, why each other one was left out (id → signal), and the report on those kept."""
    kept, out = list(rows), dict[str, Signal]()
    while True:
        found = contamination([(row.id, text(row)) for row in kept], items)
        repeated = found.repeated()
        if not repeated:
            return kept, out, found
        out |= {hit.row_id: hit.signal for hit in found.hits if hit.row_id in repeated}
        kept = [row for row in kept if row.id not in repeated]


def contamination_guard(parts: tuple[str, ...], cases: str = "bench_cases") -> Guard:
    """Make the guard R8 over the files of a split, such as ``trajectory_train``, and the benchmark's cases."""
    return Guard(
        "r8", "r8_contamination", "no training row is a question of the benchmark, or nearly one",
        "line", (*parts, cases), ContaminationReport, _measured,
        (Bound("rows", ">=", "min_rows", 1, NOTHING_TO_EVALUATE),
         Bound("items", ">=", "min_items", 1, "make the benchmark's cases first"),
         Bound("exact", "<=", "max_exact", 0, "remove these rows; the model would be measured on what it learnt"),
         Bound("near", "<=", "max_near", 0, "remove these rows; the model would be measured on what it learnt")))  # fmt: skip


def _measured(report: ContaminationReport) -> Measured:
    numbers = {name: getattr(report, name) for name in ("rows", "items", *SIGNALS, "boilerplate")}
    return Measured(numbers, where=[f"row {row_id}" for row_id in sorted(report.repeated())])


class _Text:
    """A text in the forms that are compared. ``shingles``: of its words outside of boilerplate; ``short``: these are few."""

    def __init__(self, text: str, boilerplate: Set[int] = frozenset()) -> None:
        self.form = plain(text)
        self.masked = _NUMBER.sub("0", self.form)
        words = self.form.split()
        grams = [hash(tuple(words[at : at + WORDS])) for at in range(len(words) - WORDS + 1)]
        self.grams = frozenset(grams) - boilerplate
        covered = {at + n for at, gram in enumerate(grams) if gram in boilerplate for n in range(WORDS)}
        rest = [word for at, word in enumerate(words) if at not in covered]
        self.shingles, self.short = shingles(" ".join(rest)), 0 < len(rest) < SHORT


class _Index:
    """The items by their whole form, their form without numbers, their 8-grams and their 5-grams of characters."""

    def __init__(self, items: Mapping[str, str], rows: Iterable[str]) -> None:
        from datasketch import MinHashLSH

        self.boilerplate = _boilerplate(items.values(), rows)
        self.texts = {name: _Text(text, self.boilerplate) for name, text in items.items()}
        self._forms: dict[str, str] = {}
        self._masked: dict[str, str] = {}
        self._grams: dict[int, set[str]] = {}
        self._similar: Any = MinHashLSH(num_perm=BANDS[0] * BANDS[1], params=BANDS)
        for name, text in self.texts.items():
            if not text.form or text.form in self._forms:
                continue
            self._forms[text.form] = name
            self._masked.setdefault(text.masked, name)
            for gram in text.grams:
                self._grams.setdefault(gram, set()).add(name)
            if text.short:
                self._similar.insert(name, _signature(text.shingles), check_duplication=False)

    def strongest(self, row_id: str, text: str) -> Hit | None:
        """Return the strongest hit of a row; of equally strong ones that with the largest share."""
        row = _Text(text, self.boilerplate)
        if row.form in self._forms:
            return Hit(row_id=row_id, item_id=self._forms[row.form], signal="exact", share=1.0)
        found = list(self._similar_items(row_id, row))
        if row.form and row.masked in self._masked:
            found.append(Hit(row_id=row_id, item_id=self._masked[row.masked], signal="template", share=1.0))
        return min(found, key=lambda hit: (SIGNALS.index(hit.signal), -hit.share, hit.item_id), default=None)

    def _similar_items(self, row_id: str, row: _Text) -> Iterator[Hit]:
        common = Counter(name for gram in row.grams for name in self._grams.get(gram, ()))
        for name, count in common.items():
            item = self.texts[name]
            shorter = min(len(row.grams), len(item.grams))
            if shorter >= LEAST_GRAMS and count >= CONTAINED * shorter and item.masked != row.masked:
                yield Hit(row_id=row_id, item_id=name, signal="near", share=count / shorter)
        for name in self._similar.query(_signature(row.shingles)) if row.short else ():
            item, share = self.texts[name], jaccard(row.shingles, self.texts[name].shingles)
            if share >= SIMILAR and item.masked != row.masked:
                same = _NUMBER.findall(item.form) == _NUMBER.findall(row.form)
                yield Hit(row_id=row_id, item_id=name, signal="near" if same else "template", share=share)


def _boilerplate(items: Iterable[str], rows: Iterable[str]) -> frozenset[int]:
    """Return the 8-grams that too many of these texts share. Equal texts count once."""
    own = {text.form: text.grams for text in map(_Text, items)}
    found = Counter(gram for grams in own.values() for gram in grams)
    seen, forms = {gram for gram, count in found.items() if count >= BOILERPLATE_ITEMS}, set(own)
    for row in map(_Text, rows) if seen else ():
        if row.form not in forms:
            forms.add(row.form)
            found.update(row.grams & seen)
    return frozenset(gram for gram in seen if found[gram] > BOILERPLATE_SHARE * len(forms))


def _signature(found: Iterable[str]) -> Any:
    from datasketch import MinHash

    signature = MinHash(num_perm=BANDS[0] * BANDS[1], seed=SEED)
    signature.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in sorted(found)])
    return signature
