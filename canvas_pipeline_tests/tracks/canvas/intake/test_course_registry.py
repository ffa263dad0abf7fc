"""The private registry: stable, remembered, and silent."""

from __future__ import annotations

import pickle
import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig
from canvas_pipeline.privacy.courses.registry import Registry, registry_key

KEY = b"a key for tests only"
IDENTITIES = [f"course/CS/{n}/-/202601" for n in range(1000, 1040)]


class Crowded(Registry):
    """A registry in which every identity first gets the same handle."""

    def _derive(self, identity: str, counter: int) -> str:
        return f"@COURSE{10_000_000 + counter}"


def test_the_same_identity_gets_the_same_handle_in_any_order_and_any_run(tmp_path: Path) -> None:
    first = Registry(KEY, tmp_path / "a.jsonl")
    forwards = {i: first.handle(i) for i in IDENTITIES}
    backwards = {i: Registry(KEY, tmp_path / "b.jsonl").handle(i) for i in reversed(IDENTITIES)}
    assert forwards == backwards == {i: Registry(KEY).handle(i) for i in IDENTITIES}
    assert {i: Registry(KEY, tmp_path / "a.jsonl").handle(i) for i in IDENTITIES} == forwards


def test_another_key_gives_other_handles_and_cannot_open_the_file(tmp_path: Path) -> None:
    handle = Registry(KEY, tmp_path / "r.jsonl").handle(IDENTITIES[0])
    assert Registry(b"quite another key ...").handle(IDENTITIES[0]) != handle
    with pytest.raises(BadConfig, match="another key"):
        Registry(b"quite another key ...", tmp_path / "r.jsonl")


def test_two_identities_never_share_a_handle_and_the_file_remembers_who_has_it(tmp_path: Path) -> None:
    crowded = Crowded(KEY, tmp_path / "r.jsonl")
    handles = [crowded.handle(i) for i in IDENTITIES[:5]]
    assert len(set(handles)) == 5
    again = Crowded(KEY, tmp_path / "r.jsonl")
    assert [again.handle(i) for i in reversed(IDENTITIES[:5])] == handles[::-1]


def test_writers_at_the_same_time_agree(tmp_path: Path) -> None:
    registries = [Registry(KEY, tmp_path / "r.jsonl") for _ in range(4)]
    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda r: [r.handle(i) for i in IDENTITIES[:12]], registries))
    assert all(result == results[0] for result in results)
    assert len(Registry(KEY, tmp_path / "r.jsonl")) == 12
    assert len((tmp_path / "r.jsonl").read_text().splitlines()) == 13


def test_the_file_is_for_its_owner_only_and_append_only(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    Registry(KEY, path).handle(IDENTITIES[0])
    before = path.read_bytes()
    Registry(KEY, path).handle(IDENTITIES[1])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600 and path.read_bytes().startswith(before)


def test_neither_repr_nor_pickle_nor_an_error_shows_key_or_identity(tmp_path: Path) -> None:
    registry = Registry(KEY, tmp_path / "r.jsonl")
    registry.handle(IDENTITIES[0])
    assert KEY.decode() not in f"{registry!r} {registry} {[registry]}" and "CS" not in repr(registry)
    with pytest.raises(TypeError):
        pickle.dumps(registry)
    (tmp_path / "r.jsonl").write_bytes((tmp_path / "r.jsonl").read_bytes() + b'{"secret": 1, 2}\n')
    with pytest.raises(ArtifactCorrupt) as damaged:
        Registry(KEY, tmp_path / "r.jsonl")
    assert "secret" not in str(damaged.value) and KEY.decode() not in str(damaged.value)


def test_a_torn_last_line_is_derived_again(tmp_path: Path) -> None:
    path = tmp_path / "r.jsonl"
    registry = Registry(KEY, path)
    handles = [registry.handle(i) for i in IDENTITIES[:2]]
    path.write_bytes(path.read_bytes()[:-20])
    after = Registry(KEY, path)
    assert [after.handle(i) for i in IDENTITIES[:2]] == handles
    assert [Registry(KEY, path).handle(i) for i in IDENTITIES[:2]] == handles


def test_the_key_comes_from_the_environment_or_a_private_file_made_once(tmp_path: Path) -> None:
    path = tmp_path / "private" / "registry.key"
    assert (
        registry_key({"CANVAS_REGISTRY_KEY": "sixteen bytes or more"}, path) == b"sixteen bytes or more"
        and not path.exists()
    )
    made = registry_key({}, path)
    assert registry_key({}, path) == made and stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(BadConfig, match="shorter"):
        registry_key({"CANVAS_REGISTRY_KEY": "short"}, path)
    path.chmod(0o644)
    with pytest.raises(BadConfig, match="chmod 600"):
        registry_key({}, path)
