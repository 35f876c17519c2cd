"""Some filtered rows of a PNG picture, averaged.

A row that is the difference from the one above (filter ``UP``, which filmstrip's own large pictures
have) is undone by one addition over the whole row. The other filters go from pixel to pixel: such
rows are handed to Pillow's decoder in stored, that is uncompressed, blocks. Both round alike.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["Layout", "Strip"]

_NONE, _SUB, _UP = 0, 1, 2
"""Filters that numpy undoes (PNG 3rd edition, 9.2)."""

_NONE_OR_UP = bytes([_NONE, _UP])

_BLOCK_BYTES = 65535
"""What a stored block holds at most (RFC 1951, 3.2.4)."""

_ZLIB_HEADER = b"\x78\x01"


@dataclass(frozen=True, slots=True)
class Layout:
    """How the rows of a picture are laid out.

    Attributes
    ----------
    width, height
        In pixels.
    mode, raw_mode
        Pillow's names.
    pixel_bytes
        Bytes a pixel.
    """

    width: int
    height: int
    mode: str
    raw_mode: str
    pixel_bytes: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, its filter first."""
        return 1 + self.width * self.pixel_bytes


class Strip:
    """Some rows of a picture, decoded into the same memory each time, below the row above them.

    Parameters
    ----------
    layout
        Of the picture.
    max_rows
        How many rows come at a time, at most.
    """

    def __init__(self, layout: Layout, max_rows: int) -> None:
        self._layout = layout
        self._above = np.zeros(layout.row_bytes, np.uint8)
        self._rows = np.empty((min(max_rows, layout.height), layout.row_bytes - 1), np.uint8)
        self._picture: PILImage | None = None

    def averaged(self, filtered: memoryview, factor: int) -> PILImage:
        """Return whole filtered rows with each `factor` × `factor` pixels averaged to one."""
        import PIL.Image

        layout = self._layout
        rows = np.frombuffer(filtered, np.uint8).reshape(-1, layout.row_bytes)
        if not self._is_simple(rows[:, 0].tobytes()):
            return self._averaged_by_pillow(filtered, factor)
        pixels = self._undone(rows).reshape(len(rows), layout.width, -1)
        means = _means(pixels, factor)
        return PIL.Image.fromarray(means if layout.mode == "RGB" else means[..., 0])

    def _is_simple(self, filters: bytes) -> bool:
        """Whether numpy is faster; of ``SUB`` it is in front, where the first row has it."""
        is_opaque = self._layout.mode in ("L", "RGB")
        return is_opaque and filters[0] <= _UP and not filters[1:].strip(_NONE_OR_UP)

    def _undone(self, rows: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        pixels = self._rows[: len(rows)]
        above = self._above[1:]
        for kind, row, into in zip(rows[:, 0].tolist(), rows[:, 1:], pixels, strict=True):
            if kind == _UP:
                np.add(above, row, out=into)
            elif kind == _SUB:
                steps = row.reshape(-1, self._layout.pixel_bytes)
                np.add.accumulate(steps, axis=0, dtype=np.uint8, out=into.reshape(steps.shape))
            else:
                into[:] = row
            above = into
        self._above[1:] = above
        return pixels

    def _averaged_by_pillow(self, filtered: memoryview, factor: int) -> PILImage:
        layout = self._layout
        picture = self._decoded_by_pillow(filtered)
        below = (0, 1, layout.width, picture.height)
        last = picture.crop((0, picture.height - 1, layout.width, picture.height))
        self._above[1:] = np.frombuffer(last.tobytes("raw", layout.raw_mode), np.uint8)
        if layout.mode == "I;16":  # which Pillow does not average
            return _as_floats(picture.crop(below)).reduce(factor)
        return picture.reduce(factor, below)

    def _decoded_by_pillow(self, filtered: memoryview) -> PILImage:
        import PIL.Image

        layout = self._layout
        size = (layout.width, 1 + len(filtered) // layout.row_bytes)
        if self._picture is None or self._picture.size != size:
            self._picture = PIL.Image.new(layout.mode, size)
        stored = _as_stored([memoryview(self._above.data), filtered])
        self._picture.frombytes(stored, "zip", layout.raw_mode, 0)
        return self._picture


def _means(pixels: npt.NDArray[np.uint8], factor: int) -> npt.NDArray[np.uint8]:
    """Return the mean of each `factor` × `factor` pixels, what is left at the edges by itself.

    Parameters
    ----------
    pixels
        ``(H, W, C)`` uint8.

    Examples
    --------
    >>> _means(np.array([[1, 2, 3], [5, 6, 8]], np.uint8)[..., None], 2)[..., 0]
    array([[4, 6]], dtype=uint8)
    """
    height, width, _ = pixels.shape
    tops, lefts = np.arange(0, height, factor), np.arange(0, width, factor)
    wide = np.uint16 if factor <= _MOST_IN_16_BITS else np.uint32
    columns = np.stack([pixels[top : top + factor].sum(axis=0, dtype=wide) for top in tops])
    sums = np.add.reduceat(columns, lefts, axis=1, dtype=np.uint32)
    heights, widths = np.minimum(factor, height - tops), np.minimum(factor, width - lefts)
    counts = np.multiply.outer(heights, widths).astype(np.uint32)[..., None]
    means: npt.NDArray[np.uint32] = (sums + counts // 2) * (2**24 // counts) >> 24  # as Pillow does
    return means.astype(np.uint8)


_MOST_IN_16_BITS = 257
"""So many values of 255 add up to 65535."""


def _as_stored(pieces: Sequence[memoryview]) -> bytes:
    """Return zlib data that holds the bytes uncompressed (RFC 1950, RFC 1951).

    It is left open at its end, which says nothing more once all rows are there.
    """
    parts: list[bytes | memoryview] = [_ZLIB_HEADER]
    for view in pieces:
        for start in range(0, len(view), _BLOCK_BYTES):
            block = view[start : start + _BLOCK_BYTES]
            parts += (struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block)
    return b"".join(parts)


def _as_floats(wide: PILImage) -> PILImage:
    import PIL.Image

    return PIL.Image.fromarray(np.asarray(wide).astype(np.float32))
