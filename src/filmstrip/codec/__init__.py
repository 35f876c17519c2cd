"""Codec: from pixels to the bytes of a file. Pure: it reads and writes no files."""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmstrip.codec.batch import encode_png_batch
from filmstrip.codec.masks import decode_mask, encode_mask
from filmstrip.codec.options import EncodeOptions
from filmstrip.codec.pillow import encode_bmp, encode_jpeg, encode_webp
from filmstrip.codec.png import encode_png
from filmstrip.errors import ImageInputError
from filmstrip.media.formats import file_type_named

if TYPE_CHECKING:
    from collections.abc import Callable

    from filmstrip.media.frame import Frame

__all__ = [
    "EncodeOptions",
    "decode_mask",
    "encode",
    "encode_mask",
    "encode_png",
    "encode_png_batch",
]

_DEFAULTS = EncodeOptions()


def encode(frame: Frame, file_type: str = "png", options: EncodeOptions = _DEFAULTS) -> bytes:
    """Encode a frame as a file.

    Parameters
    ----------
    frame
        The pixels, in a mode that the file type holds.
    file_type
        ``png``, ``jpg``, ``jpeg``, ``webp`` or ``bmp``.
    options
        Quality and losslessness. They are checked where a user sets them, not here.

    Returns
    -------
    bytes
        The file: lossless but for JPEG, and WebP with a quality.

    Raises
    ------
    OptionError
        An unknown file type.
    ImageInputError
        A file type that cannot hold the frame's mode, or sides as long as these.

    Examples
    --------
    >>> import numpy as np
    >>> from filmstrip.media.frame import Frame
    >>> encode(Frame(np.zeros((2, 2), np.uint8), "L"), "png")[1:4]
    b'PNG'
    """
    kind = file_type_named(file_type)
    if frame.mode not in kind.modes:
        raise ImageInputError(
            f"pixels of mode {', '.join(sorted(kind.modes))} for {kind.name}",
            got=f"mode {frame.mode}",
            fix="convert them or take another file_type",
        )
    if max(frame.width, frame.height) > kind.max_side:
        raise ImageInputError(
            f"sides of at most {kind.max_side} pixels for {kind.name}",
            got=f"width {frame.width} and height {frame.height}",
            fix="take file_type='png' or scale the image down",
        )
    return _ENCODERS[kind.pil_format](frame, options)


def _encode_png_frame(frame: Frame, _options: EncodeOptions) -> bytes:
    return encode_png(frame.pixels, palette=frame.palette, transparency=frame.transparency)


_ENCODERS: dict[str, Callable[[Frame, EncodeOptions], bytes]] = {
    "PNG": _encode_png_frame,
    "JPEG": encode_jpeg,
    "WEBP": encode_webp,
    "BMP": encode_bmp,
}
