"""The private, append-only registry: a course's identity → its public handle, ``@COURSE`` and eight digits.

The number is derived from a secret key and the identity (HMAC-SHA256), so that the same identity has the same handle in every run
and file order. Two identities never share a handle: on a collision the later one is derived again with a counter, and the file
stores the result. The file is readable by its owner only and can be encrypted (``registry_file``). Neither key nor identities are
shown in a ``repr``, an error or an output.

There are 9·10⁷ handles, so that 600 courses have a collision with a probability of 0.2 %. Only then does a handle depend on which
course came first, and the registry file stores it from then on. Removing a contributor deletes their own identities, the only
exception to append-only. Shared identities (of courses named without a contributor) and all other handles remain.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import shutil
import tempfile
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.privacy.courses.registry_file import RegistryEntry, RegistryFile, encryption_key
from canvas_pipeline.storage.seal import secret_file

HANDLE = re.compile(r"@COURSE([1-9]\d{7})(?!\d)")
KEY_VARIABLE = "CANVAS_REGISTRY_KEY"
MIN_KEY_BYTES = 16
_SPAN = 90_000_000
_DRY_KEY = b"dry run, nothing is kept"


class RegistryKey(bytes):
    """The secret that handles are derived from, with the key of the registry file's encryption (or None).

    It is ``bytes``, so that callers can pass it on without knowing of the second key. Its ``repr`` shows neither."""

    encryption: bytes | None

    def __new__(cls, secret: bytes, encryption: bytes | None = None) -> RegistryKey:
        key = super().__new__(cls, secret)
        key.encryption = encryption
        return key

    def __getnewargs__(self) -> tuple[bytes, bytes | None]:  # type: ignore[override]  # bytes has one argument, this has two
        return bytes(self), self.encryption

    def __repr__(self) -> str:
        return "RegistryKey(withheld)"

    __str__ = __repr__


class Registry:
    """Assigns handles to identities; with a ``path`` stores them in a file of mode 0600, safe for several processes.

    With ``writable=False`` nothing is written: handles of unknown identities are derived without regard to collisions, and the
    identities are listed in ``new``, for a writable registry to ``add``. Raises ``BadConfig`` for a key under 16 bytes or another
    key than the file's, ``ArtifactCorrupt`` (file and line) for a damaged file. A truncated last line, left by a crash, is ignored.
    """

    def __init__(self, key: bytes, path: Path | None = None, writable: bool = True) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise BadConfig(
                f"the registry key has {len(key)} bytes and needs at least {MIN_KEY_BYTES}; see {KEY_VARIABLE}"
            )
        self._key = bytes(key)
        self._writable = writable
        encryption = key.encryption if isinstance(key, RegistryKey) else None
        self._file = None if path is None else RegistryFile(Path(path), encryption)
        self._handles: dict[str, str] = {}
        self._identities: dict[str, str] = {}
        self._new: dict[str, None] = {}
        if self._file is not None and self._file.path.exists():
            with self._file.locked(write=False) as file:
                self._load(*self._file.unread(file))

    def __repr__(self) -> str:
        return f"Registry({len(self._handles)} courses, key and identities withheld)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[Registry], tuple[()]]:
        raise TypeError("a registry is private and is not pickled; open it where it is needed")

    def __len__(self) -> int:
        return len(self._handles)

    @property
    def new(self) -> tuple[str, ...]:
        """Identities whose handle is in no file, in the order of the calls. As private as the file."""
        return tuple(self._new)

    def handle(self, identity: str) -> str:
        """Return the handle of a canonical identity. It is derived and, if writable, stored on first use."""
        found = self._handles.get(identity)
        if found is not None:
            return found
        if not self._writable:  # without regard to collisions, which `add` reports
            self._new[identity] = None
            self._handles[identity] = self._derive(identity, 0)
        else:
            self.add((identity,))
        return self._handles[identity]

    def discard_new(self) -> None:
        """Discard ``new`` and its derived handles, so that ``new`` lists those of the next contributor only."""
        for identity in self._new:
            del self._handles[identity]
        self._new.clear()

    def add(self, identities: Iterable[str]) -> dict[str, str]:
        """Store identities with one write and one fsync.

        Returns identity → handle for those whose derived handle was in use: output that a registry which is not writable produced
        with the derived handle must be generated again. The result depends on the set of identities, not on their order.
        """
        if not self._writable:
            raise BadConfig("this registry was opened for reading only; add to one that is writable")
        wanted = sorted(set(identities))
        if any(identity not in self._handles for identity in wanted):
            if self._file is None:
                self._new.update(dict.fromkeys(self._derive_all(wanted)))
            else:
                with self._file.locked(write=True) as file:
                    self._load(*self._file.unread(file))  # another process may have added some
                    entries = [RegistryEntry(identity=i, handle=self._handles[i]) for i in self._derive_all(wanted)]
                    if entries:
                        self._file.append(file, entries, self._check())
        return {i: self._handles[i] for i in wanted if self._handles[i] != self._derive(i, 0)}

    def forget(self, contributor: str) -> int:
        """Remove the contributor's own identities by an atomic rewrite of the file; return their number.

        All other identities keep their handles. Raises ``BadConfig`` for an impossible contributor's id."""
        if not contributor or "/" in contributor or not self._writable:
            raise BadConfig("forget needs one contributor's id and a writable registry")
        own = f"of/{contributor}/"
        if self._file is None:
            removed = [identity for identity in self._handles if identity.startswith(own)]
            for identity in removed:
                del self._identities[self._handles.pop(identity)]
                self._new.pop(identity, None)
            return len(removed)
        if not self._file.path.exists():
            return 0
        with self._file.locked(write=True) as file:
            self._load(*self._file.unread(file))
            kept = [RegistryEntry(identity=i, handle=h) for i, h in self._handles.items() if not i.startswith(own)]
            removed_count = len(self._handles) - len(kept)
            if removed_count:
                self._file.rewrite(kept, self._check())
        if removed_count:
            with self._file.locked(write=False) as file:
                self._load(*self._file.unread(file))
        return removed_count

    def _derive_all(self, identities: Iterable[str]) -> list[str]:
        """Derive handles for identities that have none; return these identities."""
        new = [identity for identity in identities if identity not in self._handles]
        for identity in new:
            counter = 0
            while (handle := self._derive(identity, counter)) in self._identities:
                counter += 1
            self._handles[identity] = handle
            self._identities[handle] = identity
        return new

    def _derive(self, identity: str, counter: int) -> str:
        mac = hmac.new(self._key, f"{counter}\0{identity}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return f"@COURSE{10_000_000 + int.from_bytes(mac[:8], 'big') % _SPAN}"

    def _check(self) -> str:
        return hmac.new(self._key, b"registry key check", hashlib.sha256).hexdigest()[:16]

    def _load(self, entries: Iterable[RegistryEntry], renewed: bool) -> None:
        """Load entries of the file. If another process replaced the file, discard all others."""
        assert self._file is not None
        if self._file.key_check not in ("", self._check()):
            raise BadConfig(
                f"{self._file.path} was made with another key; give that key in {KEY_VARIABLE}, or start another registry"
            )
        if renewed:
            self._handles, self._identities = {}, {}
        for entry in entries:
            self._handles[entry.identity] = entry.handle
            self._identities[entry.handle] = entry.identity


@contextmanager
def opened(
    environment: Mapping[str, str], private: Path, *, dry_run: bool
) -> Iterator[tuple[RegistryKey, Path | None, bool]]:
    """Yield the key of a private folder, the registry's path, and whether handles are those of a real run.

    A dry run changes neither: it uses a copy of the registry, which is deleted afterwards. Where there is no key yet, it uses one
    that is thrown away, and no registry."""
    key_file, registry = private / "registry.key", private / "registry.jsonl"
    if not dry_run:
        yield registry_key(environment, key_file), registry, True
    elif not environment.get(KEY_VARIABLE) and not key_file.exists():
        yield RegistryKey(_DRY_KEY), None, False
    else:
        key, beside = registry_key(environment, key_file), private if private.is_dir() else None
        with tempfile.TemporaryDirectory(prefix=".tmp-dry-run-", dir=beside) as folder:
            copy = Path(folder) / registry.name
            if registry.exists():
                shutil.copy2(registry, copy)
            yield key, copy, True


def registry_key(environment: Mapping[str, str], path: Path) -> RegistryKey:
    """Return the secret key from ``CANVAS_REGISTRY_KEY``, else from a file of mode 0600 that is created on first use.

    Includes the encryption key of ``CANVAS_REGISTRY_ENCRYPTION_KEY`` if that is set. Raises ``BadConfig`` for a key that is too
    short, or for a key file that others can read.
    """
    key = environment.get(KEY_VARIABLE, "").encode() or secret_file(path)
    if len(key) < MIN_KEY_BYTES:
        raise BadConfig(
            f"the registry key is shorter than {MIN_KEY_BYTES} bytes; set {KEY_VARIABLE} to a longer secret"
        )
    return RegistryKey(key, encryption_key(environment))
