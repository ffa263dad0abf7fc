"""The private, append-only registry: a course's identity → its public handle ``@COURSE`` + eight digits.

In: canonical identities (see ``courses.masker``) and a secret key. Out: handles. What must hold: the same key and identity give the
same handle in every run and file order, because the number is derived (HMAC-SHA256), not counted; two identities never share a
handle (the later one is derived again with a counter, and the file remembers it); the file is readable by its owner only, and can
be encrypted (``registry_file``); neither key nor identities show in a ``repr``, an error or an output.

Collisions: eight digits hold 9·10⁷ handles, so 600 courses collide with a chance of 0.2 %. Only then does a handle depend on
which course came first, and the registry file keeps it from then on. Forgetting a contributor removes their own identities, the
only exception to append-only; what is shared (a course that needs no contributor to be named) stays, and so do all other handles.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.privacy.courses.registry_file import Entry, RegistryFile, encryption_key

HANDLE = re.compile(r"@COURSE([1-9]\d{7})(?!\d)")
KEY_VARIABLE = "CANVAS_REGISTRY_KEY"
MIN_KEY_BYTES = 16
_SPAN = 90_000_000


class RegistryKey(bytes):
    """The secret that handles are derived from, and with it the key that the registry's file is encrypted with (or None).

    It is ``bytes``, so that all that passes the secret on need not know of the second key; its ``repr`` shows neither."""

    encryption: bytes | None

    def __new__(cls, secret: bytes, encryption: bytes | None = None) -> RegistryKey:
        made = super().__new__(cls, secret)
        made.encryption = encryption
        return made

    def __getnewargs__(self) -> tuple[bytes, bytes | None]:  # type: ignore[override]  # bytes has one argument, this has two
        return bytes(self), self.encryption

    def __repr__(self) -> str:
        return "RegistryKey(withheld)"

    __str__ = __repr__


class Registry:
    """Handles for identities; with a ``path`` also remembered in a file of mode 0600, safe for several processes.

    ``writable=False`` reads the file and writes nothing: what it does not know is derived plainly and listed in ``new``, for a
    writable registry to ``add``. Raises ``BadConfig`` for a key under 16 bytes or one that is not the file's, ``ArtifactCorrupt``
    (file and line) for a damaged file. A torn last line, as a crash leaves it, is ignored and derived again.
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
        self._taken: dict[str, str] = {}
        self._new: dict[str, None] = {}
        if self._file is not None and self._file.path.exists():
            with self._file.locked(write=False) as file:
                self._take(*self._file.unread(file))

    def __repr__(self) -> str:
        return f"Registry({len(self._handles)} courses, key and identities withheld)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[Registry], tuple[()]]:
        raise TypeError("a registry is private and is not pickled; open it where it is needed")

    def __len__(self) -> int:
        return len(self._handles)

    @property
    def new(self) -> tuple[str, ...]:
        """Identities whose handle no file remembers, in the order they were asked for. As private as the file."""
        return tuple(self._new)

    def handle(self, identity: str) -> str:
        """The handle of a canonical identity, made and (where writable) remembered on first sight."""
        found = self._handles.get(identity)
        if found is not None:
            return found
        if not self._writable:  # plain, even if taken: the one who adds it says so, see `add`
            self._new[identity] = None
            self._handles[identity] = self._derive(identity, 0)
        else:
            self.add((identity,))
        return self._handles[identity]

    def add(self, identities: Iterable[str]) -> dict[str, str]:
        """Remember identities, however many, with one write and one fsync.

        Returns identity → handle for those whose handle is not the plain derivation (it was taken): what was written with the
        plain one, by a registry that is not writable, must be made again. Sorted first, so that the set decides, not its order.
        """
        if not self._writable:
            raise BadConfig("this registry was opened for reading only; add to one that is writable")
        wanted = sorted(set(identities))
        if any(identity not in self._handles for identity in wanted):
            if self._file is None:
                self._new.update(dict.fromkeys(self._derive_all(wanted)))
            else:
                with self._file.locked(write=True) as file:
                    self._take(*self._file.unread(file))  # another process may have been faster
                    entries = [Entry(identity=i, handle=self._handles[i]) for i in self._derive_all(wanted)]
                    if entries:
                        self._file.append(file, entries, self._check())
        return {i: self._handles[i] for i in wanted if self._handles[i] != self._derive(i, 0)}

    def forget(self, contributor: str) -> int:
        """Remove the identities that are this contributor's own, by an atomic rewrite; returns how many. All others keep theirs.

        Raises ``BadConfig`` for what cannot be a contributor's id."""
        if not contributor or "/" in contributor or not self._writable:
            raise BadConfig("forget needs one contributor's id and a writable registry")
        own = f"of/{contributor}/"
        if self._file is None:
            gone = [identity for identity in self._handles if identity.startswith(own)]
            for identity in gone:
                del self._taken[self._handles.pop(identity)]
                self._new.pop(identity, None)
            return len(gone)
        if not self._file.path.exists():
            return 0
        with self._file.locked(write=True) as file:
            self._take(*self._file.unread(file))
            kept = [Entry(identity=i, handle=h) for i, h in self._handles.items() if not i.startswith(own)]
            gone_count = len(self._handles) - len(kept)
            if gone_count:
                self._file.rewrite(kept, self._check())
        if gone_count:
            with self._file.locked(write=False) as file:
                self._take(*self._file.unread(file))
        return gone_count

    def _derive_all(self, identities: Iterable[str]) -> list[str]:
        """Handles for those that have none; returns them."""
        made = [identity for identity in identities if identity not in self._handles]
        for identity in made:
            counter = 0
            while (handle := self._derive(identity, counter)) in self._taken:
                counter += 1
            self._handles[identity] = handle
            self._taken[handle] = identity
        return made

    def _derive(self, identity: str, counter: int) -> str:
        mac = hmac.new(self._key, f"{counter}\0{identity}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return f"@COURSE{10_000_000 + int.from_bytes(mac[:8], 'big') % _SPAN}"

    def _check(self) -> str:
        return hmac.new(self._key, b"registry key check", hashlib.sha256).hexdigest()[:16]

    def _take(self, entries: Iterable[Entry], renewed: bool) -> None:
        """Take in what the file holds; a file that another process put in place is all there is."""
        assert self._file is not None
        if self._file.key_check not in ("", self._check()):
            raise BadConfig(
                f"{self._file.path} was made with another key; give that key in {KEY_VARIABLE}, or start another registry"
            )
        if renewed:
            self._handles, self._taken = {}, {}
        for entry in entries:
            self._handles[entry.identity] = entry.handle
            self._taken[entry.handle] = entry.identity


def registry_key(environment: Mapping[str, str], path: Path) -> RegistryKey:
    """The secret key: from ``CANVAS_REGISTRY_KEY``, else from a file of mode 0600 that is made on first use; with it the key of
    ``CANVAS_REGISTRY_ENCRYPTION_KEY`` for the registry at rest, where that is set.

    Raises ``BadConfig`` for a key that is too short, or for a key file that others may read.
    """
    text = environment.get(KEY_VARIABLE, "")
    if text:
        key = text.encode()
    else:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            fd, draft = tempfile.mkstemp(dir=path.parent, prefix=".tmp-key-")  # 0600 from the start
            try:
                with os.fdopen(fd, "w", encoding="ascii") as file:
                    file.write(secrets.token_hex(32))
                with suppress(FileExistsError):  # another process made it meanwhile: use that one
                    os.link(draft, path)  # whole or not at all
            finally:
                os.unlink(draft)
        if path.stat().st_mode & 0o077:
            raise BadConfig(f"{path} can be read by others; run: chmod 600 {path}")
        key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise BadConfig(
            f"the registry key is shorter than {MIN_KEY_BYTES} bytes; set {KEY_VARIABLE} to a longer secret"
        )
    return RegistryKey(key, encryption_key(environment))
