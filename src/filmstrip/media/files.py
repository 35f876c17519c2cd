"""Encoded pictures: files, bytes and file objects, kept as they are.

They are decoded once, at the user's line, so that a truncated or damaged file is an error there
and not in the viewer a week later.
"""

from __future__ import annotations

import io
import os
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from filmstrip.errors import DimensionError, ImageFileError, ImageNotFoundError, ImageTypeError
from filmstrip.media.layout import MAX_DIMENSION

if TYPE_CHECKING:
    from PIL.Image import Image as PILImage

__all__ = [
    "DECODE_ERRORS",
    "EncodedPicture",
    "open_encoded",
    "read_path",
    "read_stream",
    "undecodable",
    "upright",
]

_ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held (Exif 2.32, 4.6.4 A)."""

DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    struct.error,
    zlib.error,
)
"""What Pillow's decoders are known to raise on bytes that are no whole picture."""


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """The bytes of a picture file, unchanged, with its size as displayed."""

    data: bytes
    format: str
    """Lower-case name that is also the file ending: ``jpg``, ``png``, ``gif``, ``tiff``, …"""
    mode: str
    width: int
    height: int

    @property
    def size_bytes(self) -> int:
        """Size of the file."""
        return len(self.data)

    def to_pil(self) -> PILImage:
        """Return the decoded picture, EXIF orientation applied."""
        return upright(_decode(self.data, name=""))


def read_path(path: str | os.PathLike[str]) -> bytes:
    """Return the bytes of an image file.

    Raises
    ------
    ImageNotFoundError
        There is no such file.
    ImageFileError
        It is a folder, or cannot be read.
    """
    try:
        return Path(path).read_bytes()
    except FileNotFoundError:
        raise ImageNotFoundError(os.fspath(path)) from None
    except (OSError, ValueError) as error:
        raise ImageFileError(
            "a readable image file", got=f"{path!s} ({error})", fix="check the path"
        ) from error


def read_stream(stream: Any) -> bytes:
    """Return all that a binary file object holds, from its start if it can seek.

    Raises
    ------
    ImageTypeError
        It was opened as text.
    """
    if callable(getattr(stream, "seekable", None)) and stream.seekable():
        stream.seek(0)
    data = stream.read()
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise ImageTypeError(
            "a binary file object",
            got=f"one that reads {type(data).__name__}",
            fix='open it with mode "rb"',
        )
    return bytes(data)


def open_encoded(data: bytes, *, name: str = "") -> tuple[EncodedPicture, PILImage]:
    """Return the picture that encoded bytes hold, and its pixels as displayed.

    Parameters
    ----------
    data
        The bytes of a file in any format that Pillow reads.
    name
        Path of the file, for messages and for the spelling of its ending.

    Raises
    ------
    ImageFileError
        The bytes are no image, a truncated one, or one too large to decode safely.
    DimensionError
        A side is longer than MAX_DIMENSION.
    """
    image = _decode(data, name=name)
    own_format = (image.format or "png").lower()
    image = upright(image)
    encoded = EncodedPicture(data, _ending(own_format, name), image.mode, image.width, image.height)
    return encoded, image


def upright(image: PILImage) -> PILImage:
    """Return the image with its EXIF orientation applied; the same object when there is none."""
    from PIL import ImageOps

    if image.getexif().get(_ORIENTATION, 1) in (None, 1):
        return image
    return ImageOps.exif_transpose(image)


def _decode(data: bytes, *, name: str) -> PILImage:
    import PIL.Image

    what = f"{len(data)} bytes" + (f" of {name}" if name else "")
    try:
        image = PIL.Image.open(io.BytesIO(data))
        if max(image.size) > MAX_DIMENSION:
            raise DimensionError(width=image.width, height=image.height, limit=MAX_DIMENSION)
        image.load()
    except PIL.UnidentifiedImageError:
        raise ImageFileError(
            "an image file", got=f"{what} in no format that Pillow knows", fix="check the file"
        ) from None
    except PIL.Image.DecompressionBombError as error:
        raise ImageFileError(
            "an image of a safe size",
            got=f"{what}: {error}",
            fix="raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file",
        ) from None
    except DimensionError:
        raise
    except DECODE_ERRORS as error:
        raise undecodable(what, error) from error
    return image


def undecodable(what: str, error: Exception) -> ImageFileError:
    """Return the error for a picture file that is cut or damaged."""
    return ImageFileError(
        "a whole image file",
        got=f"{what} that does not decode ({error})",
        fix="write the file again",
    )


def _ending(own_format: str, name: str) -> str:
    """Return the format's usual file ending, in the file's own spelling where it has one."""
    import PIL.Image

    spelled = Path(name).suffix.lower().removeprefix(".")
    if (
        PIL.Image.registered_extensions().get(f".{spelled}", "").lower() == own_format
        and spelled.isalnum()
    ):
        return spelled
    return {"jpeg": "jpg", "mpo": "jpg"}.get(own_format, own_format)
