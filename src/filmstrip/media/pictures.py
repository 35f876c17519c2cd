"""PIL images → frames, in a mode that the file type can hold."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from filmstrip.errors import DimensionError, ImageInputError, OptionError
from filmstrip.media.files import upright
from filmstrip.media.formats import FileType
from filmstrip.media.frame import Frame
from filmstrip.media.layout import MAX_DIMENSION
from filmstrip.warn import warn_user

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["convert_mode", "frame_from_pil", "mode_without_alpha"]

_FALLBACKS: dict[str, tuple[str, ...]] = {
    "1": ("L", "RGB"),
    "L": ("RGB",),
    "LA": ("RGBA", "L", "RGB"),
    "La": ("LA", "RGBA", "L", "RGB"),
    "P": ("RGBA", "RGB"),
    "PA": ("RGBA", "RGB"),
    "RGBA": ("RGB",),
    "RGBa": ("RGBA", "RGB"),
    "I;16": ("L", "RGB"),
    "I;16B": ("I;16", "L", "RGB"),
    "I;16L": ("I;16", "L", "RGB"),
    "I;16N": ("I;16", "L", "RGB"),
    "I": ("I;16", "L", "RGB"),
    "F": ("L", "RGB"),
}
"""For a mode that a file type cannot hold: the next best, in order. All others become RGB."""


def frame_from_pil(image: PILImage, file_type: FileType, mode: str | None = None) -> Frame:
    """Return the pixels of a PIL image as displayed, in a mode that the file type holds.

    The image is copied, never rescaled. What cannot be kept, alpha in a JPEG or values over 65535,
    is warned about.

    Raises
    ------
    ImageInputError
        The image has no pixels, or a side too long for the file type.
    DimensionError
        A side is longer than MAX_DIMENSION.
    OptionError
        Pillow has no such `mode`, or cannot convert to it.
    """
    check_size(image.width, image.height, file_type)
    image = upright(image)
    if mode is not None:
        image = convert_mode(image, mode)
    return _frame(_held(image, file_type))


def check_size(width: int, height: int, file_type: FileType) -> None:
    """Raise unless the size is that of a picture that the file type holds.

    Raises
    ------
    ImageInputError
        A side is 0, or longer than the file type allows.
    DimensionError
        A side is longer than MAX_DIMENSION.
    """
    if not (width and height):
        raise ImageInputError(
            "an image with at least one pixel",
            got=f"width {width} and height {height}",
            fix="check the crop",
        )
    if max(width, height) > MAX_DIMENSION:
        raise DimensionError(width=width, height=height, limit=MAX_DIMENSION)
    if max(width, height) > file_type.max_side:
        raise ImageInputError(
            f"sides of at most {file_type.max_side} pixels for {file_type.name}",
            got=f"width {width} and height {height}",
            fix="take file_type='png' or scale the image down",
        )


def convert_mode(image: PILImage, mode: str) -> PILImage:
    """Return the image as Pillow converts it to `mode`.

    Raises
    ------
    OptionError
        Pillow has no such mode, or no way there.
    """
    try:
        return image if image.mode == mode else _converted(image, mode)
    except (ValueError, KeyError, TypeError):
        raise OptionError(
            "mode to be a PIL mode such as L, RGB, RGBA or I;16",
            got=f"{mode!r} for an image of mode {image.mode}",
            fix="leave mode out to have it guessed",
        ) from None


def mode_without_alpha(mode: str, file_type: FileType) -> str:
    """Return the mode, or ``RGB`` with a warning when the file type has no alpha."""
    if mode == "RGBA" and not file_type.has_alpha:
        warn_user(
            f"{file_type.name} holds no alpha: the alpha channel is dropped; "
            "use png or webp to keep it"
        )
        return "RGB"
    return mode


def _held(image: PILImage, file_type: FileType) -> PILImage:
    """Return the image in the nearest mode that the file type holds."""
    if _has_alpha(image):
        mode_without_alpha("RGBA", file_type)
    if image.mode in file_type.modes:
        return image
    choices = (*_FALLBACKS.get(image.mode, ()), "RGB")
    target = next(mode for mode in choices if mode in file_type.modes)
    if image.mode in ("I", "F") or image.mode.startswith("I;16"):
        return _narrowed(image, target, file_type)
    if image.mode == "P" and not _has_alpha(image):
        target = "RGB"
    return _converted(image, target)


def _converted(image: PILImage, mode: str) -> PILImage:
    """Return Pillow's conversion, by a detour where it has none or warns of the direct way."""
    if image.mode == "La":
        image = image.convert("LA")
    if image.mode == "P" and isinstance(image.info.get("transparency"), bytes):
        image = image.convert("RGBA")
    return image.convert(mode)


def _narrowed(image: PILImage, target: str, file_type: FileType) -> PILImage:
    """Return an image of wide values in a narrower mode: ends clipped, never rescaled."""
    import PIL.Image

    values = np.asarray(image)
    limit, dtype = (65535, np.uint16) if target == "I;16" else (255, np.uint8)
    finite = np.nan_to_num(values, nan=0.0) if values.dtype.kind == "f" else values
    if values.dtype.kind == "f" or finite.min() < 0 or finite.max() > limit:
        warn_user(
            f"{file_type.name} does not hold PIL mode {image.mode}: stored as {target}, "
            f"values clipped to [0, {limit}]; "
            "pass np.asarray(image) with value_range= to scale them"
        )
    narrow = PIL.Image.fromarray(np.clip(finite, 0, limit).astype(dtype))
    return narrow.convert(target) if narrow.mode != target else narrow


def _has_alpha(image: PILImage) -> bool:
    if image.mode == "P":
        return "transparency" in image.info or _has_alpha_palette(image)
    return image.mode in ("LA", "La", "PA", "RGBA", "RGBa")


def _has_alpha_palette(image: PILImage) -> bool:
    return image.palette is not None and image.palette.mode == "RGBA"


def _frame(image: PILImage) -> Frame:
    pixels: npt.NDArray[Any] = np.array(image, order="C")
    if image.mode != "P":
        return Frame(pixels, image.mode)
    palette = image.getpalette("RGB") or [0, 0, 0]  # Pillow shows an index without colour as black
    return Frame(pixels, "P", bytes(palette), _palette_alpha(image))


def _palette_alpha(image: PILImage) -> bytes | None:
    """Return the alpha of each palette index, None when all are opaque."""
    if _has_alpha_palette(image):
        return bytes((image.getpalette("RGBA") or [])[3::4])
    transparency = image.info.get("transparency")
    if isinstance(transparency, int):
        return b"\xff" * transparency + b"\x00"
    return transparency if isinstance(transparency, bytes) else None
