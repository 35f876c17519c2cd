"""Display: pictures of every PIL mode as 8-bit RGB."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["display_rgb"]

_PREMULTIPLIED = {"La": "LA", "RGBa": "RGBA"}
_WHITE = (255, 255, 255)


def display_rgb(picture: PILImage) -> PILImage:
    """Return the picture as it is shown on a screen; a copy.

    Wide modes (``I;16`` and its kin, ``I``, ``F``) are stretched from their smallest to their
    largest finite value; NaN is black, and a picture of one value is black. Transparent pixels are
    shown on white.

    Parameters
    ----------
    picture
        Of any mode.

    Returns
    -------
    PIL.Image.Image
        Mode ``RGB``.

    Examples
    --------
    >>> import PIL.Image
    >>> wide = PIL.Image.fromarray(np.array([[1000, 2000, 3000]], np.uint16))
    >>> [display_rgb(wide).getpixel((x, 0)) for x in range(3)]
    [(0, 0, 0), (127, 127, 127), (255, 255, 255)]
    """
    import PIL.Image

    if picture.mode in ("I", "F") or picture.mode.startswith("I;16"):
        return PIL.Image.fromarray(_stretched(np.asarray(picture))).convert("RGB")
    if picture.mode in _PREMULTIPLIED:
        picture = picture.convert(_PREMULTIPLIED[picture.mode])
    if not picture.has_transparency_data:
        return picture.convert("RGB") if picture.mode != "RGB" else picture.copy()
    layer = picture.convert("RGBA")
    shown = PIL.Image.new("RGB", picture.size, _WHITE)
    shown.paste(layer, mask=layer)
    return shown


def _stretched(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    finite = values[np.isfinite(values)]
    if not finite.size or finite.min() == finite.max():
        return np.zeros(values.shape, np.uint8)
    low, high = float(finite.min()), float(finite.max())
    unit = np.clip((values.astype(np.float64) - low) / (high - low), 0, 1)
    return (np.nan_to_num(unit) * 255).astype(np.uint8)
