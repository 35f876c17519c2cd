"""Frame: the pixels of one picture, ready to be encoded."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import msgspec
import xxhash

if TYPE_CHECKING:
    import numpy.typing as npt
    from PIL.Image import Image as PILImage

__all__ = ["DIGEST_SEED", "Frame", "digest_of"]

DIGEST_SEED = secrets.randbits(63)
"""Of this process's digests: nobody outside can make two pictures that have the same."""

# Pillow's name for the bytes of an array, where it is not the name of the mode.
_RAW_MODES = {"1": "1;8"}


class Frame(msgspec.Struct, frozen=True, eq=False):
    """Pixels of one picture, owned, at least 1 x 1, C-contiguous, and never changed.

    Examples
    --------
    >>> import numpy as np
    >>> frame = Frame(np.zeros((4, 6, 3), np.uint8), "RGB")
    >>> frame.width, frame.height, frame.size_bytes
    (6, 4, 72)
    """

    pixels: npt.NDArray[Any]
    """(H, W) or (H, W, C): uint8, uint16 for mode ``I;16``, bool for mode ``1``."""
    mode: str
    """PIL mode: ``1``, ``L``, ``LA``, ``P``, ``RGB``, ``RGBA``, ``CMYK`` or ``I;16``."""
    palette: bytes | None = None
    """Mode ``P``: red, green and blue of each index, one after the other."""
    transparency: bytes | None = None
    """Mode ``P``: alpha of each index from 0 on; indices past its end are opaque."""
    digest: bytes = b""
    """`digest_of` the pixels, where it was taken while they were at hand."""

    def __reduce__(self) -> tuple[Any, ...]:
        # The digest is this process's own: another would take the pixels for damaged ones.
        return Frame, (self.pixels, self.mode, self.palette, self.transparency)

    @property
    def width(self) -> int:
        """Width in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """Height in pixels."""
        return int(self.pixels.shape[0])

    @property
    def size_bytes(self) -> int:
        """Size of the pixels in memory."""
        return int(self.pixels.nbytes)

    def to_pil(self) -> PILImage:
        """Return a PIL image of these pixels, of the same mode.

        Where Pillow can (modes L, P, RGBA, CMYK and I;16) the image refers to the frame's memory;
        Pillow itself copies before it changes a pixel of such an image.

        Examples
        --------
        >>> import numpy as np
        >>> Frame(np.full((1, 2), 7, np.uint8), "L").to_pil().getpixel((1, 0))
        7
        """
        import PIL.Image

        size, raw_mode = (self.width, self.height), _RAW_MODES.get(self.mode, self.mode)
        pixels = self.pixels
        if self.mode == "I;16":
            pixels = pixels.astype("<u2", copy=False)  # what Pillow means by I;16 on any machine
        image = PIL.Image.frombuffer(self.mode, size, pixels, "raw", raw_mode, 0, 1)
        if self.palette is not None:
            image.putpalette(self.palette, "RGB")
        if self.transparency is not None:
            image.info["transparency"] = self.transparency
        return image


def digest_of(data: Any, seed: int = DIGEST_SEED) -> bytes:
    """Return the xxh3-128 of a C-contiguous buffer: 0.02 ms for 512 × 512 × 3 bytes.

    Examples
    --------
    >>> digest_of(b"pixels") == digest_of(bytearray(b"pixels")), len(digest_of(b""))
    (True, 16)
    """
    return xxhash.xxh3_128_digest(data, seed=seed)
