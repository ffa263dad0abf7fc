"""Show a benchmark's results by the groups of its cases (tools, types of instructions) as Markdown tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from canvas_pipeline.evaluation.statistics import FEW, Rate

Shares = Mapping[str, Mapping[str, Rate]]
"""Title of a share → group → rate."""


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """How a benchmark groups its cases: ``name`` is what a group is (``tool``), ``of`` gives a report's shares in each."""

    name: str
    of: Callable[[Any], Shares]

    @property
    def file(self) -> str:
        """The name of the file with the table."""
        return f"by-{self.name}.md"

    @property
    def title(self) -> str:
        return f"by {self.name}"


def table(groups: Groups, report: Any) -> str:
    """Render one report: a row for each group, with the hits and cases, the share and the wider interval of each of its
    shares."""
    shares = groups.of(report)
    names = dict.fromkeys(name for rates in shares.values() for name in rates)
    rows = {name: [cell for rates in shares.values() for cell in _cells(rates.get(name))] for name in names}
    return _table(groups.name, list(shares), rows)


def tables(groups: Groups, reports: Mapping[str, Any]) -> str:
    """Render several reports over the same cases: a table for each group, with a row for each report."""
    found = {model: groups.of(report) for model, report in reports.items()}
    names = dict.fromkeys(name for shares in found.values() for rates in shares.values() for name in rates)
    titles = list(dict.fromkeys(title for shares in found.values() for title in shares))
    parts = []
    for name in names:
        rows = {
            model: [cell for title in titles for cell in _cells(shares.get(title, {}).get(name))]
            for model, shares in found.items()
        }
        parts.append(f"### {name}\n\n{_table('model', titles, rows)}")
    return "\n\n".join(parts)


def _table(head: str, titles: list[str], rows: Mapping[str, list[str]]) -> str:
    columns = [head, *(column for title in titles for column in (f"{title}: hits/cases", "share", "95 % interval"))]
    lines = [f"| {' | '.join(columns)} |", "|---" + "|---:" * (len(columns) - 1) + "|"]
    lines += [f"| {name} | {' | '.join(cells)} |" for name, cells in rows.items()]
    return "\n".join(lines)


def _cells(rate: Rate | None) -> tuple[str, str, str]:
    if rate is None or rate.share is None or rate.bounds is None:
        return "0/0", "n/a", "n/a"
    low, high = rate.bounds
    few = " (few)" if rate.cases < FEW else ""
    return (
        f"{rate.hits}/{rate.cases}",
        f"{100 * rate.share:.1f} %{few}",
        f"{100 * low:.1f} to {100 * high:.1f} %",
    )
