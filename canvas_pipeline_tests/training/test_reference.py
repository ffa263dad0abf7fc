"""Reference log-probabilities against a plain softmax, and what they leave out."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadInput
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.rows import PreferencePair
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.encoding import Encoded, EncodedPair, encode
from canvas_pipeline.training.fused_head import fuse_head
from canvas_pipeline.training.progress import Reporter
from canvas_pipeline.training.reference import (
    compute,
    pair_logprobs,
    read_reference,
    sequence_logprobs,
    tensors,
)
from canvas_pipeline.training.spec import RunSpec
from canvas_pipeline_tests.training.rows import result, run_of

Make = Callable[..., RunSpec]


def _encoded(row: PreferencePair, tokenizer: Any) -> EncodedPair:
    return EncodedPair(*(encode(side, tokenizer, GEMMA4, None, row.prompt) for side in (row.chosen, row.rejected)))


def test_the_sums_are_those_of_a_plain_softmax_over_the_masked_tokens(base: Path, data: dict[str, Path]) -> None:
    import torch

    tokenizer, model = load_tokenizer(base, GEMMA4), load_model(base).eval()
    rows = list(read_jsonl(data["preference_train"], PreferencePair))[:6]
    sides = [side for row in rows for p in [_encoded(row, tokenizer)] for side in (p.chosen, p.rejected)]
    plain = []
    for side in sides:
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([side.ids])).logits[0, :-1].float()
        each = torch.log_softmax(logits, -1).gather(1, torch.tensor(side.ids[1:])[:, None])[:, 0]
        plain.append(float((each * torch.tensor(side.mask[1:])).sum()))
    assert sequence_logprobs(fuse_head(model), sides, "float32") == pytest.approx(plain, rel=1e-4)


def test_the_text_of_a_result_moves_the_sum_only_through_what_follows_it(base: Path, data: dict[str, Path]) -> None:
    tokenizer, model = load_tokenizer(base, GEMMA4), fuse_head(load_model(base))
    row = next(r for r in read_jsonl(data["preference_train"], PreferencePair) if r.source == "labelled")
    cut = msgspec.structs.replace(row, chosen=row.chosen[:1], rejected=row.rejected[:1])
    longer = msgspec.structs.replace(row, chosen=(row.chosen[0], result("canvas.get_todo", ["x" * 200]), row.chosen[2]))
    whole, other = (_encoded(r, tokenizer).chosen for r in (row, longer))
    assert sum(whole.mask) == sum(other.mask) and other.length > whole.length + 50
    first = _encoded(cut, tokenizer).chosen
    calls = sum(first.mask)
    kept = [at for at, counts in enumerate(whole.mask) if counts]
    only_calls = Encoded(whole.ids, [int(at in kept[:calls]) for at in range(whole.length)])
    assert sequence_logprobs(model, [only_calls], "float32") == pytest.approx(
        sequence_logprobs(model, [first], "float32"), abs=0.05
    )


def test_the_order_and_company_of_rows_do_not_matter(base: Path, data: dict[str, Path]) -> None:
    tokenizer, model = load_tokenizer(base, GEMMA4), fuse_head(load_model(base))
    rows = list(read_jsonl(data["preference_train"], PreferencePair))[:30]
    pairs = [_encoded(row, tokenizer) for row in rows]
    forward, backward = (
        pair_logprobs(model, pairs, "float32"),
        pair_logprobs(model, pairs[::-1], "float32")[::-1],
    )
    for one, other in zip(forward, backward, strict=True):
        assert one == pytest.approx(other, rel=1e-4)


def test_every_pair_of_both_files_gets_a_row_that_names_its_weights(
    make: Make, data: dict[str, Path], tmp_path: Path
) -> None:
    spec = make("ipo")
    sha256 = spec.inputs["sft_checkpoint"].sha256
    rows = read_reference(spec.path("reference_logprobs"), sha256)
    ids = {row.id for name in ("preference_train", "preference_eval") for row in read_jsonl(data[name], PreferencePair)}
    assert set(rows) == ids and all(
        row.chosen < 0 and row.rejected < 0 and row.model == sha256 for row in rows.values()
    )
    assert compute(run_of(spec), tmp_path / "again.jsonl", Reporter(io.StringIO())) == len(ids)
    assert (tmp_path / "again.jsonl").read_bytes() == spec.path("reference_logprobs").read_bytes()


def test_an_empty_reference_is_refused(tmp_path: Path) -> None:
    (tmp_path / "rows.jsonl").write_text("")
    with pytest.raises(BadInput, match="no reference rows"):
        read_reference(tmp_path, "x")


def test_padding_never_counts() -> None:
    batch = tensors([Encoded([5, 6, 7], [0, 1, 1]), Encoded([5], [1])])
    assert batch["labels"].tolist() == [[-100, 6, 7] + [-100] * 29, [5] + [-100] * 31]
    assert batch["attention_mask"].sum(1).tolist() == [3, 1] and batch["input_ids"].shape == (2, 32)
