"""Build the request that starts a managed tuning, and check it against ``request.schema.json``.

Nothing here knows the network: a dry run builds and checks the same request that ``launch`` sends."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadConfig, MissingTool
from canvas_pipeline.managed.bases import ADAPTER_SIZES, REGIONS, Base, Mode
from canvas_pipeline.managed.export import Export
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline.records import Row, digest, dumps

SCHEMA = Path(__file__).with_name("request.schema.json")
REQUEST = "request.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What ``launch`` is told. ``default_learning_rate`` turns a multiplier into the rate that an open base asks for.

    ``usd_per_million_tokens`` is the price of the base's training tokens, as the user knows it."""

    project: str
    region: str
    display_name: str
    train_uri: str
    validation_uri: str | None = None
    output_uri: str | None = None
    mode: Mode = "PEFT_ADAPTER"
    adapter_size: int = 4
    epochs: int = 3
    learning_rate: float | None = None
    multiplier: float | None = None
    default_learning_rate: float | None = None
    batch_size: int | None = None
    usd_per_million_tokens: float | None = None


class Cost(Row, frozen=True, kw_only=True):
    """An estimate: the export's training tokens times the epochs, at the rate that the user gave."""

    tokens: int
    usd_per_million_tokens: float
    usd: float


class Request(Row, frozen=True, kw_only=True):
    """What ``request.json`` says. ``body`` is what is sent; ``export`` the sha256 of the export's ``export.json``; ``cost`` is None
    where no rate was given or tokens were not counted."""

    project: str
    region: str
    body: dict[str, Any]
    export: str
    notes: tuple[str, ...] = ()
    cost: Cost | None = None

    @property
    def url(self) -> str:
        host = f"https://{self.region}-aiplatform.googleapis.com"
        return f"{host}/v1beta1/projects/{self.project}/locations/{self.region}/tuningJobs"

    @property
    def label(self) -> str:
        """The value of the job's label ``request``: the same request has the same one, so that it is never started twice."""
        return str(self.body["labels"]["request"])


def build(base: Base, export: Export, export_sha256: str, options: Options) -> Request:
    """Build the request. Raises ``BadConfig`` for a combination that the service refuses or would ignore."""
    notes: list[str] = []
    if options.mode != export.mode:
        raise BadConfig(
            f"the rows were exported for {export.mode}, not {options.mode}: the limits differ; export again"
        )
    if options.region not in REGIONS:
        notes.append(f"the region {options.region} is not among those that the pages name: {', '.join(REGIONS)}")
    numbers: dict[str, Any] = {"epochCount": options.epochs}
    if options.mode == "PEFT_ADAPTER":
        if options.adapter_size not in ADAPTER_SIZES:
            sizes = ", ".join(map(str, ADAPTER_SIZES))
            raise BadConfig(f"--adapter-size {options.adapter_size} is not offered; choose one of: {sizes}")
        numbers["adapterSize"] = f"ADAPTER_SIZE_{ADAPTER_SIZES[options.adapter_size]}"
    numbers |= _rate(base, options, notes)
    if options.batch_size is not None:
        if base.first_party:
            raise BadConfig(f"--batch-size is for open bases; the service chooses that of {base.id}")
        numbers["batchSize"] = options.batch_size
    spec: dict[str, Any] = {"trainingDatasetUri": _file(options.train_uri, "--train-uri"), "hyperParameters": numbers}
    if "validation" in export.parts:
        if options.validation_uri is None:
            raise BadConfig("the export has a validation file; say where it goes with --validation-uri")
        spec["validationDatasetUri"] = _file(options.validation_uri, "--validation-uri")
    elif options.validation_uri is not None:
        raise BadConfig("the export has no validation file; leave --validation-uri out")
    if not base.first_party:
        spec["tuningMode"] = f"TUNING_MODE_{options.mode}"
    body: dict[str, Any] = {
        "baseModel": base.id,
        "supervisedTuningSpec": spec,
        "tunedModelDisplayName": options.display_name,
    }
    if options.output_uri is not None:
        body["outputUri"] = str(StorageUri.read(options.output_uri, "--output-uri"))
    elif not base.first_party:
        raise BadConfig(
            "an open base leaves its weights in a folder of yours; name it with --output-uri gs://bucket/folder"
        )
    body["labels"] = {"request": digest(options.project, options.region, dumps(body).decode(), export_sha256)[:16]}
    problems = problems_of(body)
    if problems:
        raise BadConfig("the request is not one that the service takes: " + "; ".join(problems))
    cost = _cost(export, options, notes)
    return Request(
        project=options.project, region=options.region, body=body, export=export_sha256, notes=tuple(notes),
        cost=cost,
    )  # fmt: skip


def _rate(base: Base, options: Options, notes: list[str]) -> Mapping[str, float]:
    """Return the learning rate in the form that the base takes: its own models a multiplier, open ones a rate."""
    rate, multiplier = options.learning_rate, options.multiplier
    if rate is not None and multiplier is not None:
        raise BadConfig("--learning-rate and --learning-rate-multiplier exclude each other; give one")
    if base.first_party:
        if rate is not None:
            raise BadConfig(f"{base.id} takes no --learning-rate; give --learning-rate-multiplier")
        return {} if multiplier is None else {"learningRateMultiplier": multiplier}
    if multiplier is None:
        return {} if rate is None else {"learningRate": rate}
    if options.default_learning_rate is None:
        raise BadConfig(
            f"{base.id} is an open model, and the service takes a multiplier for its own models only: give --learning-rate, or "
            "--default-learning-rate X to convert the multiplier"
        )
    converted = multiplier * options.default_learning_rate
    notes.append(f"learning rate {converted:g} = multiplier {multiplier:g} × default {options.default_learning_rate:g}")
    return {"learningRate": converted}


def _file(text: str, what: str) -> str:
    uri = StorageUri.read(text, what)
    if not uri.name or uri.name.endswith("/"):
        raise BadConfig(f"{what} {text!r} names a folder; name the file, gs://bucket/name.jsonl")
    return str(uri)


def _cost(export: Export, options: Options, notes: list[str]) -> Cost | None:
    rate, lengths = options.usd_per_million_tokens, export.parts["train"].lengths
    if rate is None:
        return None
    if lengths.unit != "tokens":
        notes.append("no cost estimate: the export's tokens were not counted; export again with --tokenizer")
        return None
    tokens = lengths.total * options.epochs
    return Cost(tokens=tokens, usd_per_million_tokens=rate, usd=round(tokens / 1e6 * rate, 2))


def problems_of(body: Mapping[str, Any]) -> list[str]:
    """List what the schema has against a body: where, and which rule."""
    try:
        from jsonschema import Draft202012Validator
    except ImportError:
        raise MissingTool("jsonschema is not installed; install the extra canvas-pipeline[vertex]") from None
    validator = Draft202012Validator(json.loads(SCHEMA.read_text(encoding="utf-8")))
    return sorted(f"{error.json_path}: {error.message}" for error in validator.iter_errors(body))
