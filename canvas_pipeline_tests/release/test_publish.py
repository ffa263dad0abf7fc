from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig, GateClosed, MissingInput
from canvas_pipeline.release.publish import publish, verify
from canvas_pipeline.storage.digests import sha256_file
from canvas_pipeline.tracks.canvas.guards import TABLE
from canvas_pipeline_tests.release.evidence import files_of, open_evidence

replace = msgspec.structs.replace


def snapshot(folder: Path) -> dict[str, str]:
    return {
        p.relative_to(folder).as_posix(): sha256_file(p)
        for p in folder.rglob("*")
        if p.is_file() and not p.is_symlink()
    }


@pytest.fixture
def released(tmp_path: Path) -> Path:
    return publish(TABLE, open_evidence(), files_of(tmp_path / "made"), tmp_path / "releases")


def test_a_release_verifies_also_with_sha256sum_and_is_current(released: Path) -> None:
    assert set(verify(released)) == set(snapshot(released)) - {"SHA256SUMS"}
    assert (released.parent / "current").resolve() == released.resolve()
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released, check=False).returncode == 0
    assert "The release is open" in (released / "RELEASE-LOG.md").read_text()


def test_the_binding_ties_model_cards_and_data(released: Path) -> None:
    bound = json.loads((released / "release.json").read_text())
    assert (
        len(bound["model"]) == 6
        and set(bound["cards"]) == {"README.md", "DATA_CARD.md"}
        and bound["data"]["preference"]
    )
    assert released.name == f"canvas-dpo-{sha256_file(released / 'SHA256SUMS')[:12]}"


def test_publishing_again_gives_the_same_release_and_touches_nothing(released: Path, tmp_path: Path) -> None:
    before = snapshot(released.parent)
    assert publish(TABLE, open_evidence(), files_of(tmp_path / "made"), released.parent) == released
    assert snapshot(released.parent) == before
    elsewhere = publish(TABLE, open_evidence(), files_of(tmp_path / "made"), tmp_path / "elsewhere")
    assert snapshot(elsewhere) == snapshot(released) and elsewhere.name == released.name


def test_a_closed_gate_writes_nothing_and_leaves_the_old_release(released: Path, tmp_path: Path) -> None:
    before = snapshot(released.parent)
    with pytest.raises(GateClosed, match="audit found 1 leaks"):
        publish(TABLE, replace(open_evidence(), leaks=1), files_of(tmp_path / "made"), released.parent)
    with pytest.raises(GateClosed):
        publish(TABLE, replace(open_evidence(), leaks=1), files_of(tmp_path / "made"), tmp_path / "fresh")
    assert snapshot(released.parent) == before and not (tmp_path / "fresh").exists()


def test_a_new_release_stands_beside_the_old_one(released: Path, tmp_path: Path) -> None:
    before = snapshot(released)
    second = publish(TABLE, replace(open_evidence(), code_version="2"), files_of(tmp_path / "made"), released.parent)
    assert second != released and snapshot(released) == before
    assert (released.parent / "current").resolve() == second.resolve()
    assert not list(released.parent.glob(".tmp-*"))


@pytest.mark.parametrize("name", ["canvas-Q4_K_M.gguf", "README.md", "data/preference_train.jsonl"])
def test_a_file_that_is_not_the_one_in_the_evidence_is_not_released(name: str, tmp_path: Path) -> None:
    files = files_of(tmp_path / "made")
    files[name].write_text("another")
    with pytest.raises(GateClosed, match="is not the file the evidence is about"):
        publish(TABLE, open_evidence(), files, tmp_path / "releases")
    assert not (tmp_path / "releases").exists()


def test_missing_and_additional_files_are_each_named(tmp_path: Path) -> None:
    files = files_of(tmp_path / "made")
    files["extra.txt"] = files.pop("Modelfile")
    with pytest.raises(GateClosed) as error:
        publish(TABLE, open_evidence(), files, tmp_path / "releases")
    assert "Modelfile is in the evidence" in str(error.value) and "extra.txt is not in the evidence" in str(error.value)


