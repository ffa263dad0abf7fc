"""The pictures of the asset graph in the docs are up to date."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from canvas_pipeline.definitions import defs
from canvas_pipeline.pipeline.track import track_names
from canvas_pipeline_tests.orchestration.graph_picture import COLOURS, mermaid

PAGE = Path(__file__).resolve().parents[2] / "docs/graph.md"


@pytest.mark.parametrize("track", track_names())
def test_the_picture_in_the_docs_equals_the_asset_graph(track: str) -> None:
    text = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"<!-- graph of {track}[^>]*-->\s*```mermaid\n(.*?)```", text, re.DOTALL)
    assert found is not None and found[1].strip() == mermaid(defs(), track).strip()


def test_every_asset_is_in_the_picture_once() -> None:
    text = mermaid(defs(), "canvas")
    folded = {re.sub(r"^(?!sft_samples)(sft|lora|qlora|dpo|ipo|apo-zero|sppo(-[12])?|nca|kto|bon)(?=_)", "&lt;method&gt;",
                     key.path[-1])
              for key in defs().resolve_asset_graph().get_all_asset_keys() if key.path[0] == "canvas"}  # fmt: skip
    assert sorted(re.findall(r'\["([^"]+)"\]', text)) == sorted(folded)
    assert all(f"subgraph {group}" in text for group in COLOURS)
    assert "method_run_spec --> method_checkpoint" in text and "reference_logprobs --> method_run_spec" in text
