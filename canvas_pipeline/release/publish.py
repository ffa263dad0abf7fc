"""Publish a release to a local folder, bound by hashes and verifiable offline.

    <to>/<name>-<12 hex>/        one release; the hex is the start of its SHA256SUMS' own sha256
        *.gguf README.md DATA_CARD.md Modelfile RELEASE-LOG.md
        release.json             what the release binds: model, card and data hashes, inputs, code version
        SHA256SUMS               every other file, in the form `sha256sum --check` reads; written last
        WITHDRAWN                only where a contributor of training data was removed: the reason and the date
    <to>/current                 link to the newest release, replaced atomically; never to a withdrawn one

Nothing is written unless the gate is open and every file is the one in the evidence. An intact release is never modified; a damaged
copy of the new one is renamed. The same evidence and files give the same release, byte for byte.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Any

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig, GateClosed, MissingInput
from canvas_pipeline.guardrails.table import GuardTable
from canvas_pipeline.records import dumps
from canvas_pipeline.release.gate import CARDS, ReleaseEvidence, require
from canvas_pipeline.release.release_log import release_log
from canvas_pipeline.storage.atomic import point, sync, unfinished, whole_file
from canvas_pipeline.storage.digests import sha256_file

SUMS = "SHA256SUMS"
BINDING = "release.json"
LOG = "RELEASE-LOG.md"
WITHDRAWN = "WITHDRAWN"
OWN = (SUMS, BINDING, LOG, WITHDRAWN)
_LINE = re.compile(r"([0-9a-f]{64})  (\S.*)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


def publish(table: GuardTable, evidence: ReleaseEvidence, files: Mapping[str, Path], to: Path) -> Path:
    """Release ``files`` (name in the release → path) below ``to`` and return the release's folder.

    Raises ``GateClosed`` with every reason against (a file that is not the one in the evidence is one), and ``BadConfig`` for a
    name outside the folder. An equal, intact release that already exists is returned unchanged.
    """
    require(table, evidence)
    _names(evidence.name, files)
    _same_files(evidence, files)
    return assemble(evidence.name, files, release_log(table, evidence), binding(evidence), to)


def assemble(name: str, files: Mapping[str, Path], log: str, bound: Mapping[str, Any], to: Path) -> Path:
    """Write a release of ``files``, its log and its binding below ``to``, point ``current`` to it, and return its folder.

    For callers that asked the gate. Raises ``BadConfig`` for a name outside the folder."""
    _names(name, files)
    to.mkdir(parents=True, exist_ok=True)
    temporary = unfinished(to / name)
    try:
        for file, source in sorted(files.items()):
            target = temporary / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(source, target)
        (temporary / LOG).write_text(log, encoding="utf-8")
        (temporary / BINDING).write_bytes(dumps(bound) + b"\n")
        _write_sums(temporary)
        final = to / _folder_name(name, temporary)
        _verified(temporary, final.name)  # reads the disk, to detect a full or failing one
        if not _intact(final):
            sync(temporary, deep=True)
            if final.exists():  # damaged: renamed, not removed, so that it can be examined
                os.rename(final, _unused_name(final))
            os.rename(temporary, final)
            sync(to)
        point(to / "current", final.name)
        return final
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _intact(folder: Path) -> bool:
    try:
        verify(folder)
    except (MissingInput, ArtifactCorrupt):
        return False
    return True


def _unused_name(folder: Path) -> Path:
    return next(p for n in range(1, 1000) if not (p := folder.with_name(f"{folder.name}.damaged-{n}")).exists())


def mark_withdrawn(folder: Path, reason: str) -> None:
    """Mark a release as withdrawn, and point ``current`` to the newest intact one that is not, if any.

    Its files are not removed, so that copies can be identified. Idempotent; does nothing where there is no such folder."""
    if not folder.is_dir():
        return
    if not (folder / WITHDRAWN).is_file():
        with whole_file(folder / WITHDRAWN) as temporary:
            temporary.write_text(reason, encoding="utf-8")
    link = folder.with_name("current")
    if link.is_symlink() and os.readlink(link) == folder.name:
        others = [
            p for p in folder.parent.iterdir() if p.is_dir() and not p.is_symlink() and not p.name.startswith(".")
        ]
        others.sort(key=lambda p: p.stat().st_mtime_ns, reverse=True)
        intact = next((p for p in others if not (p / WITHDRAWN).exists() and _intact(p)), None)
        if intact is None:
            link.unlink()
        else:
            point(link, intact.name)


def binding(evidence: ReleaseEvidence) -> dict[str, Any]:
    """Return the content of ``release.json``, which binds the model's files to their cards and training data."""
    cards = {name: evidence.cards[name].sha256 for name in CARDS}
    return {
        "name": evidence.name,
        "method": evidence.method,
        "profile": evidence.profile,
        "checkpoint": evidence.checkpoint,
        **({"candidate_of": evidence.candidate_of} if evidence.candidate_of else {}),
        "model": {
            quant: {"file": q.report.file, "sha256": q.report.sha256} for quant, q in sorted(evidence.quants.items())
        },
        "cards": cards,
        "data": dict(sorted(evidence.data.items())),
        "inputs": dict(sorted(evidence.inputs.items())),
        "code_version": evidence.code_version,
    }


