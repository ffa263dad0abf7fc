"""Seal artefacts with a key of the data folder, so that a file somebody edited or brought along is not believed.

A seal is an HMAC-SHA256 over a context (what the file is for) and the sha256 of its content. The key lies in
``<data>/private/store.key`` (mode 0600, made on first use) or in ``CANVAS_STORE_KEY``; a child process or another machine gets the
file's place in ``CANVAS_STORE_KEY_FILE``. Whoever can read the key can seal.
"""

from __future__ import annotations

import hmac
import os
import secrets
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from canvas_pipeline.errors import BadConfig
from canvas_pipeline.records import digest
from canvas_pipeline.storage.atomic import whole_file
from canvas_pipeline.storage.digests import sha256_path

KEY, KEY_FILE = "CANVAS_STORE_KEY", "CANVAS_STORE_KEY_FILE"
MIN_KEY_BYTES = 16


@dataclass(frozen=True, slots=True)
class Seal:
    """Signs and checks with the key in ``path``, which is read when it is needed."""

    path: Path

    @property
    def key(self) -> bytes:
        """The secret. Raises ``BadConfig`` for one that is too short or that others may read."""
        text = os.environ.get(KEY, "").encode()
        key = text or secret_file(self.path)
        if len(key) < MIN_KEY_BYTES:
            raise BadConfig(f"the key of the store is shorter than {MIN_KEY_BYTES} bytes; set {KEY} to a longer secret")
        return key

    def sign(self, context: str, sha256: str) -> str:
        """The seal of some content, as hex."""
        return hmac.new(self.key, digest(context, sha256).encode(), "sha256").hexdigest()

    def signed(self, context: str, sha256: str, seal: str) -> bool:
        """Whether ``seal`` is that of the content. Where there is no key yet, nothing was sealed."""
        if not os.environ.get(KEY) and not self.path.exists():
            return False
        return hmac.compare_digest(self.sign(context, sha256), seal)

    def put(self, path: Path, context: str) -> None:
        """Seal a file or folder: ``<path>.seal`` beside it."""
        with whole_file(_beside(path)) as temporary:
            temporary.write_text(self.sign(context, sha256_path(path)), encoding="ascii")

    def holds(self, path: Path, context: str) -> bool:
        """Whether a file or folder is there and is as it was sealed for this context."""
        try:
            seal = _beside(path).read_text(encoding="ascii")
        except (OSError, UnicodeDecodeError):
            return False
        return path.exists() and self.signed(context, sha256_path(path), seal)

    def environment(self) -> Mapping[str, str]:
        """What a child process must be given to seal with the same key."""
        return {KEY_FILE: str(self.path)}


def process_seal(folder: Path) -> Seal:
    """The seal of the data folder that started this process; where none did, a key in ``folder``, which no data folder believes."""
    named = os.environ.get(KEY_FILE, "")
    return Seal(Path(named) if named else folder / ".seal.key")


def secret_file(path: Path) -> bytes:
    """The content of a private key file, made on first use with mode 0600. Raises ``BadConfig`` where others may read it."""
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
    return path.read_bytes().strip()


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.seal")
