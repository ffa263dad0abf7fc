"""Start a tuning job once, follow it, and keep what is known of it in ``job.json`` beside the export."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec
import tenacity

from canvas_pipeline.errors import BadConfig, BadInput, MissingInput, RunFailed, ServiceUnavailable
from canvas_pipeline.managed.export import JOB, Export
from canvas_pipeline.managed.request import REQUEST, Request
from canvas_pipeline.managed.service import Job, Service
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline.records import Row, dumps
from canvas_pipeline.storage.atomic import whole_file


class JobRecord(Row, frozen=True, kw_only=True):
    """What ``job.json`` says: the request that was sent, and the job as it was last seen."""

    request: Request
    job: Job


def write_request(folder: Path, request: Request) -> Path:
    """Write ``request.json`` into an export's folder and return its path."""
    return _write(folder / REQUEST, request)


def _write(path: Path, row: Row) -> Path:
    with whole_file(path) as temporary:
        temporary.write_bytes(msgspec.json.format(dumps(row), indent=2) + b"\n")
    return path


def read(folder: Path) -> JobRecord:
    """Read ``job.json``. Raises ``MissingInput`` where no job was started."""
    path = folder / JOB
    try:
        return msgspec.json.decode(path.read_bytes(), type=JobRecord)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no job was started from here; run: canvas-tune launch {folder}") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path}: not a job's record ({error})") from None


def started(folder: Path, request: Request) -> JobRecord | None:
    """Return the job that was started from this folder, if any and as far as is known not failed. Raises ``BadConfig`` where it was
    started by another request."""
    if not (folder / JOB).is_file():
        return None
    record = read(folder)
    if record.job.failed:
        return None
    if record.request.label != request.label:
        raise BadConfig(
            f"{folder}: {record.job.name} was started from here with other settings; export to another folder for another job"
        )
    return record


def launch(folder: Path, export: Export, request: Request, service: Service, log: Callable[[str], None]) -> JobRecord:
    """Upload the files and start the job, unless the same request has started one: then that one is taken up.

    It may be run again after any failure: what was uploaded or started stays as it is."""
    spec = request.body["supervisedTuningSpec"]
    job = service.find(request)
    if job is None:
        addresses = {"train": spec["trainingDatasetUri"], "validation": spec.get("validationDatasetUri")}
        for name, part in export.parts.items():
            uri = StorageUri.read(addresses[name], name)
            sent = service.upload(folder / part.file, uri)
            log(f"{part.file}: {'uploaded to' if sent else 'is already at'} {uri}")
        job = service.start(request)
    else:
        log(f"the same request has started {job.name} before; taking it up")
    record = JobRecord(request=request, job=job)
    _write(folder / JOB, record)
    return record


def refreshed(folder: Path, service: Service) -> JobRecord:
    """Ask for the job's state and record it."""
    record = read(folder)
    record = JobRecord(request=record.request, job=service.get(record.job.name))
    _write(folder / JOB, record)
    return record


def followed(
    folder: Path, service: Service, log: Callable[[str], None], pause_s: float = 30.0, at_most_s: float = 86400.0
) -> JobRecord:
    """Ask with growing pauses until the job has ended. Raises ``RunFailed`` where it did not succeed, ``ServiceUnavailable`` where
    it has not ended after ``at_most_s`` seconds."""
    seen = ""

    def ask() -> JobRecord:
        nonlocal seen
        record = refreshed(folder, service)
        if record.job.state != seen:
            seen = record.job.state
            log(seen)
        return record

    again = tenacity.Retrying(
        retry=tenacity.retry_if_result(lambda record: not record.job.ended),
        wait=tenacity.wait_exponential(multiplier=pause_s, max=10 * pause_s),
        stop=tenacity.stop_after_delay(at_most_s),
    )
    try:
        record: JobRecord = again(ask)
    except tenacity.RetryError:
        raise ServiceUnavailable(
            f"{folder}: the job has not ended ({seen}); ask again later: canvas-tune status {folder}"
        ) from None
    require_success(folder, record.job)
    return record


def require_success(folder: Path, job: Job) -> None:
    """Raise ``RunFailed`` for a job that ended without a model. What the service says of it is in the record only."""
    if job.failed:
        code = "" if job.code is None else f", code {job.code}"
        raise RunFailed(f"{job.name} ended as {job.state}{code}; the service's message is in {folder / JOB}", 1)
