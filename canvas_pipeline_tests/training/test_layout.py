"""How a batch's tokens stand in the rows that are computed."""

from __future__ import annotations

import torch

from canvas_pipeline.training.layout import common_prefix, kept_columns, predicted, rows

N = -100
IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 4, 0]])
PRESENT = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]], dtype=torch.bool)
LABELS = torch.tensor([[N, N, N, 8, 9], [N, N, N, 4, N]])


def test_rows_are_padded_on_the_left_and_keep_their_positions() -> None:
    layout = rows(PRESENT)
    assert layout.take(IDS, 0).tolist() == [[5, 6, 7, 8, 9], [0, 5, 6, 7, 4]]
    assert layout.position.tolist() == [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]
    assert layout.labels(LABELS).tolist() == [[N, N, N, 8, 9], [N, N, N, N, 4]]
    assert torch.equal(layout.put_back(layout.labels(LABELS)[:, 2:] + 100, LABELS), (LABELS + 100))


def test_a_pair_is_one_row_whose_positions_restart_at_the_last_common_token() -> None:
    shared = common_prefix(IDS, LABELS, PRESENT)
    layout = rows(PRESENT, shared)
    assert shared.tolist() == [3]
    assert layout.take(IDS, 0).tolist() == [[0, 0, 0, 5, 6, 7, 8, 9, 7, 4]]
    assert layout.position.tolist() == [[0, 0, 0, 0, 1, 2, 3, 4, 2, 3]]
    assert layout.labels(LABELS).tolist() == [[N, N, N, N, N, N, 8, 9, N, 4]]


def test_the_second_side_sees_the_prompt_and_itself_and_never_the_first_side() -> None:
    layout = rows(PRESENT, common_prefix(IDS, LABELS, PRESENT))
    assert layout.seen()[0, 0, 3:, 3:].long().tolist() == [
        [1, 0, 0, 0, 0, 0, 0],
        [1, 1, 0, 0, 0, 0, 0],
        [1, 1, 1, 0, 0, 0, 0],
        [1, 1, 1, 1, 0, 0, 0],
        [1, 1, 1, 1, 1, 0, 0],
        [1, 1, 0, 0, 0, 1, 0],
        [1, 1, 0, 0, 0, 1, 1],
    ]


def test_a_sliding_window_is_counted_in_positions() -> None:
    layout = rows(PRESENT, common_prefix(IDS, LABELS, PRESENT))
    assert layout.seen(2)[0, 0, 8:, 3:].long().tolist() == [[0, 1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1, 1]]


def test_padding_sees_itself_and_is_seen_by_none() -> None:
    seen = rows(PRESENT).seen()[1, 0].long()
    assert seen[:, 0].tolist() == [1, 0, 0, 0, 0] and seen[4].tolist() == [0, 1, 1, 1, 1]


def test_tokens_with_other_labels_are_not_common_and_sides_without_a_common_token_share_nothing() -> None:
    labels = LABELS.clone()
    labels[0, 2] = 7
    assert common_prefix(IDS, labels, PRESENT).tolist() == [2]
    other = IDS.clone()
    other[1, 0] = 3
    layout = rows(PRESENT, common_prefix(other, LABELS, PRESENT))
    assert layout.take(other, 0).tolist() == [[0, 5, 6, 7, 8, 9, 3, 6, 7, 4]]
    assert layout.position.tolist() == [[0, 0, 1, 2, 3, 4, 0, 1, 2, 3]]
    assert not layout.seen()[0, 0, 6:, :6].any()


def test_a_label_in_what_both_sides_begin_with_is_scored_once_and_counts_for_both() -> None:
    labels = torch.tensor([[N, N, 7, 8, 9], [N, N, 7, 4, N]])
    layout = rows(PRESENT, common_prefix(IDS, labels, PRESENT))
    scored = layout.labels(labels)
    assert scored.tolist() == [[N, N, N, N, N, 7, 8, 9, N, 4]]
    assert (layout.put_back(scored + 100, labels) - 100).tolist() == labels.tolist()


def test_columns_before_the_predecessor_of_the_first_label_are_not_kept() -> None:
    labels = torch.full((2, 100), N)
    labels[0, 98], labels[1, 99] = 1, 1
    assert kept_columns(labels) == 32
    labels[1, 60] = 1
    assert kept_columns(labels) == 64
    labels[0, 1] = 1
    assert kept_columns(labels) == 100


def test_a_label_whose_predecessor_is_padding_is_noticed() -> None:
    assert predicted(LABELS, PRESENT)
    hole = PRESENT.clone()
    hole[0, 2] = False
    assert not predicted(LABELS, hole)
