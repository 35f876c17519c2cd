"""Masks: class ids as PNG files, and back, every id exact."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from filmstrip.codec.png import encode_png
from filmstrip.errors import ImageFileError, MaskError

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["MaskIds", "decode_mask", "encode_mask"]

MaskIds: TypeAlias = "NDArray[np.uint8] | NDArray[np.uint16] | NDArray[np.uint32]"


def encode_mask(ids: MaskIds) -> bytes:
    """Encode class ids as a PNG file.

    ``uint8`` and ``uint16`` become gray of 8 and 16 bits. ``uint32`` becomes 8-bit RGBA whose four
    channels are the bytes of the id, least significant first; it is no picture to look at.

    Parameters
    ----------
    ids
        ``(H, W)``, at least 1 x 1. Referenced.

    Returns
    -------
    bytes
        The file.

    Raises
    ------
    MaskError
        Another dtype or number of dimensions, or no pixels.

    Examples
    --------
    >>> decode_mask(encode_mask(np.array([[0, 4294967295]], np.uint32)))
    array([[         0, 4294967295]], dtype=uint32)
    """
    if ids.dtype.kind != "u" or ids.dtype.itemsize > 4 or ids.ndim != 2 or not ids.size:
        raise MaskError(
            "(H, W) class ids of uint8, uint16 or uint32",
            got=f"shape {ids.shape} of {ids.dtype}",
            fix="convert them before encoding",
        )
    if ids.dtype.itemsize == 4:
        least_first = np.ascontiguousarray(ids, dtype="<u4")
        return encode_png(least_first.view(np.uint8).reshape(*ids.shape, 4))
    return encode_png(ids)


def decode_mask(data: bytes) -> MaskIds:
    """Return the class ids of a PNG file that :func:`encode_mask` made.

    Parameters
    ----------
    data
        The whole file.

    Returns
    -------
    numpy.ndarray
        ``(H, W)`` of the dtype that was encoded, in new memory.

    Raises
    ------
    ImageFileError
        The bytes are no whole image file.
    MaskError
        They are an image, but none that holds class ids.

    Examples
    --------
    >>> decode_mask(encode_mask(np.array([[1, 2]], np.uint8)))
    array([[1, 2]], dtype=uint8)
    """
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data)) as image:
            mode, values = image.mode, np.array(image)
    except (OSError, SyntaxError, ValueError) as error:  # all of what Pillow raises for bad bytes
        raise ImageFileError(
            "the PNG file of a mask",
            got=f"{len(data)} bytes that do not decode ({error})",
            fix="check them with `filmstrip verify`",
        ) from error
    if mode == "L":
        return values
    if mode.startswith("I;16"):
        return values.astype(np.uint16, copy=False)
    if mode == "RGBA":
        return values.view("<u4")[..., 0].astype(np.uint32, copy=False)
    raise MaskError(
        "gray or RGBA pixels that hold class ids",
        got=f"an image of mode {mode}",
        fix="log masks as ImageMask",
    )
