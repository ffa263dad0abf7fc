"""Store a teacher's votes on disk, so that none is paid for twice."""

from __future__ import annotations

from pathlib import Path

from canvas_pipeline.storage import journal
from canvas_pipeline.tracks.canvas.rows import Vote


class Journal(journal.Journal[Vote]):
    """Votes, found by pair, presentation, prompt and teacher."""

    def __init__(self, path: Path | None) -> None:
        busy = f"{path} is in use by another labelling; wait for it, or name another --journal"
        super().__init__(path, Vote, _key, busy)


def _key(vote: Vote) -> tuple[str, ...]:
    return (vote.pair_id, vote.presentation, vote.prompt_sha256, vote.teacher)
