"""The registry's file: encrypted at rest, never mixed, safe for several writers, and able to forget."""

from __future__ import annotations

import multiprocessing
import os
import pickle
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest
from cryptography.fernet import Fernet

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig, MissingInput
from canvas_pipeline.privacy.courses.registry import Registry, RegistryKey, registry_key
from canvas_pipeline.privacy.courses.registry_file import RegistryFile, decrypt_file, encrypt_file, raw_identities

SECRET = b"a key for tests only"
FERNET = Fernet.generate_key()
ENVIRON: Mapping[str, str] = {"CANVAS_REGISTRY_ENCRYPTION_KEY": FERNET.decode()}
KEY = RegistryKey(SECRET, FERNET)
IDENTITIES = [f"course/CS/{n}/21936/202601" for n in range(1000, 1010)] + [
    "of/ada-001/code/intro-7b",
    "of/bo-002/site/7",
]


def test_an_encrypted_file_shows_nothing_and_gives_the_same_handles(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    handles = [Registry(KEY, path).handle(i) for i in IDENTITIES]
    raw = path.read_bytes()
    # Words that no chance puts together: two letters stand in any thousand characters of a cipher.
    assert not any(word in raw for word in (b"course/", b"21936", b"intro-7b", b"ada-001", b"@COURSE"))
    assert (
        handles
        == [Registry(SECRET).handle(i) for i in IDENTITIES]
        == [Registry(KEY, path).handle(i) for i in IDENTITIES]
    )
    assert raw_identities(path, ENVIRON) == sorted(IDENTITIES) and stat.S_IMODE(path.stat().st_mode) == 0o600


def test_an_encrypted_file_is_only_added_to(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Registry(KEY, path).handle(IDENTITIES[0])
    before = path.read_bytes()
    Registry(KEY, path).add(IDENTITIES)
    assert path.read_bytes().startswith(before) and len(path.read_bytes().splitlines()) == 1 + len(IDENTITIES)


def test_a_wrong_or_missing_key_is_refused_without_content(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Registry(KEY, path).add(IDENTITIES)
    other = Fernet.generate_key()
    for key, environ, message in (
        (RegistryKey(SECRET, other), {"CANVAS_REGISTRY_ENCRYPTION_KEY": other.decode()}, "another key"),
        (RegistryKey(SECRET), {}, "is encrypted"),
        (RegistryKey(SECRET, b"no key"), {"CANVAS_REGISTRY_ENCRYPTION_KEY": "no key"}, "no Fernet key"),
    ):
        for attempt in (lambda k=key: Registry(k, path), lambda e=environ: raw_identities(path, e)):
            with pytest.raises(BadConfig, match=message) as refused:
                attempt()
            assert "CS" not in str(refused.value) and other.decode() not in str(refused.value)


def test_plain_and_encrypted_are_never_mixed_and_each_can_be_made_the_other(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    handles = Registry(SECRET, path).add(IDENTITIES) or [Registry(SECRET, path).handle(i) for i in IDENTITIES]
    before = path.read_bytes()
    with pytest.raises(BadConfig, match="not encrypted.*canvas-data registry encrypt"):
        Registry(KEY, path)
    assert path.read_bytes() == before
    assert encrypt_file(path, ENVIRON) == len(IDENTITIES) and b"course/" not in path.read_bytes()
    assert [Registry(KEY, path).handle(i) for i in IDENTITIES] == handles
    with pytest.raises(BadConfig, match="is encrypted"):
        encrypt_file(path, ENVIRON)
    assert decrypt_file(path, ENVIRON) == len(IDENTITIES) and path.read_bytes() == before
    with pytest.raises(BadConfig, match="is not set"):
        encrypt_file(path, {})
    with pytest.raises(MissingInput):
        encrypt_file(tmp_path / "none.jsonl", ENVIRON)


@pytest.mark.parametrize("key", (RegistryKey(SECRET), KEY))
def test_a_line_cut_short_anywhere_loses_itself_only(tmp_path: Path, key: RegistryKey) -> None:
    path = tmp_path / "r.jsonl"
    Registry(key, path).add(IDENTITIES)
    whole = path.read_bytes()
    last = whole[:-1].rfind(b"\n") + 1
    for cut in range(last, len(whole) - 1, 7):
        path.write_bytes(whole[:cut])
        Registry(key, path).handle("course/MATH/1226/-/202601")
        assert len(Registry(key, path)) == len(IDENTITIES)
        assert set(Registry(key, path)._handles) > set(sorted(IDENTITIES)[:-1])


@pytest.mark.parametrize("key", (RegistryKey(SECRET), KEY))
def test_a_damaged_line_is_named_by_file_and_line_only(tmp_path: Path, key: RegistryKey) -> None:
    path = tmp_path / "r.jsonl"
    Registry(key, path).add(IDENTITIES)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:3], lines[3].replace(b'":"', b'"; "', 1), *lines[4:]]))
    with pytest.raises(ArtifactCorrupt, match="line 4") as damaged:
        Registry(key, path)
    assert "CS" not in str(damaged.value)


