"""Take an adapter that the service trained, checked against the request and bound to the export that it was trained on.

<out>/adapter/      the adapter in PEFT's form
      managed.json  its base, rank and hashes, the job, and the hashes of request and export"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.managed.bases import ADAPTER_SIZES, Base
from canvas_pipeline.managed.job import JobRecord
from canvas_pipeline.records import Row, digest, dumps
from canvas_pipeline.release.adapter import TARGETS, read_adapter
from canvas_pipeline.storage.atomic import whole_folder
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.training.leaving import ADAPTER_CONFIG, ADAPTER_WEIGHTS
from canvas_pipeline.training.weights import ADAPTER

FETCHED = "managed.json"


class Fetched(Row, frozen=True, kw_only=True):
    """What ``managed.json`` says. ``untouched`` are kinds of layers that the service left as they were."""

    track: str
    base: str
    licence: str
    rank: int
    alpha: float
    epochs: int
    parameters: int
    targets: tuple[str, ...]
    untouched: tuple[str, ...]
    job: str
    request: str
    export: str
    files: dict[str, str]


def fetch(out: Path, track: str, base: Base, record: JobRecord, source: Path | Callable[[Path], object]) -> Fetched:
    """Take the adapter of a job into the folder ``out``. ``source`` is its folder, or puts its files into the one that it is given.

    Raises ``BadInput`` where the adapter is not whole, of another base or of another rank than was asked for."""
    numbers = record.request.body["supervisedTuningSpec"]["hyperParameters"]
    if "adapterSize" not in numbers:
        raise BadConfig("the whole weights were tuned, and there is no adapter to fetch")
    with whole_folder(out, FETCHED) as folder:
        brought = source if isinstance(source, Path) else folder / "brought"
        if not isinstance(source, Path):
            brought.mkdir()
            source(brought)
        adapter = read_adapter(brought)
        if base.known and adapter.base.rstrip("/").casefold() not in {base.id.casefold(), base.hub.casefold()}:
            raise BadInput(
                f"the adapter is for the base {Path(adapter.base).name}, and {base.id} was tuned; take that job's folder"
            )
        rank = next(size for size, word in ADAPTER_SIZES.items() if numbers["adapterSize"] == f"ADAPTER_SIZE_{word}")
        if adapter.rank != rank:
            raise BadInput(f"the adapter has rank {adapter.rank}, and {rank} was asked for; take that job's folder")
        (folder / ADAPTER).mkdir()
        for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS):
            shutil.copyfile(brought / name, folder / ADAPTER / name)
        shutil.rmtree(folder / "brought", ignore_errors=True)
        fetched = Fetched(
            track=track, base=base.hub or base.id, licence=base.licence, rank=adapter.rank, alpha=adapter.alpha,
            epochs=numbers["epochCount"], parameters=adapter.parameters, targets=adapter.targets,
            untouched=tuple(sorted(TARGETS - set(adapter.targets))), job=record.job.name,
            request=digest(dumps(record.request.body).decode()), export=record.request.export,
            files={name: sha256_file(folder / ADAPTER / name) for name in (ADAPTER_CONFIG, ADAPTER_WEIGHTS)},
        )  # fmt: skip
        (folder / FETCHED).write_bytes(msgspec.json.format(dumps(fetched), indent=2) + b"\n")
    return fetched
