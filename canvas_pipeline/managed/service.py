"""Talk to the tuning service of one project and region, and to Cloud Storage, through Google's own clients.

Too many requests (429) and 503 are asked again with growing pauses: neither has started anything. Messages of the service may quote
rows, so errors name the code and the state only."""

from __future__ import annotations

import base64
import hashlib
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from canvas_pipeline.errors import BadConfig, BadInput, MissingTool, ServiceUnavailable
from canvas_pipeline.managed.request import Request
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline.records import Row

AGAIN = (429, 503)
ATTEMPTS = 6


class Job(Row, frozen=True, kw_only=True):
    """A tuning job as the service reports it. ``message`` is the service's own and may quote rows: for the record only."""

    name: str
    state: str
    code: int | None = None
    message: str = ""
    model: str | None = None
    output_uri: str | None = None

    @property
    def failed(self) -> bool:
        """Whether it ended without a model; the same request may be started again."""
        return self.state in ("FAILED", "CANCELLED", "EXPIRED")

    @property
    def ended(self) -> bool:
        return self.failed or self.state == "SUCCEEDED"


def credentials() -> Any | None:
    """Return the application default credentials, or None where this machine has none."""
    _clients()
    import google.auth
    from google.auth.exceptions import DefaultCredentialsError

    try:
        return google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])[0]
    except DefaultCredentialsError:
        return None


def _clients() -> tuple[ModuleType, ModuleType]:
    try:
        from google import genai
        from google.cloud import storage
    except ImportError:
        raise MissingTool("google-genai is not installed; install the extra canvas-pipeline[vertex]") from None
    return genai, storage


@dataclass(frozen=True, slots=True)
class Service:
    """The clients of one project and region."""

    client: Any
    storage: Any
    project: str

    @classmethod
    def connect(
        cls, project: str, region: str, credentials: Any, endpoint: str | None = None, pause_s: float = 1.0
    ) -> Service:
        """Make the clients; nothing is sent yet. ``endpoint`` is another server that speaks the protocols of both.

        ``pause_s`` is the first pause before asking again."""
        genai, storage = _clients()
        retry = genai.types.HttpRetryOptions(
            attempts=ATTEMPTS,
            initial_delay=pause_s,
            max_delay=60 * pause_s,
            jitter=pause_s,
            http_status_codes=list(AGAIN),
        )
        options = genai.types.HttpOptions(base_url=endpoint, retry_options=retry)
        client = genai.Client(
            vertexai=True, project=project, location=region, credentials=credentials, http_options=options
        )
        at = {"api_endpoint": endpoint} if endpoint else None
        return cls(client, storage.Client(project=project, credentials=credentials, client_options=at), project)

    def find(self, request: Request) -> Job | None:
        """Return the job that the same request has started before and that has not failed, if any."""
        with self._errors("listing the project's tuning jobs"):
            for found in self.client.tunings.list(config={"filter": f'labels.request="{request.label}"'}):
                if (found.labels or {}).get("request") == request.label and not _job(found).failed:
                    return _job(found)
        return None

    def start(self, request: Request) -> Job:
        """Start the job. This spends money."""
        genai, _ = _clients()
        body, spec = request.body, request.body["supervisedTuningSpec"]
        numbers, validation = spec["hyperParameters"], spec.get("validationDatasetUri")
        config = genai.types.CreateTuningJobConfig(
            tuned_model_display_name=body["tunedModelDisplayName"],
            labels=body["labels"],
            output_uri=body.get("outputUri"),
            validation_dataset=genai.types.TuningValidationDataset(gcs_uri=validation) if validation else None,
            tuning_mode=spec.get("tuningMode"),
            epoch_count=numbers["epochCount"],
            adapter_size=numbers.get("adapterSize"),
            learning_rate=numbers.get("learningRate"),
            learning_rate_multiplier=numbers.get("learningRateMultiplier"),
            batch_size=numbers.get("batchSize"),
        )
        dataset = genai.types.TuningDataset(gcs_uri=spec["trainingDatasetUri"])
        with self._errors("starting the tuning job"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the client calls its tuning experimental, once for each call
            return _job(self.client.tunings.tune(base_model=body["baseModel"], training_dataset=dataset, config=config))

    def get(self, name: str) -> Job:
        """Ask for a job's state."""
        with self._errors("asking for the tuning job's state"):
            return _job(self.client.tunings.get(name=name))

    def upload(self, path: Path, uri: StorageUri) -> bool:
        """Upload a file, unless the same bytes are there already. Returns whether it was sent.

        Raises ``BadInput`` where another file has that name: an object that a job may read is never replaced."""
        with self._errors(f"uploading {path.name}"):
            blob = self.storage.bucket(uri.bucket).get_blob(uri.name)
            if blob is not None:
                if blob.md5_hash != _md5(path):
                    raise BadInput(f"{uri} is there with other content; name another address, or remove it")
                return False
            fresh = self.storage.bucket(uri.bucket).blob(uri.name)
            fresh.upload_from_filename(
                str(path), content_type="application/jsonl", if_generation_match=0, checksum="md5"
            )
            return True

    def download(self, uri: StorageUri, folder: Path) -> list[Path]:
        """Download the files of a folder, without those of folders below it, and return their paths."""
        prefix = f"{uri.name.rstrip('/')}/".lstrip("/")
        found = []
        with self._errors("downloading the adapter"):
            for blob in self.storage.list_blobs(uri.bucket, prefix=prefix):
                name = blob.name.removeprefix(prefix)
                if not name or "/" in name or name.startswith("."):
                    continue
                blob.download_to_filename(str(folder / name))
                found.append(folder / name)
        return sorted(found)

    @contextmanager
    def _errors(self, doing: str) -> Iterator[None]:
        """Raise this project's errors in place of the clients'."""
        from google.api_core.exceptions import GoogleAPIError
        from google.auth.exceptions import GoogleAuthError
        from google.genai.errors import APIError
        from httpx2 import HTTPError  # what the client of the jobs stands on

        try:
            yield
        except GoogleAuthError:
            raise ServiceUnavailable(
                f"{doing}: the credentials were refused; log in again: gcloud auth application-default login"
            ) from None
        except (APIError, GoogleAPIError, HTTPError, OSError) as error:
            code = getattr(error, "code", None)
            if code in (401, 403):
                raise BadConfig(
                    f"{doing}: the project {self.project} does not let these credentials do it ({code}); the roles "
                    "aiplatform.user and storage.objectAdmin are needed"
                ) from None
            if code in (400, 404, 412):
                raise BadConfig(
                    f"{doing}: the service refused it ({code}); check project, region, base and addresses"
                ) from None
            raise ServiceUnavailable(
                f"{doing}: the service does not answer ({code or type(error).__name__}); try again later"
            ) from None


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return base64.b64encode(hashlib.file_digest(file, "md5").digest()).decode()


def _job(found: Any) -> Job:
    error, model = found.error, found.tuned_model
    return Job(
        name=found.name,
        state=str(getattr(found.state, "value", found.state) or "UNSPECIFIED").removeprefix("JOB_STATE_"),
        code=error.code if error else None,
        message=(error.message or "") if error else "",
        model=(model.model or model.endpoint) if model else None,
        output_uri=found.output_uri,
    )
