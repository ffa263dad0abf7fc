"""The text base: its recipe gives the same bytes, its shipped files are the recorded ones, and it is an honest base."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import ArtifactCorrupt, MissingInput
from canvas_pipeline.tracks.instruct.guards import check_base, plain_tokenizer
from canvas_pipeline.tracks.instruct.rows import prompt_of
from canvas_pipeline.tracks.instruct.scorer import items, score
from canvas_pipeline.tracks.instruct.text_base import (
    FAMILY,
    RECIPE,
    BaseRecipe,
    build_text_base,
    filled_rows,
)
from canvas_pipeline.tracks.text_base import SHIPPED, shipped_text_base
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer
from canvas_pipeline.training.pretrain import shortened

SMALL = msgspec.structs.replace(
    shortened(RECIPE, 2),
    length=32,
    tokenizer_documents=400,
    vocabulary=600,
    phases=tuple(msgspec.structs.replace(phase, steps=2, rows=2) for phase in RECIPE.phases),
)


class Silent:
    """A reporter without output."""

    def emit(self, *_: Any, **__: Any) -> None: ...

    def step(self, *_: Any, **__: Any) -> None: ...


class Model:
    """Continues texts in float32, as ``check_base`` asks for it."""

    def __init__(self, folder: Path, most: int = 24) -> None:
        self.tokenizer, self.model, self.most = load_tokenizer(folder, FAMILY), load_model(folder).eval(), most
        self.stops = [self.tokenizer.convert_tokens_to_ids(stop) for stop in FAMILY.stops]

    def generate(self, prompts: Sequence[str], *, temperature: float, seed: int) -> list[str]:
        return [text for text, _ in self.answers(prompts, temperature, seed)]

    def answers(self, prompts: Sequence[str], temperature: float = 0.0, seed: int = 0) -> list[tuple[str, bool]]:
        import torch

        torch.manual_seed(seed)
        chance: dict[str, Any] = {"do_sample": False}
        if temperature:
            chance = {"do_sample": True, "temperature": temperature, "top_k": 0}
        self.tokenizer.padding_side = "left"
        inputs = self.tokenizer(list(prompts), add_special_tokens=False, padding=True, return_tensors="pt")
        with torch.no_grad():
            output = self.model.generate(
                input_ids=inputs["input_ids"], attention_mask=inputs["attention_mask"], max_new_tokens=self.most,
                eos_token_id=self.stops, pad_token_id=self.tokenizer.pad_token_id, **chance,
            )  # fmt: skip
        rows = output[:, inputs["input_ids"].shape[1] :].tolist()
        ends = [next((at for at, token in enumerate(row) if token in self.stops), -1) for row in rows]
        return [(self.tokenizer.decode(row[:end] if end >= 0 else row), end >= 0) for row, end in zip(rows, ends)]


def test_the_recipe_gives_the_same_bytes_twice(tmp_path: Path) -> None:
    for name in ("one", "two"):
        build_text_base(tmp_path / name, Silent(), recipe=SMALL)  # type: ignore[arg-type]
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()} for name in ("one", "two"))
    assert one == two
    assert json.loads(one["recipe.json"])["tokens"] == 2 * 2 * 2 * 32
    assert shipped_text_base(tmp_path / "one") == tmp_path / "one"


def test_every_row_is_full_and_documents_end_with_the_end_of_text() -> None:
    tokenizer = FAMILY.build_tokenizer(["one two three four"] * 3, 300)
    phase = msgspec.structs.replace(RECIPE.phases[0], rows=3)
    rows = next(filled_rows(tokenizer, phase, BaseRecipe(length=64)))
    assert [len(row) for row in rows] == [64, 64, 64]
    text = tokenizer.decode([token for row in rows for token in row])
    assert text.count(FAMILY.end_of_text) >= 1 and "<|im_start|>" not in text


def test_the_shipped_files_are_the_recorded_ones_small_and_made_by_the_recipe() -> None:
    folder = shipped_text_base()
    recorded = json.loads((folder / "recipe.json").read_bytes())
    assert recorded["recipe"] == json.loads(msgspec.json.encode(RECIPE))
    assert {path.name for path in folder.iterdir()} == {*recorded["files"], "recipe.json"}
    assert sum(path.stat().st_size for path in folder.iterdir()) < 10_000_000
    assert not (folder / "chat_template.jinja").exists()


def test_a_changed_or_missing_base_raises_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="text_base"):
        shipped_text_base(tmp_path)
    (tmp_path / "recipe.json").write_text(json.dumps({"files": {"config.json": "0" * 64}}))
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArtifactCorrupt, match="config.json"):
        shipped_text_base(tmp_path)


def test_the_shipped_base_passes_the_check_of_bases() -> None:
    from transformers import AutoTokenizer

    tokenizer = plain_tokenizer(
        AutoTokenizer.from_pretrained(str(SHIPPED)), ("<|im_start|>", "<|im_end|>"), refuse_template=True
    )
    found = check_base(tokenizer, Model(SHIPPED))
    assert found.verdict == "CLEAN", found
    assert found.encode_delta == 0


def test_the_shipped_base_fails_the_instructions_of_the_test() -> None:
    questions = items("test", 5, seed=7)
    answers = Model(SHIPPED, most=48).answers([prompt_of(item.instruction) for item in questions])
    right = sum(
        score(item, text, stopped=stopped).right for item, (text, stopped) in zip(questions, answers, strict=True)
    )
    assert right / len(questions) <= 0.30
