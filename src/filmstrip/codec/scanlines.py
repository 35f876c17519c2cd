"""Scanlines: pixels as the rows of bytes that PNG filters and deflates.

Colour types, bit depths and byte order are those of the PNG specification (third edition), sections
7.2 and 11.2.1: most significant byte first, pixels of less than a byte packed from the high bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from filmstrip.errors import ImageInputError, ImageTypeError, OptionError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["Scanlines", "scanlines"]

_GRAY, _RGB, _PALETTE, _GRAY_ALPHA, _RGB_ALPHA = 0, 2, 3, 4, 6
_COLOR_TYPES = {1: _GRAY, 2: _GRAY_ALPHA, 3: _RGB, 4: _RGB_ALPHA}
_DEPTHS = {("b", 1): 1, ("u", 1): 8, ("u", 2): 16}  # by kind and size of the dtype


@dataclass(frozen=True, slots=True, eq=False)
class Scanlines:
    """The rows of a picture, made into bytes as they are asked for.

    Parameters
    ----------
    pixels
        ``(H, W)`` or ``(H, W, C)``, ``bool``, ``uint8`` or ``uint16``. Referenced.
    bit_depth
        Bits of one sample: 1, 2, 4, 8 or 16.
    color_type
        PNG's number for gray, RGB, palette, and gray or RGB with alpha.
    row_bytes
        Bytes of a row, without the filter's byte.
    pixel_bytes
        Distance from a byte to the one that a filter takes as its left neighbour.
    """

    pixels: NDArray[Any]
    bit_depth: int
    color_type: int
    row_bytes: int
    pixel_bytes: int

    @property
    def width(self) -> int:
        """Columns of pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Rows of pixels."""
        return int(self.pixels.shape[0])

    def rows(self, start: int, stop: int) -> NDArray[np.uint8]:
        """Return rows as C-contiguous ``(n, row_bytes)`` uint8, a view if it can be one."""
        block = self.pixels[start:stop]
        if self.bit_depth == 16:
            return block.astype(">u2").reshape(len(block), -1).view(np.uint8)
        if self.bit_depth == 1:
            return np.packbits(block, axis=1)
        if self.bit_depth < 8:
            return _packed(block, self.bit_depth)
        return np.ascontiguousarray(block).reshape(len(block), self.row_bytes)


def scanlines(pixels: NDArray[Any], *, has_palette: bool, bit_depth: int | None) -> Scanlines:
    """Return the scanlines of an array, or say why it has none.

    Parameters
    ----------
    pixels
        ``(H, W)`` or ``(H, W, C)`` with 1 to 4 channels, of ``uint8`` or ``uint16``; ``(H, W)`` of
        ``bool``.
    has_palette
        Whether the values are indices of a palette.
    bit_depth
        1, 2 or 4 to pack ``(H, W)`` uint8 values that fit; ``None`` for the depth of the dtype.

    Raises
    ------
    ImageTypeError
        Another dtype.
    ImageInputError
        Another shape, an empty array, or values that do not fit the bit depth.
    OptionError
        A bit depth that the array cannot have.
    """
    depth = _DEPTHS.get((pixels.dtype.kind, pixels.dtype.itemsize))
    if depth is None:
        raise ImageTypeError(
            "bool, uint8 or uint16 pixels",
            got=str(pixels.dtype),
            fix="convert them before encoding",
        )
    channels = _channels(pixels)
    if channels == 1:
        pixels = pixels.reshape(pixels.shape[:2])
        depth = _chosen_depth(pixels, depth, bit_depth)
    elif bit_depth not in (None, depth):
        raise OptionError(
            "a bit_depth below 8 only for (H, W) arrays", got=str(bit_depth), fix="leave it out"
        )
    if has_palette and (channels != 1 or pixels.dtype != np.uint8):
        raise ImageInputError(
            "(H, W) uint8 indices with a palette", got=_form(pixels), fix="leave the palette out"
        )
    row_bits = pixels.shape[1] * channels * depth
    return Scanlines(
        pixels,
        bit_depth=depth,
        color_type=_PALETTE if has_palette else _COLOR_TYPES[channels],
        row_bytes=(row_bits + 7) // 8,
        pixel_bytes=max(1, channels * depth // 8),
    )


def _channels(pixels: NDArray[Any]) -> int:
    channels = {2: 1, 3: pixels.shape[-1]}.get(pixels.ndim, 0) if pixels.size else 0
    if channels not in _COLOR_TYPES or (channels > 1 and pixels.dtype.kind == "b"):
        raise ImageInputError(
            "pixels of shape (H, W) or (H, W, C) with 1 to 4 channels, bool ones with 1",
            got=_form(pixels),
            fix="reshape them before encoding",
        )
    return channels


def _chosen_depth(pixels: NDArray[Any], own: int, bit_depth: int | None) -> int:
    if bit_depth is None or bit_depth == own:
        return own
    if own != 8 or bit_depth not in (1, 2, 4):
        raise OptionError(
            f"a bit_depth of {'1, 2, 4 or 8' if own == 8 else own} for {pixels.dtype} pixels",
            got=str(bit_depth),
            fix="leave it out",
        )
    top = int(pixels.max())
    if top >> bit_depth:
        raise ImageInputError(
            f"values below {1 << bit_depth} at bit_depth={bit_depth}",
            got=f"a largest value of {top}",
            fix="leave bit_depth out",
        )
    return bit_depth


def _packed(block: NDArray[np.uint8], bit_depth: int) -> NDArray[np.uint8]:
    per_byte = 8 // bit_depth
    height, width = block.shape
    cells = np.zeros((height, -(-width // per_byte), per_byte), np.uint8)
    cells.reshape(height, -1)[:, :width] = block
    shifts = np.arange(8 - bit_depth, -1, -bit_depth, dtype=np.uint8)
    packed: NDArray[np.uint8] = np.bitwise_or.reduce(cells << shifts, axis=2)
    return packed


def _form(pixels: NDArray[Any]) -> str:
    return f"shape {pixels.shape} of {pixels.dtype}"
