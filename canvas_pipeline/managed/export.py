"""Write a track's rows as the files that a managed service tunes on, with ``export.json`` beside them.

    <out>/train.jsonl  validation.jsonl     one line a row, or one a turn of the model (prompt-completion)
          export.json                       what the files are: base, family, template, counts, lengths, hashes, contamination

A row that is longer than the base's limit is refused, never cut; so is one that the format cannot express. ``export.json`` names
every reason. The same rows and settings give the same bytes."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec

from canvas_pipeline.errors import BadConfig, BadInput, InputChanged, MissingInput
from canvas_pipeline.guardrails.verdict import Verdict
from canvas_pipeline.managed.bases import (
    ADVISED_ROWS,
    VALIDATION_ROWS,
    VALIDATION_SHARE,
    Base,
    Format,
    Mode,
)
from canvas_pipeline.managed.lines import Line, chat_messages, gemini, prompt_completion, texts_of
from canvas_pipeline.managed.translation import translated
from canvas_pipeline.models.families import family
from canvas_pipeline.models.family import ModelFamily, Schemas
from canvas_pipeline.records import Funnel, Message, Row, digest, dumps
from canvas_pipeline.storage.atomic import whole_folder
from canvas_pipeline.storage.digests import sha256_file

EXPORT, JOB = "export.json", "job.json"
PARTS = {"train": "train.jsonl", "validation": "validation.jsonl"}
TOO_LONG, NO_FORM, TOO_MANY = "too_long", "no_form", "beyond_validation_rows"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What an export is made with. ``source`` is the family whose notation the rows are in.

    ``limit``: most tokens of a row, in place of the base's. ``bos``: write the family's first token into the text.
    ``validation_rows``: at most so many, drawn by the hash of their ids."""

    base: Base
    format: Format
    mode: Mode
    source: ModelFamily
    limit: int | None = None
    bos: bool = False
    validation_rows: int | None = None

    @property
    def max_tokens(self) -> int | None:
        return self.limit if self.limit is not None else self.base.limits.get(self.mode)

    def check(self) -> None:
        """Raise ``BadConfig`` for a format or a mode that the base does not take."""
        if self.base.known and self.format not in self.base.formats:
            raise BadConfig(f"{self.base.id} is tuned on {' or '.join(self.base.formats)}, not on {self.format}")
        if self.base.known and self.mode not in self.base.limits:
            raise BadConfig(f"{self.base.id} is tuned as {' or '.join(self.base.limits)} only, not as {self.mode}")
        if self.format == "prompt-completion" and self.base.family is None:
            raise BadConfig(
                f"the template of {self.base.id} is not known: name its family with --family, or export messages"
            )


@dataclass(frozen=True, slots=True)
class Conversation:
    """One row of a data set: its id, its messages in the source family's notation, and the tools that it declares."""

    id: str
    messages: tuple[Message, ...]
    schemas: Schemas | None = None


class Lengths(Row, frozen=True, kw_only=True):
    """How long the lines are, in ``unit``: tokens of the base, or UTF-8 bytes where no tokenizer was given (of which tokens are
    never more). ``total`` is over all lines, once."""

    unit: str
    p50: float
    p99: float
    max: int
    total: int


class Part(Row, frozen=True, kw_only=True):
    """One file of an export. ``source`` is the sha256 of the split's part that it was made from."""

    file: str
    sha256: str
    source: str
    lines: int
    funnel: Funnel
    lengths: Lengths


class Export(Row, frozen=True, kw_only=True):
    """What ``export.json`` says. ``template`` is the sha256 of the chat template that the text was written with, if any.

    ``bos_in_text`` is False where the text begins after ``bos``, the token that the base's tokenizer adds by itself.
    ``contamination`` is R8's verdict on the training part, bound to its source's sha256; None where the track has no such guard."""

    track: str
    base: str
    licence: str
    family: str | None
    format: str
    mode: str
    limit: int | None
    template: str | None
    bos: str | None
    bos_in_text: bool
    parts: dict[str, Part]
    warnings: tuple[str, ...] = ()
    contamination: Verdict | None = None


def write(
    out: Path,
    track: str,
    rows: Mapping[str, tuple[str, Sequence[Conversation]]],
    settings: Settings,
    count: Callable[[str], int] | None = None,
    warnings: Iterable[str] = (),
    contamination: Verdict | None = None,
) -> Export:
    """Write an export of ``rows`` (part → sha256 of its source, conversations) to the folder ``out``.

    ``contamination`` is R8's verdict on them. ``count`` gives a text's tokens. Raises ``BadConfig`` or ``BadInput`` where the
    service would refuse the whole."""
    settings.check()
    if (out / JOB).exists():
        raise BadConfig(
            f"{out}: a job was started from this export, and {JOB} is its only record here; export to another folder"
        )
    target = family(settings.base.family) if settings.base.family else None
    told = list(warnings)
    if contamination is None:
        told.append(f"the track {track} has no guard R8: its rows were not compared with a benchmark")
    with whole_folder(out, EXPORT) as folder:
        parts = {}
        for name, (source, given) in rows.items():
            parts[name] = _part(folder / PARTS[name], name, source, given, settings, target, count)
        told += _checked(parts, settings)
        template = target.chat_template if target else None
        export = Export(
            track=track, base=settings.base.id, licence=settings.base.licence, family=settings.base.family,
            format=settings.format, mode=settings.mode, limit=settings.max_tokens,
            template=digest(template) if template else None, bos=target.bos if target else None,
            bos_in_text=settings.bos, parts=parts, warnings=tuple(told), contamination=contamination,
        )  # fmt: skip
        (folder / EXPORT).write_bytes(msgspec.json.format(dumps(export), indent=2) + b"\n")
    return export


