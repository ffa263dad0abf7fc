"""A fetched adapter is the one that was asked for, and knows the export that it was trained on."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from canvas_pipeline.errors import BadConfig, BadInput
from canvas_pipeline.managed import export as exports
from canvas_pipeline.managed.bases import base_named
from canvas_pipeline.managed.fetch import fetch
from canvas_pipeline.managed.job import JobRecord
from canvas_pipeline.managed.request import build
from canvas_pipeline.managed.service import Job
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline_tests.managed.given import LLAMA, exported, options, save_adapter


def record(folder: Path, **changed: Any) -> JobRecord:
    exported(folder, base=LLAMA, **({"mode": changed["mode"]} if "mode" in changed else {}))
    made, sha256 = exports.read(folder)
    request = build(base_named(LLAMA)[0], made, sha256, options(**changed))
    return JobRecord(request=request, job=Job(name="projects/p/locations/l/tuningJobs/1", state="SUCCEEDED"))


def test_the_adapter_is_bound_to_the_job_the_request_and_the_export(tmp_path: Path) -> None:
    source = save_adapter(tmp_path / "source")
    (source / "README.md").write_text("/home/somebody/paths")
    found = fetch(tmp_path / "out", "toy", base_named(LLAMA)[0], record(tmp_path / "e"), source)
    assert found.export == sha256_file(tmp_path / "e" / "export.json")
    assert (found.rank, found.epochs, found.base, found.licence) == (
        16,
        3,
        "meta-llama/Llama-3.1-8B-Instruct",
        "llama3.1",
    )
    assert found.untouched == () and len(found.targets) == 7
    kept = sorted(p.relative_to(tmp_path / "out").as_posix() for p in (tmp_path / "out").rglob("*") if p.is_file())
    assert kept == ["adapter/adapter_config.json", "adapter/adapter_model.safetensors", "managed.json"]
    assert all(sha256_file(tmp_path / "out" / "adapter" / name) == sha for name, sha in found.files.items())


def test_files_may_be_brought_by_the_service(tmp_path: Path) -> None:
    source = save_adapter(tmp_path / "source")
    found = fetch(
        tmp_path / "out", "toy", base_named(LLAMA)[0], record(tmp_path / "e"),
        lambda into: shutil.copytree(source, into, dirs_exist_ok=True),
    )  # fmt: skip
    assert found.rank == 16 and not (tmp_path / "out" / "brought").exists()


@pytest.mark.parametrize(
    ("adapter", "reason"),
    [
        ({"base": "Qwen/Qwen3-32B"}, "is for the base Qwen3-32B"),
        ({"rank": 8}, "has rank 8, and 16 was asked for"),
    ],
)
def test_another_job_s_adapter_is_refused_and_nothing_is_left(
    adapter: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(BadInput, match=reason):
        source = save_adapter(tmp_path / "source", **adapter)
        fetch(tmp_path / "out", "toy", base_named(LLAMA)[0], record(tmp_path / "e"), source)
    assert not (tmp_path / "out").exists()


def test_whole_weights_are_no_adapter(tmp_path: Path) -> None:
    with pytest.raises(BadConfig, match="the whole weights were tuned"):
        fetch(
            tmp_path / "o",
            "toy",
            base_named(LLAMA)[0],
            record(tmp_path / "e", mode="FULL"),
            save_adapter(tmp_path / "s"),
        )
