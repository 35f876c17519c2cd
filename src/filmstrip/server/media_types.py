"""Which stored pictures a browser may show in place; everything else is a download."""

from __future__ import annotations

__all__ = ["DOWNLOAD_TYPE", "is_shown", "media_type_of"]

DOWNLOAD_TYPE = "application/octet-stream"

_SHOWN = {
    "png": "image/png",
    "apng": "image/png",
    "jpg": "image/jpeg",
    "jpeg": "image/jpeg",
    "jpe": "image/jpeg",
    "jfif": "image/jpeg",
    "jif": "image/jpeg",
    "webp": "image/webp",
    "gif": "image/gif",
    "bmp": "image/bmp",
    "avif": "image/avif",
}
"""Raster types that every browser decodes and none runs scripts of, by file ending."""


def media_type_of(format: str) -> str:
    """Return the media type that a stored picture is sent with.

    Examples
    --------
    >>> media_type_of("jpg"), media_type_of("tiff"), media_type_of("svg")
    ('image/jpeg', 'application/octet-stream', 'application/octet-stream')
    """
    return _SHOWN.get(format, DOWNLOAD_TYPE)


def is_shown(format: str) -> bool:
    """Return whether a browser shows this type in place.

    Examples
    --------
    >>> is_shown("png"), is_shown("svg")
    (True, False)
    """
    return format in _SHOWN