def verify(folder: Path) -> dict[str, str]:
    """Verify a release offline: every file is listed, has the listed hash, the binding names exactly these files, and the folder is
    named after all of it.

    Returns name → sha256. Raises ``MissingInput`` where there is no release, ``GateClosed`` for one that was withdrawn, and
    ``ArtifactCorrupt`` listing everything wrong. A link to a release counts by the name of the folder it leads to.
    """
    return _verified(folder, folder.resolve().name)


def _folder_name(name: str, folder: Path) -> str:
    return f"{name}-{sha256_file(folder / SUMS)[:12]}"


def _verified(folder: Path, called: str) -> dict[str, str]:
    """``verify`` for a folder that is, or will be, ``called`` so."""
    if (folder / WITHDRAWN).is_file():
        raise GateClosed(f"{folder}: {(folder / WITHDRAWN).read_text(encoding='utf-8').strip()}")
    if not (folder / SUMS).is_file():
        raise MissingInput(f"{folder} is no release ({SUMS} is missing)")
    listed: dict[str, str] = {}
    wrong: list[str] = []
    for number, line in enumerate((folder / SUMS).read_text(encoding="utf-8").splitlines(), 1):
        match = _LINE.fullmatch(line)
        if match is None or not _inside(match[2]) or match[2] in listed:
            wrong.append(f"{SUMS}:{number} cannot be read")
            continue
        listed[match[2]] = match[1]
    present = {p.relative_to(folder).as_posix(): p for p in folder.rglob("*") if not p.is_dir() or p.is_symlink()}
    for name, sha in listed.items():
        path = present.get(name)
        if path is None:
            wrong.append(f"{name} is missing")
        elif path.is_symlink():
            wrong.append(f"{name} is a link")
        elif sha256_file(path) != sha:
            wrong.append(f"{name} is not as listed")
    wrong += [f"{name} is not listed" for name in sorted(present.keys() - listed.keys() - {SUMS})]
    wrong += _unbound(folder, listed, called)
    if wrong:
        raise ArtifactCorrupt(f"{folder}: the release is damaged or was changed: {'; '.join(wrong)}; publish it again")
    return listed


def _unbound(folder: Path, listed: Mapping[str, str], called: str) -> list[str]:
    try:
        bound = msgspec.json.decode((folder / BINDING).read_bytes())
        claims = {m["file"]: m["sha256"] for m in bound["model"].values()} | dict(bound["cards"])
        name = _folder_name(bound["name"], folder)
        complete = bool(bound["model"]) and bool(bound["cards"]) and bool(bound["data"])
    except (OSError, msgspec.DecodeError, KeyError, TypeError, AttributeError):
        return [f"{BINDING} cannot be read"]
    if not complete:
        return [f"{BINDING} does not bind model, cards and data"]
    wrong = [f"{BINDING} binds another {file}" for file, sha in sorted(claims.items()) if listed.get(file) != sha]
    return wrong if called == name else [*wrong, f"the folder is named {called}, its content {name}"]


def _same_files(evidence: ReleaseEvidence, files: Mapping[str, Path]) -> None:
    reasons = [
        f"{name} is in the evidence but not among the files" for name in sorted(evidence.files.keys() - files.keys())
    ]
    reasons += [f"{name} is not in the evidence" for name in sorted(files.keys() - evidence.files.keys())]
    for name in sorted(evidence.files.keys() & files.keys()):
        path = files[name]
        if not path.is_file():
            reasons.append(f"{name}: {path} is not there")
        elif sha256_file(path) != evidence.files[name]:
            reasons.append(f"{name}: {path} is not the file the evidence is about")
    if reasons:
        raise GateClosed(f"{evidence.name} may not be released:" + "".join(f"\n  - {reason}" for reason in reasons))


def _names(release: str, files: Mapping[str, Path]) -> None:
    if not _NAME.fullmatch(release):
        raise BadConfig(
            "a release's name holds letters, digits, dots, dashes and underscores only, and starts with none of the last three"
        )
    for name in files:
        if name in OWN or not _inside(name):
            raise BadConfig(f"{name!r} cannot be a file's name in a release")


def _inside(name: str) -> bool:
    path = PurePosixPath(name)
    return bool(path.parts) and not path.is_absolute() and all(_NAME.fullmatch(part) for part in path.parts)


def _write_sums(folder: Path) -> None:
    names = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())
    text = "".join(f"{sha256_file(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text(text, encoding="utf-8")
