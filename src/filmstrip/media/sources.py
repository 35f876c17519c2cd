"""What ``Image`` takes, told apart once.

Order matters: a file object may offer ``__array__``, a PIL image does, a tensor is no path.
Nothing here decides how pixels look; that is `pixels` for arrays and `pictures` for PIL images.
"""

from __future__ import annotations

import io
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

from filmstrip.errors import ImageInputError, ImageTypeError
from filmstrip.media.arrays import is_arraylike, is_torch_tensor

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = ["figure_from_any", "is_file", "is_pil", "pil_from_figure", "unknown_input"]


def is_pil(value: Any) -> bool:
    """Return whether the value is a PIL image; never imports Pillow."""
    # The module may stand there half imported: an encoder thread may be at it this moment.
    image_type = getattr(sys.modules.get("PIL.Image"), "Image", None)
    return image_type is not None and isinstance(value, image_type)


def is_file(value: Any) -> bool:
    """Return whether the value is a path, encoded bytes, or a file object."""
    return isinstance(value, (str, os.PathLike, bytes, bytearray, memoryview, io.IOBase)) or (
        callable(getattr(value, "read", None))
        and not is_arraylike(value)
        and not is_torch_tensor(value)
    )


def figure_from_any(value: Any) -> Any:
    """Return the matplotlib figure of a figure, axes, artist or ``pyplot`` itself, else None.

    Raises
    ------
    ImageInputError
        ``pyplot`` has no open figure.
    """
    if "matplotlib.figure" not in sys.modules:
        return None
    figure_type = sys.modules["matplotlib.figure"].Figure
    if isinstance(value, ModuleType) and value.__name__ == "matplotlib.pyplot":
        if not value.get_fignums():
            raise ImageInputError(
                "pyplot with an open figure", got="pyplot without one", fix="draw before you log"
            )
        return value.gcf()
    for candidate in (value, getattr(value, "figure", None)):
        if isinstance(candidate, figure_type):
            return candidate
    return None


def pil_from_figure(figure: Any) -> PILImage:
    """Return the figure as it would be saved, at its own dpi; leaves it open and unchanged.

    A figure that is opaque everywhere has no alpha channel.
    """
    import PIL.Image

    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=figure.dpi)
    image = PIL.Image.open(stream)
    is_opaque = image.mode == "RGBA" and image.getchannel("A").getextrema() == (255, 255)
    return image.convert("RGB") if is_opaque else image


def unknown_input(value: Any) -> ImageTypeError:
    """Return the error for an input that is nothing `Image` takes."""
    kind = type(value)
    return ImageTypeError(
        "an array, tensor, PIL image, path, bytes, file object, matplotlib figure or Image",
        got=kind.__name__
        if kind.__module__ == "builtins"
        else f"{kind.__module__}.{kind.__name__}",
        fix="convert it to a numpy array first",
    )
