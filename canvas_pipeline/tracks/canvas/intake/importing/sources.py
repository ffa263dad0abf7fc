"""Import files of other formats: answers of the Canvas API, a gradebook's CSV, a calendar feed.

The format is detected by the content. Any other file is refused. One file is in memory at a time.
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
from canvas_pipeline.tracks.canvas.intake.importing.calendar_feed import import_calendar
from canvas_pipeline.tracks.canvas.intake.importing.canvas_api import CanvasApi
from canvas_pipeline.tracks.canvas.intake.importing.gathered import Gathered
from canvas_pipeline.tracks.canvas.intake.importing.gradebook import course_in, import_gradebook
from canvas_pipeline.tracks.canvas.intake.reading.raw_file import opened
from canvas_pipeline.tracks.canvas.intake.reading.strict_json import depth_over

LIMIT = 256 << 20  # bytes of one file, decompressed; a page of the API has a few hundred thousand
_SHIELD = re.compile(r"^\s*while\s?\(1\);", re.M)  # Canvas puts it before JSON that a browser requests
_PIECE = 1 << 20


def gather(paths: Sequence[Path], course: str | None = None, zone: ZoneInfo | None = None) -> Gathered:
    """Import all files. Their order only matters for work with several titles, of which the first is kept.

    ``course`` is the code of a gradebook's course, ``zone`` the school's time zone. Raises ``BadInput`` (with the file) and
    ``MissingInput``."""
    gathered = Gathered()
    api = CanvasApi(gathered)
    for path in paths:
        _import_file(path, text_of(path), course, zone, gathered, api)
    api.finish()
    return gathered


def text_of(path: Path) -> str:
    """Return a file's text, decompressed: UTF-8, UTF-16 with a byte-order mark (as PowerShell writes), or Windows-1252."""
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


def _import_file(
    path: Path, text: str, course: str | None, zone: ZoneInfo | None, gathered: Gathered, api: CanvasApi
) -> None:
    shown = printable(str(path))
    text = _SHIELD.sub("", text).strip()
    if not text:
        raise BadInput(f"{shown}: {REASONS['empty_file']}")
    if text[0] in "[{":
        try:
            values = [value for _, value in lenient_json.values_of(text, Counter())]
        except lenient_json.NotJson:
            raise BadInput(f"{shown}: not JSON, or cut off; save the whole answer of the Canvas API again") from None
        if depth_over(values, MAX_DEPTH + 1):
            raise BadInput(f"{shown}: {REASONS['too_deep']}")
        api.add(values)
    elif text[:15].upper() == "BEGIN:VCALENDAR":
        if not import_calendar(text, zone, gathered):
            raise BadInput(f"{shown}: a calendar that cannot be read; download the feed again")
    else:
        code = course or course_in(contributor_of(path))
        try:
            known = import_gradebook(text, code or "", gathered)
        except csv.Error:
            known = False
        if not known:
            raise BadInput(
                f"{shown}: neither an answer of the Canvas API (JSON), nor a gradebook's CSV, nor an .ics feed; see --help"
            )
        if code is None:
            raise BadInput(f"{shown}: the file's name does not say which course this is; give its code with --course")
