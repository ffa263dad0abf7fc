"""Make preference pairs from several sampled answers to a prompt, scored by a verifier.

The chosen side is always a right answer that the model sampled. Ties give no pair. Where there are too few sampled wrong answers,
constructed ones may be the rejected side and are marked as such.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from canvas_pipeline.records import Row

MARGIN = 0.5
"""Least difference of the scores of a pair, 0..1."""
PAIRS_PER_PROMPT = 3


@dataclass(frozen=True, slots=True)
class Scored:
    """One answer and its score 0..1. ``right``: it meets every constraint; ``kind`` is how it is wrong (``""`` if right).

    ``sampled`` is False for a constructed answer."""

    text: str
    score: float
    right: bool
    kind: str = ""
    sampled: bool = True


@dataclass(frozen=True, slots=True)
class Pairing:
    """A chosen and a rejected answer to one prompt."""

    chosen: Scored
    rejected: Scored

    @property
    def margin(self) -> float:
        return self.chosen.score - self.rejected.score


@dataclass(frozen=True, slots=True)
class Selection:
    """The pairs of one prompt, or the ``reason`` why there are none."""

    pairs: tuple[Pairing, ...]
    reason: str | None


class PairReport(Row, frozen=True, kw_only=True):
    """Statistics of a set of pairs. Shares are 0..1 and None without pairs.

    ``longer_wins`` and ``shorter_wins`` are how often the chosen side is the longer or the shorter one; ``length_ratio`` is the
    mean length of the chosen sides divided by that of the rejected, in characters."""

    pairs: int
    sampled_share: float | None
    negative_mix: dict[str, float]
    longer_wins: float | None
    shorter_wins: float | None
    length_ratio: float | None
    identical_sides: int
    margin_below: int


def pairs_of(answers: Sequence[Scored], constructed: Sequence[Scored] = (), margin: float = MARGIN) -> Selection:
    """Pair the best right sampled answer with the others that score lower by ``margin``, at most ``PAIRS_PER_PROMPT``.

    ``constructed`` wrong answers are used only where a sampled answer is right. The reasons for no pair: ``no_winner`` (all wrong),
    ``all_right``, ``identical`` (all texts are equal), ``margin``."""
    right = [answer for answer in answers if answer.right and answer.sampled]
    same = len({answer.text.strip() for answer in answers}) <= 1
    if not right:
        return Selection((), "identical" if same and len(answers) > 1 else "no_winner")
    best = max(right, key=lambda answer: answer.score)
    losers = [*(a for a in answers if not a.right), *constructed]
    if not losers:
        return Selection((), "identical" if same and len(answers) > 1 else "all_right")
    different = {a.text.strip(): a for a in reversed(losers) if a.text.strip() and a.text.strip() != best.text.strip()}
    wide = [a for a in reversed(different.values()) if best.score - a.score >= margin]
    wide.sort(key=lambda answer: (not answer.sampled, answer.score))
    if not wide:
        return Selection((), "margin" if different else "identical")
    return Selection(tuple(Pairing(best, answer) for answer in wide[:PAIRS_PER_PROMPT]), None)


def pair_report(pairs: Sequence[Pairing], margin: float = MARGIN) -> PairReport:
    """Describe a set of pairs:

    the share of sampled ones, the kinds of wrong answers, and whether length alone separates the sides."""
    count = len(pairs)
    lengths = [(len(pair.chosen.text), len(pair.rejected.text)) for pair in pairs]
    mix: Mapping[str, int] = Counter(pair.rejected.kind for pair in pairs)
    return PairReport(
        pairs=count,
        sampled_share=_share(sum(pair.rejected.sampled for pair in pairs), count),
        negative_mix={kind: hits / count for kind, hits in sorted(mix.items())},
        longer_wins=_share(sum(a > b for a, b in lengths), count),
        shorter_wins=_share(sum(a < b for a, b in lengths), count),
        length_ratio=_share(sum(a for a, _ in lengths), sum(b for _, b in lengths)),
        identical_sides=sum(pair.chosen.text.strip() == pair.rejected.text.strip() for pair in pairs),
        margin_below=sum(pair.margin < margin for pair in pairs),
    )


def _share(part: float, whole: float) -> float | None:
    return part / whole if whole else None
