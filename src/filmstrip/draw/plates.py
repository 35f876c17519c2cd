"""Plates: the texts of boxes, placed so that they stay inside the picture and off each other."""

from __future__ import annotations

from contextlib import suppress
from functools import lru_cache
from typing import TYPE_CHECKING, TypeAlias

from filmstrip.colors import ink_on
from filmstrip.errors import one_line

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

    Font: TypeAlias = FreeTypeFont | ImageFont

__all__ = ["PlateLayout"]

_Corners: TypeAlias = tuple[int, int, int, int]

_MIN_FONT_PX, _MAX_FONT_PX = 11, 120
_FONT_SHARE = 1 / 34
"""Height of the font over the shorter side of the picture."""
_ELLIPSIS = "..."
_WIDE_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "arial.ttf")
"""Tried for texts beyond Latin-1, which Pillow's own font lacks."""


class PlateLayout:
    """Draws plates one after the other and remembers where they are.

    Parameters
    ----------
    canvas
        What to draw on.
    size
        Width and height of the picture in pixels.
    gap
        Width of the boxes' lines in pixels.
    """

    def __init__(self, canvas: ImageDraw, size: tuple[int, int], *, gap: int) -> None:
        self._canvas, self._size, self._gap = canvas, size, gap
        self._font_px = round(min(max(min(size) * _FONT_SHARE, _MIN_FONT_PX), _MAX_FONT_PX))
        self._taken: list[_Corners] = []

    def draw(self, text: str, color: str, box: _Corners) -> None:
        """Draw a text on a plate of this colour at a box.

        It goes above the box, else inside, below, or to its right end, wherever the whole plate is
        inside the picture and covers no other; above or inside when nowhere is free.
        """
        text = one_line(text)
        font = _font_for(text.isascii() or _is_latin(text), self._font_px)
        pad_x, pad_y = max(2, self._font_px // 4), max(1, self._font_px // 8)
        text = self._fitted(text, font, self._size[0] - 2 * pad_x)
        text_width = round(self._canvas.textlength(text, font=font))
        width, height = text_width + 2 * pad_x, round(self._font_px * 1.2) + 2 * pad_y
        left, top = self._place(width, height, box)
        plate = (left, top, left + width - 1, top + height - 1)
        self._taken.append(plate)
        self._canvas.rounded_rectangle(plate, radius=max(1, self._font_px // 5), fill=color)
        middle = (left + pad_x, top + height / 2)
        self._canvas.text(middle, text, fill=ink_on(color), font=font, anchor="lm")

    def _place(self, width: int, height: int, box: _Corners) -> tuple[int, int]:
        left, top, right, bottom = box
        inset = self._gap
        choices = [
            (left, top - height + inset),
            (left + inset, top + inset),
            (left, bottom + 1 - inset),
            (right - width + 1, top - height + inset),
            (right - width + 1 - inset, bottom - height + 1 - inset),
        ]
        inside = [self._pushed_inside(x, y, width, height) for x, y in choices]
        kept = [place for place, (_, y) in zip(inside, choices, strict=True) if place[1] == y]
        for place in kept:
            if not self._is_taken((*place, place[0] + width - 1, place[1] + height - 1)):
                return place
        return (kept or inside)[0]

    def _pushed_inside(self, left: int, top: int, width: int, height: int) -> tuple[int, int]:
        return (
            max(0, min(left, self._size[0] - width)),
            max(0, min(top, self._size[1] - height)),
        )

    def _is_taken(self, plate: _Corners) -> bool:
        left, top, right, bottom = plate
        return any(
            left <= other[2] and other[0] <= right and top <= other[3] and other[1] <= bottom
            for other in self._taken
        )

    def _fitted(self, text: str, font: Font, width: int) -> str:
        """Return the text, cut with an ellipsis when it is wider than the picture."""
        text = text[: width // 2]  # no glyph is narrower than two pixels
        if self._canvas.textlength(text, font=font) <= width:
            return text
        while text and self._canvas.textlength(text + _ELLIPSIS, font=font) > width:
            text = text[:-1]
        return text + _ELLIPSIS


def _is_latin(text: str) -> bool:
    return all(ord(character) < 0x180 for character in text)


@lru_cache(maxsize=16)
def _font_for(is_latin: bool, size_px: int) -> Font:
    from PIL import ImageFont

    for name in () if is_latin else _WIDE_FONTS:
        with suppress(OSError):  # not on this machine
            return ImageFont.truetype(name, size_px)
    return ImageFont.load_default(size_px)
