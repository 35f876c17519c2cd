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
from filmstrip.media.formats import FileType
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

_UPRIGHT_BY = {
    2: "FLIP_LEFT_RIGHT",
    3: "ROTATE_180",
    4: "FLIP_TOP_BOTTOM",
    5: "TRANSPOSE",
    6: "ROTATE_270",
    7: "TRANSVERSE",
    8: "ROTATE_90",
}
"""Pillow's name of what makes a picture of each orientation upright."""

DECODE_ERRORS = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    IndexError,
    KeyError,
    TypeError,
    AssertionError,
    AttributeError,
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

    def is_type(self, file_type: FileType) -> bool:
        """Return whether the file is of this type."""
        name = {"jpg": "JPEG", "tif": "TIFF"}.get(self.format, self.format.upper())
        return name == file_type.pil_format

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
        return Path(os.fsdecode(path)).read_bytes()
    except FileNotFoundError:
        raise ImageNotFoundError(os.fsdecode(path)) from None
    except (OSError, ValueError) as error:
        raise ImageFileError(
            "a readable image file", got=f"{os.fsdecode(path)} ({error})", fix="check the path"
        ) from error


def read_stream(stream: Any) -> bytes:
    """Return all that a binary file object holds, from its start if it can seek.

    Raises
    ------
    ImageTypeError
        It was opened as text.
    ImageFileError
        It is closed, or cannot be read.
    """
    if isinstance(stream, io.TextIOBase):
        raise _not_binary("text")
    try:
        if callable(getattr(stream, "seekable", None)) and stream.seekable():
            stream.seek(0)
        data = stream.read()
    except (OSError, ValueError) as error:
        raise ImageFileError(
            "a readable file object",
            got=f"{type(stream).__name__} ({error})",
            fix='open it with mode "rb" and close it later',
        ) from error
    if not isinstance(data, (bytes, bytearray, memoryview)):
        raise _not_binary(type(data).__name__)
    return bytes(data)


def _not_binary(what: str) -> ImageTypeError:
    return ImageTypeError(
        "a binary file object", got=f"one that reads {what}", fix='open it with mode "rb"'
    )


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
    """Return the image with its EXIF orientation applied; the same object when there is none.

    EXIF data that cannot be read says nothing, as in every viewer.
    """
    import PIL.Image

    try:
        method = _UPRIGHT_BY.get(image.getexif().get(_ORIENTATION, 1))
    except DECODE_ERRORS:
        return image
    return image.transpose(PIL.Image.Transpose[method]) if method else image


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
    except (PIL.Image.DecompressionBombError, PIL.Image.DecompressionBombWarning) as error:
        raise ImageFileError(
            "an image of a safe size",
            got=f"{what}: {error}",
            fix="raise PIL.Image.MAX_IMAGE_PIXELS if you trust the file",
        ) from None
    except DimensionError:
        raise
    except DECODE_ERRORS as error:
        raise undecodable(f"{what} that do", error) from error
    return image


def undecodable(what: str, error: Exception) -> ImageFileError:
    """Return the error for a picture that is cut or damaged; `what` ends in "that does"."""
    return ImageFileError(
        "a whole image file",
        got=f"{what} not decode ({error})",
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
