from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig, MissingInput
from canvas_pipeline.models import jinja
from canvas_pipeline.models.gemma4.chat import marked_template
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.release.gguf import QUANTS, ModelFileUnusable, convert, precision_of, quantise, run_child
from canvas_pipeline.release.quant_check import check
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline_tests.release.conftest import save_micro_gemma


def test_quantising_again_gives_the_same_bytes_and_leaves_nothing_else(
    unquantised: Path, quants: dict[str, Path], tmp_path: Path
) -> None:
    again = quantise(unquantised, tmp_path / "another name.gguf", "Q4_K_M")
    assert sha256_file(again) == sha256_file(quants["Q4_K_M"])
    assert [path.name for path in tmp_path.iterdir()] == ["another name.gguf"]


def test_the_file_carries_the_published_chat_template_not_the_one_marked_for_training(
    micro_gemma: Path, unquantised: Path, converter: Path, tmp_path: Path
) -> None:
    def carried(path: Path) -> str:
        (text,) = run_child("inspect", {"path": str(path)}, subject=path, seconds=60)["strings"][
            "tokenizer.chat_template"
        ]
        return str(text)

    marked = shutil.copytree(micro_gemma, tmp_path / "marked")
    (marked / "chat_template.jinja").write_text(marked_template())
    assert carried(convert(marked, tmp_path / "marked.gguf", converter=converter)) == jinja.published(marked_template())
    assert carried(unquantised) == (micro_gemma / "chat_template.jinja").read_text()  # another one is left as it is


def tensors(path: Path) -> dict[str, str]:
    return {
        t["name"]: t["type"] for t in run_child("inspect", {"path": str(path)}, subject=path, seconds=60)["tensors"]
    }


def test_every_mixture_that_llama_cpp_makes_of_per_layer_embeddings_is_accepted_and_answers(
    converter: Path, tmp_path: Path
) -> None:
    """The form of the real E2B in bfloat16: through bf16, its table of per-layer embeddings among the quantised matrices."""
    model = save_micro_gemma(tmp_path / "ple", ple=256, dtype="bfloat16")
    assert precision_of(model) == "bf16"
    source = convert(model, tmp_path / "ple.gguf", outtype="bf16", converter=converter)
    assert tensors(source)["per_layer_token_embd.weight"] == tensors(source)["blk.0.attn_q.weight"] == "BF16"
    for quant in QUANTS:
        report = check(
            quantise(source, tmp_path / f"ple-{quant}.gguf", quant),
            quant,
            GEMMA4,
            prompts=([2, 7, 8],),
            max_tokens=3,
            context=64,
        )
        assert report.problems == () and report.loaded, quant
        held = tensors(tmp_path / f"ple-{quant}.gguf")
        assert (
            held["per_layer_token_embd.weight"] == held["token_embd.weight"] == ("Q8_0" if quant == "Q8_0" else "Q6_K")
        )
        assert held["per_layer_model_proj.weight"] == "BF16"  # llama.cpp never quantises it


def test_per_layer_embeddings_of_another_width_fall_back_and_are_refused(converter: Path, tmp_path: Path) -> None:
    model = save_micro_gemma(tmp_path / "odd", ple=64, dtype="bfloat16")
    source = convert(model, tmp_path / "odd.gguf", outtype="bf16", converter=converter)
    report = check(
        quantise(source, tmp_path / "odd-Q4_K_M.gguf", "Q4_K_M"),
        "Q4_K_M",
        GEMMA4,
        prompts=([2],),
        max_tokens=2,
        context=64,
    )
    assert report.loaded and any(
        "proj.weight is" in problem and "row length 64" in problem for problem in report.type_problems
    )


def test_a_checkpoint_converts_to_the_type_that_most_of_it_has(micro_gemma: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    assert precision_of(micro_gemma) == "f32" and precision_of(tmp_path) == "f16"
    weights = load_file(micro_gemma / "model.safetensors")
    mixed = {name: value if value.dim() < 2 else value.bfloat16() for name, value in weights.items()}
    save_file(mixed, tmp_path / "model.safetensors", {"format": "pt"})
    assert precision_of(tmp_path) == "bf16"


def test_the_number_of_threads_does_not_change_a_file(
    unquantised: Path, quants: dict[str, Path], tmp_path: Path
) -> None:
    for threads in (1, 3):
        made = quantise(unquantised, tmp_path / f"{threads}.gguf", "Q3_K_M", threads=threads)
        assert sha256_file(made) == sha256_file(quants["Q3_K_M"])


def test_smaller_quants_are_smaller_files(quants: dict[str, Path]) -> None:
    sizes = [quants[quant].stat().st_size for quant in QUANTS]
    assert sizes == sorted(sizes)


def test_rows_off_256_fall_back_in_llama_cpp_and_we_see_it(converter: Path, tmp_path: Path) -> None:
    model = save_micro_gemma(tmp_path / "odd", hidden=320)
    source = convert(model, tmp_path / "odd.gguf", converter=converter)
    report = check(
        quantise(source, tmp_path / "odd-Q4_K_M.gguf", "Q4_K_M"),
        "Q4_K_M",
        GEMMA4,
        prompts=([2],),
        max_tokens=2,
        context=64,
    )
    assert report.loaded
    assert any("row length 320" in problem for problem in report.type_problems)


def test_a_folder_without_a_model_and_a_missing_file_say_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="materialise its checkpoint"):
        convert(tmp_path, tmp_path / "x.gguf")
    with pytest.raises(MissingInput, match="convert the checkpoint first"):
        quantise(tmp_path / "x.gguf", tmp_path / "y.gguf", "Q8_0")


def test_a_quant_outside_the_table_is_refused(unquantised: Path, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="Q2_K, Q3_K_M"):
        quantise(unquantised, tmp_path / "x.gguf", "Q4_0")


def test_a_damaged_source_leaves_no_file_behind(unquantised: Path, tmp_path: Path) -> None:
    cut, out = tmp_path / "cut.gguf", tmp_path / "out" / "x.gguf"
    cut.write_bytes(unquantised.read_bytes()[:3000])
    with pytest.raises(ModelFileUnusable, match="cut.gguf: quantise failed"):
        quantise(cut, out, "Q8_0")
    assert list(out.parent.iterdir()) == []


def test_a_model_the_converter_does_not_know_is_named(converter: Path, tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text('{"architectures": ["NoSuchModel"], "model_type": "none"}')
    with pytest.raises(ModelFileUnusable, match="convert failed"):
        convert(tmp_path, tmp_path / "x.gguf", converter=converter)
    assert not (tmp_path / "x.gguf").exists()


def test_a_child_that_does_not_end_is_ended(unquantised: Path) -> None:
    with pytest.raises(ModelFileUnusable, match="did not end within"):
        run_child("inspect", {"path": str(unquantised)}, subject=unquantised, seconds=0.05)
