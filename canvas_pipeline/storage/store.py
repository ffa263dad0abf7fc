"""Store the files of stages: written atomically, named by what they were made from, reused if nothing has changed.

    <root>/<stage>/<fingerprint>/manifest.json   written last: a folder with a manifest is complete
    <root>/<stage>/<fingerprint>/…               the stage's files
    <root>/<stage>/current                       link to the newest complete folder, replaced atomically

The fingerprint is the sha256 of a ``Recipe`` (stage, code version, config, the inputs' hashes): a stage with an unchanged recipe is
reused. The content hash covers the files alone and is the stage's data version. A crash at any moment leaves the previous
``current`` in place, and at worst a ``.tmp-*`` folder that the next write removes.

The store is the one door to a stage. A manifest carries a seal made with the data folder's key (``storage.seal``): one that was
edited, brought along or put into another stage's place is no version of the stage. ``Stage.path`` and ``Stage.directory`` hash the
files they name before anybody reads them.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, BadInput, MissingInput
from canvas_pipeline.records import Funnel, dumps, write_jsonl
from canvas_pipeline.storage.atomic import discard, place, point, sweep, sync, unfinished, write_errors
from canvas_pipeline.storage.digests import MANIFEST, content_sha256, sha256_file
from canvas_pipeline.storage.known_digests import KnownDigests
from canvas_pipeline.storage.locks import alone
from canvas_pipeline.storage.seal import Seal

SCHEMA_VERSION, KEEP = 1, 3
_SEALED = "manifest"
LOCK = ".lock"
"""The lock file of the whole store, held while a version is moved into place; it names no stage and no contributor."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a stage is made from. ``code`` are the roots of ``code_version``; ``inputs`` maps a name to the sha256 of its content;
    ``config`` is plain JSON; ``libraries`` are the versions of the libraries that decide the result."""

    stage: str
    code_version: str
    code: tuple[str, ...] = ()
    inputs: dict[str, str] = {}
    config: dict[str, Any] = {}
    libraries: dict[str, str] = {}

    def fingerprint(self) -> str:
        return hashlib.sha256(dumps(self)).hexdigest()


class FileEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    sha256: str
    size: int
    mtime_ns: int
    rows: int | None = None
    report: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The files of a stage's folder and what they were made from.

    ``content_sha256`` covers the names and bytes of all files except reports, which only people read (line numbers of refused
    rows)."""

    stage: str
    fingerprint: str
    content_sha256: str
    recipe: Recipe
    files: dict[str, FileEntry]
    funnel: Funnel | None = None
    notes: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION
    seal: str = ""

    def to_seal(self) -> str:
        """The sha256 of everything but the seal."""
        return hashlib.sha256(dumps(msgspec.structs.replace(self, seal=""))).hexdigest()


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A complete stage on disk. Without ``digests``, a file is read each time it is asked for."""

    folder: Path
    manifest: Manifest
    digests: KnownDigests | None = None

    @property
    def sha256(self) -> str:
        return self.manifest.content_sha256

    def path(self, name: str = "rows.jsonl") -> Path:
        """Return the path of one of the stage's files, which is as it was written. Raises ``MissingInput`` if the manifest has no
        such name, ``ArtifactCorrupt`` if the file differs."""
        if name not in self.manifest.files:
            raise MissingInput(
                f"stage {self.manifest.stage} has no file {name}; it has {', '.join(self.manifest.files)}"
            )
        path, entry = self.folder / name, self.manifest.files[name]
        if not path.is_file() or path.stat().st_size != entry.size or self._sha256(path) != entry.sha256:
            raise ArtifactCorrupt(
                f"{path} does not match {self.manifest.stage}'s manifest; remove {self.folder} and materialise again"
            )
        return path

    def verify(self, *, read_again: bool = False) -> Stage:
        """Check every file; raises ``ArtifactCorrupt`` naming the first that differs or that the manifest does not list.

        ``read_again`` reads the files whose digests are known too."""
        checked = msgspec.structs.replace(self, digests=None) if read_again else self
        for name in self.manifest.files:
            checked.path(name)
        for path in self.folder.rglob("*"):
            name = path.relative_to(self.folder).as_posix()
            if not path.is_dir() and name not in self.manifest.files and name != MANIFEST:
                raise ArtifactCorrupt(
                    f"{path} is not in {self.manifest.stage}'s manifest; remove {self.folder} and materialise again"
                )
        return self

    def directory(self) -> Path:
        """Return the folder for those who read all of it (a model's); raises what ``verify`` does."""
        return self.verify().folder

    def intact(self) -> bool:
        """Return whether the files are as written; only a file whose time has changed is read again."""
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            try:
                stat = path.stat()
            except OSError:
                return False
            if stat.st_size != entry.size:
                return False
            if stat.st_mtime_ns != entry.mtime_ns and self._sha256(path) != entry.sha256:
                return False
        return True

    def _sha256(self, path: Path) -> str:
        return self.digests.file(path) if self.digests else sha256_file(path)


class Writer:
    """Collect a stage's files in a temporary folder; ``fingerprint`` is the recipe's."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.funnel: Funnel | None = None
        self.notes: dict[str, Any] = {}
        self.reports: set[str] = set()
        self.row_counts: dict[str, int] = {}

    def rows(self, rows: Iterable[Any], name: str = "rows.jsonl", *, report: bool = False) -> int:
        """Write rows as JSONL and return their number. A ``report`` does not count for the stage's content hash."""
        path = self.path(name)
        self.row_counts[name] = count = write_jsonl(path, rows)
        if report:
            self.reports.add(name)
        return count

    def json(self, value: Any, name: str) -> None:
        """Write one value as canonical JSON."""
        self.path(name).write_bytes(dumps(value) + b"\n")

    def text(self, text: str, name: str) -> None:
        self.path(name).write_text(text, encoding="utf-8")

    def path(self, name: str) -> Path:
        """Return a path to write to; its parent folder exists."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class Store:
    """All stages below one root folder. ``seal`` is by default that of a key in the root."""

    def __init__(self, root: Path, seal: Seal | None = None) -> None:
        self.root = Path(root)
        self.seal = seal or Seal(self.root / ".seal.key")
        self.digests = KnownDigests(self.seal)

    def find(self, stage: str) -> Stage | None:
        """Return the current complete version of a stage, or None. A version without this store's seal counts as none."""
        link = self.home(stage) / "current"
        found = self._load(link.resolve()) if link.exists() else None
        return found if found is not None and self.sealed(found, stage) else None

    def get(self, stage: str) -> Stage:
        """Return the current complete version of a stage.

        Raises ``MissingInput``, which names the stage to materialise, if there is none, and ``ArtifactCorrupt`` if its manifest was
        edited or comes from another data folder."""
        found = self.find(stage)
        if found is not None:
            return found
        if load(self.home(stage) / "current") is not None:
            raise ArtifactCorrupt(
                f"stage {stage} under {self.root} does not carry the seal of this data folder: its manifest was edited, damaged, "
                "or made elsewhere or by an older release; materialise it again"
            )
        raise MissingInput(f"stage {stage} has not been made yet under {self.root}; materialise it first")

    def sealed(self, found: Stage, stage: str) -> bool:
        """Whether a version was made here as a version of this stage, and its manifest is as it was written."""
        manifest = found.manifest
        fingerprint = manifest.recipe.fingerprint()
        return (
            manifest.stage == manifest.recipe.stage == stage
            and manifest.fingerprint == fingerprint
            and found.folder.name == fingerprint[:16]
            and self.seal.signed(_SEALED, manifest.to_seal(), manifest.seal)
        )

    def reuse(self, recipe: Recipe) -> Stage | None:
        """Make the version of exactly this recipe current again and return it; None if it is missing or damaged."""
        folder = self.home(recipe.stage) / recipe.fingerprint()[:16]
        stage = self._load(folder)
        if stage is None or not self.sealed(stage, recipe.stage) or not stage.intact():
            return None
        self._point(recipe.stage, folder)
        return stage

    def make(self, recipe: Recipe, build: Callable[[Writer], None]) -> tuple[Stage, bool]:
        """Reuse the recipe's version, or run ``build`` and store what it writes. Returns the stage and whether it was reused."""
        found = self.reuse(recipe)
        if found is not None:
            return found, True
        with self.write(recipe) as writer:
            build(writer)
        # Not ``current``: a run with other settings may have pointed it to its own version meanwhile.
        stage = self._load(self.home(recipe.stage) / recipe.fingerprint()[:16])
        if stage is None:
            raise MissingInput(f"stage {recipe.stage} was removed as soon as it was made; materialise it again")
        return stage, False

    @contextmanager
    def write(self, recipe: Recipe) -> Iterator[Writer]:
        """Yield a ``Writer`` whose files appear all at once, with their manifest, when the block ends without an error."""
        home = self.home(recipe.stage)
        with write_errors(home):
            home.mkdir(parents=True, exist_ok=True)
            sweep(home, deep=False)
            final = home / recipe.fingerprint()[:16]
            temporary = unfinished(final)
            temporary.mkdir()
            writer = Writer(temporary, recipe.fingerprint())
            try:
                yield writer
                _complete(writer, recipe, self.seal, self.digests)
                with alone(self.root / LOCK):
                    # Only a damaged or superseded version can be there: ``reuse`` would have returned a good one.
                    place(temporary, final)
                    sync(home)
                    self._point(recipe.stage, final)
                    self._prune(recipe.stage)
            finally:
                shutil.rmtree(temporary, ignore_errors=True)

    def home(self, stage: str) -> Path:
        """Return the folder of all versions of a stage; raises ``BadInput`` for a name that would leave the root."""
        if not stage.isprintable() or any(part == "" or part.startswith(".") for part in stage.split("/")):
            raise BadInput(
                "a stage or contributor name may not be empty, start with a dot, walk up, or hold control characters"
            )
        return self.root / stage

    def _load(self, folder: Path) -> Stage | None:
        found = load(folder)
        return msgspec.structs.replace(found, digests=self.digests) if found else None

    def _point(self, stage: str, folder: Path) -> None:
        link = self.home(stage) / "current"
        if not points_at(link, folder):
            point(link, folder.name)

    def _prune(self, stage: str) -> None:
        """Remove all but the newest ``KEEP`` versions: switching between settings stays free, and the disk does not fill up."""
        home = self.home(stage)
        current = (home / "current").resolve()
        # Skip another writer's folder, which is complete but not in place yet.
        folders = [p for p in home.iterdir() if not p.is_symlink() and not p.name.startswith(".")]
        done = [p for p in folders if (p / MANIFEST).is_file()]
        done.sort(key=lambda p: (p / MANIFEST).stat().st_mtime_ns, reverse=True)
        for old in done[KEEP:]:
            if old.resolve() != current:
                discard(old)


def points_at(link: Path, folder: Path) -> bool:
    """Return whether ``link`` is a symbolic link to ``folder``, which lies beside it."""
    return link.is_symlink() and os.readlink(link) == folder.name


def load(folder: Path) -> Stage | None:
    """Read the stage in a folder, whoever made it; None if its manifest is missing or unreadable. For lists and removal; who
    reads a stage's content asks a ``Store``."""
    try:
        raw = (folder / MANIFEST).read_bytes()
        return Stage(folder=folder, manifest=msgspec.json.decode(raw, type=Manifest))
    except (OSError, msgspec.DecodeError):
        return None


def _complete(writer: Writer, recipe: Recipe, seal: Seal, digests: KnownDigests) -> None:
    files: dict[str, FileEntry] = {}
    for path in sorted(p for p in writer.folder.rglob("*") if p.is_file()):
        name = path.relative_to(writer.folder).as_posix()
        with path.open("rb") as file:
            os.fsync(file.fileno())
        stat = path.stat()
        files[name] = FileEntry(
            sha256=digests.file(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns, rows=writer.row_counts.get(name),
            report=name in writer.reports,
        )  # fmt: skip
    manifest = Manifest(
        stage=recipe.stage,
        fingerprint=recipe.fingerprint(),
        content_sha256=content_sha256({name: entry.sha256 for name, entry in files.items() if not entry.report}),
        recipe=recipe,
        files=files,
        funnel=writer.funnel.check() if writer.funnel else None,
        notes=writer.notes,
    )
    manifest = msgspec.structs.replace(manifest, seal=seal.sign(_SEALED, manifest.to_seal()))
    target = writer.folder / MANIFEST
    with target.open("wb") as file:
        file.write(dumps(manifest) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync(writer.folder)