def test_a_reader_writes_nothing_derives_plainly_and_lists_what_is_new(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    reader = Registry(SECRET, path, writable=False)
    handles = [reader.handle(i) for i in (*IDENTITIES, *IDENTITIES)]
    assert reader.new == tuple(IDENTITIES) and not path.exists() and len(handles) == 2 * len(IDENTITIES)
    assert Registry(SECRET, path).add(reader.new) == {}
    later = Registry(SECRET, path, writable=False)
    assert [later.handle(i) for i in IDENTITIES] == handles[: len(IDENTITIES)] and later.new == ()
    with pytest.raises(BadConfig):
        later.add(["x"])


class Crowded(Registry):
    """A registry in which every identity first gets the same handle."""

    def _derive(self, identity: str, counter: int) -> str:
        return f"@COURSE{10_000_000 + counter}"


def test_adding_says_which_handles_a_reader_could_not_have_known(tmp_path: Path) -> None:
    reader = Crowded(SECRET, tmp_path / "r.jsonl", writable=False)
    assert len({reader.handle(i) for i in IDENTITIES[:3]}) == 1
    moved = Crowded(SECRET, tmp_path / "r.jsonl").add(reversed(reader.new))
    assert moved == {IDENTITIES[1]: "@COURSE10000001", IDENTITIES[2]: "@COURSE10000002"}
    assert Crowded(SECRET, tmp_path / "r.jsonl").add(reader.new) == moved


def test_thousands_are_added_with_one_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda fd: (calls.append(fd), real(fd))[1])
    Registry(SECRET, tmp_path / "r.jsonl").add(f"of/ada-001/site/{n}" for n in range(5000))
    assert len(calls) == 1 and len(Registry(SECRET, tmp_path / "r.jsonl")) == 5000


def _add(path: str, start: int) -> None:
    registry = Registry(KEY, Path(path))
    for n in range(start, start + 20):
        registry.add([f"of/ada-001/site/{n}", f"of/ada-001/site/{n + 1}"])


def test_processes_that_write_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_add, args=(str(path), start)) for start in (0, 10, 20)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(600)
    assert [p.exitcode for p in processes] == [0, 0, 0]
    assert raw_identities(path, ENVIRON) == sorted(f"of/ada-001/site/{n}" for n in range(41))
    assert len(path.read_bytes().splitlines()) == 42


@pytest.mark.parametrize("key", (RegistryKey(SECRET), KEY))
def test_forgetting_removes_a_contributors_own_identities_and_no_handle_of_others_moves(
    tmp_path: Path, key: RegistryKey
) -> None:
    path = tmp_path / "r.jsonl"
    registry, bystander = Registry(key, path), Registry(key, path)
    registry.add([*IDENTITIES, "of/ada-0010/code/x", "of/ada-001/site/9"])
    handles = {i: registry.handle(i) for i in IDENTITIES}
    assert bystander.forget("ada-001") == 2 and bystander.forget("ada-001") == 0 and registry.forget("nobody") == 0
    environ = ENVIRON if key.encryption else {}
    left = raw_identities(path, environ)
    assert "of/ada-0010/code/x" in left and not any(i.startswith("of/ada-001/") for i in left)
    assert all(Registry(key, path).handle(i) == handles[i] for i in left if i in handles)
    # One that had the old file open adds to the new one, and does not bring back what is forgotten.
    registry.handle("course/MATH/1226/-/202601")
    assert raw_identities(path, environ) == sorted([*left, "course/MATH/1226/-/202601"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    for wrong in ("", "a/b"):
        with pytest.raises(BadConfig):
            registry.forget(wrong)


def test_neither_key_shows_itself_and_both_travel_to_a_worker() -> None:
    key = registry_key({"CANVAS_REGISTRY_KEY": SECRET.decode(), **ENVIRON}, Path("unused"))
    shown = f"{key!r} {key} {RegistryFile(Path('r'), FERNET)!r} {Registry(key)!r}"
    assert SECRET.decode() not in shown and FERNET.decode() not in shown
    again = pickle.loads(pickle.dumps(key))
    assert again == SECRET and again.encryption == FERNET
