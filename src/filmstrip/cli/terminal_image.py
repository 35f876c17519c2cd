"""Pictures in a terminal: Kitty graphics, iTerm2 inline images, half blocks, shades of grey.

Pure: from a picture to text, which is not printed here.

Kitty: https://sw.kovidgoyal.net/kitty/graphics-protocol/ (``f=100`` PNG, ``a=T`` transmit and
display, ``q=2`` no answer, ``m`` more chunks). iTerm2: https://iterm2.com/documentation-images.html.
Both are told the width in cells alone, and keep the picture's shape themselves.
"""

from __future__ import annotations

import io
from base64 import standard_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = [
    "CellBox",
    "ColorDepth",
    "fit_cells",
    "half_blocks",
    "iterm_image",
    "kitty_image",
    "shade_blocks",
    "through_tmux",
]

_Pixels: TypeAlias = npt.NDArray[np.uint8]
_Colors: TypeAlias = npt.NDArray[np.int64]

_ESC = "\x1b"
_RESET = f"{_ESC}[0m"
_UPPER_HALF = "▀"
_SHADES = " ░▒▓█"

_KITTY_CHUNK_BYTES = 4096
"""Most base64 characters that one Kitty escape may carry."""

_MIN_SIDE_CELLS = 24
"""Pictures smaller than this are magnified by a whole factor up to it."""

_CUBE_LEVELS = np.array([0, 95, 135, 175, 215, 255])
"""Levels of the 6×6×6 cube of xterm's 256 colours, which begins at index 16."""
_GREY_LEVELS = np.arange(8, 239, 10)
"""Levels of its 24 greys, which begin at index 232."""


class ColorDepth(Enum):
    """How many colours a terminal has."""

    TRUE = "24 bit"
    INDEXED = "256"


@dataclass(frozen=True, slots=True)
class CellBox:
    """The place of a picture in a terminal, whose cells are taken to be twice as high as wide."""

    columns: int
    half_rows: int
    """Height in half cells: a picture of `columns` × `half_rows` square pixels fills it."""


