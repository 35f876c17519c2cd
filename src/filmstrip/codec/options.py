"""Encode options: what a file type leaves open."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EncodeOptions"]


@dataclass(frozen=True, slots=True)
class EncodeOptions:
    """How a picture is encoded, where its file type leaves a choice.

    Parameters
    ----------
    quality
        JPEG: 1 to 100, Pillow's 75 when ``None``. WebP: 0 to 100, and makes the file lossy.
    lossless
        WebP: ``None`` means lossless unless there is a quality; ``True`` means lossless, with the
        quality as the effort to compress; ``False`` means lossy, with Pillow's quality of 80 when
        there is none.

    Examples
    --------
    >>> EncodeOptions(quality=90)
    EncodeOptions(quality=90, lossless=None)
    """

    quality: int | None = None
    lossless: bool | None = None
