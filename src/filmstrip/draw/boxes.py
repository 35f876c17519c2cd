"""Boxes on a picture: lines that can be seen on any content, and plates with texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from filmstrip.colors import color_of, color_of_label
from filmstrip.draw.plates import PlateLayout

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage
    from PIL.ImageDraw import ImageDraw

    from filmstrip.media.boxes import BoundingBoxes2D

__all__ = ["MIN_SIDE_WITH_TEXTS", "draw_boxes"]

MIN_SIDE_WITH_TEXTS = 96
"""Shorter side in pixels from which boxes carry texts."""

_PIXELS_PER_LINE = 220
"""A line is one pixel wide up to this length of the shorter side and a half, then two, …"""
_RIM = "#00000080"
_NO_CLASS = -1

_Corners: TypeAlias = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _DrawnBox:
    """A box as it will be drawn: in whole pixels, both ends inside the picture."""

    left: int
    top: int
    right: int
    bottom: int
    color: str
    text: str
    is_dashed: bool

    @property
    def area(self) -> int:
        return (self.right - self.left + 1) * (self.bottom - self.top + 1)


def draw_boxes(picture: PILImage, layers: Mapping[str, BoundingBoxes2D]) -> None:
    """Draw the boxes of all layers on a picture, the largest first.

    Parameters
    ----------
    picture
        Mode ``RGB``; drawn on.
    layers
        Boxes in pixels of the picture, by layer.
    """
    from PIL import ImageDraw

    found = [
        box
        for place, (name, boxes) in enumerate(layers.items())
        for box in _drawn(picture, name, boxes, is_dashed=place > 0)
    ]
    found.sort(key=lambda box: -box.area)
    width = max(1, round(min(picture.size) / _PIXELS_PER_LINE))
    canvas = ImageDraw.Draw(picture, "RGBA")
    for box in found:
        _draw_lines(canvas, box, width)
    if min(picture.size) >= MIN_SIDE_WITH_TEXTS:
        plates = PlateLayout(canvas, picture.size, gap=width)
        # Small boxes choose first where their plate goes: large ones have more room.
        for box in reversed(found):
            if box.text:
                plates.draw(box.text, box.color, (box.left, box.top, box.right, box.bottom))


def _drawn(
    picture: PILImage, layer: str, boxes: BoundingBoxes2D, *, is_dashed: bool
) -> Iterator[_DrawnBox]:
    labels = {label.id: label for label in boxes.labels}
    class_ids = boxes.class_id
    texts = list(_texts(boxes))
    size = np.array([*picture.size, *picture.size])
    is_invalid = boxes.is_invalid()
    for i, corners in enumerate(boxes.xyxy):
        if is_invalid[i]:
            continue
        left, top, right, bottom = (int(v) for v in np.round(np.clip(corners, 0, size)))
        is_outside = (corners[:2] >= size[:2]).any() or (corners[2:] <= 0).any()
        if is_outside:
            continue
        class_id = _NO_CLASS if class_ids is None else int(class_ids[i])
        if class_id in labels:
            color = color_of_label(labels[class_id])
        else:
            color = color_of(layer if class_id == _NO_CLASS else boxes.name_of(class_id))
        left, top = min(left, picture.width - 1), min(top, picture.height - 1)
        # A box ends where its last pixel ends; a line needs that pixel itself.
        yield _DrawnBox(
            left, top, max(left, right - 1), max(top, bottom - 1), color, texts[i], is_dashed
        )


def _texts(boxes: BoundingBoxes2D) -> Iterator[str]:
    """Yield each box's caption, else its class and first score, as far as it has them."""
    captions, class_ids = boxes.captions, boxes.class_id
    scores = next(iter(boxes.scores.values()), None)
    for i in range(len(boxes)):
        caption = captions[i] if captions else None
        if caption is not None:
            yield caption
            continue
        has_class = class_ids is not None and class_ids[i] != _NO_CLASS
        name = boxes.name_of(int(class_ids[i])) if class_ids is not None and has_class else ""
        score = "" if scores is None or np.isnan(scores[i]) else _score_text(float(scores[i]))
        yield f"{name} {score}".strip()


def _score_text(score: float) -> str:
    """Return two decimals where they say something, else three digits.

    Examples
    --------
    >>> _score_text(0.876), _score_text(1234.5), _score_text(0.0001)
    ('0.88', '1.23e+03', '0.0001')
    """
    return f"{score:.2f}" if 0.005 <= abs(score) < 100 or score == 0 else f"{score:.3g}"


def _draw_lines(canvas: ImageDraw, box: _DrawnBox, width: int) -> None:
    corners = (box.left, box.top, box.right, box.bottom)
    if width > 1:  # a dark rim keeps the line apart from content of its own colour
        rim = (box.left - 1, box.top - 1, box.right + 1, box.bottom + 1)
        inner = (box.left + width, box.top + width, box.right - width, box.bottom - width)
        for bar in (*_bars(rim, 1), *_bars(inner, 1)):
            canvas.rectangle(bar, fill=_RIM)
    dash = 3 * width + 2
    for bar in _bars(corners, width):
        for part in _dashes(bar, dash) if box.is_dashed else (bar,):
            canvas.rectangle(part, fill=box.color)


def _bars(corners: _Corners, width: int) -> Iterator[_Corners]:
    """Yield the sides of a frame, none over another; Pillow's outline is wrong for thin ones."""
    left, top, right, bottom = corners
    for bar in (
        (left, top, right, min(top + width - 1, bottom)),
        (left, max(bottom - width + 1, top + width), right, bottom),
        (left, top + width, min(left + width - 1, right), bottom - width),
        (max(right - width + 1, left + width), top + width, right, bottom - width),
    ):
        if bar[0] <= bar[2] and bar[1] <= bar[3]:
            yield bar


def _dashes(bar: _Corners, length: int) -> Iterator[_Corners]:
    left, top, right, bottom = bar
    if right - left >= bottom - top:
        for start in range(left, right + 1, 2 * length):
            yield start, top, min(start + length - 1, right), bottom
    else:
        for start in range(top, bottom + 1, 2 * length):
            yield left, start, right, min(start + length - 1, bottom)
