"""The photographs in which the demo looks for faces, and where the faces are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from filmstrip.demo.photos import Photo, load_face_crops, load_photo

if TYPE_CHECKING:
    from filmstrip.demo.windows import Boxes


@dataclass(frozen=True, slots=True)
class Scene:
    """A photograph and where its faces are.

    Parameters
    ----------
    name
        What to call it.
    photo
        (H, W, 3) uint8.
    truth
        (n, 4) float64 x0, y0, x1, y1 in pixels.
    """

    name: str
    photo: Photo
    truth: Boxes


def contact_sheet(
    crops: Photo, *, rows: int, columns: int, face_px: int, margin_px: int
) -> tuple[Photo, Boxes]:
    """Put small face crops on one sheet, enlarged, with their edges continued around them.

    Parameters
    ----------
    crops
        (n, h, w) uint8, n at least rows * columns.
    rows, columns
        How many.
    face_px, margin_px
        Side of an enlarged crop, and of the margin around it.

    Returns
    -------
    tuple
        The sheet, (H, W, 3) uint8, and the boxes of the crops, (rows * columns, 4) float64 pixels.
    """
    from PIL import Image as PILImage

    pitch = face_px + 2 * margin_px
    sheet = np.zeros((rows * pitch, columns * pitch), np.uint8)
    boxes: list[tuple[int, int, int, int]] = []
    for index in range(rows * columns):
        y, x = index // columns * pitch, index % columns * pitch
        face = PILImage.fromarray(crops[index]).resize(
            (face_px, face_px), PILImage.Resampling.BICUBIC
        )
        sheet[y : y + pitch, x : x + pitch] = np.pad(np.asarray(face), margin_px, mode="edge")
        left, top = x + margin_px, y + margin_px
        boxes.append((left, top, left + face_px, top + face_px))
    return np.repeat(sheet[..., None], 3, axis=2), np.array(boxes, np.float64)


def load_scenes() -> list[Scene]:
    """Load the photographs in which to look for faces: one, one in profile, many, and none."""
    sheet, sheet_truth = contact_sheet(
        load_face_crops(), rows=4, columns=6, face_px=72, margin_px=12
    )
    return [
        # Hairline to chin and ear to ear, measured by hand on the photographs.
        Scene("astronaut", load_photo("astronaut.png"), np.array([[178.0, 70, 274, 178]])),
        Scene("cameraman", load_photo("camera.png"), np.array([[192.0, 122, 256, 198]])),
        Scene("contact sheet", sheet, sheet_truth),
        Scene("motorcycle", load_photo("motorcycle_left.png", (593, 400)), np.empty((0, 4))),
    ]
