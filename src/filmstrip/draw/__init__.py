"""Overlays: masks and boxes drawn on the picture that they belong to.

Class colours are those of `filmstrip.colors`. Nothing here changes what is stored: this is how a
picture looks in the terminal, in an exported animation, or in a notebook.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from filmstrip.draw.boxes import draw_boxes
from filmstrip.draw.display import display_rgb
from filmstrip.draw.masks import draw_mask
from filmstrip.errors import OptionError
from filmstrip.media.image import Image

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from filmstrip.store import LoggedImage

__all__ = ["display_rgb", "draw_overlays"]


def draw_overlays(
    image: Image | LoggedImage, *, boxes: bool = True, masks: bool = True, opacity: float = 0.45
) -> PILImage:
    """Return the picture with its masks and boxes drawn on it.

    Masks are scaled with nearest neighbour and tinted in the colours of their classes, each region
    with a thin contour in its full colour, so that neighbours can be told apart even where their
    tints are alike. Background (`filmstrip.colors.is_background`) is left clear.

    Boxes are clipped to the picture here and nowhere else; boxes with NaN or swapped corners are
    not drawn. The first layer has solid lines, further ones have dashes. A box carries its caption,
    else its class and first score; pictures with a side under 96 pixels have no room for texts and
    get none.

    Parameters
    ----------
    image
        An `Image` or an image that was read back.
    boxes, masks
        Which of the two to draw.
    opacity
        Of the tint inside mask regions, from 0 (contours only) to 1.

    Returns
    -------
    PIL.Image.Image
        Mode ``RGB``, of the image's size, a copy. See `display_rgb` for pictures that are not 8-bit
        RGB.

    Raises
    ------
    OptionError
        `opacity` is not between 0 and 1.
    DamagedError
        Stored bytes of the picture or a mask are not those that were written.

    Examples
    --------
    >>> import numpy as np
    >>> mask = {"mask_data": np.array([[0, 1]]), "class_labels": {1: "cat"}}
    >>> image = Image(np.zeros((1, 2, 3)), masks={"truth": mask})
    >>> [draw_overlays(image).getpixel((x, 0)) for x in (0, 1)]
    [(0, 0, 0), (0, 113, 65)]
    """
    if not 0 <= opacity <= 1:
        raise OptionError("opacity from 0 to 1", got=repr(opacity), fix="leave it out for 0.45")
    picture = display_rgb(image.image if isinstance(image, Image) else image.pil())
    if masks:
        for mask in image.masks.values():
            picture = draw_mask(picture, mask, opacity)
    if boxes and image.boxes:
        draw_boxes(picture, image.boxes)
    return picture
