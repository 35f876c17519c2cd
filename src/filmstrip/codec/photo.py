"""Photographs deflated by compiled code, ``native/photo.c``: twice as fast as numpy and isal.

Where the package was built without it, `is_available` says so and they are used instead.
"""

from __future__ import annotations

import ctypes
from typing import TYPE_CHECKING

import numpy as np

from filmstrip.native import function_named

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from filmstrip.codec.filters import Filter
    from filmstrip.codec.scanlines import Scanlines

__all__ = ["deflated_photo", "is_available"]

_PIECE_BYTES = 2**20
"""Pixels that are handed over at a time."""

_STRIP_BYTES = 128 * 1024
"""Filtered rows that have Huffman codes of their own; they stay in a core's L2 cache."""

_IS_FIRST, _IS_LAST = 1, 2


class _Stream(ctypes.Structure):
    """``struct stream`` of ``photo.c``."""

    _fields_ = (
        ("row_bytes", ctypes.c_size_t),
        ("pixel_bytes", ctypes.c_size_t),
        ("strip", ctypes.c_void_p),
        ("strip_rows", ctypes.c_size_t),
        ("bits", ctypes.c_uint64),
        ("num_bits", ctypes.c_uint32),
        ("sum", ctypes.c_uint32),
        ("sum_of_sums", ctypes.c_uint32),
        ("filter", ctypes.c_uint32),
    )


_PARAMETERS = (
    ctypes.POINTER(_Stream),
    ctypes.c_void_p,
    ctypes.c_size_t,
    ctypes.c_int,
    ctypes.c_void_p,
)


def is_available() -> bool:
    """Return whether the package holds the compiled code for this machine."""
    return _deflate_rows() is not None


def deflated_photo(image: Scanlines, kind: Filter) -> Iterator[memoryview]:
    """Yield the zlib stream of a picture in pieces, deflated without the GIL.

    Parameters
    ----------
    image
        The rows.
    kind
        The filter of every row but the first, which has ``SUB``.

    Yields
    ------
    memoryview
        Bytes. The same memory each time: use it before asking for the next.
    """
    deflate_rows = _deflate_rows()
    assert deflate_rows is not None  # noqa: S101  # the caller asked `is_available`
    filtered_bytes = image.row_bytes + 1
    piece_rows = min(image.height, max(1, _PIECE_BYTES // filtered_bytes))
    strip_rows = min(piece_rows, max(1, _STRIP_BYTES // filtered_bytes))
    strip = np.empty(strip_rows * filtered_bytes, np.uint8)
    num_strips = -(-piece_rows // strip_rows)
    out = np.empty(piece_rows * filtered_bytes * 3 // 2 + num_strips * 512 + 16, np.uint8)
    stream = _Stream(
        image.row_bytes, image.pixel_bytes, strip.ctypes.data, strip_rows, sum=1, filter=kind
    )
    for start in range(0, image.height, piece_rows):
        stop = min(image.height, start + piece_rows)
        above = min(start, 1)
        rows = image.rows(start - above, stop)
        flags = (_IS_FIRST if start == 0 else 0) | (_IS_LAST if stop == image.height else 0)
        first = rows.ctypes.data + above * image.row_bytes
        size = deflate_rows(stream, first, stop - start, flags, out.ctypes.data)
        yield out.data[:size]


def _deflate_rows() -> Callable[..., int] | None:
    return function_named("deflate_rows", _PARAMETERS, ctypes.c_size_t)
