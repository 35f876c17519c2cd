"""Masks on a picture: tinted regions with contours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from filmstrip.colors import color_of, color_of_label, is_background, rgb_from_hex
from filmstrip.media.classes import class_name

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

    from filmstrip.media.masks import ImageMask

__all__ = ["draw_mask", "scaled_ids"]

_CONTOUR_OPACITY = 0.9
_PIXELS_PER_CONTOUR = 700
"""A contour is one pixel wide up to this length of the shorter side, then two, …"""


def draw_mask(picture: PILImage, mask: ImageMask, opacity: float) -> PILImage:
    """Return the picture with the regions of a mask tinted and their contours drawn.

    Parameters
    ----------
    picture
        Mode ``RGB``; not changed.
    mask
        Of any size; scaled to the picture with nearest neighbour.
    opacity
        Of the tint, 0 to 1.
    """
    import PIL.Image

    regions = _Regions(mask)
    place = scaled_ids(regions.place, picture.width, picture.height)
    pixels = np.array(picture)
    width = max(1, round(min(picture.size) / _PIXELS_PER_CONTOUR))
    is_contour = _edges(place, width) & regions.is_tinted[place]
    # How strongly each pixel is tinted, in 256ths: whole numbers keep large pictures fast.
    weight = np.where(regions.is_tinted, round(opacity * 256), 0).astype(np.uint16)[place]
    weight[is_contour] = round(_CONTOUR_OPACITY * 256)
    for channel in range(3):
        tint = regions.colors[:, channel][place] * weight
        tint += pixels[..., channel] * (256 - weight) + np.uint16(128)
        pixels[..., channel] = tint >> 8
    return PIL.Image.fromarray(pixels)


def scaled_ids(ids: npt.NDArray[np.integer], width: int, height: int) -> npt.NDArray[np.integer]:
    """Return the ids at another size: each pixel takes the id under its centre.

    Examples
    --------
    >>> scaled_ids(np.array([[1, 2], [3, 4]]), 4, 2)
    array([[1, 1, 2, 2],
           [3, 3, 4, 4]])
    """
    own_height, own_width = ids.shape
    if (own_width, own_height) == (width, height):
        return ids
    rows = (2 * np.arange(height) + 1) * own_height // (2 * height)
    columns = (2 * np.arange(width) + 1) * own_width // (2 * width)
    scaled: npt.NDArray[np.integer] = ids[rows[:, None], columns]
    return scaled


class _Regions:
    """The ids of a mask numbered 0, 1, 2, … and the colour of each."""

    __slots__ = ("colors", "is_tinted", "place")

    def __init__(self, mask: ImageMask) -> None:
        ids, self.place = _numbered(mask.array)
        labels = {label.id: label for label in mask.labels}
        names = {label.id: label.name for label in mask.labels}
        self.is_tinted = np.array([not is_background(i, labels.get(i)) for i in ids], bool)
        colors = [
            color_of_label(labels[i]) if i in labels else color_of(class_name(i, names))
            for i in ids
        ]
        self.colors = np.array([rgb_from_hex(color) for color in colors], np.uint16).reshape(-1, 3)


def _numbered(array: npt.NDArray[np.integer]) -> tuple[list[int], npt.NDArray[np.integer]]:
    """Return the ids that occur, and for each pixel the place of its id among them."""
    if array.dtype.itemsize > 2:
        found, place = np.unique(array, return_inverse=True)
        return found.tolist(), place.reshape(array.shape)
    # Counting beats sorting: 8- and 16-bit ids have few values.
    found = np.flatnonzero(np.bincount(array.ravel()))
    place_of = np.zeros(int(found[-1]) + 1, np.intp)
    place_of[found] = np.arange(len(found))
    return found.tolist(), place_of[array]


def _edges(place: npt.NDArray[np.integer], width: int) -> npt.NDArray[np.bool_]:
    """Return where another region is less than `width` pixels away along a row or column."""
    edges = np.zeros(place.shape, bool)
    for distance in range(1, width + 1):
        for a, b in (
            (np.s_[distance:], np.s_[:-distance]),
            (np.s_[:, distance:], np.s_[:, :-distance]),
        ):
            differs = place[a] != place[b]
            edges[a] |= differs
            edges[b] |= differs
    return edges
