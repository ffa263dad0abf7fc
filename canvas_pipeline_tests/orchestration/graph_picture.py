"""Render a track's asset graph as Mermaid text: one node per asset, methods folded into ``<method>``, coloured by group.

docs/graph.md contains this text; ``test_picture`` compares them.
"""

from __future__ import annotations

import dagster as dg

from canvas_pipeline.methods import METHODS

COLOURS = {
    "intake": "#dbeafe",
    "examples": "#dcfce7",
    "base": "#fef9c3",
    "pairs": "#ccfbf1",
    "reference": "#f1f5f9",
    "method": "#ffedd5",
    "comparison": "#fae8ff",
    "release": "#ffe4e6",
}

OTHER = "#f8fafc"
"""The colour of a track's own groups."""


def mermaid(definitions: dg.Definitions, track: str) -> str:
    """Render the graph of a track, left to right."""
    graph = definitions.resolve_asset_graph()
    nodes = {key: graph.get(key) for key in graph.get_all_asset_keys() if key.path[0] == track}
    names = {key: _folded(key.path[-1], node.group_name or "", track) for key, node in nodes.items()}
    groups: dict[str, str] = {}
    edges: set[tuple[str, str]] = set()
    for key, node in nodes.items():
        name = names[key]
        groups[name] = "method" if METHOD in name else (node.group_name or "").removeprefix(f"{track}_")
        edges |= {(names[parent], name) for parent in node.parent_keys}
    # Folding turns "starts from the SFT checkpoint" into an edge from <method> to itself.
    edges = {(a, b) for a, b in edges if a != b and (b, a) not in edges or (a, b) in _FORWARD}
    present = {*groups.values()}
    order = [*(group for group in COLOURS if group in present), *sorted(present - {*COLOURS})]
    lines = ["flowchart LR"]
    for group in order:
        lines.append(f"  subgraph {group}")
        lines += [f'    {_id(name)}["{_label(name)}"]' for name in sorted(groups) if groups[name] == group]
        lines.append("  end")
    lines += [f"  {_id(a)} --> {_id(b)}" for a, b in sorted(edges)]
    lines += [f"  style {group} fill:{COLOURS.get(group, OTHER)},stroke:#94a3b8" for group in order]
    return "\n".join(lines)


METHOD = "<method>"
_FORWARD = {
    ("<method>_run_spec", "<method>_checkpoint"),
    ("<method>_reference", "<method>_checkpoint"),
    ("reference_logprobs", "<method>_run_spec"),
}


def _folded(name: str, group: str, track: str) -> str:
    """Return an asset's name; in a method's group, with the method's name replaced by ``<method>``."""
    method = next((method for method in METHODS if group == f"{track}_{method}".replace("-", "_")), "")
    return f"{METHOD}{name.removeprefix(method)}" if method and name.startswith(f"{method}_") else name


def _id(name: str) -> str:
    return name.replace("/", "_").replace("<", "").replace(">", "")


def _label(name: str) -> str:
    return name.replace("<", "&lt;").replace(">", "&gt;")
