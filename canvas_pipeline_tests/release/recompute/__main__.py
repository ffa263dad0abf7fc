"""Print what is equal, what differs and what was not computed."""

from __future__ import annotations

import sys
from pathlib import Path

from canvas_pipeline_tests.release.recompute.cards import Found, recompute


def main(arguments: list[str]) -> int:
    data, *track = arguments
    found = recompute(Path(data), *track)
    for title, places in zip(Found._fields, found, strict=True):
        print(f"{title}: {len(places)}")
        if title != "equal":
            print("".join(f"  {place}\n" for place in places), end="")
    return bool(found.different)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
