"""Train the name recogniser that is shipped: ``python -m canvas_pipeline.privacy.name_model.training --out FOLDER``.

``FOLDER`` receives a spaCy pipeline (a small convolutional NER: PERSON, PLACE, ROOM), ``words.txt`` (ordinary words; texts of
these alone are skipped) and ``recipe.json`` with the settings and the sha256 of each file. ``--measure`` measures the installed
recognisers and prints the rates. Nothing is downloaded. The same seed, library versions and processor give the same bytes;
nothing of the held-out shares is trained on.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import random
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.privacy.identities import wordnet
from canvas_pipeline.privacy.identities.gazetteer import GIVEN, SURNAMES
from canvas_pipeline.privacy.identities.vocabulary import WORDS, is_proper, mark
from canvas_pipeline.privacy.name_model import fillers as data
from canvas_pipeline.privacy.name_model.names import names
from canvas_pipeline.privacy.name_model.samples import Drawing
from canvas_pipeline.privacy.name_model.templates import SLOT, Sample, shares, training, wordings
from canvas_pipeline.storage.atomic import whole_file

SEED = 20260
SAMPLES = 200_000
EPOCHS = 3
WIDTH, DEPTH, ROWS = 64, 4, 2000
CHARACTER, CHARACTERS = 16, 8  # width of a letter; letters read of a word, half from each end
BATCH = 128
DROPOUT = 0.2
BIAS = 1.5  # see ``add_bias``
_LETTERS = re.compile(r"[^\W\d_]+")
_NOT_HASHED = frozenset({"recipe.json", "MODEL_CARD.md"})
RATES = (2e-3, 1e-3, 3e-4)  # one an epoch


def train(samples: Sequence[Sample], context: frozenset[str], seed: int = SEED, epochs: int = EPOCHS) -> Iterator[Any]:
    """Yield a spaCy ``Language`` with an ``ner`` after each epoch, trained on the CPU; print the loss on stderr."""
    import spacy
    from spacy.util import fix_random_seed

    fix_random_seed(seed)
    language = spacy.blank("en")
    language.add_pipe("ner", config=_architecture())
    examples = [_example(language, sample, context) for sample in samples]
    optimizer = language.initialize(lambda: examples[:3000])
    rng = random.Random(seed)
    for epoch in range(epochs):
        began = time.monotonic()
        losses: dict[str, float] = {}
        optimizer.learn_rate = RATES[min(epoch, len(RATES) - 1)]
        rng.shuffle(examples)
        for at in range(0, len(examples), BATCH):
            language.update(examples[at : at + BATCH], sgd=optimizer, drop=DROPOUT, losses=losses)
        print(f"epoch {epoch}: loss {losses['ner']:.0f}, {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)
        yield language


def example_templates() -> dict[str, tuple[str, ...]]:
    """Return WordNet's examples as templates, half of them beginning with a capital; there are none for rooms."""
    return {
        kind: tuple(text[0].upper() + text[1:] if at % 2 else text for at, text in enumerate(wordnet.frames(kind)))
        for kind in ("person", "place", "plain")
    }


def add_bias(language: Any, by: float = BIAS) -> None:
    """Lower the score of "no name" by ``by``, so that the recogniser finds more names. ``recognisers`` drops what is then found
    too much: ordinary words, eponyms, things called after somebody."""
    ner = language.get_pipe("ner")
    upper = ner.model.get_ref("upper")
    scores = upper.get_param("b").copy()
    scores[[ner.moves.get_class_name(move) for move in range(ner.moves.n_moves)].index("O")] -= by
    upper.set_param("b", scores)


def _example(language: Any, sample: Sample, context: frozenset[str]) -> Any:
    from spacy.training import Example

    gold = language.make_doc(sample.text)
    spans = [gold.char_span(start, end, label, alignment_mode="expand") for start, end, label in sample.spans]
    gold.set_ents([span for span in spans if span is not None])
    return Example(mark(language.make_doc(sample.text), context), gold)


def _architecture() -> dict[str, Any]:
    return {
        "model": {
            "@architectures": "spacy.TransitionBasedParser.v2", "state_type": "ner", "extra_state_tokens": False,
            "hidden_width": 64, "maxout_pieces": 2, "use_upper": True,
            "tok2vec": {
                "@architectures": "spacy.Tok2Vec.v2",
                "embed": {
                    "@architectures": "spacy.CharacterEmbed.v2", "width": WIDTH, "rows": ROWS, "nM": CHARACTER, "nC": CHARACTERS,
                    "include_static_vectors": False, "feature": "NORM",
                },
                "encode": {
                    "@architectures": "spacy.MaxoutWindowEncoder.v2", "width": WIDTH, "depth": DEPTH, "window_size": 1,
                    "maxout_pieces": 3,
                },
            },
        }
    }  # fmt: skip


