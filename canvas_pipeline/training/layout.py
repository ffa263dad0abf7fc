"""Lay out a batch's tokens in the rows that a model computes, and put per-token results back where the batch has the tokens.

Rows are padded on the left, and tokens that predict a label come last, so that these share as few columns as possible: with
explicit masks and positions the order of columns has no meaning.
Both sides of a pair may share a row: the first side, then the second without the prompt, which both have. The prompt's last token
is repeated, since it predicts the second side's first own token. Positions are those of the batch; they restart there.

torch is imported inside the functions.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from canvas_pipeline.training.encoding import padded_length

IGNORED = -100
"""The label of a token that is not scored."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Tokens of a batch of ``cells`` tokens in rows; all tensors are (rows, columns), ``branch`` is (rows, 1).

    ``source``: the token's place in the flattened batch, ``cells`` for padding. ``position``: its column in the batch. ``second``:
    it is of a pair's second side. ``branch``: the position from which on the second side has tokens of its own in the row."""

    source: Any
    position: Any
    second: Any
    branch: Any
    cells: int

    @property
    def real(self) -> Any:
        """Return where a token is, not padding."""
        return self.source < self.cells

    def take(self, batch: Any, padding: int) -> Any:
        """Return the batch's values in the layout's rows."""
        import torch

        return torch.cat([batch.flatten(), batch.new_full((1,), padding)])[self.source]

    def put_back(self, values: Any, like: Any) -> Any:
        """Return the values of the layout's last columns at the places of their tokens in a batch of the shape of ``like``.

        Other places are zero. The second sides have the first sides' values for what they share."""
        import torch

        source = self.source[:, self.source.shape[1] - values.shape[1] :]
        flat = values.new_zeros(self.cells + 1).scatter(0, source.flatten(), values.flatten())
        batch = flat[:-1].view(like.shape)
        if batch.shape[0] == self.source.shape[0]:
            return batch
        first, second = batch.chunk(2)
        shared = torch.arange(batch.shape[1], device=batch.device) < self.branch
        return torch.cat([first, torch.where(shared, first, second)])

    def seen(self, window: int | None = None, before: int = 0) -> Any:
        """Return which tokens each token attends to: (rows, 1, columns, before + columns), at most ``window`` positions back.

        ``before`` tokens precede every row; their keys come first.

        A second side sees the prompt and itself, never the first side's own tokens. Padding sees itself: a row of a mask without
        any token gives NaN in some kernels."""
        import torch

        query, key = self.position[:, :, None], self.position[:, None, :]
        of_second, second = self.second[:, :, None], self.second[:, None, :]
        seen = self.real[:, None, :] & (key <= query)
        seen &= (of_second == second) | (of_second & (key < self.branch[:, :, None]))
        if window is not None:
            seen &= key > query - window
        seen |= torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)
        if before:
            distance = before - torch.arange(before, device=seen.device) + query
            earlier = torch.ones_like(distance, dtype=torch.bool) if window is None else distance < window
            seen = torch.cat([earlier, seen], dim=2)
        return seen[:, None]


def next_labels(labels: Any) -> Any:
    """Return the label that each token of a batch predicts."""
    import torch

    return torch.cat([labels[:, 1:], torch.full_like(labels[:, :1], IGNORED)], dim=1)


def rows(present: Any, predicts: Any, shared: Any = None) -> Layout:
    """Lay out the tokens that are ``present`` (rows, columns), each row by itself. Those that ``predicts`` marks come last.

    With ``shared`` (pairs) the batch is first sides, then second sides, and each pair gets one row: so many of its first tokens
    are equal on both sides and have the same labels."""
    import torch

    height, columns = present.shape
    cells = torch.arange(height * columns, device=present.device).view(height, columns)
    second = torch.zeros_like(present)
    branch = torch.zeros_like(cells[:, :1])
    if shared is not None:
        branch = (shared - 1).clamp(min=0)[:, None]
        first, other = present.chunk(2)
        present = torch.cat([first, other & (torch.arange(columns, device=present.device) >= branch)], dim=1)
        cells = torch.cat(cells.chunk(2), dim=1)
        predicts = torch.cat(predicts.chunk(2), dim=1)
        second = torch.cat([torch.zeros_like(first), torch.ones_like(other)], dim=1)
    width = min(padded_length(int(present.sum(1).max())), present.shape[1])
    order = (present.long() + (present & predicts)).argsort(dim=1, stable=True)[:, -width:]
    real = present.gather(1, order)
    source = cells.gather(1, order)
    return Layout(
        source=source.masked_fill(~real, height * columns),
        position=(source % columns).masked_fill(~real, 0),
        second=second.gather(1, order) & real,
        branch=branch,
        cells=height * columns,
    )


def common_prefix(ids: Any, labels: Any, present: Any) -> Any:
    """Return how many of the first tokens of each pair are equal on both sides, with equal labels: (pairs,).

    A tokenizer may join the end of the prompt to the completion; such a token is not common."""
    (a, b), (labels_a, labels_b), (present_a, present_b) = ids.chunk(2), labels.chunk(2), present.chunk(2)
    equal = (a == b) & (labels_a == labels_b) & present_a & present_b
    return equal.long().cumprod(dim=1).sum(dim=1)


def predicted(labels: Any, present: Any) -> bool:
    """Tell whether every label behind the first column is of a token whose predecessor in its row is the column before it."""
    scored = labels[:, 1:] != IGNORED
    return not bool((scored & ~(present[:, 1:] & present[:, :-1])).any())


def kept_columns(labels: Any) -> int:
    """Return how many of the last columns predict ``labels``, at least one; a multiple of the padding's where it fits."""
    most = int((labels != IGNORED).sum(dim=1).max())
    return min(padded_length(max(1, most)), labels.shape[1])
