"""The asset graph as a Mermaid picture, rendered from the code location.

In: definitions. Out: Mermaid text with one node an asset (methods folded into ``<method>``), coloured by group. What must hold: the
picture in docs/graph.md is this text; a test compares them.
"""

from __future__ import annotations

from collections.abc import Iterable

import dagster as dg

from canvas_pipeline.methods import METHODS

COLOURS = {
    "intake": "#dbeafe",
    "examples": "#dcfce7",
    "base": "#fef9c3",
    "reference": "#f1f5f9",
    "method": "#ffedd5",
    "comparison": "#fae8ff",
    "release": "#ffe4e6",
}


def mermaid(definitions: dg.Definitions, track: str) -> str:
    """Draw the graph of a track, left to right."""
    graph = definitions.resolve_asset_graph()
    groups: dict[str, str] = {}
    edges: set[tuple[str, str]] = set()
    for key in (key for key in graph.get_all_asset_keys() if key.path[0] == track):
        node = graph.get(key)
        name = _folded(key.path)
        groups[name] = "method" if METHOD in name else (node.group_name or "").removeprefix(f"{key.path[0]}_")
        edges |= {(_folded(parent.path), name) for parent in node.parent_keys}
    # A method that starts from the SFT checkpoint is an arrow from <method> to itself once folded.
    edges = {(a, b) for a, b in edges if a != b and (b, a) not in edges or (a, b) in _FORWARD}
    lines = ["flowchart LR"]
    for group in COLOURS:
        lines.append(f"  subgraph {group}")
        lines += [f'    {_id(name)}["{_label(name)}"]' for name in sorted(groups) if groups[name] == group]
        lines.append("  end")
    lines += [f"  {_id(a)} --> {_id(b)}" for a, b in sorted(edges)]
    lines += [f"  style {group} fill:{colour},stroke:#94a3b8" for group, colour in COLOURS.items()]
    return "\n".join(lines)


METHOD = "<method>"
_FORWARD = {("<method>_run_spec", "<method>_checkpoint"), ("reference_logprobs", "<method>_run_spec")}


def _folded(path: Iterable[str]) -> str:
    """The last element of a key, with the name of a method, where one stands first, as ``<method>``."""
    (*_, name) = path
    method, _, rest = name.partition("_")
    return f"{METHOD}_{rest}" if method in METHODS else name


def _id(name: str) -> str:
    return name.replace("/", "_").replace("<", "").replace(">", "")


def _label(name: str) -> str:
    return name.replace("<", "&lt;").replace(">", "&gt;")
