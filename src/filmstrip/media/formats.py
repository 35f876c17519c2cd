"""The file types that filmstrip writes, and what each can hold."""

from __future__ import annotations

from dataclasses import dataclass

from filmstrip.errors import OptionError

__all__ = ["FILE_TYPES", "FileType", "file_type_named"]


@dataclass(frozen=True, slots=True)
class FileType:
    """One way to store a picture."""

    name: str
    """Also the file ending."""
    pil_format: str
    media_type: str
    modes: frozenset[str]
    """PIL modes that it holds as they are."""
    has_alpha: bool
    is_lossless: bool
    max_side: int = 65500
    """The longest side in pixels."""


_PNG = FileType(
    "png", "PNG", "image/png", frozenset({"1", "L", "LA", "P", "RGB", "RGBA", "I;16"}), True, True
)
_JPG = FileType("jpg", "JPEG", "image/jpeg", frozenset({"L", "RGB", "CMYK"}), False, False)
_JPEG = FileType("jpeg", "JPEG", "image/jpeg", _JPG.modes, False, False)
_WEBP = FileType("webp", "WEBP", "image/webp", frozenset({"RGB", "RGBA"}), True, True, 16383)
_BMP = FileType("bmp", "BMP", "image/bmp", frozenset({"1", "L", "P", "RGB"}), False, True)

FILE_TYPES: dict[str, FileType] = {t.name: t for t in (_PNG, _JPG, _JPEG, _WEBP, _BMP)}
"""By name, as ``file_type=`` takes it."""


def file_type_named(name: str | None) -> FileType:
    """Return the file type of this name, PNG for None.

    Raises
    ------
    OptionError
        filmstrip writes no such type.

    Examples
    --------
    >>> file_type_named("JPEG").pil_format
    'JPEG'
    """
    if name is None:
        return _PNG
    found = FILE_TYPES.get(name.lower().removeprefix(".")) if isinstance(name, str) else None
    if found is None:
        raise OptionError(
            f"file_type to be one of {', '.join(FILE_TYPES)}",
            got=repr(name),
            fix="leave it out for png",
        )
    return found
