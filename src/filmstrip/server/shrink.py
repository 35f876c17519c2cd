"""Pictures of any kind as small pictures to look at."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from filmstrip.server.decode import mask_ids, picture_for_size

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["fitted_size", "mask_thumbnail", "picture_thumbnail"]

_LOSSLESS_PIXELS = 256 * 256
_QUALITY = 85
_METHOD = 1
"""Effort of the WebP encoder, 0 to 6: a thumbnail is waited for."""

_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}


def fitted_size(width: int, height: int, longest: int) -> tuple[int, int]:
    """Return the size with the longest side cut to `longest`; never larger, never empty.

    Examples
    --------
    >>> fitted_size(4096, 1024, 256), fitted_size(1, 10000, 64), fitted_size(28, 28, 64)
    ((256, 64), (1, 64), (28, 28))
    """
    if max(width, height) <= longest:
        return width, height
    scale = longest / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def picture_thumbnail(data: bytes, size: int, check: Callable[[], None] = lambda: None) -> bytes:
    """Return a stored picture as WebP whose longest side is at most `size`.

    What fits is not scaled, and is kept exactly when it is small. 16-bit pictures, and others of
    more than 8 bits, are stretched from their smallest to their largest value, as
    ``filmstrip show`` does; transparency stays.

    Parameters
    ----------
    data
        The file.
    size
        Pixels of the longest side.
    check
        Called unless damaged bytes would be noticed without.

    Raises
    ------
    UndecodableError
        The bytes are no whole picture, or one that is too large to decode.
    """
    shown = picture_for_size(data, size, check)
    to_size = fitted_size(*shown.full_size, size)
    small = _resized(shown.picture, to_size)
    is_exact = to_size == shown.full_size and small.width * small.height <= _LOSSLESS_PIXELS
    return _webp(_shown(small), is_lossless=is_exact)


def mask_thumbnail(data: bytes, size: int) -> bytes:
    """Return a mask as lossless WebP: red + 256 green + 65536 blue is the id, cut to 24 bits.

    Scaled with the nearest value, since ids have no middle.

    Raises
    ------
    UndecodableError
        The bytes are no mask, or one that is too large to decode.
    """
    import PIL.Image

    ids = mask_ids(data)
    height, width = ids.shape
    to_width, to_height = fitted_size(width, height, size)
    rows = ((np.arange(to_height) + 0.5) * height / to_height).astype(np.intp)
    columns = ((np.arange(to_width) + 0.5) * width / to_width).astype(np.intp)
    small = ids[np.ix_(rows, columns)].astype(np.uint32)
    rgb = np.stack([small & 255, small >> 8 & 255, small >> 16 & 255], axis=-1).astype(np.uint8)
    return _webp(PIL.Image.fromarray(rgb), is_lossless=True)


def _resized(picture: PILImage, to_size: tuple[int, int]) -> PILImage:
    """Return the picture at a size, averaged over what each pixel stands for."""
    import PIL.Image

    if to_size == picture.size:
        return picture
    if picture.mode in ("1", "P", "PA"):
        has_alpha = picture.has_transparency_data
        picture = picture.convert("L" if picture.mode == "1" else "RGBA" if has_alpha else "RGB")
    if picture.mode.startswith("I;16") or picture.mode == "I":
        picture = PIL.Image.fromarray(np.asarray(picture).astype(np.float32))
    return picture.resize(to_size, PIL.Image.Resampling.BOX)


def _shown(picture: PILImage) -> PILImage:
    """Return the picture with 8 bits, as RGB or RGBA."""
    import PIL.Image

    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        picture = PIL.Image.fromarray(_stretched(np.asarray(picture)))
    if picture.mode in _PREMULTIPLIED:
        picture = picture.convert(_PREMULTIPLIED[picture.mode])
    if picture.has_transparency_data:
        return picture.convert("RGBA")
    return picture.convert("RGB")


def _stretched(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() == finite.max():
        return np.zeros(values.shape, np.uint8)
    low, high = float(finite.min()), float(finite.max())
    unit = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return (np.nan_to_num(unit) * 255).astype(np.uint8)


def _webp(picture: PILImage, *, is_lossless: bool) -> bytes:
    into = io.BytesIO()
    if is_lossless:
        picture.save(into, "WEBP", lossless=True, exact=True, quality=25, method=_METHOD)
    else:
        picture.save(into, "WEBP", quality=_QUALITY, method=_METHOD)
    return into.getvalue()
