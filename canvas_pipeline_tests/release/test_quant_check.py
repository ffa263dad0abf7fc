from __future__ import annotations

from pathlib import Path

import pytest

from canvas_pipeline.errors import BadConfig, MissingInput
from canvas_pipeline.models.gemma4.family import GEMMA4
from canvas_pipeline.release.gguf import QUANTS
from canvas_pipeline.release.quant_check import EXPECTED, ask, check, metadata_leaks, read_header, wrong_types


def tensor(name: str, type_: str, *shape: int) -> dict[str, object]:
    return {"name": name, "type": type_, "shape": list(shape)}


def test_every_quant_we_make_has_an_expectation() -> None:
    assert tuple(EXPECTED) == QUANTS


@pytest.mark.parametrize("quant", QUANTS)
def test_each_quant_has_its_types_no_leak_loads_and_answers(quant: str, quants: dict[str, Path]) -> None:
    report = check(
        quants[quant],
        quant,
        GEMMA4,
        prompts=([2, 20, 21], "<bos><|turn>user\nhello<turn|>\n<|turn>model\n"),
        max_tokens=8,
        context=256,
    )
    assert report.problems == ()
    assert report.answered and len(report.answers) == 2
    assert EXPECTED[quant].main in report.types and not report.types.keys() & {"F16", "F32"}
    assert all(1 <= len(answer.tokens) <= 8 for answer in report.answers)


def test_the_same_question_gets_the_same_answer_twice(quants: dict[str, Path]) -> None:
    one = ask(quants["Q8_0"], ([2, 30, 31], [2, 40, 41]), GEMMA4, max_tokens=8, context=256)
    assert ask(quants["Q8_0"], ([2, 40, 41], [2, 30, 31]), GEMMA4, max_tokens=8, context=256) == (one[1], one[0])


def test_a_silent_fallback_is_a_problem(quants: dict[str, Path]) -> None:
    report = check(quants["Q8_0"], "Q6_K", GEMMA4, prompts=([2, 20],), max_tokens=2, context=64)
    assert any("is Q8_0 in a Q6_K file" in problem for problem in report.problems)
    assert any("no matrix is Q6_K" in problem for problem in report.problems)


@pytest.mark.parametrize(
    ("quant", "fallback"),
    [
        ("Q2_K", "IQ4_NL"),
        ("Q3_K_M", "IQ4_NL"),
        ("Q4_K_M", "Q5_0"),
        ("Q5_K_M", "Q5_1"),
        ("Q6_K", "Q8_0"),
        ("Q8_0", "F16"),
    ],
)
def test_one_fallen_back_matrix_among_good_ones_is_named(quant: str, fallback: str) -> None:
    good = tensor("blk.0.attn_q.weight", EXPECTED[quant].main, 256, 256)
    assert wrong_types([good, tensor("blk.0.norm.weight", "F32", 256)], quant, GEMMA4) == ()
    (problem,) = wrong_types([good, tensor("blk.0.ffn_down.weight", fallback, 320, 256)], quant, GEMMA4)
    assert "blk.0.ffn_down.weight" in problem and fallback in problem and "320" in problem


def test_the_projection_that_llama_cpp_never_quantises_is_no_problem_but_its_neighbours_are() -> None:
    good = tensor("blk.0.attn_q.weight", "Q4_K", 256, 256)
    assert wrong_types([good, tensor("per_layer_model_proj.weight", "F16", 256, 512)], "Q4_K_M", GEMMA4) == ()
    assert wrong_types([good, tensor("per_layer_token_embd.weight", "F16", 512, 414)], "Q4_K_M", GEMMA4) != ()


def test_many_wrong_matrices_are_listed_up_to_a_bound_with_a_count() -> None:
    problems = wrong_types([tensor(f"blk.{i}.ffn_up.weight", "Q5_0", 320, 256) for i in range(50)], "Q4_K_M", GEMMA4)
    assert len(problems) == 21 and problems[-1] == "and 31 more"


@pytest.mark.parametrize(
    "text",
    [
        "/home/someone/models",
        "made in /tmp/x1",
        "a.b@uni.example.edu",
        "CS_3704_21936_202601",
        "hf_" + "a1" * 15,
        "by quietpond",
    ],
)
def test_a_leak_in_the_metadata_names_the_key_and_never_the_value(text: str) -> None:
    (leak,) = metadata_leaks({"general.name": [text], "general.type": ["model"]}, private=("QuietPond",))
    assert "general.name" in leak and text not in leak and "quietpond" not in leak.casefold()


def test_a_private_name_as_a_token_is_found_and_a_word_that_holds_it_is_not() -> None:
    assert metadata_leaks({"tokenizer.ggml.tokens": ["a", "▁Jada"]}, private=("jada",))
    assert not metadata_leaks({"tokenizer.ggml.tokens": ["a", "jadal"]}, private=("jada",))
    assert not metadata_leaks({"tokenizer.chat_template": ["{{ m.role }}/{{ m.content }} @COURSE3"]}, private=("jada",))


def test_the_folder_a_model_lay_in_is_not_in_its_metadata(unquantised: Path) -> None:
    strings = read_header(unquantised)["strings"]
    assert strings["general.name"] == ["canvas-micro"]
    assert not any("private" in text or "checkpoint" in text for texts in strings.values() for text in texts)


def test_a_truncated_file_is_a_report_and_not_a_crash(quants: dict[str, Path], tmp_path: Path) -> None:
    path = tmp_path / "cut.gguf"
    path.write_bytes(quants["Q4_K_M"].read_bytes()[:5000])
    report = check(path, "Q4_K_M", GEMMA4, prompts=([2, 20],), max_tokens=2, context=64)
    assert not report.loaded and not report.answered and len(report.problems) == 2


def test_a_file_of_noise_is_a_report_and_not_a_crash(tmp_path: Path) -> None:
    path = tmp_path / "noise.gguf"
    path.write_bytes(b"GGUF" + bytes(range(256)) * 40)
    report = check(path, "Q8_0", GEMMA4, prompts=([2],), max_tokens=2, context=64)
    assert not report.loaded and report.problems


def test_an_unknown_quant_or_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="Q4_K_M"):
        check(tmp_path / "x.gguf", "Q4_0", GEMMA4)
    with pytest.raises(MissingInput):
        check(tmp_path / "x.gguf", "Q8_0", GEMMA4)
