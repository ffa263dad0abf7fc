"""Upload, start, resume, polling and failure against a local server that speaks the service's protocols."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from google.oauth2.credentials import Credentials

from canvas_pipeline.errors import BadConfig, BadInput, RunFailed, ServiceUnavailable
from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed import job as jobs
from canvas_pipeline.managed.bases import base_named
from canvas_pipeline.managed.request import Request, build
from canvas_pipeline.managed.service import Service
from canvas_pipeline.managed.uri import StorageUri
from canvas_pipeline_tests.managed.fake_service import FakeService, serving
from canvas_pipeline_tests.managed.given import LLAMA, exported, options


@pytest.fixture
def fake() -> Iterator[FakeService]:
    with serving() as found:
        yield found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    exported(tmp_path / "e", base=LLAMA)
    return tmp_path / "e"


def made(folder: Path, **changed: object) -> tuple[exports.Export, Request]:
    export, sha256 = exports.read(folder)
    return export, build(base_named(LLAMA)[0], export, sha256, options(**changed))


def service(fake: FakeService) -> Service:
    return Service.connect("p", "us-central1", Credentials("token"), fake.url, pause_s=0.01)


def launched(folder: Path, fake: FakeService, **changed: object) -> jobs.JobRecord:
    return jobs.launch(folder, *made(folder, **changed), service(fake), lambda _: None)


def test_the_files_are_uploaded_and_the_job_is_started_with_exactly_the_request_s_body(
    folder: Path, fake: FakeService
) -> None:
    record = launched(folder, fake)
    (job,) = fake.jobs
    assert {key: job[key] for key in made(folder)[1].body} == made(folder)[1].body
    for name in ("train", "validation"):
        assert fake.objects["bkt", f"in/{name}.jsonl"] == (folder / f"{name}.jsonl").read_bytes()
    assert record == jobs.read(folder) and record.job.state == "PENDING"


def test_too_many_requests_twice_and_then_one_job(folder: Path, fake: FakeService) -> None:
    fake.refusals = [429, 429]
    launched(folder, fake)
    assert (fake.posts, len(fake.jobs)) == (3, 1)


def test_a_forbidden_project_is_named_and_asked_once(folder: Path, fake: FakeService) -> None:
    fake.refusals = [403]
    with pytest.raises(BadConfig, match="the project p does not let these credentials do it .403."):
        launched(folder, fake)
    assert fake.posts == 1 and not (folder / jobs.JOB).exists()
    launched(folder, fake)
    assert len(fake.jobs) == 1 and fake.uploads == 2, "what was uploaded is not uploaded again"


def test_a_server_that_stays_busy_is_unavailable(folder: Path, fake: FakeService) -> None:
    fake.refusals = [429] * 50
    with pytest.raises(ServiceUnavailable, match="starting the tuning job: .*429"):
        launched(folder, fake)


def test_a_job_whose_answer_was_lost_is_taken_up_and_not_started_twice(folder: Path, fake: FakeService) -> None:
    fake.lost = True
    with pytest.raises(ServiceUnavailable):
        launched(folder, fake)
    said: list[str] = []
    record = jobs.launch(folder, *made(folder), service(fake), said.append)
    assert record.job.name == fake.jobs[0]["name"] and len(fake.jobs) == 1
    assert "taking it up" in said[0]


def test_a_job_is_started_once_from_a_folder_unless_it_failed(folder: Path, fake: FakeService) -> None:
    launched(folder, fake)
    assert jobs.started(folder, made(folder)[1]) is not None
    with pytest.raises(BadConfig, match="was started from here with other settings"):
        jobs.started(folder, made(folder, epochs=5)[1])
    fake.states = ["FAILED"]
    jobs.refreshed(folder, service(fake))
    assert jobs.started(folder, made(folder)[1]) is None
    launched(folder, fake)
    assert len(fake.jobs) == 2


def test_another_object_of_that_name_is_never_replaced(folder: Path, fake: FakeService) -> None:
    fake.objects["bkt", "in/train.jsonl"] = b"somebody else's"
    with pytest.raises(BadInput, match="is there with other content"):
        launched(folder, fake)
    assert fake.objects["bkt", "in/train.jsonl"] == b"somebody else's" and not fake.jobs


def test_a_job_is_followed_until_it_succeeds(folder: Path, fake: FakeService) -> None:
    launched(folder, fake)
    fake.states = ["PENDING", "RUNNING", "RUNNING", "SUCCEEDED"]
    said: list[str] = []
    record = jobs.followed(folder, service(fake), said.append, pause_s=0.01)
    assert record.job.state == "SUCCEEDED" and jobs.read(folder) == record
    assert said == ["PENDING", "RUNNING", "SUCCEEDED"] and not fake.states


def test_a_failed_job_says_where_its_message_is_and_does_not_repeat_it(folder: Path, fake: FakeService) -> None:
    launched(folder, fake)
    fake.states = ["RUNNING", "FAILED"]
    with pytest.raises(RunFailed, match="ended as FAILED, code 3; the service's message is in .*job.json") as raised:
        jobs.followed(folder, service(fake), lambda _: None, pause_s=0.01)
    assert "secret" not in str(raised.value) and "my secret" in jobs.read(folder).job.message


def test_waiting_ends_after_a_time_and_the_job_goes_on(folder: Path, fake: FakeService) -> None:
    launched(folder, fake)
    fake.states = ["RUNNING"]
    with pytest.raises(ServiceUnavailable, match="has not ended .RUNNING."):
        jobs.followed(folder, service(fake), lambda _: None, pause_s=0.01, at_most_s=0.05)


def test_the_files_of_a_folder_are_downloaded_without_those_below_it(fake: FakeService, tmp_path: Path) -> None:
    for name in ("out/final/adapter_config.json", "out/final/deep/x", "out/finalist/y"):
        fake.objects["bkt", name] = b"{}"
    found = service(fake).download(StorageUri.read("gs://bkt/out/final", "--from"), tmp_path)
    assert [path.name for path in found] == ["adapter_config.json"] and found[0].read_bytes() == b"{}"
