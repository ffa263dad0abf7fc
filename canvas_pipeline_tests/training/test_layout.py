"""How a batch's tokens stand in the rows that are computed."""

from __future__ import annotations

import torch

from canvas_pipeline.training.layout import common_prefix, kept_columns, next_labels, predicted, rows

N = -100
IDS = torch.tensor([[5, 6, 7, 8, 9], [5, 6, 7, 4, 0]])
NEXT = torch.tensor([[N, N, 8, 9, N], [N, N, 4, N, N]])
NONE = torch.zeros(2, 5, dtype=torch.bool)
PRESENT = torch.tensor([[1, 1, 1, 1, 1], [1, 1, 1, 1, 0]], dtype=torch.bool)
LABELS = torch.tensor([[N, N, N, 8, 9], [N, N, N, 4, N]])


def test_rows_are_padded_on_the_left_and_keep_their_positions() -> None:
    layout = rows(PRESENT, NONE)
    assert layout.take(IDS, 0).tolist() == [[5, 6, 7, 8, 9], [0, 5, 6, 7, 4]]
    assert layout.position.tolist() == [[0, 1, 2, 3, 4], [0, 0, 1, 2, 3]]
    scored = layout.take(next_labels(LABELS), N)
    assert next_labels(LABELS).tolist() == NEXT.tolist() and scored.tolist() == [[N, N, 8, 9, N], [N, N, N, 4, N]]
    assert torch.equal(layout.put_back(scored[:, 2:] + 100, LABELS), NEXT + 100)


def test_tokens_that_predict_a_label_come_last_in_their_order() -> None:
    layout = rows(PRESENT, NEXT != N)
    assert layout.take(IDS, 0).tolist() == [[5, 6, 9, 7, 8], [0, 5, 6, 4, 7]]
    assert layout.position.tolist() == [[0, 1, 4, 2, 3], [0, 0, 1, 3, 2]]
    assert layout.take(NEXT, N).tolist() == [[N, N, N, 8, 9], [N, N, N, N, 4]]
    assert layout.seen()[0, 0].long().tolist()[2:4] == [[1, 1, 1, 1, 1], [1, 1, 0, 1, 0]]


def test_a_pair_is_one_row_whose_positions_restart_at_the_last_common_token() -> None:
    shared = common_prefix(IDS, LABELS, PRESENT)
    layout = rows(PRESENT, NONE, shared)
    assert shared.tolist() == [3]
    assert layout.take(IDS, 0).tolist() == [[0, 0, 0, 5, 6, 7, 8, 9, 7, 4]]
    assert layout.position.tolist() == [[0, 0, 0, 0, 1, 2, 3, 4, 2, 3]]
    assert layout.take(NEXT, N).tolist() == [[N, N, N, N, N, 8, 9, N, 4, N]]


def test_the_second_side_sees_the_prompt_and_itself_and_never_the_first_side() -> None:
    layout = rows(PRESENT, NONE, common_prefix(IDS, LABELS, PRESENT))
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
    layout = rows(PRESENT, NONE, common_prefix(IDS, LABELS, PRESENT))
    assert layout.seen(2)[0, 0, 8:, 3:].long().tolist() == [[0, 1, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 1, 1]]


def test_padding_sees_itself_and_is_seen_by_none() -> None:
    seen = rows(PRESENT, NONE).seen()[1, 0].long()
    assert seen[:, 0].tolist() == [1, 0, 0, 0, 0] and seen[4].tolist() == [0, 1, 1, 1, 1]


def test_tokens_with_other_labels_are_not_common_and_sides_without_a_common_token_share_nothing() -> None:
    labels = LABELS.clone()
    labels[0, 2] = 7
    assert common_prefix(IDS, labels, PRESENT).tolist() == [2]
    other = IDS.clone()
    other[1, 0] = 3
    layout = rows(PRESENT, NONE, common_prefix(other, LABELS, PRESENT))
    assert layout.take(other, 0).tolist() == [[0, 5, 6, 7, 8, 9, 3, 6, 7, 4]]
    assert layout.position.tolist() == [[0, 0, 1, 2, 3, 4, 0, 1, 2, 3]]
    assert not layout.seen()[0, 0, 6:, :6].any()


def test_a_label_in_what_both_sides_begin_with_is_scored_once_and_counts_for_both() -> None:
    labels = torch.tensor([[N, N, 7, 8, 9], [N, N, 7, 4, N]])
    layout = rows(PRESENT, NONE, common_prefix(IDS, labels, PRESENT))
    scored = layout.take(next_labels(labels), N)
    assert scored.tolist() == [[N, N, N, N, 7, 8, 9, N, 4, N]]
    assert (layout.put_back(scored + 100, labels) - 100).tolist() == next_labels(labels).tolist()


def test_as_many_columns_are_kept_as_the_row_with_most_labels_has_in_steps_of_the_padding() -> None:
    labels = torch.full((2, 100), N)
    assert kept_columns(labels) == 32
    labels[0, 1:34] = 1
    assert kept_columns(labels) == 64
    labels[0, :99] = 1
    assert kept_columns(labels) == 100


def test_a_label_whose_predecessor_is_padding_is_noticed() -> None:
    assert predicted(LABELS, PRESENT)
    hole = PRESENT.clone()
    hole[0, 2] = False
    assert not predicted(LABELS, hole)
