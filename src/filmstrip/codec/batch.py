"""Small pictures of one form, encoded together: numpy filters them all in one call.

A picture of 28 × 28 costs more in calls than in bytes, and each call lets go of the interpreter
lock, over which the thread that logs and the one that encodes then quarrel. The figures are in
``docs/png.md``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib

from filmstrip.codec.filters import SMALL_BYTES, SMALL_PLAN, Filter
from filmstrip.codec.png import png_files
from filmstrip.codec.scanlines import scanlines

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from filmstrip.media.frame import Frame

__all__ = ["encode_png_batch", "is_small"]


def is_small(frame: Frame) -> bool:
    """Return whether a frame is worth encoding together with others.

    Examples
    --------
    >>> from filmstrip.media.frame import Frame
    >>> is_small(Frame(np.zeros((28, 28), np.uint8), "L"))
    True
    """
    is_plain = frame.palette is None and frame.pixels.dtype == np.uint8
    return is_plain and frame.size_bytes <= SMALL_BYTES


def encode_png_batch(frames: Sequence[Frame]) -> list[bytes]:
    """Encode small frames as PNG files, the same bytes that `encode_png` makes of each.

    Parameters
    ----------
    frames
        Frames that `is_small` is true of, of any sizes.

    Returns
    -------
    list of bytes
        One file a frame, in their order.

    Examples
    --------
    >>> from filmstrip.codec.png import encode_png
    >>> from filmstrip.media.frame import Frame
    >>> digits = [np.full((28, 28), value, np.uint8) for value in range(3)]
    >>> files = encode_png_batch([Frame(digit, "L") for digit in digits])
    >>> files == [encode_png(digit) for digit in digits]
    True
    """
    files = [b""] * len(frames)
    alike: dict[tuple[int, ...], list[int]] = {}
    for place, frame in enumerate(frames):
        alike.setdefault(frame.pixels.shape, []).append(place)
    for places in alike.values():
        made = _encode_alike([frames[place].pixels for place in places])
        for place, file in zip(places, made, strict=True):
            files[place] = file
    return files


def _encode_alike(pictures: list[NDArray[np.uint8]]) -> list[bytes]:
    """Encode pictures of one shape."""
    form = scanlines(pictures[0], has_palette=False, bit_depth=None)
    rows = np.stack(pictures).reshape(len(pictures), form.height, form.row_bytes)
    return png_files(form, map(_deflated, _filtered(rows, form.pixel_bytes)))


def _filtered(rows: NDArray[np.uint8], pixel_bytes: int) -> NDArray[np.uint8]:
    """Return the rows of all pictures, (N, H, row_bytes), with their filter's byte before each."""
    n, height, row_bytes = rows.shape
    filtered = np.empty((n, height, 1 + row_bytes), np.uint8)
    filtered[:, :, 0], filtered[:, 0, 0] = Filter.UP, Filter.SUB
    first, rest = filtered[:, 0, 1:], filtered[:, 1:, 1:]
    first[:, :pixel_bytes] = rows[:, 0, :pixel_bytes]
    np.subtract(rows[:, 0, pixel_bytes:], rows[:, 0, :-pixel_bytes], out=first[:, pixel_bytes:])
    np.subtract(rows[:, 1:], rows[:, :-1], out=rest)
    return filtered


def _deflated(filtered: NDArray[np.uint8]) -> bytes:
    plan = SMALL_PLAN
    deflate = isal_zlib.compressobj(plan.level, isal_zlib.DEFLATED, plan.window_bits)
    return deflate.compress(filtered) + deflate.flush()
