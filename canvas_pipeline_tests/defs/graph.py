"""Render the asset graph as text, one asset per line, as in ``asset_graph.txt``. ``python -m canvas_pipeline_tests.defs.graph``
prints it; after a wanted change: ``… > canvas_pipeline_tests/defs/asset_graph.txt``."""

from __future__ import annotations

from canvas_pipeline.definitions import defs


def graph_text() -> str:
    """Return ``key <- inputs [checks]`` for every asset, sorted."""
    graph = defs().resolve_asset_graph()
    lines = []
    for key in sorted(graph.get_all_asset_keys(), key=lambda found: found.path):
        node = graph.get(key)
        parents = ", ".join(sorted("/".join(parent.path) for parent in node.parent_keys)) or "-"
        checks = " ".join(sorted(check.name for check in graph.get_check_keys_for_assets({key})))
        lines.append(f"{'/'.join(key.path)} <- {parents} [{checks}]")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(graph_text(), end="")
