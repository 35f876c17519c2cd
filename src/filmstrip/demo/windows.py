"""Windows that a detector hit, and the faces that they agree on. Every function is pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Boxes: TypeAlias = NDArray[np.float64]
"""(n, 4) float64 x0, y0, x1, y1 in pixels."""

SAME_FACE_IOU = 0.35
"""Two windows that overlap this much (intersection over union) are hits of one face."""
MATCH_IOU = 0.4
"""A box is right when it overlaps a true one this much: windows are square, a face is not."""
HALF_CONFIDENCE_HITS = 10


@dataclass(frozen=True, slots=True)
class Detections:
    """Faces found in one photo, most hits first.

    Parameters
    ----------
    boxes
        (n, 4) float64 x0, y0, x1, y1 in pixels: the mean of the windows that hit.
    hits
        (n,) int64 number of those windows.
    agreement
        (n,) float64 in (0, 1]: mean overlap (IoU) of the windows with the box.
    """

    boxes: Boxes
    hits: NDArray[np.int64]
    agreement: NDArray[np.float64]

    def confidence(self) -> NDArray[np.float64]:
        """Return hits as a score: (n,) float64 in (0, 1), 0.5 for `HALF_CONFIDENCE_HITS`."""
        return self.hits / (self.hits + HALF_CONFIDENCE_HITS)

    def at_least(self, min_hits: int) -> Detections:
        """Return those with `min_hits` or more."""
        keep = self.hits >= min_hits
        return Detections(self.boxes[keep], self.hits[keep], self.agreement[keep])


def iou_matrix(first: Boxes, second: Boxes) -> NDArray[np.float64]:
    """Return intersection over union of each box with each other: (n, m) float64 in [0, 1].

    Examples
    --------
    >>> iou_matrix(np.array([[0.0, 0, 2, 2]]), np.array([[1.0, 0, 3, 2]])).round(3).tolist()
    [[0.333]]
    """
    shared = _shared_length(first, second, 0) * _shared_length(first, second, 1)
    first_area = (first[:, 2:] - first[:, :2]).prod(axis=1)
    second_area = (second[:, 2:] - second[:, :2]).prod(axis=1)
    return np.asarray(shared / (first_area[:, None] + second_area - shared))


def _shared_length(first: Boxes, second: Boxes, axis: int) -> NDArray[np.float64]:
    """Return how far each two boxes overlap along x (axis 0) or y (1): (n, m) float64 pixels."""
    start = np.maximum(first[:, axis, None], second[:, axis])
    end = np.minimum(first[:, axis + 2, None], second[:, axis + 2])
    return np.asarray(np.maximum(end - start, 0))


def merge_windows(windows: Boxes) -> Detections:
    """Gather windows that hit the same face.

    The window with the most others near it takes them all; then the next, until none is left.

    Parameters
    ----------
    windows
        (n, 4) float64 x0, y0, x1, y1 in pixels; n may be 0.
    """
    near = iou_matrix(windows, windows) > SAME_FACE_IOU
    free = np.ones(len(windows), bool)
    free_near_counts = near.sum(axis=1)
    boxes: list[Boxes] = []
    hits: list[int] = []
    agreement: list[float] = []
    while free.any():
        members = np.flatnonzero(near[np.argmax(free_near_counts * free)] & free)
        box = windows[members].mean(axis=0)
        boxes.append(box)
        hits.append(len(members))
        agreement.append(float(iou_matrix(windows[members], box[None]).mean()))
        free[members] = False
        free_near_counts -= near[members].sum(axis=0)
    order = np.argsort(-np.array(hits, np.int64), kind="stable")
    return Detections(
        np.array(boxes, np.float64).reshape(-1, 4)[order],
        np.array(hits, np.int64)[order],
        np.array(agreement, np.float64)[order],
    )


def best_ious(truth: Boxes, found: Boxes) -> NDArray[np.float64]:
    """Return for each true box the overlap with the best box found: (n,) float64, 0 for none."""
    return np.asarray(iou_matrix(truth, found).max(axis=1, initial=0))


def correct_count(truth: Boxes, found: Boxes) -> int:
    """Return how many boxes found are right; a true box makes one of them right, not several."""
    overlaps = iou_matrix(truth, found)
    count = 0
    while overlaps.size and overlaps.max() >= MATCH_IOU:
        row, column = np.unravel_index(int(overlaps.argmax()), overlaps.shape)
        overlaps[row], overlaps[:, column] = 0, 0
        count += 1
    return count
