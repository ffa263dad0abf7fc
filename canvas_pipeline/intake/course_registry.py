"""The private, append-only registry: a course's identity → its public handle ``@COURSE`` + eight digits.

In: canonical identities (see ``crn``) and a secret key. Out: handles. What must hold: the same key and identity give the same
handle in every run and file order, because the number is derived (HMAC-SHA256), not counted; two identities never share a
handle (the later one is derived again with a counter, and the file remembers it); the file is readable by its owner only;
neither key nor identities show in a ``repr``, an error or an output.

Collisions: eight digits hold 9·10⁷ handles, so 600 courses collide with a chance of 0.2 %. Only then does a handle depend on
which course came first, and the registry file keeps it from then on.
"""

from __future__ import annotations

import fcntl
import hashlib
import hmac
import os
import re
import secrets
from collections.abc import Mapping
from pathlib import Path

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig

HANDLE = re.compile(r"@COURSE([1-9]\d{7})(?!\d)")
KEY_VARIABLE = "CANVAS_REGISTRY_KEY"
MIN_KEY_BYTES = 16
_SPAN = 90_000_000


class _Entry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    identity: str = ""
    handle: str = ""
    key_check: str = ""  # in the first line only: a hash that tells whether the key is the one the file was made with


class Registry:
    """Handles for identities; with a ``path`` also remembered in a file of mode 0600, safe for several processes.

    Raises ``BadConfig`` for a key under 16 bytes or one that is not the file's, ``ArtifactCorrupt`` (file and line) for a
    damaged file. A torn last line, as a crash leaves it, is ignored and derived again.
    """

    def __init__(self, key: bytes, path: Path | None = None) -> None:
        if len(key) < MIN_KEY_BYTES:
            raise BadConfig(
                f"the registry key has {len(key)} bytes and needs at least {MIN_KEY_BYTES}; see {KEY_VARIABLE}"
            )
        self._key = key
        self._path = Path(path) if path is not None else None
        self._handles: dict[str, str] = {}
        self._taken: dict[str, str] = {}
        self._read = 0
        if self._path is not None and self._path.exists():
            with self._path.open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                self._load(file.read())

    def __repr__(self) -> str:
        return f"Registry({len(self._handles)} courses, key and identities withheld)"

    __str__ = __repr__

    def __reduce__(self) -> tuple[type[Registry], tuple[()]]:
        raise TypeError("a registry is private and is not pickled; open it where it is needed")

    def __len__(self) -> int:
        return len(self._handles)

    def handle(self, identity: str) -> str:
        """The handle of a canonical identity, made and remembered on first sight."""
        found = self._handles.get(identity)
        if found is not None:
            return found
        if self._path is None:
            return self._add(identity)
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(fd, "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            os.fchmod(fd, 0o600)
            file.seek(self._read)
            tail = file.read()
            self._load(tail)
            if identity in self._handles:  # another process was faster
                return self._handles[identity]
            new = self._line(_Entry(key_check=self._check())) if self._read == 0 else b""
            if tail and not tail.endswith(b"\n"):
                new = b"\n" + new
            new += self._line(_Entry(identity=identity, handle=self._add(identity)))
            file.write(new)
            file.flush()
            os.fsync(fd)
            self._read = os.fstat(fd).st_size
        return self._handles[identity]

    def _add(self, identity: str) -> str:
        counter = 0
        while (handle := self._derive(identity, counter)) in self._taken:
            counter += 1
        self._handles[identity] = handle
        self._taken[handle] = identity
        return handle

    def _derive(self, identity: str, counter: int) -> str:
        mac = hmac.new(self._key, f"{counter}\0{identity}".encode("utf-8", "surrogatepass"), hashlib.sha256).digest()
        return f"@COURSE{10_000_000 + int.from_bytes(mac[:8], 'big') % _SPAN}"

    def _check(self) -> str:
        return hmac.new(self._key, b"registry key check", hashlib.sha256).hexdigest()[:16]

    @staticmethod
    def _line(entry: _Entry) -> bytes:
        return msgspec.json.encode(entry) + b"\n"

    def _load(self, raw: bytes) -> None:
        """Take in lines that were appended since the last look; the last one counts only with its newline."""
        whole = raw[: raw.rfind(b"\n") + 1]
        for number, line in enumerate(whole.splitlines(), 1):
            try:
                entry = msgspec.json.decode(line, type=_Entry)
            except msgspec.DecodeError:
                if not line.strip() or not line.endswith(b"}"):  # a torn line that a later append closed
                    continue
                raise ArtifactCorrupt(
                    f"{self._path}: line {number} of the course registry is damaged; restore it from a copy"
                ) from None
            if entry.key_check and entry.key_check != self._check():
                raise BadConfig(
                    f"{self._path} was made with another key; give that key in {KEY_VARIABLE}, or start another registry"
                )
            if entry.identity:
                self._handles[entry.identity] = entry.handle
                self._taken[entry.handle] = entry.identity
        self._read += len(whole)


def registry_key(environment: Mapping[str, str], path: Path) -> bytes:
    """The secret key: from ``CANVAS_REGISTRY_KEY``, else from a file of mode 0600 that is made on first use.

    Raises ``BadConfig`` for a key that is too short, or for a key file that others may read.
    """
    text = environment.get(KEY_VARIABLE, "")
    if text:
        key = text.encode()
    else:
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            try:
                fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass  # another process made it between the two lines: use that one
            else:
                with os.fdopen(fd, "w", encoding="ascii") as file:
                    file.write(secrets.token_hex(32))
        if path.stat().st_mode & 0o077:
            raise BadConfig(f"{path} can be read by others; run: chmod 600 {path}")
        key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise BadConfig(
            f"the registry key is shorter than {MIN_KEY_BYTES} bytes; set {KEY_VARIABLE} to a longer secret"
        )
    return key
