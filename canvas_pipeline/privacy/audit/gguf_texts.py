"""Print the texts of a GGUF file's key–value section: ``python -m canvas_pipeline.privacy.audit.gguf_texts FILE``.

One JSON ``[field, text]`` a line on standard output: every string and every string of an array (name, description, chat
template, vocabulary). Merges are left out, since their parts are in the vocabulary. Exit 1 where the file cannot be read. It is
a process of its own because the reader can hang on a damaged file; gguf is imported on use.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

SKIPPED = frozenset({"tokenizer.ggml.merges"})


def texts(path: Path) -> Iterator[tuple[str, str]]:
    """Yield (key, text) of all string fields. The key of an array's element has its position; the mark of a blank in a token
    becomes a blank."""
    from gguf import GGUFReader, GGUFValueType

    for key, field in GGUFReader(path).fields.items():
        if key in SKIPPED or not field.types or field.types[-1] != GGUFValueType.STRING:
            continue
        values = [bytes(field.parts[index]).decode("utf-8", "replace") for index in field.data]
        listed = field.types[0] == GGUFValueType.ARRAY
        for position, value in enumerate(values):
            yield (f"{key}[{position}]" if listed else key), value.replace("\u2581", " ").replace("\u0120", " ")


if __name__ == "__main__":
    try:
        for key, text in texts(Path(sys.argv[1])):
            print(json.dumps([key, text]))
    except Exception as error:  # whatever a hostile file does to the reader, its text is not shown
        sys.exit(f"{type(error).__name__} while reading the metadata")
