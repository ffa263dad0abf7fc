from __future__ import annotations

import hashlib
import io
import sys
import tarfile
from pathlib import Path

import pytest

from canvas_pipeline.errors import MissingTool
from canvas_pipeline.release.converter import (
    LOCK,
    SCRIPT,
    ensure_converter,
    installed_version,
    locked_sha256,
    unpack,
    wanted_name,
)

ROOT = "llama_cpp_python-0.0/vendor/llama.cpp/"
GOOD = {SCRIPT: b"print()", "conversion/base.py": b"", "gguf-py/gguf/__init__.py": b"", "LICENSE": b"MIT"}


def archive(path: Path, members: dict[str, bytes], *additional: tarfile.TarInfo) -> Path:
    with tarfile.open(path, "w:gz") as tar:
        for name, content in members.items():
            info = tarfile.TarInfo(ROOT + name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        for info in additional:
            tar.addfile(info)
    return path


def fake_pip(folder: Path, body: str) -> tuple[str, ...]:
    """A real program in pip's place: it is started and answers as pip would."""
    script = folder / "pip.py"
    script.write_text(
        f"import sys, shutil, pathlib\ndest = pathlib.Path(sys.argv[sys.argv.index('--dest') + 1])\n{body}\n"
    )
    return (sys.executable, str(script))


def lock_for(path: Path, version: str, sha256: str) -> Path:
    text = f'[[package]]\nname = "llama-cpp-python"\nversion = "{version}"\nsdist = {{ url = "u", hash = "sha256:{sha256}" }}\n'
    path.write_text(text)
    return path


def test_the_set_up_has_fetched_the_converter_of_the_installed_version(converter: Path) -> None:
    assert converter.name == f"llama.cpp-{installed_version()}"
    assert all(
        (converter / name).exists() for name in (SCRIPT, "conversion/gemma.py", "gguf-py/gguf/constants.py", "LICENSE")
    )


def test_the_lock_gives_the_hash_of_the_installed_version() -> None:
    assert len(locked_sha256(LOCK, installed_version())) == 64


def test_a_version_that_is_not_locked_or_a_missing_lock_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="uv sync --locked"):
        locked_sha256(LOCK, "0.0.1")
    with pytest.raises(MissingTool, match="run from a clone"):
        locked_sha256(tmp_path / "uv.lock", "0.0.1")


def test_the_archive_pip_brings_is_verified_and_only_what_is_needed_unpacked(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", GOOD | {"src/llama.cpp": b"int", "tests/x.py": b""})
    lock = lock_for(tmp_path / "uv.lock", installed_version(), hashlib.sha256(made.read_bytes()).hexdigest())
    pip = fake_pip(tmp_path, f"shutil.copy({str(made)!r}, dest)")
    home = ensure_converter(tmp_path / "cache", lock=lock, pip=pip)
    assert sorted(p.relative_to(home).as_posix() for p in home.rglob("*") if p.is_file()) == sorted(GOOD)
    no_pip = fake_pip(tmp_path, "sys.exit(1)")
    assert ensure_converter(tmp_path / "cache", lock=lock, pip=no_pip) == home, "what is there is not fetched again"


def test_an_archive_with_another_hash_is_not_unpacked(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", GOOD)
    lock = lock_for(tmp_path / "uv.lock", installed_version(), "0" * 64)
    with pytest.raises(MissingTool, match="was not unpacked"):
        ensure_converter(tmp_path / "cache", lock=lock, pip=fake_pip(tmp_path, f"shutil.copy({str(made)!r}, dest)"))
    assert not (tmp_path / "cache").exists()


def test_offline_the_error_repeats_pips_last_line_and_says_what_to_do(tmp_path: Path) -> None:
    lock = lock_for(tmp_path / "uv.lock", installed_version(), "0" * 64)
    pip = fake_pip(tmp_path, "sys.exit('ERROR: no route to the index')")
    with pytest.raises(MissingTool, match="no route to the index; connect to a package index once"):
        ensure_converter(tmp_path / "cache", lock=lock, pip=pip)


def link(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(ROOT + name)
    info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
    return info


def huge(name: str) -> tarfile.TarInfo:
    info = tarfile.TarInfo(ROOT + name)
    info.size = 1 << 40
    return info


@pytest.mark.parametrize("member", [link("conversion/x.py"), huge("conversion/x.py")], ids=["link", "huge"])
def test_a_member_that_may_not_be_extracted_stops_it_and_leaves_nothing(
    member: tarfile.TarInfo, tmp_path: Path
) -> None:
    made = archive(tmp_path / "a.tar.gz", GOOD, member)
    with pytest.raises(MissingTool, match="may not be extracted"):
        unpack(made, tmp_path / "cache" / "home")
    assert list((tmp_path / "cache").iterdir()) == []


def test_a_path_that_walks_up_is_not_extracted(tmp_path: Path) -> None:
    made = archive(tmp_path / "a.tar.gz", GOOD | {"conversion/../../../../up.py": b"x"})
    with pytest.raises(MissingTool, match="may not be extracted"):
        unpack(made, tmp_path / "cache" / "home")
    assert not list(tmp_path.rglob("up.py"))


def test_an_archive_without_the_converter_or_no_archive_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingTool, match="does not carry the converter"):
        unpack(archive(tmp_path / "a.tar.gz", {"LICENSE": b"MIT"}), tmp_path / "home")
    (tmp_path / "b.tar.gz").write_bytes(b"no archive")
    with pytest.raises(MissingTool, match="cannot be unpacked"):
        unpack(tmp_path / "b.tar.gz", tmp_path / "home")
    (tmp_path / "c.tar.gz").write_bytes((tmp_path / "a.tar.gz").read_bytes()[:40])
    with pytest.raises(MissingTool, match="cannot be unpacked"):
        unpack(tmp_path / "c.tar.gz", tmp_path / "home")
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("member", "name"),
    [
        (ROOT + SCRIPT, SCRIPT), (ROOT + "conversion/a/b.py", "conversion/a/b.py"), (ROOT + "conversions.py", None),
        ("llama_cpp_python-0.0/" + SCRIPT, None), (ROOT + "gguf-py/tests/x.py", None),
    ],
)  # fmt: skip
def test_only_needed_members_have_a_name(member: str, name: str | None) -> None:
    assert wanted_name(member) == name
