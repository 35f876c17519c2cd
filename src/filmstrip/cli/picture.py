"""A logged image at the size it is shown at, its overlays drawn at that size.

Overlays are drawn after scaling: lines and contours stay one pixel wide or more, however far a
picture is shrunk for a terminal, and are sharp where it is magnified.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from filmstrip.draw.boxes import draw_boxes
from filmstrip.draw.display import display_rgb
from filmstrip.draw.masks import draw_mask
from filmstrip.media.boxes import BoundingBoxes2D
from filmstrip.record import number_from_float

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

    from filmstrip.store import LoggedImage

__all__ = ["scaled_picture"]

_MASK_OPACITY = 0.45


def scaled_picture(image: LoggedImage, size: tuple[int, int], *, has_overlays: bool) -> PILImage:
    """Return the picture at a size, with its masks and boxes.

    Parameters
    ----------
    image
        As it was read back.
    size
        Width and height in pixels; a smaller picture keeps its single pixels visible.
    has_overlays
        Whether to draw masks and boxes.

    Returns
    -------
    PIL.Image.Image
        Mode ``RGB``.

    Raises
    ------
    DamagedError
        Stored bytes of the picture or a mask are not those that were written.
    """
    from PIL.Image import Resampling

    picture = display_rgb(image.pil())
    is_magnified = size[0] >= picture.width and size[1] >= picture.height
    picture = picture.resize(size, Resampling.NEAREST if is_magnified else Resampling.LANCZOS)
    if has_overlays:
        for mask in image.masks.values():
            picture = draw_mask(picture, mask, _MASK_OPACITY)
        scale = np.array([size[0] / image.width, size[1] / image.height] * 2)
        draw_boxes(picture, {name: _scaled(boxes, scale) for name, boxes in image.boxes.items()})
    return picture


def _scaled(
    boxes: BoundingBoxes2D, scale: np.ndarray[tuple[int], np.dtype[np.float64]]
) -> BoundingBoxes2D:
    corners = [[number_from_float(v) for v in row] for row in (boxes.xyxy * scale).tolist()]
    return BoundingBoxes2D.from_layer(msgspec.structs.replace(boxes.to_layer(""), xyxy=corners))
