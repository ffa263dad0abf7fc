"""The request that starts a managed tuning: its body for each base, and the combinations that are refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed.bases import ADAPTER_SIZES, Format, base_named
from canvas_pipeline.managed.request import SCHEMA, Request, build, problems_of
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline_tests.managed.given import GEMINI, GEMMA, LLAMA, LLAMA4, QWEN, exported, options

URIS = {"trainingDatasetUri": "gs://bkt/in/train.jsonl", "validationDatasetUri": "gs://bkt/in/validation.jsonl"}
OPEN = {"epochCount": 3, "adapterSize": "ADAPTER_SIZE_SIXTEEN", "learningRate": 0.00014}


def request(folder: Path, base: str = LLAMA, form: Format | None = None, **changed: Any) -> Request:
    exported(folder, base=base, form=form, **({"mode": changed["mode"]} if "mode" in changed else {}))
    made, sha256 = exports.read(folder)
    return build(base_named(base)[0], made, sha256, options(**changed))


@pytest.mark.parametrize(
    ("base", "form"),
    [(base, form) for base in (GEMMA, LLAMA, LLAMA4, QWEN) for form in ("prompt-completion", "messages")],
)
def test_an_open_base_s_body_is_what_the_service_documents(base: str, form: Format, tmp_path: Path) -> None:
    body = request(tmp_path / "e", base, form).body
    label = body.pop("labels")
    assert body == {
        "baseModel": base,
        "supervisedTuningSpec": {**URIS, "hyperParameters": OPEN, "tuningMode": "TUNING_MODE_PEFT_ADAPTER"},
        "tunedModelDisplayName": "router",
        "outputUri": "gs://bkt/out",
    }
    assert set(label) == {"request"} and len(label["request"]) == 16


def test_the_service_s_own_model_takes_a_multiplier_and_no_folder_of_ours(tmp_path: Path) -> None:
    made = request(tmp_path / "e", GEMINI, learning_rate=None, multiplier=0.7, output_uri=None)
    assert made.body["supervisedTuningSpec"] == {
        **URIS,
        "hyperParameters": {"epochCount": 3, "adapterSize": "ADAPTER_SIZE_SIXTEEN", "learningRateMultiplier": 0.7},
    }
    assert "outputUri" not in made.body


def test_a_multiplier_for_an_open_base_is_refused_or_converted_and_said(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="open model.*give --learning-rate, or --default-learning-rate X to convert"):
        request(tmp_path / "a", LLAMA, learning_rate=None, multiplier=0.7)
    made = request(tmp_path / "b", LLAMA, learning_rate=None, multiplier=0.7, default_learning_rate=2e-4)
    assert made.body["supervisedTuningSpec"]["hyperParameters"]["learningRate"] == pytest.approx(1.4e-4)
    assert made.notes == ("learning rate 0.00014 = multiplier 0.7 × default 0.0002",)


@pytest.mark.parametrize(
    ("base", "changed", "reason"),
    [
        (LLAMA, {"multiplier": 0.7}, "exclude each other"),
        (GEMINI, {"learning_rate": 1e-4, "output_uri": None}, "takes no --learning-rate"),
        (LLAMA, {"adapter_size": 2}, "not offered; choose one of: 1, 4, 8, 16, 32"),
        (LLAMA, {"adapter_size": 64}, "not offered"),
        (LLAMA, {"output_uri": None}, "name it with --output-uri"),
        (LLAMA, {"train_uri": "gs:bkt/in/train.jsonl"}, "no address of the form gs://bucket/name"),
        (LLAMA, {"train_uri": "gs://bkt/in/"}, "names a folder"),
        (LLAMA, {"validation_uri": None}, "the export has a validation file"),
        (LLAMA, {"display_name": "n" * 129}, "is too long"),
        (LLAMA, {"epochs": 0}, "less than the minimum"),
        (LLAMA, {"learning_rate": -1.0}, "learningRate"),
        (GEMINI, {"learning_rate": None, "batch_size": 4, "output_uri": None}, "for open bases"),
    ],
)
def test_a_combination_that_the_service_refuses_is_refused_here(
    base: str, changed: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BadConfig, match=reason):
        request(tmp_path / "e", base, **changed)


def test_another_mode_than_that_of_the_export_is_refused(tmp_path: Path) -> None:
    exported(tmp_path / "e", base=LLAMA)
    made, sha256 = exports.read(tmp_path / "e")
    with pytest.raises(BadConfig, match="exported for PEFT_ADAPTER, not FULL"):
        build(base_named(LLAMA)[0], made, sha256, options(mode="FULL"))
    full = request(tmp_path / "f", LLAMA, mode="FULL").body["supervisedTuningSpec"]
    assert full["tuningMode"] == "TUNING_MODE_FULL" and "adapterSize" not in full["hyperParameters"]


def test_a_region_that_is_not_documented_is_a_note(tmp_path: Path) -> None:
    assert "mars-north1" in request(tmp_path / "e", region="mars-north1").notes[0]


def test_a_cost_is_stated_only_from_a_given_rate_and_counted_tokens(tmp_path: Path) -> None:
    assert request(tmp_path / "a").cost is None
    uncounted = request(tmp_path / "b", usd_per_million_tokens=3.0)
    assert uncounted.cost is None and "tokens were not counted" in uncounted.notes[-1]
    exported(tmp_path / "c", base=LLAMA, count=lambda text: 1000)
    made, sha256 = exports.read(tmp_path / "c")
    cost = build(base_named(LLAMA)[0], made, sha256, options(usd_per_million_tokens=3.0)).cost
    assert cost is not None and (cost.tokens, cost.usd) == (120 * 1000 * 3, 1.08)


def test_the_label_is_the_request_s_own(tmp_path: Path) -> None:
    first, again = request(tmp_path / "a"), request(tmp_path / "b")
    assert first.label == again.label
    assert first.label not in {request(tmp_path / "c", **change).label for change in ({"epochs": 4}, {"project": "q"})}


def test_the_schema_is_one_and_names_what_is_wrong(tmp_path: Path) -> None:
    Draft202012Validator.check_schema(json.loads(SCHEMA.read_text()))
    body = request(tmp_path / "e").body
    assert problems_of(body) == []
    body["supervisedTuningSpec"]["hyperParameters"]["adapterSize"] = "ADAPTER_SIZE_TWO"
    (problem,) = problems_of(body)
    assert problem.startswith("$.supervisedTuningSpec.hyperParameters.adapterSize: ")
    assert set(ADAPTER_SIZES) == {1, 4, 8, 16, 32}


def test_an_address_is_split_as_one() -> None:
    uri = StorageUri.read("gs://bkt/a/b.jsonl", "--x")
    assert (uri.bucket, uri.name, str(uri)) == ("bkt", "a/b.jsonl", "gs://bkt/a/b.jsonl")
    assert str(StorageUri.read("gs://bkt", "--x").below("f")) == "gs://bkt/f"