def context_words() -> list[str]:
    """Return the templates' and fillers' lower-case words that are no names; the recogniser reads them as themselves."""
    texts = [SLOT.sub(" ", text) for share in (training(), wordings()) for table in share.values() for text in table]
    for table in (
        data.WORKS, data.DAYS, data.COURSES, data.OBJECTS, data.EPONYM_NOUNS, data.NEAR, data.WHERE, data.VERBS, data.COMMON,
    ):  # fmt: skip
        texts += table
    found = {word.lower() for text in texts for word in _LETTERS.findall(text)}
    for verb in data.VERBS:
        found |= {f"{verb}s", f"{verb.rstrip('e')}ing", f"{verb.rstrip('e')}ed"}
    small = {*data.NEAR, *data.WHERE, *data.VERBS}
    people = {word.lower() for word in GIVEN | SURNAMES} | {*data.WORDS_AND_NAMES}
    return sorted(word for word in found if word in small or not (word in people or is_proper(word)))


def _bare(language: Any) -> Any:
    """Return the same pipeline without the strings of the training texts, which loads faster."""
    import spacy

    bare = spacy.util.load_model_from_config(language.config, auto_fill=True)
    return bare.from_bytes(language.to_bytes(exclude=["vocab"]), exclude=["vocab"])


def write(folder: Path, language: Any, context: Sequence[str], samples: int, epochs: int) -> None:
    """Write the pipeline, its words and its recipe; the recipe last, since it has the others' hashes."""
    import faker
    import spacy

    _bare(language).to_disk(folder)
    (folder / "words.txt").write_text("\n".join(context) + "\n", encoding="utf-8")
    files = sorted(p for p in folder.rglob("*") if p.is_file() and p.name not in _NOT_HASHED)
    recipe = {
        "command": "python -m canvas_pipeline.privacy.name_model.training --out FOLDER",
        "seed": SEED, "samples": samples, "epochs": epochs, "batch": BATCH, "dropout": DROPOUT, "lean": BIAS, "learning_rates": RATES,
        "width": WIDTH, "depth": DEPTH, "embedding_rows": ROWS, "characters": [CHARACTER, CHARACTERS],
        "dictionary_sha256": {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in (WORDS, wordnet.PATH)},
        "versions": {"python": sys.version.split()[0], "spacy": spacy.__version__, "faker": faker.VERSION},
        "sha256": {p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest() for p in files},
    }  # fmt: skip
    with whole_file(folder / "recipe.json") as temporary:
        temporary.write_text(json.dumps(recipe, indent=1) + "\n", encoding="utf-8")


def measure(count: int, seed: int = SEED + 1, share: str = "held-out") -> dict[str, Any]:
    """Measure the installed recognisers on a share with the names of testing: recall by label, and the share of texts without an
    identity that are changed, each with a Wilson 95 % interval. ``unread`` counts identities that the word list alone loses."""
    from canvas_pipeline.privacy.identities.folding import fold
    from canvas_pipeline.privacy.identities.pii import Scrubber
    from canvas_pipeline.privacy.identities.recognisers import may_name

    scrubber = Scrubber(b"measuring: no one's data", "measure")
    samples = held_out(count, seed, share)
    hits: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    for sample, result in zip(samples, scrubber.scrub([s.text for s in samples]), strict=True):
        if not sample.spans:
            seen["false masks"] += 1
            hits["false masks"] += bool(result.spans)
        covered = {at for span in result.spans for at in range(span.start, span.end)}
        for start, end, label in sample.spans:
            seen[label] += 1
            hits[label] += all(at in covered or not sample.text[at].isalnum() for at in range(start, end))
            seen["unread"] += 1
            hits["unread"] += not may_name(fold(sample.text).text)
    return {name: _interval(hits[name], seen[name]) for name in sorted(seen)}


def held_out(count: int, seed: int, share: str = "held-out") -> list[Sample]:
    """Return texts for measuring, of one of ``shares``: names of the testing half only."""
    templates, topics, eponyms = shares()[share]
    return list(
        Drawing(names(seed, training=False), seed, topics, eponyms, training=False).samples(templates, count=count)
    )


def _interval(hits: int, of: int) -> dict[str, float]:
    from statsmodels.stats.proportion import proportion_confint

    low, high = proportion_confint(hits, of, method="wilson")
    return {"count": hits, "of": of, "share": round(hits / of, 5), "low": round(low, 5), "high": round(high, 5)}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Train the name recogniser, or measure the installed one.")
    parser.add_argument("--out", type=Path, help="folder to write the model to")
    parser.add_argument(
        "--measure", type=int, metavar="TEXTS", help="measure the installed recognisers on so many texts"
    )
    parser.add_argument("--share", choices=sorted(shares()), default="unseen", help="which templates to measure with")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="texts to train on")
    parser.add_argument("--epochs", type=int, default=EPOCHS, help="times to read them")
    chosen = parser.parse_args(arguments)
    if chosen.out is None and chosen.measure is None:
        parser.error("give --out FOLDER or --measure TEXTS")
    if chosen.out is not None:
        context = context_words()
        drawing = Drawing(names(SEED, training=True), SEED)
        samples = list(drawing.samples(training(), wordings(), example_templates(), count=chosen.samples))
        *_, language = train(samples, frozenset(context), epochs=chosen.epochs)
        add_bias(language)
        chosen.out.mkdir(parents=True, exist_ok=True)
        write(chosen.out, language, context, chosen.samples, chosen.epochs)
    if chosen.measure is not None:
        print(json.dumps(measure(chosen.measure, share=chosen.share), indent=1))


if __name__ == "__main__":
    main()
