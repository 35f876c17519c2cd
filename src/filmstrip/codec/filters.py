"""Filters: each byte as its difference from what its neighbours foretell.

The filters are those of the PNG specification (third edition), section 9; why these three, and by
what figures, stands in ``docs/png.md``.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from filmstrip.codec.scanlines import Scanlines

__all__ = ["SMALL_BYTES", "SMALL_PLAN", "Filter", "Plan", "choose_plan", "filtered_strips"]

STRIP_BYTES = 128 * 1024
"""What is filtered at a time: with its temporaries it stays in a core's L2 cache."""

SMALL_BYTES = 8 * 1024
"""Up to this many bytes a picture has `SMALL_PLAN`, and is not looked at."""

_BIG_BYTES = 16 * 2**20
"""From so many bytes on every picture takes ``UP``, which is undone the quickest."""

# Multiples of the golden ratio: even steps would fall in with the 8 x 8 blocks of JPEG.
_SAMPLED_PLACES = [index * 0.6180339887 % 1 for index in range(1, 9)]


class Filter(IntEnum):
    """The byte that a filtered row begins with."""

    SUB = 1
    UP = 2
    AVERAGE = 3


@dataclass(frozen=True, slots=True)
class Plan:
    """How one picture is filtered and deflated.

    Parameters
    ----------
    filter
        For every row but the first, which has no row above and takes ``SUB``.
    level
        isal's level, 0 to 3.
    window_bits
        Log2 of how far back matches may lie, 9 to 15.
    is_photo
        Whether matches are chance, so that `filmstrip.codec.photo` does it better than isal.
    """

    filter: Filter
    level: int
    window_bits: int
    is_photo: bool = False


# In the residuals of a photograph far matches are chance: each costs more bits than the literals it
# stands for. A window of 512 bytes leaves runs and drops the rest: 3 % smaller, and faster.
_PHOTO = Plan(Filter.AVERAGE, level=1, window_bits=9, is_photo=True)
_HALF_FLAT = Plan(Filter.UP, level=1, window_bits=9)
_FLAT = Plan(Filter.UP, level=2, window_bits=15)
_GRAY_IN_COLOR = Plan(Filter.AVERAGE, level=2, window_bits=15)
SMALL_PLAN = Plan(Filter.UP, level=1, window_bits=15)


def choose_plan(image: Scanlines) -> Plan:
    """Return the plan that suits the picture, judged by a few of its rows.

    How many bytes equal the one above tells drawings and masks from photographs well enough.
    """
    if image.row_bytes * image.height <= SMALL_BYTES:
        return SMALL_PLAN
    flatness = _flatness(image)
    if flatness > 0.8:
        return _FLAT
    photo = _HALF_FLAT if flatness > 0.5 else _PHOTO
    plan = _GRAY_IN_COLOR if _is_gray_in_color(image) else photo
    is_big = image.row_bytes * image.height >= _BIG_BYTES
    return replace(plan, filter=Filter.UP) if is_big else plan


def _flatness(image: Scanlines) -> float:
    """Return the share of bytes that equal the one above, in some rows."""
    if image.height == 1:
        return 0.0
    places = [int(place * (image.height - 1)) for place in _SAMPLED_PLACES]
    pairs = np.stack([image.rows(above, above + 2) for above in places])
    return int(np.count_nonzero(pairs[:, 0] == pairs[:, 1])) / (len(pairs) * image.row_bytes)


def _is_gray_in_color(image: Scanlines) -> bool:
    """Whether red equals green in the middle row: values that come thrice do make far matches."""
    if image.pixel_bytes < 3 or image.bit_depth != 8:
        return False
    middle = image.pixels[image.height // 2]
    return bool((middle[:, 0] == middle[:, 1]).all())


def filtered_strips(image: Scanlines, kind: Filter) -> Iterator[NDArray[np.uint8]]:
    """Yield the filtered rows of the picture, some at a time.

    Parameters
    ----------
    image
        The rows to filter.
    kind
        The filter of every row but the first.

    Yields
    ------
    numpy.ndarray
        ``(n, 1 + row_bytes)`` uint8, the filter's byte first. The same memory each time: use it
        before asking for the next.
    """
    num_rows = min(image.height, max(1, STRIP_BYTES // (1 + image.row_bytes)))
    strip = np.empty((num_rows, 1 + image.row_bytes), np.uint8)
    for start in range(0, image.height, num_rows):
        filtered = strip[: min(num_rows, image.height - start)]
        filtered[:, 0] = kind
        block = image.rows(max(0, start - 1), start + len(filtered))
        rest = filtered[:, 1:]
        if start == 0:
            _filter_first_row(block[0], image.pixel_bytes, out=filtered[0])
            rest = rest[1:]
        predicted = _averages(block, image.pixel_bytes) if kind is Filter.AVERAGE else block[:-1]
        np.subtract(block[1:], predicted, out=rest)
        yield filtered


def _filter_first_row(row: NDArray[np.uint8], pixel_bytes: int, *, out: NDArray[np.uint8]) -> None:
    out[0] = Filter.SUB
    out[1 : 1 + pixel_bytes] = row[:pixel_bytes]
    np.subtract(row[pixel_bytes:], row[:-pixel_bytes], out=out[1 + pixel_bytes :])


def _averages(block: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Return floor((left + above) / 2) for all rows of the block but the first.

    Works on the rows as one line, which numpy does in a third of the time of row by row; what that
    gets wrong, the first pixel of each row, is put right after it.
    """
    line = block.reshape(-1)
    row_bytes = block.shape[1]
    left, above = line[row_bytes:-pixel_bytes], line[pixel_bytes:-row_bytes]
    means = np.empty((len(block) - 1, row_bytes), np.uint8)
    inner = means.reshape(-1)[pixel_bytes:]
    halves = np.bitwise_xor(left, above)
    np.right_shift(halves, 1, out=halves)
    np.bitwise_and(left, above, out=inner)
    np.add(inner, halves, out=inner)  # no carry is lost: a + b = 2 * (a & b) + (a ^ b)
    np.right_shift(block[:-1, :pixel_bytes], 1, out=means[:, :pixel_bytes])
    return means