@pytest.mark.parametrize(
    "name", ["../up.txt", "/abs.txt", "a/../../b", ".hidden", "SHA256SUMS", "release.json", "a b", ""]
)
def test_a_name_that_leaves_the_folder_or_takes_ours_is_refused(name: str, tmp_path: Path) -> None:
    files = files_of(tmp_path / "made")
    with pytest.raises(BadConfig):
        publish(TABLE, open_evidence(), {**files, name: files["README.md"]}, tmp_path / "releases")


def damage_file(folder: Path) -> None:
    (folder / "canvas-Q8_0.gguf").write_text("x")


def swap_card_and_sum(folder: Path) -> None:
    """What a careful forger does: change the card, and its line in SHA256SUMS too."""
    old = sha256_file(folder / "README.md")
    (folder / "README.md").write_text("a nicer card")
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(old, sha256_file(folder / "README.md")))


def unreadable_binding(folder: Path) -> None:
    old = sha256_file(folder / "release.json")
    (folder / "release.json").write_text("[]")
    sums = folder / "SHA256SUMS"
    sums.write_text(sums.read_text().replace(old, sha256_file(folder / "release.json")))


def link(folder: Path) -> None:
    (folder / "README.md").rename(folder.parent / "moved.md")
    os.symlink(folder.parent / "moved.md", folder / "README.md")


DAMAGE = {
    "canvas-Q8_0.gguf is not as listed": damage_file,
    "DATA_CARD.md is missing": lambda folder: (folder / "DATA_CARD.md").unlink(),
    "extra.bin is not listed": lambda folder: (folder / "extra.bin").write_text("x"),
    "release.json binds another README.md": swap_card_and_sum,
    "release.json cannot be read": unreadable_binding,
    "README.md is a link": link,
    "SHA256SUMS:1 cannot be read": lambda folder: (folder / "SHA256SUMS").write_text("0" * 64 + "  ../../etc/passwd\n"),
}


def put_right(folder: Path) -> None:
    """What a more careful forger does: change the card, the binding and every line of SHA256SUMS; the folder's name is left."""
    old, sums = sha256_file(folder / "README.md"), folder / "SHA256SUMS"
    before = sha256_file(folder / "release.json")
    (folder / "README.md").write_text("a nicer card")
    new = sha256_file(folder / "README.md")
    (folder / "release.json").write_text((folder / "release.json").read_text().replace(old, new))
    sums.write_text(sums.read_text().replace(old, new).replace(before, sha256_file(folder / "release.json")))


def test_a_release_that_was_made_consistent_again_does_not_carry_its_name(released: Path) -> None:
    assert verify(released.parent / "current")
    put_right(released)
    assert subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=released, check=False).returncode == 0
    with pytest.raises(ArtifactCorrupt, match=f"the folder is named {released.name}, its content canvas-dpo-"):
        verify(released)
    with pytest.raises(ArtifactCorrupt, match="the folder is named"):
        verify(released.parent / "current")


def test_a_release_under_another_name_does_not_verify(released: Path) -> None:
    moved = released.rename(released.with_name("canvas-sft-0123456789ab"))
    with pytest.raises(ArtifactCorrupt, match="the folder is named canvas-sft-0123456789ab"):
        verify(moved)


@pytest.mark.parametrize("message", DAMAGE)
def test_a_changed_release_does_not_verify(message: str, released: Path) -> None:
    DAMAGE[message](released)
    with pytest.raises(ArtifactCorrupt, match=message.replace(".", r"\.")):
        verify(released)


def test_publishing_again_heals_a_damaged_release_and_keeps_the_damaged_one_aside(
    released: Path, tmp_path: Path
) -> None:
    damage_file(released)
    assert publish(TABLE, open_evidence(), files_of(tmp_path / "made"), released.parent) == released
    assert verify(released)
    (aside,) = released.parent.glob("*.damaged-*")
    assert (aside / "canvas-Q8_0.gguf").read_text() == "x"


def test_a_folder_without_a_release_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(MissingInput, match="is no release"):
        verify(tmp_path)
