"""Read ``gs://bucket/name`` addresses of Google Cloud Storage."""

from __future__ import annotations

import re
from dataclasses import dataclass

from canvas_pipeline.errors import BadConfig

_URI = re.compile(r"gs://(?P<bucket>[a-z0-9][a-z0-9._-]{1,61}[a-z0-9])(?:/(?P<name>.*))?")


@dataclass(frozen=True, slots=True)
class StorageUri:
    """One object, or with a name that ends in ``/`` (or none) a folder."""

    bucket: str
    name: str

    @classmethod
    def read(cls, text: str, what: str) -> StorageUri:
        """Parse an address. Raises ``BadConfig`` that names ``what`` it is for."""
        found = _URI.fullmatch(text)
        if found is None:
            raise BadConfig(f"{what} {text!r} is no address of the form gs://bucket/name")
        return cls(found["bucket"], found["name"] or "")

    def __str__(self) -> str:
        return f"gs://{self.bucket}/{self.name}"

    def below(self, name: str) -> StorageUri:
        """Return the address of a file in this folder."""
        return StorageUri(self.bucket, f"{self.name.rstrip('/')}/{name}".lstrip("/"))
