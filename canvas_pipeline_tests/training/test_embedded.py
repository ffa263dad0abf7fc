"""The embedded base: its shape, its tokenizer in both worlds, its shipped files."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from canvas_pipeline.errors import ArtifactCorrupt
from canvas_pipeline.evaluation.generate import Checkpoint, Gguf
from canvas_pipeline.models.gemma4.chat import render, to_chat
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.models.gemma4.tiny import build_config
from canvas_pipeline.records import read_jsonl
from canvas_pipeline.tracks.canvas.rows import Trajectory
from canvas_pipeline.tracks.canvas.tiny_base import (  # fmt: skip
    OTHER_NAMES,
    PHASES,
    RECIPE,
    SHAPE,
    SHIPPED,
    BaseRecipe,
    conversations,
    invented_items,
    rows_of,
    shipped_base,
)
from canvas_pipeline.tracks.canvas.tools.tool_table import TOOLS
from canvas_pipeline.training.checkpoint import load_model, load_tokenizer

SAMPLES = (
    "<bos><|turn>user\nWhat's due in 21936?  <|tool_call>call:canvas.get_grades{course_id:21936}<tool_call|>",
    "tabs\tand\r\nnewlines\n\n\n  three   spaces ", "Ünïcödé naïve café – “quotes” ‘x’ 🎉🎉 漢字 ١٢٣",
    "a\u00a0b\u200bc", "1234567 3.14e-7 -0",
    '<|"|>{"a":[1,null]}<|"|>', "under_score camelCase snake_case_ <\\|turn> <|notamarker|>", "",
)  # fmt: skip


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Gguf:
    """The shipped base through the converter, loaded by llama.cpp."""
    from canvas_pipeline.release.gguf import convert

    path = convert(SHIPPED, tmp_path_factory.mktemp("gguf") / "base.gguf")
    return Gguf(path, GEMMA4, context=512)


@pytest.fixture(scope="module")
def shipped_tokenizer() -> Any:
    return load_tokenizer(SHIPPED, GEMMA4)


def test_both_tokenizers_read_every_training_row_and_awkward_text_alike(
    gguf: Gguf, shipped_tokenizer: Any, data: dict[str, Path]
) -> None:
    rows = list(read_jsonl(data["trajectory_train"], Trajectory))[:60]
    for text in (*SAMPLES, *(render(to_chat(row.messages))[0] for row in rows)):
        assert gguf.tokens(text) == shipped_tokenizer(text, add_special_tokens=False)["input_ids"], text


def test_a_gguf_says_the_same_however_many_work_at_it(gguf: Gguf) -> None:
    prompts = [f"<bos><|turn>user\nHello {word}<turn|>\n<|turn>model\n" for word in ("you", "there", "again")]
    alone = Gguf(Path(gguf.vocabulary.model_path), GEMMA4, max_new_tokens=24, context=512, workers=1)
    several = Gguf(Path(gguf.vocabulary.model_path), GEMMA4, max_new_tokens=24, context=512, workers=3)
    assert several.workers == 3
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda prompt: several.generate([prompt])[0], prompts))
    assert together == alone.generate(prompts)
    assert all(text for text, _ in alone.generate(prompts))


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_both_tokenizers_read_any_text_alike(gguf: Gguf, shipped_tokenizer: Any, text: str) -> None:
    text = text.replace("\x00", "")
    assert gguf.tokens(text) == shipped_tokenizer(text, add_special_tokens=False)["input_ids"]


@settings(max_examples=200, deadline=None)
@given(text=st.text(max_size=60))
def test_any_text_survives_the_tokenizer(shipped_tokenizer: Any, text: str) -> None:
    text = text.replace("▁", "_")
    assert shipped_tokenizer.decode(shipped_tokenizer(text, add_special_tokens=False)["input_ids"]) == text


def test_the_shape_suits_the_converter_and_every_quant() -> None:
    shape, config = SHAPE, build_config(SHAPE)
    heads = (shape.heads * shape.head_dim, shape.heads * shape.global_head_dim)
    for width in (shape.hidden, shape.intermediate, *heads, shape.per_layer, shape.layers * shape.per_layer):
        assert width % 256 == 0
    assert config.layer_types[-1] == "full_attention" and "sliding_attention" in config.layer_types


def test_its_upper_half_reads_keys_and_values_of_the_lower_half_as_the_real_base_does() -> None:
    config = load_model(SHIPPED).config
    assert config.num_kv_shared_layers == config.num_hidden_layers / 2 and config.hidden_size_per_layer_input == 256


def test_its_gguf_writes_what_the_checkpoint_writes(gguf: Gguf) -> None:
    prompts = [
        f"<bos><|turn>user\n{text}<turn|>\n<|turn>model\n"
        for text in ("What is due this week?", "Show me the grades of course 21936.", "Plan my exam on 2026-05-04.")
    ]
    written = Checkpoint(SHIPPED, GEMMA4, max_new_tokens=48).generate(prompts)
    assert Gguf(Path(gguf.vocabulary.model_path), GEMMA4, max_new_tokens=48, context=512).generate(prompts) == written


def test_the_shipped_files_are_the_recorded_ones_small_and_made_by_the_recipe() -> None:
    folder = shipped_base()
    recorded = json.loads((folder / "recipe.json").read_bytes())
    assert recorded["recipe"] == _plain(RECIPE)
    assert sum(path.stat().st_size for path in folder.iterdir()) < 20_000_000
    assert {path.name for path in folder.iterdir()} == {*recorded["files"], "recipe.json"}
    assert (folder / "model.safetensors").stat().st_size <= 10_000_000


def _plain(recipe: BaseRecipe) -> dict[str, Any]:
    import msgspec

    return dict(msgspec.json.decode(msgspec.json.encode(recipe)))


def test_a_shipped_file_that_was_changed_raises_an_error(tmp_path: Path) -> None:
    import shutil

    shutil.copytree(SHIPPED, tmp_path / "base")
    assert shipped_base(tmp_path / "base") == tmp_path / "base"
    (tmp_path / "base" / "tokenizer.json").write_text("{}")
    with pytest.raises(ArtifactCorrupt, match="tokenizer.json"):
        shipped_base(tmp_path / "base")


def test_the_base_learns_half_of_the_tools_by_names_that_do_not_exist() -> None:
    from canvas_pipeline.models.gemma4.wire import parse_turn
    from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas

    rows = conversations(RECIPE, MockCanvas, 3)
    turns = [m for _ in range(150) for m in next(rows) if m.role == "assistant"]
    taught = {call.name for m in turns for call in parse_turn(m.content).well_formed}
    assert taught == (set(TOOLS) - set(OTHER_NAMES)) | set(OTHER_NAMES.values())
    assert not set(OTHER_NAMES.values()) & set(TOOLS) and len(OTHER_NAMES) == len(TOOLS) / 2
    assert all(parse_turn(m.content).calls or m.content for m in turns)


def test_the_last_phases_ask_for_titles_that_no_table_holds_and_to_repeat_them() -> None:
    from canvas_pipeline.tracks.canvas.mock.canvas import MockCanvas

    drilled = next(phase for phase in PHASES if phase.drills > 0.5)
    rows = rows_of(drilled, RECIPE, MockCanvas)
    turns = [row[1:] for row in (next(rows) for _ in range(30))]
    repeated = [row for row in turns if all(a.content == b.content for a, b in zip(row[::2], row[1::2], strict=False))]
    assert len(repeated) > 15 and len(turns) - len(repeated) > 1
    texts = [row[0].content for row in repeated]
    assert len(set(texts)) == len(texts)
    assert [row for row, _ in zip(rows_of(drilled, RECIPE, MockCanvas), range(3))] == [
        row for row, _ in zip(rows_of(drilled, RECIPE, MockCanvas), range(3))
    ]


def test_the_invented_campus_is_the_same_every_time() -> None:
    assert invented_items(3) == invented_items(3) != invented_items(4)
    assert len({item.id for item in invented_items(3)}) == len(invented_items(3)) > 300
