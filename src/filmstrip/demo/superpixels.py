"""Superpixels that grow finer: split some segments in two, then move the borders of all.

A pixel is a point in five dimensions, its colour in CIELAB and its place, as in SLIC (Achanta et
al., "SLIC Superpixels Compared to State-of-the-Art Superpixel Methods", PAMI 2012). `energy` is
the squared distance of all pixels to the mean of their segment; both moves can only lower it.
Every function is pure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from filmstrip.demo.photos import Photo

Features: TypeAlias = NDArray[np.float32]
Labels: TypeAlias = NDArray[np.int32]
SplitRule: TypeAlias = Literal["error", "area"]

BORDER_MOVES = 2
COMPACTNESS = 160.0
"""CIELAB units that the longer side of a photo weighs in the distance."""
SMOOTHING_PIXELS = 1.0
"""Blur before segmenting, as a standard deviation: without it, fur becomes crumbs."""


def pixel_features(photo: Photo, compactness: float = COMPACTNESS) -> Features:
    """Return colour and place of each pixel.

    Parameters
    ----------
    photo
        (H, W, 3) uint8 sRGB.
    compactness
        How many CIELAB units the longer side of the photo is worth.

    Returns
    -------
    Features
        (H, W, 5) float32: L*, a*, b*, then y and x times compactness / longer side.
    """
    from PIL import Image, ImageFilter
    from skimage.color import rgb2lab

    smooth = Image.fromarray(photo).filter(ImageFilter.GaussianBlur(SMOOTHING_PIXELS))
    height, width = photo.shape[:2]
    place = np.moveaxis(np.mgrid[:height, :width], 0, -1) * (compactness / max(height, width))
    return np.concatenate([rgb2lab(np.asarray(smooth)), place], axis=2).astype(np.float32)


def grid_labels(height: int, width: int, rows: int, columns: int) -> Labels:
    """Return the first segmentation: a grid of rectangles, numbered row by row.

    Examples
    --------
    >>> grid_labels(2, 4, 1, 2).tolist()
    [[0, 0, 1, 1], [0, 0, 1, 1]]
    """
    row = np.arange(height) * rows // height
    column = np.arange(width) * columns // width
    return (row[:, None] * columns + column[None, :]).astype(np.int32)


def segment_sums(labels: Labels, values: Features) -> NDArray[np.float64]:
    """Return the sum of `values` (H, W, c) over each segment: (n, c) float64, n = max label + 1."""
    flat, columns = labels.ravel(), values.reshape(-1, values.shape[2])
    count = int(flat.max()) + 1
    return np.stack([np.bincount(flat, column, count) for column in columns.T], axis=1)


def segment_means(labels: Labels, values: Features) -> NDArray[np.float64]:
    """Return the mean of `values` (H, W, c) over each segment: (n, c) float64, 0 where empty."""
    areas = np.maximum(np.bincount(labels.ravel()), 1)
    return np.asarray(segment_sums(labels, values) / areas[:, None])


def segment_errors(labels: Labels, features: Features) -> NDArray[np.float64]:
    """Return each segment's sum of squared distances to its mean: (n,) float64."""
    # The sum of squares less the square of the sum: no (H, W, c) array of differences is needed.
    squares = np.einsum("hwc,hwc->hw", features, features)
    sums = segment_sums(labels, features)
    areas = np.maximum(np.bincount(labels.ravel()), 1)
    return np.asarray(np.bincount(labels.ravel(), squares.ravel()) - (sums**2).sum(axis=1) / areas)


def energy(labels: Labels, features: Features) -> float:
    """Return the mean over all pixels of the squared distance to their segment's mean."""
    return float(segment_errors(labels, features).sum() / labels.size)


def explained_variance(labels: Labels, features: Features) -> float:
    """Return the share of the colour variance, in [0, 1], that the mean colours explain."""
    colour = features[..., :3]
    return 1 - energy(labels, colour) / float(colour.var(axis=(0, 1), dtype=np.float64).sum())


