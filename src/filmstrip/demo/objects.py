"""Names for the superpixels: a few marked points tell what is what, the segments do the rest.

Someone touched each photograph in a few places and said "eye" or "table". A segment takes the
name of the mark that it reaches on the path with the smallest steps in colour, through segments
that touch; so the finer the segments, the better the outline.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

CLASS_COLOURS = {
    "background": "#6b7280",
    "cat": "#f59e0b",
    "eye": "#84cc16",
    "nose": "#ec4899",
    "table": "#a16207",
    "saucer": "#ef4444",
    "cup": "#f5f5f4",
    "coffee": "#c2884a",
    "spoon": "#38bdf8",
    "face": "#fbbf24",
    "hair": "#854d0e",
    "suit": "#f97316",
    "helmet": "#22d3ee",
    "flag": "#3b82f6",
    "shuttle": "#a78bfa",
}
"""Colour of each class; its place in the dict is its id."""


@dataclass(frozen=True, slots=True)
class PhotoObjects:
    """A photograph and the marks in it.

    Parameters
    ----------
    name
        File name of the photo.
    size
        (width, height) in pixels at which the demo uses it.
    marks
        Class name -> points of that class, (x, y) as fractions of the photo.
    """

    name: str
    size: tuple[int, int]
    marks: dict[str, tuple[tuple[float, float], ...]]


def _points(percent: str) -> tuple[tuple[float, float], ...]:
    """Return the fractions (x, y) for "x,y x,y ..." in percent of the photo."""
    pairs = (pair.split(",") for pair in percent.split())
    return tuple((float(x) / 100, float(y) / 100) for x, y in pairs)


PHOTO_OBJECTS = (
    PhotoObjects(
        "chelsea.png",
        (336, 224),
        {
            "background": _points(
                "3,15 95,10 90,25 90,50 95,80 82,75 2,45 85,95 90,43 97,56 86,52"
            ),
            "cat": _points(
                "25,20 50,15 15,45 30,60 55,40 58,60 10,80 40,85 72,62 78,10 30,92 "
                "62,92 3,80 30,28 50,35 63,35 66,30 45,52 70,57"
            ),
            "eye": _points("33,38 38,37 43,40 67,45 69.5,43 73,43"),
            "nose": _points("60,79 58,85"),
        },
    ),
    PhotoObjects(
        "coffee.png",
        (336, 224),
        {
            "table": _points("5,40 20,15 85,20 95,60 88,90 5,90 3,10 15,90"),
            "saucer": _points("20,40 20,60 73,45 73,70 50,85 30,85 25,25 30,50 40,89"),
            "cup": _points("30,28 66,28 48,6 50,50 45,15 60,15 50,56 35,65 60,22 64.5,30"),
            "coffee": _points("50,40 42,35 57,35"),
            "spoon": _points("59,66 60,75 63,57 68.5,20 65,68"),
        },
    ),
    PhotoObjects(
        "astronaut.png",
        (288, 288),
        {
            "background": _points(
                "22,15 65,20 63,40 95,30 20,35 68,6 90,58 75,60 93,45 67,33 70,22 94,13 72,5 92,22"
            ),
            "face": _points("44,22 40,26 48,25 43,32"),
            "hair": _points("45,7 33,15 55,15"),
            "suit": _points("20,55 35,65 62,55 15,80 30,85 48,75 52,90 33,75 58,70 10,95"),
            "helmet": _points("65,80 75,90 85,87 70,86 90,75 80,69 25,35 40,45 45,55 57,45"),
            "flag": _points("6,12 12,35 3,35 3,60 3,90 2,20"),
            "shuttle": _points("81,10 87,20 76,30 80,25 83,40 74,15 76,53"),
        },
    ),
)


def touching_segments(labels: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return each pair of segments that share a border: (p, 2) int64, smaller label first, sorted.

    Examples
    --------
    >>> touching_segments(np.array([[0, 0, 1], [2, 2, 1]], np.int32)).tolist()
    [[0, 1], [0, 2], [1, 2]]
    """
    sides = np.concatenate(
        [
            np.stack([labels[:, :-1].ravel(), labels[:, 1:].ravel()], axis=1),
            np.stack([labels[:-1].ravel(), labels[1:].ravel()], axis=1),
        ]
    ).astype(np.int64)
    sides = np.sort(sides[sides[:, 0] != sides[:, 1]], axis=1)
    # One number a pair: unique on numbers is far faster than on rows.
    count = int(labels.max()) + 1
    pairs = np.unique(sides[:, 0] * count + sides[:, 1])
    return np.stack([pairs // count, pairs % count], axis=1)


def class_of_segments(
    labels: NDArray[np.int32], colours: NDArray[np.float64], photo: PhotoObjects
) -> NDArray[np.uint8]:
    """Name every segment after the mark that is nearest in colour steps.

    Parameters
    ----------
    labels
        (H, W) int32, each of 0...n-1 present.
    colours
        (n, 3) float64 mean CIELAB colour of each segment.
    photo
        The marks.

    Returns
    -------
    NDArray
        (n,) uint8 class id of each segment: the place of its name in `CLASS_COLOURS`.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import dijkstra

    marks = _marked_segments(labels, photo)
    pairs = touching_segments(labels)
    # The 1 makes a path through many segments cost something even where the colour is even.
    step = 1 + np.linalg.norm(colours[pairs[:, 0]] - colours[pairs[:, 1]], axis=1)
    graph = coo_array((step, (pairs[:, 0], pairs[:, 1])), shape=(len(colours), len(colours)))
    _, _, source = dijkstra(
        graph.tocsr(),
        directed=False,
        indices=sorted(marks),
        return_predecessors=True,
        min_only=True,
    )
    return np.array([marks[int(segment)] for segment in source], np.uint8)


def _marked_segments(labels: NDArray[np.int32], photo: PhotoObjects) -> dict[int, int]:
    """Return segment -> class id of the marked segments; of two in one the last wins."""
    height, width = labels.shape
    ids = {name: class_id for class_id, name in enumerate(CLASS_COLOURS)}
    return {
        int(labels[int(y * height), int(x * width)]): ids[name]
        for name, points in photo.marks.items()
        for x, y in points
    }
