"""Read and append the file of the private registry, whose lines are plain or individually encrypted.

The file has mode 0600. Several processes may append to it at once. A line truncated by a crash is skipped. A plain file is never
continued encrypted, nor the reverse, and a file of another key is refused. No error shows the content of a line.

Format: JSON Lines. The first line names the cipher and has a hash of the handle key. Each further line is ``{"identity",
"handle"}``, or ``{"token": …}``, the same encrypted (Fernet: AES-128-CBC with HMAC-SHA256), so that appending never rewrites
existing lines. Only ``Registry.forget`` and a change of encryption rewrite the file; both replace it atomically.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

import msgspec

from canvas_pipeline.errors import ArtifactCorrupt, BadConfig, MissingInput, MissingTool
from canvas_pipeline.storage.atomic import whole_file, write_errors
from canvas_pipeline.storage.locks import flocked

ENCRYPTION_VARIABLE = "CANVAS_REGISTRY_ENCRYPTION_KEY"
_PROOF = b"canvas course registry"


class RegistryEntry(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One line of the file. Its ``repr`` shows no content."""

    identity: str = ""
    handle: str = ""
    key_check: str = ""  # in the first line only: a hash of the key that the file was created with
    cipher: str = ""  # in the first line only: "fernet", or empty for a plain file
    proof: str = ""  # in the first line only: a known text, encrypted, to distinguish a wrong key from a damaged line
    token: str = ""  # an encrypted entry

    def __repr__(self) -> str:
        return "RegistryEntry(withheld)"


class Cipher(Protocol):
    """The part of ``cryptography.fernet.Fernet`` that is used."""

    def encrypt(self, data: bytes) -> bytes: ...
    def decrypt(self, token: bytes) -> bytes: ...


class RegistryFile:
    """Reads and appends entries. ``encryption`` is a Fernet key (44 characters of URL-safe base64), or None for a plain file.

    Raises ``BadConfig`` if the key is not the file's, ``ArtifactCorrupt`` (file and line) for a damaged line, ``MissingTool`` if
    the file is encrypted and the cryptography library is not installed.
    """

    def __init__(self, path: Path, encryption: bytes | None = None) -> None:
        self.path = Path(path)
        self._cipher = _cipher(encryption) if encryption else None
        self._read = 0
        self._line = 0
        self._inode = 0
        self._header: RegistryEntry | None = None

    def __repr__(self) -> str:
        return f"RegistryFile({self.path}, {'encrypted' if self._cipher else 'plain'})"

    def __reduce__(self) -> tuple[type[RegistryFile], tuple[()]]:
        raise TypeError("a registry file is private and is not pickled; open it where it is needed")

    @contextmanager
    def locked(self, write: bool) -> Iterator[BinaryIO]:
        """Open and lock the file; with ``write`` create it (0600) if it does not exist.

        A file that was replaced while waiting for its lock is opened again, so that nothing is added to a deleted file."""
        if write:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        while True:
            flags = os.O_RDWR | os.O_CREAT | os.O_APPEND if write else os.O_RDONLY
            fd = os.open(self.path, flags, 0o600)
            with os.fdopen(fd, "r+b" if write else "rb") as file:
                flocked(fd, shared=not write)
                try:
                    if os.stat(self.path).st_ino != os.fstat(fd).st_ino:
                        continue
                except FileNotFoundError:
                    if not write:
                        raise
                    continue
                if write:
                    os.fchmod(fd, 0o600)
                yield file
                return

    def unread(self, file: BinaryIO) -> tuple[list[RegistryEntry], bool]:
        """Return the entries added since the last call, and whether the file was replaced (then these are all its entries)."""
        inode = os.fstat(file.fileno()).st_ino
        renewed = inode != self._inode
        if renewed:
            self._read, self._line, self._inode, self._header = 0, 0, inode, None
        file.seek(self._read)
        raw = file.read()
        whole = raw[: raw.rfind(b"\n") + 1]
        entries = list(self._decoded(whole))
        self._read += len(whole)
        return entries, renewed

    def append(self, file: BinaryIO, entries: Iterable[RegistryEntry], key_check: str) -> None:
        """Add entries with one write and one fsync. Call ``unread`` before, under the same lock."""
        size = os.fstat(file.fileno()).st_size
        new = b"" if size == self._read else b"\n"  # end a truncated last line, which is skipped from then on
        if self._header is None:
            new += self.header(key_check)
        new += b"".join(map(self.line, entries))
        with write_errors(self.path):
            file.write(new)
            file.flush()
            os.fsync(file.fileno())

    def rewrite(self, entries: Iterable[RegistryEntry], key_check: str) -> None:
        """Replace the file atomically. The caller holds the lock."""
        with whole_file(self.path, private=True) as temporary, temporary.open("wb") as file:
            file.write(self.header(key_check))
            file.writelines(map(self.line, entries))

    @property
    def key_check(self) -> str:
        """The handle key's hash in the file's first line; empty before the first call of ``unread``."""
        return self._header.key_check if self._header else ""

    def header(self, key_check: str) -> bytes:
        """Return the first line."""
        if self._cipher is None:
            return _encoded(RegistryEntry(key_check=key_check))
        return _encoded(
            RegistryEntry(key_check=key_check, cipher="fernet", proof=self._cipher.encrypt(_PROOF).decode("ascii"))
        )

    def line(self, entry: RegistryEntry) -> bytes:
        """Return the line for an entry, encrypted if the file is."""
        if self._cipher is None:
            return _encoded(entry)
        return _encoded(RegistryEntry(token=self._cipher.encrypt(msgspec.json.encode(entry)).decode("ascii")))

    def _decoded(self, whole: bytes) -> Iterator[RegistryEntry]:
        for line in whole.split(b"\n")[:-1]:
            self._line += 1
            try:
                entry = msgspec.json.decode(line, type=RegistryEntry)
            except msgspec.DecodeError:
                if not line.strip() or not line.endswith(b"}"):  # a truncated line that a later append ended
                    continue
                raise self._damaged() from None
            if entry.key_check:
                self._check(entry)
                self._header = entry
            elif bool(entry.token) != (self._cipher is not None):
                raise self._mixed(encrypted=bool(entry.token))
            elif entry.token and self._cipher:
                try:
                    yield msgspec.json.decode(_decrypted(self._cipher, entry.token, self._damaged), type=RegistryEntry)
                except msgspec.DecodeError:
                    raise self._damaged() from None
            elif entry.identity:
                yield entry

    def _check(self, header: RegistryEntry) -> None:
        if bool(header.cipher) != (self._cipher is not None):
            raise self._mixed(encrypted=bool(header.cipher))
        if self._cipher:
            wrong = BadConfig(
                f"{self.path} was encrypted with another key; give that key in {ENCRYPTION_VARIABLE}, or restore it from a copy"
            )
            if _decrypted(self._cipher, header.proof, lambda: wrong) != _PROOF:
                raise wrong

    def _mixed(self, encrypted: bool) -> BadConfig:
        if encrypted:
            return BadConfig(f"{self.path} is encrypted; give its key in {ENCRYPTION_VARIABLE}")
        return BadConfig(
            f"{self.path} is not encrypted, but {ENCRYPTION_VARIABLE} is set; unset it, or encrypt the file once with: "
            f"canvas-data registry encrypt {self.path}"
        )

    def _damaged(self) -> ArtifactCorrupt:
        return ArtifactCorrupt(
            f"{self.path}: line {self._line} of the course registry is damaged; restore it from a copy"
        )