def split_segments(labels: Labels, features: Features, count: int, rule: SplitRule) -> Labels:
    """Split `count` segments in two, each across the direction in which its pixels differ most.

    Parameters
    ----------
    labels
        (H, W) int32 segment of each pixel.
    features
        (H, W, 5) float32.
    count
        How many segments to split.
    rule
        Which first: those with the largest squared ``"error"``, or the largest by ``"area"``.

    Returns
    -------
    Labels
        A new (H, W) int32 array; a split segment's second half gets a new label at the end.
    """
    areas = np.bincount(labels.ravel()).astype(np.float64)
    worth = segment_errors(labels, features) if rule == "error" else areas
    chosen = np.argsort(-worth, kind="stable")[:count]
    result, points = labels.ravel().copy(), features.reshape(-1, features.shape[2])
    next_label = len(areas)
    order = np.argsort(result, kind="stable")
    starts = np.concatenate([[0], np.cumsum(areas).astype(np.intp)])
    for label in chosen[areas[chosen] > 1]:
        members = order[starts[label] : starts[label + 1]]
        result[members[_far_side(points[members])]] = next_label
        next_label += 1
    return result.reshape(labels.shape)


def _far_side(points: Features) -> NDArray[np.bool_]:
    """Return which of the points lie beyond their mean along their principal axis."""
    centred = points - points.mean(axis=0)
    # einsum and not @: BLAS would wake a thread for each of many small products.
    _, axes = np.linalg.eigh(np.einsum("ni,nj->ij", centred, centred))
    return np.asarray(np.einsum("ni,i->n", centred, axes[:, -1]) > 0)


def move_borders(labels: Labels, features: Features) -> Labels:
    """Give each pixel to the nearest of its own and its four neighbours' segments.

    Parameters
    ----------
    labels
        (H, W) int32.
    features
        (H, W, 5) float32.

    Returns
    -------
    Labels
        A new (H, W) int32 array whose energy is not higher.
    """
    height, width = labels.shape
    means = segment_means(labels, features).astype(np.float32)
    padded = np.pad(labels, 1, mode="edge")
    neighbours = np.stack(
        [padded[r : r + height, c : c + width] for r, c in ((0, 1), (2, 1), (1, 0), (1, 2))],
        axis=-1,
    )
    # Only a pixel with another segment next to it has a choice.
    at_border = (neighbours != labels[..., None]).any(axis=2)
    candidates = np.concatenate([labels[at_border][:, None], neighbours[at_border]], axis=1)
    differences = means[candidates] - features[at_border][:, None]
    distances = np.einsum("nkc,nkc->nk", differences, differences)
    moved = labels.copy()
    moved[at_border] = np.take_along_axis(candidates, distances.argmin(axis=1)[:, None], axis=1)[
        :, 0
    ]
    return moved


def refine(labels: Labels, features: Features, count: int, rule: SplitRule) -> Labels:
    """Return the next, finer segmentation.

    Parameters
    ----------
    labels
        (H, W) int32, each of 0...n-1 present.
    features
        (H, W, 5) float32.
    count
        How many segments there should be, n or more.
    rule
        See `split_segments`.

    Returns
    -------
    Labels
        A new (H, W) int32 array with labels 0...m-1, each present; m is `count`, or less by the
        segments that lost all their pixels to others or had but one.
    """
    split_count = -1
    # One round can at most double the segments, so a large step takes several.
    while split_count < labels.max() < count - 1:
        split_count = int(labels.max())
        labels = split_segments(labels, features, count - 1 - split_count, rule)
    for _ in range(BORDER_MOVES):
        labels = move_borders(labels, features)
    new_label = np.cumsum(np.bincount(labels.ravel()) > 0) - 1
    return new_label[labels].astype(np.int32)


def mean_colours(labels: Labels, photo: Photo) -> Features:
    """Return the photo with each segment in its mean colour: (H, W, 3) float32 in [0, 1]."""
    colours = segment_means(labels, photo.astype(np.float32)) / 255
    return colours[labels].astype(np.float32)
