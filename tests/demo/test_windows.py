"""Overlaps, merging and matching of boxes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from filmstrip.demo.windows import best_ious, correct_count, iou_matrix, merge_windows

NONE = np.empty((0, 4))
corner = st.integers(0, 200)
side = st.integers(1, 80)


@st.composite
def windows(draw, max_count=25):
    rows = draw(st.lists(st.tuples(corner, corner, side, side), max_size=max_count))
    return np.array([(x, y, x + w, y + h) for x, y, w, h in rows], np.float64).reshape(-1, 4)


@given(windows(), windows())
def test_iou_is_symmetric_and_in_the_unit_range(first, second):
    overlaps = iou_matrix(first, second)
    assert overlaps.shape == (len(first), len(second))
    np.testing.assert_array_equal(overlaps, iou_matrix(second, first).T)
    assert np.all((overlaps >= 0) & (overlaps <= 1))


@given(windows())
def test_each_box_overlaps_itself_entirely(boxes):
    np.testing.assert_array_equal(np.diag(iou_matrix(boxes, boxes)), 1)


@given(windows())
def test_merging_counts_every_window_once_and_sorts_by_hits(boxes):
    found = merge_windows(boxes)
    assert found.hits.sum() == len(boxes)
    assert np.all(np.diff(found.hits) <= 0)
    assert found.boxes.shape == (len(found.hits), 4)
    assert np.all((found.agreement > 0) & (found.agreement <= 1 + 1e-12))


def test_windows_of_one_place_become_their_mean():
    found = merge_windows(np.array([[0.0, 0, 10, 10], [2, 0, 12, 10], [50, 50, 60, 60]]))
    np.testing.assert_array_equal(found.boxes, [[1, 0, 11, 10], [50, 50, 60, 60]])
    assert found.hits.tolist() == [2, 1]
    assert found.agreement[1] == 1


def test_no_windows_give_no_faces():
    found = merge_windows(NONE)
    assert (found.boxes.shape, found.hits.shape, found.agreement.shape) == ((0, 4), (0,), (0,))


def test_confidence_is_a_half_at_ten_hits_and_rises():
    found = merge_windows(np.repeat([[0.0, 0, 9, 9]], 10, axis=0))
    assert found.confidence().tolist() == [0.5]


def test_at_least_keeps_those_with_enough_hits():
    found = merge_windows(np.array([[0.0, 0, 9, 9], [0, 0, 9, 9], [50, 50, 60, 60]]))
    assert found.at_least(2).hits.tolist() == [2]
    assert found.at_least(3).boxes.shape == (0, 4)


@pytest.mark.parametrize(
    ("truth", "found", "expected"),
    [
        (NONE, NONE, 0),
        (NONE, np.array([[0.0, 0, 9, 9]]), 0),
        (np.array([[0.0, 0, 9, 9]]), NONE, 0),
        (np.array([[0.0, 0, 9, 9]]), np.array([[0.0, 0, 9, 9], [0, 0, 9, 8]]), 1),
        (np.array([[0.0, 0, 9, 9], [20, 0, 29, 9]]), np.array([[20.0, 0, 29, 9], [0, 0, 9, 8]]), 2),
    ],
    ids=["nothing", "no truth", "none found", "found twice", "two in another order"],
)
def test_a_true_box_makes_one_found_box_right(truth, found, expected):
    assert correct_count(truth, found) == expected


def test_best_iou_is_zero_where_nothing_was_found():
    truth = np.array([[0.0, 0, 10, 10], [20, 20, 30, 30]])
    assert best_ious(truth, NONE).tolist() == [0, 0]
    assert best_ious(truth, np.array([[0.0, 0, 10, 5]])).tolist() == [0.5, 0]
