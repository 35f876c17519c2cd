"""Stored bytes as pixels, with limits that are checked before anything is decoded."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from filmstrip.server.errors import UndecodableError
from filmstrip.server.png_shrink import png_size, shrink_png

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = [
    "MAX_PIXELS",
    "MAX_PIXELS_IN_STRIPS",
    "MAX_SIDE",
    "ShownPicture",
    "check_size",
    "mask_ids",
    "open_picture",
    "original_values",
    "picture_for_size",
]

MAX_PIXELS = 178_956_970
"""What a picture that is decoded whole may have; Pillow takes no more either."""

MAX_PIXELS_IN_STRIPS = 2**30
"""What a picture may have that is averaged strip by strip: about ten seconds of work."""

MAX_SIDE = 65500
"""The longest side that `Image` takes."""


def open_picture(data: bytes) -> PILImage:
    """Return a picture whose header is read and whose pixels are not.

    Raises
    ------
    UndecodableError
        The bytes are no picture, or one that is too large to decode.
    """
    import PIL.Image

    from filmstrip.media.files import DECODE_ERRORS

    try:
        picture = PIL.Image.open(io.BytesIO(data))
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning):
        raise UndecodableError(
            f"a picture of more than {MAX_PIXELS} pixels is too large to decode"
        ) from None
    except DECODE_ERRORS as error:
        raise UndecodableError(f"the stored bytes are no picture: {error}") from None
    check_size(*picture.size)
    return picture


def check_size(width: int, height: int) -> None:
    """Check that a picture of this size may be decoded.

    Raises
    ------
    UndecodableError
        It is too large.

    Examples
    --------
    >>> check_size(65500, 65500)
    Traceback (most recent call last):
    ...
    filmstrip.server.errors.UndecodableError: a picture of 65500 × 65500 is too large to decode
    """
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise UndecodableError(f"a picture of {width} × {height} is too large to decode")


@dataclass(frozen=True, slots=True)
class ShownPicture:
    """A picture as displayed, perhaps decoded smaller than it is."""

    picture: PILImage
    full_size: tuple[int, int]
    """Width and height that it has when it is not made smaller."""


def picture_for_size(
    data: bytes, size: int, check: Callable[[], None] = lambda: None
) -> ShownPicture:
    """Return the picture as displayed, decoded as small as its format allows without loss.

    Parameters
    ----------
    data
        The file.
    size
        Pixels that the longest side is to have in the end.
    check
        Called before anything is decoded in a way that does not notice damaged bytes by itself.

    Raises
    ------
    UndecodableError
        The bytes are no whole picture, or one that is too large to decode.
    """
    from filmstrip.media.files import DECODE_ERRORS, upright

    in_strips = _in_strips(data, size)
    if in_strips is not None:
        return in_strips
    check()
    picture = open_picture(data)
    width, height = picture.size
    try:
        if picture.format == "JPEG":
            picture.draft(None, (2 * size, 2 * size))
        picture.load()
        shown = upright(picture)
    except DECODE_ERRORS as error:
        raise UndecodableError(f"the stored picture does not decode: {error}") from None
    is_sideways = shown.size != picture.size
    return ShownPicture(shown, (height, width) if is_sideways else (width, height))


def _in_strips(data: bytes, size: int) -> ShownPicture | None:
    """Return a large PNG made smaller strip by strip; None where that is not the way."""
    width, height = png_size(data) or (0, 0)
    factor = _factor(width, height, size)
    if factor < 2 or max(width, height) > MAX_SIDE or width * height > MAX_PIXELS_IN_STRIPS:
        return None
    picture = shrink_png(data, factor)
    return None if picture is None else ShownPicture(picture, (width, height))


def _factor(width: int, height: int, size: int) -> int:
    """Return by what to average first: all the way when it goes even, else to twice the size.

    Examples
    --------
    >>> _factor(4096, 2048, 256), _factor(4000, 3000, 256)
    (16, 7)
    """
    exact = max(width, height) // size
    if exact and width % exact == 0 and height % exact == 0 and max(width, height) == exact * size:
        return exact
    return max(width, height) // (2 * size)


def original_values(data: bytes) -> npt.NDArray[Any]:
    """Return the values of a picture as displayed, (H, W) or (H, W, C), as they are stored.

    A palette is resolved; everything else is as `LoggedImage.array` gives it.

    Raises
    ------
    UndecodableError
        The bytes are no whole picture, or one that is too large to decode.
    """
    from filmstrip.media.files import DECODE_ERRORS, upright

    picture = open_picture(data)
    try:
        picture.load()
        picture = upright(picture)
        if picture.mode in ("P", "PA"):
            picture = picture.convert("RGBA" if picture.has_transparency_data else "RGB")
        return np.array(picture)
    except DECODE_ERRORS as error:
        raise UndecodableError(f"the stored picture does not decode: {error}") from None


def mask_ids(data: bytes) -> npt.NDArray[Any]:
    """Return the class ids of a mask, (H, W), uint8, uint16 or uint32.

    Raises
    ------
    UndecodableError
        The bytes are no mask, or one that is too large to decode.
    """
    from filmstrip.codec.masks import decode_mask
    from filmstrip.errors import ImageFileError, MaskError

    open_picture(data)
    try:
        return decode_mask(data)
    except (ImageFileError, MaskError) as error:
        raise UndecodableError(f"the stored bytes are no mask: {error}") from None
