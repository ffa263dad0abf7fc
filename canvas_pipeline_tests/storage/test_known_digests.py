"""A large file that nothing touches is read once, in however many processes; one that anything touches is read again."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from canvas_pipeline.errors import ArtifactCorrupt
from canvas_pipeline.storage import known_digests
from canvas_pipeline.storage.digests import sha256_file, sha256_path
from canvas_pipeline.storage.known_digests import SMALLEST, KnownDigests
from canvas_pipeline.storage.seal import Seal
from canvas_pipeline.storage.store import Recipe, Store, Writer


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """No file has to settle; a test that needs it says so."""
    monkeypatch.setattr(known_digests, "SETTLED_S", -1.0)
    return []


@pytest.fixture
def digests(tmp_path: Path, reads: list[Path]) -> KnownDigests:
    def read(path: Path) -> str:
        reads.append(path)
        return sha256_file(path)

    return KnownDigests(Seal(tmp_path / "private" / "store.key"), read)


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"\x01" * SMALLEST)
    return path


def test_an_untouched_file_is_read_once(digests: KnownDigests, large: Path, reads: list[Path]) -> None:
    assert digests.file(large) == digests.file(large) == sha256_file(large)
    assert reads == [large]


def test_a_small_file_is_read_each_time(digests: KnownDigests, tmp_path: Path, reads: list[Path]) -> None:
    small = tmp_path / "config.json"
    small.write_text("{}")
    assert digests.file(small) == digests.file(small)
    assert reads == [small, small] and not digests.database.exists()


def flip_a_byte(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(100)
        file.write(b"\x02")


def flip_and_set_the_time_back(path: Path) -> None:
    before = path.stat()
    flip_a_byte(path)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def another_file_in_its_place(path: Path) -> None:
    before = path.stat()
    other = path.with_name("other")
    other.write_bytes(b"\x03" * before.st_size)
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)


@pytest.mark.parametrize("change", [flip_a_byte, flip_and_set_the_time_back, another_file_in_its_place])
def test_a_file_that_was_changed_is_read_again(
    digests: KnownDigests, large: Path, reads: list[Path], change: Callable[[Path], None]
) -> None:
    digests.file(large)
    change(large)
    assert digests.file(large) == sha256_file(large)
    assert reads == [large, large]


def test_a_file_that_has_just_changed_is_not_remembered(
    digests: KnownDigests, large: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_digests, "SETTLED_S", 60.0)
    digests.file(large)
    digests.file(large)
    assert reads == [large, large]


def test_an_edited_row_is_not_believed(digests: KnownDigests, large: Path, reads: list[Path]) -> None:
    digests.file(large)
    with sqlite3.connect(digests.database) as connection:
        connection.execute("UPDATE known SET sha256 = ?", ("0" * 64,))
    assert digests.file(large) == sha256_file(large)
    assert reads == [large, large]


def test_a_row_of_another_data_folder_is_not_believed(digests: KnownDigests, large: Path, tmp_path: Path) -> None:
    digests.file(large)
    other = KnownDigests(Seal(tmp_path / "other" / "store.key"), lambda path: "read again")
    other.seal.sign("", "")  # makes its key
    other.database.write_bytes(digests.database.read_bytes())
    assert other.file(large) == "read again"


def test_a_damaged_database_is_made_anew(digests: KnownDigests, large: Path, reads: list[Path]) -> None:
    digests.file(large)
    digests.database.write_bytes(b"no database" * 100)
    assert digests.file(large) == digests.file(large) == sha256_file(large)
    assert reads == [large, large]


def test_a_database_that_another_process_holds_stays_as_it_is_and_the_file_is_read(
    digests: KnownDigests, large: Path, reads: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(known_digests, "_WAIT_S", 0.05)
    digests.file(large)
    held = digests.database.stat().st_ino
    with sqlite3.connect(digests.database) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert digests.file(large) == sha256_file(large)
    assert digests.file(large) == sha256_file(large)
    assert reads == [large, large] and digests.database.stat().st_ino == held


def test_a_folder_has_the_hash_that_reading_it_gives(digests: KnownDigests, large: Path) -> None:
    folder = large.parent / "model"
    folder.mkdir()
    large.rename(folder / large.name)
    (folder / "config.json").write_text("{}")
    assert digests.path(folder) == digests.path(folder) == sha256_path(folder)


def put(store: Store) -> None:
    def build(writer: Writer) -> None:
        writer.path("model/model.safetensors").write_bytes(b"\x01" * SMALLEST)

    store.make(Recipe(stage="a", code_version="1"), build)


def test_other_processes_do_not_read_a_checkpoint_that_one_has_read(tmp_path: Path) -> None:
    """The first look after the file settled reads it; a look from a fresh process opens it no more."""
    look = (
        "import sys; opened = []\n"
        "sys.addaudithook(lambda name, args: opened.append(str(args[0])) if name == 'open' else None)\n"
        "from pathlib import Path\nfrom canvas_pipeline.storage.store import Store\n"
        "Store(Path(sys.argv[1])).get('a').directory()\n"
        "print(sum(name.endswith('.safetensors') for name in opened))"
    )
    put(Store(tmp_path))
    time.sleep(known_digests.SETTLED_S + 0.1)
    counts = [
        subprocess.run([sys.executable, "-c", look, str(tmp_path)], capture_output=True, text=True, check=True).stdout
        for _ in range(3)
    ]
    assert [int(count) for count in counts] == [1, 0, 0]


def test_publishing_reads_files_whose_digest_is_known(tmp_path: Path, reads: list[Path]) -> None:
    """As a disk that flips a bit by itself does: neither time moves."""
    store = Store(tmp_path)
    put(store)
    stage = store.get("a").verify()
    path = stage.folder / "model/model.safetensors"
    store.digests._remember(path.stat(), stage.manifest.files["model/model.safetensors"].sha256)
    flip_a_byte(path)
    store.digests._remember(path.stat(), stage.manifest.files["model/model.safetensors"].sha256)
    store.get("a").verify()
    with pytest.raises(ArtifactCorrupt, match=r"model\.safetensors"):
        store.get("a").verify(read_again=True)
