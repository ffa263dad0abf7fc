"""A second, independent reader that looks for what must not be there, over anything the line wrote.

In: files (JSONL and JSON are walked string by string, keys too; all else is read as text) and optionally the private registry.
Out: ``Leak`` rows that name file, line, field and type, never the value. What must hold: it shares no expression with the
masking code, so that one mistake does not blind both; it is narrow, since a false alarm blocks a release.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from canvas_pipeline.errors import BadInput, MissingInput
from canvas_pipeline.records import Row

# Subjects whose plain form ("CS 3704") is looked for; the CRN form is looked for with any subject.
_SUBJECTS = (
    "ACCT|ACIS|AOE|ARCH|ARTH|ASTR|BIOL|BIO|BIT|BME|CEE|CHEM|CHE|CMDA|CNST|COMM|COMP|CSCI|CSE|CS|ECE|ECON|EE|ENGE|ENGL|ENGR|ENSC|"
    "ESM|FIN|FREN|GEOG|GEOS|GER|HIST|HNFE|HTM|HUM|ISE|JPN|LING|MATH|ME|MGT|MKTG|MSE|MUS|NEUR|PHIL|PHYS|PSCI|PSYC|REL|SOC|SPAN|STAT|THEA"
)
_CHECKS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("COURSE_CRN", re.compile(r"[A-Za-z]{2,6}[ _-]?[0-9]{3,4}[A-Za-z]?[ _-][0-9]{5}[ _-](?:19|20)[0-9]{4}(?![0-9])")),
    ("COURSE_CRN", re.compile(r"(?<![0-9])20[0-9]{4}[ _-][A-Z]{2,5}[ _-]?[0-9]{4}(?![0-9])")),
    ("COURSE_CODE", re.compile(rf"(?<![A-Za-z0-9@#])(?:{_SUBJECTS})[ _\u00a0-]?[1-7][0-9]{{3}}[A-Z]?(?![0-9A-Za-z])")),
    ("EMAIL", re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]*@[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*\.[A-Za-z]{2,}")),
    ("SSN", re.compile(r"(?<![0-9A-Za-z.-])[0-9]{3}-[0-9]{2}-[0-9]{4}(?![0-9A-Za-z-])")),
    ("PHONE", re.compile(r"(?<![0-9A-Za-z.])\([0-9]{3}\) ?[0-9]{3}[ .\u2013-]?[0-9]{4}(?![0-9A-Za-z])")),
    ("PHONE", re.compile(r"(?<![0-9A-Za-z.+_-])(?:\+?1[ .-])?[2-9][0-9]{2}([ .\u2013-])[2-9][0-9]{2}\1[0-9]{4}(?![0-9A-Za-z-])")),
    ("PHONE", re.compile(r"(?<![0-9A-Za-z])\+1[ .-]?[0-9]{10}(?![0-9])")),
)  # fmt: skip
_IDENTITY = re.compile(r"^(?:of/[^/]+/)?course/([^/]+)/([^/]+)/([^/]+)/([^/]+)$")


class Leak(Row, frozen=True, kw_only=True):
    """An identity that should have been masked. ``field`` is a path such as ``messages[1].content``, empty for plain text."""

    file: str
    line: int
    field: str
    type: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.field or '-'}: {self.type}"


def audit(paths: Sequence[Path], registry: Path | None = None) -> list[Leak]:
    """All leaks in files and, recursively, folders. Raises ``MissingInput`` for a path that is not there, and ``BadInput`` where
    the registry cannot be read: an audit that looked at nothing must not look clean."""
    checks = [*_CHECKS, *(_registry_checks(registry) if registry else ())]
    return [leak for path in _files(paths) for leak in _file_leaks(path, checks)]


def _files(paths: Sequence[Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from sorted(
                p for p in path.rglob("*") if p.is_file() and p.suffix in (".jsonl", ".json", ".md", ".txt", ".csv")
            )
        elif path.is_file():
            yield path
        else:
            raise MissingInput(f"{path}: no such file or folder to audit")


def _file_leaks(path: Path, checks: Sequence[tuple[str, re.Pattern[str]]]) -> Iterator[Leak]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            text = raw.decode("utf-8", "replace")
            found: dict[tuple[str, str], None] = {}
            for field, value in _strings(text):
                for type_, pattern in checks:
                    if pattern.search(value):
                        found[field, type_] = None
            for field, type_ in found:
                yield Leak(file=str(path), line=number, field=field, type=type_)


def _strings(text: str) -> Iterator[tuple[str, str]]:
    """(path, string) of a line's JSON, or the line itself where it is none."""
    if text.lstrip("\ufeff \t")[:1] in ("{", "["):
        try:
            yield from _walk(json.loads(text.lstrip("\ufeff")), "")
            return
        except (ValueError, RecursionError):
            pass
    yield "", text


def _walk(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for position, (key, child) in enumerate(value.items()):
            # A key that is no plain word may itself be a leak: it is checked, and not put into the path.
            name = key if re.fullmatch(r"[A-Za-z_]{1,40}", key) else f"key{position}"
            here = f"{path}.{name}" if path else name
            yield f"{here} (key)", key
            yield from _walk(child, here)
    elif isinstance(value, list):
        for position, child in enumerate(value):
            yield from _walk(child, f"{path}[{position}]")


def _registry_checks(registry: Path) -> Iterator[tuple[str, re.Pattern[str]]]:
    """What the private registry knows: no raw identity, CRN, or subject and number of it may appear."""
    try:
        lines = registry.read_text(encoding="utf-8").splitlines()
        identities = sorted(
            {json.loads(line).get("identity", "") for line in lines if line.startswith("{") and line.endswith("}")}
        )
    except (OSError, ValueError):
        raise BadInput(
            f"{registry}: the course registry cannot be read; the audit needs it to know what to look for"
        ) from None
    codes: set[str] = set()
    crns: set[str] = set()
    raw: set[str] = set()
    for identity in filter(None, identities):
        raw.add(re.escape(identity))
        if match := _IDENTITY.match(identity):
            subject, number, crn, _ = match.groups()
            if subject != "-" and number != "-":
                codes.add(re.escape(subject) + r"[\s_\u2013-]{0,2}" + re.escape(number))
            if crn != "-":
                crns.add(crn)
    if raw:
        yield "REGISTRY_ENTRY", re.compile("|".join(sorted(raw)))
    if codes:
        yield "COURSE_CODE", re.compile(r"(?<![A-Za-z0-9])(?:" + "|".join(sorted(codes)) + r")(?![0-9A-Za-z])", re.I)
    if crns:
        # A five-digit number after ":" or "=" is some field's value; a CRN in a text stands by itself.
        yield "COURSE_CRN", re.compile(r"(?<![A-Za-z0-9.,:=#-])(?:" + "|".join(sorted(crns)) + r")(?![A-Za-z0-9.,%-])")
