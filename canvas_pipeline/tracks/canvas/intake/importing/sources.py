"""Read files of other forms, each as what it is: an answer of the Canvas API, a gradebook's CSV, a calendar feed.

In: paths, and what the files themselves do not say (the course of a gradebook, the school's time zone). Out: ``Gathered``. What
must hold: a file's form is told by its content; a file that is none of the three is refused, not passed over; memory holds one
file.
"""

from __future__ import annotations

import codecs
import csv
import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from zoneinfo import ZoneInfo

from canvas_pipeline.errors import BadInput
from canvas_pipeline.privacy.contributor_id import contributor_of, printable
from canvas_pipeline.privacy.quarantine import MAX_DEPTH, REASONS, Unreadable
from canvas_pipeline.tracks.canvas.intake.checking import lenient_json
from canvas_pipeline.tracks.canvas.intake.importing import calendar_feed, gradebook
from canvas_pipeline.tracks.canvas.intake.importing.canvas_api import CanvasApi
from canvas_pipeline.tracks.canvas.intake.importing.gathered import Gathered
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import opened
from canvas_pipeline.tracks.canvas.intake.reading.strict_json import depth_over

LIMIT = 256 << 20  # bytes of one file, unpacked; a page of the API has a few hundred thousand
_SHIELD = re.compile(r"^\s*while\s?\(1\);", re.M)  # Canvas puts it before JSON that a browser asks for
_PIECE = 1 << 20


def gather(paths: Sequence[Path], course: str | None = None, zone: ZoneInfo | None = None) -> Gathered:
    """Everything in the files, each of them read once; the order of the files does not matter but for which title is kept of work
    that has several. Raises ``BadInput`` (with the file) and ``MissingInput``."""
    gathered = Gathered()
    api = CanvasApi(gathered)
    for path in paths:
        _take(path, text_of(path), course, zone, gathered, api)
    api.finish()
    return gathered


def text_of(path: Path) -> str:
    """A file's text: UTF-8, UTF-16 with its mark (what PowerShell writes), or Windows-1252; unpacked where it is gzip."""
    raw = bytearray()
    with opened(path, any_format=True) as file:
        try:
            while piece := file.readline(_PIECE):
                raw += piece
                if len(raw) > LIMIT:
                    raise BadInput(f"{printable(str(path))}: more than {LIMIT >> 20} MiB; import it in parts")
        except Unreadable as error:
            raise BadInput(f"{printable(str(path))}: {REASONS[error.reason]}") from None
    if bytes(raw[:2]) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        return raw.decode("utf-16", "replace").replace("\0", "")
    return lenient_json.text_of(bytes(raw), Counter())


def _take(path: Path, text: str, course: str | None, zone: ZoneInfo | None, gathered: Gathered, api: CanvasApi) -> None:
    shown = printable(str(path))
    text = _SHIELD.sub("", text).strip()
    if not text:
        raise BadInput(f"{shown}: {REASONS['empty_file']}")
    if text[0] in "[{":
        try:
            values = [value for _, value in lenient_json.values_of(text, Counter())]
        except lenient_json.Hopeless:
            raise BadInput(f"{shown}: not JSON, or cut off; save the whole answer of the Canvas API again") from None
        if depth_over(values, MAX_DEPTH + 1):
            raise BadInput(f"{shown}: {REASONS['too_deep']}")
        api.take(values)
    elif text[:15].upper() == "BEGIN:VCALENDAR":
        if not calendar_feed.take(text, zone, gathered):
            raise BadInput(f"{shown}: a calendar that cannot be read; download the feed again")
    else:
        code = course or gradebook.course_in(contributor_of(path))
        try:
            known = gradebook.take(text, code or "", gathered)
        except csv.Error:
            known = False
        if not known:
            raise BadInput(
                f"{shown}: neither an answer of the Canvas API (JSON), nor a gradebook's CSV, nor an .ics feed; see --help"
            )
        if code is None:
            raise BadInput(f"{shown}: the file's name does not say which course this is; give its code with --course")