def fit_cells(
    width: int, height: int, *, max_columns: int, max_rows: int | None, fill: bool = False
) -> CellBox:
    """Return the cells that a picture takes.

    Parameters
    ----------
    width, height
        Of the picture in pixels.
    max_columns, max_rows
        Most cells that it may take; as many rows as it needs when `max_rows` is None.
    fill
        Whether to magnify it to all columns; else a pixel takes one column, or a few when the whole
        picture is tiny.

    Examples
    --------
    >>> fit_cells(512, 256, max_columns=80, max_rows=30)
    CellBox(columns=80, half_rows=40)
    >>> fit_cells(8, 8, max_columns=80, max_rows=30)
    CellBox(columns=24, half_rows=24)
    """
    scale = max_columns / width
    if max_rows is not None:
        scale = min(scale, 2 * max_rows / height)
    if not fill:
        scale = min(scale, max(1, _MIN_SIDE_CELLS // max(width, height)))
    columns = min(max_columns, max(1, round(width * scale)))
    return CellBox(columns, max(1, round(height * scale)))


def half_blocks(picture: PILImage, depth: ColorDepth) -> str:
    r"""Return the picture as lines of coloured cells, each of them two pixels.

    Parameters
    ----------
    picture
        Mode ``RGB``, as wide as the cells it shall take.
    depth
        Colours of the terminal.

    Examples
    --------
    >>> import PIL.Image
    >>> half_blocks(PIL.Image.new("RGB", (1, 2), "#ff0000"), ColorDepth.INDEXED)
    '\x1b[38;5;196;48;5;196m▀\x1b[0m\n'
    """
    pixels = np.asarray(picture)
    colors, code = _COLOR_CODES[depth](pixels)
    lines = []
    for top in range(0, len(colors), 2):
        below = colors[top + 1].tolist() if top + 1 < len(colors) else None
        lines.append(_half_block_line(colors[top].tolist(), below, code))
    return "".join(lines)


def shade_blocks(picture: PILImage) -> str:
    r"""Return the picture as lines of five greys, without any escape.

    Parameters
    ----------
    picture
        Any 8-bit mode, as wide as the cells it shall take; two rows become one line.

    Examples
    --------
    >>> import PIL.Image
    >>> shade_blocks(PIL.Image.linear_gradient("L").rotate(90).resize((5, 2)))
    ' ░▒▓█\n'
    """
    luma = np.asarray(picture.convert("L"), np.float64)
    if len(luma) % 2:
        luma = np.concatenate([luma, luma[-1:]])
    cells = (luma[0::2] + luma[1::2]) / 2
    places = np.minimum((cells * len(_SHADES) / 255).astype(int), len(_SHADES) - 1)
    return "".join("".join(_SHADES[i] for i in row).rstrip() + "\n" for row in places.tolist())


def kitty_image(picture: PILImage, columns: int) -> list[str]:
    """Return the escapes that show a picture in terminals with Kitty's graphics protocol.

    Parameters
    ----------
    picture
        Sent as PNG in the size that it has.
    columns
        Cells that it is scaled to.
    """
    data = standard_b64encode(_png(picture)).decode()
    starts = range(0, len(data), _KITTY_CHUNK_BYTES)
    chunks = []
    for start in starts:
        head = f"a=T,f=100,q=2,c={columns}," if start == 0 else ""
        more = int(start != starts[-1])
        chunk = data[start : start + _KITTY_CHUNK_BYTES]
        chunks.append(f"{_ESC}_G{head}m={more};{chunk}{_ESC}\\")
    return chunks


def iterm_image(picture: PILImage, columns: int) -> list[str]:
    """Return the escape that shows a picture in terminals with iTerm2's inline images.

    Parameters
    ----------
    picture
        Sent as PNG in the size that it has.
    columns
        Cells that it is scaled to.
    """
    png = _png(picture)
    head = f"inline=1;size={len(png)};width={columns};height=auto;preserveAspectRatio=1"
    return [f"{_ESC}]1337;File={head}:{standard_b64encode(png).decode()}\a"]


def through_tmux(escape: str) -> str:
    r"""Return an escape wrapped so that tmux hands it on (it needs ``allow-passthrough on``).

    Examples
    --------
    >>> through_tmux("\x1b_Gm=0;AA==\x1b\\")
    '\x1bPtmux;\x1b\x1b_Gm=0;AA==\x1b\x1b\\\x1b\\'
    """
    return f"{_ESC}Ptmux;{escape.replace(_ESC, _ESC * 2)}{_ESC}\\"


def _png(picture: PILImage) -> bytes:
    stream = io.BytesIO()
    picture.save(stream, "PNG", compress_level=1)
    return stream.getvalue()


def _half_block_line(above: list[int], below: list[int] | None, code: Callable[[int], str]) -> str:
    """Return one line of cells; colours are named only where they change."""
    parts = []
    ink = paper = None
    for i, top in enumerate(above):
        bottom = None if below is None else below[i]
        changes = [] if ink == top else [f"38;{code(top)}"]
        if bottom is not None and paper != bottom:
            changes.append(f"48;{code(bottom)}")
        ink, paper = top, bottom
        parts.append(f"{_ESC}[{';'.join(changes)}m{_UPPER_HALF}" if changes else _UPPER_HALF)
    return "".join(parts) + f"{_RESET}\n"


def _true_colors(pixels: _Pixels) -> tuple[_Colors, Callable[[int], str]]:
    red, green, blue = pixels.astype(np.int64).transpose(2, 0, 1)
    return red << 16 | green << 8 | blue, lambda c: f"2;{c >> 16};{c >> 8 & 255};{c & 255}"


def _indexed_colors(pixels: _Pixels) -> tuple[_Colors, Callable[[int], str]]:
    """Return for each pixel the nearest of xterm's cube and greys."""
    wide = pixels.astype(np.int64)
    cube = np.abs(wide[..., None] - _CUBE_LEVELS).argmin(axis=-1)
    grey = np.abs(wide.mean(axis=-1, keepdims=True) - _GREY_LEVELS).argmin(axis=-1)
    cube_error = ((wide - _CUBE_LEVELS[cube]) ** 2).sum(axis=-1)
    grey_error = ((wide - _GREY_LEVELS[grey][..., None]) ** 2).sum(axis=-1)
    cube_index = 16 + cube @ np.array([36, 6, 1])
    return np.where(grey_error < cube_error, 232 + grey, cube_index), lambda c: f"5;{c}"


_COLOR_CODES = {ColorDepth.TRUE: _true_colors, ColorDepth.INDEXED: _indexed_colors}
