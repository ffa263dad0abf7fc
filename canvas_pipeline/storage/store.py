"""Where a stage's files live: written whole or not at all, named by what made them, reused when nothing changed.

    <root>/<stage>/<fingerprint>/manifest.json   written last: a folder with a manifest is complete
    <root>/<stage>/<fingerprint>/…               the stage's files
    <root>/<stage>/current                       link to the newest complete folder, replaced atomically

The fingerprint is the sha256 of a ``Recipe`` (stage, code version, config, the inputs' hashes), so a stage whose recipe
is unchanged is found again and nothing runs. The content hash is of the files alone: it is the stage's data version.
A crash at any moment leaves the previous ``current`` in place and at worst a ``.tmp-*`` folder that the next write removes.
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
from canvas_pipeline.storage.atomic import discard, place, point, room, sweep, sync, unfinished
from canvas_pipeline.storage.digests import MANIFEST, content_sha256, sha256_file
from canvas_pipeline.storage.locks import alone

SCHEMA_VERSION, KEEP = 1, 3
LOCK = ".lock"
"""One writer at a time gives its version its place: one file for the whole store, which names no stage and no contributor."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage is made from. ``code`` is where the code that ``code_version`` is of begins; ``inputs`` maps a name to the
    sha256 of its content; ``config`` is plain JSON; ``libraries`` are the versions of those that decide the result."""

    stage: str
    code_version: str
    code: tuple[str, ...] = ()
    inputs: dict[str, str] = {}
    config: dict[str, Any] = {}
    libraries: dict[str, str] = {}

    def fingerprint(self) -> str:
        return hashlib.sha256(dumps(self)).hexdigest()


class FileEntry(msgspec.Struct, frozen=True, kw_only=True):
    sha256: str
    size: int
    mtime_ns: int
    rows: int | None = None
    report: bool = False


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What lies in a stage's folder and how it came to be. ``content_sha256`` covers names and bytes of all files but
    reports: what is read by people (line numbers of refused rows) and decides nothing downstream."""

    stage: str
    fingerprint: str
    content_sha256: str
    recipe: Recipe
    files: dict[str, FileEntry]
    funnel: Funnel | None = None
    notes: dict[str, Any] = {}
    schema_version: int = SCHEMA_VERSION


class Stage(msgspec.Struct, frozen=True, kw_only=True):
    """A complete stage on disk."""

    folder: Path
    manifest: Manifest

    @property
    def sha256(self) -> str:
        return self.manifest.content_sha256

    def path(self, name: str = "rows.jsonl") -> Path:
        """The path of one of the stage's files; raises ``MissingInput`` for a name the manifest does not hold."""
        if name not in self.manifest.files:
            raise MissingInput(
                f"stage {self.manifest.stage} has no file {name}; it has {', '.join(self.manifest.files)}"
            )
        return self.folder / name

    def verify(self) -> Stage:
        """Read every file again and compare; raises ``ArtifactCorrupt`` naming the first that differs."""
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            if not path.is_file() or path.stat().st_size != entry.size or sha256_file(path) != entry.sha256:
                raise ArtifactCorrupt(
                    f"{path} is not what {self.manifest.stage}'s manifest says; remove {self.folder} and materialise again"
                )
        return self

    def intact(self) -> bool:
        """Whether the files are as written; only a file whose size or time changed is read again."""
        for name, entry in self.manifest.files.items():
            path = self.folder / name
            try:
                stat = path.stat()
            except OSError:
                return False
            if stat.st_size != entry.size:
                return False
            if stat.st_mtime_ns != entry.mtime_ns and sha256_file(path) != entry.sha256:
                return False
        return True


