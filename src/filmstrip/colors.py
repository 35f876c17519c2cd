"""Colours of classes: a name has the same colour in every run, session, machine and language.

The algorithm is made to be spelled again in another language with 32-bit integers alone. The
palette has 64 colours that keep at least 0.09 from each other in OKLab, with lightness 0.52 to 0.87
and chroma over 0.1, so that they stand out on light and on dark photographs. `_SALT` and the
palette's order were searched for so that within the class lists of Cityscapes, Pascal VOC and
CIFAR-10, the digits, and ``class_0`` to ``class_9`` no two names share a colour.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from filmstrip.record import ClassLabel

__all__ = ["color_of", "color_of_label", "ink_on", "is_background", "rgb_from_hex"]

_SALT = 0x6491557A
_FNV_PRIME = 0x01000193
_FINISHER = 0x2C1B3C6D
_MASK_32 = 0xFFFFFFFF

# fmt: off
_PALETTE = (
    "727e00", "009684", "904e84", "00f6c0", "a866fc", "fca890", "3caefc", "1e8afc",
    "d28a60", "fcbaf6", "00c600", "fc660c", "009600", "c06c72", "9690fc", "9042d8",
    "78ccfc", "ded884", "0c729c", "cc0000", "90d89c", "fc7e8a", "ae7e00", "a800b4",
    "7ef06c", "12f0fc", "006cd8", "de0060", "90a200", "cc5a00", "f0ba00", "787ec6",
    "007e48", "30aeba", "6c66f6", "fc6cfc", "fc4878", "a8484e", "665ab4", "fc3cb4",
    "3648fc", "9cc61e", "00d87e", "f690d8", "b41e7e", "d2de00", "c000fc", "00fc00",
    "78ba7e", "c0aefc", "fc1206", "00d2c6", "965a00", "0690c0", "fc962a", "d800ba",
    "d25ad8", "c084c0", "f600fc", "a260ba", "0cae60", "cc4e96", "721efc", "c0ae5a",
)
# fmt: on

_BACKGROUND_NAMES = frozenset({"background", "bg"})
_MIDDLE_LUMA = 112


def color_of(name: str) -> str:
    """Return the colour of a class of this name.

    FNV-1a over the UTF-8 bytes, started at `_SALT` and stirred once, picks one of 64 colours.

    Returns
    -------
    str
        ``#rrggbb``, lower case.

    Examples
    --------
    >>> color_of("cat"), color_of("dog"), color_of("ключ")
    ('#007e48', '#904e84', '#ded884')
    """
    mixed = _SALT
    for byte in name.encode("utf-8", "surrogatepass"):
        mixed = ((mixed ^ byte) * _FNV_PRIME) & _MASK_32
    mixed = ((mixed ^ (mixed >> 15)) * _FINISHER) & _MASK_32
    mixed ^= mixed >> 12
    return f"#{_PALETTE[mixed % len(_PALETTE)]}"


def color_of_label(label: ClassLabel) -> str:
    """Return the colour of a class: its own when it was given one, else that of its name.

    Examples
    --------
    >>> from filmstrip.record import ClassLabel
    >>> color_of_label(ClassLabel(id=1, name="cat", color="#123456"))
    '#123456'
    """
    return label.color or color_of(label.name)


def is_background(class_id: int, label: ClassLabel | None) -> bool:
    """Return whether pixels of this id are left clear when a mask is drawn.

    That holds for id 0 without a name, and for a class named ``background`` or ``bg`` (in any case,
    with or without underscores around it) that was given no colour.

    Examples
    --------
    >>> from filmstrip.record import ClassLabel
    >>> is_background(0, None), is_background(5, None)
    (True, False)
    >>> is_background(9, ClassLabel(id=9, name="Background"))
    True
    """
    if label is None:
        return class_id == 0
    return not label.color and label.name.strip("_").lower() in _BACKGROUND_NAMES


def rgb_from_hex(color: str) -> tuple[int, int, int]:
    """Return red, green and blue, 0 to 255, of ``#rrggbb``.

    Examples
    --------
    >>> rgb_from_hex("#ff8000")
    (255, 128, 0)
    """
    red, green, blue = bytes.fromhex(color.removeprefix("#"))
    return red, green, blue


def ink_on(color: str) -> Literal["#000000", "#ffffff"]:
    """Return black or white, whichever reads better as text on this colour.

    Judged by luma of ITU-R BT.601 in whole numbers; the contrast is at least 3:1 on every colour of
    the palette.

    Examples
    --------
    >>> ink_on("#ffff00"), ink_on("#0000ff")
    ('#000000', '#ffffff')
    """
    red, green, blue = rgb_from_hex(color)
    return (
        "#000000" if (299 * red + 587 * green + 114 * blue) // 1000 >= _MIDDLE_LUMA else "#ffffff"
    )
