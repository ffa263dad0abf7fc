"""Convert values, pictures and tables to Dagster metadata."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg


def shown(value: Any) -> Any:
    """Convert a value to metadata of its own type; text of several lines becomes Markdown."""
    if isinstance(value, dg.MetadataValue):
        return value
    if isinstance(value, bool):
        return dg.MetadataValue.bool(value)
    if isinstance(value, int):
        return dg.MetadataValue.int(value)
    if isinstance(value, float):
        return dg.MetadataValue.float(value)
    if value is None:
        return dg.MetadataValue.null()
    if isinstance(value, (Mapping, list, tuple)):
        return dg.MetadataValue.json(dict(value) if isinstance(value, Mapping) else list(value))
    text = str(value)
    return dg.MetadataValue.md(text) if "\n" in text else dg.MetadataValue.text(text)


def picture(png: bytes) -> dg.MarkdownMetadataValue:
    """Convert a PNG to metadata that the web UI shows inline."""
    return dg.MetadataValue.md(f"![picture](data:image/png;base64,{base64.b64encode(png).decode()})")


def table(columns: Mapping[str, str], rows: Sequence[Sequence[Any]]) -> dg.TableMetadataValue:
    """Convert rows to a table. ``columns`` maps names to types; a column of type ``any`` may mix text and numbers."""
    schema = dg.TableSchema(columns=[dg.TableColumn(name, type=kind) for name, kind in columns.items()])
    records = [dg.TableRecord(dict(zip(columns, row, strict=True))) for row in rows]
    return dg.MetadataValue.table(records=records, schema=schema)
