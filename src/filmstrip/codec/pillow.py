"""JPEG, WebP and BMP, which Pillow writes.

Pillow holds the GIL while it encodes JPEG (about 1 ms for 512 x 512) and BMP, unless it writes to a
real file; so it gets one, in memory.
"""

from __future__ import annotations

import io
import os
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from filmstrip.codec.options import EncodeOptions
    from filmstrip.media.frame import Frame

__all__ = ["encode_bmp", "encode_jpeg", "encode_webp"]

_LOSSY_QUALITY = 80  # Pillow's own default
_LOSSLESS_EFFORT = 0
# libwebp's 0 to 6: its usual 4 takes two to three times as long for files 2 to 5 % smaller.
_LOSSY_METHOD = 2
_LOSSLESS_METHOD = 1


def encode_jpeg(frame: Frame, options: EncodeOptions) -> bytes:
    r"""Encode a frame of mode L, RGB or CMYK as a JPEG file, with Pillow's defaults.

    Parameters
    ----------
    frame
        The pixels.
    options
        Its quality, 1 to 100; Pillow's 75 when it has none.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> import numpy as np
    >>> from filmstrip.codec.options import EncodeOptions
    >>> from filmstrip.media.frame import Frame
    >>> encode_jpeg(Frame(np.zeros((8, 8), np.uint8), "L"), EncodeOptions(quality=90))[:3]
    b'\xff\xd8\xff'
    """
    if options.quality is None:
        return _saved(frame, "JPEG")
    return _saved(frame, "JPEG", quality=options.quality)


def encode_webp(frame: Frame, options: EncodeOptions) -> bytes:
    """Encode a frame of mode RGB or RGBA as a WebP file, lossless unless the options say otherwise.

    Parameters
    ----------
    frame
        The pixels.
    options
        See :class:`~filmstrip.codec.options.EncodeOptions`.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> import numpy as np
    >>> from filmstrip.codec.options import EncodeOptions
    >>> from filmstrip.media.frame import Frame
    >>> encode_webp(Frame(np.zeros((8, 8, 3), np.uint8), "RGB"), EncodeOptions())[12:16]
    b'VP8L'
    """
    quality, lossless = options.quality, options.lossless
    if lossless or (lossless is None and quality is None):
        effort = _LOSSLESS_EFFORT if quality is None else quality
        # Without exact=True libwebp changes the colours of pixels that are fully transparent.
        return _saved(
            frame, "WEBP", lossless=True, exact=True, quality=effort, method=_LOSSLESS_METHOD
        )
    if quality is None:
        quality = _LOSSY_QUALITY
    return _saved(frame, "WEBP", quality=quality, method=_LOSSY_METHOD)


def encode_bmp(frame: Frame, _options: EncodeOptions) -> bytes:
    """Encode a frame of mode 1, L, P or RGB as a BMP file, uncompressed.

    Parameters
    ----------
    frame
        The pixels. The transparency of a palette is dropped.
    _options
        Nothing that BMP has.

    Returns
    -------
    bytes
        The file.

    Examples
    --------
    >>> import numpy as np
    >>> from filmstrip.codec.options import EncodeOptions
    >>> from filmstrip.media.frame import Frame
    >>> encode_bmp(Frame(np.zeros((8, 8), np.uint8), "L"), EncodeOptions())[:2]
    b'BM'
    """
    return _saved(frame, "BMP")


def _saved(frame: Frame, pil_format: str, **params: Any) -> bytes:
    with _memory_file() as file:
        frame.to_pil().save(file, pil_format, **params)
        file.seek(0)
        return file.read()


def _memory_file() -> IO[bytes]:
    """Return a file in memory, one of the kernel's where it has such."""
    try:
        return os.fdopen(os.memfd_create("filmstrip"), "w+b", buffering=0)
    except (AttributeError, OSError):
        return io.BytesIO()
