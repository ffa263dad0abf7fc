"""Render a Jinja chat template whose assistant spans are marked with ``{% generation %}``."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from canvas_pipeline.models.family import Rendered

MARKED = "{%- generation -%}"
_MARKS = re.compile(r"\{%-? (?:end)?generation -?%\}")


@cache
def template(path: Path) -> str:
    """Read a template file."""
    return path.read_text(encoding="utf-8")


def published(text: str) -> str:
    """Remove the generation marks from a template, for other runtimes. It renders the same."""
    return _MARKS.sub("", text)


def render(
    text: str,
    chat: Sequence[dict[str, Any]],
    tools: Sequence[dict[str, Any]] | None,
    *,
    generation: bool,
    **values: Any,
) -> Rendered:
    """Render ``chat``. ``values`` are further variables of the template."""
    from transformers.utils.chat_template_utils import render_jinja_template

    rendered, spans = render_jinja_template(
        [list(chat)],
        tools=list(tools) if tools else None,
        chat_template=text,
        return_assistant_tokens_mask=True,
        add_generation_prompt=generation,
        **values,
    )
    return Rendered(rendered[0], tuple((start, end) for start, end in spans[0] if end > start))
