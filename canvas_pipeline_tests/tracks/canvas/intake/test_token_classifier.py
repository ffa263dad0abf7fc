"""The optional token classifier: whole texts read in windows, labels understood with and without prefixes, strangers refused."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from canvas_pipeline.errors import MissingInput, ServiceUnavailable
from canvas_pipeline.privacy.identities.pii import Finding, Scrubber
from canvas_pipeline.privacy.identities.token_classifier import TokenClassifier
from canvas_pipeline.tracks.canvas.commands import scrub as scrub_commands

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")
WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "ask", "bob", "kowal", "##czyk", "ann", "about", "it")
SEEN = {"bob": 1, "kowal": 2, "##czyk": 3, "ann": 1}  # token → index of its label


def classifier(folder: Path, labels: Sequence[str], positions: int = 300) -> Path:
    """A real BERT without layers whose weights are set by hand: a token's label depends on the token alone."""
    folder.mkdir()
    (folder / "vocab.txt").write_text("\n".join(WORDS), encoding="utf-8")
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    config = transformers.BertConfig(
        vocab_size=len(WORDS), hidden_size=8, num_hidden_layers=0, num_attention_heads=1, intermediate_size=8,
        max_position_embeddings=positions, id2label=dict(enumerate(labels)), label2id={v: k for k, v in enumerate(labels)},
    )  # fmt: skip
    model = transformers.BertForTokenClassification(config)
    with torch.no_grad():
        for weights in model.parameters():
            weights.zero_()
        model.bert.embeddings.LayerNorm.weight.fill_(1.0)
        for index, word in enumerate(WORDS):
            model.bert.embeddings.word_embeddings.weight[index, SEEN.get(word, 0)] = 1.0
        for label in range(len(labels)):
            model.classifier.weight[label, label] = 1.0
    model.save_pretrained(folder)
    return folder


def found(text: str, answer: Sequence[Finding]) -> list[tuple[str, str]]:
    return [(text[f.start : f.end], f.label) for f in answer]


@pytest.mark.parametrize(
    "labels", (("O", "B-GIVENNAME", "B-SURNAME", "I-SURNAME"), ("O", "GIVENNAME", "SURNAME", "SURNAME"))
)
def test_prefixed_and_bare_labels_are_both_understood(tmp_path: Path, labels: Sequence[str]) -> None:
    text = "ask bob about it, ask kowalczyk"
    (answer,) = TokenClassifier(classifier(tmp_path / "m", labels))([text])
    assert found(text, answer) == [("bob", "PERSON"), ("kowalczyk", "PERSON")]


def test_a_long_text_is_read_to_its_end_in_overlapping_windows(tmp_path: Path) -> None:
    folder = classifier(tmp_path / "m", ("O", "B-GIVENNAME", "B-SURNAME", "I-SURNAME"), positions=32)
    for before in range(20, 60):  # wherever the edge of a window falls
        text = "ask " * before + "kowalczyk about " + "it " * 70 + "bob"
        (answer,) = TokenClassifier(folder, overlap=8)([text])
        assert found(text, answer) == [("kowalczyk", "PERSON"), ("bob", "PERSON")]


def test_a_model_with_a_label_nobody_mapped_is_refused_before_it_reads(tmp_path: Path) -> None:
    model = TokenClassifier(classifier(tmp_path / "m", ("O", "B-GIVENNAME", "B-HOROSCOPE", "I-HOROSCOPE")))
    with pytest.raises(ServiceUnavailable, match="HOROSCOPE"):
        model(["ask about it"])


def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="config.json"):
        TokenClassifier(tmp_path)


def test_a_worker_can_be_given_the_classifier_and_the_scrubber_uses_it(tmp_path: Path) -> None:
    model = TokenClassifier(classifier(tmp_path / "m", ("O", "B-GIVENNAME", "B-SURNAME", "I-SURNAME")))
    model(["ask bob"])
    copy = pickle.loads(pickle.dumps(model))
    masked = Scrubber(bytes(16), "zed", model=copy).scrub(["ask kowalczyk at kowalczyk@x.edu"])[0].text
    assert "kowal" not in masked and "@PERSON" in masked and "@EMAIL" in masked


def test_every_text_gets_an_answer_in_order(tmp_path: Path) -> None:
    model = TokenClassifier(classifier(tmp_path / "m", ("O", "B-GIVENNAME", "B-SURNAME", "I-SURNAME")))
    texts = ["ask", "bob", "", "ann ann"] * 9
    answers = model(texts)
    assert [bool(answer) for answer in answers] == [False, True, False, True] * 9


def test_the_command_asks_the_classifier_it_is_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CANVAS_REGISTRY_KEY", "a key for tests only")
    folder = classifier(tmp_path / "m", ("O", "B-GIVENNAME", "B-SURNAME", "I-SURNAME"))
    source, out = tmp_path / "zed.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"title": "about ann, mail jo@x.edu"}\n')
    app = typer.Typer()
    scrub_commands.register(app)
    options = [str(source), "--out", str(out), "--private", str(tmp_path / "private")]
    for extra, people in (([], 0), (["--classifier", str(folder)], 1)):
        result = CliRunner().invoke(app, [*options, *extra])
        assert result.exit_code == 0, result.output
        assert out.read_text().count("@PERSON") == people and "@EMAIL" in out.read_text()
