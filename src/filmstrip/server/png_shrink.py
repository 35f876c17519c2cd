"""Large PNG pictures as small ones, without ever holding the large one.

Rows are inflated by isal, which takes a third of zlib's time, and averaged a strip at a time, while
they are still in the processor's cache (`png_strip`). That is less than half the time of decoding
the whole picture first, and a hundredth of the memory.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import TYPE_CHECKING

from isal import isal_zlib
from isal.igzip_lib import IsalError

from filmstrip.server.png_strip import Layout, Strip

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["png_size", "shrink_png"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_HEADER_END = 33
_STRIP_BYTES = 1024 * 1024
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


class _OtherPngError(ValueError):
    """The file is no PNG of the plain kind, or not whole."""


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


def _parsed(data: memoryview) -> tuple[Layout, list[memoryview]]:
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


def _layout(header: memoryview) -> Layout:
    width, height, depth, color, *rest = struct.unpack(">IIBBBBB", header)
    if any(rest) or (color, depth) not in _MODES or not width or not height:
        raise _OtherPngError
    return Layout(width, height, *_MODES[color, depth])


def _averaged(layout: Layout, pieces: list[memoryview], factor: int) -> PILImage:
    import PIL.Image

    size = (-(-layout.width // factor), -(-layout.height // factor))
    small = PIL.Image.new("F" if layout.mode == "I;16" else layout.mode, size)
    rows_at_once = factor * max(1, _STRIP_BYTES // layout.row_bytes // factor)
    strip = Strip(layout, rows_at_once)
    top = 0
    for filtered in _filtered_strips(layout, pieces, rows_at_once):
        part = strip.averaged(filtered, factor)
        small.paste(part, (0, top))
        top += part.height
    return small


def _filtered_strips(
    layout: Layout, pieces: list[memoryview], rows_at_once: int
) -> Iterator[memoryview]:
    """Yield some filtered rows at a time, always in the same memory; their checksum must agree."""
    bytes_left = layout.height * layout.row_bytes
    strip = memoryview(bytearray(min(rows_at_once * layout.row_bytes, bytes_left)))
    end = 0
    inflate = isal_zlib.decompressobj()
    for piece in pieces:
        rest: memoryview | bytes = piece
        while not inflate.eof:
            wanted = min(len(strip) - end, bytes_left)
            raw = inflate.decompress(rest, max(1, wanted))
            rest = inflate.unconsumed_tail
            if not raw:
                break
            strip[end : end + len(raw)] = raw
            end += len(raw)
            bytes_left -= len(raw)
            if end == len(strip) or bytes_left == 0:
                yield strip[:end]
                end = 0
    if bytes_left or not inflate.eof:
        raise _OtherPngError