def raw_identities(path: Path, environ: Mapping[str, str]) -> list[str]:
    """Return every identity in the registry, sorted, for the audit to search for. Never print them.

    ``environ`` has ``CANVAS_REGISTRY_ENCRYPTION_KEY`` if the file is encrypted; the handle key is not needed. Raises
    ``MissingInput`` for a missing file, and the errors of ``RegistryFile``.
    """
    source = RegistryFile(path, encryption_key(environ))
    try:
        with source.locked(write=False) as file:
            return sorted({entry.identity for entry in source.unread(file)[0]})
    except FileNotFoundError:
        raise MissingInput(f"{path}: no such registry") from None


def encrypt_file(path: Path, environ: Mapping[str, str]) -> int:
    """Replace a plain registry atomically by one encrypted with ``CANVAS_REGISTRY_ENCRYPTION_KEY``; return its number of entries.

    Raises ``BadConfig`` without a key, and the errors of ``RegistryFile``.
    """
    return _convert(RegistryFile(path), RegistryFile(path, encryption_key(environ, required=True)))


def decrypt_file(path: Path, environ: Mapping[str, str]) -> int:
    """Replace an encrypted registry atomically by a plain one (mode 0600); return its number of entries."""
    return _convert(RegistryFile(path, encryption_key(environ, required=True)), RegistryFile(path))


def encryption_key(environ: Mapping[str, str], required: bool = False) -> bytes | None:
    """Return the Fernet key of ``CANVAS_REGISTRY_ENCRYPTION_KEY``, or None if it is not set.

    Raises ``BadConfig`` if it is required and not set."""
    text = environ.get(ENCRYPTION_VARIABLE, "").strip()
    if required and not text:
        raise BadConfig(
            f"{ENCRYPTION_VARIABLE} is not set; make a key with: {_MAKE_KEY}, and keep it where you keep secrets"
        )
    return text.encode() or None


_MAKE_KEY = 'python -c "from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())"'


def _convert(source: RegistryFile, target: RegistryFile) -> int:
    if not source.path.is_file():
        raise MissingInput(f"{source.path}: no such registry")
    with source.locked(write=True) as file:
        entries, _ = source.unread(file)
        target.rewrite(entries, source.key_check)
    return len(entries)


def _encoded(entry: RegistryEntry) -> bytes:
    return msgspec.json.encode(entry) + b"\n"


def _cipher(key: bytes) -> Cipher:
    try:
        from cryptography.fernet import Fernet
    except ImportError:
        raise MissingTool("an encrypted registry needs the cryptography library; run: uv sync --extra pii") from None
    try:
        return Fernet(key)
    except ValueError:
        raise BadConfig(f"{ENCRYPTION_VARIABLE} holds no Fernet key; make one with: {_MAKE_KEY}") from None


def _decrypted(cipher: Cipher, token: str, error: Callable[[], Exception]) -> bytes:
    from cryptography.fernet import InvalidToken

    try:
        return cipher.decrypt(token.encode())
    except InvalidToken:
        raise error() from None