class Writer:
    """Collects a stage's files in a folder nobody else sees; ``fingerprint`` is that of the recipe they are made from."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        self.folder = folder
        self.fingerprint = fingerprint
        self.funnel: Funnel | None = None
        self.notes: dict[str, Any] = {}
        self.reports: set[str] = set()
        self._rows: dict[str, int] = {}

    def rows(self, rows: Iterable[Any], name: str = "rows.jsonl", *, report: bool = False) -> int:
        """Write rows as JSONL and return how many. A ``report`` does not count for the stage's content hash."""
        path = self.path(name)
        self._rows[name] = count = write_jsonl(path, rows)
        if report:
            self.reports.add(name)
        return count

    def json(self, value: Any, name: str) -> None:
        """Write one value as canonical JSON."""
        self.path(name).write_bytes(dumps(value) + b"\n")

    def text(self, text: str, name: str) -> None:
        self.path(name).write_text(text, encoding="utf-8")

    def path(self, name: str) -> Path:
        """A path to write to; its parent folder exists."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def row_count(self, name: str) -> int | None:
        return self._rows.get(name)


class Store:
    """All stages below one root folder."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    def find(self, stage: str) -> Stage | None:
        """The current complete version of a stage, or None."""
        link = self.home(stage) / "current"
        return _load(link.resolve()) if link.exists() else None

    def get(self, stage: str) -> Stage:
        """Like ``find``, but raises ``MissingInput`` naming the stage to materialise."""
        found = self.find(stage)
        if found is None:
            raise MissingInput(f"stage {stage} has not been made yet under {self.root}; materialise it first")
        return found

    def reuse(self, recipe: Recipe) -> Stage | None:
        """The version made by exactly this recipe, made current again, or None where there is none or it is damaged."""
        folder = self.home(recipe.stage) / recipe.fingerprint()[:16]
        stage = _load(folder)
        if stage is None or stage.manifest.fingerprint != recipe.fingerprint() or not stage.intact():
            return None
        self._point(recipe.stage, folder)
        return stage

    def make(self, recipe: Recipe, build: Callable[[Writer], None]) -> tuple[Stage, bool]:
        """Reuse, or run ``build`` and keep what it writes. Returns the stage and whether it was reused."""
        found = self.reuse(recipe)
        if found is not None:
            return found, True
        with self.write(recipe) as writer:
            build(writer)
        # Not ``current``: a run with other settings may have pointed it to its own version meanwhile.
        made = _load(self.home(recipe.stage) / recipe.fingerprint()[:16])
        if made is None:
            raise MissingInput(f"stage {recipe.stage} was removed as soon as it was made; materialise it again")
        return made, False

    @contextmanager
    def write(self, recipe: Recipe) -> Iterator[Writer]:
        """A ``Writer`` whose files appear all at once, with their manifest, when the block ends without an error."""
        home = self.home(recipe.stage)
        with room(home):
            home.mkdir(parents=True, exist_ok=True)
            sweep(home, deep=False)
            yield from self._write(home, recipe)

    def _write(self, home: Path, recipe: Recipe) -> Iterator[Writer]:
        final = home / recipe.fingerprint()[:16]
        temporary = unfinished(final)
        temporary.mkdir()
        writer = Writer(temporary, recipe.fingerprint())
        try:
            yield writer
            _seal(writer, recipe)
            with alone(self.root / LOCK):
                # Only a damaged or superseded twin can be at its place: `reuse` would have returned a good one.
                place(temporary, final)
                sync(home)
                self._point(recipe.stage, final)
                self._prune(recipe.stage)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def home(self, stage: str) -> Path:
        """The folder of all versions of a stage; refuses names that would leave the root."""
        if not stage.isprintable() or any(part == "" or part.startswith(".") for part in stage.split("/")):
            raise BadInput(
                "a stage or contributor name may not be empty, start with a dot, walk up, or hold control characters"
            )
        return self.root / stage

    def _point(self, stage: str, folder: Path) -> None:
        link = self.home(stage) / "current"
        if link.is_symlink() and os.readlink(link) == folder.name:
            return
        point(link, folder.name)

    def _prune(self, stage: str) -> None:
        """Keep the newest ``KEEP`` versions: going back and forth stays free, the disk does not fill."""
        home = self.home(stage)
        current = (home / "current").resolve()
        # Not another writer's folder, sealed but not yet in its place.
        folders = [p for p in home.iterdir() if not p.is_symlink() and not p.name.startswith(".")]
        done = [p for p in folders if (p / MANIFEST).is_file()]
        done.sort(key=lambda p: (p / MANIFEST).stat().st_mtime_ns, reverse=True)
        for old in done[KEEP:]:
            if old.resolve() != current:
                discard(old)


def _load(folder: Path) -> Stage | None:
    try:
        raw = (folder / MANIFEST).read_bytes()
        return Stage(folder=folder, manifest=msgspec.json.decode(raw, type=Manifest))
    except (OSError, msgspec.DecodeError):
        return None


def _seal(writer: Writer, recipe: Recipe) -> None:
    files: dict[str, FileEntry] = {}
    for path in sorted(p for p in writer.folder.rglob("*") if p.is_file()):
        name = path.relative_to(writer.folder).as_posix()
        with path.open("rb") as file:
            os.fsync(file.fileno())
        stat = path.stat()
        files[name] = FileEntry(
            sha256=sha256_file(path), size=stat.st_size, mtime_ns=stat.st_mtime_ns, rows=writer.row_count(name),
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
    target = writer.folder / MANIFEST
    with target.open("wb") as file:
        file.write(dumps(manifest) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    sync(writer.folder)