def _part(
    path: Path,
    name: str,
    source: str,
    rows: Sequence[Conversation],
    settings: Settings,
    target: ModelFamily | None,
    count: Callable[[str], int] | None,
) -> Part:
    refused: Counter[str] = Counter()
    kept, lengths = 0, list[int]()
    drawn = _drawn(rows, settings.validation_rows) if name == "validation" else {row.id for row in rows}
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            if row.id not in drawn:
                refused[TOO_MANY] += 1
                continue
            try:
                lines = _lines(row, settings, target)
            except BadInput:
                refused[NO_FORM] += 1
                continue
            sizes = [_length(line, settings, target, count) for line in lines]
            if settings.max_tokens is not None and max(sizes) > settings.max_tokens:
                refused[TOO_LONG] += 1
                continue
            kept += 1
            lengths += sizes
            for line in lines:
                file.write(json.dumps(line, ensure_ascii=False, separators=(",", ":")) + "\n")
    if not kept:
        raise BadInput(
            f"no row of the {name} part can be exported ({dict(refused)}); see the base's limit and the format"
        )
    if refused[TOO_LONG] and count is None:
        raise BadInput(
            f"{refused[TOO_LONG]} rows of the {name} part have more UTF-8 bytes than {settings.base.id} takes tokens "
            f"({settings.max_tokens}), which does not say that they are too long; give the base's tokenizer with --tokenizer"
        )
    funnel = Funnel(stage=f"export/{name}", rows_in=len(rows), kept=kept, refused=dict(sorted(refused.items()))).check()
    return Part(
        file=path.name, sha256=sha256_file(path), source=source, lines=len(lengths), funnel=funnel,
        lengths=_lengths(lengths, "tokens" if count else "bytes"),
    )  # fmt: skip


def _drawn(rows: Sequence[Conversation], at_most: int | None) -> set[str]:
    ids = sorted((row.id for row in rows), key=lambda id_: digest("validation", id_))
    return set(ids[:at_most])


def _lines(row: Conversation, settings: Settings, target: ModelFamily | None) -> list[Line]:
    if settings.format == "gemini":
        # No family: the words without any escaped marker.
        words = (
            Message(role=m.role, content=settings.source.calls.unescape(m.content).strip(), name=m.name)
            for m in row.messages
        )
        return gemini(tuple(words), row.schemas)
    messages = translated(row.messages, settings.source, target) if target else row.messages
    if settings.format == "messages":
        return chat_messages(messages, row.schemas)
    assert target is not None  # ``Settings.check``
    return prompt_completion(messages, row.schemas, target, bos=settings.bos)


def _length(line: Line, settings: Settings, target: ModelFamily | None, count: Callable[[str], int] | None) -> int:
    """Return the tokens of a line as the base reads it, or the bytes of its texts."""
    texts = texts_of(line, settings.format)
    if settings.format == "messages" and target is not None:
        turns = [Message(role=message["role"], content=message["content"]) for message in line["messages"]]
        texts = [target.render(turns).text]
    elif settings.format == "prompt-completion" and target is not None and target.bos and not settings.bos:
        texts = [target.bos, *texts]
    return count("".join(texts)) if count else sum(len(text.encode()) for text in texts)


def _lengths(sizes: list[int], unit: str) -> Lengths:
    cuts = statistics.quantiles(sizes, n=100, method="inclusive") if len(sizes) > 1 else [float(sizes[0])] * 99
    return Lengths(unit=unit, p50=cuts[49], p99=cuts[98], max=max(sizes), total=sum(sizes))


def _checked(parts: dict[str, Part], settings: Settings) -> list[str]:
    """Return warnings. Raises ``BadInput`` for a validation file that the service refuses."""
    train, validation = parts["train"], parts.get("validation")
    warnings = []
    if train.lines < ADVISED_ROWS:
        warnings.append(f"{train.lines} training rows; the service advises at least {ADVISED_ROWS}")
    if validation is not None:
        most = min(int(VALIDATION_SHARE * train.lines), VALIDATION_ROWS - 1)
        if validation.lines > most:
            raise BadInput(
                f"the validation file has {validation.lines} lines and may have {most} (a quarter of the training file's, below "
                f"{VALIDATION_ROWS}); draw fewer rows with --validation-rows"
            )
    if settings.max_tokens is None:
        warnings.append(
            f"the longest row that {settings.base.id} takes is not known: lengths were not checked; see --max-tokens"
        )
    return warnings


def read(folder: Path) -> tuple[Export, str]:
    """Read an export and check its files; return it with the sha256 of ``export.json``. Raises ``MissingInput`` where there is
    none, ``InputChanged`` where a file is not as it was written."""
    path = folder / EXPORT
    try:
        export = msgspec.json.decode(path.read_bytes(), type=Export)
    except FileNotFoundError:
        raise MissingInput(f"{path}: no export there; run: canvas-tune export --out {folder}") from None
    except msgspec.DecodeError as error:
        raise BadInput(f"{path}: not an export ({error})") from None
    for part in export.parts.values():
        file = folder / part.file
        if not file.is_file() or sha256_file(file) != part.sha256:
            raise InputChanged(f"{file}: not as it was exported; export again")
    return export, sha256_file(path)
