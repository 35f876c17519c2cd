"""PNG: our own encoder, compiled code for photographs, numpy and isal for the rest; no GIL.

The container is that of the PNG specification (third edition), sections 5 and 11. Figures for the
choices made here stand in ``docs/png.md``.
"""

from __future__ import annotations

import io
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib

from filmstrip.codec.filters import Plan, choose_plan, filtered_strips
from filmstrip.codec.photo import deflated_photo, is_available
from filmstrip.codec.scanlines import Scanlines, scanlines
from filmstrip.errors import ImageInputError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from typing import TypeAlias

    from numpy.typing import NDArray

    Piece: TypeAlias = bytes | memoryview

__all__ = ["encode_png", "png_files"]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_END = b"\x00\x00\x00\x00IEND\xaeB`\x82"  # the last chunk is the same in every file
_IDAT_BYTES = 64 * 1024  # a chunk is written once it holds this much


def encode_png(
    pixels: NDArray[Any],
    *,
    palette: bytes | None = None,
    transparency: bytes | None = None,
    bit_depth: int | None = None,
) -> bytes:
    r"""Encode pixels as a PNG file, losslessly, the GIL released for the most part.

    Beside the file, and an eighth of it while it grows, this needs two mebibytes of memory.

    Parameters
    ----------
    pixels
        ``(H, W)`` gray or palette indices, ``(H, W, 2)`` gray and alpha, ``(H, W, 3)`` RGB or
        ``(H, W, 4)`` RGBA, of ``uint8`` or ``uint16`` (stored with 16 bits a sample); ``(H, W)`` of
        ``bool`` is stored with 1 bit, ``True`` white. Referenced, of any strides; quickest when
        C-contiguous.
    palette
        Red, green and blue of each entry, ``3 * n`` bytes, n from 1 to 256. Entries that ``pixels``
        asks for beyond those are black.
    transparency
        The alpha of the first entries of the palette, one byte each; the others are opaque.
    bit_depth
        1, 2 or 4 packs ``(H, W)`` uint8 values below ``2 ** bit_depth``; ``None`` takes the
        dtype's own.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    ImageTypeError
        A dtype other than ``bool``, ``uint8`` and ``uint16``.
    ImageInputError
        A shape or palette that PNG does not have, or values that do not fit ``bit_depth``.
    OptionError
        A bit depth that the pixels cannot have.

    Examples
    --------
    >>> data = encode_png(np.zeros((2, 3, 3), np.uint8))
    >>> data[:4], int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")
    (b'\x89PNG', 3, 2)
    """
    image = scanlines(pixels, has_palette=palette is not None, bit_depth=bit_depth)
    file = io.BytesIO()
    file.write(_SIGNATURE)
    _write_chunk(file, b"IHDR", [_header(image)])
    if palette is not None:
        entries = _whole_palette(palette, image)
        _write_chunk(file, b"PLTE", [entries])
        if transparency:
            _write_chunk(file, b"tRNS", [transparency[: len(entries) // 3]])
    for pieces in _deflated(image, choose_plan(image)):
        _write_chunk(file, b"IDAT", pieces)
    file.write(_END)
    return file.getvalue()


def png_files(image: Scanlines, streams: Iterable[bytes]) -> list[bytes]:
    """Return the file of each picture of one form, without a palette.

    Parameters
    ----------
    image
        A picture of this form.
    streams
        The filtered and deflated rows of each picture.
    """
    start = io.BytesIO()
    start.write(_SIGNATURE)
    _write_chunk(start, b"IHDR", [_header(image)])
    return [start.getvalue() + _chunk(b"IDAT", stream) + _END for stream in streams]


def _header(image: Scanlines) -> bytes:
    return struct.pack(
        ">IIBBBBB", image.width, image.height, image.bit_depth, image.color_type, 0, 0, 0
    )


def _write_chunk(file: io.BytesIO, kind: bytes, pieces: Sequence[Piece]) -> None:
    file.write(struct.pack(">I4s", sum(map(len, pieces)), kind))
    crc = isal_zlib.crc32(kind)
    for piece in pieces:
        file.write(piece)
        crc = isal_zlib.crc32(piece, crc)
    file.write(crc.to_bytes(4, "big"))


def _chunk(kind: bytes, body: bytes) -> bytes:
    crc = isal_zlib.crc32(body, isal_zlib.crc32(kind))
    return b"%b%b%b%b" % (len(body).to_bytes(4, "big"), kind, body, crc.to_bytes(4, "big"))


def _deflated(image: Scanlines, plan: Plan) -> Iterator[Sequence[Piece]]:
    """Yield the zlib stream of the picture in pieces, what belongs into one chunk at a time."""
    if plan.is_photo and is_available():
        for piece in deflated_photo(image, plan.filter):
            yield [piece]
    else:
        yield from _deflated_by_isal(image, plan)


def _deflated_by_isal(image: Scanlines, plan: Plan) -> Iterator[list[bytes]]:
    deflate = isal_zlib.compressobj(plan.level, isal_zlib.DEFLATED, plan.window_bits)
    pieces: list[bytes] = []
    num_bytes = 0
    for strip in filtered_strips(image, plan.filter):
        pieces.append(deflate.compress(strip))
        num_bytes += len(pieces[-1])
        if num_bytes >= _IDAT_BYTES:
            yield pieces
            pieces, num_bytes = [], 0
    pieces.append(deflate.flush())
    yield pieces


def _whole_palette(palette: bytes, image: Scanlines) -> bytes:
    """Return the palette, lengthened with black until every index of the picture has an entry."""
    num_entries, rest = divmod(len(palette), 3)
    if rest or not 1 <= num_entries <= 1 << image.bit_depth:
        raise ImageInputError(
            f"a palette of 3 bytes for each of 1 to {1 << image.bit_depth} entries",
            got=f"{len(palette)} bytes",
            fix="pass red, green and blue of each entry, one after the other",
        )
    num_missing = int(np.max(image.pixels)) + 1 - num_entries
    return palette + bytes(3 * max(0, num_missing))
