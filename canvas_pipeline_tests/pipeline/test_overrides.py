"""Numbers of a run changed without editing code: what is refused, what a run spec holds, what is shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from canvas_pipeline.errors import BadConfig, GateClosed
from canvas_pipeline.methods import METHODS
from canvas_pipeline.pipeline import training
from canvas_pipeline.pipeline.context import build_stage
from canvas_pipeline.pipeline.facts import model_facts
from canvas_pipeline.pipeline.numbers import differences
from canvas_pipeline.pipeline.overrides import resolve
from canvas_pipeline.pipeline.workspace import Workspace
from canvas_pipeline.tracks.canvas.track import TRACK
from canvas_pipeline.training.spec import read_spec
from canvas_pipeline_tests.pipeline.entries import canvas_train
from canvas_pipeline_tests.pipeline.good_line import BASE, SAMPLED, Workshop, copy_of, line_at


def set_(*texts: str, profile: str = "embedded") -> dict[str, dict[str, Any]]:
    return resolve(TRACK, profile, "", list(texts))


def of_file(tmp_path: Path, text: str, *texts: str, profile: str = "embedded") -> dict[str, dict[str, Any]]:
    path = tmp_path / "numbers.yaml"
    path.write_text(text)
    return resolve(TRACK, profile, str(path), list(texts))


def test_numbers_of_the_command_line_have_the_types_of_the_table() -> None:
    found = set_(
        "dpo.beta=0.1", "dpo.learning_rate=5e-7", "sft.epochs=3", "sft.checkpointing=True", "lora.adapter_rank=8"
    )
    assert found == {
        "dpo": {"beta": 0.1, "learning_rate": 5e-7}, "sft": {"epochs": 3.0, "checkpointing": True}, "lora": {"adapter_rank": 8}
    }  # fmt: skip
    assert [type(value) for value in found["dpo"].values()] == [float, float] and type(
        found["lora"]["adapter_rank"]
    ) is int


def test_a_file_gives_numbers_by_track_profile_and_method_and_the_command_line_overrides_it(tmp_path: Path) -> None:
    text = "canvas:\n  embedded:\n    dpo: {beta: 0.2, learning_rate: 5e-7}\n  gb10:\n    dpo: {beta: 0.5}\ninstruct:\n"
    assert of_file(tmp_path, text, "dpo.beta=0.1") == {"dpo": {"beta": 0.1, "learning_rate": 5e-7}}
    assert of_file(tmp_path, text, profile="gb10") == {"dpo": {"beta": 0.5}}


@pytest.mark.parametrize(
    "text, why",
    [
        ("dpo.betta=0.1", r"no number of dpo 'betta' \(did you mean beta\?\); there are: epochs, learning_rate, batch"),
        ("dpoo.beta=0.1", r"no method 'dpoo' \(did you mean dpo\?\); there are: sft, lora"),
        ("beta=0.1", "write METHOD.FIELD=VALUE"),
        ("dpo.beta", "write METHOD.FIELD=VALUE"),
        ("dpo.beta=", "write METHOD.FIELD=VALUE"),
        ("dpo.beta=strong", "dpo.beta is 'strong'"),
        ("dpo.batch=2.5", "dpo.batch is '2.5'"),
        ("dpo.beta=0", "must be positive"),
        ("dpo.learning_rate=-1", "must be positive"),
        ("dpo.beta=nan", "finite"),
        ("dpo.beta=inf", "finite"),
        ("dpo.warmup=1", "below 1"),
        ("dpo.optimizer=adam_w", "choose one of: adamw_torch"),
        ("dpo.dtype=float16", "dpo.dtype is 'float16'"),
        ("dpo.max_length=4096", "can only be lowered"),
        ("sft.beta=0.1", "sft does not use beta"),
        ("dpo.adapter_rank=8", "dpo does not use adapter_rank"),
        ("dpo.adapter=lora", "adapter_rank must be at least 1"),
        ("kto.batch=1", "at least 2"),
    ],
)
def test_a_number_that_no_run_could_have_is_refused_with_what_there_is(text: str, why: str) -> None:
    with pytest.raises(BadConfig, match=why):
        set_(text)


@pytest.mark.parametrize(
    "text, why",
    [
        ("canvass: {embedded: {dpo: {beta: 1}}}", r"no track 'canvass' \(did you mean canvas\?\)"),
        ("canvas: {gb1: {dpo: {beta: 1}}}", r"no profile 'gb1' \(did you mean gb10\?\); there are: embedded, gb10"),
        ("canvas: {gb10: {dpo: {rate: 1}}}", "no number of dpo 'rate'"),
        ("canvas: {gb10: {dpo: {beta: true}}}", "dpo.beta is True"),
        ("canvas: {gb10: {dpo: 3}}", "numbers with a colon"),
        ("- canvas", "tracks with a colon"),
        ("canvas: [", "not readable YAML"),
    ],
)
def test_the_whole_file_is_checked_also_what_does_not_apply_here(text: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match=why):
        of_file(tmp_path, text)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="no.yaml: the file of overrides cannot be read"):
        resolve(TRACK, "embedded", str(tmp_path / "no.yaml"), [])


def test_max_length_can_be_lowered_and_an_adapter_given() -> None:
    assert set_("dpo.max_length=512") == {"dpo": {"max_length": 512}}
    assert set_("dpo.adapter=lora", "dpo.adapter_rank=8")["dpo"] == {"adapter": "lora", "adapter_rank": 8}
    assert set_("dpo.adapter=none")["dpo"] == {"adapter": None}


def test_what_differs_from_the_table_is_said_in_words() -> None:
    table = METHODS["dpo"].hyperparameters("embedded")
    changed = msgspec.structs.replace(table, beta=0.1, epochs=2.0, learning_rate=5e-7)
    assert differences(changed, table) == "epochs 1 -> 2, learning_rate 4e-05 -> 5e-07, beta 0.3 -> 0.1"
    assert differences(table, table) == ""


def changed_line(good_line: Path, tmp_path: Path) -> tuple[Workspace, Workspace]:
    """A copy of the good line, and the same folder with another beta for dpo."""
    ws = copy_of(good_line, tmp_path / "line")
    return ws, line_at(ws.root, overrides=set_("dpo.beta=0.1"))


def test_a_changed_number_is_part_of_the_run_spec_and_of_the_checkpoint_and_stands_on_the_card(
    good_line: Path, tmp_path: Path
) -> None:
    ws, other = changed_line(good_line, tmp_path)
    before = training.current_spec(ws, "dpo")
    with pytest.raises(GateClosed, match="other numbers than the method table and this run's overrides"):
        training.current_spec(other, "dpo")
    launch = Workshop(other.root / BASE)
    made = build_stage(other, "dpo_run_spec", launch)
    assert not made.reused and made.figures["changed from the table"] == "beta 0.3 -> 0.1"
    spec = read_spec(made.stage.path("spec.json"))
    assert spec.hyperparameters.beta == 0.1 and spec.sha256 != before.sha256
    assert all(verdict.passed for verdict in made.verdicts)
    assert not build_stage(other, "dpo_checkpoint", launch).reused
    facts = model_facts(other, "dpo")
    assert facts["train.changed"].value == "from the table: beta 0.3 -> 0.1" and facts["train.beta"].value == 0.1
    # Without the override, neither that spec nor that checkpoint is current.
    with pytest.raises(GateClosed, match="other numbers"):
        training.current_checkpoint(ws, "dpo")


def test_a_line_with_the_tables_numbers_says_nothing_of_changes(good_line: Path, tmp_path: Path) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    before = read_spec(ws.store.get("dpo_run_spec").path("spec.json"))
    made = build_stage(ws, "dpo_run_spec", Workshop(ws.root / BASE))
    assert read_spec(made.stage.path("spec.json")).sha256 == before.sha256
    assert "changed from the table" not in made.figures
    assert "train.changed" not in model_facts(ws, "dpo")


def test_a_change_of_the_start_stands_on_the_card_of_what_starts_from_it(good_line: Path, tmp_path: Path) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    other = line_at(ws.root, overrides=set_("sft.epochs=3"))
    launch = Workshop(other.root / BASE)
    for stage in (
        "sft_run_spec",
        "sft_checkpoint",
        "sft_bench",
        *SAMPLED,
        "reference_logprobs",
        "dpo_run_spec",
        "dpo_checkpoint",
    ):
        build_stage(other, stage, launch)
    assert model_facts(other, "dpo")["train.changed"].value == "from the table: sft: epochs 2 -> 3"


def test_a_lowered_length_is_the_bound_of_the_rows(good_line: Path, tmp_path: Path) -> None:
    ws = copy_of(good_line, tmp_path / "line")
    other = line_at(ws.root, overrides=set_("dpo.max_length=150"))
    made = build_stage(other, "dpo_run_spec", Workshop(other.root / BASE))
    (lengths,) = [verdict for verdict in made.verdicts if verdict.guard == "g11"]
    assert not lengths.passed  # all rows of this line have 200 tokens


def test_a_wrong_number_ends_the_command_before_anything_starts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert canvas_train("--root", str(tmp_path), "--method", "dpo", "--set", "dpo.betta=1") == 1
    assert "did you mean beta?" in capsys.readouterr().err and list(tmp_path.iterdir()) == []
